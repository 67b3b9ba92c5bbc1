//! What the log is told of signing in (TOK-09). Whoever is unknown is counted, not recorded one by one (D-11).

use std::net::IpAddr;

use doorward_audit::{Alarm, AuditError, Grant, Subject, SubjectFacts, Target};
use doorward_types::{ClientId, GrantId, Person, ServerName, Timestamp};

use crate::Facade;

/// One thing that happened.
#[derive(Default)]
pub(crate) struct Told<'a> {
    pub(crate) person: Option<&'a Person>,
    pub(crate) application: bool,
    pub(crate) client: Option<&'a ClientId>,
    pub(crate) server: Option<&'a ServerName>,
    pub(crate) grant: Option<&'a GrantId>,
    pub(crate) reason: Option<&'a str>,
}

impl Facade {
    /// Records what happened to somebody who is known; returns when it is written.
    pub(crate) async fn tell(
        &self,
        what: &'static str,
        told: Told<'_>,
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let subject = told.person.map(|person| self.subject(person, told.application)).transpose()?;
        let session = told.grant.zip(subject.as_ref()).map(|(grant, who)| who.session(&grant.to_string()));
        let grant = Grant {
            what,
            subject: subject.as_ref(),
            client: told.client.map(ClientId::as_str),
            server: told.server,
            grant: session,
            reason: told.reason,
        };
        self.parts.audit.grant(&grant, now).await
    }

    /// Raises an alarm: somebody should look at it now.
    pub(crate) async fn alarm(
        &self,
        what: &'static str,
        person: &Person,
        server: Option<&ServerName>,
        now: Timestamp,
    ) {
        tracing::warn!(what, "alarm");
        let Ok(subject) = self.subject(person, false) else { return };
        let alarm = Alarm {
            what,
            subject: Some(&subject),
            server,
            target: Target::None,
            rule: None,
            call: None,
            trace: None,
            session: None,
        };
        if let Err(error) = self.parts.audit.alarm(&alarm, now).await {
            tracing::error!(%error, what, "the alarm is not in the log");
        }
    }

    /// Counts what somebody unknown was refused.
    pub(crate) fn count(&self, source: Option<IpAddr>, reason: &'static str, now: Timestamp) {
        tracing::debug!(reason, "refused, caller unknown");
        if let Some(source) = source {
            self.parts.audit.refused_unauthenticated(source, reason, now);
        }
    }

    fn subject(&self, person: &Person, application: bool) -> Result<Subject, AuditError> {
        self.parts.audit.subject(&SubjectFacts {
            tenant: &person.tenant,
            object: &person.object,
            name: None,
            source: None,
            application,
        })
    }
}
