//! The inside of JSON strings: finding their end, decoding escapes, writing literals.

use std::borrow::Cow;

/// Writes `text` as a JSON string literal, quotes included. The result is ASCII where `text` is, and holds no line break.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // DEL and the two Unicode line breaks are legal unescaped, but end lines in terminals and in JavaScript.
            '\0'..='\u{1f}' | '\u{7f}' | '\u{2028}' | '\u{2029}' => push_escape(&mut out, c),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn push_escape(out: &mut String, c: char) {
    let code = u32::from(c);
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from_digit(code >> shift & 0xf, 16).unwrap_or('0'));
    }
}

/// Decodes the inside of a literal the parser has accepted. A lone surrogate reads as U+FFFD.
pub(super) fn decode(inner: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else { return Cow::Borrowed(inner) };
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    let mut next = Some(first);
    while let Some(at) = next {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let (character, length) = unescape(escape.as_bytes());
        out.push(character);
        rest = escape.get(length..).unwrap_or_default();
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Says at which byte of the inside of a literal the byte `decoded` of its text was written; the end, if the text is shorter.
pub(super) fn written_at(inner: &str, decoded: usize) -> usize {
    let (mut read, mut at) = (0, 0);
    while read < decoded {
        let rest = inner.get(at..).unwrap_or_default();
        let escape = memchr::memchr(b'\\', rest.as_bytes());
        let plain = escape.unwrap_or(rest.len()).min(decoded - read);
        (read, at) = (read + plain, at + plain);
        match rest.get(plain..) {
            Some(escape) if escape.starts_with('\\') && read < decoded => {
                let (character, length) = unescape(escape.as_bytes());
                (read, at) = (read + character.len_utf8(), at + length);
            }
            Some("") | None => break,
            Some(_) => {}
        }
    }
    at.min(inner.len())
}

/// Reads one escape sequence; returns the character and how many bytes it took.
fn unescape(escape: &[u8]) -> (char, usize) {
    let plain = match escape.get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unescape_unicode(escape),
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (plain, 2)
}

fn unescape_unicode(escape: &[u8]) -> (char, usize) {
    let unit = hex4(escape, 2).unwrap_or(0xfffd);
    if let Some(character) = char::from_u32(unit) {
        return (character, 6);
    }
    let low = if escape.get(6..8) == Some(b"\\u") { hex4(escape, 8) } else { None };
    match low.and_then(|low| pair(unit, low)) {
        Some(character) => (character, 12),
        None => (char::REPLACEMENT_CHARACTER, 6),
    }
}

/// Joins a high and a low surrogate; `None` if they are not a pair.
pub(super) fn pair(high: u32, low: u32) -> Option<char> {
    let fits = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    if fits { char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)) } else { None }
}

/// Reads four hexadecimal digits at `at`.
pub(super) fn hex4(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at.checked_add(4)?)?;
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?))
}

/// Returns the first position from `at` that holds a quote, a backslash or a control character, or the end.
/// Eight bytes at a time: most of the bytes of a message stand inside strings.
pub(super) fn end_of_plain(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(chunk) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = zero_bytes(word ^ (ONES * b'"' as u64));
        let backslash = zero_bytes(word ^ (ONES * b'\\' as u64));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let hits = quote | backslash | control;
        if hits != 0 {
            // A borrow can mark a byte after a true hit, never before it: the lowest mark is exact.
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let tail = text.get(at..).unwrap_or_default();
    at + tail.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20).unwrap_or(tail.len())
}
