//! The authorization server that MCP clients expect, with Entra behind it.
//!
//! The gateway hands it the requests for its addresses and mounts the keys and revocations it publishes. What is decided
//! here is decided by the pure crates `issuer` (what a client may have) and `oidc` (what Entra said); this crate brings
//! in store, network, log and pages. It may never give a client anything of Entra's, send Entra anything of a client's
//! but through a fixed form, or issue a token that the log does not know of.

mod account;
mod approve;
mod authorize;
mod callback;
mod clients;
mod connect;
mod connections;
mod console;
mod cookies;
mod entra;
mod errors;
mod grant;
mod keys;
mod limits;
mod machines;
mod open;
mod pages;
mod possession;
mod refresh;
mod register;
mod respond;
mod revoke;
mod seal;
mod settings;
mod tell;
mod token;
mod vault;
pub mod web;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bytes::Bytes;
use doorward_approvals::Approvals;
use doorward_audit::AuditLog;
use doorward_config::Config;
use doorward_entra::{EntraClient, Keys};
use doorward_issuer::client::Client;
use doorward_issuer::dpop::Possession;
use doorward_issuer::metadata::{Facts, authorization_server};
use doorward_net::Connector;
use doorward_oauth::{Cloud, KeySet, Revocations, Revoked};
use doorward_store::{Store, StoreError};
use doorward_types::Timestamp;
use http::{Method, Request, Response, StatusCode};

pub use approve::approvals_by_command_alone;
pub use connections::{ConnectError, Connectable, Connections};
pub use console::Admitted;
pub use entra::{GrantError, Grants, refused as entra_refusal};
pub use keys::KeysError;
pub use open::Opener;
pub use possession::{DPOP, DPOP_NONCE};
pub use settings::{DEFAULT_SCOPE, scopes};

use clients::Clients;
use cookies::Jar;
use keys::DoorKeys;
use limits::Limit;
use respond::Answer;
use settings::Settings;

/// Where the metadata of RFC 8414 stands.
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// Bodies that the façade reads are forms and registrations: small.
pub const MOST_BODY: usize = 64 * 1024;

/// How long revocations are kept: longer than any token lives that one could be about. Entra's longest is 28 hours.
const REVOCATIONS_KEPT: Duration = Duration::from_secs(30 * 3600);

/// The door that the façade belongs to: told at once, before anybody is answered.
pub trait Doorkeeper: Send + Sync + 'static {
    /// From now on these keys sign the door's own tokens.
    fn publish_keys(&self, keys: Arc<KeySet>);
    /// From now on these tokens open nothing any more, and what is open under them ends.
    fn publish_revocations(&self, revocations: Arc<Revocations>, newest: Option<&Revoked>);
}

/// What a façade works with.
pub struct Parts {
    /// What must outlive a restart.
    pub store: Store,
    /// Entra, as its client.
    pub entra: EntraClient,
    /// Entra's tokens of the people who are signed in.
    pub grants: Arc<Grants>,
    /// People's own accounts elsewhere, if any server asks for them.
    pub connections: Option<Arc<Connections>>,
    /// Entra's signing keys.
    pub entra_keys: Arc<Keys>,
    /// What judges proofs of possession, at the door and here alike.
    pub possession: Arc<Possession>,
    /// Questions about single calls.
    pub approvals: Option<Approvals>,
    /// The log.
    pub audit: AuditLog,
    /// The way out, for the documents of clients.
    pub connector: Connector,
    /// The door.
    pub keeper: Arc<dyn Doorkeeper>,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// Why there is no façade.
#[derive(Debug, thiserror::Error)]
pub enum FacadeError {
    /// `[sign_in]` is not configured.
    #[error("[sign_in] is not configured")]
    NotConfigured,
    /// The keys are not at hand.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log refuses.
    #[error("the audit log: {0}")]
    Audit(#[from] doorward_audit::AuditError),
}

/// The façade of one door.
pub struct Facade {
    parts: Parts,
    settings: Settings,
    keys: DoorKeys,
    clients: Clients,
    jar: Jar,
    random: SystemRandom,
    /// Starts of a sign-in, and guesses at tokens, from one place.
    starts: Limit,
    guesses: Limit,
    registrations: Limit,
    seen: std::sync::Mutex<i64>,
    revocations: std::sync::RwLock<Arc<Revocations>>,
}

impl Facade {
    /// Opens the façade: keys are read or made and published, revocations too.
    ///
    /// # Errors
    /// A [`FacadeError`]; then nobody can sign in, and the door must not open.
    pub async fn open(
        config: &Config,
        cloud: Cloud,
        clients: Vec<Client>,
        parts: Parts,
    ) -> Result<Arc<Self>, FacadeError> {
        let settings = Settings::of(config, cloud).ok_or(FacadeError::NotConfigured)?;
        let now = (parts.clock)();
        let keys = DoorKeys::open(&parts.store, settings.sign_in.signing_key_life, now).await?;
        let minute = Duration::from_secs(60);
        let facade = Self {
            jar: Jar { secure: settings.secure },
            clients: Clients::new(clients),
            random: SystemRandom::new(),
            starts: Limit::new(300, minute),
            guesses: Limit::new(120, minute),
            registrations: Limit::new(20, 60 * minute),
            seen: std::sync::Mutex::new(parts.store.data_version().await?),
            revocations: std::sync::RwLock::default(),
            keys,
            settings,
            parts,
        };
        facade.parts.keeper.publish_keys(Arc::clone(&facade.keys.signing().set));
        facade.publish_revocations(None).await?;
        // Anchored before anybody is let in: from now on an older copy of the store is found out (D-18).
        facade.parts.audit.anchor_epoch(facade.parts.store.epoch().await?, now).await?;
        Ok(Arc::new(facade))
    }

    /// Returns the issuer, which metadata of resources name as their authorization server.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Says whether a path is the façade's.
    pub fn serves(path: &str) -> bool {
        matches!(
            path,
            "/authorize"
                | "/authorize/decide"
                | "/token"
                | "/revoke"
                | "/introspect"
                | "/register"
                | "/account"
                | console::CONSOLE
                | METADATA
        ) || path.starts_with("/oauth/")
            || path.starts_with("/account/")
    }

    /// Says whether answers at a path may be read by pages of any origin: metadata, and what clients in browsers call.
    pub fn is_for_programs(path: &str) -> bool {
        matches!(path, "/token" | "/revoke" | "/register" | "/oauth/jwks" | METADATA)
    }

    /// Answers a request for one of the façade's addresses.
    pub async fn answer(&self, request: Request<Bytes>, source: Option<IpAddr>) -> Response<Bytes> {
        let now = (self.parts.clock)();
        let asked = Asked { request: &request, source, now };
        let (get, post) = (asked.is(&Method::GET), asked.is(&Method::POST));
        match request.uri().path() {
            METADATA if get => self.metadata(),
            "/oauth/jwks" if get => respond::public(self.keys.signing().document.clone(), 300),
            "/oauth/style.css" if get => respond::style(pages::STYLE),
            "/authorize" if get => self.authorize(&asked).await,
            "/authorize/decide" if post => self.decide(&asked).await,
            "/oauth/callback" if get => self.callback(&asked).await,
            "/oauth/upstream/callback" if get => self.connect_back(&asked).await,
            "/token" if post => self.token(&asked).await,
            "/revoke" if post => self.revoke_token(&asked).await,
            "/introspect" if post => self.introspect(&asked).await,
            "/register" if post && self.settings.sign_in.registration => self.register(&asked).await,
            console::CONSOLE if get => self.console(&asked),
            path if get && path.starts_with(approve::APPROVALS) => self.approval(&asked, path),
            approve::APPROVALS if post => self.approval_answered(&asked).await,
            path if path == "/account" || path.starts_with("/account/") => self.account(&asked, path).await,
            "/authorize" | "/oauth/callback" | "/oauth/jwks" | "/oauth/style.css" | METADATA => {
                respond::wrong_verb("GET")
            }
            "/authorize/decide" | "/token" | "/revoke" | "/introspect" => respond::wrong_verb("POST"),
            _ => respond::plain(StatusCode::NOT_FOUND, "nothing is served here"),
        }
    }

    /// Looks after what time changes: keys that are due, rows that have expired, what another process has revoked.
    pub async fn look_after(&self) {
        let now = (self.parts.clock)();
        match self.keys.rotate(&self.parts.store, self.settings.sign_in.signing_key_life, now).await {
            Ok(true) => self.parts.keeper.publish_keys(Arc::clone(&self.keys.signing().set)),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the signing keys cannot be looked after"),
        }
        if let Err(error) = self.parts.store.sweep(now).await {
            tracing::error!(%error, "what has expired cannot be swept from the store");
        }
    }

    /// Takes up what another process revoked, `doorward revoke` for one; called every second at least (TOK-10).
    pub async fn catch_up(&self) {
        let version = match self.parts.store.data_version().await {
            Ok(version) => version,
            Err(error) => {
                tracing::error!(%error, "the store cannot be read: revocations of other processes are not taken up");
                return;
            }
        };
        let news = {
            let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::replace(&mut *seen, version) != version
        };
        if news && let Err(error) = self.take_up().await {
            tracing::error!(%error, "revocations of other processes cannot be taken up");
        }
    }

    /// Takes up what another process revoked: here at once, and in the log, which that process could not write.
    async fn take_up(&self) -> Result<(), FacadeError> {
        self.publish_revocations(None).await?;
        let (now, epoch) = ((self.parts.clock)(), self.parts.store.epoch().await?);
        if epoch > self.parts.audit.epoch() {
            let told = tell::Told { reason: Some("by-operator"), ..tell::Told::default() };
            self.tell("revoked", told, now).await?;
            self.parts.audit.anchor_epoch(epoch, now).await?;
        }
        Ok(())
    }

    fn metadata(&self) -> Answer {
        let mut scopes: Vec<String> =
            self.settings.resources.iter().flat_map(|resource| resource.scopes.iter().cloned()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let text = authorization_server(&Facts {
            issuer: &self.settings.issuer,
            scopes: &scopes,
            registration: self.settings.sign_in.registration,
            documents: self.settings.sign_in.client_documents,
            machines: self.settings.machines,
        });
        respond::public(text, 300)
    }

    /// Draws 256 bits, as text.
    fn draw(&self) -> Result<String, NoRandomness> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes))
    }
}

/// The operating system gave no randomness.
#[derive(Debug)]
struct NoRandomness;

/// One request, with what is known of it.
struct Asked<'a> {
    request: &'a Request<Bytes>,
    source: Option<IpAddr>,
    now: Timestamp,
}

impl Asked<'_> {
    fn is(&self, method: &Method) -> bool {
        self.request.method() == method || (*method == Method::GET && self.request.method() == Method::HEAD)
    }

    fn query(&self) -> &[u8] {
        self.request.uri().query().unwrap_or_default().as_bytes()
    }

    fn header(&self, name: &http::HeaderName) -> Option<&[u8]> {
        let mut lines = self.request.headers().get_all(name).iter();
        match (lines.next(), lines.next()) {
            (Some(one), None) => Some(one.as_bytes()),
            _ => None,
        }
    }
}
