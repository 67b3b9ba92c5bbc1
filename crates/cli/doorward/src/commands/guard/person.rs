//! The person a guard works for, where they sign in: asked about again and again, for a sign-in can be taken back.

#[cfg(test)]
#[cfg(feature = "lab")]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_accounts::{Accounts, AccountsError, Ask, Interactive, Token};
use doorward_config::Rules;
use doorward_guard::{Allowed, Tokens};
use doorward_oauth::AtHome;
use doorward_oidc::public::Scopes;
use doorward_types::ClientId;

use crate::commands::accounts::{Setup, allowed, failed, load};
use crate::failure::Failure;
use crate::out::Out;
use crate::table::clean;

/// How often the sign-in is looked at. It costs nothing while a token is good, and one request an hour.
const ROUND: Duration = Duration::from_secs(60);

/// Who signed in.
pub(crate) struct Person {
    pub(crate) who: AtHome,
    /// What to call them.
    pub(crate) name: String,
    /// The folder of the configuration's policies, if it is there.
    pub(crate) policies: Option<PathBuf>,
    /// The rules beside those that are built in.
    pub(crate) rules: Rules,
    /// The configuration.
    config: PathBuf,
    accounts: Accounts,
    scopes: Scopes,
    /// Their object id.
    account: String,
}

/// What a look at the sign-in finds.
enum Seen {
    /// The person, with what Entra told of them last.
    Here(AtHome),
    /// Nobody: the sign-in is over.
    Over(String),
    /// Nobody knows. Away is not signed out: what was verified counts until it expires.
    Unknown(String),
}

impl Person {
    /// Finds out who is signed in. Nobody is asked for a password here: whoever starts a guard is a program.
    pub(crate) async fn signed_in(path: &Path, account: Option<&str>, out: &Out) -> Result<Self, Failure> {
        let config = load(path)?;
        let policies = Some(&config.policy.dir).filter(|dir| dir.is_dir()).cloned();
        let rules = config.rules.clone();
        let person = Self::found(Setup::make(&config, out)?, path, account).await?;
        Ok(Self { policies, rules, ..person })
    }

    async fn found(setup: Setup, config: &Path, account: Option<&str>) -> Result<Self, Failure> {
        let Setup { accounts, scopes, .. } = setup;
        let token = asked(&accounts, &scopes, account).await.map_err(failed)?;
        let name = clean(&token.account.called()).to_string();
        // From now on it is this very person, whoever else signs in on this machine.
        let account = token.account.person.object.to_string();
        let config = config.to_owned();
        let rules = Rules { dir: PathBuf::new(), keys: Vec::new() };
        Ok(Self { who: of(token)?, name, policies: None, rules, config, accounts, scopes, account })
    }

    /// What the server may ask for in this person's name; nothing where no scope is named.
    pub(crate) fn tokens(&self, scopes: &[String]) -> Result<Option<Tokens>, Failure> {
        let allowed = Allowed::parse(scopes, &load(&self.config)?.guard.client_id).map_err(|error| {
            Failure::usage(error.to_string()).help("docs/guard.md says which tokens a server can be given")
        })?;
        let (accounts, account) = (self.accounts.clone(), self.account.clone());
        Ok((!allowed.is_empty()).then_some(Tokens { accounts, account, allowed }))
    }

    /// Keeps the guard told after each round: with new groups, and with nobody once the sign-in is over.
    pub(crate) async fn watch<R: Future<Output = ()>>(
        self,
        round: impl Fn() -> R,
        tell: impl Fn(Option<AtHome>),
    ) {
        loop {
            round().await;
            match self.look().await {
                Seen::Here(who) => tell(Some(who)),
                Seen::Over(why) => {
                    tracing::warn!(why, "the sign-in is over; nothing more is let through");
                    tell(None);
                }
                Seen::Unknown(why) => tracing::warn!(why, "the sign-in could not be looked at"),
            }
        }
    }

    async fn look(&self) -> Seen {
        use AccountsError::{NoSuchAccount, NotAllowed, OtherPerson, SignInNeeded};
        let token = match asked(&self.accounts, &self.scopes, Some(&self.account)).await {
            Ok(token) => token,
            Err(error @ (SignInNeeded(_) | NoSuchAccount(_) | NotAllowed(_) | OtherPerson)) => {
                return Seen::Over(error.to_string());
            }
            Err(error) => return Seen::Unknown(error.to_string()),
        };
        // Who may use the servers of this machine stands in the file, and the file may have changed since the guard began.
        let allowed = match load(&self.config) {
            Ok(config) => allowed(&config.guard),
            Err(failure) => return Seen::Unknown(failure.to_string()),
        };
        if let Err(error) = allowed.judge(&token.account.person, &token.account.groups) {
            return Seen::Over(error.to_string());
        }
        match of(token) {
            Ok(who) if who.person == self.who.person => Seen::Here(who),
            Ok(_) | Err(_) => Seen::Over(OtherPerson.to_string()),
        }
    }
}

/// Waits from one look to the next.
pub(crate) async fn round() {
    tokio::time::sleep(ROUND).await;
}

async fn asked(accounts: &Accounts, scopes: &Scopes, account: Option<&str>) -> Result<Token, AccountsError> {
    accounts.token(&Ask { account, scopes, refused: None, interactive: Interactive::Never }).await
}

fn of(token: Token) -> Result<AtHome, Failure> {
    Ok(AtHome {
        person: token.account.person,
        client: ClientId::registered(super::CLIENT).map_err(|error| Failure::new(error.to_string()))?,
        roles: Vec::new(),
        groups: token.account.groups,
        expires: token.expires,
    })
}
