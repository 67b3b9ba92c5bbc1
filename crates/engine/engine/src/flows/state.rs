//! What each key has read, in memory, and its way to where it is kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_flow::{
    Approved, Call, Cause, Fallen, Flow, Judged, Key, Label, Outcome, Rules, Thread, Ticket,
};
use doorward_types::{ServerName, Timestamp};
use futures_util::lock::Mutex as AsyncMutex;

use super::FlowRules;
use crate::ports::{KeptLabels, LabelsError, Ports};

/// How often others may write in between before something is wrong.
const TRIES: usize = 8;

/// The labels of everybody who uses this door.
#[derive(Default)]
pub(crate) struct Flows {
    states: Mutex<HashMap<Key, Arc<State>>>,
}

/// The labels of one key.
pub(crate) struct State {
    key: Key,
    now: Mutex<Now>,
    /// One reads or writes them down.
    keeping: AsyncMutex<()>,
}

#[derive(Default)]
struct Now {
    flow: Flow,
    /// What is written down of it.
    kept: Flow,
    /// How often labels were given up: what was written before that is washed off, whoever still holds it.
    given_up: u64,
    version: u64,
    /// What the outside said of others' writing when it was last read.
    seen: Option<u64>,
}

impl Flows {
    pub(crate) fn of(&self, key: &Key) -> Arc<State> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.get(key) {
            return Arc::clone(state);
        }
        let state = Arc::new(State { key: key.clone(), now: Mutex::default(), keeping: AsyncMutex::new(()) });
        states.insert(key.clone(), Arc::clone(&state));
        state
    }

    /// Forgets who has been away for so long that their labels have fallen, and has no call that runs.
    pub(super) fn sweep(&self, idle: Duration, now: Timestamp) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|_, state| {
            let held = state.now();
            let away = held.flow.seen().is_none_or(|seen| now.since(seen) >= idle);
            !away || held.flow.is_busy() || Arc::strong_count(state) > 1
        });
    }

    /// A session is over: what was read in it counts for every other of its key's. Whoever could end one and begin another
    /// would otherwise wash its labels off.
    pub(crate) fn end(&self, server: &ServerName, session: &str) {
        let Some(thread) = Thread::session(server, &super::named(session)) else { return };
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.values().for_each(|state| state.now().flow.end(&thread));
    }
}

impl State {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what others have written since. That is another process: a guard beside this one, or a person's own act.
    pub(super) async fn refresh<P: Ports>(
        &self,
        ports: &P,
        server: &ServerName,
        now: Timestamp,
    ) -> Result<Option<Fallen>, ()> {
        let seen = ports.labels_seen().await;
        if self.now().seen == Some(seen) {
            return Ok(None);
        }
        let _one = self.keeping.lock().await;
        if self.now().seen == Some(seen) {
            return Ok(None);
        }
        let fallen = self.read(ports, server, now).await?;
        self.now().seen = Some(seen);
        Ok(fallen)
    }

    /// Reads what is written. Returns what fell by it: others gave labels up that are held here.
    async fn read<P: Ports>(
        &self,
        ports: &P,
        server: &ServerName,
        now: Timestamp,
    ) -> Result<Option<Fallen>, ()> {
        let row = match ports.read_labels(&self.key, now).await {
            Ok(row) => row,
            Err(LabelsError::Spoilt(version)) => {
                let text = Flow::lost(server, now).to_json().into_bytes();
                // Whatever was given up before, this was not.
                Some(KeptLabels { given_up: self.now().given_up, version, text })
            }
            Err(LabelsError::Unavailable) => return Err(()),
        };
        let mut held = self.now();
        let Some(row) = row else {
            (held.version, held.kept) = (0, Flow::default());
            return Ok(None);
        };
        let mut flow = Flow::read(&row.text).unwrap_or_else(|_| Flow::lost(server, now));
        if held.seen.is_none() {
            flow.end_sessions();
        }
        held.version = row.version;
        held.kept = flow.clone();
        let mut fallen = None;
        if row.given_up > held.given_up {
            let label = held.flow.label();
            let cause = Cause::Act { who: String::new(), why: String::new() };
            fallen =
                (held.seen.is_some() && label != Label::BOTTOM).then_some(Fallen { label, cause, at: now });
            held.given_up = row.given_up;
            held.flow.take_over(flow);
        } else if row.given_up == held.given_up {
            held.flow.absorb(flow);
        }
        Ok(fallen)
    }

    /// Writes down what was read, if that is more than is written. A call that runs is written as if it had answered.
    pub(super) async fn write<P: Ports>(
        &self,
        ports: &P,
        server: &ServerName,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<(), ()> {
        if !self.is_ahead(rules) {
            return Ok(());
        }
        let _one = self.keeping.lock().await;
        for _ in 0..TRIES {
            if !self.is_ahead(rules) {
                return Ok(());
            }
            let (ended, row) = {
                let held = self.now();
                let ended = held.flow.ended();
                let text = ended.to_json().into_bytes();
                (ended, KeptLabels { given_up: held.given_up, version: held.version, text })
            };
            match ports.write_labels(&self.key, &row, now.plus(rules.idle).plus(rules.idle)).await {
                Ok(Some(version)) => {
                    let mut held = self.now();
                    (held.version, held.kept) = (version, ended);
                    return Ok(());
                }
                // Somebody was faster.
                Ok(None) => drop(self.read(ports, server, now).await?),
                Err(_) => return Err(()),
            }
        }
        Err(())
    }

    /// Says whether more was read than is written; or when that was, by so much that another could take it for an idle
    /// evening.
    fn is_ahead(&self, rules: &Rules) -> bool {
        let held = self.now();
        let late = match (held.flow.seen(), held.kept.seen()) {
            (Some(seen), Some(kept)) => seen.since(kept) >= rules.idle / 32,
            (seen, _) => seen.is_some(),
        };
        late || !held.flow.ended().has_read_as(&held.kept)
    }

    pub(super) fn before(
        &self,
        call: &Call<'_>,
        approved: Option<Approved>,
        rules: &FlowRules,
        now: Timestamp,
    ) -> Judged {
        let mut held = self.now();
        let judged = held.flow.before(call, approved, &rules.labels, &rules.rules, now);
        held.given_up += u64::from(judged.fallen.is_some());
        judged
    }

    pub(super) fn unjudged(&self, call: &Call<'_>, rules: &FlowRules, now: Timestamp) -> Ticket {
        self.now().flow.unjudged(call, &rules.labels, now)
    }

    pub(super) fn shown(&self, server: &ServerName, thread: Option<Thread>, now: Timestamp) {
        self.now().flow.shown(server, thread, now);
    }
}

/// One call on its way. However it ends, its ticket goes back exactly once: with the answer, or when nobody holds this any
/// more.
pub(crate) struct Passage {
    state: Arc<State>,
    ticket: Mutex<Option<Ticket>>,
    sent: AtomicBool,
    begun: Timestamp,
}

impl Passage {
    pub(super) fn new(state: Arc<State>, ticket: Ticket, begun: Timestamp) -> Self {
        Self { state, ticket: Mutex::new(Some(ticket)), sent: AtomicBool::new(false), begun }
    }

    pub(super) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// From here on its server may have heard it.
    pub(crate) fn sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }

    /// Its server never heard it.
    pub(crate) fn not_sent(&self) {
        self.sent.store(false, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, now: Timestamp) {
        self.give_back(Outcome::Answered(Label::BOTTOM), now);
    }

    fn give_back(&self, outcome: Outcome, now: Timestamp) {
        let ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ticket) = ticket {
            self.state.now().flow.after(ticket, outcome, now);
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        // Whoever leaves while it runs has not made it harmless.
        let outcome = match self.sent.load(Ordering::Relaxed) {
            true => Outcome::Answered(Label::BOTTOM),
            false => Outcome::NotSent,
        };
        self.give_back(outcome, self.begun);
    }
}
