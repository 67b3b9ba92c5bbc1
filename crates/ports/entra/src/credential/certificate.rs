//! A certificate: the door signs a short statement that it is its application. The key never leaves the process, and a
//! statement that was overheard is worth something at one tenant's token endpoint for five minutes.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_oauth::Cloud;
use doorward_types::{ClientId, Secret, Timestamp};
use doorward_wire::quote;
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::CredentialError;

/// How long a statement holds.
const LIFETIME: i64 = 300;

/// A certificate that is registered with the application, and its key.
pub struct CertificateCredential {
    key: CertifiedKey,
    header: String,
}

impl CertificateCredential {
    /// Reads a certificate and its RSA key, both PEM. Of a chain the first certificate counts.
    ///
    /// # Errors
    /// [`CredentialError::Certificate`] and [`CredentialError::Key`]: no PEM, an encrypted or other key than RSA, a key
    /// that belongs to another certificate.
    pub fn load(cert_pem: &[u8], key_pem: &[u8]) -> Result<Self, CredentialError> {
        let leaf = CertificateDer::pem_slice_iter(cert_pem).next();
        let leaf = leaf.and_then(Result::ok).ok_or_else(|| {
            let text = "no certificate in the file; it must begin with -----BEGIN CERTIFICATE-----";
            CredentialError::Certificate(text.to_owned())
        })?;
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| {
            let text = "no unencrypted PKCS#8 or PKCS#1 key in the file; `openssl pkey -in key.pem -out plain.pem` makes one";
            CredentialError::Key(text.to_owned())
        })?;
        let thumbprint = digest::digest(&digest::SHA256, &leaf);
        let header =
            format!(r#"{{"alg":"PS256","typ":"JWT","x5t#S256":"{}"}}"#, URL_SAFE_NO_PAD.encode(thumbprint));
        // Compares the two: a half-finished renewal is found here and not by the first person who signs in.
        let key = CertifiedKey::from_der(vec![leaf], key, &default_provider()).map_err(|error| {
            CredentialError::Key(format!("{error}; certificate and key must belong together"))
        })?;
        if key.key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]).is_none() {
            let text =
                "it is not an RSA key, and Entra takes no other; make a certificate with RSA 2048 or longer";
            return Err(CredentialError::Key(text.to_owned()));
        }
        Ok(Self { key, header })
    }

    /// Signs a statement for one tenant's token endpoint.
    pub(super) fn assertion(
        &self,
        cloud: &Cloud,
        tenant: &str,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Secret<String>, CredentialError> {
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| CredentialError::Signing("the system gives no random bytes"))?;
        let claims = format!(
            r#"{{"aud":{audience},"iss":{client},"sub":{client},"jti":"{id}","nbf":{now},"iat":{now},"exp":{end}}}"#,
            audience = quote(&format!("{}/{tenant}/oauth2/v2.0/token", cloud.authority)),
            client = quote(client_id.as_str()),
            id = URL_SAFE_NO_PAD.encode(id),
            now = now.as_secs(),
            end = now.as_secs().saturating_add(LIFETIME),
        );
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(&self.header), URL_SAFE_NO_PAD.encode(claims));
        let signer = self.key.key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]);
        let signature = signer.and_then(|signer| signer.sign(signed.as_bytes()).ok());
        let signature = signature.ok_or(CredentialError::Signing("the key refuses"))?;
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

#[cfg(test)]
mod tests;
