//! Proofs of possession, honest and forged.

use super::*;
use crate::testing::{NOW, Signer, TOKEN_ENDPOINT, after};

const NONCE: &str = "n-1";

fn claims(changed: &[(&str, &str)]) -> String {
    let (now, ath) = (NOW.as_secs().to_string(), format!("\"{}\"", sha256("token")));
    let htu = format!("\"{TOKEN_ENDPOINT}\"");
    let base = [
        ("jti", "\"j\""),
        ("htm", "\"POST\""),
        ("htu", htu.as_str()),
        ("iat", now.as_str()),
        ("nonce", "\"n-1\""),
        ("ath", ath.as_str()),
    ];
    let members: Vec<String> = crate::testing::with(&base, changed)
        .iter()
        .filter(|(_, json)| !json.is_empty())
        .map(|(name, json)| format!("\"{name}\":{json}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn header(signer: &Signer, alg: &str) -> String {
    format!(r#"{{"typ":"dpop+jwt","alg":"{alg}","jwk":{}}}"#, signer.jwk(""))
}

fn judge(proof: &str) -> Result<Proof, DpopError> {
    judge_proof(proof, "POST", TOKEN_ENDPOINT, Some("token"), &mut |nonce| nonce == NONCE, NOW)
}

#[test]
fn an_honest_proof_names_its_key() {
    let (elliptic, rsa) = (Signer::p256(), Signer::rsa());
    for (signer, alg) in [(&elliptic, "ES256"), (&rsa, "RS256"), (&rsa, "PS256")] {
        let proof = judge(&signer.sign(&header(signer, alg), &claims(&[]))).unwrap();
        assert_eq!((proof.jti.as_str(), proof.iat, proof.jkt.len()), ("j", NOW, 43));
    }
    let with_query = claims(&[("htu", "\"https://mcp.contoso.com/token?a=b#c\"")]);
    assert!(judge(&elliptic.sign(&header(&elliptic, "ES256"), &with_query)).is_ok());
    // At the token endpoint there is no token yet, and a server may ask for no nonce.
    let first = elliptic.sign(&header(&elliptic, "ES256"), &claims(&[("ath", ""), ("nonce", "")]));
    assert!(judge_proof(&first, "POST", TOKEN_ENDPOINT, None, &mut str::is_empty, NOW).is_ok());
}

#[test]
fn a_thumbprint_is_that_of_rfc_7638() {
    let jwk = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    let tree = doorward_wire::Tree::parse(jwk.into(), &doorward_wire::Limits::default()).unwrap();
    let key = PublicKey::read(tree.root()).unwrap();
    assert_eq!(key.thumbprint, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

// control: D-17, TOK-05: a proof is fresh, of this method, address and token, and made by the key it names
#[test]
fn forged_proofs_prove_nothing() {
    let signer = Signer::p256();
    let at = |secs| after(secs).as_secs().to_string();
    let (old, young) = (at(-301), at(301));
    for (changed, expected) in [
        (("jti", ""), DpopError::Claim("jti")),
        (("jti", "\"\""), DpopError::Claim("jti")),
        (("htm", "\"GET\""), DpopError::Method),
        (("htm", "\"post\""), DpopError::Method),
        (("htu", "\"https://mcp.contoso.com/crm/mcp\""), DpopError::Address),
        (("htu", "\"https://evil.example/token\""), DpopError::Address),
        (("htu", "\"https://mcp.contoso.com/token/\""), DpopError::Address),
        (("htu", "7"), DpopError::Claim("htu")),
        (("iat", old.as_str()), DpopError::Time),
        (("iat", young.as_str()), DpopError::Time),
        (("iat", "1.795e9"), DpopError::Claim("iat")),
        (("iat", ""), DpopError::Claim("iat")),
        (("nonce", "\"n-0\""), DpopError::Nonce),
        (("nonce", ""), DpopError::Nonce),
        (("nonce", "1"), DpopError::Claim("nonce")),
        (("ath", ""), DpopError::Claim("ath")),
        (("ath", "\"x\""), DpopError::Token),
    ] {
        let proof = signer.sign(&header(&signer, "ES256"), &claims(&[changed]));
        assert_eq!(judge(&proof), Err(expected), "{changed:?}");
        let code = if expected == DpopError::Nonce { "use_dpop_nonce" } else { "invalid_dpop_proof" };
        assert_eq!(expected.code(), code);
    }
    let (other, jwk) = (Signer::p256(), signer.jwk(""));
    let private = signer.jwk(r#","d":"c2VjcmV0""#);
    let symmetric = r#"{"kty":"oct","k":"c2VjcmV0"}"#;
    let off_curve = r#"{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}"#;
    let exponent = Signer::rsa().jwk("").replace("AQAB", "AQ");
    for (header, expected) in [
        (format!(r#"{{"typ":"JWT","alg":"ES256","jwk":{jwk}}}"#), DpopError::Malformed),
        (format!(r#"{{"alg":"ES256","jwk":{jwk}}}"#), DpopError::Malformed),
        (format!(r#"{{"typ":"dpop+jwt","alg":"none","jwk":{jwk}}}"#), DpopError::Malformed),
        (format!(r#"{{"typ":"dpop+jwt","alg":"HS256","jwk":{symmetric}}}"#), DpopError::Malformed),
        (format!(r#"{{"typ":"dpop+jwt","alg":"ES256","crit":["x"],"jwk":{jwk}}}"#), DpopError::Malformed),
        (format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{symmetric}}}"#), DpopError::Key),
        (format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{private}}}"#), DpopError::Key),
        (format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{off_curve}}}"#), DpopError::Key),
        (format!(r#"{{"typ":"dpop+jwt","alg":"RS256","jwk":{exponent}}}"#), DpopError::Key),
        (r#"{"typ":"dpop+jwt","alg":"ES256"}"#.to_owned(), DpopError::Key),
        (format!(r#"{{"typ":"dpop+jwt","alg":"RS256","jwk":{jwk}}}"#), DpopError::Signature),
        (format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, other.jwk("")), DpopError::Signature),
    ] {
        assert_eq!(judge(&signer.sign(&header, &claims(&[]))), Err(expected), "{header}");
    }
    for text in ["", "a.b.c", "..", &"a".repeat(9000)] {
        assert_eq!(judge(text), Err(DpopError::Malformed));
    }
}
