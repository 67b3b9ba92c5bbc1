//! The way back from Entra: the answer is checked, the person is known, the client gets its code.

use std::time::Duration;

use doorward_issuer::authorize;
use doorward_issuer::code::CodeRecord;
use doorward_issuer::consent::Consent;
use doorward_issuer::family::Family;
use doorward_issuer::params::Params;
use doorward_oauth::{CallerKind, Groups, IdToken, KeyRing, verify, verify_id_token};
use doorward_oidc::TokenAnswer;
use doorward_store::{Change, Row};
use doorward_types::{GrantId, Person, Timestamp};
use http::StatusCode;

use crate::authorize::plain;
use crate::cookies::Cookie;
use crate::grant::{Goal, Pending, Session, Transaction, Who};
use crate::respond::{Answer, redirect, with_cookie};
use crate::seal::Purpose;
use crate::tell::Told;
use crate::vault::Challenge;
use crate::{Asked, Facade, vault};

/// How long a code is good: the client redeems it at once (D-14).
const CODE: Duration = Duration::from_secs(60);
/// How long it is remembered after that, so that a replay is known for one.
const CODE_KEPT: Duration = Duration::from_secs(900);
/// How often a person is sent back to Entra for the steps of one sign-in (D-16).
const MOST_ROUNDS: u8 = 2;

/// A person whom Entra vouches for, and what it gave us for them.
pub(crate) struct SignedIn {
    pub(crate) person: Person,
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    pub(crate) groups: Groups,
    pub(crate) hint: Option<String>,
    /// When they proved to Entra who they are, if it says so.
    pub(crate) proved: Option<Timestamp>,
    pub(crate) tokens: TokenAnswer,
}

impl Facade {
    /// `GET /oauth/callback`
    pub(crate) async fn callback(&self, asked: &Asked<'_>) -> Answer {
        let Ok(params) = Params::parse(asked.query()) else {
            return self.again("The answer of Microsoft could not be read.", StatusCode::BAD_REQUEST);
        };
        let Some(transaction) = self.transaction(asked, &params) else {
            self.count(asked.source, "callback-without-sign-in", asked.now);
            return self.again(
                "This sign-in was not begun in this browser, is over already, or took too long.",
                StatusCode::BAD_REQUEST,
            );
        };
        let answer = if let Some(error) = params.get("error") {
            self.entra_refused(asked, &transaction, error, params.get("error_description"))
        } else if let Some(code) = params.get("code") {
            self.signed_in(asked, transaction.clone(), code).await
        } else {
            self.again("Microsoft sent neither a code nor an error.", StatusCode::BAD_REQUEST)
        };
        let part = transaction.state.get(..12).unwrap_or_default();
        with_cookie(answer, self.jar.write(Cookie::Transaction(part), None))
    }

    /// Finds the sign-in that an answer belongs to: it lies in this very browser, or there is none (CDP-04).
    fn transaction(&self, asked: &Asked<'_>, params: &Params) -> Option<Transaction> {
        let state = params.get("state")?;
        let part = state.get(..12).filter(|part| plain(part))?;
        let sealed = self.jar.read(asked.request.headers(), Cookie::Transaction(part))?;
        let found: Transaction = self.keys.sealer.open(Purpose::Transaction, sealed, asked.now)?;
        bool::from(subtle::ConstantTimeEq::ct_eq(found.state.as_bytes(), state.as_bytes())).then_some(found)
    }

    async fn signed_in(&self, asked: &Asked<'_>, transaction: Transaction, code: &str) -> Answer {
        let Transaction { state, nonce, verifier, goal, round, claims } = transaction;
        // Two callbacks with one state are two sign-ins for one (B-02): this row goes in with what the sign-in leads to,
        // or that does not go in. Entra's code is good once as well.
        let used = vault::used_row(&state, None, asked.now.plus(Duration::from_secs(3600)));
        let signed_in = match self.redeem(asked, code, &verifier, &nonce).await {
            Ok(signed_in) => signed_in,
            Err(answer) => return *answer,
        };
        let who = Who::of(&signed_in.person, &signed_in.name);
        match goal {
            Goal::Account { page } => {
                if let Err(answer) = self.once(asked, &used).await {
                    return *answer;
                }
                if let Err(error) = self
                    .tell(
                        "account-opened",
                        Told { person: Some(&signed_in.person), ..Told::default() },
                        asked.now,
                    )
                    .await
                {
                    return self.log_failed(&error);
                }
                self.with_session(redirect(&format!("{}{page}", self.settings.issuer)), &who, asked)
            }
            Goal::Approve { reference, since } => {
                if let Err(answer) = self.once(asked, &used).await {
                    return *answer;
                }
                self.to_approval(asked, &signed_in, (&reference, since)).await
            }
            Goal::Console { way, since } => {
                if let Err(answer) = self.once(asked, &used).await {
                    return *answer;
                }
                self.to_console(asked, &signed_in, (way, since)).await
            }
            Goal::Client { pending, expected, .. } => {
                let answer =
                    self.for_client(asked, (*pending, expected), signed_in, (round, claims), &used).await;
                self.with_session(answer, &who, asked)
            }
        }
    }

    /// Redeems Entra's code, and believes of its answer only what is proven.
    async fn redeem(
        &self,
        asked: &Asked<'_>,
        code: &str,
        verifier: &str,
        nonce: &str,
    ) -> Result<SignedIn, Box<Answer>> {
        let settings = &self.settings;
        let tokens = self
            .parts
            .entra
            .redeem(&settings.authority_segment, code, verifier, &settings.callback, &settings.entra_scopes)
            .await
            .map_err(|error| Box::new(self.entra_failed(&error)))?;
        let id_token = tokens.id.as_ref().ok_or_else(|| Box::new(self.broken("Entra sent no ID token.")))?;
        let id = self.id_token(id_token.expose(), nonce, asked.now).await.map_err(|reason| {
            self.count(asked.source, reason, asked.now);
            Box::new(self.not_believed(reason))
        })?;
        let (roles, groups) =
            self.own_token(tokens.access.expose(), &id.person, asked.now).await.map_err(|reason| {
                self.count(asked.source, reason, asked.now);
                Box::new(self.not_believed(reason))
            })?;
        let name = id.name.clone().unwrap_or_else(|| "somebody without a name".to_owned());
        let (hint, proved) = (id.login_hint, id.auth_time);
        Ok(SignedIn { person: id.person, name, roles, groups, hint, proved, tokens })
    }

    async fn id_token(&self, text: &str, nonce: &str, now: Timestamp) -> Result<IdToken, &'static str> {
        let expected = self.settings.id_token(nonce);
        let keys = &self.parts.entra_keys;
        let mut verdict = verify_id_token(text, &*keys.current(), &expected, now);
        if let Err(doorward_oauth::TokenError::UnknownKid { kid }) = &verdict
            && keys.refresh_for(kid).await
        {
            verdict = verify_id_token(text, &*keys.current(), &expected, now);
        }
        verdict.map_err(|error| {
            tracing::warn!(%error, "Entra's ID token does not verify");
            error.reason()
        })
    }

    /// Reads roles and groups from Entra's access token for the door itself, which must be the same person's.
    pub(crate) async fn own_token(
        &self,
        text: &str,
        person: &Person,
        now: Timestamp,
    ) -> Result<(Vec<String>, Groups), &'static str> {
        let ring = KeyRing { door: std::sync::Arc::default(), entra: self.parts.entra_keys.current() };
        let identity = verify(text, &ring, &self.settings.own_token(), now).map_err(|error| {
            tracing::warn!(%error, "Entra's access token for the door does not verify");
            error.reason()
        })?;
        if identity.person() != *person {
            return Err("tokens-of-two-people");
        }
        let roles = identity.roles().iter().map(|role| role.to_string()).collect();
        Ok((roles, identity.groups().clone()))
    }

    /// Goes on for a client, once the person is known: another step at Entra, another question, or the code.
    async fn for_client(
        &self,
        asked: &Asked<'_>,
        (pending, expected): (Pending, Option<Who>),
        signed_in: SignedIn,
        (round, claims): (u8, Option<String>),
        used: &Row,
    ) -> Answer {
        let store = &self.parts.store;
        let Some(request) = pending.request() else {
            return self.again("The door has changed since this sign-in began.", StatusCode::BAD_REQUEST);
        };
        let person = signed_in.person.clone();
        let open = vault::challenge(store, &person, &request.client, &request.resource, asked.now).await;
        match open {
            Err(error) => return self.store_failed(&error),
            // Entra was asked for this very step and let the person through: it is taken.
            Ok(Some(open)) if claims.as_deref() == Some(open.claims.as_str()) => {
                if let Err(error) =
                    vault::close_challenge(store, &person, &request.client, &request.resource).await
                {
                    return self.store_failed(&error);
                }
            }
            Ok(Some(open)) => {
                if let Err(answer) = self.once(asked, used).await {
                    return *answer;
                }
                return self.step_up(asked, pending, expected, &signed_in, (open, round)).await;
            }
            Ok(None) => {}
        }
        let who = Who::of(&person, &signed_in.name);
        let grant = match self.new_grant() {
            Ok(grant) => grant,
            Err(answer) => return *answer,
        };
        let is_expected =
            expected.as_ref().is_none_or(|expected| expected.person().as_ref() == Some(&person));
        let Some([family, entra]) = self.sign_in_rows(asked, &pending, &signed_in, &grant) else {
            return self.again("The door has changed since this sign-in began.", StatusCode::BAD_REQUEST);
        };
        if is_expected {
            return self.give_code(asked, &pending, &who, &grant, &[used, &family, &entra]).await;
        }
        match store.apply(&[Change::Insert(used), Change::Insert(&family), Change::Insert(&entra)]).await {
            Ok(true) => {}
            Ok(false) => return self.over_already(asked),
            Err(error) => return self.store_failed(&error),
        }
        // Somebody else signed in than the one who once said yes: their own answer counts (D-13).
        self.ask(asked, &pending, Some(&who), Some((who.clone(), grant.to_string())))
    }

    /// Sends a person back to Entra for a step that one of the servers needs (D-16).
    async fn step_up(
        &self,
        asked: &Asked<'_>,
        pending: Pending,
        expected: Option<Who>,
        signed_in: &SignedIn,
        (open, round): (Challenge, u8),
    ) -> Answer {
        let issuer = &self.settings.issuer;
        if round + 1 >= MOST_ROUNDS || open.rounds >= MOST_ROUNDS {
            self.count(asked.source, "step-up-without-end", asked.now);
            let words = "a server behind the door needs a further step at Microsoft that did not succeed twice; ask the administrator which Conditional Access policy applies";
            return redirect(&authorize::refused(
                &pending.redirect,
                "access_denied",
                words,
                pending.state.as_deref(),
                issuer,
            ));
        }
        let counted = Challenge { claims: open.claims.clone(), rounds: open.rounds + 1 };
        if let Some(request) = pending.request() {
            let until = asked.now.plus(Duration::from_secs(3600));
            let row =
                vault::challenge_row(&signed_in.person, &request.client, &request.resource, &counted, until);
            if let Err(error) = self.parts.store.put(&row).await {
                return self.store_failed(&error);
            }
        }
        let goal = Goal::Client { pending: Box::new(pending), expected, asked: false };
        self.leave(asked, goal, Some(open.claims), round + 1, signed_in.hint.as_deref())
    }

    /// Uses a sign-in's state up on its own.
    async fn once(&self, asked: &Asked<'_>, used: &Row) -> Result<(), Box<Answer>> {
        match self.parts.store.insert(used).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Box::new(self.over_already(asked))),
            Err(error) => Err(Box::new(self.store_failed(&error))),
        }
    }

    fn over_already(&self, asked: &Asked<'_>) -> Answer {
        self.count(asked.source, "callback-replayed", asked.now);
        self.again("This sign-in is over already.", StatusCode::BAD_REQUEST)
    }

    /// Makes the rows of an unfinished sign-in and of Entra's tokens for it. Nobody can use them before a code is redeemed.
    fn sign_in_rows(
        &self,
        asked: &Asked<'_>,
        pending: &Pending,
        signed_in: &SignedIn,
        grant: &GrantId,
    ) -> Option<[Row; 2]> {
        let request = pending.request()?;
        let family = Family {
            grant: *grant,
            person: signed_in.person.clone(),
            client: request.client.clone(),
            redirect: request.redirect,
            resource: request.resource,
            server: request.server,
            scopes: request.scopes,
            roles: signed_in.roles.clone(),
            groups: signed_in.groups.clone(),
            name: Some(signed_in.name.clone()),
            counter: 0,
            rotated: asked.now,
            born: asked.now,
            used: asked.now,
            confirmed: asked.now,
            challenge: None,
            jkt: request.dpop_jkt,
            kind: CallerKind::User,
        };
        // Gone by itself if nobody comes for it.
        let unclaimed = asked.now.plus(CODE_KEPT);
        let family_row = vault::family_row(&family, unclaimed, 1);
        let (person, client) = (&family.person, &family.client);
        let mut entra_row = vault::entra_row(grant, person, client, &signed_in.tokens, None, asked.now);
        entra_row.expires = Some(unclaimed);
        Some([family_row, entra_row])
    }

    /// After the second question (D-13).
    pub(crate) async fn allowed_after(
        &self,
        asked: &Asked<'_>,
        pending: Pending,
        who: Who,
        grant: &str,
    ) -> Answer {
        let Some(grant) = crate::grant::grant(grant) else {
            return self.again("The question was open for too long.", StatusCode::BAD_REQUEST);
        };
        // One answer, one code: the form sent twice would give two for one sign-in, and a second code that is redeemed
        // ends it.
        let answered = vault::used_row(&format!("answered|{grant}"), None, asked.now.plus(CODE_KEPT));
        self.give_code(asked, &pending, &who, &grant, &[&answered]).await
    }

    /// Makes the consent the person's, records the sign-in, and sends the client its code.
    /// What else must be new goes in with it, in one write.
    async fn give_code(
        &self,
        asked: &Asked<'_>,
        pending: &Pending,
        who: &Who,
        grant: &GrantId,
        new: &[&Row],
    ) -> Answer {
        let (Some(request), Some(person)) = (pending.request(), who.person()) else {
            return self.again("The door has changed since this sign-in began.", StatusCode::BAD_REQUEST);
        };
        let Ok(code) = self.draw() else {
            return self.broken("The operating system gives no randomness.");
        };
        let consent = Consent {
            person: person.clone(),
            client: request.client.clone(),
            client_name: pending.client_name.clone(),
            redirect: request.redirect.clone(),
            resource: request.resource.clone(),
            scopes: request.scopes.clone(),
            given: asked.now,
        };
        let record = CodeRecord {
            grant: *grant,
            client: request.client,
            redirect: request.redirect.clone(),
            challenge: request.challenge,
            resource: request.resource,
            scopes: request.scopes,
            person,
            expires: asked.now.plus(CODE),
            dpop_jkt: request.dpop_jkt,
            redeemed: false,
        };
        let code_row = vault::code_row(&code, &record, asked.now.plus(CODE_KEPT), 1);
        let consent_row = vault::consent_row(&consent);
        let mut changes: Vec<Change<'_>> = new.iter().map(|row| Change::Insert(row)).collect();
        changes.extend([Change::Put(&consent_row), Change::Insert(&code_row)]);
        let told = Told {
            person: Some(&record.person),
            client: Some(&record.client),
            server: Some(&request.server),
            grant: Some(grant),
            ..Told::default()
        };
        // In the log before it has an effect: a sign-in that nobody could find later does not happen.
        if let Err(error) = self.tell("signed-in", told, asked.now).await {
            return self.log_failed(&error);
        }
        match self.parts.store.apply(&changes).await {
            Ok(true) => {}
            Ok(false) => return self.over_already(asked),
            Err(error) => return self.store_failed(&error),
        }
        redirect(&authorize::granted(
            &request.redirect,
            &code,
            request.state.as_deref(),
            &self.settings.issuer,
        ))
    }

    /// Lets this browser know its person again, for the door's own pages and for questions that were answered.
    fn with_session(&self, answer: Answer, who: &Who, asked: &Asked<'_>) -> Answer {
        let Ok(mark) = self.draw() else { return answer };
        let session = Session { who: who.clone(), since: asked.now.as_secs(), mark };
        let life = self.settings.sign_in.session;
        let Ok(sealed) = self.keys.sealer.seal(Purpose::Session, &session, asked.now.plus(life)) else {
            return answer;
        };
        with_cookie(answer, self.jar.write(Cookie::Session, Some((&sealed, life.as_secs()))))
    }

    fn new_grant(&self) -> Result<GrantId, Box<Answer>> {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::SecureRandom::fill(&self.random, &mut bytes)
            .map_err(|_| Box::new(self.broken("The operating system gives no randomness.")))?;
        Ok(GrantId(bytes))
    }
}
