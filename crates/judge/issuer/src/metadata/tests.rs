//! The published documents, word for word.

use super::*;

// control: IDC-05, A-10, A-14, A-16: metadata says S256, issuer in answers and documents, under exactly the issuer
#[test]
fn metadata_is_as_rfc_8414_says() {
    let scopes = ["tools.read".to_owned(), "tools.read".to_owned(), "offline_access".to_owned()];
    let facts = Facts {
        issuer: "https://mcp.contoso.com",
        scopes: &scopes,
        registration: false,
        documents: true,
        machines: false,
    };
    let text = authorization_server(&facts);
    assert_eq!(
        text,
        concat!(
            r#"{"issuer":"https://mcp.contoso.com","authorization_endpoint":"https://mcp.contoso.com/authorize","#,
            r#""token_endpoint":"https://mcp.contoso.com/token","jwks_uri":"https://mcp.contoso.com/oauth/jwks","#,
            r#""revocation_endpoint":"https://mcp.contoso.com/revoke","introspection_endpoint":"https://mcp.contoso.com/introspect","#,
            r#""scopes_supported":["tools.read","offline_access"],"response_types_supported":["code"],"response_modes_supported":["query"],"#,
            r#""grant_types_supported":["authorization_code","refresh_token"],"code_challenge_methods_supported":["S256"],"#,
            r#""token_endpoint_auth_methods_supported":["none","client_secret_basic","client_secret_post","private_key_jwt"],"#,
            r#""token_endpoint_auth_signing_alg_values_supported":["RS256","PS256","ES256"],"#,
            r#""revocation_endpoint_auth_methods_supported":["none","client_secret_basic","client_secret_post","private_key_jwt"],"#,
            r#""revocation_endpoint_auth_signing_alg_values_supported":["RS256","PS256","ES256"],"#,
            r#""introspection_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"],"#,
            r#""introspection_endpoint_auth_signing_alg_values_supported":["RS256","PS256","ES256"],"#,
            r#""dpop_signing_alg_values_supported":["RS256","PS256","ES256"],"#,
            r#""authorization_response_iss_parameter_supported":true,"client_id_metadata_document_supported":true}"#
        )
    );
    let more = authorization_server(&Facts { registration: true, machines: true, documents: false, ..facts });
    for part in [
        r#""registration_endpoint":"https://mcp.contoso.com/register""#,
        r#""grant_types_supported":["authorization_code","refresh_token","client_credentials"]"#,
        r#""client_id_metadata_document_supported":false"#,
    ] {
        assert!(more.contains(part) && !text.contains(part), "{part}");
    }
}

#[test]
fn keys_are_published_as_rfc_7517_says() {
    let key = PublicKeyParts { kid: "k\"1".to_owned(), n: vec![0xff; 3], e: vec![1, 0, 1] };
    assert_eq!(
        jwks(&[key]),
        r#"{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"k\"1","n":"____","e":"AQAB"}]}"#
    );
    assert_eq!(jwks(&[]), r#"{"keys":[]}"#);
}
