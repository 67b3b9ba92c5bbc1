//! What the engine knows of a message, as records of the log: the same at both doors.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use doorward_engine::{
    AuditUnwritable, Done, Drifted, Ending as Ended, Fault as At, Found, IntentFacts, Noted, OutcomeFacts,
    Plea, RefusalFacts, Subject as About, Suspicion,
};
use doorward_flow::{Cause, Fallen};
use doorward_oauth::{CallerKind, Identity};
use doorward_types::{ObjectId, Person, TenantId, Timestamp};

use crate::error::AuditError;
use crate::keys::{Part, Subject, SubjectFacts};
use crate::log::AuditLog;
use crate::record::{
    Alarm, CallId, Ending, Fault, Finding, Grant, Intent, Outcome, RefusedRecord, Step, Target,
};

/// Persons whose handles are kept; beyond that they are made again.
const PERSONS: usize = 65_536;

/// What became of a question about a call.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// Nothing new.
    Nothing,
    /// It was asked, under this reference.
    New(&'a str),
    /// Its approval was used up, which this person had given.
    Used(&'a str, &'a Person),
}

/// Writes down messages.
pub struct Journal {
    /// Where.
    pub log: AuditLog,
    persons: Mutex<HashMap<(TenantId, ObjectId), Subject>>,
}

impl Journal {
    /// Writes into this log.
    pub fn new(log: AuditLog) -> Self {
        Self { log, persons: Mutex::default() }
    }

    /// Returns the handle under which the log names a person.
    fn person(&self, identity: &Identity) -> Result<Subject, AuditUnwritable> {
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
        let person = self.log.subject(&facts).map_err(unwritable)?;
        if persons.len() >= PERSONS {
            persons.clear();
        }
        persons.insert(key, person.clone());
        Ok(person)
    }

    /// Writes that a message is about to be sent.
    ///
    /// # Errors
    /// When it cannot be written: nothing may be sent then.
    pub async fn intent(&self, facts: IntentFacts<'_>) -> Result<(), AuditUnwritable> {
        let person = self.person(facts.identity)?;
        let intent = Intent {
            call: CallId(facts.call.0),
            trace: Some(facts.trace),
            subject: &person,
            client: facts.identity.client().as_str(),
            server: facts.server,
            method: facts.method,
            target: target(&person, facts.subject, true),
            policies: facts.policies,
            arguments: Some(person.digest(Part::Arguments, facts.digest)),
            session: facts.session.map(|session| person.session(session)),
            findings: &findings(facts.findings),
            steps: &[
                step("identify", facts.times.identify),
                step("hear", facts.times.hear),
                step("authorize", facts.times.authorize),
                step("inspect", facts.times.inspect),
            ],
        };
        self.log.intent(&intent, facts.now).await.map_err(unwritable)
    }

    /// Writes how it ended.
    ///
    /// # Errors
    /// When it cannot be written: nothing may be released then.
    pub async fn outcome(&self, facts: OutcomeFacts) -> Result<(), AuditUnwritable> {
        let person = self.person(&facts.identity)?;
        let found = findings(&facts.findings);
        let outcome = record(&person, &facts, &found);
        self.log.outcome(&outcome, facts.now).await.map_err(unwritable)
    }

    /// Writes how a message ended for whom nobody waits.
    pub fn outcome_detached(&self, facts: OutcomeFacts) {
        let Ok(person) = self.person(&facts.identity) else { return };
        let found = findings(&facts.findings);
        let outcome = record(&person, &facts, &found);
        if let Err(error) = self.log.outcome_detached(&outcome, facts.now) {
            tracing::error!(%error, "the outcome of an aborted call is not in the log: it will count as unknown");
        }
    }

    /// Writes that something a server says gives orders to the model.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn suspects(&self, suspicion: &Suspicion, now: Timestamp) -> Result<(), AuditUnwritable> {
        let Suspicion { server, found, kind, name, rule, reason, done } = suspicion;
        let what = match (found, done) {
            (Found::Definition | Found::Instructions, Done::Shadow) => "definition-shadowed",
            (Found::Definition, Done::Refused) => "definition-withheld",
            (Found::Definition, _) => "definition-flagged",
            (Found::Instructions, Done::Refused) => "instructions-withheld",
            (Found::Instructions, _) => "instructions-flagged",
            (Found::Answer, Done::Refused) => "result-withheld",
            (Found::Answer, _) => "result-flagged",
        };
        tracing::warn!(%server, kind, name, rule, reason, "{what}");
        let target = match *kind {
            "tool" => Target::Tool(name),
            "prompt" => Target::Prompt(name),
            _ => Target::None,
        };
        let (subject, call, trace, session) = (None, None, None, None);
        let alarm =
            Alarm { what, subject, server: Some(server), target, rule: Some(rule), call, trace, session };
        self.log.alarm(&alarm, now).await.map_err(unwritable)
    }

    /// Writes that labels fell because nothing happened for so long.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn labels_fell(&self, identity: &Identity, fallen: &Fallen) -> Result<(), AuditUnwritable> {
        let person = self.person(identity)?;
        let reason = match &fallen.cause {
            Cause::Idle(_) => "idle",
            Cause::Act { .. } => "by-hand",
        };
        let record = Grant {
            what: "labels-fell",
            subject: Some(&person),
            client: Some(identity.client().as_str()),
            server: None,
            grant: None,
            reason: Some(reason),
        };
        self.log.grant(&record, fallen.at).await.map_err(unwritable)
    }

    /// Writes what became of a question about a call: that it was asked, or that an approval was used up and by whom it was
    /// given.
    ///
    /// # Errors
    /// When it cannot be written: nothing may be sent then.
    pub async fn asked(&self, plea: &Plea<'_>, question: &Asked<'_>) -> Result<(), AuditUnwritable> {
        let caller = self.person(plea.identity)?;
        let write = async |what, who: &Subject, client, reference: &str| {
            let record = Grant {
                what,
                subject: Some(who),
                client,
                server: Some(plea.server),
                grant: None,
                reason: Some(reference),
            };
            self.log.grant(&record, plea.now).await.map_err(unwritable)
        };
        let client = Some(plea.identity.client().as_str());
        match question {
            Asked::Nothing => Ok(()),
            Asked::New(reference) => write("approval-asked", &caller, client, reference).await,
            Asked::Used(reference, by) => {
                let facts = SubjectFacts {
                    tenant: &by.tenant,
                    object: &by.object,
                    name: None,
                    source: None,
                    application: false,
                };
                let by = self.log.subject(&facts).map_err(unwritable)?;
                write("approval-given", &by, None, reference).await?;
                write("approval-used", &caller, client, reference).await
            }
        }
    }

    /// Writes that a definition is not what was agreed to, where somebody should know.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn drifted(&self, drifted: &Drifted, now: Timestamp) -> Result<(), AuditUnwritable> {
        let Drifted { server, kind, name, what, why, passes, .. } = drifted;
        if !drifted.is_news {
            return Ok(());
        }
        let (server, kind) = (&server.name, kind.name());
        tracing::warn!(%server, kind, name, why, passes, "{what}; doorward pin diff shows it");
        let target = match kind {
            "tool" => Target::Tool(name),
            "prompt" => Target::Prompt(name),
            _ => Target::None,
        };
        let (subject, call, trace, session) = (None, None, None, None);
        let alarm = Alarm { what, subject, server: Some(server), target, rule: None, call, trace, session };
        self.log.alarm(&alarm, now).await.map_err(unwritable)
    }

    /// Writes that a known caller was refused.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn refused(
        &self,
        identity: &Identity,
        facts: &RefusalFacts<'_>,
    ) -> Result<(), AuditUnwritable> {
        let person = self.person(identity)?;
        // Until the person is known to see it, a name is whatever the caller wrote.
        let listed = matches!(
            facts.reason,
            "not-permitted"
                | "not-agreed"
                | "not-answered"
                | "nobody-to-ask"
                | "bad-arguments"
                | "data-refused"
                | "id-in-use"
                | "given-up"
        ) || facts.reason.starts_with("param-header")
            || facts.reason.starts_with("account-")
            || facts.reason.starts_with("approval-")
            || facts.reason.starts_with("flow-");
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
                At::Caller => Fault::Caller,
                At::Upstream => Fault::Upstream,
                At::Operator => Fault::Operator,
            },
            policies: facts.policies,
            errors: &[],
            findings: &findings(facts.findings),
            session: None,
            steps: &[],
        };
        self.log.refused(&record, facts.now).await.map_err(unwritable)?;
        if facts.alarm {
            tracing::warn!(server = %facts.server, reason = facts.reason, "alarm");
            let alarm = Alarm {
                what: facts.reason,
                subject: Some(&person),
                server: Some(facts.server),
                target: Target::None,
                rule: None,
                call: None,
                trace: None,
                session: None,
            };
            self.log.alarm(&alarm, facts.now).await.map_err(unwritable)?;
        }
        Ok(())
    }
}

fn unwritable(error: AuditError) -> AuditUnwritable {
    tracing::error!(%error, "the audit log cannot be written: the door is shut until it can");
    AuditUnwritable
}

/// Names what a record is about. A name that no list holds was chosen by the caller and may hold anything.
fn target<'a>(person: &Subject, about: &'a About, listed: bool) -> Target<'a> {
    match about {
        About::None => Target::None,
        About::Resource(uri) => Target::Resource(person.digest(Part::Resource, uri.as_bytes())),
        About::Tool(name) if listed => Target::Tool(name),
        About::Prompt(name) if listed => Target::Prompt(name),
        About::Tool(name) | About::Prompt(name) | About::Method(name) => {
            Target::Unlisted(person.digest(Part::Name, name.as_bytes()))
        }
    }
}

fn step(name: &'static str, took: Duration) -> Step {
    Step { name, micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX) }
}

/// Returns how something ended, as the log has it.
pub fn ending(ended: Ended) -> (Ending, Option<&'static str>) {
    match ended {
        Ended::Result => (Ending::Ok, None),
        Ended::Error => (Ending::Error, None),
        Ended::Asked => (Ending::Ok, Some("input-required")),
        Ended::Accepted => (Ending::Accepted, None),
        Ended::Refused(reason) => (Ending::Refused, Some(reason)),
        Ended::Aborted => (Ending::Aborted, None),
        Ended::Failed("upstream-timeout") => (Ending::Timeout, None),
        Ended::Failed(reason) => (Ending::Failed, Some(reason)),
    }
}

fn findings(noted: &[Noted]) -> Vec<Finding> {
    let finding = |noted: &Noted| Finding { what: noted.what, done: noted.done.id(), count: noted.count };
    noted.iter().map(finding).collect()
}

fn record<'a>(person: &Subject, facts: &'a OutcomeFacts, findings: &'a [Finding]) -> Outcome<'a> {
    let (ending, reason) = ending(facts.ending);
    Outcome {
        call: CallId(facts.call.0),
        trace: Some(facts.trace),
        server: &facts.server,
        ending,
        reason,
        frames: facts.frames,
        bytes: facts.bytes,
        digest: (facts.frames > 0).then(|| person.digest(Part::Answer, &facts.digest)),
        findings,
        took_micros: u64::try_from(facts.took.as_micros()).unwrap_or(u64::MAX),
        steps: &[],
    }
}
