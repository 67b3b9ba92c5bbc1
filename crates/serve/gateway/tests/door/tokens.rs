//! Unfit tokens against the whole door (spine-l): one uninformative answer for all, a precise reason in the log, and
//! no server that hears of it.

use std::collections::BTreeMap;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_emulator::{MintRequest, MintSubject, TokenKind};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, call, initialize, signature as signature_of};
use crate::support::{House, strangers};

type Row = (&'static str, String, &'static str);

// control: TOK-01, TOK-02, TOK-03, A-01, A-05, spine-l: every unfit token gets the same 401, a reason of its own in the log, and reaches no server
#[tokio::test]
async fn every_unfit_token_gets_the_same_answer_and_its_own_reason() {
    let house = House::new().await.acquainted().await;
    let rows: Vec<Row> =
        [elsewhere(&house), when(&house), claims(&house), headers(&house), forged(&house)].concat();
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let mut answers = BTreeMap::new();
    let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
    for (name, token, reason) in &rows {
        let thief = Client::new(house.door.address, Some(token.clone()));
        let heard = thief.post(&initialize(json!({}))).await;
        let challenge = heard.headers.get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        answers.entry((heard.status, heard.body.clone(), challenge)).or_insert_with(Vec::new).push(*name);
        *wanted.entry((*reason).to_owned()).or_default() += 1;
    }
    assert_eq!(answers.len(), 1, "the answers tell the tokens apart: {answers:#?}");
    let ((status, body, challenge), _) = answers.into_iter().next().unwrap();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let metadata = format!("http://{}/.well-known/oauth-protected-resource/echo/mcp", house.door.address);
    let challenge = challenge.unwrap();
    assert!(
        challenge.starts_with(r#"Bearer error="invalid_token", "#) && challenge.contains(&metadata),
        "{challenge}"
    );
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["message"], "the token is not valid here");
    assert_eq!(house.echo.transcript(), [], "a server heard of a caller who was not let in");
    assert!(
        house.records("intent").is_empty() && house.records("refused").is_empty(),
        "strangers fill no log"
    );
    let log = house.close().await;
    assert_eq!(strangers(&log), wanted);
    for (name, token, _) in &rows {
        let signature = signature_of(token);
        assert!(signature.len() < 16 || !log.contains(signature), "{name}: a token is in the log");
    }
}

// control-off: TOK-02, B-04: a server that believes what a token says of itself, unverified, lets every forgery in; and the server itself asks for none
#[tokio::test]
async fn a_forged_token_says_whatever_it_likes() {
    let house = House::new().await;
    let forged = forged(&house);
    let (_, token, _) = forged.iter().find(|(name, ..)| *name == "a role that was written in").unwrap();
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["roles"], json!(["Admin"]), "what reading without verifying believes");
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    assert_eq!(direct.call("echo", json!({"text": "open", "n": 1})).await.status, StatusCode::OK);
}

// control: TPT-04, A-05, A-06: what is no bearer token in the one header for it is no token, on every verb
#[tokio::test]
async fn a_token_comes_in_one_header_and_nowhere_else() {
    let house = House::new().await.acquainted().await;
    let token = house.token("alice");
    let bare = Client::new(house.door.address, None);
    let in_query = bare.at(&format!("/echo/mcp?access_token={token}"));
    let heard = in_query.post(&initialize(json!({}))).await;
    assert_eq!(heard.status, StatusCode::UNAUTHORIZED);
    let mut in_body = initialize(json!({}));
    in_body["params"]["_meta"] = json!({"authorization": format!("Bearer {token}"), "access_token": token});
    assert_eq!(bare.post(&in_body).await.status, StatusCode::UNAUTHORIZED);
    let values: &[&[String]] = &[
        &[format!("Basic {token}")],
        std::slice::from_ref(&token),
        &[format!("Bearer {token}"), format!("Bearer {token}")],
        &[format!("Bearer {token}"), "Basic eDp5".to_owned()],
        &[format!("Bearer {token}, Bearer {token}")],
        &[format!("Bearer {token} extra")],
        &["Bearer ".to_owned()],
        &["Bearer".to_owned()],
        &[format!("DPoP {token}")],
        &[format!("Bearer\t{token}")],
    ];
    for lines in values {
        for verb in [Method::POST, Method::GET, Method::DELETE] {
            let body = if verb == Method::POST { initialize(json!({})).to_string() } else { String::new() };
            let mut request = bare.request(verb.clone(), body);
            for line in *lines {
                request.headers_mut().append(AUTHORIZATION, line.parse().unwrap());
            }
            let heard = bare.send(request).await;
            assert_eq!(heard.status, StatusCode::UNAUTHORIZED, "{verb} {lines:?}");
            assert!(heard.headers.contains_key(WWW_AUTHENTICATE));
        }
    }
    assert_eq!(house.echo.transcript(), []);
    let log = house.close().await;
    let reasons: Vec<_> = strangers(&log).into_keys().collect();
    assert_eq!(reasons, ["authorization-malformed", "no-token", "several-authorization-headers"]);
}

// control: A-04: a genuine token that is merely not enough is told what is missing, and the call goes nowhere
#[tokio::test]
async fn a_token_without_the_scope_is_told_which_one() {
    let house = House::new().await.acquainted().await;
    let mut request = MintRequest::user("alice");
    request.scopes = Some(vec!["tools.read".to_owned()]);
    let heard =
        Client::new(house.door.address, Some(house.mint(&request))).post(&initialize(json!({}))).await;
    assert_eq!(heard.status, StatusCode::FORBIDDEN);
    let challenge = heard.headers[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(
        challenge.contains(r#"error="insufficient_scope""#) && challenge.contains("mcp.access"),
        "{challenge}"
    );
    assert_eq!(house.echo.transcript(), []);
}

// control: TOK-01, TOK-03: a token by a key that was just rolled in is let in, one by a withdrawn key no more
#[tokio::test]
async fn keys_roll_over_without_a_pause() {
    let house = House::new().await.acquainted().await;
    let old = house.client("alice");
    assert_eq!(old.post(&initialize(json!({}))).await.status, StatusCode::OK);
    house.emulator.control().rollover().unwrap();
    let heard = house.client("bob").post(&initialize(json!({}))).await;
    assert_eq!(heard.status, StatusCode::OK, "{:?}", heard.body);
    assert_eq!(
        old.post(&call(1, "echo", json!({}))).await.status,
        StatusCode::BAD_REQUEST,
        "no session, but still a token"
    );
}

fn alice() -> MintRequest {
    MintRequest::user("alice")
}

fn now() -> i64 {
    i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}

/// Genuine tokens, for somebody else.
fn elsewhere(house: &House) -> Vec<Row> {
    let door = "d0012000-0000-4000-8000-0000000000d1";
    let id_token = |request: MintRequest| MintRequest { kind: TokenKind::Id, ..request };
    let v1 = |mut request: MintRequest| {
        request.version = Some(1);
        request
    };
    vec![
        ("a sibling server's", house.mint(&alice().resource("sibling")), "wrong-audience"),
        ("Graph's", house.mint(&alice().resource("graph")), "graph-token"),
        ("a v1 server's", house.mint(&alice().resource("legacy")), "wrong-audience"),
        ("another server's", house.mint(&alice().resource("vault")), "wrong-audience"),
        ("an ID token as it comes", house.mint(&id_token(alice())), "wrong-audience"),
        ("an ID token for the door", house.mint(&id_token(alice()).claim("aud", json!(door))), "id-token"),
        ("another tenant's person", house.mint(&MintRequest::user("mallory")), "tenant-not-allowed"),
        ("a daemon's", house.mint(&MintRequest::app("daemon")), "app-only-not-allowed"),
        (
            "the client's own id as audience",
            house.mint(&alice().claim("aud", json!("aebc6443-996d-45c2-90f0-388ff96faa56"))),
            "wrong-audience",
        ),
        (
            "the server's address as audience",
            house.mint(&alice().claim("aud", json!(format!("http://{}/echo/mcp", house.door.address)))),
            "wrong-audience",
        ),
        (
            "an audience in an array",
            house.mint(&alice().claim("aud", json!([door]))),
            "audience-not-a-string",
        ),
        ("no audience", house.mint(&alice().claim("aud", Value::Null)), "missing-claim"),
        (
            "a v1 token with a v2 issuer",
            house.mint(&v1(alice()).claim(
                "iss",
                json!(format!("{}/c0175050-0000-4000-8000-000000000001/v2.0", house.emulator.authority)),
            )),
            "wrong-issuer",
        ),
    ]
}

/// Genuine tokens, at the wrong time.
fn when(house: &House) -> Vec<Row> {
    let at = |iat: i64, nbf: i64, exp: i64| {
        house.mint(
            &alice()
                .claim("iat", json!(now() + iat))
                .claim("nbf", json!(now() + nbf))
                .claim("exp", json!(now() + exp)),
        )
    };
    vec![
        ("expired an hour ago", at(-7_200, -7_200, -3_600), "expired"),
        ("expired just past the tolerance", at(-7_200, -7_200, -120), "expired"),
        ("not yet valid", at(-10, 3_600, 7_200), "not-yet-valid"),
        ("issued in the future", at(3_600, -10, 7_200), "issued-in-future"),
        ("over before it begins", at(-10, -10, -40), "ends-before-it-begins"),
        ("good for a month", at(-10, -10, 30 * 86_400), "lifetime-too-long"),
        ("good for ever", house.mint(&alice().claim("exp", Value::Null)), "missing-claim"),
        ("an expiry in words", house.mint(&alice().claim("exp", json!("tomorrow"))), "malformed-claim"),
        (
            "an expiry that is an object",
            house.mint(&alice().claim("exp", json!({"$gt": 0}))),
            "malformed-claim",
        ),
        ("no beginning", house.mint(&alice().claim("nbf", Value::Null)), "missing-claim"),
    ]
}

/// Well signed, and not what they must be inside.
fn claims(house: &House) -> Vec<Row> {
    let with = |name: &str, value: Value| house.mint(&alice().claim(name, value));
    let authority = &house.emulator.authority;
    let app = MintRequest { subject: MintSubject::App("daemon".to_owned()), ..MintRequest::app("daemon") };
    vec![
        ("no issuer", with("iss", Value::Null), "missing-claim"),
        (
            "the real cloud's issuer",
            with("iss", json!("https://login.microsoftonline.com/c0175050-0000-4000-8000-000000000001/v2.0")),
            "wrong-issuer",
        ),
        ("the common issuer", with("iss", json!(format!("{authority}/common/v2.0"))), "wrong-issuer"),
        (
            "the issuer with a slash",
            with("iss", json!(format!("{authority}/c0175050-0000-4000-8000-000000000001/v2.0/"))),
            "wrong-issuer",
        ),
        ("another tenant's tid", with("tid", json!("fab21ca0-0000-4000-8000-000000000002")), "wrong-issuer"),
        ("no tid", with("tid", Value::Null), "missing-claim"),
        ("no oid", with("oid", Value::Null), "missing-claim"),
        ("an oid that is a name", with("oid", json!("alice")), "malformed-claim"),
        ("no client", with("azp", Value::Null), "missing-claim"),
        ("no version", with("ver", Value::Null), "missing-claim"),
        ("version 3", with("ver", json!("3.0")), "unknown-version"),
        ("no scope", with("scp", Value::Null), "neither-user-nor-app"),
        ("a person that is an application", with("idtyp", json!("app")), "app-with-scope"),
        ("bound to a key", with("cnf", json!({"jkt": "x"})), "bound-token"),
        ("roles in a string", with("roles", json!("Reader")), "malformed-claim"),
        (
            "groups in a string",
            with("groups", json!("96000000-0000-4000-8000-0000000000a1")),
            "malformed-claim",
        ),
        (
            "an application without its mark",
            house.mint(&app.claim("idtyp", Value::Null)),
            "neither-user-nor-app",
        ),
    ]
}

/// Headers that lead the verifier astray.
fn headers(house: &House) -> Vec<Row> {
    let with = |name: &str, value: Value| {
        let mut request = alice();
        request.header.insert(name.to_owned(), value);
        house.mint(&request)
    };
    vec![
        ("alg none", with("alg", json!("none")), "alg-not-rs256"),
        ("alg None", with("alg", json!("None")), "alg-not-rs256"),
        ("alg HS256", with("alg", json!("HS256")), "alg-not-rs256"),
        ("alg RS512", with("alg", json!("RS512")), "alg-not-rs256"),
        ("alg PS256", with("alg", json!("PS256")), "alg-not-rs256"),
        ("no alg", with("alg", Value::Null), "alg-not-rs256"),
        ("its own key", with("jwk", json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})), "embedded-key"),
        ("its own key's address", with("jku", json!("https://evil.example/keys")), "embedded-key"),
        ("its own certificate's address", with("x5u", json!("https://evil.example/cert")), "embedded-key"),
        ("a critical extension", with("crit", json!(["exp"])), "crit-header"),
        ("b64", with("b64", json!(false)), "b64-header"),
        ("another type", with("typ", json!("logout+jwt")), "wrong-type"),
        ("no key id", with("kid", Value::Null), "missing-kid"),
        ("an unknown key id", with("kid", json!("nobody")), "unknown-kid"),
        ("a key id that is a path", with("kid", json!("../../../dev/null")), "unknown-kid"),
        ("a key id that is a query", with("kid", json!("x' UNION SELECT 'key")), "bad-kid"),
        ("a key id of another type", with("kid", json!(["k"])), "bad-kid"),
    ]
}

/// Made by hand.
fn forged(house: &House) -> Vec<Row> {
    let good = house.token("alice");
    let [head, body, sig] = *good.split('.').collect::<Vec<_>>() else { panic!("three parts") };
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let decode = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_str(&decode(body)).unwrap();
    claims["roles"] = json!(["Admin"]);
    let admin = encode(&claims.to_string());
    let none = encode(r#"{"alg":"none","typ":"JWT"}"#);
    // The certificate that everybody can read, as the secret of an HMAC.
    let public = std::fs::read(house.folder.path().join("lab/ca.pem")).unwrap();
    let hs = encode(&decode(head).replace("RS256", "HS256"));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), format!("{hs}.{admin}").as_bytes());
    let thief = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut by_thief = vec![0; thief.public_modulus_len()];
    thief
        .sign(
            &signature::RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            format!("{head}.{admin}").as_bytes(),
            &mut by_thief,
        )
        .unwrap();
    let twice = encode(&decode(head).replacen('{', r#"{"alg":"none","#, 1));
    let bob = house.token("bob");
    // The last character holds two bits that count; those that do not are zero in the one canonical spelling.
    let last = char::from(sig.as_bytes()[sig.len() - 1] + 1);
    vec![
        ("a role that was written in", format!("{head}.{admin}.{sig}"), "bad-signature"),
        ("none, without a signature", format!("{none}.{admin}."), "alg-not-rs256"),
        ("none, with one", format!("{none}.{admin}.{sig}"), "alg-not-rs256"),
        (
            "HS256 with what is public",
            format!("{hs}.{admin}.{}", URL_SAFE_NO_PAD.encode(tag)),
            "alg-not-rs256",
        ),
        (
            "a thief's signature under a good key id",
            format!("{head}.{admin}.{}", URL_SAFE_NO_PAD.encode(&by_thief)),
            "bad-signature",
        ),
        ("another's signature", format!("{head}.{body}.{}", signature_of(&bob)), "bad-signature"),
        ("half a signature", format!("{head}.{body}.{}", &sig[..sig.len() / 2 / 4 * 4]), "bad-signature"),
        ("no signature", format!("{head}.{body}"), "not-a-jwt"),
        ("a member of the header twice", format!("{twice}.{body}.{sig}"), "duplicate-header"),
        ("padding", format!("{head}.{body}.{sig}=="), "not-base64"),
        (
            "a signature spelled otherwise",
            format!("{head}.{body}.{}{last}", &sig[..sig.len() - 1]),
            "not-base64",
        ),
        ("five parts", format!("{good}.x.y"), "not-a-jwt"),
        ("no token at all", "opaque-reference-token".to_owned(), "not-a-jwt"),
        ("dots", "..".to_owned(), "not-a-jwt"),
        ("a header that is no JSON", format!("{}.{body}.{sig}", encode("not json")), "bad-header"),
        ("a header that is an array", format!("{}.{body}.{sig}", encode("[]")), "bad-header"),
        ("too long", format!("{head}.{}.{sig}", "A".repeat(17 * 1024)), "too-long"),
    ]
}
