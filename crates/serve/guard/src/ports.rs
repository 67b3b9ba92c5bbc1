//! The guard's ports: the outside world that the engine asks for.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;
use doorward_approvals::labels;
use doorward_audit::{Asked, Journal};
use doorward_engine::{
    Answered, Approval, AuditUnwritable, Cleared, Consent, Drifted, Elsewhere, Errand, Going,
    GroupsUnavailable, IntentFacts, KeptLabels, LabelsError, Learned, OutcomeFacts, Pins, PinsUnwritable,
    Plea, Ports, Question, RandomUnavailable, ReadError, RefusalFacts, Suspicion, UpstreamError,
    UpstreamFault,
};
use doorward_flow::{Approver, Fallen, Key};
use doorward_oauth::{Identity, KeyRing, Revocations};
use doorward_pinboard::Watch;
use doorward_policy::PolicyProblem;
use doorward_store::Store;
use doorward_types::{ObjectId, ServerName, Timestamp};
use doorward_upstream::{Link, UpstreamEvents, Upstreams};

use crate::asks::Asks;

/// Where a client of the guard is, in the log's counts of refusals.
const THIS_MACHINE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Who sits here, for all who have to know: nobody, once the sign-in is over.
pub(crate) type Who = Arc<RwLock<Option<Arc<Identity>>>>;

/// The outside world of one guard.
pub struct GuardPorts {
    pub(crate) journal: Journal,
    /// What all guards of this person share.
    pub(crate) store: Store,
    pub(crate) pins: Watch,
    pub(crate) upstreams: Arc<Upstreams>,
    /// Who sits at this machine.
    who: Who,
    asks: Option<Asks>,
    /// Whose guards share their labels.
    user: String,
    /// What the server last did not do, and why.
    trouble: Mutex<Option<(UpstreamFault, String)>>,
    random: SystemRandom,
    began: Instant,
}

impl GuardPorts {
    pub(crate) fn new(
        journal: Journal,
        (store, pins): (Store, Watch),
        upstreams: Arc<Upstreams>,
        who: Who,
        asks: Option<Asks>,
        user: String,
    ) -> Self {
        Self {
            journal,
            store,
            pins,
            upstreams,
            who,
            asks,
            user,
            trouble: Mutex::default(),
            random: SystemRandom::new(),
            began: Instant::now(),
        }
    }

    /// Returns the store that all guards of this person share.
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn trouble(&self) -> Option<(UpstreamFault, String)> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn troubled(&self, error: &UpstreamError) {
        let last = (error.fault, error.detail.clone());
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    /// Takes over who sits here now: nobody, once they have signed out. The door's epoch is to be raised after this, so that
    /// streams notice.
    pub(crate) fn set_who(&self, who: Option<Identity>) {
        *self.who.write().unwrap_or_else(PoisonError::into_inner) = who.map(Arc::new);
    }
}

impl Ports for GuardPorts {
    type Body = Bytes;
    type Link = Link;
    type Events = UpstreamEvents;

    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn stopwatch(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    async fn pause(&self, time: std::time::Duration) {
        tokio::time::sleep(time).await;
    }

    fn random(&self) -> Result<[u8; 32], RandomUnavailable> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes).map_err(|_| RandomUnavailable)?;
        Ok(bytes)
    }

    async fn read(&self, body: Bytes, limit: usize) -> Result<Bytes, ReadError> {
        if body.len() > limit { Err(ReadError::TooLarge) } else { Ok(body) }
    }

    /// No token comes in here, so none can be tried.
    fn may_knock(&self, _source: Option<IpAddr>, _now: Timestamp) -> bool {
        false
    }

    fn at_home(&self) -> Option<Arc<Identity>> {
        self.who.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn consent(&self, question: Question<'_>) -> Consent {
        match &self.asks {
            Some(asks) => asks.put(&question).await,
            None => Consent::Nobody,
        }
    }

    fn local_user(&self) -> Option<String> {
        Some(self.user.clone())
    }

    /// Another guard may have written meanwhile: asked of the database itself, which answers without reading a row.
    async fn labels_seen(&self) -> u64 {
        match self.store.data_version().await {
            Ok(version) => version.unsigned_abs(),
            Err(error) => {
                tracing::error!(%error, "what other guards write is not taken up");
                u64::MAX
            }
        }
    }

    async fn read_labels(&self, key: &Key, _now: Timestamp) -> Result<Option<KeptLabels>, LabelsError> {
        labels::read(&self.store, key).await
    }

    async fn write_labels(
        &self,
        key: &Key,
        kept: &KeptLabels,
        until: Timestamp,
    ) -> Result<Option<u64>, LabelsError> {
        labels::write(&self.store, key, kept, until).await
    }

    async fn labels_fell(&self, identity: &Identity, fallen: &Fallen) {
        // What fell has fallen; a log that cannot be written keeps the call itself from going on.
        let _shut = self.journal.labels_fell(identity, fallen).await;
    }

    fn labels_noted(&self, server: &ServerName, what: &'static str, why: &str) {
        tracing::warn!(%server, what, why, "labels are recorded alone");
    }

    /// Whoever sits here is asked at once, and the call waits for the answer: nothing of it is kept.
    async fn approval(&self, plea: Plea<'_>) -> Approval {
        if plea.approver == Approver::Another {
            return Approval::Nobody("restricted data needs a second person, and there is one at a guard");
        }
        let Some(asks) = &self.asks else {
            return Approval::Nobody("the guard was started without `--ask`");
        };
        let question = Question {
            server: plea.server,
            tool: plea.name,
            arguments: plea.arguments,
            because: Some(plea.why),
        };
        let given = asks.put(&question).await;
        // Whoever left while the question was open has agreed to nothing.
        let still_there = self.at_home().is_some();
        match given {
            Consent::Given if still_there => {
                let asked = Asked::Used("asked here", &plea.identity.person());
                match self.journal.asked(&plea, &asked).await {
                    Ok(()) => Approval::Given(Approver::Person),
                    Err(_) => Approval::Unavailable,
                }
            }
            Consent::Given | Consent::Refused => Approval::Refused,
            Consent::Silence => Approval::Silence,
            Consent::Nobody => Approval::Nobody("there is no desktop or terminal that shows questions"),
        }
    }

    fn keys(&self) -> KeyRing {
        KeyRing::default()
    }

    fn revocations(&self) -> Arc<Revocations> {
        Arc::default()
    }

    async fn refresh_keys(&self, _kid: &str) -> bool {
        false
    }

    async fn groups(&self, _identity: &Identity) -> Result<BTreeSet<ObjectId>, GroupsUnavailable> {
        let what = "the sign-in tells of too many groups to list, and the guard asks nobody else for them";
        Err(GroupsUnavailable(what.to_owned()))
    }

    async fn intent(&self, facts: IntentFacts<'_>) -> Result<(), AuditUnwritable> {
        self.journal.intent(facts).await
    }

    async fn outcome(&self, facts: OutcomeFacts) -> Result<(), AuditUnwritable> {
        self.journal.outcome(facts).await
    }

    fn outcome_detached(&self, facts: OutcomeFacts) {
        self.journal.outcome_detached(facts);
    }

    async fn refused(&self, facts: RefusalFacts<'_>) -> Result<(), AuditUnwritable> {
        let (reason, detail) = (facts.reason, facts.detail);
        tracing::info!(method = facts.method.unwrap_or("-"), reason, detail, "refused");
        match facts.identity {
            Some(identity) => self.journal.refused(identity, &facts).await,
            // Nobody sits here, but a client goes on calling: counted, so that it cannot fill the log (D-11).
            None => {
                self.journal.log.refused_unauthenticated(THIS_MACHINE, reason, facts.now);
                Ok(())
            }
        }
    }

    async fn suspects(&self, suspicion: Suspicion) {
        if self.journal.suspects(&suspicion, self.now()).await.is_err() {
            tracing::error!(rule = suspicion.rule, "a suspicion is not in the log");
        }
    }

    fn pins(&self, server: &ServerName) -> Pins {
        self.pins.pins(server)
    }

    fn pinned_elsewhere(&self, server: &ServerName) -> Arc<[Elsewhere]> {
        self.pins.elsewhere(server)
    }

    async fn remember(&self, learned: Learned<'_>) -> Result<(), PinsUnwritable> {
        self.pins.remember(learned, self.now()).await
    }

    async fn drifted(&self, drifted: Vec<Drifted>) {
        self.pins.drifted(&self.journal, &drifted, self.now()).await;
    }

    async fn upstream(
        &self,
        cleared: Cleared<Self>,
    ) -> Result<Answered<Link, UpstreamEvents>, UpstreamError> {
        self.upstreams.send(cleared).await.inspect_err(|error| self.troubled(error))
    }

    async fn errand(&self, errand: Errand<Self>) -> Result<Answered<Link, UpstreamEvents>, UpstreamError> {
        self.upstreams.errand(errand).await.inspect_err(|error| self.troubled(error))
    }

    fn errand_detached(&self, errand: Errand<Self>) {
        let upstreams = Arc::clone(&self.upstreams);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = upstreams.errand(errand).await {
                    tracing::debug!(detail = error.detail, "the server could not be told something");
                }
            });
        }
    }

    /// Nobody comes back to a guard: what its client left is over.
    fn detached(&self, going: Going<Self>) {
        drop(going);
    }

    fn close(&self, link: Arc<Link>) {
        self.upstreams.close(link);
    }

    fn policies_unfit(&self, server: &ServerName, problems: &[PolicyProblem]) {
        for problem in problems {
            tracing::error!(%server, %problem, "the policies do not fit what the server offers: what is new stays refused");
        }
    }
}
