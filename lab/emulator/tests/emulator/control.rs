use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use doorward_emulator::{Clock, Emulator, EmulatorError, Fault, MintRequest, Options, Seed};
use doorward_types::Timestamp;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::{Value, json};

use crate::support::{CONTOSO, Lab, NOON, part};

fn options(data_dir: Option<&Path>, listen: &str) -> Options {
    Options {
        seed: Seed::contoso().unwrap(),
        listen: listen.parse().unwrap(),
        data_dir: data_dir.map(Path::to_owned),
        clock: Clock::manual(Timestamp::from_secs(NOON)),
    }
}

// control: D-19: the emulator cannot be reached from another machine.
#[tokio::test]
async fn addresses_that_others_can_reach_are_refused() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.0.0.1:443", "[2001:db8::1]:0"] {
        let refused = Emulator::start(options(None, address)).await.err().unwrap();
        assert!(matches!(refused, EmulatorError::NotLoopback(_)), "{address}: {refused}");
    }
}

// control: D-19: keys are for their owner's eyes, last a week at most and are taken up again by the next run.
#[tokio::test]
async fn what_is_kept_is_kept_closed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("lab");
    let lab = Lab::with(options(Some(&data), "127.0.0.1:0")).await;
    let (ca, kid) = (lab.running.ca_pem.clone(), lab.control().signing_kid().unwrap());
    assert_eq!(std::fs::read_to_string(lab.running.ca_file.as_ref().unwrap()).unwrap(), ca);
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    for name in ["ca.pem", "ca.key.pem", "signing.key.der", "lab.json", "door.cert.pem", "door.key.pem"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
    let word: Value = serde_json::from_slice(&std::fs::read(data.join("lab.json")).unwrap()).unwrap();
    assert_eq!(
        (&word["authority"], &word["control_key"]),
        (&json!(lab.running.authority), &json!(lab.control().key()))
    );
    lab.running.stop().await;

    let again = Lab::with(options(Some(&data), "127.0.0.1:0")).await;
    assert_eq!((&again.running.ca_pem, &again.control().signing_kid().unwrap()), (&ca, &kid));
    assert_eq!(again.get("/_lab/health").await.status, 200, "the certificate kept still vouches");
    again.running.stop().await;

    // A week later, or readable by others: nothing of it is taken up.
    let old = SystemTime::now() - Duration::from_secs(7 * 24 * 3600);
    for entry in std::fs::read_dir(&data).unwrap() {
        let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(old).unwrap();
    }
    let later = Lab::with(options(Some(&data), "127.0.0.1:0")).await;
    assert_ne!(later.running.ca_pem, ca);
    assert_ne!(later.control().signing_kid().unwrap(), kid);
}

// control: D-19: whoever steals the lab's authority can imitate loopback and nothing else.
#[tokio::test]
async fn the_authority_vouches_for_loopback_alone() {
    let folder = tempfile::tempdir().unwrap();
    let running = Emulator::start(options(Some(folder.path()), "127.0.0.1:0")).await.unwrap();
    let stolen =
        KeyPair::from_pem(&std::fs::read_to_string(folder.path().join("ca.key.pem")).unwrap()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&running.ca_pem, stolen).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(running.ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let verdict = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(certificate.der(), &[], &name, &[], UnixTime::now())
    };
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert!(verdict(name).is_ok(), "{name}");
    }
    for name in ["login.microsoftonline.com", "127.0.0.2", "10.0.0.1", "localhost.evil.example", "::2"] {
        assert!(verdict(name).is_err(), "{name}");
    }
}

// control: D-19: the lab's certificates are worthless after a week.
#[tokio::test]
async fn certificates_end_within_a_week() {
    let lab = Lab::start().await;
    let ca = CertificateDer::from_pem_slice(lab.running.ca_pem.as_bytes()).unwrap();
    let week = SystemTime::now() + Duration::from_secs(7 * 24 * 3600);
    // 2026-11-27T12:00:00.000000Z as DER's UTCTime writes it: 261127120000Z.
    let digits: String = Timestamp::from(week).to_string().chars().filter(char::is_ascii_digit).collect();
    let latest = format!("{}Z", &digits[2..14]);
    for certificate in [ca, lab.served().await] {
        let times: Vec<&[u8]> = certificate
            .windows(15)
            // The two bytes alone also occur in keys and signatures by chance.
            .filter(|window| window.starts_with(&[0x17, 13]) && window.ends_with(b"Z"))
            .filter(|window| window[2..14].iter().all(u8::is_ascii_digit))
            .map(|time| &time[2..])
            .collect();
        assert_eq!(times.len(), 2, "not before and not after");
        assert!(times[1] <= latest.as_bytes(), "{:?} {latest}", std::str::from_utf8(times[1]));
    }
}

// control: D-19: a web page that makes a browser call loopback cannot drive the lab.
#[tokio::test]
async fn the_control_interface_asks_for_its_key() {
    let lab = Lab::start().await;
    assert_eq!(lab.get("/_lab/health").await.json()["not_for_production"], true);
    assert_eq!(lab.get("/_lab/ca.pem").await.body, lab.running.ca_pem);
    for (method, path) in [
        ("GET", "/_lab/clock"),
        ("POST", "/_lab/clock"),
        ("GET", "/_lab/transcript"),
        ("POST", "/_lab/token"),
        ("POST", "/_lab/faults"),
        ("POST", "/_lab/keys/rollover"),
        ("POST", "/_lab/users/alice/disable"),
        ("POST", "/_lab/devices/X/approve/alice"),
        ("POST", "/_lab/workload-token"),
        ("GET", "/_lab/seed"),
    ] {
        for key in ["", "wrong"] {
            let answer = lab.send(method, path, &[("x-lab-control-key", key)], "{}").await;
            assert_eq!(answer.status, 401, "{method} {path} {key}");
        }
    }
}

#[tokio::test]
async fn everything_can_be_driven_over_http() {
    let lab = Lab::start().await;
    let key = lab.control().key().to_owned();
    let headers = [("x-lab-control-key", key.as_str())];
    let asked = json!({ "subject": { "user": "alice" }, "groups": "overage", "scopes": ["tools.read"] });
    let token = lab.post_json("/_lab/token", &headers, &asked).await.json();
    let claims = part(token["access_token"].as_str().unwrap(), 1);
    assert_eq!((&claims["scp"], &claims["_claim_names"]["groups"]), (&json!("tools.read"), &json!("src1")));
    let unknown = lab.post_json("/_lab/token", &headers, &json!({ "subject": { "app": "x" } })).await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["error"].is_string()), (404, true));

    let clock = lab.post_json("/_lab/clock", &headers, &json!({ "set": 1000, "advance": 5 })).await.json();
    assert_eq!(clock["seconds"], 1005);
    let fault = json!({ "kind": "jwks-down", "times": 1 });
    assert_eq!(lab.post_json("/_lab/faults", &headers, &fault).await.status, 204);
    assert_eq!(lab.send("GET", "/_lab/faults", &headers, "").await.json(), json!([fault]));
    assert_eq!(lab.get(&format!("/{CONTOSO}/discovery/v2.0/keys")).await.status, 503);
    let before = lab.control().signing_kid().unwrap();
    let rolled = lab.post_json("/_lab/keys/rollover", &headers, &json!({})).await.json();
    assert_ne!(rolled["kid"], before.as_str());
    lab.post_json("/_lab/token-lifetime", &headers, &json!({ "seconds": 2 })).await;
    let token = lab.control().mint(&MintRequest::user("alice")).unwrap();
    assert_eq!(part(&token, 1)["exp"], 1007);
    let seed = lab.send("GET", "/_lab/seed", &headers, "").await;
    assert!(
        seed.body.contains("alice") && !seed.body.contains("correct-horse") && !seed.body.contains("secret")
    );
    assert_eq!(lab.send("POST", "/_lab/users/alice/disable", &headers, "").await.status, 204);
    assert_eq!(lab.send("POST", "/_lab/users/nobody/revoke", &headers, "").await.status, 404);
    let workload = lab.post_json("/_lab/workload-token", &headers, &json!({ "subject": "s" })).await.json();
    assert_eq!(part(workload["token"].as_str().unwrap(), 1)["sub"], "s");
}

#[tokio::test]
async fn the_transcript_holds_what_arrived() {
    let lab = Lab::start().await;
    let path = format!("/{CONTOSO}/oauth2/v2.0/token");
    lab.post(&format!("{path}?x=1"), &[("grant_type", "a b")], &[("X-Odd", "one"), ("x-odd", "two")]).await;
    lab.get("/_lab/health").await;
    let transcript = lab.control().transcript();
    assert_eq!(transcript.len(), 1, "the control interface's own requests are left out");
    let entry = &transcript[0];
    assert_eq!(
        (entry.method.as_str(), entry.path.as_str(), entry.query.as_str()),
        ("POST", path.as_str(), "x=1")
    );
    assert_eq!((entry.body.as_str(), entry.headers["x-odd"].as_str()), ("grant_type=a%20b", "one, two"));
    lab.control().clear_transcript();
    assert!(lab.control().transcript().is_empty());
}

#[tokio::test]
async fn a_body_beyond_all_reason_is_refused() {
    let lab = Lab::start().await;
    let path = format!("/{CONTOSO}/oauth2/v2.0/token");
    let answer = lab.send("POST", &path, &[], &"x".repeat((1 << 20) + 1)).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn a_delay_is_for_its_path_and_is_spent() {
    let lab = Lab::start().await;
    let fault = Fault::Slow { times: 1, path: format!("/{CONTOSO}/discovery"), milliseconds: 1 };
    lab.control().fault(fault);
    let key = lab.control().key().to_owned();
    let headers = [("x-lab-control-key", key.as_str())];
    lab.get(&format!("/{CONTOSO}/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(lab.send("GET", "/_lab/faults", &headers, "").await.json().as_array().unwrap().len(), 1);
    assert_eq!(lab.get(&format!("/{CONTOSO}/discovery/v2.0/keys")).await.status, 200);
    assert_eq!(lab.send("GET", "/_lab/faults", &headers, "").await.json(), json!([]));
}

#[tokio::test]
async fn lifetimes_are_random_unless_the_clock_is_held() {
    let options = Options { clock: Clock::system(), ..options(None, "127.0.0.1:0") };
    let lab = Lab::with(options).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let token = lab.control().mint(&MintRequest::user("alice")).unwrap();
        let lifetime = part(&token, 1)["exp"].as_i64().unwrap() - lab.control().now().as_secs();
        assert!((3595..=5400).contains(&lifetime), "{lifetime}");
        seen.insert(lifetime);
    }
    assert!(seen.len() > 1, "{seen:?}");
}

#[tokio::test]
async fn stopping_ends_idle_connections_too() {
    let lab = Lab::start().await;
    let address = lab.running.authority.trim_start_matches("https://").to_owned();
    let silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    lab.running.stop().await;
    assert!(tokio::net::TcpStream::connect(&address).await.is_err(), "nobody listens any more");
    drop(silent);
}
