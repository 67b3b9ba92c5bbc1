//! What is done with tokens that are bound to a key, by whoever has the token and not the key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_testkit::{Heard, initialize};
use http::StatusCode;
use serde_json::{Value, json};

use crate::house::{Ask, GOOD, House, Plan, Tokens, trial, until};
use crate::tokens::claims;
use crate::web::write;

/// A key of a client's, and the newest nonce it was given.
struct Holder {
    key: EcdsaKeyPair,
    nonce: Option<String>,
    made: u32,
}

impl Holder {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { key, nonce: None, made: 0 }
    }

    /// Makes a proof (RFC 9449 section 4.2).
    fn proof(&mut self, method: &str, url: &str, token: Option<&str>) -> String {
        self.made += 1;
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = self.key.public_key().as_ref();
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let mut claims =
            json!({"jti": format!("proof-{}", self.made), "htm": method, "htu": url, "iat": now});
        if let Some(nonce) = &self.nonce {
            claims["nonce"] = json!(nonce);
        }
        if let Some(token) = token {
            claims["ath"] = json!(b64(digest(&SHA256, token.as_bytes()).as_ref()));
        }
        let signed = format!("{}.{}", b64(header.to_string().as_bytes()), b64(claims.to_string().as_bytes()));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", b64(signature.as_ref()))
    }

    fn learn(&mut self, heard: &Heard) -> bool {
        let nonce = heard.header("dpop-nonce").map(str::to_owned);
        let new = nonce.is_some() && nonce != self.nonce;
        self.nonce = nonce.or(self.nonce.take());
        new
    }

    /// Asks the token endpoint, a second time if it has a nonce to give.
    async fn token(&mut self, house: &House, pairs: &[(&str, &str)]) -> Heard {
        let url = format!("{}/token", house.origin);
        loop {
            let proof = self.proof("POST", &url, None);
            let form = [("content-type", "application/x-www-form-urlencoded"), ("dpop", &proof)];
            let heard = house.web.send("POST", &url, &form, write(pairs)).await;
            let asked = String::from_utf8_lossy(&heard.body).contains("use_dpop_nonce");
            if !(self.learn(&heard) && asked) {
                return heard;
            }
        }
    }

    async fn redeem(&mut self, house: &House, ask: &Ask, code: &str) -> Heard {
        self.token(house, &ask.redemption(code)).await
    }

    async fn refresh(&mut self, house: &House, ask: &Ask, token: &str) -> Heard {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &ask.app.id)];
        self.token(house, &pairs).await
    }

    /// Calls a server with a token and a proof of this key.
    async fn call(&mut self, house: &House, token: &str) -> Heard {
        loop {
            let proof = self.proof("POST", &house.urls[0], Some(token));
            let heard = knock(house, &format!("DPoP {token}"), &[&proof]).await;
            let asked = heard.header("www-authenticate").is_some_and(|told| told.contains("use_dpop_nonce"));
            if !(self.learn(&heard) && asked) {
                return heard;
            }
        }
    }
}

async fn knock(house: &House, authorization: &str, proofs: &[&str]) -> Heard {
    let mut headers = vec![
        ("authorization", authorization),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
    house.web.send("POST", &house.urls[0], &headers, initialize().to_string()).await
}

/// A person's client signs in with a key.
async fn signed_in(house: &House, owner: &mut Holder) -> (Ask, Tokens) {
    let ask = house.ask(&house.register("Good", GOOD).await);
    let code = house.code(&mut house.browser(), "alice", &ask).await;
    let heard = owner.redeem(house, &ask, &code).await;
    let tokens = Tokens::of(&heard).unwrap_or_else(|| panic!("{heard:?}{}", house.log()));
    (ask, tokens)
}

/// What a client is told that does not know the nonce yet.
async fn asked_for_a_nonce(house: &House, ask: &Ask) -> Option<String> {
    let url = format!("{}/token", house.origin);
    let proof = Holder::new().proof("POST", &url, None);
    let form = [("content-type", "application/x-www-form-urlencoded"), ("dpop", &proof)];
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", &ask.app.id)];
    let heard = house.web.send("POST", &url, &form, write(&pairs)).await;
    assert_eq!(error(&heard), "use_dpop_nonce");
    heard.header("dpop-nonce").map(str::to_owned)
}

fn error(heard: &Heard) -> String {
    let told: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
    told["error"].as_str().unwrap_or_default().to_owned()
}

// control: D-17, TOK-05: a stolen access token is worth nothing without the key it is bound to
#[tokio::test]
async fn a_bound_token_is_stolen() {
    let why = trial(async |house: &House| {
        let (mut owner, mut thief) = (Holder::new(), Holder::new());
        let (_, tokens) = signed_in(house, &mut owner).await;
        let stolen = tokens.access.as_str();
        if house.is_product() {
            assert_eq!(owner.call(house, stolen).await.status, StatusCode::OK, "{}", house.log());
        }
        // As bearers do; with a key of their own; with what they saw of the owner's; with nothing at all.
        let mut tried = vec![knock(house, &format!("Bearer {stolen}"), &[]).await];
        tried.push(thief.call(house, stolen).await);
        let seen = owner.proof("POST", &house.urls[0], Some(stolen));
        knock(house, &format!("DPoP {stolen}"), &[&seen]).await;
        tried.push(knock(house, &format!("DPoP {stolen}"), &[&seen]).await);
        tried.push(knock(house, &format!("Bearer {stolen}"), &[&seen]).await);
        tried.push(knock(house, &format!("DPoP {stolen}"), &[]).await);
        let elsewhere = owner.proof("POST", &house.urls[1], Some(stolen));
        tried.push(knock(house, &format!("DPoP {stolen}"), &[&elsewhere]).await);
        let (one, two) = (thief.proof("POST", &house.urls[0], Some(stolen)), owner.proof("GET", "x", None));
        tried.push(knock(house, &format!("DPoP {stolen}"), &[&one, &two]).await);
        if tried.iter().any(|heard| heard.status == StatusCode::OK) {
            return Ok("a call with what was stolen".to_owned());
        }
        for heard in &tried {
            assert_eq!(heard.status, StatusCode::UNAUTHORIZED, "{heard:?}");
            let told = heard.header("www-authenticate").unwrap();
            assert!(told.starts_with("DPoP algs=\"RS256 PS256 ES256\", error=\"inval"), "{told}");
        }
        assert_eq!(owner.call(house, stolen).await.status, StatusCode::OK, "its owner goes on");
        Err(house.log())
    })
    .await;
    for reason in ["proof-other-key", "proof-replayed", "token-unproven", "proof-missing"] {
        assert!(why.contains(reason), "no {reason}: {why}");
    }
}

// control: D-17, D-11: whoever tries a bound token without its key again and again is made to wait, and fills no log meanwhile
#[tokio::test]
async fn a_bound_token_is_tried_again_and_again() {
    trial(async |house: &House| {
        let (mut owner, tries) = (Holder::new(), 300);
        let (_, tokens) = signed_in(house, &mut owner).await;
        let bearer = format!("Bearer {}", tokens.access);
        let mut waits = 0;
        for _ in 0..tries {
            waits += u32::from(knock(house, &bearer, &[]).await.status == StatusCode::TOO_MANY_REQUESTS);
        }
        match waits {
            0 => Ok("every try is heard".to_owned()),
            waits => Err(format!("{waits} of {tries} were made to wait")),
        }
    })
    .await;
}

// control: D-17, D-15: a public client's refresh token is bound to its key as well
#[tokio::test]
async fn a_bound_refresh_token_is_stolen() {
    trial(async |house: &House| {
        let (mut owner, mut thief) = (Holder::new(), Holder::new());
        let (ask, tokens) = signed_in(house, &mut owner).await;
        let stolen = tokens.refresh.as_str();
        for heard in [house.refresh(&ask.app, stolen).await, thief.refresh(house, &ask, stolen).await] {
            if Tokens::of(&heard).is_some() {
                return Ok("the thief goes on".to_owned());
            }
            assert_eq!((heard.status, error(&heard).as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
        }
        // What failed without the key has taken nothing from the owner.
        let heard = owner.refresh(house, &ask, stolen).await;
        let next = Tokens::of(&heard).unwrap_or_else(|| panic!("{heard:?}{}", house.log()));
        assert_eq!(owner.call(house, &next.access).await.status, StatusCode::OK);
        Err("bound".to_owned())
    })
    .await;
}

// control: D-17: a code that a client bound to its key is redeemed with that key alone
#[tokio::test]
async fn a_bound_code_is_stolen() {
    trial(async |house: &House| {
        let (mut owner, mut thief) = (Holder::new(), Holder::new());
        let ask = house.ask(&house.register("Good", GOOD).await);
        let point = owner.key.public_key().as_ref().to_vec();
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = (b64(&point[1..33]), b64(&point[33..]));
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let jkt = b64(digest(&SHA256, jwk.as_bytes()).as_ref());
        let page =
            house.browser().walk(&house.authorize_with(&ask, &[("dpop_jkt", &jkt)]), "alice", true).await;
        let code = page.query("code").unwrap_or_else(|| panic!("{}", page.words()));
        // With everything else that belongs to it: as if the client had leaked its verifier too.
        for heard in [house.redeem(&ask, &code).await, thief.redeem(house, &ask, &code).await] {
            if Tokens::of(&heard).is_some() {
                return Ok("the thief has a token".to_owned());
            }
            assert_eq!(error(&heard), "invalid_grant");
        }
        let heard = owner.redeem(house, &ask, &code).await;
        let tokens = Tokens::of(&heard).unwrap_or_else(|| panic!("{heard:?}{}", house.log()));
        assert_eq!(claims(&tokens.access)["cnf"], json!({"jkt": jkt}));
        Err("bound".to_owned())
    })
    .await;
}

// control: D-17: a proof is for one verb, on every verb of a session; a dead token is refused in the scheme that brought it
#[tokio::test]
async fn a_proof_is_taken_to_another_verb() {
    let house = House::door(&Plan { sign_in: "access_token = \"4s\"".to_owned(), ..Plan::default() }).await;
    let mut owner = Holder::new();
    let (_, tokens) = signed_in(&house, &mut owner).await;
    let session = owner.call(&house, &tokens.access).await.header("mcp-session-id").unwrap().to_owned();
    let dpop = format!("DPoP {}", tokens.access);
    for (verb, of, expected) in [
        ("DELETE", "POST", StatusCode::UNAUTHORIZED),
        ("DELETE", "GET", StatusCode::UNAUTHORIZED),
        ("GET", "DELETE", StatusCode::UNAUTHORIZED),
        ("DELETE", "DELETE", StatusCode::OK),
    ] {
        let proof = owner.proof(of, &house.urls[0], Some(&tokens.access));
        let headers = [
            ("authorization", dpop.as_str()),
            ("dpop", &proof),
            ("accept", "text/event-stream"),
            ("mcp-session-id", &session),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        let heard = house.web.send(verb, &house.urls[0], &headers, "").await;
        let ended = expected == StatusCode::OK && heard.status.is_success();
        assert!(heard.status == expected || ended, "{verb} with a proof of {of}: {heard:?}");
    }
    until("the token's end", async || {
        let heard = owner.call(&house, &tokens.access).await;
        let told = heard.header("www-authenticate").unwrap_or_default();
        assert!(told.is_empty() || told.starts_with("DPoP ") && told.contains("invalid_token"), "{told}");
        heard.status == StatusCode::UNAUTHORIZED
    })
    .await;
}

// control: D-17, D-15: a sign-in that began without a proof is bound from the first one on, and its lost answers come again to its own key alone
#[tokio::test]
async fn an_unbound_refresh_token_is_bound_by_the_first_proof() {
    let house = House::door(&Plan::default()).await;
    let (mut owner, mut thief) = (Holder::new(), Holder::new());
    let ask = house.ask(&house.register("Good", GOOD).await);
    let unbound = house.sign_in(&mut house.browser(), "alice", &ask).await;
    let bound = Tokens::of(&owner.refresh(&house, &ask, &unbound.refresh).await).unwrap();
    for heard in
        [house.refresh(&ask.app, &bound.refresh).await, thief.refresh(&house, &ask, &bound.refresh).await]
    {
        assert_eq!(error(&heard), "invalid_grant", "{heard:?}");
    }
    // The answer was lost: the one before yields it again, to its owner.
    let again = Tokens::of(&owner.refresh(&house, &ask, &unbound.refresh).await).unwrap();
    assert_eq!(again.refresh, bound.refresh);
    assert_eq!(owner.call(&house, &again.access).await.status, StatusCode::OK);
    // Without the key it is a used one, and somebody else has it.
    assert_eq!(error(&thief.refresh(&house, &ask, &unbound.refresh).await), "invalid_grant");
    assert_eq!(error(&owner.refresh(&house, &ask, &bound.refresh).await), "invalid_grant", "it has ended");
}

const MACHINE: &str = r#"
[[client]]
id = "night-job"
name = "Night job"
secret_file = "keys/secret"
roles = ["Service"]
require_dpop = true
"#;

// control: D-17: a client that must bring proofs gets nothing without, and a token that is bound is not taken for an unbound one
#[tokio::test]
async fn a_client_that_must_prove_leaves_the_proof_out() {
    let plan =
        Plan { sign_in: "entra_tokens = \"none\"".to_owned(), tables: MACHINE.to_owned(), ..Plan::default() };
    let house = House::door(&plan).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "night-job"),
        ("client_secret", "door-secret-for-the-lab"),
        ("resource", house.urls[0].as_str()),
    ];
    let heard = house.post("/token", &form).await;
    assert_eq!((heard.status, error(&heard).as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
    assert!(heard.header("dpop-nonce").is_some(), "{heard:?}");
    let mut machine = Holder::new();
    let heard = machine.token(&house, &form).await;
    let told: Value = serde_json::from_slice(&heard.body).unwrap();
    assert_eq!(told["token_type"], "DPoP", "{told}");
    let token = told["access_token"].as_str().unwrap();
    assert_eq!(house.call(0, token).await, StatusCode::UNAUTHORIZED);
    assert_eq!(machine.call(&house, token).await.status, StatusCode::OK, "{}", house.log());

    // Asked about it, the door says what it is nothing without.
    let asked = [("token", token), ("client_id", "night-job"), ("client_secret", "door-secret-for-the-lab")];
    let heard = house.post("/introspect", &asked).await;
    let told: Value = serde_json::from_slice(&heard.body).unwrap();
    assert_eq!((&told["token_type"], &told["cnf"]), (&json!("DPoP"), &claims(token)["cnf"]));

    // Another's token of old is bound to nothing: no proof makes it more.
    let good = house.ask(&house.register("Good", GOOD).await);
    let unbound = house.sign_in(&mut house.browser(), "alice", &good).await.access;
    assert_eq!(house.call(0, &unbound).await, StatusCode::OK);
    assert_eq!(machine.call(&house, &unbound).await.status, StatusCode::UNAUTHORIZED);
}

// control: D-17: nonces turn without a client being refused, and what was proven before they turned stays used
#[tokio::test]
async fn a_proof_is_kept_until_the_nonce_has_turned() {
    let house = House::door(&Plan::default()).await;
    let mut owner = Holder::new();
    let (ask, tokens) = signed_in(&house, &mut owner).await;
    assert_eq!(owner.call(&house, &tokens.access).await.status, StatusCode::OK);
    let (old, first) = (owner.nonce.clone(), owner.proof("POST", &house.urls[0], Some(&tokens.access)));
    let dpop = format!("DPoP {}", tokens.access);
    assert_eq!(knock(&house, &dpop, &[&first]).await.status, StatusCode::OK);
    assert_eq!(knock(&house, &dpop, &[&first]).await.status, StatusCode::UNAUTHORIZED);
    until("another nonce", async || asked_for_a_nonce(&house, &ask).await != old).await;
    // The client still has the nonce of before, and is told the new one along with its answer.
    let heard = owner.call(&house, &tokens.access).await;
    assert_eq!(heard.status, StatusCode::OK);
    assert_ne!(owner.nonce, old);
    assert_eq!(knock(&house, &dpop, &[&first]).await.status, StatusCode::UNAUTHORIZED);
}
