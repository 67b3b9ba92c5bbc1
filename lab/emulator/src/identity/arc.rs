//! Azure Arc: the caller proves that it may read a file which the agent writes for it and only its group can read.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::{Refused, machine_only, resource, selected, token};
use crate::form::Form;
use crate::lab::Lab;
use crate::{files, random};

/// Answers a request: without the file's content with a challenge that names the file, with it with a token.
pub(super) fn answer(lab: &Lab, query: &Form, headers: &HeaderMap) -> Response {
    answered(lab, query, headers).unwrap_or_else(Refused::response)
}

fn answered(lab: &Lab, query: &Form, headers: &HeaderMap) -> Result<Response, Refused> {
    machine_only(headers)?;
    let resource = resource(query)?;
    if query.get("client_id").is_some()
        || query.get("object_id").is_some()
        || query.get("msi_res_id").is_some()
    {
        return Err(Refused::bad("invalid_request", "Arc has the machine's own identity only"));
    }
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(sent) = sent else { return challenge(lab) };
    let known = sent.strip_prefix("Basic ").is_some_and(|secret| lab.arc_challenges().remove(secret));
    if !known {
        return Err(Refused(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            String::from("The key is not the file's"),
        ));
    }
    let issued = token(lab, selected(lab, query, &[])?, resource)?;
    Ok(Json(json!({
        "access_token": issued.token, "expires_in": issued.seconds.to_string(),
        "expires_on": issued.expires.to_string(), "not_before": issued.begins.to_string(),
        "resource": resource, "token_type": "Bearer",
    }))
    .into_response())
}

fn challenge(lab: &Lab) -> Result<Response, Refused> {
    let failed =
        |_| Refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", String::from("the lab failed"));
    let Some(folder) = lab.data_dir() else {
        let text = "Arc needs a data folder to write its key file to";
        return Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error", String::from(text)));
    };
    let tokens = folder.join("arc");
    files::prepare(&tokens).map_err(failed)?;
    let (name, secret) =
        (format!("{}.key", random::guid().map_err(failed)?), random::opaque().map_err(failed)?);
    files::write(&tokens, &name, secret.as_bytes()).map_err(failed)?;
    lab.arc_challenges().insert(secret);
    let realm = format!("Basic realm={}", tokens.join(&name).display());
    let text = String::from("Missing Basic Authorization header");
    let mut response = Refused(StatusCode::UNAUTHORIZED, "unauthorized", text).response();
    if let Ok(value) = HeaderValue::from_str(&realm) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    Ok(response)
}
