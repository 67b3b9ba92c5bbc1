//! With a person: the browser, then the device code. One sign-in at a time on this machine.

use doorward_oidc::{Prompt, TokenAnswer};

use super::silent::{Missing, Silent};
use super::{Ask, Interactive, Shared, Source, Token, token};
use crate::browser::{self, BrowserAsk};
use crate::cache::{CacheError, Model};
use crate::device;
use crate::error::{AccountsError, Needed};

impl Shared {
    /// Has the person sign in. Whoever had to wait for another process's sign-in takes what it brought, and does not ask
    /// the person once more if it brought nothing: fifty processes show one page, not fifty one after the other.
    pub(super) async fn with_person(&self, ask: &Ask<'_>, missing: Missing) -> Result<Token, AccountsError> {
        let lock = self.config.cache.sign_in().await?;
        let missing = if lock.waited {
            match self.silently(ask).await? {
                Silent::Token(token) => return Ok(token),
                Silent::Missing(_) => return Err(AccountsError::Abandoned),
            }
        } else {
            // Between the look into the cache and the lock another may have come and gone.
            match self.kept(&self.looked().await?, ask)? {
                Some(token) => return Ok(token),
                None => missing,
            }
        };
        self.ask_person(ask, &missing, None).await
    }

    /// Has a person sign in, whoever is signed in.
    pub(super) async fn sign_in(&self, ask: &Ask<'_>) -> Result<Token, AccountsError> {
        let _lock = self.config.cache.sign_in().await?;
        let missing = Missing { why: Needed::Nobody, account: None, claims: None };
        let prompt = ask.account.is_none().then_some(Prompt::SelectAccount);
        self.ask_person(ask, &missing, prompt).await
    }

    async fn ask_person(
        &self,
        ask: &Ask<'_>,
        missing: &Missing,
        prompt: Option<Prompt>,
    ) -> Result<Token, AccountsError> {
        self.config.cache.prepare().await?;
        let result = self.answered(ask, missing, prompt).await;
        self.config.cache.give_back().await;
        result
    }

    async fn answered(
        &self,
        ask: &Ask<'_>,
        missing: &Missing,
        prompt: Option<Prompt>,
    ) -> Result<Token, AccountsError> {
        let (answer, nonce) = self.asked(ask, missing, prompt).await?;
        let id = answer.id.as_ref().ok_or(AccountsError::NoIdToken)?;
        let who = self.who(id.expose(), nonce.as_deref()).await?;
        let account = match &missing.account {
            Some(expected) => self.same(expected, who)?,
            None if ask.account.is_some_and(|name| !who.is_called(name)) => {
                return Err(AccountsError::OtherPerson);
            }
            None => who,
        };
        // Nothing is kept of somebody who may not come in.
        self.config.allow.judge(&account.person, &account.groups)?;
        let (refresh, kept) = self.kept_of(ask.scopes, answer);
        let cache = &self.config.cache;
        let _lock = cache.quiet().await?;
        let mut model = match cache.load().await {
            Err(CacheError::Damaged { .. }) => {
                cache.set_aside().await?;
                Model::default()
            }
            other => other?,
        };
        model.take_in(account.clone(), refresh, kept.clone());
        cache.save(&model).await?;
        Ok(token(&kept, &account, Source::Person))
    }

    /// Gets an answer out of a browser, or out of a device code where there is no browser.
    async fn asked(
        &self,
        ask: &Ask<'_>,
        missing: &Missing,
        prompt: Option<Prompt>,
    ) -> Result<(TokenAnswer, Option<String>), AccountsError> {
        let (tenant, screen) = (self.config.tenant.as_str(), &*self.config.screen);
        let expected = missing.account.as_ref().and_then(|account| account.login_hint.as_deref());
        let browser = BrowserAsk {
            tenant,
            scopes: ask.scopes,
            claims: missing.claims.as_deref(),
            login_hint: expected.or(ask.account.filter(|name| name.contains('@'))),
            prompt,
        };
        if ask.interactive == Interactive::Browser
            && let Some(came) = browser::sign_in(&self.entra, &browser, screen).await?
        {
            return Ok((came.answer, Some(came.nonce)));
        }
        let claims = missing.claims.as_deref();
        let answer =
            device::sign_in(&self.entra, tenant, ask.scopes, claims, screen, &self.config.sleeper).await?;
        Ok((answer, None))
    }
}
