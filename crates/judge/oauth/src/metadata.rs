//! How a client learns where to get a token: metadata (RFC 9728) and challenges (RFC 6750 section 3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_wire::quote;

/// Not ours to ask for: it concerns the client and the authorization server (A-03).
const OFFLINE: &str = "offline_access";

/// Returns the protected-resource metadata document of one endpoint. `resource` is its address exactly as clients use
/// it (A-02); `scopes` is the least that is useful; `proofs` are the algorithms that proofs of possession may be signed
/// with, none where tokens are not bound to keys.
pub fn protected_resource_metadata(
    resource: &str,
    authorization_server: &str,
    scopes: &[String],
    proofs: &[&str],
) -> String {
    let list = |texts: &mut dyn Iterator<Item = &str>| texts.map(quote).collect::<Vec<_>>().join(",");
    let mut text = format!(
        r#"{{"resource":{},"authorization_servers":[{}],"scopes_supported":[{}],"bearer_methods_supported":["header"]"#,
        quote(resource),
        quote(authorization_server),
        list(&mut scopes.iter().map(String::as_str).filter(|scope| *scope != OFFLINE)),
    );
    if !proofs.is_empty() {
        let proofs = list(&mut proofs.iter().copied());
        text.push_str(&format!(r#","dpop_signing_alg_values_supported":[{proofs}]"#));
    }
    text.push('}');
    text
}

/// Returns the `WWW-Authenticate` value of a 401. `scope` is what is needed now, parted by spaces; `error` is
/// `invalid_token` if there was a token, and `None` if there was none.
pub fn challenge_401(resource_metadata_url: &str, scope: &str, error: Option<&str>) -> String {
    challenge(error, resource_metadata_url, scope)
}

/// Returns the `WWW-Authenticate` value of a 403 `insufficient_scope`; `scope` is everything this operation needs (A-04).
pub fn challenge_403(resource_metadata_url: &str, scope: &str) -> String {
    challenge(Some("insufficient_scope"), resource_metadata_url, scope)
}

/// Returns the `WWW-Authenticate` value of a 401 that asks for a further step at Entra: `claims` is the JSON that Entra
/// gave, which the client hands back to it (D-16). The alphabet is the standard one, with padding, as Entra's own is.
pub fn challenge_claims(resource_metadata_url: &str, claims: &str) -> String {
    let claims = quoted(&STANDARD.encode(claims));
    format!(
        "Bearer error=\"insufficient_claims\", claims={claims}, resource_metadata={}",
        quoted(resource_metadata_url)
    )
}

/// Returns the `WWW-Authenticate` value of a 401 that asks for proof of the key that a token is bound to (RFC 9449 section
/// 7.1). `algorithms` are those a proof may be signed with, parted by spaces.
pub fn challenge_proof(resource_metadata_url: &str, scope: &str, error: &str, algorithms: &str) -> String {
    let bearer = challenge(Some(error), resource_metadata_url, scope);
    let parameters = bearer.strip_prefix("Bearer ").unwrap_or_default();
    format!("DPoP algs={}, {parameters}", quoted(algorithms))
}

fn challenge(error: Option<&str>, resource_metadata_url: &str, scope: &str) -> String {
    let mut value = String::from("Bearer ");
    if let Some(error) = error {
        value.push_str(&format!("error={}, ", quoted(error)));
    }
    value.push_str(&format!("resource_metadata={}", quoted(resource_metadata_url)));
    let scope: Vec<&str> = scope.split(' ').filter(|scope| !scope.is_empty() && *scope != OFFLINE).collect();
    if !scope.is_empty() {
        value.push_str(&format!(", scope={}", quoted(&scope.join(" "))));
    }
    value
}

/// Writes a quoted string (RFC 9110 section 5.6.4). What could end the string or the header line is escaped, so that
/// no text becomes a second parameter or a second header.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: IDC-04: the metadata names the resource, its authorization server and the least scopes, never offline_access
    #[test]
    fn metadata_is_as_rfc_9728_says() {
        let scopes = ["api://crm/tools.read".to_owned(), OFFLINE.to_owned()];
        assert_eq!(
            protected_resource_metadata(
                "https://mcp.contoso.com/crm/mcp",
                "https://login.example/t/v2.0",
                &scopes,
                &[]
            ),
            concat!(
                r#"{"resource":"https://mcp.contoso.com/crm/mcp","authorization_servers":["https://login.example/t/v2.0"],"#,
                r#""scopes_supported":["api://crm/tools.read"],"bearer_methods_supported":["header"]}"#
            )
        );
    }

    // control: IDC-04: challenges point at the metadata and name the scopes that are needed
    #[test]
    fn challenges_are_as_rfc_6750_says() {
        let url = "https://mcp.contoso.com/.well-known/oauth-protected-resource/crm/mcp";
        assert_eq!(
            challenge_401(url, "tools.read offline_access", None),
            format!(r#"Bearer resource_metadata="{url}", scope="tools.read""#)
        );
        assert_eq!(
            challenge_401(url, "", Some("invalid_token")),
            format!(r#"Bearer error="invalid_token", resource_metadata="{url}""#)
        );
        assert_eq!(
            challenge_403(url, "a b"),
            format!(r#"Bearer error="insufficient_scope", resource_metadata="{url}", scope="a b""#)
        );
        assert_eq!(
            challenge_proof(url, "a", "use_dpop_nonce", "ES256 PS256"),
            format!(
                r#"DPoP algs="ES256 PS256", error="use_dpop_nonce", resource_metadata="{url}", scope="a""#
            )
        );
    }

    // control: D-16: a claims challenge carries what Entra asks for, whole and as one parameter
    #[test]
    fn a_claims_challenge_is_as_entra_writes_it() {
        let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
        assert_eq!(
            challenge_claims("https://mcp.contoso.com/.well-known/x", claims),
            concat!(
                r#"Bearer error="insufficient_claims", "#,
                r#"claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19", "#,
                r#"resource_metadata="https://mcp.contoso.com/.well-known/x""#
            )
        );
        assert!(challenge_claims("https://x/", "\", a=\"b\r\n").bytes().all(|b| (b' '..=b'~').contains(&b)));
    }

    // control: IDC-04: no text can end a challenge early and inject a header
    #[test]
    fn no_text_breaks_out_of_a_challenge() {
        let value = challenge_401("https://x/\"\r\nSet-Cookie: a=b", "a\\\" realm=\"\u{e9}", Some("e\n"));
        assert!(value.bytes().all(|b| (b' '..=b'~').contains(&b)), "{value}");
        assert_eq!(
            value,
            r#"Bearer error="e%0A", resource_metadata="https://x/\"%0D%0ASet-Cookie: a=b", scope="a\\\" realm=\"%C3%A9""#
        );
    }
}
