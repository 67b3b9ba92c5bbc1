//! The Ed25519 key of the checkpoints, in the forms other tools read: PKCS#8 and SPKI in PEM.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::encode::hex;
use crate::keys::{KeyError, files};

/// What every SPKI of an Ed25519 key begins with (RFC 8410 section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Keeps a signature made here from meaning anything elsewhere, and one made elsewhere from meaning anything here.
const DOMAIN: &[u8] = b"doorward audit checkpoint 1\n";

/// The key that verifies checkpoints. It is no secret: give it to whoever audits the log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes the key's 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a PEM file, as written beside the signing key.
    ///
    /// # Errors
    /// [`KeyError`] if it cannot be read or is no Ed25519 public key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(KeyError::io("read", path))?;
        Self::from_pem(&text)
            .ok_or(KeyError::Malformed { path: path.into(), what: "an Ed25519 public key in PEM" })
    }

    /// Parses PEM (`BEGIN PUBLIC KEY`).
    pub fn from_pem(text: &str) -> Option<Self> {
        let der = unpem(text, "PUBLIC KEY")?;
        der.strip_prefix(&SPKI)?.try_into().ok().map(Self)
    }

    /// Writes PEM (`BEGIN PUBLIC KEY`).
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &[SPKI.as_slice(), &self.0].concat())
    }

    /// Returns the key's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the name checkpoints give it: the first 64 bits of its SHA-256, in hexadecimal.
    pub fn id(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.0);
        let mut text = Vec::with_capacity(16);
        hex(&mut text, digest.as_ref().get(..8).unwrap_or_default());
        String::from_utf8(text).unwrap_or_default()
    }

    /// True if this key signed `signed` as a checkpoint.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        self.verifies_message(&[DOMAIN, signed].concat(), signature)
    }

    /// True if this key signed `message`. What is signed must say itself what it is for, as the encoding of DSSE does: else a
    /// signature made for one thing would be good for another.
    pub fn verifies_message(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

/// A key that signs: checkpoints, and for those who keep rules their bundles.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// Loads the key from a file that only its owner may read (PKCS#8, PEM), or makes it where that may be.
    ///
    /// # Errors
    /// A [`KeyError`] if it cannot be read or made, or others may read it.
    pub fn load(path: &Path, may_make: bool) -> Result<Self, KeyError> {
        let what = "an Ed25519 key in PKCS#8 PEM";
        let malformed = || KeyError::Malformed { path: path.into(), what };
        let pair = match files::read(path)? {
            Some(content) => {
                let content = Zeroizing::new(content);
                let text = std::str::from_utf8(&content).map_err(|_| malformed())?;
                let der = Zeroizing::new(unpem(text, "PRIVATE KEY").ok_or_else(malformed)?);
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| malformed())?
            }
            None if !may_make => return Err(KeyError::Gone(path.into())),
            None => make(path)?,
        };
        let public = PublicKey(pair.public_key().as_ref().try_into().map_err(|_| malformed())?);
        if !public_path(path).exists() {
            files::replace(&public_path(path), public.to_pem().as_bytes())?;
        }
        Ok(Self { pair, public })
    }

    /// Returns the key that verifies what this one signs.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `text` as a checkpoint.
    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.sign_message(&[DOMAIN, text].concat())
    }

    /// Signs `message`, which must say itself what it is for: see [`PublicKey::verifies_message`].
    pub fn sign_message(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        let made = self.pair.sign(message);
        signature.iter_mut().zip(made.as_ref()).for_each(|(to, from)| *to = *from);
        signature
    }
}

/// Says nothing of the key but its public part's name.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}

/// Where the public key of a signing key lies.
pub(crate) fn public_path(key_file: &Path) -> PathBuf {
    key_file.with_extension("pub")
}

fn make(path: &Path) -> Result<Ed25519KeyPair, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Crypto("make a signing key"))?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Crypto("encode a signing key"))?;
    let text = Zeroizing::new(pem("PRIVATE KEY", der.as_ref()));
    files::replace(path, text.as_bytes())?;
    Ok(pair)
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = format!("-----BEGIN {label}-----\n");
    for (at, character) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text + &format!("\n-----END {label}-----\n")
}

fn unpem(text: &str, label: &str) -> Option<Vec<u8>> {
    let body = text.split_once(&format!("-----BEGIN {label}-----"))?.1;
    let body = body.split_once(&format!("-----END {label}-----"))?.0;
    let body = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
    STANDARD.decode(body.as_bytes()).ok()
}
