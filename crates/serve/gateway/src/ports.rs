//! The gateway's ports: the outside world that the engine asks for.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;
use doorward_approvals::{Approvals, labels};
use doorward_audit::{AuditLog, Journal, ending};
use doorward_engine::{
    Advised, Answered, Approval, AuditUnwritable, Cleared, Drifted, Elsewhere, Errand, Going,
    GroupsUnavailable, IntentFacts, KeptLabels, LabelsError, Learned, OutcomeFacts, Pins, PinsUnwritable,
    Plea, Ports, RandomUnavailable, ReadError, RefusalFacts, Suspicion, UpstreamError,
};
use doorward_entra::{Groups, Keys};
use doorward_flow::{Fallen, Key};
use doorward_oauth::{Identity, KeyRing, KeySet, Revocations};
use doorward_pinboard::Watch;
use doorward_policy::PolicyProblem;
use doorward_store::Store;
use doorward_types::{ObjectId, ServerName, Timestamp};
use doorward_upstream::{Link, UpstreamEvents, Upstreams};

use crate::advice::Advice;
use crate::body::{self, Inbound};
use crate::knocks::Knocks;
use crate::metrics::Metrics;
use crate::sign_in::LatePages;

/// The outside world of one gateway.
pub struct GatewayPorts {
    pub(crate) journal: Journal,
    store: Option<Store>,
    approvals: Option<Approvals>,
    /// Another number once another process has written to the store.
    seen: AtomicI64,
    pins: Option<Watch>,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) keys: Arc<Keys>,
    door_keys: RwLock<Arc<KeySet>>,
    revocations: RwLock<Arc<Revocations>>,
    pub(crate) groups: Option<Groups>,
    pub(crate) metrics: Metrics,
    pub(crate) knocks: Knocks,
    /// The façade's pages for addresses that servers ask people to open.
    pub(crate) pages: Arc<LatePages>,
    /// Who is asked for second opinions.
    advice: Option<Arc<Advice>>,
    random: SystemRandom,
    began: Instant,
}

impl GatewayPorts {
    pub(crate) fn new(
        audit: AuditLog,
        (store, approvals, pins): (Option<Store>, Option<Approvals>, Option<Watch>),
        upstreams: Arc<Upstreams>,
        keys: Arc<Keys>,
        groups: Option<Groups>,
        (pages, advice): (Arc<LatePages>, Option<Arc<Advice>>),
    ) -> Self {
        Self {
            journal: Journal::new(audit),
            store,
            approvals,
            seen: AtomicI64::new(0),
            pins,
            upstreams,
            keys,
            door_keys: RwLock::default(),
            revocations: RwLock::default(),
            groups,
            metrics: Metrics::default(),
            knocks: Knocks::default(),
            pages,
            advice,
            random: SystemRandom::new(),
            began: Instant::now(),
        }
    }

    /// Returns the store, where there is a vault.
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Returns the questions about single calls, where there is a vault.
    pub fn approvals(&self) -> Option<&Approvals> {
        self.approvals.as_ref()
    }

    /// Notices that another process has written to the store; asked every second.
    pub(crate) async fn catch_up(&self) {
        let Some(store) = &self.store else { return };
        match store.data_version().await {
            Ok(version) => self.seen.store(version, Ordering::Release),
            Err(error) => {
                tracing::error!(%error, "the store cannot be read: what other processes write is not taken up");
            }
        }
    }

    /// Returns what people agreed to of servers' definitions, and where they decide; none without a vault.
    pub fn pinned(&self) -> Option<&Watch> {
        self.pins.as_ref()
    }

    /// Takes over the door's own signing keys. A token signed with one that is no longer there opens nothing from now on;
    /// the door's epoch is to be raised after this, so that streams notice.
    pub fn set_door_keys(&self, keys: Arc<KeySet>) {
        *self.door_keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Takes over what was revoked. The door's epoch is to be raised after this: not before, or a token could be judged
    /// by the old list under the new epoch.
    pub fn set_revocations(&self, revocations: Arc<Revocations>) {
        *self.revocations.write().unwrap_or_else(PoisonError::into_inner) = revocations;
    }
}

impl Ports for GatewayPorts {
    type Body = Inbound;
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

    async fn read(&self, body: Inbound, limit: usize) -> Result<Bytes, ReadError> {
        body::read(body, limit).await
    }

    fn may_knock(&self, source: Option<IpAddr>, now: Timestamp) -> bool {
        self.knocks.may(source, now)
    }

    fn keys(&self) -> KeyRing {
        let door = Arc::clone(&self.door_keys.read().unwrap_or_else(PoisonError::into_inner));
        KeyRing { door, entra: self.keys.current() }
    }

    fn revocations(&self) -> Arc<Revocations> {
        Arc::clone(&self.revocations.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn refresh_keys(&self, kid: &str) -> bool {
        self.keys.refresh_for(kid).await
    }

    async fn groups(&self, identity: &Identity) -> Result<BTreeSet<ObjectId>, GroupsUnavailable> {
        let Some(groups) = &self.groups else {
            return Err(GroupsUnavailable(
                "the token has more groups than it can list, and no `entra.credential` is configured to ask Graph"
                    .to_owned(),
            ));
        };
        let members = groups.of(identity.tenant(), identity.object(), identity.kind()).await;
        members.map(|members| BTreeSet::clone(&members)).map_err(|error| GroupsUnavailable(error.to_string()))
    }

    async fn intent(&self, facts: IntentFacts<'_>) -> Result<(), AuditUnwritable> {
        self.journal.intent(facts).await
    }

    async fn outcome(&self, facts: OutcomeFacts) -> Result<(), AuditUnwritable> {
        self.count(&facts);
        self.journal.outcome(facts).await
    }

    fn outcome_detached(&self, facts: OutcomeFacts) {
        self.count(&facts);
        self.journal.outcome_detached(facts);
    }

    async fn refused(&self, facts: RefusalFacts<'_>) -> Result<(), AuditUnwritable> {
        self.metrics.refused(facts.server.as_str(), facts.reason);
        let Some(identity) = facts.identity else {
            // A client that asks where to sign in sends no token, and costs nothing: it is no bad knock.
            if facts.reason != "no-token" {
                self.knocks.refused(facts.source, facts.now);
            }
            if let Some(source) = facts.source {
                self.journal.log.refused_unauthenticated(source, facts.reason, facts.now);
            }
            tracing::debug!(server = %facts.server, reason = facts.reason, detail = facts.detail, "refused, caller unknown");
            return Ok(());
        };
        // A client that asks for the nonce has done nothing: it is no refusal of anybody (RFC 9449 section 9).
        if facts.reason == "proof-nonce" {
            return Ok(());
        }
        if facts.reason.starts_with("proof-") || facts.reason == "token-unproven" {
            self.knocks.refused(facts.source, facts.now);
        }
        tracing::info!(
            server = %facts.server,
            method = facts.method.unwrap_or("-"),
            reason = facts.reason,
            detail = facts.detail,
            "refused"
        );
        self.journal.refused(identity, &facts).await
    }

    async fn suspects(&self, suspicion: Suspicion) {
        if self.journal.suspects(&suspicion, self.now()).await.is_err() {
            tracing::error!(rule = suspicion.rule, "a suspicion is not in the log");
        }
    }

    async fn labels_seen(&self) -> u64 {
        self.seen.load(Ordering::Acquire).unsigned_abs()
    }

    async fn read_labels(&self, key: &Key, _now: Timestamp) -> Result<Option<KeptLabels>, LabelsError> {
        match &self.store {
            Some(store) => labels::read(store, key).await,
            None => Ok(None),
        }
    }

    async fn write_labels(
        &self,
        key: &Key,
        kept: &KeptLabels,
        until: Timestamp,
    ) -> Result<Option<u64>, LabelsError> {
        match &self.store {
            Some(store) => labels::write(store, key, kept, until).await,
            None => Ok(Some(kept.version.saturating_add(1))),
        }
    }

    async fn labels_fell(&self, identity: &Identity, fallen: &Fallen) {
        // What fell has fallen; a log that cannot be written keeps the call itself from going on.
        let _shut = self.journal.labels_fell(identity, fallen).await;
    }

    fn labels_noted(&self, server: &ServerName, what: &'static str, why: &str) {
        tracing::info!(%server, what, why, "labels are recorded alone");
    }

    async fn approval(&self, plea: Plea<'_>) -> Approval {
        let Some(approvals) = &self.approvals else {
            return Approval::Nobody("this door keeps no approvals; the configuration has no `[vault]`");
        };
        let taken = approvals.take(&plea).await;
        match self.journal.asked(&plea, &taken.record()).await {
            Ok(()) => taken.approval,
            Err(_) => Approval::Unavailable,
        }
    }

    fn pins(&self, server: &ServerName) -> Pins {
        self.pins.as_ref().map_or(Pins::Off, |pins| pins.pins(server))
    }

    fn pinned_elsewhere(&self, server: &ServerName) -> Arc<[Elsewhere]> {
        self.pins.as_ref().map_or_else(|| Arc::from([]), |pins| pins.elsewhere(server))
    }

    async fn remember(&self, learned: Learned<'_>) -> Result<(), PinsUnwritable> {
        match &self.pins {
            Some(pins) => pins.remember(learned, self.now()).await,
            None => Err(PinsUnwritable),
        }
    }

    async fn drifted(&self, drifted: Vec<Drifted>) {
        if let Some(pins) = &self.pins {
            pins.drifted(&self.journal, &drifted, self.now()).await;
        }
    }

    async fn advise(&self, question: Advised<'_>) -> doorward_engine::Advice {
        match &self.advice {
            Some(advice) => advice.about(question).await,
            None => doorward_engine::Advice::Pass,
        }
    }

    async fn upstream(
        &self,
        cleared: Cleared<Self>,
    ) -> Result<Answered<Link, UpstreamEvents>, UpstreamError> {
        self.upstreams.send(cleared).await
    }

    async fn errand(&self, errand: Errand<Self>) -> Result<Answered<Link, UpstreamEvents>, UpstreamError> {
        self.upstreams.errand(errand).await
    }

    fn errand_detached(&self, errand: Errand<Self>) {
        let upstreams = Arc::clone(&self.upstreams);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = upstreams.errand(errand).await {
                    tracing::debug!(detail = error.detail, "a server could not be told something");
                }
            });
        }
    }

    fn detached(&self, going: Going<Self>) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Some(mut stream) = going.await {
                    let left = stream.expires().since(stream.now());
                    let to_its_end = async { while stream.next().await.is_some() {} };
                    // What is still open then is recorded as aborted.
                    let _late = tokio::time::timeout(left, to_its_end).await;
                }
            });
        }
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

impl GatewayPorts {
    fn count(&self, facts: &OutcomeFacts) {
        self.metrics.ended(&facts.server, ending(facts.ending).0.id(), facts.took);
    }
}
