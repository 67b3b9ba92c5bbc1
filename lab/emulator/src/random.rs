//! Random texts, and GUIDs that are the same in every run.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::EmulatorError;

/// Returns 256 random bits as base64url: codes, refresh tokens and keys that cannot be guessed.
pub(crate) fn opaque() -> Result<String, EmulatorError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// Returns a random version 4 GUID.
pub(crate) fn guid() -> Result<String, EmulatorError> {
    Ok(guid_of(bytes::<16>()?, 4))
}

/// Returns the GUID that belongs to `parts`, the same in every run: identifiers that the seed does not spell out.
pub(crate) fn guid_for(parts: &[&str]) -> String {
    let hash = digest(&SHA256, parts.join("\u{1f}").as_bytes());
    let mut head = [0_u8; 16];
    head.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    guid_of(head, 8)
}

/// Returns a hash of `parts` as base64url.
pub(crate) fn digest_text(parts: &[&str]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, parts.join("\u{1f}").as_bytes()))
}

/// Returns random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], EmulatorError> {
    let mut out = [0; N];
    SystemRandom::new()
        .fill(&mut out)
        .map_err(|_| EmulatorError::Crypto("the system's random source failed"))?;
    Ok(out)
}

fn guid_of(bytes: [u8; 16], version: u8) -> String {
    let mut value = u128::from_be_bytes(bytes);
    value = value & !(0xf << 76) | u128::from(version) << 76;
    value = value & !(0x3 << 62) | 0x2 << 62;
    let hex = format!("{value:032x}");
    let mut text = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_well_formed_and_steady() {
        let made = guid_for(&["contoso", "carol", "1"]);
        assert!(doorward_types::ObjectId::parse(&made).is_ok(), "{made}");
        assert_eq!(made, guid_for(&["contoso", "carol", "1"]));
        assert_ne!(made, guid_for(&["contoso", "carol1"]));
        let random = guid().unwrap();
        assert!(doorward_types::ObjectId::parse(&random).is_ok(), "{random}");
        assert_eq!(random.as_bytes()[14], b'4');
        assert_ne!(random, guid().unwrap());
    }
}
