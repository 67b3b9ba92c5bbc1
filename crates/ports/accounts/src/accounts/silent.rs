//! Without a person: the refresh token, then the broker.

use doorward_entra::EntraError;
use doorward_oidc::public::{Fresh, Lifetime, Remedy, remedy};

use super::{Account, Ask, Shared, Source, Token, choose, is_refused, token};
use crate::broker::{BrokerAsk, BrokerError};
use crate::cache::{CacheError, Kept, Model};
use crate::error::{AccountsError, Needed};

/// How it ended.
pub(super) enum Silent {
    Token(Token),
    Missing(Missing),
}

/// What a person must bring.
pub(super) struct Missing {
    pub(super) why: Needed,
    /// Who is expected.
    pub(super) account: Option<Account>,
    /// The claims that Entra or an API asks for.
    pub(super) claims: Option<String>,
}

impl Shared {
    /// Gets a token without a person, one process at a time: whoever waited finds in the cache what the one before got.
    pub(super) async fn silently(&self, ask: &Ask<'_>) -> Result<Silent, AccountsError> {
        let cache = &self.config.cache;
        let _lock = cache.quiet().await?;
        let (mut model, damaged) = match cache.load().await {
            Err(CacheError::Damaged { what, .. }) => {
                let aside = cache.set_aside().await?;
                tracing::warn!(what, aside = %aside.display(), "the token cache is damaged; everybody is signed out");
                (Model::default(), Some(aside))
            }
            other => (other?, None),
        };
        if let Some(token) = self.kept(&model, ask)? {
            return Ok(Silent::Token(token));
        }
        let account = match choose(&model, ask.account) {
            Ok(account) => account.cloned(),
            // The broker may know them, and so may Entra.
            Err(AccountsError::NoSuchAccount(_)) => None,
            Err(error) => return Err(error),
        };
        let nobody = damaged.map_or(Needed::Nobody, |aside| Needed::Damaged(aside.display().to_string()));
        let why = if account.is_some() { Needed::Ended(None) } else { nobody };
        let claims = ask.refused.and_then(|refused| refused.claims).map(str::to_owned);
        let mut missing = Missing { why, account, claims };
        if let Some(account) = missing.account.clone()
            && let Some(token) = self.refresh(&mut model, &account, ask, &mut missing).await?
        {
            return Ok(Silent::Token(token));
        }
        match self.broker(&mut model, ask, &missing).await? {
            Some(token) => Ok(Silent::Token(token)),
            None => Ok(Silent::Missing(missing)),
        }
    }

    /// Redeems the refresh token; nothing if there is none, or if Entra asks for the person, which `missing` then tells.
    async fn refresh(
        &self,
        model: &mut Model,
        account: &Account,
        ask: &Ask<'_>,
        missing: &mut Missing,
    ) -> Result<Option<Token>, AccountsError> {
        let Some(entry) = model.entry(&account.person) else { return Ok(None) };
        let Some(refresh) = entry.refresh.clone() else { return Ok(None) };
        let tenant = self.config.tenant.as_str();
        let scopes = ask.scopes.asked();
        let error = match self.entra.refresh(tenant, &refresh.0, &scopes, missing.claims.as_deref()).await {
            Ok(answer) => {
                let account = match &answer.id {
                    Some(id) => self.same(account, self.who(id.expose(), None).await?)?,
                    None => account.clone(),
                };
                let (refresh, kept) = self.kept_of(ask.scopes, answer);
                model.take_in(account.clone(), refresh, kept.clone());
                // Kept before it is judged: Entra has moved on to the new refresh token.
                self.config.cache.save(model).await?;
                self.config.allow.judge(&account.person, &account.groups)?;
                return Ok(Some(token(&kept, &account, Source::Refresh)));
            }
            Err(error) => error,
        };
        match error.refusal().map(remedy) {
            Some(Remedy::SignIn { claims, over }) => {
                let code = error.code();
                missing.why = if over { Needed::Ended(code) } else { Needed::Step(code) };
                missing.claims = claims.or(missing.claims.take());
                if over && let Some(entry) = model.entry_mut(&account.person) {
                    // Whoever waits for the lock must not ask with it again.
                    (entry.refresh, entry.tokens) = (None, Vec::new());
                    self.config.cache.save(model).await?;
                }
                Ok(None)
            }
            _ => self.still_good(model, account, ask, error).map(Some),
        }
    }

    /// While Entra is away an ageing token is used to its end.
    fn still_good(
        &self,
        model: &Model,
        account: &Account,
        ask: &Ask<'_>,
        error: EntraError,
    ) -> Result<Token, AccountsError> {
        let away = matches!(error, EntraError::Unreachable(_) | EntraError::Throttled { .. });
        let kept = model.entry(&account.person).and_then(|entry| entry.token(ask.scopes));
        match kept
            .filter(|kept| away && !is_refused(kept, ask) && kept.life.fresh(self.now()) == Fresh::Ageing)
        {
            Some(kept) => {
                self.config.allow.judge(&account.person, &account.groups)?;
                Ok(token(kept, account, Source::Cache))
            }
            None => Err(error.into()),
        }
    }

    /// Asks the broker of the operating system.
    async fn broker(
        &self,
        model: &mut Model,
        ask: &Ask<'_>,
        missing: &Missing,
    ) -> Result<Option<Token>, AccountsError> {
        let Some(broker) = &self.config.broker else { return Ok(None) };
        // Brokers know people by other names than a login name: one that was only named is looked for by its ID token.
        let asked = BrokerAsk {
            cloud: &self.config.cloud,
            tenant: &self.config.tenant,
            client_id: &self.config.client_id,
            person: missing.account.as_ref().map(|account| &account.person),
            scopes: ask.scopes,
            claims: missing.claims.as_deref(),
        };
        let given = match broker.token(asked).await {
            Ok(Some(given)) => given,
            Ok(None) | Err(BrokerError::NeedsPerson) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let who = self.who(given.id.expose(), None).await?;
        let account = match &missing.account {
            Some(expected) => self.same(expected, who)?,
            None if ask.account.is_some_and(|name| !who.is_called(name)) => return Ok(None),
            None => who,
        };
        self.config.allow.judge(&account.person, &account.groups)?;
        let life = Lifetime { obtained: self.now(), refresh: None, expires: given.expires };
        let scopes = ask.scopes.as_str().to_owned();
        let kept = Kept { scopes, access: given.access.into(), life };
        if is_refused(&kept, ask) || kept.life.fresh(self.now()) == Fresh::Over {
            return Ok(None);
        }
        model.take_in(account.clone(), None, kept.clone());
        self.config.cache.save(model).await?;
        Ok(Some(token(&kept, &account, Source::Broker)))
    }

    /// Refuses another person than the one who is expected: their token must not be kept under somebody's name.
    pub(super) fn same(&self, expected: &Account, found: Account) -> Result<Account, AccountsError> {
        if found.person == expected.person { Ok(found) } else { Err(AccountsError::OtherPerson) }
    }
}
