//! What the tests share: a person, a client, a resource, and keys of clients.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use doorward_types::{ClientId, ObjectId, Person, ServerName, TenantId, Timestamp};

use crate::authorize::Resource;
use crate::client::{Client, ClientAuth, ClientOrigin, Grants};
use crate::jws::b64;
use crate::params::{Params, encode};
use crate::redirect::{RedirectRules, RedirectUri};

/// 2026-11-20T12:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_176_000);
pub(crate) const ISSUER: &str = "https://mcp.contoso.com";
pub(crate) const TOKEN_ENDPOINT: &str = "https://mcp.contoso.com/token";
pub(crate) const CRM: &str = "https://mcp.contoso.com/crm/mcp";
pub(crate) const REDIRECT: &str = "https://claude.ai/api/mcp/auth_callback";
/// The verifier and challenge of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn after(secs: i64) -> Timestamp {
    Timestamp::from_secs(NOW.as_secs() + secs)
}

pub(crate) fn person(last: char) -> Person {
    Person {
        tenant: TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap(),
        object: ObjectId::parse(&format!("aaaaaaaa-bbbb-cccc-dddd-00000000000{last}")).unwrap(),
    }
}

pub(crate) fn id(text: &str) -> ClientId {
    ClientId::registered(text).unwrap()
}

pub(crate) fn client(name: &str) -> Client {
    let redirects = [REDIRECT, "http://127.0.0.1/cb"];
    Client {
        id: id(name),
        origin: ClientOrigin::Dynamic,
        name: Some("Claude".to_owned()),
        redirects: redirects
            .iter()
            .map(|text| RedirectUri::register(text, &RedirectRules::default()).unwrap())
            .collect(),
        auth: ClientAuth::Public,
        grants: Grants { code: true, refresh: true, client_credentials: false },
        roles: Vec::new(),
        proves_possession: false,
        expires: None,
    }
}

pub(crate) fn resource(name: &str) -> Resource {
    Resource {
        url: format!("{ISSUER}/{name}/mcp"),
        server: ServerName::parse(name).unwrap(),
        scopes: vec!["tools.read".to_owned(), "tools.write".to_owned()],
    }
}

/// Makes parameters as they come over the wire; an empty value leaves its name out.
pub(crate) fn params(pairs: &[(&str, &str)]) -> Params {
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    Params::parse(pairs.join("&").as_bytes()).ok().unwrap()
}

/// Puts `changed` in the place of the pairs of the same names, or adds them.
pub(crate) fn with<'t>(
    base: &[(&'t str, &'t str)],
    changed: &[(&'t str, &'t str)],
) -> Vec<(&'t str, &'t str)> {
    let kept = base.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| name == other));
    kept.chain(changed).copied().collect()
}

/// A client's key.
pub(crate) enum Signer {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// Returns the public key as a JWK, with further members at its end.
    pub(crate) fn jwk(&self, more: &str) -> String {
        match self {
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (b64(&point[1..33]), b64(&point[33..]));
                format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"{more}}}"#)
            }
            Self::Rsa(pair) => {
                // A 2048-bit key in PKCS #1: the modulus stands behind 9 bytes of lengths and a zero.
                let n = b64(&pair.public_key().as_ref()[9..265]);
                format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"{more}}}"#)
            }
        }
    }

    /// Signs claims under a header; for RSA, PS256 if the header says so.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
        let random = SystemRandom::new();
        let signature = match self {
            Self::P256(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                if header.contains("PS256") {
                    pair.sign(&RSA_PSS_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                } else {
                    pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                }
                signature
            }
        };
        format!("{signed}.{}", b64(&signature))
    }
}
