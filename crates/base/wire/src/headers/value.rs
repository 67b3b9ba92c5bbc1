//! One header value: the base64 sentinel (T-19).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";
/// Longest value that is decoded, in bytes: a value is refused before work is spent on it (T-23).
const MAX_VALUE: usize = 8192;

/// Why a header value could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A byte outside visible ASCII, space and tab.
    #[error("the header value holds a character that is not allowed")]
    BadCharacter,
    /// The sentinel does not hold canonical, padded base64.
    #[error("the header value is not valid base64")]
    BadBase64,
    /// The decoded bytes are not UTF-8.
    #[error("the decoded header value is not UTF-8")]
    BadUtf8,
    /// More than 8 KiB.
    #[error("the header value is too long")]
    TooLong,
}

/// Reads a mirrored value: trims surrounding spaces and tabs, decodes the sentinel `=?base64?…?=`.
///
/// # Errors
/// [`HeaderError`] for characters a field value may not have, bad base64, bad UTF-8 and values over 8 KiB.
pub fn decode_value(raw: &[u8]) -> Result<Cow<'_, str>, HeaderError> {
    let plain = plain_value(raw)?;
    // "=?base64?=" begins and ends like a sentinel but has no room between: its two marks share a character.
    if plain.starts_with(OPEN) && plain.ends_with(CLOSE) {
        let inner = plain.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
        let bytes =
            STANDARD.decode(inner.ok_or(HeaderError::BadBase64)?).map_err(|_| HeaderError::BadBase64)?;
        return String::from_utf8(bytes).map(Cow::Owned).map_err(|_| HeaderError::BadUtf8);
    }
    Ok(Cow::Borrowed(plain))
}

/// Reads a value that has no sentinel form (`Mcp-Method`, `MCP-Protocol-Version`).
pub(crate) fn plain_value(raw: &[u8]) -> Result<&str, HeaderError> {
    if raw.len() > MAX_VALUE {
        return Err(HeaderError::TooLong);
    }
    let text = std::str::from_utf8(raw).map_err(|_| HeaderError::BadCharacter)?;
    if !text.bytes().all(is_field_byte) {
        return Err(HeaderError::BadCharacter);
    }
    Ok(text.trim_matches([' ', '\t']))
}

/// Writes a value for a mirrored header: as it is where that is safe, else in the sentinel.
pub fn encode_value(text: &str) -> String {
    let edge = |c: Option<char>| matches!(c, Some(' ' | '\t'));
    let looks_encoded = text.starts_with(OPEN) && text.ends_with(CLOSE);
    let plain = text.bytes().all(is_field_byte)
        && !edge(text.chars().next())
        && !edge(text.chars().next_back())
        && !looks_encoded;
    if plain { text.to_owned() } else { format!("{OPEN}{}{CLOSE}", STANDARD.encode(text)) }
}

fn is_field_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..=0x7e)
}
