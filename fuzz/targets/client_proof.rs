//! DPoP proofs and client assertions: nobody passes unsigned; what passes fits a second reading of every claim.
//! Input: without a zero byte, a text that nobody signed. Else a header, in which `@` stands for the public key, a zero
//! byte, and claims; both are signed, so that the claims are reached.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_issuer::client::{Client, ClientAuth, ClientKeys, ClientOrigin, Grants};
use doorward_issuer::dpop::{DpopError, Proof, judge_proof};
use doorward_issuer::token::{Presented, authenticate};
use doorward_types::{ClientId, Secret, Timestamp};
use doorward_wire::{Limits, Tree, Value};

/// 2026-11-20T12:00:00Z
const NOW: i64 = 1_795_176_000;
const ISSUER: &str = "https://mcp.contoso.com";
const TOKEN: &str = "https://mcp.contoso.com/token";

pub(crate) fn run(data: &[u8]) {
    let keys = keys();
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next());
    let Some(claims) = claims else {
        if let Ok(text) = std::str::from_utf8(data) {
            assert!(judge(text).is_err() && assert_who(&keys.client, text).is_none(), "unsigned");
        }
        return;
    };
    let header = String::from_utf8_lossy(header).replace('@', &keys.jwk);
    let signed = format!("{}.{}", b64(header.as_bytes()), b64(claims));
    let unsigned = format!("{signed}.{}", b64(&[1; 64]));
    assert!(
        judge(&unsigned).is_err() && assert_who(&keys.client, &unsigned).is_none(),
        "a signature made up"
    );
    let signature = keys.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let text = format!("{signed}.{}", b64(signature.as_ref()));
    let tree = |text: &[u8]| Tree::parse(Bytes::copy_from_slice(text), &Limits::default()).unwrap();
    let proof = judge(&text).ok();
    let assertion = assert_who(&keys.client, &text);
    assert!(proof.is_none() || assertion.is_none(), "one text is both a proof and an assertion");
    if let Some(proof) = proof {
        let (header, claims) = (tree(header.as_bytes()), tree(claims));
        headed(header.root());
        assert!(is(header.root(), "typ", "dpop+jwt") && header.root().get("jwk").unwrap().get("d").is_none());
        let claims = claims.root();
        assert!(is(claims, "htm", "POST") && is(claims, "nonce", "n") && is(claims, "jti", &proof.jti));
        assert!(claims.get("htu").unwrap().as_str().unwrap().starts_with(TOKEN));
        assert!((NOW - 300..=NOW + 300).contains(&claims.get("iat").unwrap().as_i64().unwrap()));
        assert_eq!(proof.jkt.len(), 43);
    }
    if let Some(jti) = assertion {
        let (header, claims) = (tree(header.as_bytes()), tree(claims));
        headed(header.root());
        let claims = claims.root();
        assert!(is(claims, "iss", "dwc-1") && is(claims, "sub", "dwc-1") && is(claims, "jti", &jti));
        let aud = claims.get("aud").unwrap();
        let ours = |value: Value<'_>| value.is_str(TOKEN) || value.is_str(ISSUER);
        assert!(ours(aud) || (!aud.is_empty() && aud.items().all(ours)));
        assert!((NOW - 60..=NOW + 360).contains(&claims.get("exp").unwrap().as_i64().unwrap()));
    }
}

fn judge(text: &str) -> Result<Proof, DpopError> {
    judge_proof(text, "POST", TOKEN, None, &mut |nonce| nonce == "n", Timestamp::from_secs(NOW))
}

fn assert_who(client: &Client, text: &str) -> Option<String> {
    let presented = Presented::Assertion { client_id: None, assertion: Secret::new(text.to_owned()) };
    authenticate(client, &presented, TOKEN, ISSUER, Timestamp::from_secs(NOW))
        .ok()
        .map(|proof| proof.jti.unwrap())
}

/// What must be true of the header of every text that passes.
fn headed(header: Value<'_>) {
    assert!(is(header, "alg", "ES256"));
    for name in ["crit", "b64", "jku", "x5u"] {
        assert!(header.get(name).is_none(), "`{name}` passed");
    }
}

fn is(object: Value<'_>, name: &str, text: &str) -> bool {
    object.get(name).is_some_and(|value| value.is_str(text))
}

/// A key made for this run, and the client whose key it is.
struct Keys {
    pair: EcdsaKeyPair,
    jwk: String,
    client: Client,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let (x, y) = (b64(&point[1..33]), b64(&point[33..]));
        let jwk = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
        let set = ClientKeys::parse(Bytes::from(format!(r#"{{"keys":[{jwk}]}}"#))).unwrap();
        let client = Client {
            id: ClientId::registered("dwc-1").unwrap(),
            origin: ClientOrigin::Configured,
            name: None,
            redirects: Vec::new(),
            auth: ClientAuth::Keys(Arc::new(set)),
            grants: Grants::default(),
            roles: Vec::new(),
            proves_possession: false,
            expires: None,
        };
        Keys { pair, jwk, client }
    })
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
