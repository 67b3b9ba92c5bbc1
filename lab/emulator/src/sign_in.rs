//! The authorize endpoint and its pages.
//!
//! A visit goes: request → sign-in → second factor → consent → code. Each form carries the visit's unguessable id, so
//! that no other site can take a step in it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use crate::AadResult;
use crate::authority::Authority;
use crate::errors::{AadError, Trace};
use crate::form::Form;
use crate::lab::Lab;
use crate::random;
use crate::seed::User;
use crate::store::{SignIn, Visit};
use crate::token::read;

pub(crate) mod device_page;
pub(crate) mod pages;
mod password;
mod redirect;
mod request;
mod session;
mod steps;

use request::{AuthorizeRequest, Refusal};
use steps::Step;

/// `GET /{tenant}/oauth2/v2.0/authorize`
pub(crate) async fn authorize(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    begin(&lab, segment, query.unwrap_or_default(), &headers)
}

/// `POST /{tenant}/oauth2/v2.0/authorize`: the same request as a form.
pub(crate) async fn authorize_form(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    begin(&lab, segment, String::from_utf8_lossy(&body).into_owned(), &headers)
}

/// `POST /login`: a step on one of the pages.
pub(crate) async fn login(State(lab): State<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    let trace = Trace::begin(&lab, &headers);
    let answer = read(&headers, &body).and_then(|form| {
        let id = form.need("visit")?.to_owned();
        let visit = lab.store().visits.get(&id).cloned();
        let visit =
            visit.ok_or_else(|| AadError::new(90_014, "The sign-in page has expired; start again."))?;
        act(&lab, &trace, &form, &id, visit)
    });
    answer.unwrap_or_else(|refusal| pages::error(&refusal, &trace))
}

/// `GET /{tenant}/oauth2/v2.0/logout`
pub(crate) async fn logout(
    State(lab): State<Arc<Lab>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if let Some(cookie) = session::cookie(&headers) {
        lab.store().sessions.remove(&cookie);
    }
    let form = Form::parse(&query.unwrap_or_default()).unwrap_or_default();
    let registered = form
        .get("post_logout_redirect_uri")
        .filter(|uri| lab.seed.apps.iter().any(|app| redirect::registered(app, uri).is_some()));
    let mut response = match registered {
        Some(uri) => redirect::found(uri),
        None => pages::signed_out(),
    };
    session::forget(&mut response);
    response
}

/// Reads a request and shows the first page, or answers at once if the person is signed in.
fn begin(lab: &Lab, segment: String, query: String, headers: &HeaderMap) -> Response {
    let trace = Trace::begin(lab, headers);
    let visit = Visit { authority: segment, request: query, pick: None, sign_in: None, consented: false };
    match with_request(lab, &visit, |request| {
        let pick = session::current(lab, headers).filter(|known| request.may_pick(lab, known));
        let sign_in = pick.clone().filter(|_| request.takes_session());
        let visit = Visit { pick, sign_in, ..visit.clone() };
        proceed(lab, &trace, request, &random::opaque()?, visit, None)
    }) {
        Ok(response) => response,
        Err(refusal) => refuse(refusal, &trace),
    }
}

/// Takes the step that a page's button stands for.
fn act(lab: &Lab, trace: &Trace, form: &Form, id: &str, mut visit: Visit) -> AadResult<Response> {
    let mut fresh = None;
    let outcome = with_request(lab, &visit.clone(), |request| {
        let mut complaint = None;
        match form.get("action") {
            Some("sign-in") => match password::check(lab, request.authority, form) {
                Ok(sign_in) => {
                    fresh = Some(sign_in.clone());
                    visit.sign_in = Some(sign_in);
                }
                Err(refusal) => complaint = Some(refusal),
            },
            Some("continue") => visit.sign_in = visit.pick.clone(),
            Some("approve") => {
                if let Some(sign_in) = &mut visit.sign_in {
                    sign_in.mfa = true;
                    sign_in.acrs.clone_from(&request.claims.acrs);
                    fresh = Some(sign_in.clone());
                }
            }
            Some("accept") => {
                visit.consented = true;
                if let Some(sign_in) = &visit.sign_in {
                    request.record_consent(lab, &sign_in.user);
                }
            }
            _ => {
                let declined = AadError::new(65_004, "User declined to consent to access the app.");
                return Err(Refusal::Back(Box::new(request.back.clone()), declined));
            }
        }
        proceed(lab, trace, request, id, visit.clone(), complaint.as_ref())
    });
    let mut response = outcome.unwrap_or_else(|refusal| refuse(refusal, trace));
    if let Some(sign_in) = fresh {
        session::remember(lab, sign_in, &mut response)?;
    }
    Ok(response)
}

/// Shows the page that is due, or sends the person back with a code.
fn proceed(
    lab: &Lab,
    trace: &Trace,
    request: &AuthorizeRequest<'_>,
    id: &str,
    visit: Visit,
    complaint: Option<&AadError>,
) -> Result<Response, Refusal> {
    let step = steps::due(lab, request, &visit)?;
    if let (true, Some(refusal)) = (request.silent(), step.silent_refusal()) {
        return Err(Refusal::Back(Box::new(request.back.clone()), refusal));
    }
    let page = match step {
        Step::SignIn { pick } => pages::sign_in(request, id, pick.as_deref(), complaint),
        Step::SecondFactor { user } => pages::second_factor(request, id, user),
        Step::Consent { user, scopes } => pages::consent(request, id, user, &scopes),
        Step::Done { sign_in } => {
            lab.store().visits.remove(id);
            let code = request.code(lab, sign_in)?;
            return Ok(redirect::answer(&request.back, &[("code", &code)], trace));
        }
    };
    lab.store().visits.insert(id.to_owned(), visit);
    Ok(page)
}

fn with_request(
    lab: &Lab,
    visit: &Visit,
    then: impl FnOnce(&AuthorizeRequest<'_>) -> Result<Response, Refusal>,
) -> Result<Response, Refusal> {
    let authority = Authority::parse(lab, &visit.authority).map_err(Refusal::Page)?;
    let form = Form::parse(&visit.request).map_err(Refusal::Page)?;
    then(&AuthorizeRequest::parse(lab, authority, &form)?)
}

/// Before the redirect URI is known to be the client's, an error is shown and never sent: else anybody could have
/// people redirected anywhere.
fn refuse(refusal: Refusal, trace: &Trace) -> Response {
    match refusal {
        Refusal::Page(refusal) => pages::error(&refusal, trace),
        Refusal::Back(back, refusal) => {
            let description = refusal.description(trace);
            let code = refusal.code.to_string();
            let pairs = [
                ("error", refusal.oauth()),
                ("error_description", description.as_str()),
                ("error_codes", &code),
            ];
            redirect::answer(&back, &pairs, trace)
        }
    }
}

/// Returns the person behind a sign-in.
fn person<'a>(lab: &'a Lab, sign_in: &SignIn) -> AadResult<&'a User> {
    crate::issue::standing(lab, &sign_in.user).map(|(user, _)| user)
}

/// Wraps a page, with headers that keep it out of frames and free of foreign content.
fn html(status: StatusCode, body: String, script: Option<&str>) -> Response {
    let script = script.map_or_else(|| String::from("'none'"), |nonce| format!("'nonce-{nonce}'"));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src {script}; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = [
        (http::header::CONTENT_TYPE, String::from("text/html; charset=utf-8")),
        (http::header::CONTENT_SECURITY_POLICY, policy),
        (http::header::CACHE_CONTROL, String::from("no-store")),
        (http::header::REFERRER_POLICY, String::from("no-referrer")),
        (http::header::X_FRAME_OPTIONS, String::from("DENY")),
    ];
    (status, headers, body).into_response()
}
