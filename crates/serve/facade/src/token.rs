//! `POST /token`: a code, a refresh token or a machine's own proof becomes an access token. Nothing here is passed on to
//! Entra: whoever could have the door's own credential used for a grant of their choice would be the door.

use std::sync::Arc;
use std::time::Duration;

use doorward_issuer::client::{Client, ClientAuth};
use doorward_issuer::code::{CodeError, CodeRecord, CodeRequest, redeem};
use doorward_issuer::family::{Family, refresh_token};
use doorward_issuer::params::Params;
use doorward_issuer::token::{
    Access, Presented, TokenError, TokenRequest, access_token, authenticate, claims, presented, read,
    token_answer,
};
use doorward_oauth::CallerKind;
use doorward_store::{Change, StoreError};
use doorward_types::{ClientId, Secret, Timestamp};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};

use crate::respond::{Answer, json, later};
use crate::tell::Told;
use crate::{Asked, Facade, vault};

const FORM: &[u8] = b"application/x-www-form-urlencoded";

impl Facade {
    /// `POST /token`
    pub(crate) async fn token(&self, asked: &Asked<'_>) -> Answer {
        let (client, request, _) = match self.heard(asked, true).await {
            Ok((client, Some(request), params)) => (client, request, params),
            Ok((_, None, _)) => return self.oauth_error(&invalid_request("grant_type is missing")),
            Err(answer) => return *answer,
        };
        let key = match self.proven_key(asked, &client) {
            Ok(key) => key,
            Err(answer) => return self.with_nonce(*answer),
        };
        let key = key.as_deref();
        let answer = match request {
            TokenRequest::Code { code, redirect_uri, verifier, resource } => {
                let verifier = verifier.as_ref().map(|verifier| verifier.expose().as_str());
                let redeemed = Redeemed { code: code.expose(), redirect_uri, verifier, resource, key };
                self.redeem_code(asked, &client, redeemed).await
            }
            TokenRequest::Refresh { token, scope, resource } => {
                let (scope, resource) = (scope.as_deref(), resource.as_deref());
                self.refresh(asked, &client, Refreshed { token: token.expose(), scope, resource, key }).await
            }
            TokenRequest::ClientCredentials { scope, resource } => {
                self.machine(asked, &client, scope.as_deref(), resource.as_deref(), key).await
            }
        };
        if key.is_some() { self.with_nonce(answer) } else { answer }
    }

    /// Reads a request of a client's, and makes sure that it is the client's.
    pub(crate) async fn heard(
        &self,
        asked: &Asked<'_>,
        wants_grant: bool,
    ) -> Result<(Arc<Client>, Option<TokenRequest>, Params), Box<Answer>> {
        let refuse = |error: &TokenError| Box::new(self.oauth_error(error));
        let kind = asked.header(&CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if !kind.eq_ignore_ascii_case(FORM) {
            return Err(refuse(&invalid_request("the body must be application/x-www-form-urlencoded")));
        }
        let params = Params::parse(asked.request.body())
            .map_err(|error| refuse(&invalid_request(&error.to_string())))?;
        let request = match wants_grant {
            true => Some(read(&params).map_err(|error| refuse(&error))?),
            false => None,
        };
        let presented =
            presented(&params, asked.header(&AUTHORIZATION)).map_err(|error| self.guessed(asked, &error))?;
        if asked.request.headers().get_all(AUTHORIZATION).iter().count() > 1 {
            return Err(refuse(&invalid_request("one Authorization header at the most")));
        }
        let id = presented.client_id().ok_or_else(|| self.guessed(asked, &TokenError::client()))?;
        // Whoever guesses secrets from one place is made to wait; clients that prove themselves are not.
        let client = self
            .client(id.as_str(), asked.source, asked.now)
            .await
            .map_err(|_| self.guessed(asked, &TokenError::client()))?;
        self.proven(asked, &client, &presented).await?;
        Ok((client, request, params))
    }

    async fn proven(
        &self,
        asked: &Asked<'_>,
        client: &Client,
        presented: &Presented,
    ) -> Result<(), Box<Answer>> {
        let issuer = &self.settings.issuer;
        let endpoint = format!("{issuer}/token");
        let proof = authenticate(client, presented, &endpoint, issuer, asked.now)
            .map_err(|error| self.guessed(asked, &error))?;
        let Some(jti) = proof.jti else { return Ok(()) };
        // An assertion is good once, however long it says it lives.
        let until = proof.expires.unwrap_or_else(|| asked.now.plus(Duration::from_secs(600)));
        let once = format!("assertion|{}|{jti}", client.id.as_str());
        match vault::use_up(&self.parts.store, &once, None, until).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.guessed(asked, &TokenError::client())),
            Err(error) => Err(Box::new(self.token_store_failed(&error))),
        }
    }

    /// Refuses a client that does not prove who it is, and counts it.
    fn guessed(&self, asked: &Asked<'_>, error: &TokenError) -> Box<Answer> {
        self.count(asked.source, "client-not-proven", asked.now);
        if !self.guesses.take(asked.source, asked.now) {
            let error = TokenError {
                error: "temporarily_unavailable",
                description: "too many attempts".into(),
                status: 429,
            };
            return Box::new(later(self.oauth_error(&error), 60));
        }
        Box::new(self.oauth_error(error))
    }

    async fn redeem_code(&self, asked: &Asked<'_>, client: &Client, redeemed: Redeemed<'_>) -> Answer {
        let store = &self.parts.store;
        let unknown = || invalid_grant("the code is not valid");
        // The epoch before the sign-in: what is revoked after this has a later one, and the token goes with it.
        let (epoch, held) = tokio::join!(store.epoch(), vault::code(store, redeemed.code, asked.now));
        let (epoch, held) = match (epoch, held) {
            (Ok(epoch), Ok(Some(held))) => (epoch, held),
            (Ok(_), Ok(None)) => {
                self.count(asked.source, "code-unknown", asked.now);
                return self.oauth_error(&unknown());
            }
            (Err(error), _) | (_, Err(error)) => return self.token_store_failed(&error),
        };
        let mut record = held.thing;
        let request = CodeRequest {
            client: &client.id,
            redirect_uri: redeemed.redirect_uri.as_deref(),
            verifier: redeemed.verifier,
            resource: redeemed.resource.as_deref(),
            jkt: redeemed.key,
        };
        match redeem(&record, &request, asked.now) {
            Ok(()) => {}
            Err(CodeError::Replayed) => return self.replayed(asked, &record).await,
            Err(error) => {
                let reason = error.to_string();
                let told = Told {
                    person: Some(&record.person),
                    client: Some(&client.id),
                    reason: Some(&reason),
                    ..Told::default()
                };
                if let Err(error) = self.tell("code-refused", told, asked.now).await {
                    return self.token_log_failed(&error);
                }
                return self.oauth_error(&TokenError::new(error.code(), "the code is not valid"));
            }
        }
        let (family, entra) = tokio::join!(
            vault::family(store, &record.grant, asked.now),
            store.get(doorward_store::Kind::EntraTokens, &record.grant.0, asked.now)
        );
        let (mut family, mut entra) = match (family, entra) {
            (Ok(Some(family)), Ok(Some(entra))) => (family, entra),
            (Err(error), _) | (_, Err(error)) => return self.token_store_failed(&error),
            _ => return self.oauth_error(&unknown()),
        };
        record.redeemed = true;
        family.thing.used = asked.now;
        family.thing.rotated = asked.now;
        // A public client proves itself by nothing else, so its refresh tokens are bound to the key as well; another
        // proves itself each time (RFC 9449 section 5).
        family.thing.jkt = redeemed.key.filter(|_| !is_confidential(client)).map(str::to_owned);
        let kept = held.row.expires.unwrap_or(asked.now);
        let code_row = vault::code_row(redeemed.code, &record, kept, held.row.version);
        let family_row =
            vault::family_row(&family.thing, self.family_ends(&family.thing, asked.now), family.row.version);
        entra.expires = Some(family.thing.born.plus(self.settings.families.absolute));
        let changes = [Change::Replace(&code_row), Change::Replace(&family_row), Change::Replace(&entra)];
        let family = &family.thing;
        let (applied, token) = tokio::join!(
            store.apply(&changes),
            self.access(family, epoch, &family.scopes, redeemed.key, asked.now)
        );
        match applied {
            Ok(true) => {}
            // Two redemptions at once: one of the two is a thief, and nobody can say which (D-14).
            Ok(false) => return self.replayed(asked, &record).await,
            Err(error) => return self.token_store_failed(&error),
        }
        self.keep_client(client, asked.now).await;
        let token = match token {
            Ok(token) => token,
            Err(answer) => return *answer,
        };
        if let Err(error) = self.tell("token-issued", self.told(family, Some("code")), asked.now).await {
            return self.token_log_failed(&error);
        }
        let refresh =
            client.grants.refresh.then(|| refresh_token(&self.keys.refresh, &record.grant, 0, &client.id));
        self.hand_out(&token, refresh.as_ref(), &family.scopes, redeemed.key)
    }

    /// A code came twice: what it gave is taken back (D-14, RFC 6749 section 4.1.2).
    async fn replayed(&self, asked: &Asked<'_>, record: &CodeRecord) -> Answer {
        let told = Told {
            person: Some(&record.person),
            client: Some(&record.client),
            grant: Some(&record.grant),
            reason: Some("code-replayed"),
            ..Told::default()
        };
        self.alarm("code-replayed", &record.person, None, asked.now).await;
        if let Err(answer) = self.end_grant(&record.grant, told, asked.now).await {
            return *answer;
        }
        self.oauth_error(&invalid_grant("the code is not valid"))
    }

    /// Returns when a sign-in ends if nobody uses it.
    pub(crate) fn family_ends(&self, family: &Family, now: Timestamp) -> Timestamp {
        let rules = &self.settings.families;
        now.plus(rules.idle).min(family.born.plus(rules.absolute))
    }

    pub(crate) fn told<'a>(&self, family: &'a Family, reason: Option<&'a str>) -> Told<'a> {
        Told {
            person: Some(&family.person),
            client: Some(&family.client),
            server: Some(&family.server),
            grant: Some(&family.grant),
            reason,
            ..Told::default()
        }
    }

    /// Makes the access token of a sign-in, for exactly one resource. It is nothing before it is handed out, so it is made
    /// while what it stands for is written. `epoch` was read before `family` was.
    pub(crate) async fn access(
        &self,
        family: &Family,
        epoch: u64,
        scopes: &[String],
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Secret<String>, Box<Answer>> {
        let jti = self.draw().map_err(|_| Box::new(self.token_broken("no randomness")))?;
        let access = Access {
            issuer: &self.settings.issuer,
            person: &family.person,
            client: &family.client,
            resource: &family.resource,
            scopes,
            roles: &family.roles,
            groups: &family.groups,
            grant: Some(family.grant),
            epoch,
            jti: &jti,
            kind: CallerKind::User,
            jkt: key,
            auth_time: Some(family.born),
        };
        self.sign(&access, now).await
    }

    /// Signs, which is a millisecond's work, where nobody waits behind it.
    pub(crate) async fn sign(
        &self,
        access: &Access<'_>,
        now: Timestamp,
    ) -> Result<Secret<String>, Box<Answer>> {
        let broken = || Box::new(self.token_broken("no signing key"));
        let signer = self.keys.signing().signer(now).map(Arc::clone).ok_or_else(broken)?;
        let claims = claims(access, now, self.settings.sign_in.access_token);
        let signed = tokio::task::spawn_blocking(move || access_token(&*signer, &claims)).await;
        signed.ok().and_then(Result::ok).ok_or_else(broken)
    }

    /// Writes the answer: the token, and how to go on.
    pub(crate) fn hand_out(
        &self,
        token: &Secret<String>,
        refresh: Option<&Secret<String>>,
        scopes: &[String],
        key: Option<&str>,
    ) -> Answer {
        let life = self.settings.sign_in.access_token.as_secs();
        let kind = if key.is_some() { "DPoP" } else { "Bearer" };
        let text = token_answer(token, life, refresh, &scopes.join(" "), kind);
        json(StatusCode::OK, bytes::Bytes::copy_from_slice(text.expose().as_bytes()))
    }

    pub(crate) fn oauth_error(&self, error: &TokenError) -> Answer {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut answer = json(status, error.body());
        if status == StatusCode::UNAUTHORIZED {
            answer
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"doorward\""));
        }
        answer
    }

    pub(crate) fn token_store_failed(&self, error: &StoreError) -> Answer {
        tracing::error!(%error, "the store refuses");
        later(self.unavailable("the door cannot issue tokens right now"), 30)
    }

    pub(crate) fn token_log_failed(&self, error: &doorward_audit::AuditError) -> Answer {
        tracing::error!(%error, "the audit log cannot be written: no token is issued until it can");
        later(self.unavailable("the door cannot issue tokens right now"), 30)
    }

    pub(crate) fn token_broken(&self, what: &'static str) -> Answer {
        tracing::error!(what, "no token can be issued");
        later(self.unavailable("the door cannot issue tokens right now"), 30)
    }

    pub(crate) fn unavailable(&self, words: &str) -> Answer {
        let error =
            TokenError { error: "temporarily_unavailable", description: words.to_owned(), status: 503 };
        self.oauth_error(&error)
    }
}

/// An error of a request that cannot be understood.
pub(crate) fn invalid_request(words: &str) -> TokenError {
    TokenError::new("invalid_request", words)
}

/// An error of a grant that is over, another's, or never was: which of these is for the log alone.
pub(crate) fn invalid_grant(words: &str) -> TokenError {
    TokenError::new("invalid_grant", words)
}

/// What a client brings with a code.
struct Redeemed<'a> {
    code: &'a str,
    redirect_uri: Option<String>,
    verifier: Option<&'a str>,
    resource: Option<String>,
    /// The key it proved to hold.
    key: Option<&'a str>,
}

/// What a client brings with a refresh token.
pub(crate) struct Refreshed<'a> {
    pub(crate) token: &'a str,
    pub(crate) scope: Option<&'a str>,
    pub(crate) resource: Option<&'a str>,
    /// The key it proved to hold.
    pub(crate) key: Option<&'a str>,
}

/// Says whether a client proves itself, which is what asks for more than a public client's word.
pub(crate) fn is_confidential(client: &Client) -> bool {
    !matches!(client.auth, ClientAuth::Public)
}

/// The client of a machine, as the object that policies and the log name it by.
pub(crate) fn machine_object(client: &ClientId) -> String {
    let hash = vault::hashed(&format!("doorward machine {}", client.as_str()));
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
