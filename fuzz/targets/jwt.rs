//! Tokens: never panics; no text makes an identity unless it was signed, and none does whose claims do not allow it.
//! Input: without a zero byte, a token. Else a header, a zero byte, claims, a zero byte, letters that vary what is
//! expected; header and claims are signed with the published key, so that the claims are reached. The key is Entra's
//! under some of its names and the door's own under another, so that the rules of both are; the letter `i` has it judged
//! as an ID token.

use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_oauth::{
    Audience, CallerKind, Cloud, DoorExpectation, EntraTokens, Expectation, IdTokenExpectation, Identity,
    KeyRing, KeySet, Tenants, TokenError, presented, verify, verify_id_token, verify_keeping,
};
use doorward_types::{ClientId, TenantId, Timestamp};
use doorward_wire::{Limits, Tree, Value};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const APP: &str = "11111111-2222-3333-4444-555555555555";
const URI: &str = "api://crm";
const ISSUER: &str = "https://mcp.contoso.com";
const RESOURCE: &str = "https://mcp.contoso.com/crm/mcp";
const NONCE: &str = "n-0S6";
/// 2026-11-20T12:00:00Z
const NOW: i64 = 1_795_176_000;
const SKEW: i64 = 60;
const LONGEST_LIFE: i64 = 28 * 3600;
const OWN_SKEW: i64 = 5;
const OWN_LONGEST_LIFE: i64 = 600;

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
    if asked.id_token {
        signed_in(keys, &token, claims);
        return;
    }
    if let Ok(identity) = judge(keys, &token, &asked.expectation) {
        let (header, claims) = (tree(header), tree(claims));
        headed(header.root(), &identity);
        if identity.from_door() {
            let typ = header.root().get("typ").and_then(|typ| typ.as_str()).unwrap();
            assert!(typ.eq_ignore_ascii_case("at+jwt"), "a token that is no access token by its type");
            own(claims.root(), &identity, &asked);
        } else {
            claimed(claims.root(), &identity, &asked);
        }
        let kept =
            verify_keeping(&token, &keys.ring, &asked.expectation, Timestamp::from_secs(NOW)).unwrap().1;
        assert_eq!(kept.is_some(), !identity.from_door() && identity.kind() == CallerKind::User);
    }
}

fn raw(keys: &Keys, data: &[u8]) {
    if let Ok((_, token)) = presented(data) {
        assert!(!token.is_empty() && !token.contains([' ', ',', '"']));
    }
    if let Ok(token) = std::str::from_utf8(data) {
        let asked = Asked::of(b"arm");
        assert!(judge(keys, token, &asked.expectation).is_err(), "a token passed that nobody signed");
    }
}

fn judge(keys: &Keys, token: &str, expected: &Expectation) -> Result<Identity, TokenError> {
    let answer = verify(token, &keys.ring, expected, Timestamp::from_secs(NOW));
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
    id_token: bool,
    entra: EntraTokens,
    tenants: &'static [&'static str],
    expectation: Expectation,
}

impl Asked {
    fn of(letters: &[u8]) -> Self {
        let has = |letter: u8| letters.contains(&letter);
        let (applications, role, many, v1) = (has(b'a'), has(b'r'), has(b'm'), !has(b'v'));
        let entra = match (has(b'n'), has(b's')) {
            (true, _) => EntraTokens::None,
            (false, true) => EntraTokens::Apps,
            (false, false) => EntraTokens::All,
        };
        let door = DoorExpectation {
            issuer: ISSUER.to_owned(),
            audience: RESOURCE.to_owned(),
            required_scope: vec!["tools.read".to_owned()],
        };
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
            door: (!has(b'd')).then_some(door),
            entra,
        };
        Self { applications, v1, id_token: has(b'i'), entra, tenants, expectation }
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

/// What must be true of the claims of every token of the door's own that passes.
fn own(claims: Value<'_>, identity: &Identity, asked: &Asked) {
    let text = |name| claims.get(name).and_then(|value| value.as_str()).unwrap_or_default().into_owned();
    assert!(asked.expectation.door.is_some() && &**identity.kid() == "d1");
    assert!(is(claims, "iss", ISSUER) && is(claims, "aud", RESOURCE));
    let (tenant, object) = (text("tid").to_ascii_lowercase(), text("oid").to_ascii_lowercase());
    assert!(asked.tenants.contains(&tenant.as_str()) && text("sub") == format!("{tenant}.{object}"));
    let person = identity.person();
    assert_eq!((person.tenant.as_str(), person.object.as_str()), (tenant.as_str(), object.as_str()));
    assert!(identity.client().is_registered_here() && text("client_id") == identity.client().as_str());
    let second = |name| claims.get(name).and_then(|value| value.as_i64()).unwrap();
    let (begins, issued, expires) = (second("nbf"), second("iat"), second("exp"));
    assert!(begins <= NOW + OWN_SKEW && issued <= NOW + OWN_SKEW && NOW < expires + OWN_SKEW);
    assert!(expires - begins.min(issued) <= OWN_LONGEST_LIFE + OWN_SKEW);
    assert!(claims.get("nonce").is_none() && !text("jti").is_empty());
    // Bound by a thumbprint and by nothing else, or not at all: what is bound must never pass for what is not.
    let bound =
        claims.get("cnf").map(|cnf| cnf.get("jkt").and_then(|jkt| jkt.as_str()).unwrap().into_owned());
    assert_eq!(identity.bound_to(), bound.as_deref());
    assert_eq!(identity.epoch().and_then(|epoch| i64::try_from(epoch).ok()), Some(second("ep")));
    assert!(!identity.capable_of_claims_challenge());
    match identity.kind() {
        CallerKind::User => {
            assert_eq!(identity.grant().unwrap().to_string(), text("sid"));
            assert!(text("scope").split(' ').any(|scope| scope == "tools.read") && text("idtyp") != "app");
        }
        CallerKind::App => {
            assert!(asked.applications && text("idtyp") == "app" && !identity.roles().is_empty());
            assert!(identity.grant().is_none() && claims.get("scope").is_none());
        }
    }
}

/// Judges an ID token, and says what must be true of one that passes.
fn signed_in(keys: &Keys, token: &str, claims: &[u8]) {
    let expected = IdTokenExpectation {
        cloud: Cloud::named("public").unwrap(),
        tenants: Tenants::One(TenantId::parse(TENANT).unwrap()),
        client_id: ClientId::parse(APP).unwrap(),
        nonce: Some(NONCE),
        skew: Duration::from_secs(60),
    };
    if let Ok(id) = verify_id_token(token, &keys.ring, &expected, Timestamp::from_secs(NOW)) {
        let claims = tree(claims);
        let claims = claims.root();
        assert!(is(claims, "nonce", NONCE) && is(claims, "aud", APP) && is(claims, "ver", "2.0"));
        assert!(is(claims, "iss", &format!("https://login.microsoftonline.com/{TENANT}/v2.0")));
        assert!(["scp", "idtyp", "appid", "cnf"].iter().all(|name| claims.get(name).is_none()));
        assert_eq!(id.person.tenant.as_str(), TENANT);
        let second = |name| claims.get(name).and_then(|value| value.as_i64()).unwrap();
        assert!(second("nbf") <= NOW + SKEW && second("iat") <= NOW + SKEW && NOW < second("exp") + SKEW);
    }
}

/// What must be true of the claims of every token of Entra's that passes, said without the code under test.
fn claimed(claims: Value<'_>, identity: &Identity, asked: &Asked) {
    assert!(asked.entra != EntraTokens::None, "a token of Entra's passed where none may");
    assert!(asked.entra == EntraTokens::All || identity.kind() == CallerKind::App);
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

/// A key made for this run, published under four names: `k1` signs for every tenant, `k-other` for another one,
/// `k-bare` does not say for whom, and `d1` is the door's own.
struct Keys {
    pair: KeyPair,
    ring: KeyRing,
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
        let entra = KeySet::parse(format!(r#"{{"keys":[{}]}}"#, listed.join(",")).into()).unwrap();
        let door = KeySet::of_door(format!(r#"{{"keys":[{}]}}"#, key("d1", "")).into()).unwrap();
        Keys { pair, ring: KeyRing { door: door.into(), entra: entra.into() } }
    })
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
