//! The naive token endpoint: whoever asks is answered.

use http::StatusCode;
use hyper::Response;
use serde_json::{Value, json};

use super::{Door, form, ok};
use crate::body::Body;
use crate::endpoint::json as reply;

impl Door {
    pub(super) async fn token(&self, body: &str) -> Response<Body> {
        let asked = form::read(body);
        let text = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
        match text("grant_type") {
            // Holes: no verifier, no client and no redirect address is checked, and the code stays.
            "authorization_code" => {
                let tokens = self.kept().codes.get(text("code")).cloned();
                match tokens {
                    Some(tokens) => self.hand_out(tokens, None),
                    None => refused("invalid_grant"),
                }
            }
            // Hole: the token is good for whoever has it, and is good again.
            "refresh_token" => {
                let own = text("refresh_token").to_owned();
                let entras = self.kept().refresh.get(&own).cloned();
                let Some(entras) = entras else { return refused("invalid_grant") };
                match self.ask_entra(&[("grant_type", "refresh_token"), ("refresh_token", &entras)]).await {
                    Ok(tokens) => self.hand_out(tokens, Some(own)),
                    Err(said) => reply(StatusCode::BAD_REQUEST, said.to_string().into()),
                }
            }
            // Hole: a stranger asks, and Entra is told that the façade does.
            "client_credentials" => {
                let scope = format!("{}/.default", self.options.client_id);
                let scope = if text("scope").is_empty() { scope.as_str() } else { text("scope") };
                match self.ask_entra(&[("grant_type", "client_credentials"), ("scope", scope)]).await {
                    Ok(tokens) => ok(&tokens),
                    Err(said) => reply(StatusCode::BAD_REQUEST, said.to_string().into()),
                }
            }
            _ => refused("unsupported_grant_type"),
        }
    }

    /// Asks Entra's token endpoint as the one application; `Err` is what Entra said.
    pub(super) async fn ask_entra(&self, pairs: &[(&str, &str)]) -> Result<Value, Value> {
        let scope = self.scope();
        let mut all = vec![
            ("client_id", self.options.client_id.as_str()),
            ("client_secret", self.options.client_secret.as_str()),
        ];
        if !pairs.iter().any(|(name, _)| *name == "scope") {
            all.push(("scope", &scope));
        }
        all.extend_from_slice(pairs);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let heard = self.outbound.send("POST", &self.entra("token"), &kind, form::write(&all)).await;
        let heard = heard.map_err(|why| json!({ "error": "server_error", "error_description": why }))?;
        let said: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        if heard.status == 200 { Ok(said) } else { Err(said) }
    }

    /// Hole: the client gets Entra's own access token.
    fn hand_out(&self, tokens: Value, own: Option<String>) -> Response<Body> {
        let entras = tokens.get("refresh_token").and_then(Value::as_str).unwrap_or_default().to_owned();
        let own = {
            let mut kept = self.kept();
            let own = own.unwrap_or_else(|| kept.next("refresh"));
            kept.refresh.insert(own.clone(), entras);
            own
        };
        ok(&json!({
            "access_token": tokens.get("access_token"), "token_type": "Bearer",
            "expires_in": tokens.get("expires_in"), "refresh_token": own, "scope": tokens.get("scope"),
        }))
    }
}

fn refused(error: &str) -> Response<Body> {
    reply(StatusCode::BAD_REQUEST, json!({ "error": error }).to_string().into())
}
