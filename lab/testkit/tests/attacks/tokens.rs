//! What is done with tokens: replayed, passed on, minted, carried to another server, kept after the person has left.

use std::time::Duration;

use doorward_servers::Recorded;
use doorward_testkit::{call, initialize};
use http::StatusCode;
use serde_json::{Value, json};

use crate::house::{App, GOOD, House, Plan, Tokens, trial, trial_in, until};
use crate::web::write;

// control: entra-d, D-15: an old refresh token ends the whole family, the thief's and the victim's (S12)
#[tokio::test]
async fn a_refresh_token_is_replayed() {
    let why = trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let stolen = house.sign_in(&mut house.browser(), "alice", &good).await;
        let mut hers = stolen.clone();
        for _ in 0..2 {
            let heard = house.refresh(&good.app, &hers.refresh).await;
            hers = Tokens::of(&heard).unwrap_or_else(|| panic!("{heard:?}"));
        }
        assert_eq!(house.call(0, &hers.access).await, StatusCode::OK);
        let heard = house.refresh(&good.app, &stolen.refresh).await;
        if let Some(tokens) = Tokens::of(&heard) {
            assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
            return Ok("the thief goes on".to_owned());
        }
        assert_eq!(house.call(0, &hers.access).await, StatusCode::UNAUTHORIZED, "the whole family has ended");
        assert_eq!(house.refresh(&good.app, &hers.refresh).await.status, StatusCode::BAD_REQUEST);
        Err(String::from_utf8_lossy(&heard.body).into_owned())
    })
    .await;
    assert!(why.contains("invalid_grant"), "{why}");
}

// control: entra-d, D-15: a refresh token is worth nothing to another client (S12)
#[tokio::test]
async fn a_refresh_token_is_used_by_another_client() {
    trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let stolen = house.sign_in(&mut house.browser(), "alice", &good).await;
        let evil = house.register("Evil", GOOD).await;
        let heard = house.refresh(&evil, &stolen.refresh).await;
        Tokens::of(&heard).map(|_| "a token".to_owned()).ok_or_else(|| format!("{heard:?}"))
    })
    .await;
}

/// Everything a caller holds.
fn carried(recorded: &[Recorded], secret: &str) -> bool {
    recorded.iter().any(|request| request.contains(secret))
}

// control: entra-d, TPT-01: what a caller brought reaches no server and nobody of Microsoft's (S13)
#[tokio::test]
async fn a_token_is_passed_on() {
    trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
        house.post_mcp(0, &tokens.access, &initialize()).await;
        house.post_mcp(0, &tokens.access, &call(2, "echo", &json!({"text": "x", "n": 1}))).await;
        assert!(!house.servers[0].transcript().is_empty(), "the server was asked");
        let reached = carried(&house.servers[0].transcript(), &tokens.access);
        let control = house.lab.emulator.control();
        if house.is_product() {
            house.refresh(&good.app, &tokens.refresh).await;
            for secret in [&tokens.access, &tokens.refresh] {
                let told = control.transcript().into_iter().find(|request| request.contains(secret));
                assert!(told.is_none(), "{told:?}");
            }
            assert!(control.transcript().iter().any(|request| request.service == "entra"), "it is searched");
        }
        if reached { Ok("the server has the caller's token".to_owned()) } else { Err("none".to_owned()) }
    })
    .await;
}

// control: REM-06: a client is given nothing that is Entra's
#[tokio::test]
async fn a_client_gets_entras_own_token() {
    trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
        let claims = claims(&tokens.access);
        match claims["iss"].as_str().unwrap() {
            issuer if issuer == house.origin => Err(issuer.to_owned()),
            issuer => Ok(format!("a token of {issuer}")),
        }
    })
    .await;
}

pub(crate) fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

// control: entra-d, REM-08: nobody mints a token at the token endpoint with the door's own credential
#[tokio::test]
async fn a_secret_is_minted() {
    let plan = Plan { documents: true, ..Plan::default() };
    trial_in(&plan, async |house: &House| {
        let public = house.register("Public", GOOD).await;
        let id = house.document("minter.json", doorward_emulator::Document::client("Minter", &[GOOD]));
        let document = App { id, redirect: GOOD.to_owned() };
        let good = house.ask(&public);
        let assertion = house.sign_in(&mut house.browser(), "alice", &good).await.access;
        let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
        let bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        let control = house.lab.emulator.control();
        control.clear_transcript();
        let mut won = Vec::new();
        for who in [Some(&public.id), Some(&document.id), Some(&"nobody-knows-me".to_owned()), None] {
            for grant in ["client_credentials", "password", bearer, exchange, "device_code", "implicit"] {
                let mut pairs = vec![
                    ("grant_type", grant),
                    ("scope", "https://graph.microsoft.com/.default"),
                    ("resource", house.urls[0].as_str()),
                    ("assertion", assertion.as_str()),
                    ("requested_token_use", "on_behalf_of"),
                    ("subject_token", assertion.as_str()),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                    ("username", "alice@contoso.onmicrosoft.com"),
                    ("password", "correct-horse"),
                ];
                pairs.extend(who.map(|id| ("client_id", id.as_str())));
                if house.is_product() {
                    // Whatever more stands in the form is no hint of what would be right without it.
                    let bare: Vec<_> =
                        pairs.iter().filter(|(name, _)| !name.contains("token_")).copied().collect();
                    assert!(Tokens::of(&house.post("/token", &bare).await).is_none(), "{grant} {who:?}");
                }
                let heard = house.post("/token", &pairs).await;
                assert_ne!(heard.status, StatusCode::INTERNAL_SERVER_ERROR, "{heard:?}");
                won.extend(Tokens::of(&heard).map(|_| format!("{grant} as {who:?}")));
            }
        }
        let asked = control.transcript().into_iter().find(|request| request.path.ends_with("/token"));
        if house.is_product() {
            assert!(asked.is_none(), "Entra is not even asked: {asked:?}");
        }
        if won.is_empty() { Err("refused".to_owned()) } else { Ok(won.join(", ")) }
    })
    .await;
}

// control: entra-d, TPT-05, D-12: a token for one server does not open the server next to it
#[tokio::test]
async fn a_token_is_carried_to_the_other_server() {
    let why = trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
        assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
        match house.call(1, &tokens.access).await {
            StatusCode::OK => Ok("both open".to_owned()),
            status => Err(status.to_string()),
        }
    })
    .await;
    assert!(why.starts_with("401"), "{why}");
}

/// Tokens that end soon, and a person who is looked up at each refresh.
pub(crate) fn short() -> Plan {
    Plan { sign_in: "access_token = \"2s\"\nrecheck = \"1s\"\n".to_owned(), ..Plan::default() }
}

// control: entra-d, REM-07: an account that is disabled at Entra is out with its next refresh, and its family is gone
#[tokio::test]
async fn a_disabled_account_goes_on() {
    let why = trial_in(&short(), async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let mut tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
        let control = house.lab.emulator.control();
        let since = std::time::Instant::now();
        control.disable_user("alice", true).unwrap();
        if house.is_product() {
            // Whoever was confirmed less than a second ago is not asked about again; after that, once.
            let refused = loop {
                let heard = house.refresh(&good.app, &tokens.refresh).await;
                match Tokens::of(&heard) {
                    Some(next) => tokens = next,
                    None => break heard,
                }
                assert!(since.elapsed() < Duration::from_secs(20), "she is never out");
            };
            assert!(String::from_utf8_lossy(&refused.body).contains("invalid_grant"), "{refused:?}");
            assert_eq!(house.call(0, &tokens.access).await, StatusCode::UNAUTHORIZED, "nor the last token");
            // Allowed again at Entra, the old family stays gone.
            control.disable_user("alice", false).unwrap();
            assert_eq!(house.refresh(&good.app, &tokens.refresh).await.status, StatusCode::BAD_REQUEST);
            return Err("out".to_owned());
        }
        match house.call(0, &tokens.access).await {
            StatusCode::OK => Ok("her token lives as long as Entra's: more than an hour".to_owned()),
            status => Err(status.to_string()),
        }
    })
    .await;
    assert_eq!(why, "out");
}

// control: TOK-04: an access token is over when it says so, to the second
#[tokio::test]
async fn a_token_is_used_after_its_time() {
    trial_in(&short(), async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
        if house.is_product() {
            until("the token to end", async || house.call(0, &tokens.access).await != StatusCode::OK).await;
            return Err(house.call(0, &tokens.access).await.to_string());
        }
        let claims = claims(&tokens.access);
        let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        if life > 600 { Ok(format!("it lives {life} seconds")) } else { Err(life.to_string()) }
    })
    .await;
}

// control: REM-08: a parameter that comes twice is refused: two readers would read two requests
#[tokio::test]
async fn a_parameter_comes_twice() {
    let house = House::door(&Plan::default()).await;
    let good = house.ask(&house.register("Good", GOOD).await);
    let code = house.code(&mut house.browser(), "alice", &good).await;
    let body = write(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", "somebody-else"),
        ("client_id", &good.app.id),
        ("redirect_uri", &good.app.redirect),
        ("code_verifier", &good.verifier),
    ]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let heard = house.web.send("POST", &format!("{}/token", house.origin), &form, body).await;
    assert_eq!(heard.status, StatusCode::BAD_REQUEST, "{heard:?}");
}
