//! `authorization_code`.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{Request, invalid_grant};
use crate::AadResult;
use crate::errors::AadError;
use crate::issue;
use crate::store::Code;

/// Redeems a code, once.
pub(crate) fn redeem(request: &Request<'_>) -> AadResult<Value> {
    let client = request.client()?;
    request.no_agent(&client)?;
    let text = request.form.need("code")?;
    let redirect_uri = request.form.need("redirect_uri")?;
    let code = request.lab.store().codes.get(text).cloned().ok_or_else(invalid_grant)?;
    if code.grant.client != client.app.id {
        return Err(invalid_grant());
    }
    request.same_tenant(&code.grant, 700_005)?;
    if code.used {
        return Err(AadError::new(
            54_005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
        ));
    }
    if request.lab.clock.now() >= code.expires {
        return Err(AadError::new(
            70_008,
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
        ));
    }
    if code.redirect_uri != redirect_uri {
        return Err(AadError::new(
            500_112,
            format!(
                "The reply address '{redirect_uri}' does not match the reply address '{}' provided when requesting Authorization code.",
                code.redirect_uri
            ),
        ));
    }
    request.origin_rule(code.grant.spa)?;
    proof_key(&code, request.form.get("code_verifier"))?;
    if request.lab.store().is_revoked(&code.grant.sign_in.user, code.grant.sign_in.at) {
        return Err(super::refresh::revoked());
    }
    let answer = issue::for_person(request.lab, &client, &code.grant, request.form)?;
    spend(request, text)?;
    Ok(answer)
}

/// Marks a code as used; of two requests that race, one finds it used already.
fn spend(request: &Request<'_>, text: &str) -> AadResult<()> {
    let mut store = request.lab.store();
    let code = store.codes.get_mut(text).ok_or_else(invalid_grant)?;
    if std::mem::replace(&mut code.used, true) {
        return Err(invalid_grant());
    }
    Ok(())
}

/// PKCE (RFC 7636).
fn proof_key(code: &Code, verifier: Option<&str>) -> AadResult<()> {
    let mismatch =
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
    match (&code.challenge, verifier) {
        (None, None) => Ok(()),
        // Assumed: a verifier without a challenge is a downgrade (RFC 9700 section 4.8.2).
        (None, Some(_)) => Err(AadError::new(501_481, mismatch)),
        (Some(_), None) => Err(AadError::new(
            50_148,
            "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
        )),
        (Some((challenge, method)), Some(verifier)) => {
            let derived = match method.as_str() {
                "S256" => URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())),
                _ => verifier.to_owned(),
            };
            verify_slices_are_equal(derived.as_bytes(), challenge.as_bytes())
                .map_err(|_| AadError::new(501_481, mismatch))
        }
    }
}
