//! Secrets in another dress: base64 and percent signs, one level deep.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::charset::Charset;
use crate::look::Look;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const FOR_ADDRESSES: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Fewer characters hold no secret.
pub(crate) const SHORTEST: usize = 20;
/// How much is decoded to see whether the rest is worth it: images and hashes are not text.
const FRONT: usize = 32;

/// The text that a run of base64 holds, if it holds text.
pub(crate) fn base64(look: &Look<'_>, start: usize, end: usize) -> Option<String> {
    let run = look.bytes().get(start..end)?;
    let engine = engine(run)?;
    let front = run.get(..FRONT.min(run.len() / 4 * 4))?;
    look.spend(FRONT);
    let decoded = engine.decode(front).ok()?;
    let shown = decoded.iter().filter(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')).count();
    if shown != decoded.len() {
        return None;
    }
    look.spend(run.len());
    String::from_utf8(engine.decode(run).ok()?).ok()
}

/// The bytes that a text in plain base64 holds, with padding or without: who writes a header by hand forgets it.
pub(crate) fn plain(text: &str) -> Option<Vec<u8>> {
    PLAIN.decode(text).ok()
}

/// Puts a text into base64 as the run was that it takes the place of.
pub(crate) fn to_base64(run: &str, text: &str) -> String {
    let padded = if run.len().is_multiple_of(4) {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let config =
        GeneralPurposeConfig::new().with_encode_padding(padded == DecodePaddingMode::RequireCanonical);
    let alphabet = if run.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config).encode(text)
}

fn engine(run: &[u8]) -> Option<&'static GeneralPurpose> {
    let plain = memchr::memchr2(b'+', b'/', run).is_some();
    let other = memchr::memchr2(b'-', b'_', run).is_some();
    match (plain, other) {
        (true, true) => None,
        (_, true) => Some(&FOR_ADDRESSES),
        _ => Some(&PLAIN),
    }
}

/// A stretch of text with percent signs, decoded.
pub(crate) struct Unescaped {
    pub(crate) text: String,
    /// Where in the stretch each byte of the text begins, and the end.
    pub(crate) places: Vec<usize>,
    /// Where the stretch ends.
    pub(crate) end: usize,
}

/// What stands between blanks and quotes in an address.
const STRETCH: Charset = Charset::ALNUM.plus(b"-._~%!$&'()*+,;=:@/?#[]|");
const LONGEST: usize = 8 << 10;

/// Decodes the stretch around the percent sign at `at`, from `from` on at the earliest.
pub(crate) fn percent(look: &Look<'_>, at: usize, from: usize) -> Option<Unescaped> {
    if !(Charset::HEX.has(look.at(at + 1)) && Charset::HEX.has(look.at(at + 2))) {
        return None;
    }
    let start = at - look.run_back(at, STRETCH, LONGEST.min(at - from));
    let end = at + look.run(at, STRETCH, LONGEST);
    let bytes = look.bytes().get(start..end)?;
    let (mut text, mut places, mut offset) =
        (Vec::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1), 0);
    look.spend(bytes.len());
    while let Some(byte) = bytes.get(offset) {
        places.push(start + offset);
        let pair = (*byte == b'%').then(|| hex(bytes.get(offset + 1), bytes.get(offset + 2))).flatten();
        text.push(pair.unwrap_or(*byte));
        offset += if pair.is_some() { 3 } else { 1 };
    }
    places.push(end);
    Some(Unescaped { text: String::from_utf8(text).ok()?, places, end })
}

fn hex(high: Option<&u8>, low: Option<&u8>) -> Option<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}
