//! A person's way through the naive door: authorize, the page if there is one, Entra, and back to the client.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hyper::Response;
use serde_json::Value;

use super::{Door, Visit, form, found, origin};
use crate::body::Body;
use crate::endpoint::{empty, json as reply};

impl Door {
    pub(super) async fn authorize(&self, parts: &Parts, query: &str) -> Response<Body> {
        let asked = form::read(query);
        let client = asked.get("client_id").cloned().unwrap_or_default();
        let redirect_uri = asked.get("redirect_uri").cloned().unwrap_or_default();
        let Some((uris, name)) = self.client(&client).await else {
            return reply(StatusCode::BAD_REQUEST, "unknown client".into());
        };
        // Hole: `https://good.example` lets `https://good.example.evil.example` in, and `http://127.0.0.1` any port's
        // `@evil.example`.
        if !uris.iter().any(|known| redirect_uri.starts_with(known)) {
            return reply(StatusCode::BAD_REQUEST, "unknown redirect_uri".into());
        }
        // Hole: `code_challenge` and `resource` are read by nobody.
        let visit = {
            let mut kept = self.kept();
            let id = kept.next("visit");
            kept.visits.insert(id.clone(), Visit { redirect_uri, state: asked.get("state").cloned() });
            id
        };
        if self.options.consent_page { consent(&visit, &name) } else { self.to_entra(parts, &visit) }
    }

    /// Hole: no cookie and no token say that it was the person who answered the page.
    pub(super) fn approve(&self, parts: &Parts, query: &str) -> Response<Body> {
        match form::read(query).get("visit") {
            Some(visit) => self.to_entra(parts, visit),
            None => empty(StatusCode::BAD_REQUEST),
        }
    }

    /// Hole: whoever is signed in at Entra comes back at once, whichever client asked.
    fn to_entra(&self, parts: &Parts, visit: &str) -> Response<Body> {
        let query = form::write(&[
            ("client_id", &self.options.client_id),
            ("response_type", "code"),
            ("redirect_uri", &format!("{}/oauth/callback", origin(parts))),
            ("scope", &self.scope()),
            ("state", visit),
        ]);
        found(&format!("{}?{query}", self.entra("authorize")))
    }

    /// Hole: any browser may bring any visit's state, and bring it again.
    pub(super) async fn callback(&self, parts: &Parts, query: &str) -> Response<Body> {
        let back = form::read(query);
        let visit = back.get("state").and_then(|state| self.kept().visits.get(state).cloned());
        let (Some(visit), Some(code)) = (visit, back.get("code")) else {
            // Hole: what came is shown as it came.
            let said = back.get("error_description").cloned().unwrap_or_default();
            return page(&format!("<h1>Sign-in failed</h1><p>{said}</p>"));
        };
        let redirect = format!("{}/oauth/callback", origin(parts));
        let answer = self
            .ask_entra(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect)])
            .await;
        let Ok(tokens) = answer else { return reply(StatusCode::BAD_GATEWAY, "Entra refused".into()) };
        let own = {
            let mut kept = self.kept();
            let own = kept.next("code");
            kept.codes.insert(own.clone(), tokens);
            own
        };
        let joint = if visit.redirect_uri.contains('?') { '&' } else { '?' };
        let state = visit.state.map(|state| format!("&{}", form::write(&[("state", &state)])));
        found(&format!("{}{joint}code={own}{}", visit.redirect_uri, state.unwrap_or_default()))
    }

    /// Finds a client, or fetches its document.
    async fn client(&self, id: &str) -> Option<(Vec<String>, String)> {
        let known = self.kept().clients.get(id).cloned();
        if known.is_some() || !id.starts_with("http") {
            return known;
        }
        let document: Value = serde_json::from_slice(&self.fetch(id).await?).ok()?;
        let uris = document.get("redirect_uris").and_then(Value::as_array).into_iter().flatten();
        let uris = uris.filter_map(Value::as_str).map(str::to_owned).collect();
        let name = document.get("client_name").and_then(Value::as_str).unwrap_or(id).to_owned();
        Some((uris, name))
    }

    /// Hole: any address, inside or outside, by any scheme, and on to wherever it redirects. The document need not name
    /// itself either.
    async fn fetch(&self, url: &str) -> Option<Bytes> {
        let mut url = url.to_owned();
        for _ in 0..10 {
            let heard = self.outbound.send("GET", &url, &[("metadata", "true")], "").await.ok()?;
            match heard.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()) {
                Some(to) if (300..400).contains(&heard.status) => to.clone_into(&mut url),
                _ => return Some(heard.body),
            }
        }
        None
    }
}

/// Holes: the name is HTML, a frame may show the page, and the answer is a link.
fn consent(visit: &str, name: &str) -> Response<Body> {
    page(&format!(
        "<h1>Let {name} in?</h1><form action=\"/approve\"><input type=\"hidden\" name=\"visit\" value=\"{visit}\"><button>Yes</button></form>"
    ))
}

fn page(body: &str) -> Response<Body> {
    let mut response = Response::new(Body::Full(format!("<!doctype html><title>Door</title>{body}").into()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
