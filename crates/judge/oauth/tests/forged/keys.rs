//! Which published keys may sign.

use aws_lc_rs::rsa::{KeyPair, KeySize};
use doorward_oauth::{KeySet, KeySetError, MAX_KEYS};

use super::forge::{b64, components, jwk};

fn parse(entries: &[String]) -> Result<KeySet, KeySetError> {
    KeySet::parse(format!("{{\"keys\":[{}]}}", entries.join(",")).into())
}

// control: TOK-02: only RSA signing keys of 2048 bits and more are taken from a key document
#[test]
fn unfit_keys_are_left_out() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let (modulus, _) = components(&key);
    let good = jwk(&key, "good").render();
    let unfit = [
        jwk(&key, "a").text("kty", "oct").text("k", "c2VjcmV0"),
        jwk(&key, "a").text("kty", "EC"),
        jwk(&key, "a").text("use", "enc"),
        jwk(&key, "a").without("use"),
        jwk(&key, "a").text("alg", "HS256"),
        jwk(&key, "a").text("alg", "PS256"),
        jwk(&key, "a").without("kid"),
        jwk(&key, "a").set("kid", "1"),
        jwk(&key, "a").set("issuer", "null"),
        jwk(&key, "a").text("e", &b64([1])),
        jwk(&key, "a").text("e", &b64([3])),
        jwk(&key, "a").text("n", &b64(&modulus[..128])),
        jwk(&key, "a").text("n", &b64([&[0], &modulus[..]].concat())),
        jwk(&key, "a").text("n", "not base64!"),
        jwk(&key, "a").text("n", &b64(modulus.repeat(5))),
        jwk(&key, "a").without("n"),
    ];
    for entry in &unfit {
        let set = parse(&[good.clone(), entry.render()]).unwrap();
        assert_eq!(
            (set.len(), set.skipped(), set.has("good"), set.has("a")),
            (1, 1, true, false),
            "{}",
            entry.render()
        );
        assert_eq!(parse(&[entry.render()]).unwrap_err(), KeySetError::NoneUsable);
    }
    assert_eq!(parse(&[jwk(&key, "x").text("alg", "RS256").render(), good]).unwrap().len(), 2);
}

#[test]
fn unfit_documents_are_refused_whole() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let one = jwk(&key, "k").render();
    let many: Vec<String> = (0..=MAX_KEYS).map(|n| jwk(&key, &n.to_string()).render()).collect();
    assert_eq!(parse(&many).unwrap_err(), KeySetError::TooMany);
    assert_eq!(parse(&many[1..]).unwrap().len(), MAX_KEYS);
    assert_eq!(parse(&[one.clone(), one]).unwrap_err(), KeySetError::DuplicateKid);
    for (document, error) in [
        ("", KeySetError::NotJson),
        ("<html>", KeySetError::NotJson),
        ("{\"keys\":[],\"keys\":[]}", KeySetError::NotJson),
        ("{}", KeySetError::NoKeys),
        ("[]", KeySetError::NoKeys),
        ("{\"keys\":{}}", KeySetError::NoKeys),
        ("{\"keys\":[]}", KeySetError::NoneUsable),
        ("{\"keys\":[1,null,\"x\"]}", KeySetError::NoneUsable),
    ] {
        assert_eq!(KeySet::parse(document.into()).unwrap_err(), error, "{document}");
    }
}
