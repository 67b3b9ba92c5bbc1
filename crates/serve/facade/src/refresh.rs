//! A refresh token becomes the next: once, for its own client, while Entra still knows the person (D-15).

use doorward_issuer::client::Client;
use doorward_issuer::family::{
    EntraCheck, Family, RefreshVerdict, entra_needed, judge_refresh, read_refresh_token, refresh_token,
    without_entra,
};
use doorward_issuer::token::{TokenError, narrowed};

use crate::entra::GrantError;
use crate::respond::{Answer, later};
use crate::token::{Refreshed, invalid_grant, is_confidential};
use crate::vault::Held;
use crate::{Asked, Facade, vault};

/// Two answers of one client meet once; more than that is no race any more.
const TRIES: usize = 4;

/// What a family goes on to.
struct Next<'a> {
    counter: u32,
    /// Read before the family was.
    epoch: u64,
    scopes: &'a [String],
    key: Option<&'a str>,
}

impl Facade {
    pub(crate) async fn refresh(
        &self,
        asked: &Asked<'_>,
        client: &Client,
        refreshed: Refreshed<'_>,
    ) -> Answer {
        let Refreshed { token, scope, resource, key } = refreshed;
        let unknown = || invalid_grant("the refresh token is not valid");
        let Ok((grant, presented)) = read_refresh_token(&self.keys.refresh, token, &client.id) else {
            self.count(asked.source, "refresh-token-forged", asked.now);
            return self.oauth_error(&unknown());
        };
        for _ in 0..TRIES {
            // Before the family, or a token could outlive a revocation that came between.
            let epoch = match self.parts.store.epoch().await {
                Ok(epoch) => epoch,
                Err(error) => return self.token_store_failed(&error),
            };
            let held = match vault::family(&self.parts.store, &grant, asked.now).await {
                Ok(Some(held)) => held,
                // Ended, or never was: a client that learns this signs in again, which is right in both cases.
                Ok(None) => return self.oauth_error(&unknown()),
                Err(error) => return self.token_store_failed(&error),
            };
            let family = &held.thing;
            // Less than the grant may be asked for, never more, and never another resource (D-12).
            if resource.is_some_and(|resource| resource != family.resource) {
                let words = "the refresh token is for another resource";
                return self.oauth_error(&TokenError::new("invalid_target", words));
            }
            let scopes = match narrowed(&family.scopes, scope) {
                Ok(scopes) => scopes,
                Err(error) => return self.oauth_error(&error),
            };
            let verdict =
                judge_refresh(family, presented, &client.id, key, asked.now, &self.settings.families);
            match verdict {
                RefreshVerdict::Rotate { next } => {
                    if let Some(answer) = self
                        .rotate(asked, client, held, Next { counter: next, epoch, scopes: &scopes, key })
                        .await
                    {
                        return answer;
                    }
                }
                RefreshVerdict::Repeat { current } => {
                    let told = self.told(family, Some("repeat"));
                    if let Err(error) = self.tell("refreshed", told, asked.now).await {
                        return self.token_log_failed(&error);
                    }
                    let refresh = refresh_token(&self.keys.refresh, &grant, current, &client.id);
                    return match self.access(family, epoch, &scopes, key, asked.now).await {
                        Ok(token) => self.hand_out(&token, Some(&refresh), &scopes, key),
                        Err(answer) => *answer,
                    };
                }
                RefreshVerdict::Revoke(reason) => {
                    self.alarm(reason, &family.person, Some(&family.server), asked.now).await;
                    let told = self.told(family, Some(reason));
                    if let Err(answer) = self.end_grant(&grant, told, asked.now).await {
                        return *answer;
                    }
                    return self.oauth_error(&unknown());
                }
                RefreshVerdict::Refuse(reason) => {
                    let told = self.told(family, Some(reason));
                    if let Err(error) = self.tell("refresh-refused", told, asked.now).await {
                        return self.token_log_failed(&error);
                    }
                    return self.oauth_error(&unknown());
                }
            }
        }
        later(self.unavailable("too many refreshes at once"), 1)
    }

    /// Goes on to the next token; nothing if somebody else was faster, which is then judged anew.
    async fn rotate(
        &self,
        asked: &Asked<'_>,
        client: &Client,
        held: Held<Family>,
        next: Next<'_>,
    ) -> Option<Answer> {
        let Next { counter, epoch, scopes, key } = next;
        let Held { row, thing: mut family } = held;
        if entra_needed(&family, asked.now, &self.settings.families) == EntraCheck::AskFirst
            && let Err(answer) = self.confirm(asked, &mut family).await
        {
            return Some(*answer);
        }
        if family.jkt.is_none() && !is_confidential(client) {
            // From the first proof on, the refresh tokens of a public client are bound (RFC 9449 section 5).
            family.jkt = key.map(str::to_owned);
        }
        family.counter = counter;
        family.rotated = asked.now;
        family.used = asked.now;
        let next_row = vault::family_row(&family, self.family_ends(&family, asked.now), row.version);
        let (replaced, token) = tokio::join!(
            self.parts.store.replace(&next_row),
            self.access(&family, epoch, scopes, key, asked.now)
        );
        match replaced {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(self.token_store_failed(&error)),
        }
        let token = match token {
            Ok(token) => token,
            Err(answer) => return Some(*answer),
        };
        let told = self.told(&family, None);
        if let Err(error) = self.tell("refreshed", told, asked.now).await {
            return Some(self.token_log_failed(&error));
        }
        let refresh = refresh_token(&self.keys.refresh, &family.grant, counter, &family.client);
        Some(self.hand_out(&token, Some(&refresh), scopes, key))
    }

    /// Asks Entra whether the person may still come in, and what their roles and groups are now (REM-07).
    async fn confirm(&self, asked: &Asked<'_>, family: &mut Family) -> Result<(), Box<Answer>> {
        let renewed = self.parts.grants.renew(&family.grant, &family.person, &family.client, asked.now).await;
        let tokens = match renewed {
            Ok(tokens) => tokens,
            Err(GrantError::Away(why)) => {
                tracing::warn!(why, "Entra cannot be asked whether a person may still come in");
                if without_entra(family, asked.now, &self.settings.families) {
                    return Ok(());
                }
                let words = "the door cannot ask Microsoft whether you may still come in";
                return Err(Box::new(later(self.unavailable(words), 60)));
            }
            Err(GrantError::Store(error)) => return Err(Box::new(self.token_store_failed(&error))),
            Err(GrantError::Challenge(claims)) => {
                // Entra wants to see the person again: only the browser can show them.
                let noted = self
                    .parts
                    .grants
                    .challenge(&family.grant, &family.person, &family.client, &claims, asked.now)
                    .await;
                if let Err(error) = noted {
                    return Err(Box::new(self.token_store_failed(&error)));
                }
                let told = self.told(family, Some("entra-asks-for-a-step"));
                if let Err(error) = self.tell("refresh-refused", told, asked.now).await {
                    return Err(Box::new(self.token_log_failed(&error)));
                }
                return Err(Box::new(self.sign_in_again()));
            }
            Err(error @ (GrantError::Ended(_) | GrantError::Gone)) => {
                let reason = error.to_string();
                let told = self.told(family, Some(&reason));
                self.end_grant(&family.grant, told, asked.now).await?;
                return Err(Box::new(self.sign_in_again()));
            }
        };
        match self.own_token(tokens.access.expose(), &family.person, asked.now).await {
            Ok((roles, groups)) => {
                family.roles = roles;
                family.groups = groups;
                family.confirmed = asked.now;
                Ok(())
            }
            Err(reason) => {
                let told = self.told(family, Some(reason));
                self.end_grant(&family.grant, told, asked.now).await?;
                Err(Box::new(self.sign_in_again()))
            }
        }
    }

    fn sign_in_again(&self) -> Answer {
        self.oauth_error(&invalid_grant("the sign-in has ended; sign in again"))
    }
}
