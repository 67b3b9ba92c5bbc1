//! Tokens: never panics; no text makes an identity unless it was signed, and none does whose claims do not allow it.
//! Input: without a zero byte, a token. Else a header, a zero byte, claims, a zero byte, letters that vary what is
//! expected; header and claims are signed with the published key, so that the claims are reached.

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_oauth::{
    Audience, CallerKind, Cloud, EntraTokens, Expectation, Identity, KeySet, Tenants, TokenError, bearer,
    verify,
};
use doorward_types::{ClientId, TenantId, Timestamp};
use doorward_wire::{Limits, Tree, Value};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const APP: &str = "11111111-2222-3333-4444-555555555555";
const URI: &str = "api://crm";
/// 2026-11-20T12:00:00Z
const NOW: i64 = 1_795_176_000;
const SKEW: i64 = 60;
const LONGEST_LIFE: i64 = 28 * 3600;

pub(crate) fn run(data: &[u8]) {
    let keys = keys();
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let header = parts.next().unwrap_or_default();
    let Some(claims) = parts.next() else {
        return raw(keys, data);
    };
    let asked = Asked::of(parts.next().unwrap_or_default());
    let signed = format!("{}.{}", b64(header), b64(claims));
    let unsigned = format!("{signed}.{}", b64(&[0; 256]));
    let refused = judge(keys, &unsigned, &asked.expectation).err();
    // Signing takes a thousand times longer than refusing, so it is kept for headers that pass.
    if refused != Some(TokenError::BadSignature) {
        assert!(refused.is_some(), "an unsigned token passed");
        return;
    }
    let token = keys.sign(&signed);
    if let Ok(identity) = judge(keys, &token, &asked.expectation) {
        let (header, claims) = (tree(header), tree(claims));
        headed(header.root(), &identity);
        claimed(claims.root(), &identity, &asked);
    }
}

fn raw(keys: &Keys, data: &[u8]) {
    if let Ok(token) = bearer(data) {
        assert!(!token.is_empty() && !token.contains([' ', ',', '"']));
    }
    if let Ok(token) = std::str::from_utf8(data) {
        let asked = Asked::of(b"arm");
        assert!(judge(keys, token, &asked.expectation).is_err(), "a token passed that nobody signed");
    }
}

fn judge(keys: &Keys, token: &str, expected: &Expectation) -> Result<Identity, TokenError> {
    let answer = verify(token, &keys.published, expected, Timestamp::from_secs(NOW));
    if let Err(error) = &answer {
        assert!(!error.reason().is_empty());
        assert!(!error.to_string().contains(char::is_control), "a reason that steers a terminal");
    }
    answer
}

/// What the server asks for, in the target's own words.
struct Asked {
    applications: bool,
    v1: bool,
    tenants: &'static [&'static str],
    expectation: Expectation,
}

impl Asked {
    fn of(letters: &[u8]) -> Self {
        let has = |letter: u8| letters.contains(&letter);
        let (applications, role, many, v1) = (has(b'a'), has(b'r'), has(b'm'), !has(b'v'));
        let tenant = |text: &&str| TenantId::parse(text).unwrap();
        let tenants: &[&str] = if many { &[TENANT, OTHER_TENANT] } else { &[TENANT] };
        let expectation = Expectation {
            cloud: Cloud::named("public").unwrap(),
            tenants: if many {
                Tenants::Many(tenants.iter().map(tenant).collect())
            } else {
                Tenants::One(tenant(&TENANT))
            },
            audience: Audience {
                client_id: ClientId::parse(APP).unwrap(),
                app_id_uris: vec![URI.to_owned()],
            },
            required_scope: vec!["tools.read".to_owned()],
            required_role: if role { vec!["Service".to_owned()] } else { vec![] },
            allow_app_only: applications,
            skew: Duration::from_secs(60),
            accept_v1: v1,
            door: None,
            entra: EntraTokens::All,
        };
        Self { applications, v1, tenants, expectation }
    }

    fn role(&self) -> bool {
        !self.expectation.required_role.is_empty()
    }
}

/// What must be true of the header of every token that passes.
fn headed(header: Value<'_>, identity: &Identity) {
    assert!(is(header, "alg", "RS256"));
    assert!(is(header, "kid", identity.kid()));
    for name in ["crit", "jwk", "jku", "x5u", "b64", "nonce"] {
        assert!(header.get(name).is_none(), "`{name}` passed");
    }
}

/// What must be true of the claims of every token that passes, said without the code under test.
fn claimed(claims: Value<'_>, identity: &Identity, asked: &Asked) {
    let tenant = claims.get("tid").and_then(|tid| tid.as_str()).unwrap_or_default().to_ascii_lowercase();
    assert!(asked.tenants.contains(&tenant.as_str()) && identity.tenant().as_str() == tenant);
    let v1 = is(claims, "ver", "1.0");
    if v1 {
        assert!(asked.v1 && (is(claims, "aud", APP) || is(claims, "aud", URI)));
        assert!(is(claims, "iss", &format!("https://sts.windows.net/{tenant}/")));
    } else {
        assert!(is(claims, "ver", "2.0") && is(claims, "aud", APP));
        assert!(is(claims, "iss", &format!("https://login.microsoftonline.com/{tenant}/v2.0")));
    }
    match &**identity.kid() {
        "k1" => {}
        "k-other" => assert_eq!(tenant, OTHER_TENANT, "signed with another tenant's key"),
        kid => assert!(kid == "k-bare" && asked.tenants.len() == 1, "a key of nobody signed for one of many"),
    }
    let second = |name| claims.get(name).and_then(|value| value.as_i64()).unwrap();
    let (begins, issued, expires) = (second("nbf"), second("iat"), second("exp"));
    assert!(begins <= NOW + SKEW && issued <= NOW + SKEW && NOW < expires + SKEW);
    assert!(expires - begins <= LONGEST_LIFE + SKEW && expires - issued <= LONGEST_LIFE + SKEW);
    assert_eq!((identity.issued_at().as_secs(), identity.expires().as_secs()), (issued, expires));
    for name in ["nonce", "at_hash", "c_hash", "cnf"] {
        assert!(claims.get(name).is_none(), "`{name}` passed");
    }
    let roles: Vec<_> = claims.get("roles").into_iter().flat_map(|roles| roles.items()).collect();
    assert!(!asked.role() || roles.iter().any(|role| role.is_str("Service")));
    match identity.kind() {
        CallerKind::User => {
            let scopes = claims.get("scp").and_then(|scopes| scopes.as_str()).unwrap();
            assert!(scopes.split(' ').any(|scope| scope == "tools.read"));
            assert!(claims.get("idtyp").is_none() || is(claims, "idtyp", "user"));
        }
        CallerKind::App => {
            assert!(asked.applications && asked.role() && is(claims, "idtyp", "app"));
            assert!(claims.get("scp").is_none() && !roles.is_empty());
        }
    }
}

fn is(object: Value<'_>, name: &str, text: &str) -> bool {
    object.get(name).is_some_and(|value| value.is_str(text))
}

fn tree(bytes: &[u8]) -> Tree {
    Tree::parse(Bytes::copy_from_slice(bytes), &Limits::default()).unwrap()
}

/// A key made for this run, published under three names: `k1` signs for every tenant, `k-other` for another one,
/// `k-bare` does not say for whom.
struct Keys {
    pair: KeyPair,
    published: KeySet,
}

impl Keys {
    fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", b64(&signature))
    }
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        // A 2048-bit key in PKCS #1: the modulus stands behind 9 bytes of lengths and a zero.
        let modulus = b64(&pair.public_key().as_ref()[9..265]);
        let key = |kid: &str, issuer: &str| {
            format!(r#"{{"kty":"RSA","use":"sig","kid":"{kid}","n":"{modulus}","e":"AQAB"{issuer}}}"#)
        };
        let issuer = |tenant: &str| format!(r#","issuer":"https://login.microsoftonline.com/{tenant}/v2.0""#);
        let listed =
            [key("k1", &issuer("{tenantid}")), key("k-other", &issuer(OTHER_TENANT)), key("k-bare", "")];
        let published = KeySet::parse(format!(r#"{{"keys":[{}]}}"#, listed.join(",")).into()).unwrap();
        Keys { pair, published }
    })
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
