//! Policies that change while the door is open: read again, compiled whole, and swapped in one step, or not at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use doorward_engine::{Door, Snapshot};
use notify::{RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};

use crate::build::{BuildError, Built, cloud, read_policies, rules};
use crate::ports::GatewayPorts;

/// Editors write a file in several steps: what happens within this time is one change.
const SETTLE: Duration = Duration::from_millis(200);

/// Watches the policy folder until the door closes.
pub(crate) fn watch(built: &Built, drain: watch::Receiver<bool>) -> tokio::task::JoinHandle<()> {
    let config = built.config.clone();
    let door = Arc::clone(&built.door);
    let dir = config.policy.dir.clone();
    let (sender, receiver) = mpsc::channel(1);
    let reload = move || reload(&door, &config);
    tokio::spawn(follow(dir, sender, receiver, drain, reload))
}

async fn follow(
    dir: PathBuf,
    sender: mpsc::Sender<()>,
    mut receiver: mpsc::Receiver<()>,
    mut drain: watch::Receiver<bool>,
    reload: impl Fn() + Send + Sync + Clone + 'static,
) {
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // A full channel means that a change is waiting to be read already.
        if event.is_ok_and(|event| !event.kind.is_access()) && sender.try_send(()).is_err() {
            tracing::trace!("a change of the policies is already waiting");
        }
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::error!(%error, "policies cannot be watched: a change needs a restart");
            return;
        }
    };
    // The folder, not the files: editors replace files, and a watch on the old one would see nothing more.
    if let Err(error) = watcher.watch(&dir, RecursiveMode::NonRecursive) {
        tracing::error!(dir = %dir.display(), %error, "policies cannot be watched: a change needs a restart");
        return;
    }
    loop {
        tokio::select! {
            change = receiver.recv() => if change.is_none() {
                return;
            },
            changed = drain.changed() => {
                if changed.is_err() || *drain.borrow() {
                    return;
                }
                continue;
            }
        }
        tokio::time::sleep(SETTLE).await;
        while receiver.try_recv().is_ok() {}
        let reload = reload.clone();
        if tokio::task::spawn_blocking(reload).await.is_err() {
            tracing::error!("reading the policies again failed; the old ones stay");
        }
    }
}

fn reload(door: &Door<GatewayPorts>, config: &doorward_config::Config) {
    let invalid = |problems| BuildError::Policies { dir: config.policy.dir.clone(), problems };
    let swapped = read_policies(&config.policy.dir).and_then(|text| {
        let cloud = cloud(config)?;
        door.swap(|now| {
            let mut rules = rules(config, &cloud, &door.ports().pages);
            // The servers are the same: what was found out about them stays.
            for rules in &mut rules {
                if let Some(now) = now.server(rules.name.as_str()) {
                    rules.acquaintance = Arc::clone(&now.acquaintance);
                }
            }
            Snapshot::compile(now.id() + 1, rules, Arc::new(text), now.known().clone()).map_err(invalid)
        })
    });
    match swapped {
        Ok(snapshot) => tracing::info!(snapshot, "the policies changed and are in force"),
        Err(error) => {
            tracing::error!(%error, "the changed policies are not valid: the old ones stay in force")
        }
    }
}
