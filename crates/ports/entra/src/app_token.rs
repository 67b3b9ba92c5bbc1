//! The door's own token for Graph (client credentials grant, RFC 6749 section 4.4).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_oauth::Cloud;
use doorward_types::{ClientId, Secret, TenantId};
use doorward_wire::{Limits, Tree};
use http::Request;

use crate::fetch::Fetch;
use crate::groups::GroupsError;

/// A token is not used in its last minutes: the request it goes out with takes time too.
const MARGIN: u64 = 300;

/// How the door proves itself to Entra.
#[non_exhaustive]
pub enum Credential {
    /// A client secret. The weakest of Entra's ways; it is a file of the operator's, never in the configuration.
    Secret(Secret<String>),
}

pub(crate) type AppToken = Arc<Secret<String>>;

/// Asks Entra for a token for Graph in one tenant; returns it and for how long it may be used.
pub(crate) async fn request(
    fetch: Arc<dyn Fetch>,
    cloud: Cloud,
    client: ClientId,
    credential: Arc<Credential>,
    tenant: TenantId,
) -> Result<(AppToken, Duration), GroupsError> {
    let Credential::Secret(secret) = &*credential;
    let scope = format!("{}/.default", cloud.graph);
    let body = form(&[
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", secret.expose()),
        ("scope", &scope),
    ]);
    let request = Request::post(format!("{}/{tenant}/oauth2/v2.0/token", cloud.authority))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(Bytes::from(body))
        .map_err(|error| GroupsError::Unreachable(error.to_string()))?;
    let answer = fetch.fetch(request).await.map_err(|error| GroupsError::Unreachable(error.0))?;
    let status = answer.status();
    let limits = Limits { max_bytes: 64 * 1024, max_depth: 16, max_nodes: 1024 };
    let tree = Tree::parse(answer.into_body(), &limits).ok();
    let text = |name: &str| {
        tree.as_ref().and_then(|tree| tree.root().get(name)?.as_str().map(|text| text.into_owned()))
    };
    if !status.is_success() {
        let code = tree.as_ref().and_then(|tree| tree.root().get("error_codes")?.items().next()?.as_i64());
        return Err(GroupsError::TokenRefused {
            status: status.as_u16(),
            error: text("error").filter(|error| is_code(error)),
            code,
        });
    }
    let bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    let token =
        text("access_token").filter(|token| bearer && token.bytes().all(|byte| byte.is_ascii_graphic()));
    let lifetime = tree.as_ref().and_then(|tree| tree.root().get("expires_in")?.as_i64());
    match (token, lifetime.map(u64::try_from)) {
        (Some(token), Some(Ok(secs))) if !token.is_empty() => {
            Ok((Arc::new(Secret::new(token)), Duration::from_secs(secs.saturating_sub(MARGIN))))
        }
        _ => Err(GroupsError::BadAnswer("the token answer has no bearer token with a lifetime")),
    }
}

/// Returns whether a text is an error code as RFC 6749 and Graph have them, and nothing to be afraid of in a log.
pub(crate) fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

fn form(fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    fields.join("&")
}

fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
