//! What a door holds in memory of its pins, and how it takes up what others did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use doorward_engine::{Drifted, Elsewhere, Learned, PinSet, Pins, PinsUnwritable};
use doorward_pins::Kind;
use doorward_store::StoreError;
use doorward_types::{ServerName, Timestamp};

use crate::acts::Act;
use crate::board::{Kept, Pinboard, Waiting};
use crate::error::PinboardError;

/// Who did an act writes it into a log themselves, if they can; what is still unwritten after this, a door writes.
const PATIENCE: Duration = Duration::from_secs(3);

/// The pins of a door's servers, ready to be asked on every message.
pub struct Watch {
    board: Pinboard,
    own: Vec<ServerName>,
    held: RwLock<BTreeMap<ServerName, Held>>,
    seen: Mutex<Option<(i64, u64)>>,
    others: Mutex<BTreeMap<ServerName, (u64, Vec<String>)>>,
}

struct Held {
    version: u64,
    pins: Pins,
    unrecorded: Vec<Act>,
    elsewhere: Arc<[Elsewhere]>,
}

impl Watch {
    /// Reads what is kept of these servers. One whose rows are spoilt is shut, and the others are not.
    pub async fn open(board: Pinboard, own: Vec<ServerName>, now: Timestamp) -> Self {
        let watch =
            Self { board, own, held: RwLock::default(), seen: Mutex::default(), others: Mutex::default() };
        watch.catch_up(now).await;
        watch
    }

    /// Returns where acts are done.
    pub fn board(&self) -> &Pinboard {
        &self.board
    }

    /// Returns what was agreed to of a server.
    pub fn pins(&self, server: &ServerName) -> Pins {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(server).map_or(Pins::Off, |held| held.pins.clone())
    }

    /// Returns the tools that are pinned of other servers.
    pub fn elsewhere(&self, server: &ServerName) -> Arc<[Elsewhere]> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(server).map_or_else(|| Arc::from([]), |held| Arc::clone(&held.elsewhere))
    }

    /// Keeps a list that is seen for the first time.
    ///
    /// # Errors
    /// When it cannot be kept: the log has why.
    pub async fn remember(&self, learned: Learned<'_>, now: Timestamp) -> Result<(), PinsUnwritable> {
        match self.board.remember(&learned, now).await {
            Ok(kept) => {
                self.hold(&kept);
                self.spread();
                Ok(())
            }
            Err(error) => {
                let server = &learned.server.name;
                tracing::error!(%server, %error, "what the server offers cannot be remembered, so it is not shown");
                Err(PinsUnwritable)
            }
        }
    }

    /// Keeps what a person can agree to.
    pub async fn wait(&self, drifted: &[Drifted], now: Timestamp) {
        let mut by_server: BTreeMap<&ServerName, Vec<Waiting>> = BTreeMap::new();
        for one in drifted {
            let Some(definition) = &one.definition else { continue };
            by_server.entry(&one.server.name).or_default().push(Waiting {
                server: one.server.clone(),
                what: one.what.to_owned(),
                why: one.why.clone(),
                seen: now,
                definition: definition.clone(),
            });
        }
        for (server, waiting) in by_server {
            if let Err(error) = self.board.wait(&waiting, now).await {
                tracing::error!(%server, %error, "what waits for a person cannot be kept; it stays blocked");
            }
        }
    }

    /// Takes up what other processes did; called every second at least. It costs a look at the database's version where nobody
    /// wrote.
    pub async fn catch_up(&self, now: Timestamp) {
        let version = match self.board.store().data_version().await {
            Ok(version) => (version, self.board.changes()),
            Err(error) => {
                tracing::warn!(%error, "the store does not say whether pins have changed");
                return;
            }
        };
        if *locked(&self.seen) == Some(version) {
            return;
        }
        let mut is_whole = true;
        for server in &self.own {
            is_whole &= self.catch_up_with(server, now).await;
        }
        self.look_elsewhere(now).await;
        if is_whole {
            *locked(&self.seen) = Some(version);
        }
    }

    /// Takes up what is kept of one server; false where that has to be tried again.
    async fn catch_up_with(&self, server: &ServerName, now: Timestamp) -> bool {
        let known = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            held.get(server).filter(|held| matches!(held.pins, Pins::Are(_))).map(|held| held.version)
        };
        let kept = match self.board.version(server, now).await {
            Ok(version) if known == Some(version) => return true,
            Ok(_) => self.board.read(server, now).await,
            Err(error) => Err(error),
        };
        match kept {
            Ok(kept) => {
                self.hold(&kept);
                true
            }
            // It is there and does not answer: what is held still counts.
            Err(
                PinboardError::Store(StoreError::Unavailable { .. } | StoreError::KeysUnavailable { .. })
                | PinboardError::Busy(_),
            ) if known.is_some() => false,
            Err(error) => {
                tracing::error!(%server, %error, "the server is shut: what was agreed to of it cannot be read");
                self.shut(server);
                false
            }
        }
    }

    fn hold(&self, kept: &Kept) {
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.get(&kept.server);
        // A list that was read earlier than one that is held already does not take its place.
        if before.is_some_and(|held| matches!(held.pins, Pins::Are(_)) && held.version > kept.version) {
            return;
        }
        let elsewhere = before.map_or_else(|| Arc::from([]), |held| Arc::clone(&held.elsewhere));
        let set: PinSet = kept.set();
        let held = Held {
            version: kept.version,
            pins: Pins::Are(Arc::new(set)),
            unrecorded: kept.unrecorded().to_vec(),
            elsewhere,
        };
        all.insert(kept.server.clone(), held);
        drop(all);
        locked(&self.others).insert(kept.server.clone(), (kept.version, tools(kept)));
    }

    fn shut(&self, server: &ServerName) {
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let held = Held { version: 0, pins: Pins::Shut, unrecorded: Vec::new(), elsewhere: Arc::from([]) };
        all.insert(server.clone(), held);
    }

    /// Looks which tools other servers have: those of this door, and those of other doors at the same store.
    async fn look_elsewhere(&self, now: Timestamp) {
        let Ok(servers) = self.board.servers(now).await else { return };
        for server in servers.iter().filter(|server| !self.own.contains(server)) {
            let Ok(version) = self.board.version(server, now).await else { continue };
            let known = locked(&self.others).get(server).map(|(version, _)| *version);
            if known == Some(version) {
                continue;
            }
            if let Ok(kept) = self.board.read(server, now).await {
                locked(&self.others).insert(server.clone(), (kept.version, tools(&kept)));
            }
        }
        self.spread();
    }

    /// Tells each server what the others have.
    fn spread(&self) {
        let others = locked(&self.others);
        let mut all = self.held.write().unwrap_or_else(PoisonError::into_inner);
        for (own, held) in all.iter_mut() {
            let elsewhere =
                others.iter().filter(|(server, _)| *server != own).flat_map(|(server, (_, names))| {
                    names.iter().map(|name| Elsewhere { server: server.clone(), name: name.clone() })
                });
            held.elsewhere = elsewhere.collect();
        }
    }

    /// Forgets acts that an audit log has now.
    pub(crate) async fn settle(
        &self,
        server: &ServerName,
        acts: &[Act],
        now: Timestamp,
    ) -> Result<(), PinboardError> {
        let kept = self.board.recorded(server, acts, now).await?;
        self.hold(&kept);
        Ok(())
    }

    /// Returns acts that nobody has written into an audit log, though there was time: to be written by this door, which then
    /// says [`recorded`](Pinboard::recorded).
    pub fn unrecorded(&self, now: Timestamp) -> Vec<(ServerName, Vec<Act>)> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let late = |act: &&Act| now.since(act.at) >= PATIENCE;
        held.iter()
            .map(|(server, held)| (server.clone(), held.unrecorded.iter().filter(late).cloned().collect()))
            .filter(|(_, acts): &(ServerName, Vec<Act>)| !acts.is_empty())
            .collect()
    }
}

fn tools(kept: &Kept) -> Vec<String> {
    let tools = kept.pins.iter().filter(|pin| pin.kind() == Kind::Tool);
    tools.map(|pin| pin.name().to_owned()).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
