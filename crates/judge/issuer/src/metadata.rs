//! How clients learn what this authorization server is and does (RFC 8414), and which keys it signs with (RFC 7517).

use doorward_wire::quote;

use crate::jws::{ALGORITHMS, b64};
use crate::record::list;

/// What of the server depends on its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The public address, without a slash at its end: byte for byte what goes out as `iss` (A-16).
    pub issuer: &'a str,
    /// Every scope of every resource.
    pub scopes: &'a [String],
    /// Whether clients may register themselves.
    pub registration: bool,
    /// Whether clients may be described by documents.
    pub documents: bool,
    /// Whether any client may act on its own behalf.
    pub machines: bool,
}

/// A public signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeyParts {
    /// Its id.
    pub kid: String,
    /// The modulus, big-endian, without leading zeros.
    pub n: Vec<u8>,
    /// The exponent, big-endian.
    pub e: Vec<u8>,
}

/// Returns the metadata document.
pub fn authorization_server(facts: &Facts<'_>) -> String {
    let address = |path: &str| quote(&format!("{}{path}", facts.issuer));
    let mut text = format!(
        r#"{{"issuer":{},"authorization_endpoint":{},"token_endpoint":{},"jwks_uri":{},"revocation_endpoint":{},"introspection_endpoint":{}"#,
        quote(facts.issuer),
        address("/authorize"),
        address("/token"),
        address("/oauth/jwks"),
        address("/revoke"),
        address("/introspect"),
    );
    let mut add = |name: &str, json: &str| text.push_str(&format!(r#","{name}":{json}"#));
    if facts.registration {
        add("registration_endpoint", &address("/register"));
    }
    let mut scopes: Vec<&str> = Vec::new();
    for scope in facts.scopes.iter().map(String::as_str).chain(["offline_access"]) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    let mut grants = vec!["authorization_code", "refresh_token"];
    if facts.machines {
        grants.push("client_credentials");
    }
    let confidential = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let algorithms = list(ALGORITHMS.iter().copied());
    add("scopes_supported", &list(scopes));
    add("response_types_supported", r#"["code"]"#);
    add("response_modes_supported", r#"["query"]"#);
    add("grant_types_supported", &list(grants));
    add("code_challenge_methods_supported", r#"["S256"]"#);
    for endpoint in ["token", "revocation", "introspection"] {
        // A public client could be anybody who found a token and wants to know what it is good for (RFC 7662 section 2.1).
        let public = (endpoint != "introspection").then_some("none");
        let methods = list(public.into_iter().chain(confidential));
        add(&format!("{endpoint}_endpoint_auth_methods_supported"), &methods);
        add(&format!("{endpoint}_endpoint_auth_signing_alg_values_supported"), &algorithms);
    }
    add("dpop_signing_alg_values_supported", &algorithms);
    add("authorization_response_iss_parameter_supported", "true");
    add("client_id_metadata_document_supported", if facts.documents { "true" } else { "false" });
    text.push('}');
    text
}

/// Returns the document of the signing keys.
pub fn jwks(keys: &[PublicKeyParts]) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                r#"{{"kty":"RSA","use":"sig","alg":"RS256","kid":{},"n":"{}","e":"{}"}}"#,
                quote(&key.kid),
                b64(&key.n),
                b64(&key.e)
            )
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[cfg(test)]
mod tests;
