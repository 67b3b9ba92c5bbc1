//! The person a guard works for, where they sign in: asked about again and again, for a sign-in can be taken back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_accounts::{Accounts, AccountsError, Ask, Interactive, Token};
use doorward_guard::{Allowed, Seat, Tokens};
use doorward_oauth::AtHome;
use doorward_oidc::public::Scopes;
use doorward_types::ClientId;

use crate::commands::accounts::{Setup, failed, load};
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
    client_id: ClientId,
    accounts: Accounts,
    scopes: Scopes,
    /// Their object id.
    account: String,
}

impl Person {
    /// Finds out who is signed in. Nobody is asked for a password here: whoever starts a guard is a program.
    pub(crate) async fn signed_in(
        config: &Path,
        account: Option<String>,
        out: &Out,
    ) -> Result<Self, Failure> {
        let config = load(config)?;
        let Setup { accounts, scopes } = Setup::make(&config, out)?;
        let token = asked(&accounts, &scopes, account.as_deref()).await.map_err(failed)?;
        let policies = Some(config.policy.dir).filter(|dir| dir.is_dir());
        let name = clean(&token.account.called()).to_string();
        // From now on it is this very person, whoever else signs in on this machine.
        let account = token.account.person.object.to_string();
        let client_id = config.guard.client_id;
        Ok(Self { who: of(token)?, name, policies, client_id, accounts, scopes, account })
    }

    /// What the server may ask for in this person's name; nothing where no scope is named.
    pub(crate) fn tokens(&self, scopes: &[String]) -> Result<Option<Tokens>, Failure> {
        let allowed = Allowed::parse(scopes, &self.client_id).map_err(|error| {
            Failure::usage(error.to_string()).help("docs/guard.md says which tokens a server can be given")
        })?;
        let (accounts, account) = (self.accounts.clone(), self.account.clone());
        Ok((!allowed.is_empty()).then_some(Tokens { accounts, account, allowed }))
    }

    /// Keeps the guard told: with new groups, and with nobody once the sign-in is over.
    pub(crate) async fn watch(self, seat: Seat) {
        loop {
            tokio::time::sleep(ROUND).await;
            match asked(&self.accounts, &self.scopes, Some(&self.account)).await {
                Ok(token) => match of(token) {
                    Ok(who) if who.person == self.who.person => seat.take(Some(who)),
                    _ => seat.take(None),
                },
                Err(
                    error @ (AccountsError::SignInNeeded(_)
                    | AccountsError::NoSuchAccount(_)
                    | AccountsError::NotAllowed(_)),
                ) => {
                    tracing::warn!(%error, "the sign-in is over; nothing more is let through");
                    seat.take(None);
                }
                // Away is not signed out: what was verified counts until it expires.
                Err(error) => tracing::warn!(%error, "the sign-in could not be looked at"),
            }
        }
    }
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
