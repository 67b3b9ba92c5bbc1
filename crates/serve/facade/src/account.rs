//! `/account`: what a person has allowed, and the buttons to take it back. They sign in to it like to anything else.

use doorward_issuer::params::Params;
use doorward_oauth::Revoked;
use doorward_store::{Change, Kind};
use doorward_types::{GrantId, Person, Timestamp};
use http::{Method, StatusCode};

use crate::cookies::Cookie;
use crate::grant::{Goal, Session};
use crate::open::OPEN;
use crate::pages::{AccountPage, ConnectionLine, ConsentLine, SessionLine};
use crate::respond::{Answer, FormsLead, page, plain, redirect, with_cookie, wrong_verb};
use crate::seal::Purpose;
use crate::tell::Told;
use crate::{Asked, Facade, vault};

const WITHDRAW: &str = "/account/withdraw";
const END: &str = "/account/end";
const SIGN_OUT: &str = "/account/sign-out";
const CONNECT: &str = "/account/connect";
const DISCONNECT: &str = "/account/disconnect";

/// How long a page's buttons work.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1800);

impl Facade {
    pub(crate) async fn account(&self, asked: &Asked<'_>, path: &str) -> Answer {
        match (path, asked.is(&Method::GET), asked.is(&Method::POST)) {
            ("/account", true, _) => {
                let Some(session) = self.session(asked) else {
                    return self.leave(asked, Goal::Account { page: "/account".to_owned() }, None, 0, None);
                };
                self.account_page(asked, &session, None).await
            }
            (WITHDRAW | END | SIGN_OUT | CONNECT | DISCONNECT, _, true) => {
                self.account_act(asked, path).await
            }
            (path, true, _) if path.starts_with("/account/connect/") => self.connect_page(asked, path).await,
            (path, true, _) if path.starts_with(OPEN) => self.open_page(asked, path).await,
            ("/account", ..) => wrong_verb("GET"),
            (WITHDRAW | END | SIGN_OUT | CONNECT | DISCONNECT, ..) => wrong_verb("POST"),
            _ => plain(StatusCode::NOT_FOUND, "nothing is served here"),
        }
    }

    async fn account_page(&self, asked: &Asked<'_>, session: &Session, done: Option<&str>) -> Answer {
        let Some(person) = session.who.person() else {
            return self.again("The sign-in could not be read.", StatusCode::BAD_REQUEST);
        };
        let store = &self.parts.store;
        let consents = match vault::consents(store, &person, asked.now).await {
            Ok(consents) => consents,
            Err(error) => return self.store_failed(&error),
        };
        let mut sessions = Vec::new();
        match store.of_person(Kind::Family, &person, asked.now).await {
            Ok(rows) => {
                for row in rows {
                    match vault::read_family(row) {
                        Ok(held) => sessions.push(held.thing),
                        Err(error) => return self.store_failed(&error),
                    }
                }
            }
            Err(error) => return self.store_failed(&error),
        }
        sessions.sort_by_key(|family| std::cmp::Reverse(family.used));
        let named = |id: &str| {
            let known = consents.iter().find(|held| held.thing.client.as_str() == id);
            known.and_then(|held| held.thing.client_name.clone()).unwrap_or_else(|| id.to_owned())
        };
        let until = asked.now.plus(PATIENCE);
        let form = |what: &str| {
            let bound = (session.mark.as_str(), what);
            self.keys.sealer.seal(Purpose::Form, &bound, until).unwrap_or_default()
        };
        let mut connections = Vec::new();
        if let Some(known) = &self.parts.connections {
            for server in known.servers() {
                let connected = match known.is_connected(&person, server, asked.now).await {
                    Ok(connected) => connected,
                    Err(error) => return self.store_failed(&error),
                };
                let (server, form) = (server.to_string(), form(&format!("disconnect {server}")));
                connections.push(ConnectionLine { server, connected, form });
            }
        }
        let template = AccountPage {
            host: &self.settings.host,
            name: &session.who.name,
            done,
            sessions: sessions
                .iter()
                .map(|family| SessionLine {
                    client: named(family.client.as_str()),
                    server: family.server.to_string(),
                    since: day(family.born),
                    used: minute(family.used),
                    form: form(&format!("end {}", family.grant)),
                })
                .collect(),
            consents: consents
                .iter()
                .map(|held| ConsentLine {
                    client: held.thing.client_name.clone().unwrap_or_else(|| held.thing.client.to_string()),
                    id: held.thing.client.to_string(),
                    server: self
                        .settings
                        .resource(&held.thing.resource)
                        .map_or_else(|| held.thing.resource.clone(), |resource| resource.server.to_string()),
                    scopes: held.thing.scopes.join(" "),
                    given: day(held.thing.given),
                    form: form(&format!("withdraw {}", hex(&held.row.id))),
                })
                .collect(),
            connections,
            sign_out: form("sign-out"),
        };
        page(StatusCode::OK, &template, &FormsLead::default())
    }

    async fn account_act(&self, asked: &Asked<'_>, path: &str) -> Answer {
        let form = match self.form_of_ours(asked) {
            Ok(params) => params,
            Err(answer) => return *answer,
        };
        let Some(session) = self.session(asked) else {
            return redirect(&format!("{}/account", self.settings.issuer));
        };
        let Some(person) = session.who.person() else {
            return self.again("The sign-in could not be read.", StatusCode::BAD_REQUEST);
        };
        let Some(what) = self.pressed(&form, &session, asked.now) else {
            return self
                .account_page(
                    asked,
                    &session,
                    Some("The page was open for too long; press the button again."),
                )
                .await;
        };
        match (path, what.split_once(' ')) {
            (SIGN_OUT, _) if what == "sign-out" => {
                let answer = self
                    .message("You are signed out")
                    .say("This browser is signed out of the door’s own pages. Applications stay signed in until you sign them out on your account page.")
                    .say("You may still be signed in to Microsoft in this browser.")
                    .link("/account", "Your account")
                    .answer(StatusCode::OK);
                with_cookie(answer, self.jar.write(Cookie::Session, None))
            }
            (CONNECT, Some(("connect", server))) => self.connect_go(asked, &person, server).await,
            (DISCONNECT, Some(("disconnect", server))) => {
                self.disconnect(asked, &session, &person, server).await
            }
            (END, Some(("end", grant))) => {
                let Some(grant) = crate::grant::grant(grant) else {
                    return self.account_page(asked, &session, None).await;
                };
                self.end_own(asked, &session, &person, &grant).await
            }
            (WITHDRAW, Some(("withdraw", id))) => self.withdraw(asked, &session, &person, id).await,
            _ => self.account_page(asked, &session, None).await,
        }
    }

    /// Returns which button was pressed: one of a page that this very session was shown.
    fn pressed(&self, form: &Params, session: &Session, now: Timestamp) -> Option<String> {
        let sealed = form.get("form")?;
        let (mark, what): (String, String) = self.keys.sealer.open(Purpose::Form, sealed, now)?;
        bool::from(subtle::ConstantTimeEq::ct_eq(mark.as_bytes(), session.mark.as_bytes())).then_some(what)
    }

    async fn disconnect(
        &self,
        asked: &Asked<'_>,
        session: &Session,
        person: &Person,
        server: &str,
    ) -> Answer {
        let server = doorward_types::ServerName::parse(server).ok();
        let Some((server, connections)) = server.zip(self.parts.connections.as_ref()) else {
            return self.account_page(asked, session, None).await;
        };
        if let Err(error) = connections.disconnect(person, &server).await {
            return self.store_failed(&error);
        }
        let told = Told { person: Some(person), server: Some(&server), ..Told::default() };
        if let Err(error) = self.tell("account-disconnected", told, asked.now).await {
            return self.log_failed(&error);
        }
        self.account_page(asked, session, Some("The account is disconnected.")).await
    }

    async fn end_own(
        &self,
        asked: &Asked<'_>,
        session: &Session,
        person: &Person,
        grant: &GrantId,
    ) -> Answer {
        match vault::family(&self.parts.store, grant, asked.now).await {
            Ok(Some(held)) if held.thing.person == *person => {
                let told = self.told(&held.thing, Some("by-person"));
                if let Err(answer) = self.end_grant(grant, told, asked.now).await {
                    return *answer;
                }
                self.account_page(asked, session, Some("The application is signed out.")).await
            }
            Ok(_) => self.account_page(asked, session, Some("The application was signed out already.")).await,
            Err(error) => self.store_failed(&error),
        }
    }

    /// Takes a consent back, and with it every sign-in that rests on it.
    async fn withdraw(&self, asked: &Asked<'_>, session: &Session, person: &Person, id: &str) -> Answer {
        let store = &self.parts.store;
        let consents = match vault::consents(store, person, asked.now).await {
            Ok(consents) => consents,
            Err(error) => return self.store_failed(&error),
        };
        let Some(held) = consents.into_iter().find(|held| hex(&held.row.id) == id) else {
            return self.account_page(asked, session, Some("That was withdrawn already.")).await;
        };
        let consent = held.thing;
        let families = match store.of_person(Kind::Family, person, asked.now).await {
            Ok(rows) => rows,
            Err(error) => return self.store_failed(&error),
        };
        let mut grants = Vec::new();
        for row in families {
            match vault::read_family(row) {
                Ok(found)
                    if found.thing.client == consent.client && found.thing.resource == consent.resource =>
                {
                    grants.push(found.thing.grant);
                }
                Ok(_) => {}
                Err(error) => return self.store_failed(&error),
            }
        }
        // In one piece: a consent that is gone with its sign-ins still open, or the other way round, is neither.
        let mut changes = vec![Change::Delete(Kind::Consent, &held.row.id)];
        changes.extend(grants.iter().map(|grant| Change::DeleteGrant(*grant)));
        if let Err(error) = store.apply(&changes).await {
            return self.store_failed(&error);
        }
        for grant in &grants {
            if let Err(error) = self.revoke(&Revoked::Grant(*grant), asked.now).await {
                return self.store_failed(&error);
            }
        }
        let told = Told {
            person: Some(person),
            client: Some(&consent.client),
            reason: Some("by-person"),
            ..Told::default()
        };
        if let Err(error) = self.tell("consent-withdrawn", told, asked.now).await {
            return self.log_failed(&error);
        }
        self.account_page(
            asked,
            session,
            Some("Withdrawn. The application is signed out and must ask you again."),
        )
        .await
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

fn minute(time: Timestamp) -> String {
    let text: String = time.to_string().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}
