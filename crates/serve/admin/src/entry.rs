//! Coming in and going out: the code from the door, the session, and whose form it is.

use doorward_facade::web::{Answer, Cookie, Purpose, plain, redirect, with_cookie};
use doorward_issuer::params::Params;
use doorward_types::{ObjectId, Person, TenantId, Timestamp};
use http::StatusCode;
use http::header::ORIGIN;
use serde::{Deserialize, Serialize};

use crate::{Admin, Asked, Decider, FETCH_SITE, KNOWN};

/// Somebody who came by a fresh sign-in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    tenant: String,
    object: String,
    pub(crate) name: String,
    /// When they came, in seconds.
    since: i64,
    /// What this session's forms are bound to.
    mark: String,
}

impl Session {
    pub(crate) fn decider(&self) -> Option<Decider> {
        let tenant = TenantId::parse(&self.tenant).ok()?;
        let person = Person { tenant, object: ObjectId::parse(&self.object).ok()? };
        Some(Decider { person, name: self.name.clone() })
    }
}

impl Admin {
    /// `GET /enter`: the door has looked at who it is; its code is good once.
    pub(crate) async fn enter(&self, asked: &Asked<'_>) -> Answer {
        let code = Params::parse(asked.query()).ok().and_then(|query| query.get("code").map(str::to_owned));
        let way = self.jar.read(asked.request.headers(), Cookie::Way);
        let admitted = match (&self.parts.facade, code, way) {
            (Some(facade), Some(code), Some(way)) => facade.admitted(&code, way, asked.now).await,
            _ => None,
        };
        let Some(admitted) = admitted else {
            if let Some(source) = asked.source {
                self.parts.audit.refused_unauthenticated(source, "console-code-invalid", asked.now);
            }
            return self.message(
                "Please begin again",
                "This way in was used already, took too long, or was not begun in this browser.",
            );
        };
        let Some(mark) = self.draw() else { return self.broken("the operating system gives no randomness") };
        let session = Session {
            tenant: admitted.person.tenant.to_string(),
            object: admitted.person.object.to_string(),
            name: admitted.name,
            since: asked.now.as_secs(),
            mark,
        };
        match self.sealer.seal(Purpose::Console, &session, asked.now.plus(KNOWN)) {
            Ok(sealed) => {
                let cookie = self.jar.write(Cookie::Console, Some((&sealed, KNOWN.as_secs())));
                let answer = with_cookie(redirect(&format!("{}/", self.origin)), cookie);
                with_cookie(answer, self.jar.write(Cookie::Way, None))
            }
            Err(_) => self.broken("a session could not be sealed"),
        }
    }

    /// `POST /sign-out`
    pub(crate) async fn sign_out(&self, asked: &Asked<'_>) -> Answer {
        if let Err(answer) = self.form(asked) {
            return *answer;
        }
        let bye = self.message("You are signed out", "This browser is signed out of the console.");
        with_cookie(bye, self.jar.write(Cookie::Console, None))
    }

    /// Returns who came by a fresh sign-in with this browser, if that is not long ago.
    pub(crate) fn session(&self, asked: &Asked<'_>) -> Option<Session> {
        let text = self.jar.read(asked.request.headers(), Cookie::Console)?;
        let session: Session = self.sealer.open(Purpose::Console, text, asked.now)?;
        let (person, since) = (session.decider()?.person, Timestamp::from_secs(session.since));
        // Whoever was revoked meanwhile decides nothing more.
        (self.parts.revocations)().admits_person(&person, since).then_some(session)
    }

    /// Reads a form that a page of ours sent (CSRF).
    pub(crate) fn form(&self, asked: &Asked<'_>) -> Result<Params, Box<Answer>> {
        let foreign = || Box::new(plain(StatusCode::FORBIDDEN, "the form was sent by another site"));
        let origins: Vec<_> = asked.request.headers().get_all(ORIGIN).iter().collect();
        if origins.iter().any(|origin| origin.as_bytes() != self.origin.as_bytes()) {
            return Err(foreign());
        }
        if asked.header(&FETCH_SITE).is_some_and(|site| site != b"same-origin") {
            return Err(foreign());
        }
        Params::parse(asked.request.body())
            .map_err(|_| Box::new(plain(StatusCode::BAD_REQUEST, "the form could not be read")))
    }

    /// Seals what a button means, for this session.
    pub(crate) fn button(&self, session: &Session, what: &impl Serialize, now: Timestamp) -> String {
        let bound = (session.mark.as_str(), what);
        self.sealer.seal(Purpose::Form, &bound, now.plus(KNOWN)).unwrap_or_default()
    }

    /// Returns what a sealed member means, a pressed button for example: one of a page that this very session was shown.
    pub(crate) fn pressed<T: serde::de::DeserializeOwned>(
        &self,
        form: &Params,
        member: &str,
        session: &Session,
        now: Timestamp,
    ) -> Option<T> {
        let (mark, what): (String, T) = self.sealer.open(Purpose::Form, form.get(member)?, now)?;
        bool::from(subtle::ConstantTimeEq::ct_eq(mark.as_bytes(), session.mark.as_bytes())).then_some(what)
    }
}
