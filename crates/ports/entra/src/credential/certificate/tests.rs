use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use bytes::Bytes;
use doorward_wire::{Limits, Tree};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

use super::*;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const APP: &str = "11111111-2222-3333-4444-555555555555";

fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate_for(algorithm).unwrap();
    (CertificateParams::new(vec!["door".to_owned()]).unwrap().self_signed(&key).unwrap(), key)
}

fn assertion(credential: &CertificateCredential) -> String {
    let cloud = Cloud::named("public").unwrap();
    let now = Timestamp::from_secs(1_795_176_000);
    let made = credential.assertion(&cloud, TENANT, &ClientId::parse(APP).unwrap(), now).unwrap();
    made.expose().clone()
}

fn decoded(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

// control: REM-02: a certificate's statement is for one token endpoint, for five minutes, used once, and signed (PS256)
#[test]
fn a_statement_says_who_for_whom_and_how_long() {
    let (certificate, key) = made(&PKCS_RSA_SHA256);
    let credential =
        CertificateCredential::load(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let text = assertion(&credential);
    let [header, claims, signature] = text.split('.').collect::<Vec<_>>()[..] else { panic!("{text}") };

    let thumbprint = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, certificate.der()));
    let expected = format!(r#"{{"alg":"PS256","typ":"JWT","x5t#S256":"{thumbprint}"}}"#);
    assert_eq!(String::from_utf8(decoded(header)).unwrap(), expected);

    let tree = Tree::parse(Bytes::from(decoded(claims)), &Limits::default()).unwrap();
    let text_of = |name: &str| tree.root().get(name).unwrap().as_str().unwrap().into_owned();
    let number = |name: &str| tree.root().get(name).unwrap().as_i64().unwrap();
    assert_eq!(
        text_of("aud"),
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token"
    );
    assert_eq!((text_of("iss"), text_of("sub")), (APP.to_owned(), APP.to_owned()));
    assert_eq!((number("nbf"), number("iat"), number("exp")), (1_795_176_000, 1_795_176_000, 1_795_176_300));
    assert_eq!(tree.root().len(), 7);

    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key_raw());
    public.verify(format!("{header}.{claims}").as_bytes(), &decoded(signature)).unwrap();
    assert!(public.verify(format!("{header}.{header}").as_bytes(), &decoded(signature)).is_err());
    let again = assertion(&credential);
    assert_ne!(again.split('.').nth(1), text.split('.').nth(1), "a jti is used once");
}

// control: REM-02, TOK-07: what cannot sign for the application is refused at the start, and nothing of a key is repeated
#[test]
fn unfit_certificates_and_keys_are_refused() {
    let (certificate, key) = made(&PKCS_RSA_SHA256);
    let (_, other) = made(&PKCS_RSA_SHA256);
    let (small, small_key) = made(&PKCS_ECDSA_P256_SHA256);
    let (pem, key_pem) = (certificate.pem(), key.serialize_pem());
    let encrypted = key_pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let broken = "-----BEGIN PRIVATE KEY-----\naHVzaGh1c2g=\n-----END PRIVATE KEY-----\n".to_owned();
    for (name, pem, key_pem, of_key) in [
        ("no certificate", String::new(), key_pem.clone(), false),
        ("a key for a certificate", key_pem.clone(), key_pem.clone(), false),
        ("no key", pem.clone(), String::new(), true),
        ("a certificate for a key", pem.clone(), pem.clone(), true),
        ("encrypted", pem.clone(), encrypted, true),
        ("not a key", pem.clone(), broken, true),
        ("another's key", pem.clone(), other.serialize_pem(), true),
        ("elliptic", small.pem(), small_key.serialize_pem(), true),
    ] {
        let Err(error) = CertificateCredential::load(pem.as_bytes(), key_pem.as_bytes()) else {
            panic!("{name}")
        };
        assert_eq!(matches!(error, CredentialError::Key(_)), of_key, "{name}: {error}");
        let text = format!("{error} {error:?}");
        let secret = key_pem.lines().filter(|line| line.len() > 10 && !line.starts_with('-'));
        assert!(!secret.into_iter().any(|line| text.contains(line)), "{name}: {text}");
    }
}
