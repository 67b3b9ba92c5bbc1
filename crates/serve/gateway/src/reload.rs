//! Policies and bundles of rules that change while the door is open: read again, compiled whole, and swapped in one step, or
//! not at all.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use doorward_audit::Grant;
use doorward_config::Config;
use doorward_engine::{Door, Snapshot};
use notify::{RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};

use crate::build::{BuildError, Built, bundles, cloud, read_policies, rules};
use crate::ports::GatewayPorts;

/// Editors write a file in several steps: what happens within this time is one change.
const SETTLE: Duration = Duration::from_millis(200);

/// Watches the folders until the door closes.
pub(crate) fn watch(built: &Built, drain: watch::Receiver<bool>) -> tokio::task::JoinHandle<()> {
    let config = built.config.clone();
    let door = Arc::clone(&built.door);
    let mut dirs = vec![config.policy.dir.clone()];
    // Whoever trusts nobody's bundles has no folder of them.
    if !config.rules.keys.is_empty() {
        dirs.push(config.rules.dir.clone());
    }
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(follow(dirs, (sender, receiver), drain, door, config))
}

async fn follow(
    dirs: Vec<PathBuf>,
    (sender, mut receiver): (mpsc::Sender<()>, mpsc::Receiver<()>),
    mut drain: watch::Receiver<bool>,
    door: Arc<Door<GatewayPorts>>,
    config: Config,
) {
    let config = Arc::new(config);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // A full channel means that a change is waiting to be read already.
        if event.is_ok_and(|event| !event.kind.is_access()) && sender.try_send(()).is_err() {
            tracing::trace!("a change of the policies is already waiting");
        }
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::error!(%error, "policies and rules cannot be watched: a change needs a restart");
            return;
        }
    };
    // The folders, not the files: editors replace files, and a watch on the old one would see nothing more.
    for dir in &dirs {
        // The one of bundles is made by the first that is installed.
        let watched = std::fs::create_dir_all(dir)
            .map_err(notify::Error::io)
            .and_then(|()| watcher.watch(dir, RecursiveMode::NonRecursive));
        if let Err(error) = watched {
            tracing::error!(dir = %dir.display(), %error, "it cannot be watched: a change of it needs a restart");
        }
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
        let (anew, config) = (Arc::clone(&door), Arc::clone(&config));
        match tokio::task::spawn_blocking(move || reload(&anew, &config)).await {
            Ok(None) => {}
            Ok(Some(rules)) => record(&door, &rules).await,
            Err(_) => tracing::error!("reading policies and rules again failed; the old ones stay"),
        }
    }
}

/// Says which rules count from now on: whoever looks at the record later knows what the door could have found then.
async fn record(door: &Door<GatewayPorts>, rules: &str) {
    let reason = Some(if rules.is_empty() { "none" } else { rules });
    let change =
        Grant { what: "rules-changed", subject: None, client: None, server: None, grant: None, reason };
    if let Err(error) = door.ports().journal.log.grant(&change, SystemTime::now().into()).await {
        tracing::error!(%error, rules, "the rules changed, and the record does not say so");
    }
}

/// Returns which rules beside those that are built in count, if others did before.
fn reload(door: &Door<GatewayPorts>, config: &Config) -> Option<String> {
    let rules_of = |snapshot: &Snapshot| {
        snapshot.servers().next().map(|server| server.bundles.id().to_owned()).unwrap_or_default()
    };
    let before = rules_of(&door.snapshot());
    let invalid = |problems| BuildError::Policies { dir: config.policy.dir.clone(), problems };
    let swapped = read_policies(&config.policy.dir).and_then(|text| {
        let cloud = cloud(config)?;
        let bundles = bundles(&config.rules)?;
        door.swap(|now| {
            let mut rules = rules(config, &cloud, &door.ports().pages, &bundles);
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
        Ok(snapshot) => {
            tracing::info!(snapshot, "policies and rules are read again and in force");
            Some(rules_of(&door.snapshot())).filter(|now| *now != before)
        }
        Err(error) => {
            tracing::error!(%error, "what changed is not valid: the old policies and rules stay in force");
            None
        }
    }
}
