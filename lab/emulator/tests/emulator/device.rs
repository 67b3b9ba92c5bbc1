use std::time::Duration;

use doorward_emulator::Fault;

use crate::support::{Answer, CONTOSO, DOOR, Lab, VSCODE, changed, part};

const SCOPE: &str = "offline_access api://d0012000-0000-4000-8000-0000000000d1/mcp.access";

async fn begin(lab: &Lab, changes: &[(&str, &str)]) -> Answer {
    let pairs = changed(&[("client_id", VSCODE), ("scope", SCOPE)], changes);
    lab.post(&format!("/{CONTOSO}/oauth2/v2.0/devicecode"), &pairs, &[]).await
}

async fn poll(lab: &Lab, code: &str, changes: &[(&str, &str)]) -> Answer {
    let base = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", VSCODE),
        ("device_code", code),
    ];
    lab.token(&changed(&base, changes)).await
}

#[tokio::test]
async fn a_device_waits_until_its_person_approves_on_the_page() {
    let lab = Lab::start().await;
    let begun = begin(&lab, &[]).await.json();
    let (code, user_code) = (begun["device_code"].as_str().unwrap(), begun["user_code"].as_str().unwrap());
    assert_eq!(begun["verification_uri"], lab.url("/devicelogin"));
    assert!(begun.get("verification_uri_complete").is_none(), "Entra does not send it");
    assert_eq!((&begun["interval"], &begun["expires_in"]), (&5.into(), &900.into()));
    poll(&lab, code, &[]).await.refused("waiting", 400, "authorization_pending", 70_016);

    let wrong = lab.post("/devicelogin", &[("user_code", "AAAAAAAAA")], &[]).await;
    assert!(wrong.body.contains("AADSTS70018"), "{}", wrong.body);
    let page = lab.post("/devicelogin", &[("user_code", &user_code.to_lowercase())], &[]).await;
    assert!(page.body.contains("<strong>vscode</strong>"), "the page says who asks: {}", page.body);
    let person =
        [("user_code", user_code), ("action", "sign-in"), ("username", "alice@contoso.onmicrosoft.com")];
    let bad = lab.post("/devicelogin", &[&person[..], &[("password", "wrong")]].concat(), &[]).await;
    assert!(bad.body.contains("AADSTS50126"), "{}", bad.body);
    let done = lab.post("/devicelogin", &[&person[..], &[("password", "correct-horse")]].concat(), &[]).await;
    assert!(done.body.contains("You have signed in"), "{}", done.body);

    let body = poll(&lab, code, &[]).await.json();
    assert_eq!(part(body["access_token"].as_str().unwrap(), 1)["aud"], DOOR);
    assert!(body["refresh_token"].is_string());
    poll(&lab, code, &[]).await.refused("again", 400, "invalid_grant", 54_005);
}

#[tokio::test]
async fn devices_are_refused_for_every_wrong_circumstance() {
    let lab = Lab::start().await;
    for (what, changes, error, code) in [
        ("no client", vec![("client_id", "")], "invalid_request", 900_144),
        ("unknown client", vec![("client_id", "x")], "unauthorized_client", 700_016),
        ("no scope", vec![("scope", "")], "invalid_request", 900_144),
        ("unknown API", vec![("scope", "api://x/y")], "invalid_resource", 500_011),
    ] {
        begin(&lab, &changes).await.refused(what, 400, error, code);
    }
    poll(&lab, "made-up", &[]).await.refused("made-up", 400, "bad_verification_code", 70_018);

    let begun = begin(&lab, &[]).await.json();
    let code = begun["device_code"].as_str().unwrap();
    let cli = [("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46")];
    poll(&lab, code, &cli).await.refused("other client", 400, "invalid_grant", 70_000);
    lab.control().fault(Fault::DeviceSlowDown { times: 1 });
    poll(&lab, code, &[]).await.refused("too fast", 400, "slow_down", 70_016);
    lab.control().decline_device(begun["user_code"].as_str().unwrap()).unwrap();
    poll(&lab, code, &[]).await.refused("declined", 400, "authorization_declined", 70_017);

    let begun = begin(&lab, &[]).await.json();
    lab.control().advance(Duration::from_secs(900));
    let late = poll(&lab, begun["device_code"].as_str().unwrap(), &[]).await;
    late.refused("expired", 400, "expired_token", 70_020);
    let user_code = begun["user_code"].as_str().unwrap();
    assert!(lab.control().approve_device(user_code, "alice").is_err(), "too late to approve");
}

#[tokio::test]
async fn a_confidential_client_must_prove_itself_when_it_polls() {
    let lab = Lab::start().await;
    let begun = begin(&lab, &[("client_id", DOOR), ("scope", "User.Read")]).await.json();
    let code = begun["device_code"].as_str().unwrap();
    poll(&lab, code, &[("client_id", DOOR)]).await.refused("no secret", 401, "invalid_client", 7_000_218);
    lab.control().approve_device(begun["user_code"].as_str().unwrap(), "alice").unwrap();
    let secret = [("client_id", DOOR), ("client_secret", "door-secret-for-the-lab")];
    assert_eq!(poll(&lab, code, &secret).await.status, 200);
}
