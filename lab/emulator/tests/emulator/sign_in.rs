use std::time::Duration;

use doorward_emulator::Fault;

use crate::code::{REDIRECT, REQUEST};
use crate::support::{Answer, Browser, CONTOSO, Lab, changed, part};

/// The person sees an error and the client is told nothing.
fn shown(what: &str, answer: &Answer, code: u32) {
    assert_eq!(answer.status.as_u16(), 400, "{what}: {answer:?}");
    assert_eq!(answer.header("location"), "", "{what}");
    assert!(answer.body.contains(&format!("AADSTS{code}: ")), "{what}: {}", answer.body);
}

fn page(what: &str, answer: &Answer, holds: &str) {
    assert_eq!(answer.status.as_u16(), 200, "{what}: {answer:?}");
    assert!(answer.body.contains(holds), "{what}: {}", answer.body);
}

#[tokio::test]
async fn a_person_signs_in_and_the_client_gets_a_code() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &REQUEST).await;
    page("form", &form, "<label for=\"password\">");
    assert!(form.header("content-security-policy").contains("frame-ancestors 'none'"));
    let back = browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await.redirected(REDIRECT);
    assert_eq!(back["state"], "the state & more");
    assert!(!back["code"].is_empty());
    assert!(!back.contains_key("iss"), "Entra does not send RFC 9207's iss");

    let again = browser.open(CONTOSO, &changed(&REQUEST, &[("response_mode", "fragment")])).await;
    assert!(
        again.header("location").starts_with(&format!("{REDIRECT}#code=")),
        "single sign-on, fragment: {again:?}"
    );
    let post = browser.open(CONTOSO, &changed(&REQUEST, &[("response_mode", "form_post")])).await;
    page("form_post", &post, "<form method=\"post\" action=\"http://localhost:8400/\">");
    assert!(post.body.contains("value=\"the state &amp; more\""), "{}", post.body);
    let bare = browser.open(CONTOSO, &changed(&REQUEST, &[("redirect_uri", "http://localhost:8400")])).await;
    assert!(
        bare.header("location").starts_with("http://localhost:8400/?code="),
        "a slash is added: {bare:?}"
    );
}

#[tokio::test]
async fn what_is_wrong_before_the_redirect_is_trusted_stays_on_the_page() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let door = "d0012000-0000-4000-8000-0000000000d1";
    for (what, authority, changes, code) in [
        ("unknown tenant", "nowhere.example", vec![], 90002),
        ("unknown client", CONTOSO, vec![("client_id", "00000000-0000-4000-8000-000000000000")], 700_016),
        (
            "client of another tenant",
            CONTOSO,
            vec![("client_id", "fabc1000-0000-4000-8000-0000000000c3")],
            700_016,
        ),
        ("disabled client", CONTOSO, vec![("client_id", "2e712ed0-0000-4000-8000-0000000000c6")], 7_000_112),
        ("no client", CONTOSO, vec![("client_id", "")], 900_144),
        ("foreign redirect", CONTOSO, vec![("redirect_uri", "https://evil.example/")], 50_011),
        (
            "other path",
            CONTOSO,
            vec![("client_id", door), ("redirect_uri", "http://localhost/other")],
            50_011,
        ),
        ("user name trick", CONTOSO, vec![("redirect_uri", "http://localhost:1@evil.example/")], 50_011),
        ("no redirect", CONTOSO, vec![("redirect_uri", "")], 900_971),
        ("single tenant at common", "common", vec![("client_id", door)], 50_194),
        ("doubled parameter", CONTOSO, vec![("state", "1"), ("state", "2")], 9_002_313),
    ] {
        shown(what, &browser.open(authority, &changed(&REQUEST, &changes)).await, code);
    }
}

#[tokio::test]
async fn what_is_wrong_after_that_goes_to_the_client() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let mcp = "https://mcp.contoso.example/mcp";
    let scope = "https://mcp.contoso.example/mcp/mcp.access";
    let legacy = "https://legacy.contoso.example/mcp";
    for (what, changes, error, code) in [
        ("two prompts", vec![("prompt", "select_account consent")], "invalid_request", 90_023),
        ("implicit flow", vec![("response_type", "token")], "unsupported_response_type", 700_054),
        ("no response type", vec![("response_type", "")], "invalid_request", 900_144),
        ("response mode", vec![("response_mode", "web_message")], "invalid_request", 90_023),
        ("no scope", vec![("scope", "")], "invalid_request", 900_144),
        ("a bare scope is Graph's", vec![("scope", "mcp.access")], "invalid_client", 650_053),
        (
            "scope that the API lacks",
            vec![("scope", "https://mcp.contoso.example/mcp/x")],
            "invalid_client",
            650_053,
        ),
        ("unknown API", vec![("scope", "api://nothing/x")], "invalid_resource", 500_011),
        ("quotes in a scope", vec![("scope", "api://a/\"x\"")], "invalid_scope", 70_011),
        ("default and more", vec![("scope", &format!("{mcp}/.default {scope}"))], "invalid_scope", 70_011),
        (
            "resource with a slash",
            vec![("scope", scope), ("resource", &format!("{mcp}/"))],
            "invalid_target",
            9_010_010,
        ),
        (
            "bare scope and resource",
            vec![("scope", "User.Read"), ("resource", mcp)],
            "invalid_target",
            9_010_010,
        ),
        ("v1 resource", vec![("scope", "openid"), ("resource", legacy)], "invalid_target", 9_010_010),
        (
            "unknown resource",
            vec![("scope", scope), ("resource", "https://x.example")],
            "invalid_target",
            9_010_010,
        ),
        ("short challenge", vec![("code_challenge", "abc")], "invalid_request", 501_491),
        ("challenge method", vec![("code_challenge_method", "S512")], "invalid_request", 50_149),
        ("method alone", vec![("code_challenge", "")], "invalid_request", 50_147),
        ("claims", vec![("claims", "[1]")], "invalid_request", 9_002_313),
        ("silence without a session", vec![("prompt", "none")], "login_required", 50_058),
    ] {
        let back = browser.open(CONTOSO, &changed(&REQUEST, &changes)).await.redirected(REDIRECT);
        assert_eq!(back["error"], error, "{what}: {back:?}");
        assert!(back["error_description"].starts_with(&format!("AADSTS{code}: ")), "{what}: {back:?}");
        assert_eq!(back["state"], "the state & more", "{what}");
        assert!(!back.contains_key("code"), "{what}");
    }
    let exact = browser.open(CONTOSO, &changed(&REQUEST, &[("scope", scope), ("resource", mcp)])).await;
    page("a resource that matches letter for letter", &exact, "Sign in");
}

#[tokio::test]
async fn wrong_people_do_not_get_in() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &REQUEST).await;
    for (user, password, code) in [
        ("alice@contoso.onmicrosoft.com", "wrong", 50_126),
        ("nobody@contoso.onmicrosoft.com", "correct-horse", 50_034),
        ("mallory@fabrikam.onmicrosoft.com", "correct-horse", 50_020),
        ("frank@contoso.onmicrosoft.com", "correct-horse", 50_057),
        ("frank@contoso.onmicrosoft.com", "wrong", 50_126),
    ] {
        let answer = browser.press(&form, "sign-in", &[("username", user), ("password", password)]).await;
        page(user, &answer, &format!("role=\"alert\">AADSTS{code}: "));
        assert!(browser.cookie.is_none(), "{user} has no session");
    }
    let guest = browser.sign_in(&form, "erin@fabrikam.example").await.redirected(REDIRECT);
    assert!(guest.contains_key("code"));
    let stale = lab.post("/login", &[("visit", "made-up"), ("action", "accept")], &[]).await;
    shown("a visit nobody began", &stale, 90_014);
    let common =
        Browser::new(&lab).open("common", &changed(&REQUEST, &[("scope", "openid User.Read")])).await;
    page("common takes every tenant's people", &common, "Sign in");
}

#[tokio::test]
async fn prompt_hint_and_age_decide_whether_a_session_is_enough() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &REQUEST).await;
    browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await.redirected(REDIRECT);
    let silent = browser.open(CONTOSO, &changed(&REQUEST, &[("prompt", "none")])).await.redirected(REDIRECT);
    assert!(silent.contains_key("code"));
    page(
        "login",
        &browser.open(CONTOSO, &changed(&REQUEST, &[("prompt", "login")])).await,
        "name=\"password\"",
    );
    let pick = browser.open(CONTOSO, &changed(&REQUEST, &[("prompt", "select_account")])).await;
    page("select_account", &pick, "Signed in as <strong>alice@contoso.onmicrosoft.com</strong>");
    assert!(browser.press(&pick, "continue", &[]).await.redirected(REDIRECT).contains_key("code"));
    let hint = "\"><script>alert(1)</script>";
    let hinted = browser.open(CONTOSO, &changed(&REQUEST, &[("login_hint", hint)])).await;
    page("another person is hinted", &hinted, "&quot;&gt;&lt;script&gt;");
    assert!(!hinted.body.contains("<script>alert"));
    lab.control().advance(Duration::from_secs(60));
    page(
        "too old",
        &browser.open(CONTOSO, &changed(&REQUEST, &[("max_age", "59")])).await,
        "name=\"password\"",
    );
    let young = browser.open(CONTOSO, &changed(&REQUEST, &[("max_age", "60")])).await;
    assert!(young.redirected(REDIRECT).contains_key("code"));

    lab.control().revoke_user("alice").unwrap();
    page("revoked", &browser.open(CONTOSO, &REQUEST).await, "name=\"password\"");
    lab.control().advance(Duration::from_secs(1));
    let form = browser.open(CONTOSO, &REQUEST).await;
    browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await.redirected(REDIRECT);
    let out = lab
        .send(
            "GET",
            &format!("/{CONTOSO}/oauth2/v2.0/logout"),
            &[("cookie", &browser.cookie.clone().unwrap())],
            "",
        )
        .await;
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    page("signed out", &browser.open(CONTOSO, &REQUEST).await, "name=\"password\"");
}

#[tokio::test]
async fn consent_is_asked_once_and_may_be_refused() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let back = "http://localhost:8400/callback";
    let request = changed(
        &REQUEST,
        &[
            ("client_id", "4a714e00-0000-4000-8000-0000000000c1"),
            ("redirect_uri", back),
            ("scope", "https://mcp.contoso.example/mcp/tools.read"),
        ],
    );
    let form = browser.open(CONTOSO, &request).await;
    let consent = browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await;
    page("consent", &consent, "<li>door: tools.read</li>");
    let refused = browser.press(&consent, "cancel", &[]).await.redirected(back);
    assert_eq!(refused["error"], "access_denied");
    let silent = browser.open(CONTOSO, &changed(&request, &[("prompt", "none")])).await.redirected(back);
    assert_eq!(silent["error"], "interaction_required");
    assert!(silent["error_description"].starts_with("AADSTS65001: "));
    let consent = browser.open(CONTOSO, &request).await;
    assert!(browser.press(&consent, "accept", &[]).await.redirected(back).contains_key("code"));
    assert!(browser.open(CONTOSO, &request).await.redirected(back).contains_key("code"), "not asked again");
    let again = browser.open(CONTOSO, &changed(&request, &[("prompt", "consent")])).await;
    page("unless the client wants it", &again, "Permissions requested");
}

#[tokio::test]
async fn a_policy_asks_for_a_second_factor() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let form = browser.open(CONTOSO, &REQUEST).await;
    browser.sign_in(&form, "alice@contoso.onmicrosoft.com").await.redirected(REDIRECT);
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    let stepping = browser.open(CONTOSO, &changed(&REQUEST, &[("claims", claims)])).await;
    page("step-up", &stepping, "Approve sign-in request");
    let back = browser.press(&stepping, "approve", &[]).await.redirected(REDIRECT);
    let token = crate::code::redeem(&lab, &back["code"], &[]).await.json();
    assert_eq!(part(token["access_token"].as_str().unwrap(), 1)["acrs"][0], "c1");

    lab.control().fault(Fault::RequireMfa { resource: String::from("door") });
    let mut other = Browser::new(&lab);
    let form = other.open(CONTOSO, &REQUEST).await;
    let second = other.sign_in(&form, "bob@contoso.onmicrosoft.com").await;
    page("policy", &second, "Approve sign-in request");
    let silent = other.open(CONTOSO, &changed(&REQUEST, &[("prompt", "none")])).await.redirected(REDIRECT);
    assert_eq!(silent["error"], "interaction_required");
    assert!(silent["error_description"].starts_with("AADSTS50076: "));
    assert!(other.press(&second, "approve", &[]).await.redirected(REDIRECT).contains_key("code"));
}

#[tokio::test]
async fn people_who_are_not_assigned_are_stopped_on_the_page() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let form = browser
        .open(CONTOSO, &changed(&REQUEST, &[("scope", "api://vault.contoso.example/vault.read")]))
        .await;
    shown("not assigned", &browser.sign_in(&form, "dave@contoso.onmicrosoft.com").await, 50_105);
}
