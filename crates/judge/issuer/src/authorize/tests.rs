//! Requests for codes: what is shown to the person, what is told to the client, what is granted.

use proptest::prelude::*;

use super::*;
use crate::testing::{CHALLENGE, CRM, ISSUER, REDIRECT, client, params, resource, with};

const BASE: &[(&str, &str)] = &[
    ("client_id", "dwc-1"),
    ("redirect_uri", REDIRECT),
    ("response_type", "code"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("resource", CRM),
    ("state", "xyz"),
];

fn ask(changed: &[(&str, &str)]) -> Result<Request, AuthorizeError> {
    judge(&params(&with(BASE, changed)), &client("dwc-1"), &[resource("crm"), resource("hr")])
}

fn refusal(changed: &[(&str, &str)]) -> (&'static str, String, Option<String>) {
    match ask(changed) {
        Err(AuthorizeError::Redirect { error, redirect, state, .. }) => (error, redirect, state),
        other => panic!("{changed:?}: {other:?}"),
    }
}

#[test]
fn an_honest_request_is_taken() {
    let request = ask(&[
        ("scope", "openid tools.write offline_access tools.read"),
        ("prompt", "consent"),
        ("login_hint", "ada@contoso.com"),
        ("dpop_jkt", CHALLENGE),
        ("nonce", "ignored"),
    ])
    .unwrap();
    assert_eq!(request.redirect, REDIRECT);
    assert_eq!((request.resource.as_str(), request.server.as_str()), (CRM, "crm"));
    assert_eq!(request.scopes, ["tools.read", "tools.write"]);
    assert_eq!(request.state.as_deref(), Some("xyz"));
    assert_eq!(request.login_hint.as_deref(), Some("ada@contoso.com"));
    assert_eq!(request.dpop_jkt.as_deref(), Some(CHALLENGE));
    // Nothing but habits asks for nothing; the port of a loopback address is the presented one.
    let request = ask(&[("scope", "openid"), ("redirect_uri", "http://127.0.0.1:50123/cb")]).unwrap();
    assert_eq!(
        (request.scopes.as_slice(), request.redirect.as_str()),
        (&["tools.read".to_owned()][..], "http://127.0.0.1:50123/cb")
    );
}

// control: IDC-07: an unknown client or address gets a page and never a redirect
#[test]
fn nobody_is_redirected_before_client_and_address_fit() {
    for (changed, expected) in [
        (("client_id", ""), PageError::NoClient),
        (("client_id", "dwc-2"), PageError::UnknownClient),
        (("client_id", "11111111-2222-3333-4444-555555555555"), PageError::UnknownClient),
        (("client_id", "a b"), PageError::BadClient(ClientIdError::Characters)),
        (("client_id", "http://a.example/x"), PageError::BadClient(ClientIdError::NotHttps)),
        (("redirect_uri", ""), PageError::NoRedirect),
        (("redirect_uri", "https://evil.example/cb"), PageError::OtherRedirect),
        (("redirect_uri", "https://claude.ai/api/mcp/auth_callback/"), PageError::OtherRedirect),
        (("redirect_uri", "http://localhost/cb"), PageError::OtherRedirect),
    ] {
        // However much else is wrong.
        for more in [("response_type", "code"), ("response_type", "token"), ("code_challenge", "")] {
            assert_eq!(ask(&[changed, more]), Err(AuthorizeError::Page(expected.clone())), "{changed:?}");
        }
    }
}

// control: IDC-06, A-10: only a well-formed S256 challenge begins a sign-in
#[test]
fn pkce_is_s256_and_nothing_else() {
    let (long, cut) = (format!("{CHALLENGE}A"), CHALLENGE.get(..42).unwrap());
    for changed in [
        ("code_challenge", ""),
        ("code_challenge", cut),
        ("code_challenge", &long),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw cM"),
        ("code_challenge_method", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", "s256"),
        ("code_challenge_method", "S512"),
    ] {
        assert_eq!(
            refusal(&[changed]),
            ("invalid_request", REDIRECT.into(), Some("xyz".into())),
            "{changed:?}"
        );
    }
}

// control: A-17, D-12: the resource is one of ours, byte for byte
#[test]
fn the_resource_is_never_guessed() {
    for changed in [
        ("resource", ""),
        ("resource", "https://mcp.contoso.com/crm/mcp/"),
        ("resource", "https://mcp.contoso.com/CRM/mcp"),
        ("resource", "https://mcp.contoso.com:443/crm/mcp"),
        ("resource", "https://mcp.contoso.com"),
        ("resource", "https://evil.example/crm/mcp"),
    ] {
        assert_eq!(refusal(&[changed]).0, "invalid_target", "{changed:?}");
    }
    let only = params(&with(BASE, &[("resource", "")]));
    assert_eq!(judge(&only, &client("dwc-1"), &[resource("crm")]).unwrap().resource, CRM);
    assert!(judge(&only, &client("dwc-1"), &[]).is_err());
}

#[test]
fn other_faults_are_told_to_the_client() {
    let long = "s".repeat(4097);
    for (changed, expected) in [
        (("response_type", ""), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("response_mode", "form_post"), "invalid_request"),
        (("request", "eyJ"), "request_not_supported"),
        (("request_uri", "https://evil.example/r"), "request_uri_not_supported"),
        (("prompt", "none"), "login_required"),
        (("scope", "tools.admin"), "invalid_scope"),
        (("scope", "tools.read tools.admin"), "invalid_scope"),
        (("scope", "tools.read  tools.write"), "invalid_scope"),
        (("scope", "tools.\"read"), "invalid_scope"),
        (("scope", "Tools.read"), "invalid_scope"),
        (("dpop_jkt", "short"), "invalid_request"),
        (("state", long.as_str()), "invalid_request"),
    ] {
        assert_eq!(refusal(&[changed]).0, expected, "{changed:?}");
    }
    let mut machine = client("dwc-1");
    machine.grants.code = false;
    let answer = judge(&params(BASE), &machine, &[resource("crm")]);
    assert!(
        matches!(answer, Err(AuthorizeError::Redirect { error: "unauthorized_client", .. })),
        "{answer:?}"
    );
}

// control: IDC-05, A-14: every redirect names its issuer, and no value ends the parameter it stands in
#[test]
fn redirects_carry_the_issuer() {
    let iss = "iss=https%3A%2F%2Fmcp.contoso.com";
    for (redirect, expected) in [
        ("https://a.example/cb", format!("https://a.example/cb?code=c&state=s%26iss%3Devil&{iss}")),
        ("https://a.example/cb?", format!("https://a.example/cb?code=c&state=s%26iss%3Devil&{iss}")),
        ("https://a.example/cb?x=1", format!("https://a.example/cb?x=1&code=c&state=s%26iss%3Devil&{iss}")),
        ("https://a.example/cb?x=1&", format!("https://a.example/cb?x=1&code=c&state=s%26iss%3Devil&{iss}")),
        ("http://localhost:1", format!("http://localhost:1?code=c&state=s%26iss%3Devil&{iss}")),
    ] {
        assert_eq!(granted(redirect, "c", Some("s&iss=evil"), ISSUER), expected);
    }
    assert_eq!(granted("cursor://x/cb", "c", None, ISSUER), format!("cursor://x/cb?code=c&{iss}"));
    assert_eq!(
        refused("https://a.example/cb", "access_denied", "no \"é\"\r\n", Some("s"), ISSUER),
        format!(
            "https://a.example/cb?error=access_denied&error_description=no%20%27%27%27%27%27&state=s&{iss}"
        )
    );
    assert_eq!(
        refused("https://a.example/cb", "access_denied", "", None, ISSUER),
        format!("https://a.example/cb?error=access_denied&{iss}")
    );
}

proptest! {
    #[test]
    fn a_client_reads_back_what_was_sent(code in "\\PC{1,40}", state in "\\PC{1,40}") {
        let address = granted("https://a.example/cb?x=1", &code, Some(&state), ISSUER);
        prop_assert!(address.bytes().all(|byte| byte.is_ascii_graphic()) && !address.contains('#'));
        let query = address.strip_prefix("https://a.example/cb?").unwrap();
        if let Ok(read) = Params::parse(query.as_bytes()) {
            prop_assert_eq!(read.get("code"), Some(code.as_str()));
            prop_assert_eq!(read.get("state"), Some(state.as_str()));
            prop_assert_eq!(read.get("iss"), Some(ISSUER));
        }
    }

    #[test]
    fn nothing_is_granted_beyond_what_exists(scope in "[a-z. ]{0,12}|tools\\.(read|write|admin)( tools\\.(read|write))?") {
        if let Ok(request) = ask(&[("scope", scope.as_str())]) {
            prop_assert!(!request.scopes.is_empty());
            prop_assert!(request.scopes.iter().all(|scope| resource("crm").scopes.contains(scope)));
        }
    }
}
