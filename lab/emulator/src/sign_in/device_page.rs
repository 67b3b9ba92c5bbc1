//! The page where a person approves a device code; it stands for `https://microsoft.com/devicelogin`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use super::{pages, password};
use crate::AadResult;
use crate::authority::Authority;
use crate::errors::{AadError, Trace};
use crate::form::Form;
use crate::lab::Lab;
use crate::scopes::Asked;
use crate::store::{Device, DeviceState, SignIn};
use crate::token::read;

/// `GET /devicelogin`
pub(crate) async fn show() -> Response {
    ask_code(None)
}

/// `POST /devicelogin`: first the code alone, then with name and password.
pub(crate) async fn submit(State(lab): State<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    let trace = Trace::begin(&lab, &headers);
    match read(&headers, &body) {
        Ok(form) => step(&lab, &form),
        Err(refusal) => pages::error(&refusal, &trace),
    }
}

/// Approves or declines a code in a person's name.
pub(crate) fn settle(lab: &Lab, user_code: &str, sign_in: Option<SignIn>) -> AadResult<()> {
    let mut store = lab.store();
    let now = lab.clock.now();
    let device =
        store.devices.values_mut().find(|device| is_open(device, user_code, now)).ok_or_else(|| {
            AadError::new(
                70_018,
                "Invalid verification code due to user typing in wrong user code for device code flow.",
            )
        })?;
    device.state = sign_in.map_or(DeviceState::Declined, DeviceState::Approved);
    Ok(())
}

fn step(lab: &Lab, form: &Form) -> Response {
    let typed = form.get("user_code").unwrap_or_default().trim().to_ascii_uppercase();
    let now = lab.clock.now();
    let device = lab.store().devices.values().find(|device| is_open(device, &typed, now)).cloned();
    let Some(device) = device else {
        return ask_code(Some(&AadError::new(
            70_018,
            "That code didn't work. Check the code and try again.",
        )));
    };
    let outcome = match form.get("action") {
        None | Some("next") => return ask_person(lab, &device, None),
        Some("sign-in") => approve(lab, &device, form),
        Some(_) => settle(lab, &typed, None).map(|()| "Sign-in declined"),
    };
    match outcome {
        Ok(title) => pages::page(title, "<p>You may now close this window.</p>"),
        Err(refusal) => ask_person(lab, &device, Some(&refusal)),
    }
}

fn approve(lab: &Lab, device: &Device, form: &Form) -> AadResult<&'static str> {
    let authority = Authority::parse(lab, &device.authority)?;
    let sign_in = password::check(lab, authority, form)?;
    // The page names the client and what it asks for; signing in below that is the consent.
    if let Some(client) = lab.seed.client(&device.client) {
        let asked = Asked::parse(lab, authority.tenant().ok(), client, &device.scope, None)?;
        for target in &asked.targets {
            lab.store().consent(&sign_in.user, &client.id, &target.app.id, &target.wanted());
        }
    }
    settle(lab, &device.user_code, Some(sign_in)).map(|()| "You have signed in on your device")
}

fn is_open(device: &Device, user_code: &str, now: doorward_types::Timestamp) -> bool {
    device.user_code == user_code && now < device.expires && matches!(device.state, DeviceState::Pending)
}

fn ask_code(complaint: Option<&AadError>) -> Response {
    let fields = format!(
        "{}{}",
        pages::field("user_code", "Code displayed on your device", "text", "", "off"),
        pages::button("next", "Next")
    );
    let form = format!("<form method=\"post\" action=\"/devicelogin\">{fields}</form>");
    pages::page("Enter code", &format!("{}{form}", pages::alert(complaint)))
}

fn ask_person(lab: &Lab, device: &Device, complaint: Option<&AadError>) -> Response {
    let client = lab.seed.client(&device.client).map_or(device.client.as_str(), |app| app.name.as_str());
    let text = format!(
        "<p>You are signing in to <strong>{}</strong> on another device. It asks for <code>{}</code>. Go on only if you started this yourself.</p>",
        pages::escape(client),
        pages::escape(&device.scope)
    );
    let fields = format!(
        "{}{}{}{}<button name=\"action\" value=\"decline\" formnovalidate>Cancel</button>",
        pages::hidden("user_code", &device.user_code),
        pages::field("username", "Email or user name", "text", "", "username"),
        pages::field("password", "Password", "password", "", "current-password"),
        pages::button("sign-in", "Continue"),
    );
    let form = format!("<form method=\"post\" action=\"/devicelogin\">{fields}</form>");
    pages::page("Sign in on another device", &format!("{text}{}{form}", pages::alert(complaint)))
}
