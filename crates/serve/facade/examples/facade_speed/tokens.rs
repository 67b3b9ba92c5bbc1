//! A token of the door's own against one of Entra's, of the same person.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_emulator::{MintRequest, Running};
use doorward_issuer::dpop::{Asked, Possession};
use doorward_oauth::verify;

use crate::stage::{Stage, now};

const BLOCKS: usize = 200;
const EACH: u32 = 100;
const RESOURCE: &str = "https://mcp.contoso.com/crm/mcp";

/// Microseconds for each verification, block by block.
pub(crate) struct Compared {
    pub(crate) door: Vec<f64>,
    pub(crate) entra: Vec<f64>,
}

/// Verifies both in turns, so that a noisy moment hits both.
pub(crate) fn compare(stage: &Stage, emulator: &Running, door: &str) -> Compared {
    let entra = emulator.control().mint(&MintRequest::user("alice")).unwrap();
    let (ring, expected, now) = (stage.ring(), stage.expectation(), now());
    let block = |token: &str| {
        let began = Instant::now();
        for _ in 0..EACH {
            black_box(verify(black_box(token), &ring, &expected, now).expect("the token is good"));
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(EACH)
    };
    let mut compared = Compared { door: Vec::new(), entra: Vec::new() };
    for _ in 0..BLOCKS {
        compared.door.push(block(door));
        compared.entra.push(block(&entra));
    }
    compared
}

/// Microseconds for each proof of possession that a request brings beside its token, block by block: all of it, from the
/// text to the place among those that were used.
pub(crate) fn proofs() -> Vec<f64> {
    let (possession, now) = (Possession::new(&[7; 32]), now());
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let point = pair.public_key().as_ref();
    let (x, y) = (b64(&point[1..33]), b64(&point[33..]));
    let header = format!(
        r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#
    );
    let (nonce, iat) = (possession.nonce(now), now.as_secs());
    let made = |number: u32| {
        let claims = format!(
            r#"{{"jti":"{number:032}","htm":"POST","htu":"{RESOURCE}","iat":{iat},"nonce":"{nonce}","ath":"{}"}}"#,
            b64(digest(&SHA256, b"token").as_ref())
        );
        let signed = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", b64(signature.as_ref()))
    };
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let jkt = b64(digest(&SHA256, canonical.as_bytes()).as_ref());
    let asked = Asked { method: "POST", htu: RESOURCE, token: Some(("token", &jkt)) };
    let block = |block: u32| {
        let proofs: Vec<String> = (block * EACH..(block + 1) * EACH).map(made).collect();
        let began = Instant::now();
        for proof in &proofs {
            black_box(possession.prove(black_box(proof), &asked, now).expect("the proof is good"));
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(EACH)
    };
    (0..50).map(block).collect()
}
