//! The console: where people with the app role for it decide what others may use.
//!
//! It stands at an address of its own, beside the door and in the same process. Its pages are for whoever came through a
//! fresh sign-in at the door (`doorward_facade`); its API is for `doorward console`, with a token of Entra's that has both
//! the role and a scope of its own. Every decision is kept in one write with what the log is to say of it, and is in the log
//! before whoever decided is told, where the log can be written. This crate may never decide anything by itself, nor show
//! what a call carries to anybody but those who have to decide about it.

mod api;
mod entry;
mod home;
mod pages;
mod pin;
mod pins;
mod told;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;
use doorward_approvals::Approvals;
use doorward_audit::AuditLog;
use doorward_config::Config;
use doorward_entra::Keys;
use doorward_facade::Facade;
use doorward_facade::web::{Answer, Cookie, Jar, Sealer, plain, redirect, style, with_cookie, wrong_verb};
use doorward_oauth::{Audience, Cloud, EntraTokens, Expectation, Revocations, Tenants};
use doorward_pinboard::Pinboard;
use doorward_types::{Person, Secret, Timestamp};
use http::{HeaderName, Method, Request, StatusCode};

/// Bodies that the console reads are forms and decisions: small.
pub const MOST_BODY: usize = 64 * 1024;

/// How long somebody is known after a fresh sign-in: long enough to read what waits, short enough that an open laptop decides
/// nothing in the afternoon (D-21).
const KNOWN: Duration = Duration::from_secs(15 * 60);

/// The door's own style, and what only the console shows.
const CONSOLE_STYLE: &str =
    concat!(include_str!("../../facade/templates/style.css"), include_str!("../templates/console.css"));

/// How long the way through Entra may take.
const WAY: Duration = Duration::from_secs(10 * 60);

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a console works with.
pub struct Parts {
    /// The façade that signs people in; without one there is the API alone.
    pub facade: Option<Arc<Facade>>,
    /// Entra's signing keys.
    pub entra_keys: Arc<Keys>,
    /// Returns what was revoked.
    pub revocations: Arc<dyn Fn() -> Arc<Revocations> + Send + Sync>,
    /// What was agreed to of the servers.
    pub pins: Pinboard,
    /// Questions about single calls, which the door's own page answers.
    pub approvals: Option<Approvals>,
    /// The log.
    pub audit: AuditLog,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// `[admin]` is not configured.
    #[error("[admin] is not configured")]
    NotConfigured,
    /// There is no application whose tokens would open it.
    #[error("`[admin]` needs `entra.client_id`: its tokens are for that application")]
    NoApplication,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Random,
}

/// Somebody who may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decider {
    pub(crate) person: Person,
    /// For pages alone.
    pub(crate) name: String,
}

/// The console of one door.
pub struct Admin {
    parts: Parts,
    /// Its own origin, byte for byte as browsers send it.
    origin: String,
    host: String,
    /// Where people sign in.
    door: String,
    expectation: Expectation,
    role: String,
    jar: Jar,
    /// Its key is of this process alone: a restart signs everybody out.
    sealer: Sealer,
}

impl Admin {
    /// Sets the console up.
    ///
    /// # Errors
    /// An [`AdminError`].
    pub fn new(config: &Config, cloud: Cloud, parts: Parts) -> Result<Self, AdminError> {
        let admin = config.admin.as_ref().ok_or(AdminError::NotConfigured)?;
        let client_id = config.entra.client_id.clone().ok_or(AdminError::NoApplication)?;
        let mut key = vec![0; 32];
        SystemRandom::new().fill(&mut key).map_err(|_| AdminError::Random)?;
        let tenants = match &config.entra.tenants {
            doorward_config::Tenants::One(tenant) => Tenants::One(tenant.clone()),
            doorward_config::Tenants::Many(tenants) => Tenants::Many(tenants.iter().cloned().collect()),
        };
        let expectation = Expectation {
            cloud,
            tenants,
            audience: Audience { app_id_uris: vec![format!("api://{client_id}")], client_id },
            // Both: the role says that the person may decide, the scope that this program may say so for them. The token
            // that they give to an MCP client has the role as well.
            required_scope: vec![admin.scope.clone()],
            required_role: vec![admin.role.clone()],
            allow_app_only: false,
            skew: Duration::from_secs(60),
            accept_v1: config.entra.accept_v1,
            door: None,
            entra: EntraTokens::All,
        };
        Ok(Self {
            origin: admin.public_url.as_str().trim_end_matches('/').to_owned(),
            host: admin.public_url.authority().to_owned(),
            door: config.gateway.public_url.as_str().trim_end_matches('/').to_owned(),
            role: admin.role.clone(),
            jar: Jar { secure: admin.public_url.is_https() },
            sealer: Sealer::new(&Secret::new(key)).map_err(|_| AdminError::Random)?,
            expectation,
            parts,
        })
    }

    /// Answers a request.
    pub async fn answer(&self, request: Request<Bytes>, source: Option<IpAddr>) -> Answer {
        let asked = Asked { request: &request, source, now: (self.parts.clock)() };
        if !asked.is_for(&self.host) {
            return plain(StatusCode::FORBIDDEN, "this console does not answer to that host");
        }
        let path = request.uri().path();
        if let Some(path) = path.strip_prefix("/api/") {
            return self.api(&asked, path).await;
        }
        match (path, asked.is(&Method::GET), asked.is(&Method::POST)) {
            ("/style.css", true, _) => style(CONSOLE_STYLE),
            ("/enter", true, _) => self.enter(&asked).await,
            ("/sign-out", _, true) => self.sign_out(&asked).await,
            (path, get, post) if get || post => {
                let Some(session) = self.session(&asked) else {
                    return self.sign_in();
                };
                if get {
                    self.show(&asked, &session, path).await
                } else {
                    self.act(&asked, &session, path).await
                }
            }
            _ => wrong_verb("GET, POST"),
        }
    }

    /// Sends somebody who is not known yet to the door, to sign in.
    fn sign_in(&self) -> Answer {
        match &self.parts.facade {
            Some(_) => {
                let Some(way) = self.draw() else {
                    return self.broken("the operating system gives no randomness");
                };
                let answer = redirect(&format!("{}/account/console?way={way}", self.door));
                with_cookie(answer, self.jar.write(Cookie::Way, Some((&way, WAY.as_secs()))))
            }
            None => plain(
                StatusCode::NOT_FOUND,
                "the pages need `[sign_in]` at the door; without it decide with `doorward console`",
            ),
        }
    }
}

/// One request, with what is known of it.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request<Bytes>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) now: Timestamp,
}

impl Asked<'_> {
    pub(crate) fn is(&self, method: &Method) -> bool {
        self.request.method() == method
    }

    pub(crate) fn query(&self) -> &[u8] {
        self.request.uri().query().unwrap_or_default().as_bytes()
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&[u8]> {
        let mut lines = self.request.headers().get_all(name).iter();
        match (lines.next(), lines.next()) {
            (Some(one), None) => Some(one.as_bytes()),
            _ => None,
        }
    }

    /// A page of another name that leads to this address reads and writes nothing here (DNS rebinding).
    fn is_for(&self, host: &str) -> bool {
        let named = self.header(&http::header::HOST).and_then(|line| std::str::from_utf8(line).ok());
        let named = named.or_else(|| self.request.uri().authority().map(|authority| authority.as_str()));
        named.is_some_and(|named| named.eq_ignore_ascii_case(host))
    }
}
