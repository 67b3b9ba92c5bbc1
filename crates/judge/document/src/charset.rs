//! Bytes in a character set become text. Where a set is not known its bytes are taken for Latin ones: letters of English are the
//! same in nearly all.

use std::borrow::Cow;

/// The set that a media type names: `text/plain; charset=utf-8`.
pub(crate) fn of(media: &str) -> &str {
    let small = media.to_ascii_lowercase();
    let Some(at) = small.find("charset") else { return "" };
    let rest = media.get(at + 7..).unwrap_or_default().trim_start_matches([' ', '\t', '=', '*', '"', '\'']);
    rest.split([';', '"', '\'', ' ']).next().unwrap_or_default()
}

/// Says whether text in this set stands as it is in a string.
pub(crate) fn is_plain(set: &str) -> bool {
    set.is_empty()
        || ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|plain| set.eq_ignore_ascii_case(plain))
}

/// The characters of `bytes`.
pub(crate) fn text<'b>(bytes: &'b [u8], set: &str) -> Cow<'b, str> {
    let set = set.to_ascii_lowercase();
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => return latin_unless_utf8(rest),
        [0xFF, 0xFE, rest @ ..] => return wide(rest, u16::from_le_bytes).into(),
        [0xFE, 0xFF, rest @ ..] => return wide(rest, u16::from_be_bytes).into(),
        _ => {}
    }
    match &*set {
        "utf-16le" => wide(bytes, u16::from_le_bytes).into(),
        "utf-16" | "utf-16be" | "ucs-2" => wide(bytes, u16::from_be_bytes).into(),
        "utf-7" | "unicode-1-1-utf-7" => utf7(bytes).into(),
        _ => latin_unless_utf8(bytes),
    }
}

fn latin_unless_utf8(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        // A broken byte in a text of others must not turn all of them.
        Err(error) if error.valid_up_to() * 2 > bytes.len() => String::from_utf8_lossy(bytes),
        Err(_) => bytes.iter().map(|b| latin(*b)).collect::<String>().into(),
    }
}

/// Windows-1252, which most that calls itself Latin is.
pub(crate) fn latin(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or(' '),
        _ => char::from(byte),
    }
}

pub(crate) fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (pairs, _) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).map(|c| c.unwrap_or('\u{fffd}')).collect()
}

/// Letters by themselves, all else as UTF-16 in base64 between `+` and `-`.
fn utf7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'+', rest) {
        let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
        out.extend(before.iter().map(|b| latin(*b)));
        let length =
            after.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).count();
        if length == 0 {
            out.push('+');
        } else {
            out.push_str(&wide(
                &crate::mail::base64(after.get(..length).unwrap_or_default()),
                u16::from_be_bytes,
            ));
        }
        let closes = usize::from(after.get(length) == Some(&b'-'));
        rest = after.get(length + closes..).unwrap_or_default();
    }
    out.extend(rest.iter().map(|b| latin(*b)));
    out
}
