//! The beginning of a sign-in: the client's request is judged, the person is asked, the browser goes on to Entra.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_issuer::authorize::{self, AuthorizeError};
use doorward_issuer::params::Params;
use doorward_issuer::redirect::RedirectUri;
use doorward_oidc::{AuthorizeUrl, Prompt, merge_claims};
use http::StatusCode;
use http::header::{HeaderName, ORIGIN};

use crate::cookies::Cookie;
use crate::grant::{Form, Goal, Origin, Pending, Session, Transaction, Who};
use crate::pages::{ConsentPage, Message, ScopeLine};
use crate::respond::{Answer, FormsLead, later, page, redirect, with_cookie};
use crate::seal::Purpose;
use crate::tell::Told;
use crate::{Asked, Facade, vault};

/// How long a person may think about the question, and how long about signing in (B-02).
const PATIENCE: Duration = Duration::from_secs(600);
/// Sign-ins that one browser may have on their way: browsers keep only so many cookies.
const MOST_ON_THEIR_WAY: usize = 8;
/// How long a browser is known by its cookie.
const BROWSER: u64 = 400 * 24 * 3600;
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Facade {
    /// `GET /authorize`
    pub(crate) async fn authorize(&self, asked: &Asked<'_>) -> Answer {
        if !self.starts.take(asked.source, asked.now) {
            self.count(asked.source, "too-many-starts", asked.now);
            let message = self.message("Too many sign-ins").say("Wait a minute, then try again.");
            return later(message.answer(StatusCode::TOO_MANY_REQUESTS), 60);
        }
        let pending = match self.judged(asked).await {
            Ok(pending) => pending,
            Err(answer) => return *answer,
        };
        // The question may be left out only for a person who is known to this browser, was asked the same before, and
        // then turns out to be who signs in: the callback compares (D-13).
        if let Some(session) = self.session(asked)
            && self.has_consented(&session.who, &pending, asked).await
        {
            let goal = Goal::Client { pending: Box::new(pending), expected: Some(session.who), asked: false };
            return self.leave(asked, goal, None, 0, None);
        }
        let who = self.session(asked).map(|session| session.who);
        self.ask(asked, &pending, who.as_ref(), None)
    }

    /// Judges a client's request, or answers it.
    async fn judged(&self, asked: &Asked<'_>) -> Result<Pending, Box<Answer>> {
        let wrong = |reason, title: &str, words: String| {
            self.count(asked.source, reason, asked.now);
            let message = self.message(title).say(words);
            Box::new(message.say(NEXT).answer(StatusCode::BAD_REQUEST))
        };
        const TITLE: &str = "This sign-in cannot begin";
        const NEXT: &str = "Nothing was allowed, and nothing is open. If you did not just start a sign-in, close this page; otherwise tell whoever made the application.";
        let params = Params::parse(asked.query()).map_err(|error| {
            wrong(
                "authorize-malformed",
                TITLE,
                format!("The application sent a request that cannot be read: {error}."),
            )
        })?;
        let refused = |error: AuthorizeError| match error {
            AuthorizeError::Page(error) => {
                // Backticks are for logs; people read names of fields as they are.
                let why = error.to_string().replace('`', "");
                let words = format!("The application’s request cannot be answered: {why}.");
                wrong("authorize-refused", TITLE, words)
            }
            AuthorizeError::Redirect { error, description, redirect: to, state } => {
                self.count(asked.source, "authorize-refused", asked.now);
                let issuer = &self.settings.issuer;
                Box::new(redirect(&authorize::refused(&to, error, &description, state.as_deref(), issuer)))
            }
        };
        let target = authorize::target(&params).map_err(refused)?;
        let client =
            self.client(target.client_id.as_str(), asked.source, asked.now).await.map_err(|none| {
                self.count(asked.source, none.reason, asked.now);
                let message =
                    self.message(TITLE).say(none.words).fact("Application", target.client_id.as_str());
                Box::new(message.answer(StatusCode::BAD_REQUEST))
            })?;
        let request = authorize::judge(&params, &client, &self.settings.resources).map_err(refused)?;
        if !self.settings.may_use(&request.client, &request.server) {
            let issuer = &self.settings.issuer;
            let words = "this client is not set up for that server";
            let state = request.state.as_deref();
            let back = authorize::refused(&request.redirect, "invalid_target", words, state, issuer);
            return Err(Box::new(redirect(&back)));
        }
        Ok(Pending::of(&request, &client))
    }

    async fn has_consented(&self, who: &Who, pending: &Pending, asked: &Asked<'_>) -> bool {
        let (Some(person), Some(request)) = (who.person(), pending.request()) else { return false };
        match vault::consents(&self.parts.store, &person, asked.now).await {
            Ok(consents) => consents.iter().any(|held| held.thing.covers(&request)),
            Err(error) => {
                tracing::error!(%error, "consents cannot be read: the person is asked again");
                false
            }
        }
    }

    /// Shows the question.
    pub(crate) fn ask(
        &self,
        asked: &Asked<'_>,
        pending: &Pending,
        who: Option<&Who>,
        after: Option<(Who, String)>,
    ) -> Answer {
        let (browser, cookie) = match self.browser(asked) {
            Ok(browser) => browser,
            Err(answer) => return *answer,
        };
        let form = Form { browser, pending: pending.clone(), named: who.cloned(), after };
        let Ok(sealed) = self.keys.sealer.seal(Purpose::Form, &form, asked.now.plus(PATIENCE)) else {
            return self.broken("The question could not be prepared.");
        };
        let redirect_uri = RedirectUri::register(&pending.redirect, &self.settings.redirects).ok();
        let loopback = redirect_uri.as_ref().is_some_and(RedirectUri::is_loopback);
        let redirect_host = redirect_uri.as_ref().map_or("", RedirectUri::host);
        let client_host = pending.client.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        let mut warnings = Vec::new();
        if loopback && pending.origin != Origin::Configured {
            warnings.push("Any program on this computer can receive the answer, and any could have begun this. Nobody can check the application’s name.");
        }
        if pending.origin == Origin::Dynamic {
            warnings.push("The application registered itself. Its name is its own choice.");
        }
        let template = ConsentPage {
            host: &self.settings.host,
            client_name: pending.name(),
            server: &pending.server,
            resource: &pending.resource,
            person: who.map(|who| who.name.as_str()),
            again: form.after.is_some(),
            scopes: pending
                .scopes
                .iter()
                .map(|scope| ScopeLine {
                    name: scope.clone(),
                    words: self.settings.say(scope, &pending.server),
                })
                .collect(),
            origin: match pending.origin {
                Origin::Configured => "This door’s administrator".to_owned(),
                Origin::Document => client_host.unwrap_or_default().to_owned(),
                Origin::Dynamic => "Nobody vouches for it".to_owned(),
            },
            redirect_host: if loopback {
                format!("{redirect_host}, a program on this computer")
            } else {
                redirect_host.to_owned()
            },
            warnings,
            form: &sealed,
        };
        let forms = FormsLead::default()
            .to(&self.settings.cloud.authority)
            .to(&self.settings.issuer)
            .to(&pending.redirect);
        with_cookie(page(StatusCode::OK, &template, &forms), cookie)
    }

    /// `POST /authorize/decide`
    pub(crate) async fn decide(&self, asked: &Asked<'_>) -> Answer {
        let form = match self.form_of_ours(asked) {
            Ok(params) => params,
            Err(answer) => return *answer,
        };
        let opened: Option<Form> =
            form.get("form").and_then(|text| self.keys.sealer.open(Purpose::Form, text, asked.now));
        let Some(Form { browser, pending, named, after }) = opened else {
            return self.again(
                "The question was open for too long, or in another browser.",
                StatusCode::BAD_REQUEST,
            );
        };
        if !self.is_browser(asked, &browser) {
            self.count(asked.source, "consent-foreign-browser", asked.now);
            return self.again("The question was asked in another browser.", StatusCode::BAD_REQUEST);
        }
        match form.get("decision") {
            Some("allow") => match after {
                None => {
                    let goal = Goal::Client { pending: Box::new(pending), expected: named, asked: true };
                    self.leave(asked, goal, None, 0, None)
                }
                Some((who, grant)) => self.allowed_after(asked, pending, who, &grant).await,
            },
            Some("deny") => {
                if let Some((who, grant)) = after {
                    self.denied_after(asked, &pending, &who, &grant).await;
                } else {
                    self.count(asked.source, "consent-denied", asked.now);
                }
                let issuer = &self.settings.issuer;
                redirect(&authorize::refused(
                    &pending.redirect,
                    "access_denied",
                    "the person did not allow it",
                    pending.state.as_deref(),
                    issuer,
                ))
            }
            _ => self.again("The answer was neither yes nor no.", StatusCode::BAD_REQUEST),
        }
    }

    async fn denied_after(&self, asked: &Asked<'_>, pending: &Pending, who: &Who, grant: &str) {
        if let Some(grant) = crate::grant::grant(grant)
            && let Err(error) = self.parts.store.delete_grant(&grant).await
        {
            tracing::error!(%error, "a sign-in that was not wanted stays until it expires");
        }
        let (person, request) = (who.person(), pending.request());
        let told = Told {
            person: person.as_ref(),
            client: request.as_ref().map(|request| &request.client),
            server: request.as_ref().map(|request| &request.server),
            ..Told::default()
        };
        if let Err(error) = self.tell("denied", told, asked.now).await {
            tracing::error!(%error, "a denial is not in the log");
        }
    }

    /// Sends the browser to Entra. What the sign-in is for stays in the browser, sealed (CDP-04).
    pub(crate) fn leave(
        &self,
        asked: &Asked<'_>,
        goal: Goal,
        claims: Option<String>,
        round: u8,
        hint: Option<&str>,
    ) -> Answer {
        let drawn = (self.draw(), self.draw(), self.draw());
        let (Ok(state), Ok(nonce), Ok(verifier)) = drawn else {
            return self.broken("The operating system gives no randomness.");
        };
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let Ok(all_claims) = merge_claims(claims.as_deref()) else {
            return self.broken("Entra asked for a step that cannot be read.");
        };
        let known = match &goal {
            Goal::Client { pending, .. } => pending.login_hint.as_deref(),
            Goal::Account { .. } | Goal::Console { .. } | Goal::Approve { .. } => None,
        };
        // Entra's cookie says who was here last, not who is here now: people choose, unless nothing was asked of them, or
        // Entra itself asked this very person for a step.
        let unasked = matches!(&goal, Goal::Client { asked: false, .. });
        let prompt = match &goal {
            // Who decides for others proves anew who they are: an open laptop decides nothing (D-21).
            Goal::Console { .. } | Goal::Approve { .. } => Some(Prompt::Login),
            _ => (round == 0 && !unasked).then_some(Prompt::SelectAccount),
        };
        let url = AuthorizeUrl {
            cloud: &self.settings.cloud,
            tenant: &self.settings.authority_segment,
            client_id: &self.settings.client_id,
            redirect_uri: &self.settings.callback,
            scopes: &self.settings.entra_scopes,
            state: &state,
            nonce: &nonce,
            challenge: &challenge,
            prompt,
            max_age: matches!(&goal, Goal::Console { .. } | Goal::Approve { .. }).then_some(0),
            login_hint: hint.or(known),
            claims: Some(&all_claims),
        }
        .build();
        let part = state.get(..12).unwrap_or_default().to_owned();
        let transaction = Transaction { state, nonce, verifier, goal, round, claims };
        let sealed = self.keys.sealer.seal(Purpose::Transaction, &transaction, asked.now.plus(PATIENCE));
        let Ok(sealed) = sealed else { return self.broken("The sign-in could not be prepared.") };
        let cookie = self.jar.write(Cookie::Transaction(&part), Some((&sealed, PATIENCE.as_secs())));
        let mut answer = with_cookie(redirect(&url), cookie);
        let on_their_way = self.jar.transactions(asked.request.headers());
        if on_their_way.len() >= MOST_ON_THEIR_WAY {
            for old in on_their_way.iter().filter(|old| plain(old)) {
                answer = with_cookie(answer, self.jar.write(Cookie::Transaction(old), None));
            }
        }
        answer
    }

    /// Returns this browser's own name, made if it has none.
    fn browser(&self, asked: &Asked<'_>) -> Result<(String, Option<http::HeaderValue>), Box<Answer>> {
        if let Some(name) = self.jar.read(asked.request.headers(), Cookie::Browser).filter(|name| plain(name))
        {
            return Ok((name.to_owned(), None));
        }
        let name =
            self.draw().map_err(|_| Box::new(self.broken("The operating system gives no randomness.")))?;
        let cookie = self.jar.write(Cookie::Browser, Some((&name, BROWSER)));
        Ok((name, cookie))
    }

    fn is_browser(&self, asked: &Asked<'_>, name: &str) -> bool {
        let sent = self.jar.read(asked.request.headers(), Cookie::Browser).unwrap_or_default();
        subtle::ConstantTimeEq::ct_eq(sent.as_bytes(), name.as_bytes()).into()
    }

    /// Reads a form that only a page of ours can have sent: browsers say where a form comes from, and the cookies that
    /// the form is bound to are not sent along with another site's.
    pub(crate) fn form_of_ours(&self, asked: &Asked<'_>) -> Result<Params, Box<Answer>> {
        let foreign = || {
            self.count(asked.source, "form-foreign", asked.now);
            Box::new(self.again("The form was sent by another site.", StatusCode::FORBIDDEN))
        };
        let origins: Vec<_> = asked.request.headers().get_all(ORIGIN).iter().collect();
        if origins.iter().any(|origin| origin.as_bytes() != self.settings.issuer.as_bytes()) {
            return Err(foreign());
        }
        if asked.header(&FETCH_SITE).is_some_and(|site| site != b"same-origin") {
            return Err(foreign());
        }
        Params::parse(asked.request.body())
            .map_err(|_| Box::new(self.again("The form could not be read.", StatusCode::BAD_REQUEST)))
    }

    /// Returns the person who signed in to the door's own pages with this browser.
    pub(crate) fn session(&self, asked: &Asked<'_>) -> Option<Session> {
        let text = self.jar.read(asked.request.headers(), Cookie::Session)?;
        self.keys.sealer.open(Purpose::Session, text, asked.now)
    }

    pub(crate) fn message(&self, title: &str) -> Message<'_> {
        Message::new(&self.settings.host, title)
    }

    /// Tells a person to begin again.
    pub(crate) fn again(&self, why: &str, status: StatusCode) -> Answer {
        self.message("Please begin again")
            .say(why)
            .say("Close this page and start the sign-in once more in your application.")
            .answer(status)
    }

    pub(crate) fn broken(&self, what: &str) -> Answer {
        tracing::error!(what, "a sign-in cannot go on");
        self.message("The door has a problem")
            .say("Nobody can sign in right now. Try again in a minute; if it stays, tell the administrator of this door.")
            .answer(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// Says whether a cookie's text is one that we could have written.
pub(crate) fn plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
