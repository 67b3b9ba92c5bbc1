use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaSignatureEncoding};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Map, Value, json};

use crate::support::{CONTOSO, DOOR, GRAPH, Lab, NOON, changed, part};

const DAEMON: &str = "dae30000-0000-4000-8000-0000000000c4";
const BASE: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", DAEMON),
    ("client_secret", "daemon-secret-for-the-lab"),
    ("scope", "api://d0012000-0000-4000-8000-0000000000d1/.default"),
];
const ASSERTED: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", DOOR),
    ("scope", "https://graph.microsoft.com/.default"),
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
];

#[tokio::test]
async fn a_daemon_gets_a_token_of_its_roles() {
    let lab = Lab::start().await;
    let body = lab.token(&BASE).await.json();
    assert!(body.get("refresh_token").is_none() && body.get("scope").is_none());
    let claims = part(body["access_token"].as_str().unwrap(), 1);
    assert_eq!((&claims["roles"], &claims["idtyp"]), (&json!(["Service"]), &json!("app")));
    assert_eq!((&claims["azp"], &claims["azpacr"]), (&json!(DAEMON), &json!("1")));
    assert!(claims.get("scp").is_none());
    let idle =
        [("client_id", "1d1e0000-0000-4000-8000-0000000000c5"), ("client_secret", "idle-secret-for-the-lab")];
    let idle = lab.token(&changed(&BASE, &idle)).await.json();
    let claims = part(idle["access_token"].as_str().unwrap(), 1);
    assert!(claims.get("roles").is_none(), "without a role Entra still gives a token");

    let encoded = STANDARD.encode(format!("{DAEMON}:daemon-secret-for-the-lab"));
    let basic = changed(&BASE, &[("client_id", ""), ("client_secret", "")]);
    let path = format!("/{CONTOSO}/oauth2/v2.0/token");
    let answer = lab.post(&path, &basic, &[("authorization", &format!("Basic {encoded}"))]).await;
    assert_eq!(answer.status, 200, "HTTP Basic is taken too");
}

#[tokio::test]
async fn daemons_are_refused_for_every_wrong_circumstance() {
    let lab = Lab::start().await;
    let expired = vec![("client_id", DOOR), ("client_secret", "door-secret-that-expired")];
    let retired = vec![
        ("client_id", "2e712ed0-0000-4000-8000-0000000000c6"),
        ("client_secret", "retired-secret-for-the-lab"),
    ];
    let public = vec![("client_id", "aebc6443-996d-45c2-90f0-388ff96faa56"), ("client_secret", "")];
    let public_with_secret = vec![("client_id", "aebc6443-996d-45c2-90f0-388ff96faa56")];
    let door_scope = "api://d0012000-0000-4000-8000-0000000000d1/mcp.access";
    for (what, changes, status, error, code) in [
        ("wrong secret", vec![("client_secret", "x")], 401, "invalid_client", 7_000_215),
        ("no secret", vec![("client_secret", "")], 401, "invalid_client", 7_000_218),
        ("expired secret", expired, 401, "invalid_client", 7_000_222),
        ("disabled", retired, 400, "unauthorized_client", 7_000_112),
        ("unknown", vec![("client_id", "x")], 400, "unauthorized_client", 700_016),
        ("public", public, 401, "invalid_client", 7_000_216),
        ("public with a secret", public_with_secret, 401, "invalid_client", 700_025),
        ("secret and assertion", vec![("client_assertion", "x")], 400, "invalid_request", 9_002_313),
        ("no scope", vec![("scope", "")], 400, "invalid_request", 900_144),
        ("a named scope", vec![("scope", door_scope)], 400, "invalid_scope", 1_002_012),
        ("unknown API", vec![("scope", "api://x/.default")], 400, "invalid_resource", 500_011),
        (
            "not assigned",
            vec![("scope", "api://vault.contoso.example/.default")],
            400,
            "invalid_grant",
            501_051,
        ),
        ("other resource", vec![("resource", "https://x.example")], 400, "invalid_target", 9_010_010),
    ] {
        lab.token(&changed(&BASE, &changes)).await.refused(what, status, error, code);
    }
    let common = lab.post("/common/oauth2/v2.0/token", &BASE, &[]).await;
    common.refused("no tenant", 400, "invalid_request", 50_059);
}

/// A client's own signer, written here and not shared with the emulator.
struct Signer {
    key: KeyPair,
    certificate: Vec<u8>,
}

impl Signer {
    fn of(lab: &Lab) -> Self {
        let (certificate, key) = lab.control().client_certificate("door").unwrap();
        let key = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap();
        Self {
            key: KeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap(),
            certificate: CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap().to_vec(),
        }
    }

    fn assertion(&self, header: &Value, claims: &Value, encoding: &'static RsaSignatureEncoding) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sha256(&self) -> String {
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.certificate))
    }

    fn sha1(&self) -> String {
        let sha1 = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
        URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(sha1, &self.certificate))
    }
}

#[tokio::test]
async fn a_certificate_proves_a_client_and_every_flaw_is_found() {
    let lab = Lab::start().await;
    let signer = Signer::of(&lab);
    let audience = lab.url(&format!("/{CONTOSO}/oauth2/v2.0/token"));
    let good =
        json!({ "aud": audience, "iss": DOOR, "sub": DOOR, "jti": "1", "nbf": NOON, "exp": NOON + 600 });
    let ps256 = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": signer.sha256() });
    let rs256 = json!({ "alg": "RS256", "typ": "JWT", "x5t": signer.sha1() });
    for (header, encoding) in [(&ps256, &RSA_PSS_SHA256), (&rs256, &RSA_PKCS1_SHA256)] {
        let assertion = signer.assertion(header, &good, encoding);
        let body = lab.token(&[&ASSERTED[..], &[("client_assertion", &assertion)]].concat()).await.json();
        let claims = part(body["access_token"].as_str().unwrap(), 1);
        assert_eq!((&claims["aud"], &claims["appidacr"]), (&json!(GRAPH), &json!("2")));
        assert_eq!(claims["roles"], json!(["GroupMember.Read.All", "Application.Read.All"]));
    }
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signer.assertion(&ps256, &claims, &RSA_PSS_SHA256)
    };
    let wrong_alg = json!({ "alg": "RS256", "x5t#S256": signer.sha256() });
    let unknown = json!({ "alg": "PS256", "x5t#S256": "unknown" });
    let none = json!({ "alg": "none", "x5t#S256": signer.sha256() });
    let mut tampered = signer.assertion(&ps256, &good, &RSA_PSS_SHA256);
    tampered.replace_range(tampered.len() - 8.., "AAAAAAAA");
    for (what, assertion, code) in [
        ("no token at all", String::from("x"), 50_027),
        ("algorithm and signature differ", signer.assertion(&wrong_alg, &good, &RSA_PSS_SHA256), 700_027),
        ("none", signer.assertion(&none, &good, &RSA_PSS_SHA256), 700_027),
        ("unknown certificate", signer.assertion(&unknown, &good, &RSA_PSS_SHA256), 700_027),
        ("tampered", tampered, 700_027),
        ("sub", with("sub", json!("x")), 700_021),
        ("aud", with("aud", json!("https://login.microsoftonline.com/x/v2.0")), 700_023),
        ("aud of another tenant", with("aud", json!(lab.url("/fabrikam.onmicrosoft.com/v2.0"))), 700_023),
        ("expired", with("exp", json!(NOON - 301)), 700_024),
        ("endless", with("exp", Value::Null), 700_024),
        ("not yet", with("nbf", json!(NOON + 301)), 700_024),
        ("no jti", with("jti", Value::Null), 700_027),
        ("foreign issuer", with("iss", json!("https://x.example")), 700_211),
    ] {
        let answer = lab.token(&[&ASSERTED[..], &[("client_assertion", &assertion)]].concat()).await;
        answer.refused(what, 401, "invalid_client", code);
    }
    let typed = changed(&ASSERTED, &[("client_assertion_type", "x"), ("client_assertion", "x.y.z")]);
    lab.token(&typed).await.refused("type", 400, "invalid_request", 90_023);
}

#[tokio::test]
async fn a_federated_credential_matches_letter_for_letter() {
    let lab = Lab::start().await;
    let subject = "system:serviceaccount:doorward:gateway";
    let token = |subject: &str, claims: Value| {
        let over: Map<String, Value> = claims.as_object().unwrap().clone();
        lab.control().workload_token(subject, &over).unwrap()
    };
    let good = token(subject, json!({}));
    let body = lab.token(&[&ASSERTED[..], &[("client_assertion", &good)]].concat()).await.json();
    assert!(body["access_token"].is_string(), "{body}");
    for (what, assertion, code) in [
        ("issuer", token(subject, json!({ "iss": lab.url("/Workload") })), 700_211),
        ("audience", token(subject, json!({ "aud": "api://azureadtokenexchange" })), 700_212),
        ("subject", token("system:serviceaccount:doorward:Gateway", json!({})), 700_213),
        ("expired", token(subject, json!({ "exp": NOON - 301 })), 700_024),
        ("signature", format!("{}AAAA", &good[..good.len() - 4]), 50_013),
    ] {
        let answer = lab.token(&[&ASSERTED[..], &[("client_assertion", &assertion)]].concat()).await;
        answer.refused(what, 401, "invalid_client", code);
    }
}
