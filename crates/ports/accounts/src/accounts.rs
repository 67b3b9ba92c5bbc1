//! Tokens, in the order that costs a person least: the cache, the refresh token, the system's broker, and only then the
//! person (LOC-03).

mod person;
mod silent;

use std::fmt;
use std::sync::Arc;

use doorward_entra::{ClientCredential, EntraClient, EntraConfig, Fetch, Keys, Sleeper, Stopwatch};
use doorward_oauth::{Cloud, Groups, IdToken, IdTokenExpectation, Tenants, TokenError, verify_id_token};
use doorward_oidc::TokenAnswer;
use doorward_oidc::public::{Allow, Fresh, Lifetime, Scopes};
use doorward_types::{ClientId, Person, Secret, TenantId, Timestamp};

use crate::broker::Broker;
use crate::cache::{Cache, CacheError, Hidden, Kept, Model};
use crate::device::Shown;
use crate::error::{AccountsError, Needed};

/// Tolerated difference of clocks between this machine and Entra.
const SKEW: std::time::Duration = std::time::Duration::from_secs(300);

/// A person who signed in on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Who: what everything is kept under. Names change hands, these two ids do not.
    pub person: Person,
    /// What to call them.
    pub name: Option<String>,
    /// What they type to sign in.
    pub address: Option<String>,
    /// What Entra is told so that it does not ask who they are.
    pub login_hint: Option<String>,
    /// Their groups, as far as Entra told them at the last request.
    pub groups: Groups,
}

/// Shows no names: a log holds ids.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("person", &self.person).finish_non_exhaustive()
    }
}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It was there.
    Cache,
    /// The refresh token.
    Refresh,
    /// The broker of the operating system.
    Broker,
    /// A person signed in.
    Person,
}

/// A token of a person's.
#[derive(Clone)]
pub struct Token {
    /// The access token.
    pub access: Arc<Secret<String>>,
    /// When it ends.
    pub expires: Timestamp,
    /// Whose it is.
    pub account: Account,
    /// Where it came from.
    pub source: Source,
}

/// How a person may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interactive {
    /// Not at all: a sign-in that is needed is an error.
    Never,
    /// In the system's browser, and by a device code where none can be opened.
    Browser,
    /// By a device code.
    Device,
}

/// A token that an API refused.
#[derive(Clone, Copy)]
pub struct Refused<'a> {
    /// The token: a newer one in the cache is an answer.
    pub access: &'a Secret<String>,
    /// The claims that the API asks for, as JSON; see [`claims_of_challenge`](doorward_oidc::claims_of_challenge).
    pub claims: Option<&'a str>,
}

/// What a caller wants.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Whose token: an object id, or the login name. Without it, that of the only person who is signed in.
    pub account: Option<&'a str>,
    /// The scopes of one API.
    pub scopes: &'a Scopes,
    /// The token that did not do.
    pub refused: Option<Refused<'a>>,
    /// How a person may be asked.
    pub interactive: Interactive,
}

/// The person's side: a browser and a screen.
pub trait Screen: Send + Sync + 'static {
    /// Opens the system's browser at an address that is good once.
    ///
    /// # Errors
    /// Why there is no browser.
    fn open(&self, url: &str) -> Result<(), String>;

    /// Shows a code for another device.
    fn show(&self, code: &Shown);
}

/// What [`Accounts`] is made from. Tenant and client are the configuration's: none is built in.
pub struct AccountsConfig {
    /// Where Entra is.
    pub cloud: Cloud,
    /// The one tenant whose people may come.
    pub tenant: TenantId,
    /// The public client.
    pub client_id: ClientId,
    /// Who of the tenant may use this machine's servers.
    pub allow: Allow,
    /// Where tokens lie.
    pub cache: Cache,
    /// The broker of the operating system, if it is to be asked.
    pub broker: Option<Arc<dyn Broker>>,
    /// The person's side.
    pub screen: Arc<dyn Screen>,
    /// Reads the wall clock.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Waits between polls.
    pub sleeper: Sleeper,
}

/// The people who are signed in on this machine. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Accounts {
    shared: Arc<Shared>,
}

struct Shared {
    config: AccountsConfig,
    entra: EntraClient,
    keys: Keys,
}

impl Accounts {
    /// Makes one; nothing is asked or read yet.
    pub fn new(fetch: Arc<dyn Fetch>, clock: Stopwatch, config: AccountsConfig) -> Self {
        let tenants = Tenants::One(config.tenant.clone());
        let keys = Keys::new(Arc::clone(&fetch), &config.cloud, &tenants, clock.clone());
        let of = EntraConfig {
            cloud: config.cloud.clone(),
            client_id: config.client_id.clone(),
            credential: ClientCredential::Public,
        };
        let entra = EntraClient::new(fetch, of, clock);
        Self { shared: Arc::new(Shared { config, entra, keys }) }
    }

    /// Returns a token, of the first source that has one. Dropping the future gives up, a sign-in too.
    ///
    /// # Errors
    /// An [`AccountsError`]. A person is asked only where Entra says that they are needed and `ask.interactive` permits it.
    pub async fn token(&self, ask: &Ask<'_>) -> Result<Token, AccountsError> {
        let shared = &self.shared;
        // Most calls end here: no lock, no request.
        if let Some(token) = shared.kept(&shared.looked().await?, ask)? {
            return Ok(token);
        }
        let missing = match shared.silently(ask).await? {
            silent::Silent::Token(token) => return Ok(token),
            silent::Silent::Missing(missing) => missing,
        };
        if ask.interactive == Interactive::Never {
            return Err(AccountsError::SignInNeeded(missing.why));
        }
        shared.with_person(ask, missing).await
    }

    /// Signs a person in, whoever is signed in already, and returns who it was.
    ///
    /// # Errors
    /// An [`AccountsError`].
    pub async fn sign_in(&self, ask: &Ask<'_>) -> Result<Account, AccountsError> {
        self.shared.sign_in(ask).await.map(|token| token.account)
    }

    /// Lists who is signed in.
    ///
    /// # Errors
    /// [`AccountsError::Cache`].
    pub async fn accounts(&self) -> Result<Vec<Account>, AccountsError> {
        let model = self.shared.config.cache.load().await?;
        Ok(model.entries.into_iter().map(|entry| entry.account).collect())
    }

    /// Removes everything of a person's from the cache, and returns who it was. Their tokens stay good at Entra until
    /// they end: a public client cannot revoke them, an administrator can. To be recorded by the caller.
    ///
    /// # Errors
    /// [`AccountsError::NoSuchAccount`], [`AccountsError::WhichAccount`] or [`AccountsError::Cache`].
    pub async fn sign_out(&self, account: Option<&str>) -> Result<Account, AccountsError> {
        let cache = &self.shared.config.cache;
        let _lock = cache.quiet().await?;
        let mut model = match cache.load().await {
            Err(CacheError::Damaged { path, what }) => {
                cache.set_aside().await?;
                return Err(CacheError::Damaged { path, what }.into());
            }
            other => other?,
        };
        let person = match choose(&model, account)? {
            Some(account) => account.person.clone(),
            None => return Err(AccountsError::SignInNeeded(Needed::Nobody)),
        };
        let Some(at) = model.entries.iter().position(|entry| entry.account.person == person) else {
            return Err(AccountsError::SignInNeeded(Needed::Nobody));
        };
        let entry = model.entries.remove(at);
        cache.save_anew(&model).await?;
        Ok(entry.account)
    }
}

/// Finds the account that is meant; `None` if nobody is signed in and nobody is named.
fn choose<'m>(model: &'m Model, named: Option<&str>) -> Result<Option<&'m Account>, AccountsError> {
    let mut all = model.entries.iter().map(|entry| &entry.account);
    match named {
        Some(name) => {
            let found = all.find(|account| account.is_called(name));
            found.map(Some).ok_or_else(|| AccountsError::NoSuchAccount(name.to_owned()))
        }
        None => match model.entries.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(&only.account)),
            several => {
                Err(AccountsError::WhichAccount(several.iter().map(|entry| entry.account.called()).collect()))
            }
        },
    }
}

impl Account {
    /// Returns what a person types to mean this account.
    pub fn called(&self) -> String {
        self.address.clone().unwrap_or_else(|| self.person.object.to_string())
    }

    fn is_called(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.person.object.as_str())
            || self.address.as_deref().is_some_and(|address| address.eq_ignore_ascii_case(name))
    }
}

impl Shared {
    fn now(&self) -> Timestamp {
        (self.config.now)()
    }

    /// Looks into the cache without the lock. A damaged file reads as an empty one: it is dealt with under the lock.
    async fn looked(&self) -> Result<Model, CacheError> {
        match self.config.cache.load().await {
            Err(CacheError::Damaged { .. }) => Ok(Model::default()),
            other => other,
        }
    }

    /// Returns the kept token if it will do: fresh, and not the one that was refused.
    fn kept(&self, model: &Model, ask: &Ask<'_>) -> Result<Option<Token>, AccountsError> {
        let Ok(Some(account)) = choose(model, ask.account) else { return Ok(None) };
        let kept = model.entry(&account.person).and_then(|entry| entry.token(ask.scopes));
        let Some(kept) =
            kept.filter(|kept| kept.life.fresh(self.now()) == Fresh::Yes && !is_refused(kept, ask))
        else {
            return Ok(None);
        };
        // Every time: who is let in stands in the configuration, not in the cache.
        self.config.allow.judge(&account.person, &account.groups)?;
        Ok(Some(token(kept, account, Source::Cache)))
    }

    /// Verifies an ID token and says whose it is.
    async fn who(&self, id: &str, nonce: Option<&str>) -> Result<Account, AccountsError> {
        let expected = IdTokenExpectation {
            cloud: self.config.cloud.clone(),
            tenants: Tenants::One(self.config.tenant.clone()),
            client_id: self.config.client_id.clone(),
            nonce,
            skew: SKEW,
        };
        let judge = || verify_id_token(id, &*self.keys.current(), &expected, self.now());
        let verdict = match judge() {
            Err(TokenError::UnknownKid { kid }) => {
                if !self.keys.refresh_for(&kid).await && self.keys.health().keys == 0 {
                    return Err(AccountsError::NoKeys);
                }
                judge()
            }
            verdict => verdict,
        };
        verdict.map(Account::from).map_err(AccountsError::IdToken)
    }

    /// Makes of an answer what is kept.
    fn kept_of(&self, scopes: &Scopes, answer: TokenAnswer) -> (Option<Hidden>, Kept) {
        let now = self.now();
        let life = Lifetime {
            obtained: now,
            refresh: answer.refresh_in.map(|span| now.plus(span)),
            expires: now.plus(answer.expires_in),
        };
        let kept = Kept { scopes: scopes.as_str().to_owned(), access: answer.access.into(), life };
        (answer.refresh.map(Hidden::from), kept)
    }
}

impl From<IdToken> for Account {
    fn from(id: IdToken) -> Self {
        Self {
            person: id.person,
            name: id.name,
            address: id.address,
            login_hint: id.login_hint,
            groups: id.groups,
        }
    }
}

fn is_refused(kept: &Kept, ask: &Ask<'_>) -> bool {
    ask.refused.is_some_and(|refused| kept.access.0.matches(refused.access.expose().as_bytes()))
}

fn token(kept: &Kept, account: &Account, source: Source) -> Token {
    Token { access: Arc::clone(&kept.access.0), expires: kept.life.expires, account: account.clone(), source }
}
