//! What a token endpoint is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_types::Secret;

use super::callback::Redeemable;
use super::client::{Client, Method};
use super::grant::Grant;
use crate::form::{Form, percent};

/// A request to a token endpoint.
pub struct TokenRequest {
    /// Where it goes.
    pub endpoint: String,
    /// The Authorization header, where the client proves itself with one.
    pub authorization: Option<Secret<String>>,
    /// The body.
    pub form: Form,
}

/// Redeems a code. `None` if the client is not the one that asked for it (U-08): its secret goes to its own issuer only.
pub fn redeem(client: &Client, answer: &Redeemable) -> Option<TokenRequest> {
    let pending = &answer.pending;
    if client.issuer != pending.issuer || client.id != pending.client_id {
        return None;
    }
    let form = Form::new()
        .with("grant_type", "authorization_code")
        .with("code", answer.code.expose())
        .with("redirect_uri", &pending.redirect_uri)
        .with("code_verifier", pending.verifier.expose())
        .with("resource", &pending.resource);
    Some(prove(client, &pending.token_endpoint, form))
}

/// Refreshes a grant. `None` if the client is not the one that it was given to, or there is nothing to refresh with.
pub fn refresh(client: &Client, grant: &Grant) -> Option<TokenRequest> {
    if client.issuer != grant.issuer || client.id != grant.client_id {
        return None;
    }
    let scopes = grant.scopes.join(" ");
    let form = Form::new()
        .with("grant_type", "refresh_token")
        .with("refresh_token", grant.refresh.as_ref()?.expose())
        .with("resource", &grant.resource)
        .with_some("scope", (!scopes.is_empty()).then_some(scopes.as_str()));
    Some(prove(client, &grant.token_endpoint, form))
}

fn prove(client: &Client, endpoint: &str, form: Form) -> TokenRequest {
    let (form, authorization) = match &client.secret {
        None => (form.with("client_id", &client.id), None),
        Some((secret, Method::Post)) => {
            (form.with("client_id", &client.id).with("client_secret", secret.expose()), None)
        }
        Some((secret, Method::Basic)) => {
            // Both are encoded as forms are, before they are joined: an id may hold a colon (RFC 6749 section 2.3.1).
            let secret = Secret::new(percent(secret.expose()));
            let pair = Secret::new(format!("{}:{}", percent(&client.id), secret.expose()));
            (form, Some(Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))))
        }
    };
    TokenRequest { endpoint: endpoint.to_owned(), authorization, form }
}
