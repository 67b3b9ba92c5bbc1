//! Signatures of clients: assertions that prove who they are, and proofs that they hold a key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_wire::{Kind, Limits, Tree, Value};

/// The longest assertion or proof that is looked at, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// The exponent of every key that is taken. With an exponent of 1, every message would be its own signature.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// Members of a key that only its owner may know. Whoever sends one has lost the key.
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The algorithms a client may sign with. None is symmetric, and `none` is not among them.
pub const ALGORITHMS: &[&str] = &["RS256", "PS256", "ES256"];

/// A client's public key.
pub(crate) struct PublicKey {
    pub(crate) kid: Option<String>,
    alg: Option<String>,
    /// RFC 7638, in base64url.
    pub(crate) thumbprint: String,
    key: Material,
}

enum Material {
    Rsa { pkcs1: ParsedPublicKey, pss: ParsedPublicKey },
    P256(ParsedPublicKey),
}

impl PublicKey {
    /// Reads a JWK: RSA of 2048 to 4096 bits, or P-256. `None` for any other, and for one with private members.
    pub(crate) fn read(jwk: Value<'_>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(|value| value.as_str());
        let optional = |name: &str| match jwk.get(name) {
            None => Some(None),
            Some(value) => value.as_str().map(|text| Some(text.into_owned())),
        };
        let number = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?.as_bytes()).ok();
        if PRIVATE.iter().any(|name| jwk.get(name).is_some())
            || optional("use")?.is_some_and(|usage| usage != "sig")
        {
            return None;
        }
        let (key, canonical) = match text("kty")?.as_ref() {
            "RSA" => {
                let (n, e) = (number("n")?, number("e")?);
                // More than 4096 bits would let a stranger choose how long we compute.
                if e != EXPONENT || n.first() == Some(&0) || !(256..=512).contains(&n.len()) {
                    return None;
                }
                let canonical = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, b64(&e), b64(&n));
                let parts = PublicKeyComponents { n, e };
                let pkcs1 = parts.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()?;
                let pss = parts.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256).ok()?;
                (Material::Rsa { pkcs1, pss }, canonical)
            }
            "EC" if text("crv")? == "P-256" => {
                let (x, y) = (number("x")?, number("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                // A point that is not on the curve ends here.
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
                let canonical =
                    format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, b64(&x), b64(&y));
                (Material::P256(key), canonical)
            }
            _ => return None,
        };
        let thumbprint = b64(digest(&SHA256, canonical.as_bytes()).as_ref());
        Some(Self { kid: optional("kid")?, alg: optional("alg")?, thumbprint, key })
    }

    /// Checks a signature. The key's kind must be the algorithm's: there is no way to have one taken for another's.
    fn verifies(&self, alg: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.alg.as_deref().is_some_and(|only| only != alg) {
            return false;
        }
        match (&self.key, alg) {
            (Material::Rsa { pkcs1, .. }, "RS256") => pkcs1.verify_sig(message, signature).is_ok(),
            (Material::Rsa { pss, .. }, "PS256") => pss.verify_sig(message, signature).is_ok(),
            (Material::P256(key), "ES256") => key.verify_sig(message, signature).is_ok(),
            _ => false,
        }
    }
}

/// A compact JWS whose outside is well formed. Its claims are read before its signature is checked by nobody but
/// [`Jws::unverified`].
pub(crate) struct Jws<'t> {
    pub(crate) header: Tree,
    pub(crate) alg: &'static str,
    signed: &'t str,
    claims: Tree,
    signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Takes a text apart. `None` if it is not three parts of canonical base64url with strict JSON objects in them, if
    /// its algorithm is none of [`ALGORITHMS`], or if its header asks for an extension.
    pub(crate) fn parse(text: &'t str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let (header, claims) = (object(header)?, object(claims)?);
        let named = header.root().get("alg")?.as_str()?;
        let alg = ALGORITHMS.iter().find(|alg| **alg == named)?;
        if ["crit", "b64", "jku", "x5u"].iter().any(|name| header.root().get(name).is_some()) {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { alg, header, signed, claims, signature })
    }

    /// Returns the claims if the key made the signature.
    pub(crate) fn verified_with(&self, key: &PublicKey) -> Option<Value<'_>> {
        key.verifies(self.alg, self.signed.as_bytes(), &self.signature).then(|| self.claims.root())
    }

    /// Returns what the text claims, proven by nothing: good for finding the key that is to prove it.
    pub(crate) fn unverified(&self) -> Value<'_> {
        self.claims.root()
    }
}

/// Encodes as JOSE does.
pub(crate) fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Says whether a text is the base64url form of 32 bytes: a challenge, a thumbprint, a digest.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Returns the SHA-256 of a text in base64url.
pub(crate) fn sha256(text: &str) -> String {
    b64(digest(&SHA256, text.as_bytes()).as_ref())
}

fn object(part: &str) -> Option<Tree> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    let limits = Limits { max_bytes: MAX_BYTES, max_depth: 8, max_nodes: 512 };
    let tree = Tree::parse(Bytes::from(bytes), &limits).ok()?;
    (tree.root().kind() == Kind::Object).then_some(tree)
}
