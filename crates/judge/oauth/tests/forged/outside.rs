//! What is wrong on the outside: text, algorithm, header, signature.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA512, RSA_PSS_SHA256, Signature,
};
use doorward_oauth::TokenError;

use super::forge::{self, Keys, NOW, b64, header, json, v2};
use super::table::{Row, row};

pub(crate) fn rows(keys: &Keys) -> Vec<Row> {
    [shapes(keys), algorithms(keys), headers(keys), signatures(keys)].into_iter().flatten().collect()
}

// === the text of the token ===

fn shapes(keys: &Keys) -> Vec<Row> {
    use TokenError::{BadHeader, BadSignature, NotAJwt, NotBase64, TooLong};
    let good = keys.good(&v2());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, payload) = signed.split_once('.').unwrap();
    let big = keys.good(&v2().text("name", &"x".repeat(17 * 1024)));
    vec![
        row("nothing", String::new(), NotAJwt),
        row("opaque", "secret-session-id".to_owned(), NotAJwt),
        row("two parts", signed.to_owned(), NotAJwt),
        row("four parts", format!("{good}."), NotAJwt),
        row("five parts, as an encrypted token", format!("{good}.AA.AA"), NotAJwt),
        row("a leading dot", format!(".{good}"), NotAJwt),
        row("an empty header", format!(".{payload}.{signature}"), NotAJwt),
        row("an empty payload", format!("{head}..{signature}"), NotAJwt),
        row("an empty signature", format!("{signed}."), BadSignature),
        row("17 KiB", big, TooLong),
        row("truncated", good[..good.len() - 10].to_owned(), BadSignature),
        row("padding", format!("{good}=="), NotBase64),
        row("leftover bits in the signature", leftover_bits(&good), NotBase64),
        row("the standard alphabet", format!("{signed}.+{}", &signature[1..]), NotBase64),
        row("a space in front", format!(" {good}"), NotBase64),
        row("a line break at the end", format!("{good}\n"), NotBase64),
        row("a NUL at the end", format!("{good}\0"), NotBase64),
        row("a full-width dot", good.replacen('.', "．", 1), NotAJwt),
        row("a header that is an array", keys_token(keys, "[]"), BadHeader),
        row("a header that is no JSON", keys_token(keys, "alg=RS256"), BadHeader),
        row(
            "a header with a byte order mark",
            keys_token(keys, &format!("\u{feff}{}", header().render())),
            BadHeader,
        ),
        row("a header nested 40 deep", keys.token(&header().set("x", nested(40)), &v2()), BadHeader),
        row(
            "a header with a lone surrogate",
            keys.token(&header().set("x", r#""\ud800""#), &v2()),
            BadHeader,
        ),
    ]
}

/// Changes bits of the last character that decode to nothing: the same bytes for a lax decoder, another text.
fn leftover_bits(token: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = token.chars().last().unwrap();
    let at = ALPHABET.find(last).unwrap();
    // 256 bytes end in two characters, the last with four bits unused.
    format!("{}{}", &token[..token.len() - 1], ALPHABET.chars().nth(at ^ 1).unwrap())
}

fn keys_token(keys: &Keys, header: &str) -> String {
    forge::sign(&keys.ours, header, &v2().render())
}

pub(crate) fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

// === the algorithm ===

fn algorithms(keys: &Keys) -> Vec<Row> {
    let jwk = forge::jwk(&keys.ours, "k1").render();
    let (modulus, _) = forge::components(&keys.ours);
    let unsigned = |alg: &str| format!("{}.{}.", b64(header().text("alg", alg).render()), b64(v2().render()));
    let refuse = |name, token| row(name, token, TokenError::AlgNotRs256);
    let alg = |raw: &str| keys.token(&header().set("alg", raw), &v2());
    vec![
        refuse("none", unsigned("none")),
        refuse("None", unsigned("None")),
        refuse("nOnE", unsigned("nOnE")),
        refuse("none with a good signature", alg("\"none\"")),
        refuse("no algorithm", keys.token(&header().without("alg"), &v2())),
        refuse("a null algorithm", alg("null")),
        refuse("an empty algorithm", alg("\"\"")),
        refuse("an array of algorithms", alg("[\"RS256\"]")),
        refuse("rs256 in lower case", alg("\"rs256\"")),
        refuse("RS256 with a space", alg("\"RS256 \"")),
        refuse("RS256 with a NUL", alg(r#""RS256\u0000""#)),
        refuse("HS256 keyed with the public key as PEM", hs256(keys.pem().as_bytes())),
        refuse("HS256 keyed with the public key as trimmed PEM", hs256(keys.pem().trim_end().as_bytes())),
        refuse("HS256 keyed with the public key as DER", hs256(&keys.der())),
        refuse("HS256 keyed with the public key as JWK", hs256(jwk.as_bytes())),
        refuse("HS256 keyed with the modulus", hs256(&modulus)),
        refuse("HS256 keyed with nothing", hs256(b"")),
        refuse("ES256", es256()),
        refuse("PS256 with our key", {
            let signed = format!("{}.{}", b64(header().text("alg", "PS256").render()), b64(v2().render()));
            forge::sign_as(&keys.ours, &RSA_PSS_SHA256, &signed)
        }),
        row(
            "PSS padding under the name RS256",
            forge::sign_as(
                &keys.ours,
                &RSA_PSS_SHA256,
                &format!("{}.{}", b64(header().render()), b64(v2().render())),
            ),
            TokenError::BadSignature,
        ),
        row(
            "SHA-512 under the name RS256",
            forge::sign_as(
                &keys.ours,
                &RSA_PKCS1_SHA512,
                &format!("{}.{}", b64(header().render()), b64(v2().render())),
            ),
            TokenError::BadSignature,
        ),
    ]
}

fn hs256(secret: &[u8]) -> String {
    let signed = format!("{}.{}", b64(header().text("alg", "HS256").render()), b64(v2().render()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", b64(tag))
}

fn es256() -> String {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let signed = format!("{}.{}", b64(header().text("alg", "ES256").render()), b64(v2().render()));
    let made: Signature = key.sign(&random, signed.as_bytes()).unwrap();
    format!("{signed}.{}", b64(made))
}

// === the header ===

fn headers(keys: &Keys) -> Vec<Row> {
    use TokenError::{
        B64Header, BadKid, CritHeader, DuplicateHeader, EmbeddedKey, GraphToken, MissingKid, WrongType,
    };
    let thief = forge::jwk(&keys.thief, "k1").render();
    let own_key =
        |name: &str, raw: &str| forge::sign(&keys.thief, &header().set(name, raw).render(), &v2().render());
    let kid = |raw: &str| keys.token(&header().set("kid", raw), &v2());
    let unknown = |kid: &str| TokenError::UnknownKid { kid: kid.to_owned() };
    vec![
        row("an embedded jwk", own_key("jwk", &thief), EmbeddedKey),
        row("a jku", own_key("jku", "\"https://evil.example/keys\""), EmbeddedKey),
        row("an x5u", own_key("x5u", "\"https://evil.example/cert\""), EmbeddedKey),
        row("an embedded x5c is not read", own_key("x5c", "[\"MIIC\"]"), TokenError::BadSignature),
        row("crit", keys.token(&header().set("crit", "[\"exp\"]"), &v2()), CritHeader),
        row("an empty crit", keys.token(&header().set("crit", "[]"), &v2()), CritHeader),
        row("b64", keys.token(&header().set("b64", "false"), &v2()), B64Header),
        row("a DPoP proof", keys.token(&header().text("typ", "dpop+jwt"), &v2()), WrongType),
        row(
            "a signed request object",
            keys.token(&header().text("typ", "oauth-authz-req+jwt"), &v2()),
            WrongType,
        ),
        row("a typ of the wrong type", keys.token(&header().set("typ", "[\"JWT\"]"), &v2()), WrongType),
        row(
            "a header nonce, as Graph's tokens have",
            keys.token(&header().text("nonce", "x"), &v2()),
            GraphToken,
        ),
        row("no kid", keys.token(&header().without("kid"), &v2()), MissingKid),
        row("x5t instead of kid", keys.token(&header().without("kid").text("x5t", "k1"), &v2()), MissingKid),
        row("an unknown kid", kid("\"k9\""), unknown("k9")),
        row("a kid in another case", kid("\"K1\""), unknown("K1")),
        row("a kid that is a path", kid("\"../../../dev/null\""), unknown("../../../dev/null")),
        row("a kid that is SQL", kid("\"k1'/**/OR/**/1=1--\""), unknown("k1'/**/OR/**/1=1--")),
        row("a kid with a NUL", kid(r#""k1\u0000""#), BadKid),
        row("a kid with a line break", kid(r#""k1\nadmin=true""#), BadKid),
        row("an empty kid", kid("\"\""), BadKid),
        row("a long kid", kid(&json(&"k".repeat(129))), BadKid),
        row("an array of kids", kid("[\"k1\"]"), BadKid),
        row("a kid that is a number", kid("1"), BadKid),
        row("two kids", keys.token(&header().again("kid", "\"k9\""), &v2()), DuplicateHeader),
        row("two algorithms", keys.token(&header().again("alg", "\"none\""), &v2()), DuplicateHeader),
        row(
            "two algorithms, one escaped",
            keys.token(&header().again("\\u0061lg", "\"none\""), &v2()),
            DuplicateHeader,
        ),
    ]
}

// === the signature ===

fn signatures(keys: &Keys) -> Vec<Row> {
    let good = keys.good(&v2());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let raised = v2().set("roles", "[\"Admin\"]").render();
    let wide = header().again("x", "1").render();
    let refuse = |name, token| row(name, token, TokenError::BadSignature);
    vec![
        refuse(
            "signed by another key under our kid",
            forge::sign(&keys.thief, &header().render(), &v2().render()),
        ),
        refuse(
            "a signature over another payload",
            format!("{}.{}.{signature}", b64(header().render()), b64(raised)),
        ),
        refuse(
            "a signature over another header",
            format!("{}.{}.{signature}", b64(wide), b64(v2().render())),
        ),
        refuse("a signature of zeros", format!("{signed}.{}", b64([0; 256]))),
        refuse("a short signature", format!("{signed}.{}", b64([1; 32]))),
        refuse("a signature with a byte more", format!("{signed}.{signature}AA")),
        refuse("an expired forgery tells nothing of its claims", {
            forge::sign(&keys.thief, &header().render(), &v2().set("exp", NOW - 9000).render())
        }),
        refuse("a payload that is no JSON tells nothing", forge::sign(&keys.thief, &header().render(), "}")),
    ]
}
