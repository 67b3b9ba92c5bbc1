//! One door: its ports, its snapshot, its sessions. Everything that outlives a frame.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use doorward_issuer::dpop::Possession;
use doorward_types::{ServerName, Timestamp};
use doorward_wire::Era;

use crate::catalogue::{Catalogue, Catalogues, Known, current, single};
use crate::change::Change;
use crate::down::{Links, Parking};
use crate::eras::{Spoken, bare, discovers, tell_apart};
use crate::errand::{Errand, ErrandKind};
use crate::eyes::Eyes;
use crate::flows::Flows;
use crate::leaks::Leaks;
use crate::pinned::{introduced, is_strange};
use crate::ports::{Ports, RandomUnavailable, UpstreamError, UpstreamFault};
use crate::record::CallId;
use crate::refusal::{Reason, Refusal};
use crate::replay::Shelf;
use crate::rounds::Rounds;
use crate::sessions::{Bridged, Owner, Session, SessionRules, Sessions};
use crate::snapshot::{ServerRules, Snapshot};
use crate::stage::Caller;
use crate::streams::Unasked;
use crate::tasks::Tasks;

/// The bounds of a door.
#[derive(Debug, Clone, Copy)]
pub struct DoorLimits {
    /// Legacy sessions.
    pub sessions: SessionRules,
    /// Whether a client of 2025-11-25 that loses a stream finds its call, and what it missed, when it comes back.
    pub resume: bool,
}

/// One door. Shared by all of its connections.
pub struct Door<P: Ports> {
    pub(crate) ports: P,
    snapshot: RwLock<Arc<Snapshot>>,
    pub(crate) sessions: Sessions<P::Link>,
    pub(crate) catalogues: Catalogues,
    /// Catalogues that the policies do not fit, so that each is compiled against once.
    unfit: Mutex<HashMap<ServerName, Arc<Catalogue>>>,
    ids: AtomicI64,
    boot: [u8; 8],
    calls: AtomicU64,
    epoch: AtomicU64,
    possession: Arc<Possession>,
    pub(crate) rounds: Arc<Rounds>,
    /// Sessions held at old servers for clients that have none, and the calls in them that wait.
    pub(crate) links: Links<P::Link>,
    pub(crate) parked: Parking<P>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) eyes: Arc<Eyes>,
    pub(crate) flows: Flows,
    pub(crate) leaks: Arc<Leaks>,
    pub(crate) unasked: Unasked<P::Events>,
    /// What is kept for those who come back; none where that is turned off.
    pub(crate) shelf: Option<Arc<Shelf>>,
    /// Announced when the snapshot or the epoch changes.
    pub(crate) change: Change,
}

impl<P: Ports> Door<P> {
    /// Hangs a door.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn new(ports: P, snapshot: Snapshot, limits: DoorLimits) -> Result<Self, RandomUnavailable> {
        let drawn = ports.random()?;
        let mut boot = [0; 8];
        boot.iter_mut().zip(drawn).for_each(|(to, from)| *to = from);
        Ok(Self {
            snapshot: RwLock::new(Arc::new(snapshot)),
            sessions: Sessions::new(limits.sessions),
            catalogues: Catalogues::default(),
            unfit: Mutex::new(HashMap::new()),
            ids: AtomicI64::new(1),
            boot,
            calls: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            rounds: Arc::new(Rounds::new(&ports)?),
            links: Links::default(),
            parked: Parking::default(),
            tasks: Arc::default(),
            eyes: Arc::default(),
            flows: Flows::default(),
            leaks: Arc::new(Leaks::new(ports.random()?)),
            unasked: Unasked::default(),
            shelf: if limits.resume { Some(Arc::new(Shelf::new(&ports)?)) } else { None },
            possession: Arc::new(Possession::new(&ports.random()?)),
            change: Change::default(),
            ports,
        })
    }

    /// Returns the ports.
    pub fn ports(&self) -> &P {
        &self.ports
    }

    /// Returns what judges proofs of possession, at this door and at its authorization server alike.
    pub fn possession(&self) -> &Arc<Possession> {
        &self.possession
    }

    /// Returns the snapshot that a frame arriving now is judged under.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Swaps the snapshot whole for what `next` makes of the present one, and returns the new one's number. Frames on
    /// their way finish under the one they began with; open streams are judged under the new one from now on (D-03).
    ///
    /// # Errors
    /// What `next` says; then the present snapshot stays.
    pub fn swap<E>(&self, next: impl FnOnce(&Snapshot) -> Result<Snapshot, E>) -> Result<u64, E> {
        // Held throughout: what the door learns of a server meanwhile was compiled with the old policies, and must not
        // take the place of the new ones (a permit that was taken away would be back).
        let mut unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        let next = next(&self.snapshot())?;
        let id = next.id();
        // What did not fit the old policies may fit these.
        unfit.clear();
        self.put(next);
        drop(unfit);
        self.change.announce();
        Ok(id)
    }

    fn put(&self, snapshot: Snapshot) -> Arc<Snapshot> {
        let snapshot = Arc::new(snapshot);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&snapshot);
        snapshot
    }

    /// Returns the revocation epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Raises the revocation epoch, because something was revoked or a key withdrawn: every token is asked about again on
    /// its next use, and every stream asks at once whether its caller is still admitted.
    pub fn raise_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.change.announce();
    }

    /// Forgets every token whose key is no longer at hand, and ends the streams of their callers: a key that was
    /// withdrawn opens nothing more (TOK-03).
    pub fn forget_keys(&self) {
        let published = self.ports.keys();
        for rules in self.snapshot().servers() {
            let mut tokens = rules.tokens.write().unwrap_or_else(PoisonError::into_inner);
            tokens.retain_kids(|kid| published.has(kid));
        }
        self.raise_epoch();
    }

    /// Returns how many legacy sessions are open.
    pub fn sessions(&self) -> usize {
        self.sessions.total()
    }

    /// Ends the sessions that have outlived their rules, and forgets tasks; called from time to time.
    pub fn sweep(&self, now: Timestamp) -> usize {
        self.tasks.sweep(now);
        self.sweep_labels(now);
        let ended = self.sessions.sweep(now);
        self.close(&ended);
        // Dropped, they let go of their servers' calls.
        drop(self.parked.sweep(now));
        self.links.sweep();
        ended.len()
    }

    /// Ends every session of an owner, or all of them.
    pub fn end_sessions(&self, of: Option<&Owner>) -> usize {
        self.end_sessions_where(|session| of.is_none_or(|owner| session == owner))
    }

    /// Ends the sessions of all owners for whom `which` holds: of one person, or of one client.
    pub fn end_sessions_where(&self, which: impl Fn(&Owner) -> bool) -> usize {
        let ended = self.sessions.matching(|session| which(session.owner()));
        self.close(&ended);
        ended.len()
    }

    /// Ends one session; nothing if it has ended already.
    pub(crate) fn end_session(&self, session: &Session<P::Link>) {
        if self.sessions.end(session) {
            self.close(&[session]);
        }
    }

    /// Tells everybody that sessions have ended: their servers, and the streams of those that have no link to tell them.
    fn close<S: std::ops::Deref<Target = Session<P::Link>>>(&self, ended: &[S]) {
        ended.iter().for_each(|session| self.unasked.forget(session.id()));
        // Only where a session narrows anything.
        let narrows = |server: &Arc<ServerRules>| !server.flow.rules.narrowing.is_empty();
        if self.snapshot().servers().next().is_some_and(narrows) {
            ended.iter().for_each(|session| self.flows.end(session.server(), session.id()));
        }
        ended
            .iter()
            .filter_map(|session| session.link.as_ref())
            .for_each(|link| self.ports.close(Arc::clone(link)));
        if ended.iter().any(|session| !matches!(session.bridged, Bridged::No)) {
            self.change.announce();
        }
    }

    pub(crate) fn next_id(&self) -> i64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a trace id for a request that brought none.
    pub fn new_trace(&self) -> [u8; 16] {
        self.next_call().0
    }

    /// A call's name: random for each start of the door, counted within it.
    pub(crate) fn next_call(&self) -> CallId {
        let mut id = [0; 16];
        let count = self.calls.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        id.iter_mut().zip(self.boot.iter().chain(&count)).for_each(|(to, from)| *to = *from);
        CallId(id)
    }

    /// Learns what a server offers, over a link of the door's own, so that policies can be compiled against it before
    /// any caller has opened one. A server that is called with a credential of each person's own is asked on behalf of
    /// the first verified caller who comes.
    ///
    /// # Errors
    /// When the server cannot be asked: it has no permits until it can.
    pub async fn acquaint(
        &self,
        server: &Arc<ServerRules>,
        caller: Option<&Arc<Caller>>,
    ) -> Result<Arc<Snapshot>, UpstreamError> {
        self.meet(server, caller, Era::Legacy).await.map(|(snapshot, _)| snapshot)
    }

    /// As [`acquaint`](Self::acquaint), and says what the server speaks.
    pub(crate) async fn meet(
        &self,
        server: &Arc<ServerRules>,
        caller: Option<&Arc<Caller>>,
        era: Era,
    ) -> Result<(Arc<Snapshot>, Spoken), UpstreamError> {
        if caller.is_none() && server.per_person_credential {
            let what = "it is called on behalf of people only, and nobody has come yet";
            return Err(UpstreamError::new(UpstreamFault::Refused, what));
        }
        // A server that is the same to everybody is asked by the door itself, whoever came first.
        let caller = caller.filter(|_| server.per_person_credential);
        let _one_at_a_time = server.acquaintance.asking.lock().await;
        let spoken = tell_apart(self, server, caller, era).await?;
        let now = self.snapshot();
        if now.known().contains_key(&server.name) {
            return Ok((now, spoken));
        }
        let catalogue = match spoken.modern {
            true => self.ask_modern(server, caller).await?,
            false => self.ask_legacy(server, caller).await?,
        };
        Ok((self.learn(&server.name, &catalogue), spoken))
    }

    async fn ask_legacy(
        &self,
        server: &Arc<ServerRules>,
        caller: Option<&Arc<Caller>>,
    ) -> Result<Arc<Catalogue>, UpstreamError> {
        let mut on = bare::<P::Link>(server, caller, Era::Legacy);
        let id = self.next_id();
        let mut answered = self.ports.errand(Errand::<P>::new(&on, id, ErrandKind::Initialize)).await?;
        let link = answered.link.take();
        on.link = link.clone();
        let hello = single(answered, id, &server.answer_limits).await;
        if let Ok(hello) = &hello
            && let Some(version) = hello.result().and_then(|result| result.get("protocolVersion"))
            && let Some(version) = version.as_str()
        {
            on.version = version.as_ref().into();
        }
        let asked = match hello {
            Ok(hello) => {
                introduced(self, server, hello.result()).await;
                let ready = Errand::<P>::new(&on, self.next_id(), ErrandKind::Initialized);
                match self.ports.errand(ready).await {
                    Ok(_) => current(self, &on).await,
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        };
        if let Some(link) = link {
            self.ports.close(link);
        }
        asked
    }

    async fn ask_modern(
        &self,
        server: &Arc<ServerRules>,
        caller: Option<&Arc<Caller>>,
    ) -> Result<Arc<Catalogue>, UpstreamError> {
        if is_strange(self, server) {
            // What it says of itself is pinned too, and whether it speaks this revision may not have been asked.
            let _of_itself = discovers(self, server, caller).await?;
        }
        current(self, &bare::<P::Link>(server, caller, Era::Modern)).await
    }

    /// Forgets what servers offer: what is asked for next is fetched anew.
    pub fn forget_catalogues(&self) {
        for rules in self.snapshot().servers() {
            self.catalogues.forget(&rules.name);
        }
    }

    /// Tells what was found in definitions since the last time.
    pub(crate) async fn tell_news(&self) {
        for suspicion in self.eyes.news() {
            self.ports.suspects(suspicion).await;
        }
        let drifted = self.eyes.pinned.news();
        if !drifted.is_empty() {
            // It came in a list that is newer than what calls are judged by.
            drifted.iter().for_each(|drifted| self.catalogues.forget(&drifted.server.name));
            self.ports.drifted(drifted).await;
        }
    }

    /// Compiles the policies against what a server offers now, if they were compiled against something else. If they
    /// do not fit, the operator is told, and the present snapshot stays: what it does not know is not permitted.
    pub(crate) fn learn(&self, server: &ServerName, catalogue: &Arc<Catalogue>) -> Arc<Snapshot> {
        let mut unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.snapshot();
        let before = now.known().get(server);
        let tried = unfit.get(server).is_some_and(|tried| Arc::ptr_eq(tried, catalogue));
        if tried || before.is_some_and(|known| known.covers(catalogue)) {
            return now;
        }
        let known = Arc::new(Known::with(before.map(|known| &**known), catalogue, self.next_id()));
        match now.learned(server, known) {
            Ok(next) => {
                unfit.remove(server);
                self.put(next)
            }
            Err(problems) => {
                unfit.insert(server.clone(), Arc::clone(catalogue));
                self.ports.policies_unfit(server, &problems);
                now
            }
        }
    }
}

impl Refusal {
    pub(crate) fn upstream(error: UpstreamError) -> Self {
        match error.need {
            Some(need) => Self::because(Reason::Needed(need), error.detail),
            None => Self::because(Reason::Upstream(error.fault), error.detail),
        }
    }
}
