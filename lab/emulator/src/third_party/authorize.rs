//! The page on which a person says who they are and lets the client in.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{Code, OTHER_ISSUER, Visit};
use crate::faults::Misdeed;
use crate::form::{self, Form};
use crate::lab::Lab;
use crate::random;
use crate::sign_in::pages::{button, escape, field, hidden, page};
use crate::token::read;

const CODE_LIVES: Duration = Duration::from_secs(60);

/// `GET /authorize`
pub(super) async fn show(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery) -> Response {
    let Ok(form) = Form::parse(&query.unwrap_or_default()) else { return told("The request is malformed.") };
    let (Some(client), Some(redirect_uri)) = (form.get("client_id"), form.get("redirect_uri")) else {
        return told("client_id and redirect_uri are needed.");
    };
    let known = lab.third_party_client(client);
    if !known.is_some_and(|known| known.may_return_to(client, redirect_uri)) {
        return told("The client is not known, or the redirect address is not its own.");
    }
    let visit = Visit {
        client: client.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        state: form.get("state").map(str::to_owned),
        challenge: form.get("code_challenge").unwrap_or_default().to_owned(),
        scope: form.get("scope").unwrap_or("items.read").to_owned(),
        resource: form.get("resource").map(str::to_owned),
    };
    if lab.faults().misdeed(Misdeed::RefusesPeople) {
        return back(&lab, &visit, &[("error", "access_denied"), ("error_description", "The lab says no.")]);
    }
    if form.get("response_type") != Some("code") {
        return back(&lab, &visit, &[("error", "unsupported_response_type")]);
    }
    if form.get("code_challenge_method") != Some("S256") || visit.challenge.len() != 43 {
        let text = "PKCE with S256 is needed.";
        return back(&lab, &visit, &[("error", "invalid_request"), ("error_description", text)]);
    }
    let Ok(id) = random::opaque() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let body = format!(
        "<p>The client <code>{}</code> asks for <code>{}</code>{}.</p><form method=\"post\" action=\"/authorize\">{}{}{}{}</form>",
        escape(client),
        escape(&visit.scope),
        visit.resource.as_ref().map_or_else(String::new, |it| format!(" of <code>{}</code>", escape(it))),
        hidden("visit", &id),
        field("name", "Your name here", "text", "", "username"),
        button("allow", "Allow"),
        button("deny", "Deny"),
    );
    lab.third_party().visits.insert(id, visit);
    page("A service that is not Microsoft's", &body)
}

/// `POST /authorize`: a button of the page.
pub(super) async fn decide(State(lab): State<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(form) = read(&headers, &body) else { return told("The form is malformed.") };
    let visit = form.get("visit").and_then(|id| lab.third_party().visits.remove(id));
    let Some(visit) = visit else { return told("The page has expired; start again.") };
    if form.get("action") != Some("allow") {
        return back(&lab, &visit, &[("error", "access_denied")]);
    }
    let Some(name) = form.get("name") else { return told("A name is needed.") };
    let (Ok(text), Ok(family)) = (random::opaque(), random::opaque()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let code = Code {
        visit: visit.clone(),
        name: name.to_owned(),
        expires: lab.clock.now().plus(CODE_LIVES),
        used: false,
        family,
    };
    let text = format!("tpc-{text}");
    lab.third_party().codes.insert(text.clone(), code);
    back(&lab, &visit, &[("code", &text)])
}

/// Sends the browser back, with `state` and `iss`.
fn back(lab: &Lab, visit: &Visit, pairs: &[(&str, &str)]) -> Response {
    let mut pairs = pairs.to_vec();
    if let Some(state) = &visit.state {
        pairs.push(("state", state));
    }
    let other = lab.faults().misdeed(Misdeed::IssuerOther);
    if !lab.faults().misdeed(Misdeed::IssuerMissing) {
        pairs.push(("iss", if other { OTHER_ISSUER } else { &lab.origins.third_party }));
    }
    let joint = if visit.redirect_uri.contains('?') { '&' } else { '?' };
    match HeaderValue::from_str(&format!("{}{joint}{}", visit.redirect_uri, form::encode(&pairs))) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(_) => told("The redirect address cannot be written."),
    }
}

fn told(what: &str) -> Response {
    let mut response = page("That did not work", &format!("<p class=\"alert\" role=\"alert\">{what}</p>"));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}
