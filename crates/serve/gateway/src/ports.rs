//! The gateway's ports: the outside world that the engine asks for.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;
use doorward_audit::{
    Alarm, AuditLog, Outcome, Part, RefusedRecord, Step, Subject as Person, SubjectFacts, Target,
};
use doorward_engine::{
    Answered, AuditUnwritable, Cleared, Ending, Errand, Fault, Going, GroupsUnavailable, IntentFacts,
    OutcomeFacts, Ports, RandomUnavailable, ReadError, RefusalFacts, Subject, UpstreamError,
};
use doorward_entra::{Groups, Keys};
use doorward_oauth::{CallerKind, Identity, KeyRing, KeySet, Revocations};
use doorward_policy::PolicyProblem;
use doorward_types::{ObjectId, ServerName, TenantId, Timestamp};
use doorward_upstream::{Link, UpstreamEvents, Upstreams};

use crate::body::{self, Inbound};
use crate::knocks::Knocks;
use crate::metrics::Metrics;
use crate::sign_in::LatePages;

/// Persons whose handles for the log are kept; beyond that they are made again.
const PERSONS: usize = 65_536;

/// The outside world of one gateway.
pub struct GatewayPorts {
    pub(crate) audit: AuditLog,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) keys: Arc<Keys>,
    door_keys: RwLock<Arc<KeySet>>,
    revocations: RwLock<Arc<Revocations>>,
    pub(crate) groups: Option<Groups>,
    pub(crate) metrics: Metrics,
    pub(crate) knocks: Knocks,
    /// The façade's pages for addresses that servers ask people to open.
    pub(crate) pages: Arc<LatePages>,
    random: SystemRandom,
    began: Instant,
    persons: Mutex<HashMap<(TenantId, ObjectId), Person>>,
}

impl GatewayPorts {
    pub(crate) fn new(
        audit: AuditLog,
        upstreams: Arc<Upstreams>,
        keys: Arc<Keys>,
        groups: Option<Groups>,
        pages: Arc<LatePages>,
    ) -> Self {
        Self {
            audit,
            upstreams,
            keys,
            door_keys: RwLock::default(),
            revocations: RwLock::default(),
            groups,
            metrics: Metrics::default(),
            knocks: Knocks::default(),
            pages,
            random: SystemRandom::new(),
            began: Instant::now(),
            persons: Mutex::new(HashMap::new()),
        }
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

    /// Returns the handle under which the log names a person.
    fn person(&self, identity: &Identity) -> Result<Person, AuditUnwritable> {
        let key = (identity.tenant().clone(), identity.object().clone());
        let mut persons = self.persons.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(person) = persons.get(&key) {
            return Ok(person.clone());
        }
        let facts = SubjectFacts {
            tenant: identity.tenant(),
            object: identity.object(),
            name: None,
            source: None,
            application: identity.kind() == CallerKind::App,
        };
        let person = self.audit.subject(&facts).map_err(unwritable)?;
        if persons.len() >= PERSONS {
            persons.clear();
        }
        persons.insert(key, person.clone());
        Ok(person)
    }
}

fn unwritable(error: doorward_audit::AuditError) -> AuditUnwritable {
    tracing::error!(%error, "the audit log cannot be written: the door is shut until it can");
    AuditUnwritable
}

/// Names what a record is about. A name that no list holds was chosen by the caller and may hold anything.
fn target<'a>(person: &Person, subject: &'a Subject, listed: bool) -> Target<'a> {
    match subject {
        Subject::None => Target::None,
        Subject::Resource(uri) => Target::Resource(person.digest(Part::Resource, uri.as_bytes())),
        Subject::Tool(name) if listed => Target::Tool(name),
        Subject::Prompt(name) if listed => Target::Prompt(name),
        Subject::Tool(name) | Subject::Prompt(name) | Subject::Method(name) => {
            Target::Unlisted(person.digest(Part::Name, name.as_bytes()))
        }
    }
}

fn step(name: &'static str, took: std::time::Duration) -> Step {
    Step { name, micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX) }
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
        let person = self.person(facts.identity)?;
        let intent = doorward_audit::Intent {
            call: doorward_audit::CallId(facts.call.0),
            trace: Some(facts.trace),
            subject: &person,
            client: facts.identity.client().as_str(),
            server: facts.server,
            method: facts.method,
            target: target(&person, facts.subject, true),
            policies: facts.policies,
            arguments: Some(person.digest(Part::Arguments, facts.digest)),
            session: facts.session.map(|session| person.session(session)),
            steps: &[
                step("identify", facts.times.identify),
                step("hear", facts.times.hear),
                step("authorize", facts.times.authorize),
                step("inspect", facts.times.inspect),
            ],
        };
        self.audit.intent(&intent, facts.now).await.map_err(unwritable)
    }

    async fn outcome(&self, facts: OutcomeFacts) -> Result<(), AuditUnwritable> {
        let person = self.person(&facts.identity)?;
        let outcome = self.outcome_record(&person, &facts);
        self.audit.outcome(&outcome, facts.now).await.map_err(unwritable)
    }

    fn outcome_detached(&self, facts: OutcomeFacts) {
        let Ok(person) = self.person(&facts.identity) else { return };
        let outcome = self.outcome_record(&person, &facts);
        if let Err(error) = self.audit.outcome_detached(&outcome, facts.now) {
            tracing::error!(%error, "the outcome of an aborted call is not in the log: it will count as unknown");
        }
    }

    async fn refused(&self, facts: RefusalFacts<'_>) -> Result<(), AuditUnwritable> {
        self.metrics.refused(facts.server.as_str(), facts.reason);
        let Some(identity) = facts.identity else {
            // A client that asks where to sign in sends no token, and costs nothing: it is no bad knock.
            if facts.reason != "no-token" {
                self.knocks.refused(facts.source, facts.now);
            }
            if let Some(source) = facts.source {
                self.audit.refused_unauthenticated(source, facts.reason, facts.now);
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
        let person = self.person(identity)?;
        let listed = !matches!(facts.reason, "tool-unseen" | "prompt-unseen" | "not-connected");
        let record = RefusedRecord {
            call: None,
            trace: None,
            subject: &person,
            client: identity.client().as_str(),
            server: Some(facts.server),
            method: facts.method,
            target: target(&person, facts.subject, listed),
            reason: facts.reason,
            fault: match facts.fault {
                Fault::Caller => doorward_audit::Fault::Caller,
                Fault::Upstream => doorward_audit::Fault::Upstream,
                Fault::Operator => doorward_audit::Fault::Operator,
            },
            policies: facts.policies,
            errors: &[],
            session: None,
            steps: &[],
        };
        self.audit.refused(&record, facts.now).await.map_err(unwritable)?;
        if facts.alarm {
            tracing::warn!(server = %facts.server, reason = facts.reason, "alarm");
            let alarm = Alarm {
                what: facts.reason,
                subject: Some(&person),
                server: Some(facts.server),
                call: None,
                trace: None,
                session: None,
            };
            self.audit.alarm(&alarm, facts.now).await.map_err(unwritable)?;
        }
        Ok(())
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
    fn outcome_record<'a>(&self, person: &Person, facts: &'a OutcomeFacts) -> Outcome<'a> {
        let (ending, reason) = match facts.ending {
            Ending::Result => (doorward_audit::Ending::Ok, None),
            Ending::Error => (doorward_audit::Ending::Error, None),
            Ending::Asked => (doorward_audit::Ending::Ok, Some("input-required")),
            Ending::Accepted => (doorward_audit::Ending::Accepted, None),
            Ending::Refused(reason) => (doorward_audit::Ending::Refused, Some(reason)),
            Ending::Aborted => (doorward_audit::Ending::Aborted, None),
            Ending::Failed("upstream-timeout") => (doorward_audit::Ending::Timeout, None),
            Ending::Failed(reason) => (doorward_audit::Ending::Failed, Some(reason)),
        };
        self.metrics.ended(&facts.server, ending.id(), facts.took);
        Outcome {
            call: doorward_audit::CallId(facts.call.0),
            trace: Some(facts.trace),
            server: &facts.server,
            ending,
            reason,
            frames: facts.frames,
            bytes: facts.bytes,
            digest: (facts.frames > 0).then(|| person.digest(Part::Answer, &facts.digest)),
            took_micros: u64::try_from(facts.took.as_micros()).unwrap_or(u64::MAX),
            steps: &[],
        }
    }
}
