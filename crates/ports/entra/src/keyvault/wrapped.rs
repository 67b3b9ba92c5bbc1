//! A wrapped key as it is kept: `doorward-vault-1.KID.WRAPPED.SIGNATURE`, each part in base64url. What is signed is
//! everything before the last dot, and begins with words that nothing else begins with that this key may sign.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const FORM: &str = "doorward-vault-1";

/// Nothing of a 4096-bit key is longer.
const MAX: usize = 8 * 1024;

pub(super) struct Wrapped {
    /// The address of the version that wrapped it.
    pub(super) kid: String,
    pub(super) wrapped: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Wrapped {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= MAX)?;
        let mut parts = text.split('.');
        if parts.next()? != FORM {
            return None;
        }
        let mut part = || URL_SAFE_NO_PAD.decode(parts.next()?).ok().filter(|part| !part.is_empty());
        let made = Self { kid: String::from_utf8(part()?).ok()?, wrapped: part()?, signature: part()? };
        parts.next().is_none().then_some(made)
    }

    pub(super) fn signed(&self) -> String {
        format!("{FORM}.{}.{}", URL_SAFE_NO_PAD.encode(&self.kid), URL_SAFE_NO_PAD.encode(&self.wrapped))
    }

    pub(super) fn write(&self) -> String {
        format!("{}.{}", self.signed(), URL_SAFE_NO_PAD.encode(&self.signature))
    }
}
