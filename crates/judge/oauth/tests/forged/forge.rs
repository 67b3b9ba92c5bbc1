//! Makes tokens, good and bad. Written apart from the code under test: it signs, it never verifies.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use doorward_oauth::{Audience, Cloud, DoorExpectation, EntraTokens, Expectation, KeyRing, KeySet, Tenants};
use doorward_types::{ClientId, TenantId, Timestamp};

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(crate) const OTHER_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
pub(crate) const APP: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const SIBLING: &str = "11111111-2222-3333-4444-666666666666";
pub(crate) const CLIENT: &str = "aebc6443-996d-45c2-90f0-388ff96faa56";
pub(crate) const PERSON: &str = "00000000-0000-0000-aaaa-000000000001";
pub(crate) const GROUP: &str = "00000000-0000-0000-bbbb-000000000001";
pub(crate) const ISSUER: &str = "https://mcp.contoso.com";
pub(crate) const RESOURCE: &str = "https://mcp.contoso.com/crm/mcp";
pub(crate) const OWN_CLIENT: &str = "https://vscode.dev/oauth/client-metadata.json";
pub(crate) const SID: &str = "000102030405060708090a0b0c0d0e0f";
pub(crate) const NONCE: &str = "n-0S6";
pub(crate) const URI: &str = "api://crm";
/// 2026-11-20T12:00:00Z
pub(crate) const NOW: i64 = 1_795_176_000;

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_secs(NOW)
}

/// A person's token of the app `APP` in `TENANT`, scope `tools.read`; v1 too; skew one minute.
pub(crate) fn expectation() -> Expectation {
    Expectation {
        cloud: Cloud::named("public").unwrap(),
        tenants: Tenants::One(TenantId::parse(TENANT).unwrap()),
        audience: Audience { client_id: ClientId::parse(APP).unwrap(), app_id_uris: vec![URI.to_owned()] },
        required_scope: vec!["tools.read".to_owned()],
        required_role: vec![],
        allow_app_only: false,
        skew: Duration::from_secs(60),
        accept_v1: true,
        door: None,
        entra: EntraTokens::All,
    }
}

pub(crate) fn with(change: impl FnOnce(&mut Expectation)) -> Expectation {
    let mut expectation = expectation();
    change(&mut expectation);
    expectation
}

/// Members of a JSON object in order; nothing stops a name from occurring twice.
#[derive(Clone)]
pub(crate) struct Object(Vec<(String, String)>);

impl Object {
    pub(crate) fn new<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        Self(members.into_iter().map(|(name, raw)| (name.to_owned(), raw)).collect())
    }

    /// Replaces or appends a member by raw JSON.
    pub(crate) fn set(mut self, name: &str, raw: impl ToString) -> Self {
        match self.0.iter_mut().find(|member| member.0 == name) {
            Some(member) => member.1 = raw.to_string(),
            None => self.0.push((name.to_owned(), raw.to_string())),
        }
        self
    }

    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        self.set(name, json(text))
    }

    /// Appends a member even if the name is there already. `name` is written as it is, escapes included.
    pub(crate) fn again(mut self, name: &str, raw: &str) -> Self {
        self.0.push((name.to_owned(), raw.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|member| member.0 != name);
        self
    }

    pub(crate) fn render(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(name, raw)| format!("\"{name}\":{raw}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

pub(crate) fn json(text: &str) -> String {
    format!("\"{text}\"")
}

pub(crate) fn header() -> Object {
    Object::new([("typ", json("JWT")), ("alg", json("RS256")), ("kid", json("k1"))])
}

pub(crate) fn v2() -> Object {
    Object::new([
        ("aud", json(APP)),
        ("iss", json(&format!("https://login.microsoftonline.com/{TENANT}/v2.0"))),
        ("iat", (NOW - 300).to_string()),
        ("nbf", (NOW - 300).to_string()),
        ("exp", (NOW + 3600).to_string()),
        ("azp", json(CLIENT)),
        ("azpacr", json("0")),
        ("oid", json(PERSON)),
        ("scp", json("tools.read mcp.access")),
        ("roles", format!("[{}]", json("Reader"))),
        ("groups", format!("[{}]", json(GROUP))),
        ("sub", json("pairwise")),
        ("tid", json(TENANT)),
        ("uti", json("AbCdEf")),
        ("ver", json("2.0")),
        ("xms_cc", format!("[{}]", json("cp1"))),
    ])
}

pub(crate) fn v1() -> Object {
    v2().text("ver", "1.0")
        .text("iss", &format!("https://sts.windows.net/{TENANT}/"))
        .text("aud", URI)
        .without("azp")
        .without("azpacr")
        .text("appid", CLIENT)
        .text("appidacr", "0")
}

pub(crate) fn own_header() -> Object {
    Object::new([("typ", json("at+jwt")), ("alg", json("RS256")), ("kid", json("d1"))])
}

/// A person's token of the door's own, with all that such a token may say.
pub(crate) fn own() -> Object {
    Object::new([
        ("iss", json(ISSUER)),
        ("sub", json(&format!("{TENANT}.{PERSON}"))),
        ("aud", json(RESOURCE)),
        ("exp", (NOW + 300).to_string()),
        ("iat", NOW.to_string()),
        ("nbf", NOW.to_string()),
        ("jti", json("AbCdEf")),
        ("client_id", json(OWN_CLIENT)),
        ("tid", json(TENANT)),
        ("oid", json(PERSON)),
        ("ep", "7".to_owned()),
        ("scope", json("tools.read tools.write")),
        ("sid", json(SID)),
        ("roles", format!("[{}]", json("Reader"))),
        ("groups", format!("[{}]", json(GROUP))),
        ("auth_time", (NOW - 60).to_string()),
    ])
}

/// The token of a machine that signed in at the door.
pub(crate) fn own_app() -> Object {
    own()
        .without("scope")
        .without("sid")
        .without("groups")
        .without("auth_time")
        .text("idtyp", "app")
        .set("roles", "[\"Service\"]")
}

/// A server of a door that is an authorization server: nobody comes with tokens of Entra's.
pub(crate) fn own_expectation() -> Expectation {
    with(|e| {
        e.entra = EntraTokens::None;
        e.door = Some(DoorExpectation {
            issuer: ISSUER.to_owned(),
            audience: RESOURCE.to_owned(),
            required_scope: vec!["tools.read".to_owned()],
        });
    })
}

/// An application's own token with the role `Service`.
pub(crate) fn app_only() -> Object {
    v2().without("scp").without("groups").text("idtyp", "app").set("roles", "[\"Service\"]")
}

/// What Entra gives a client to learn who signed in.
pub(crate) fn id_token() -> Object {
    v2().without("azp")
        .without("azpacr")
        .without("scp")
        .text("nonce", NONCE)
        .text("name", "Alice A.")
        .text("preferred_username", "a@contoso.com")
}

/// The published keys, the door's own and those of a thief.
pub(crate) struct Keys {
    pub(crate) ours: KeyPair,
    pub(crate) thief: KeyPair,
    pub(crate) door: KeyPair,
    pub(crate) published: KeySet,
}

impl Keys {
    /// `k1` signs for every tenant, `k-other` for another one, `k-bare` says not for whom.
    pub(crate) fn generate() -> Self {
        let [ours, thief, door] = ["ours", "thief", "door"].map(kept);
        let every = "\"https://login.microsoftonline.com/{tenantid}/v2.0\"";
        let other = format!("\"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0\"");
        let document = format!(
            "{{\"keys\":[{},{},{}]}}",
            jwk(&ours, "k1").set("issuer", every).render(),
            jwk(&ours, "k-other").set("issuer", other).render(),
            jwk(&ours, "k-bare").render(),
        );
        Self { ours, thief, door, published: KeySet::parse(document.into()).unwrap() }
    }

    /// Entra's keys and the door's own, which is published as `d1`.
    pub(crate) fn ring(self) -> (Self, KeyRing) {
        let own = format!("{{\"keys\":[{}]}}", jwk(&self.door, "d1").render());
        let ring =
            KeyRing { door: KeySet::of_door(own.into()).unwrap().into(), entra: Arc::new(self.published) };
        (Self { published: KeySet::default(), ..self }, ring)
    }

    /// Signs a token as the door would.
    pub(crate) fn own(&self, claims: &Object) -> String {
        sign(&self.door, &own_header().render(), &claims.render())
    }

    /// Signs a token as Entra would.
    pub(crate) fn token(&self, header: &Object, claims: &Object) -> String {
        sign(&self.ours, &header.render(), &claims.render())
    }

    pub(crate) fn good(&self, claims: &Object) -> String {
        self.token(&header(), claims)
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.ours.public_key().as_der().unwrap().as_ref().to_vec()
    }

    pub(crate) fn pem(&self) -> String {
        let body = STANDARD.encode(self.der());
        let lines: Vec<&str> =
            body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
}

/// A key that an earlier test of this build made, or a new one for later tests: making three took longer than the tests do.
#[expect(clippy::disallowed_methods, reason = "a test may leave a file; the crate may not")]
fn kept(name: &str) -> KeyPair {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join(format!("forged-{name}.der"));
    if let Some(key) = std::fs::read(&path).ok().and_then(|der| KeyPair::from_pkcs8(&der).ok()) {
        return key;
    }
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let draft = folder.join(format!("forged-{name}.{}", std::process::id()));
    std::fs::write(&draft, key.as_der().unwrap().as_ref()).unwrap();
    // It appears whole; whoever comes second replaces it, and both go on with their own.
    std::fs::rename(&draft, &path).unwrap();
    key
}

pub(crate) fn sign(key: &KeyPair, header: &str, claims: &str) -> String {
    sign_as(key, &RSA_PKCS1_SHA256, &format!("{}.{}", b64(header), b64(claims)))
}

pub(crate) fn sign_as(key: &KeyPair, padding: &'static dyn RsaEncoding, signed: &str) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", b64(signature))
}

pub(crate) fn jwk(key: &KeyPair, kid: &str) -> Object {
    let (n, e) = components(key);
    Object::new([
        ("kty", json("RSA")),
        ("use", json("sig")),
        ("kid", json(kid)),
        ("x5t", json(kid)),
        ("n", json(&b64(n))),
        ("e", json(&b64(e))),
        ("x5c", "[\"MIIC\"]".to_owned()),
    ])
}

/// Takes modulus and exponent out of the key's DER (RFC 8017: a sequence of two integers).
pub(crate) fn components(key: &KeyPair) -> (Vec<u8>, Vec<u8>) {
    let (sequence, _) = element(key.public_key().as_ref());
    let (modulus, rest) = element(sequence);
    let (exponent, _) = element(rest);
    let unsigned = |bytes: &[u8]| bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec();
    (unsigned(modulus), unsigned(exponent))
}

fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, start) = match der[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let octets = usize::from(long & 0x7f);
            (der[2..2 + octets].iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), 2 + octets)
        }
    };
    der[start..].split_at(length)
}
