//! `POST /register` (RFC 7591): clients that have neither a configured name nor a document of their own. Off unless the
//! operator switches it on; what nobody uses goes again.

use doorward_issuer::client::{read_registration, registration_answer};
use doorward_store::{Kind, Row, Scope};
use doorward_types::{ClientId, Secret};
use doorward_wire::quote;
use http::StatusCode;

use crate::respond::{Answer, json, later};
use crate::{Asked, Facade};

impl Facade {
    pub(crate) async fn register(&self, asked: &Asked<'_>) -> Answer {
        let rules = &self.settings.sign_in;
        if !self.registrations.take(asked.source, asked.now) {
            self.count(asked.source, "too-many-registrations", asked.now);
            let answer = refused(
                StatusCode::TOO_MANY_REQUESTS,
                "temporarily_unavailable",
                "too many registrations from one place",
            );
            return later(answer, 600);
        }
        let store = &self.parts.store;
        match store.count(Kind::Client).await {
            Ok(count) if count < rules.registration_limit => {}
            Ok(_) => {
                self.count(asked.source, "registrations-full", asked.now);
                let words = "this door takes no more registrations; use a client-id metadata document, or ask its administrator";
                return later(
                    refused(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", words),
                    3600,
                );
            }
            Err(error) => return self.token_store_failed(&error),
        }
        let registration = match read_registration(asked.request.body().clone(), &self.settings.redirects) {
            Ok(registration) => registration,
            Err(error) => {
                self.count(asked.source, "registration-refused", asked.now);
                return json(StatusCode::BAD_REQUEST, error.body());
            }
        };
        let Ok(drawn) = self.draw() else { return self.token_broken("no randomness") };
        let Ok(id) = ClientId::registered(&format!("dyn-{}", drawn.get(..32).unwrap_or_default())) else {
            return self.token_broken("a client's name");
        };
        let expires = asked.now.plus(rules.registration_expires);
        let client = registration.client(id.clone(), expires);
        let row = Row {
            kind: Kind::Client,
            id: id.as_str().as_bytes().to_vec(),
            scope: Scope::Door,
            person: None,
            client: Some(id.clone()),
            grant: None,
            expires: Some(expires),
            version: 1,
            body: Secret::new(client.to_record()),
        };
        match store.insert(&row).await {
            Ok(true) => {}
            Ok(false) => return self.token_broken("a new client has the name of an old one"),
            Err(error) => return self.token_store_failed(&error),
        }
        // Nobody is known yet, so it is counted; every use of the registration is recorded under its name.
        self.count(asked.source, "client-registered", asked.now);
        tracing::info!(client = id.as_str(), "a client has registered itself");
        json(StatusCode::CREATED, registration_answer(&client, &registration, asked.now))
    }
}

fn refused(status: StatusCode, code: &str, words: &str) -> Answer {
    json(status, format!(r#"{{"error":{},"error_description":{}}}"#, quote(code), quote(words)))
}
