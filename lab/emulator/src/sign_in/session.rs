//! Single sign-on: a cookie that names a session.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};

use crate::AadResult;
use crate::errors::AadError;
use crate::lab::Lab;
use crate::random;
use crate::store::SignIn;

const NAME: &str = "ESTSAUTH";

/// Returns the session's cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned()).next()
}

/// Returns who is signed in, unless that was revoked or the account was blocked since.
pub(super) fn current(lab: &Lab, headers: &HeaderMap) -> Option<SignIn> {
    let cookie = cookie(headers)?;
    let store = lab.store();
    let sign_in = store.sessions.get(&cookie)?;
    let user = lab.seed.user(&sign_in.user)?;
    let good = !store.is_revoked(&user.id, sign_in.at) && !store.is_disabled(user);
    good.then(|| sign_in.clone())
}

/// Begins a session.
pub(super) fn remember(lab: &Lab, sign_in: SignIn, response: &mut Response) -> AadResult<()> {
    let id = random::opaque()?;
    let cookie = format!("{NAME}={id}; Path=/; Secure; HttpOnly; SameSite=Lax");
    lab.store().sessions.insert(id, sign_in);
    let value = HeaderValue::from_str(&cookie).map_err(|_| {
        AadError::new(90_099, "The session cookie cannot be written.").with_error("server_error")
    })?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

/// Ends the session in the browser.
pub(super) fn forget(response: &mut Response) {
    let gone = HeaderValue::from_static("ESTSAUTH=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    response.headers_mut().append(header::SET_COOKIE, gone);
}
