//! `/account/connect/SERVER`: a person connects their own account elsewhere, signed in to the door while they do it, so that
//! nobody can slip an account under somebody else's name.

use doorward_issuer::params::Params;
use doorward_oidc::third_party::{Callback, CallbackError, Pending, judge_callback};
use doorward_types::{Person, ServerName};
use http::StatusCode;

use crate::authorize::plain;
use crate::connections::ConnectError;
use crate::cookies::Cookie;
use crate::grant::{Goal, Session};
use crate::pages::ConnectPage;
use crate::respond::{Answer, FormsLead, page, redirect, with_cookie};
use crate::seal::Purpose;
use crate::tell::Told;
use crate::{Asked, Facade};

/// How long a person may take elsewhere.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

impl Facade {
    /// `GET /account/connect/SERVER`
    pub(crate) async fn connect_page(&self, asked: &Asked<'_>, path: &str) -> Answer {
        let named = path.strip_prefix("/account/connect/").and_then(|name| ServerName::parse(name).ok());
        let Some(server) = named.filter(|server| self.connections().any(|known| known == server)) else {
            return self
                .message("Nothing to connect")
                .say("No server of that name works with accounts of your own.")
                .link("/account", "Your account")
                .answer(StatusCode::NOT_FOUND);
        };
        let Some(session) = self.session(asked) else {
            return self.leave(asked, Goal::Account { page: path.to_owned() }, None, 0, None);
        };
        let Some((person, connections)) = session.who.person().zip(self.parts.connections.as_ref()) else {
            return self.again("The sign-in could not be read.", StatusCode::BAD_REQUEST);
        };
        // Found before the person is asked, so that the page can say where they go.
        let begun = match self.drawn_pair() {
            Some(drawn) => connections.begin(person, &server, drawn, asked.now).await,
            None => return self.broken("The operating system gives no randomness."),
        };
        match begun {
            Ok((url, _)) => {
                let authority = url.split('/').take(3).collect::<Vec<_>>().join("/");
                let bound = (session.mark.as_str(), format!("connect {server}"));
                let form = self.keys.sealer.seal(Purpose::Form, &bound, asked.now.plus(PATIENCE));
                let Ok(form) = form else { return self.broken("The question could not be prepared.") };
                let template = ConnectPage {
                    host: &self.settings.host,
                    server: server.as_str(),
                    name: &session.who.name,
                    authority: &authority,
                    form: &form,
                };
                page(StatusCode::OK, &template, &FormsLead::default().to(&url).to(&self.settings.issuer))
            }
            Err(error) => self.not_connectable(&server, &error),
        }
    }

    /// `POST /account/connect`, with the button of that page.
    pub(crate) async fn connect_go(&self, asked: &Asked<'_>, person: &Person, server: &str) -> Answer {
        let server = ServerName::parse(server).ok();
        let Some((server, connections)) = server.zip(self.parts.connections.as_ref()) else {
            return self.again("The page was open for too long.", StatusCode::BAD_REQUEST);
        };
        let Some(drawn) = self.drawn_pair() else {
            return self.broken("The operating system gives no randomness.");
        };
        let part = drawn.0.get(..12).unwrap_or_default().to_owned();
        match connections.begin(person.clone(), &server, drawn, asked.now).await {
            Ok((url, pending)) => {
                let record = String::from_utf8(pending.to_record()).unwrap_or_default();
                let sealed = self.keys.sealer.seal(Purpose::Connect, &record, asked.now.plus(PATIENCE));
                let Ok(sealed) = sealed else { return self.broken("The sign-in could not be prepared.") };
                let cookie = self.jar.write(Cookie::Transaction(&part), Some((&sealed, PATIENCE.as_secs())));
                with_cookie(redirect(&url), cookie)
            }
            Err(error) => self.not_connectable(&server, &error),
        }
    }

    /// `GET /oauth/upstream/callback`
    pub(crate) async fn connect_back(&self, asked: &Asked<'_>) -> Answer {
        let begin_again = |why: &str| {
            self.count(asked.source, "connect-refused", asked.now);
            self.message("The account is not connected")
                .say(why)
                .link("/account", "Your account")
                .answer(StatusCode::BAD_REQUEST)
        };
        let Ok(params) = Params::parse(asked.query()) else {
            return begin_again("The answer could not be read.");
        };
        let part = params.get("state").and_then(|state| state.get(..12)).filter(|part| plain(part));
        let cookie = part.map(Cookie::Transaction);
        let sealed = cookie.and_then(|cookie| self.jar.read(asked.request.headers(), cookie));
        let record: Option<String> =
            sealed.and_then(|sealed| self.keys.sealer.open(Purpose::Connect, sealed, asked.now));
        let pending = record.and_then(|record| Pending::from_record(record.as_bytes()).ok());
        let person = self.session(asked).and_then(|session: Session| session.who.person());
        let (Some(pending), Some(person), Some(connections)) =
            (pending, person, self.parts.connections.as_ref())
        else {
            return begin_again(
                "It was not begun in this browser, or took too long. Begin again on your account page.",
            );
        };
        // Used up before anything is done with it.
        let until = asked.now.plus(PATIENCE);
        match crate::vault::use_up(&self.parts.store, pending.state.expose(), None, until).await {
            Ok(true) => {}
            Ok(false) => return begin_again("This answer was used already."),
            Err(error) => return self.store_failed(&error),
        }
        let server = pending.server.clone();
        let callback = Callback {
            state: params.get("state"),
            iss: params.get("iss"),
            code: params.get("code"),
            error: params.get("error"),
        };
        let answer = match judge_callback(pending, &person, callback, asked.now) {
            Ok(answer) => answer,
            // Whatever else the answer says is somebody else's word, and is not shown (U-06).
            Err(error) => {
                if matches!(error, CallbackError::IssuerMismatch | CallbackError::IssuerMissing) {
                    self.alarm("authorization-server-mix-up", &person, Some(&server), asked.now).await;
                }
                return begin_again(&format!("It did not work: {error}."));
            }
        };
        if let Err(error) = connections.finish(&answer, asked.now).await {
            return self.not_connectable(&server, &error);
        }
        let told = Told { person: Some(&person), server: Some(&server), ..Told::default() };
        if let Err(error) = self.tell("account-connected", told, asked.now).await {
            return self.log_failed(&error);
        }
        let done = self
            .message("The account is connected")
            .say(format!("Go back to your application and try again; {server} works with your account now."))
            .link("/account", "Your account")
            .answer(StatusCode::OK);
        with_cookie(done, cookie.and_then(|cookie| self.jar.write(cookie, None)))
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = &ServerName> {
        self.parts.connections.iter().flat_map(|connections| connections.servers())
    }

    fn drawn_pair(&self) -> Option<(String, String)> {
        Some((self.draw().ok()?, self.draw().ok()?))
    }

    fn not_connectable(&self, server: &ServerName, error: &ConnectError) -> Answer {
        tracing::error!(%error, %server, "an account cannot be connected");
        self.message("The account cannot be connected")
            .say("The other side’s sign-in cannot be used right now. Try again later; if it stays, tell the administrator of this door.")
            .link("/account", "Your account")
            .answer(StatusCode::BAD_GATEWAY)
    }
}
