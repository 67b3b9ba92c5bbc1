//! The keys that tokens are signed with: RSA 2048, published with a certificate, rolled over on demand.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DnType, PKCS_RSA_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};

use crate::EmulatorError;

/// Keys and certificates of the lab are worthless after this long.
pub(crate) const VALID_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// An RSA key with a self-signed certificate around it.
pub(crate) struct SigningKey {
    pair: KeyPair,
    /// Base64url of the certificate's SHA-1, which Entra uses as `kid` and as `x5t`.
    pub(crate) kid: String,
    certificate: Vec<u8>,
    pkcs8: Vec<u8>,
}

impl SigningKey {
    /// Makes a new key and its certificate.
    pub(crate) fn generate(common_name: &str) -> Result<Self, EmulatorError> {
        let pair =
            KeyPair::generate(KeySize::Rsa2048).map_err(|_| EmulatorError::Crypto("no RSA key was made"))?;
        let pkcs8 = pair.as_der().map_err(|_| EmulatorError::Crypto("the RSA key cannot be encoded"))?;
        let pkcs8 = pkcs8.as_ref().to_vec();
        let certificate = self_signed(common_name, &pkcs8)?;
        Ok(Self { pair, kid: thumbprint(&certificate), certificate, pkcs8 })
    }

    /// Takes up a key that was kept in the data folder.
    pub(crate) fn restore(pkcs8: Vec<u8>, certificate: Vec<u8>) -> Result<Self, EmulatorError> {
        let pair =
            KeyPair::from_pkcs8(&pkcs8).map_err(|_| EmulatorError::Crypto("the kept RSA key is damaged"))?;
        Ok(Self { pair, kid: thumbprint(&certificate), certificate, pkcs8 })
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256, JOSE's RS256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, EmulatorError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| EmulatorError::Crypto("signing failed"))?;
        Ok(signature)
    }

    /// Returns the public half.
    pub(crate) fn public(&self) -> RsaPublic {
        let key = self.pair.public_key();
        RsaPublic {
            n: key.modulus().big_endian_without_leading_zero().to_vec(),
            e: key.exponent().big_endian_without_leading_zero().to_vec(),
        }
    }

    /// Returns the certificate, DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Returns the private key, PKCS#8 DER.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Returns the certificate and the private key as PEM.
    pub(crate) fn pem(&self) -> (String, String) {
        (pem("CERTIFICATE", &self.certificate), pem("PRIVATE KEY", &self.pkcs8))
    }

    /// Returns the key's entry in a key set; `issuer` may hold `{tenantid}`.
    fn jwk(&self, issuer: &str) -> Value {
        let public = self.public();
        json!({
            "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid,
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
            "x5c": [STANDARD.encode(&self.certificate)],
            "cloud_instance_name": "localhost", "issuer": issuer,
        })
    }
}

/// The public half of an RSA key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RsaPublic {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
}

impl RsaPublic {
    /// Verifies a signature made by `params`.
    pub(crate) fn verifies(
        &self,
        params: &aws_lc_rs::signature::RsaParameters,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        PublicKeyComponents { n: &self.n, e: &self.e }.verify(params, message, signature).is_ok()
    }
}

/// The keys in use: the last one signs, the earlier ones are still published.
pub(crate) struct KeyRing(Vec<Arc<SigningKey>>);

impl KeyRing {
    pub(crate) fn new(first: SigningKey) -> Self {
        Self(vec![Arc::new(first)])
    }

    /// Adds a new signing key; the old ones stay published.
    pub(crate) fn roll_over(&mut self) -> Result<(), EmulatorError> {
        self.0.push(Arc::new(SigningKey::generate("signing")?));
        Ok(())
    }

    /// Withdraws every key but the one that signs, as in an emergency.
    pub(crate) fn remove_old(&mut self) {
        self.0.drain(..self.0.len().saturating_sub(1));
    }

    /// Returns the key that signs.
    pub(crate) fn current(&self) -> Result<Arc<SigningKey>, EmulatorError> {
        self.0.last().cloned().ok_or(EmulatorError::Crypto("there is no signing key"))
    }

    /// Finds a published key.
    pub(crate) fn find(&self, kid: &str) -> Option<Arc<SigningKey>> {
        self.0.iter().find(|key| key.kid == kid).cloned()
    }

    /// Returns the key set with an issuer in every entry.
    pub(crate) fn jwks(&self, issuer: &str) -> Value {
        json!({ "keys": self.0.iter().map(|key| key.jwk(issuer)).collect::<Vec<_>>() })
    }
}

/// Returns base64url of the SHA-1 and of the SHA-256 of a certificate: `x5t` and `x5t#S256`.
pub(crate) fn thumbprints(certificate: &[u8]) -> [String; 2] {
    [&SHA1_FOR_LEGACY_USE_ONLY, &SHA256].map(|hash| URL_SAFE_NO_PAD.encode(digest(hash, certificate)))
}

fn thumbprint(certificate: &[u8]) -> String {
    let [sha1, _] = thumbprints(certificate);
    sha1
}

/// Wraps DER in PEM (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (at, character) in STANDARD.encode(der).chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

fn self_signed(common_name: &str, pkcs8: &[u8]) -> Result<Vec<u8>, EmulatorError> {
    let key =
        rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_RSA_SHA256)
            .map_err(EmulatorError::certificate)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = SystemTime::now();
    params.not_before = now.into();
    params.not_after = (now + VALID_FOR).into();
    let made = params.self_signed(&key).map_err(EmulatorError::certificate)?;
    Ok(made.der().to_vec())
}
