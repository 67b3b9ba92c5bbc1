//! Randomness from the operating system, as text and as bytes.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::AccountsError;

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], AccountsError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| AccountsError::NoRandomness)?;
    Ok(bytes)
}

/// Makes a text of 256 random bits that may stand in a URL: a state, a nonce, a verifier.
pub(crate) fn text() -> Result<String, AccountsError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// Makes a random GUID (RFC 9562, version 4).
pub(crate) fn guid() -> Result<String, AccountsError> {
    let id = u128::from_be_bytes(bytes()?);
    let (version, variant) = (id >> 64 & 0x0FFF | 0x4000, id >> 48 & 0x3FFF | 0x8000);
    let (high, middle, low) = (id >> 96, id >> 80 & 0xFFFF, id & 0xFFFF_FFFF_FFFF);
    Ok(format!("{high:08x}-{middle:04x}-{version:04x}-{variant:04x}-{low:012x}"))
}
