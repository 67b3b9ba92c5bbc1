//! Tokens for a local server, by audience: of the person who signed in, for an API that the guard's command line names.
//!
//! Who calls it: the server, over HTTP at an address that it finds in its environment, in the words of a managed identity on
//! App Service (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`, api-version 2019-08-01), because Microsoft's libraries of every
//! language ask so already: a server that was written for the cloud works here unchanged.
//!
//! What it may never give: a refresh token, an ID token, a token for the guard's own application, or one for an API that
//! nobody named. Nothing of it is written to a file, an argument or an environment variable but the address and the header,
//! which is drawn anew for each guard and is worth nothing outside of it.

mod allowed;
mod http;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use doorward_accounts::{Accounts, AccountsError, Ask, Interactive, Refused, Token};
use doorward_audit::{AuditError, AuditLog, Grant, Subject, SubjectFacts};
use doorward_oidc::public::Scopes;
use doorward_sandbox::HostPort;
use doorward_types::{Secret, ServerName, Timestamp};
use doorward_upstream::{Inside, Serve, Walls};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::open::OpenError;
use crate::ports::Who;

pub use allowed::{Allowed, NotAnApi};

/// The host in a sandbox where tokens are asked for. `.internal` is nobody's on the internet (ICANN resolution 2024.07.29.06).
pub(crate) const HOST: &str = "identity.doorward.internal";

/// Who signed in, and for which APIs the server gets tokens of theirs.
pub struct Tokens {
    /// The sign-ins of this machine.
    pub accounts: Accounts,
    /// Whose: their object id.
    pub account: String,
    /// For what.
    pub allowed: Allowed,
}

/// Why there is no token: what the server is told, and nothing of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Denied {
    /// Whoever asks does not know the header: another program, or a page in a browser.
    Header,
    /// No such address or no such question.
    Question,
    /// Nobody allowed tokens for this API.
    Audience,
    /// The person has to sign in again.
    SignIn,
    /// Entra is away, or refuses.
    Entra,
    /// The same claims were asked for a moment ago.
    TooOften,
    /// The handing over cannot be recorded.
    Unrecorded,
}

/// Gives out tokens for as long as a guard stands.
pub(crate) struct Desk {
    tokens: Tokens,
    server: ServerName,
    header: Secret<String>,
    log: AuditLog,
    person: Subject,
    client: String,
    who: Who,
    /// What was given last for each API: a token is recorded once, however often it is asked for.
    given: Mutex<BTreeMap<String, Given>>,
    /// When a refusal was recorded last.
    refused: StdMutex<Option<Instant>>,
}

struct Given {
    expires: Timestamp,
    /// When Entra was asked for another one with claims.
    challenged: Option<Instant>,
}

/// Between two refusals that are recorded, and between two requests with claims for one API: a server that asks in a loop
/// fills no log, and does not have the person locked out at Entra.
const PAUSE: Duration = Duration::from_secs(10);

impl Desk {
    /// Prepares to give out tokens to one server, for who signed in.
    ///
    /// # Errors
    /// If the person cannot be named in the log, or the system gives no randomness.
    pub(crate) fn new(
        tokens: Tokens,
        server: ServerName,
        log: AuditLog,
        who: Who,
    ) -> Result<Arc<Self>, OpenError> {
        let seated = who.read().unwrap_or_else(PoisonError::into_inner).clone();
        let seated = seated.ok_or_else(|| OpenError::Target("nobody has signed in".to_owned()))?;
        let (tenant, object) = (seated.tenant(), seated.object());
        let facts = SubjectFacts { tenant, object, name: None, source: None, application: false };
        let mut drawn = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *drawn).map_err(|_| OpenError::Random)?;
        let header = Secret::new(drawn.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        Ok(Arc::new(Self {
            tokens,
            server,
            header,
            person: log.subject(&facts)?,
            log,
            client: seated.client().as_str().to_owned(),
            who,
            given: Mutex::default(),
            refused: StdMutex::default(),
        }))
    }

    /// Opens the address where the server asks, in its sandbox or, where it has none, on this machine's loopback. Returns
    /// the variables by which the server finds it.
    ///
    /// # Errors
    /// If no port of loopback can be listened on.
    pub(crate) fn open(self: Arc<Self>, walls: Option<&mut Walls>) -> io::Result<[(String, String); 2]> {
        let header = self.header.expose().clone();
        let authority = match walls {
            Some(walls) => {
                let host = HostPort { host: HOST.to_owned(), port: 80 };
                let serve: Serve = Arc::new(move |listener| Box::pin(Arc::clone(&self).serve(listener)));
                walls.inside = Some(Inside { host, serve });
                HOST.to_owned()
            }
            None => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let authority = listener.local_addr()?.to_string();
                tokio::spawn(async move {
                    let error = self.serve(listener).await;
                    tracing::error!(%error, "the server gets no tokens any more");
                });
                authority
            }
        };
        let endpoint = format!("http://{authority}{}", http::PATH);
        Ok([("IDENTITY_ENDPOINT".to_owned(), endpoint), ("IDENTITY_HEADER".to_owned(), header)])
    }

    /// Judges one question, and answers it with a token.
    async fn answer(&self, asked: &http::Asked) -> Result<Token, Denied> {
        let judged = self.judged(asked).await;
        if let Err(why) = &judged
            && self.may_record_refusal()
        {
            let audience = asked.resource.as_deref().filter(|audience| audience.len() <= 256);
            let reason = format!("{}: {}", why.word(), audience.unwrap_or("-"));
            tracing::warn!(server = %self.server, reason, "a token was refused to the server");
            if let Err(error) = self.record("token-refused", &reason).await {
                tracing::error!(%error, "a refused token is not in the log");
            }
        }
        judged
    }

    async fn judged(&self, asked: &http::Asked) -> Result<Token, Denied> {
        // A page in a browser can ask for an address of this machine; it cannot set a header there that it does not know.
        let given = asked.header.as_deref().unwrap_or_default();
        if !self.header.matches(given.as_bytes()) {
            return Err(Denied::Header);
        }
        // Signed out, another person, or off the list of this machine: whatever the cache still holds.
        if self.who.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(Denied::SignIn);
        }
        let resource = asked.resource.as_deref().ok_or(Denied::Question)?;
        let (audience, scopes) = self.tokens.allowed.scopes_of(resource).ok_or(Denied::Audience)?;
        // One at a time: what is recorded is what is given, in this order.
        let mut given = self.given.lock().await;
        let known = given.get(audience);
        let mut token = self.token(scopes, None).await?;
        let mut challenged = known.and_then(|known| known.challenged);
        if let Some(claims) = &asked.claims {
            if challenged.is_some_and(|last| last.elapsed() < PAUSE) {
                return Err(Denied::TooOften);
            }
            challenged = Some(Instant::now());
            let refused = Refused { access: &token.access, claims: Some(claims) };
            token = self.token(scopes, Some(refused)).await?;
        }
        if known.is_none_or(|known| known.expires != token.expires) {
            self.record("token-given", audience).await.map_err(|error| {
                tracing::error!(%error, "no token is given: it cannot be recorded");
                Denied::Unrecorded
            })?;
        }
        given.insert(audience.to_owned(), Given { expires: token.expires, challenged });
        Ok(token)
    }

    async fn token(&self, scopes: &Scopes, refused: Option<Refused<'_>>) -> Result<Token, Denied> {
        let account = Some(self.tokens.account.as_str());
        // A server must not be able to open a page that asks for a password.
        let ask = Ask { account, scopes, refused, interactive: Interactive::Never };
        self.tokens.accounts.token(&ask).await.map_err(|error| {
            tracing::warn!(server = %self.server, %error, "there is no token for the server");
            match error {
                AccountsError::SignInNeeded(_)
                | AccountsError::NoSuchAccount(_)
                | AccountsError::NotAllowed(_) => Denied::SignIn,
                _ => Denied::Entra,
            }
        })
    }

    fn may_record_refusal(&self) -> bool {
        let mut last = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|last| last.elapsed() >= PAUSE);
        if may {
            *last = Some(Instant::now());
        }
        may
    }

    async fn record(&self, what: &'static str, reason: &str) -> Result<(), AuditError> {
        let grant = Grant {
            what,
            subject: Some(&self.person),
            client: Some(&self.client),
            server: Some(&self.server),
            grant: None,
            reason: Some(reason),
        };
        self.log.grant(&grant, SystemTime::now().into()).await
    }
}

impl Denied {
    /// Its stable name, in the log and to the server.
    fn word(self) -> &'static str {
        match self {
            Self::Header => "unauthorized",
            Self::Question => "bad-request",
            Self::Audience => "audience-not-allowed",
            Self::SignIn => "sign-in-needed",
            Self::Entra => "unavailable",
            Self::TooOften => "too-often",
            Self::Unrecorded => "unrecorded",
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::Header => 401,
            Self::Question => 400,
            Self::Audience | Self::SignIn => 403,
            Self::TooOften => 429,
            Self::Entra | Self::Unrecorded => 503,
        }
    }

    /// What the server, and so perhaps a model, may know.
    fn told(self) -> &'static str {
        match self {
            Self::Header => "the header X-IDENTITY-HEADER is not this server's",
            Self::Question => "ask GET /token?resource=AUDIENCE",
            Self::Audience => "no token for this audience: the guard gives those of its --token alone",
            Self::SignIn => "the person has to sign in again: doorward login",
            Self::Entra => "no token can be had now; the guard's log says why",
            Self::TooOften => "claims were asked for a moment ago",
            Self::Unrecorded => "nothing can be recorded, so nothing is given",
        }
    }
}
