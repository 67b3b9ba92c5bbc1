//! An argument without its escapes, as the last of several readers would see it.
//!
//! A payload is escaped once, twice, or in ways that only a careless reader undoes: overlong UTF-8, `%u2215`, `0x2e`. All of
//! them are undone here, at most four times, and each pass shrinks the text.

use std::borrow::Cow;

/// How often escapes are undone.
const PASSES: usize = 4;

/// A value made plain.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    /// The value, unescaped, in small letters.
    pub(super) low: Cow<'a, str>,
    /// How many passes of unescaping changed it.
    pub(super) passes: usize,
    /// Whether it spelled an ordinary sign in a way that only hides it.
    pub(super) is_odd: bool,
}

impl<'a> Plain<'a> {
    pub(super) fn of(value: &'a str) -> Self {
        let mut plain = Self { low: Cow::Borrowed(value), passes: 0, is_odd: false };
        while plain.passes < PASSES && needs(&plain.low) {
            let Some(next) = unescape(&plain.low, &mut plain.is_odd) else { break };
            plain.low = Cow::Owned(next);
            plain.passes += 1;
        }
        if plain.low.bytes().any(|b| b.is_ascii_uppercase()) {
            plain.low = Cow::Owned(plain.low.to_ascii_lowercase());
        }
        plain
    }
}

/// Whether there may be an escape: one pass over the text tells.
fn needs(text: &str) -> bool {
    let mut before = 0;
    text.bytes().any(|b| {
        let two = (std::mem::replace(&mut before, b), b);
        matches!(two, (_, b'%' | b'&' | 0x80..) | (b'0', b'x') | (b'\\', b'x' | b'u'))
    })
}

/// One pass; `None` where nothing was escaped.
fn unescape(text: &str, is_odd: &mut bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(c) = rest.chars().next() {
        if let Some((sign, length, odd)) = escape(rest) {
            out.push(sign);
            rest = rest.get(length..).unwrap_or_default();
            *is_odd |= odd;
            changed = true;
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    changed.then_some(out)
}

/// The escape that `text` begins with: what it stands for, its length, and whether nobody honest writes it so.
fn escape(text: &str) -> Option<(char, usize, bool)> {
    let bytes = text.as_bytes();
    let digits = |at: usize, count: usize| {
        let run = text.get(at..at + count)?;
        run.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(run, 16).ok()).flatten()
    };
    match bytes.first()? {
        b'%' => {
            if let Some(code) = (matches!(bytes.get(1), Some(b'u' | b'U'))).then(|| digits(2, 4)).flatten() {
                // What is no ASCII here stands for a slash or a dot that a code page makes of it.
                let sign =
                    char::from_u32(code).filter(char::is_ascii).unwrap_or_else(|| wide(code).unwrap_or('/'));
                return Some((sign, 6, true));
            }
            overlong(text).or_else(|| {
                let code = digits(1, 2)?;
                let sign = char::from_u32(code)?;
                // Letters and dots need no escape; whoever escapes them hides them.
                Some((sign, 3, sign.is_ascii_alphanumeric() || sign == '.'))
            })
        }
        b'0' => {
            let sign = match text.get(..4)? {
                "0x2e" | "0x2E" => '.',
                "0x2f" | "0x2F" => '/',
                "0x5c" | "0x5C" => '\\',
                _ => return None,
            };
            Some((sign, 4, true))
        }
        b'\\' => match bytes.get(1)? {
            b'x' => Some((char::from_u32(digits(2, 2)?)?, 4, true)),
            b'u' => Some((char::from_u32(digits(2, 4)?).filter(char::is_ascii)?, 6, true)),
            _ => None,
        },
        b'&' => {
            let end = bytes.iter().take(10).position(|b| *b == b';')?;
            let name = text.get(1..end)?;
            let sign = match name.strip_prefix('#') {
                Some(code) => {
                    let code = match code.strip_prefix(['x', 'X']) {
                        Some(hex) => u32::from_str_radix(hex, 16),
                        None => code.parse(),
                    };
                    char::from_u32(code.ok()?)?
                }
                None => match name {
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    "sol" => '/',
                    "period" => '.',
                    _ => return None,
                },
            };
            Some((sign, end + 1, name.starts_with('#') && sign.is_ascii_alphanumeric()))
        }
        b if *b >= 0x80 => {
            let c = text.chars().next()?;
            let sign = wide(u32::from(c))?;
            Some((sign, c.len_utf8(), sign != '\''))
        }
        _ => None,
    }
}

/// `%c0%af` and its like: one sign of ASCII in two bytes or more, also with digits that are none.
fn overlong(text: &str) -> Option<(char, usize, bool)> {
    let head = text.get(1..3)?;
    if head.eq_ignore_ascii_case("bg") && text.get(3..4) == Some("%") {
        return Some(('/', 6.min(text.len()), true)).filter(|_| text.is_char_boundary(6.min(text.len())));
    }
    if matches!(head, "e0" | "E0" | "f0" | "F0" | "f8" | "F8" | "fc" | "FC") && text.get(3..6) == Some("%80")
    {
        // The same in three bytes or more: what counts is the last.
        let mut at = 3;
        while text.get(at..at + 3) == Some("%80") && at < 18 {
            at += 3;
        }
        let low = u32::from_str_radix(text.get(at + 1..at + 3)?, 16).ok()? & 0x3F;
        let low = if low == 0x2E || low == 0x2F { low } else { low | 0x40 };
        return Some((
            char::from_u32(low & 0x7F).filter(char::is_ascii_graphic).unwrap_or('/'),
            at + 3,
            true,
        ));
    }
    let high = match u32::from_str_radix(head, 16).ok()? {
        0xC0 => 0,
        0xC1 => 0x40,
        _ => return None,
    };
    if text.get(3..4) == Some(".") {
        return Some(('.', 4, true));
    }
    let tail = text.get(3..6)?.strip_prefix('%')?;
    let sign = match u32::from_str_radix(tail, 16) {
        Ok(low) => char::from_u32(high + (low & 0x3F)).filter(|c| c.is_ascii_graphic()),
        Err(_) => None,
    };
    Some((sign.unwrap_or('/'), 6, true))
}

/// Signs that look like those of paths and addresses.
fn wide(code: u32) -> Option<char> {
    Some(match code {
        0xFF0E | 0x2024 | 0x3002 | 0xFF61 => '.',
        0xFF0F | 0x2215 | 0x2044 | 0x29F8 => '/',
        0xFF3C | 0x2216 | 0x29F5 => '\\',
        0xFF07 | 0x02BC | 0x2018 | 0x2019 | 0x2032 => '\'',
        0xFF1C => '<',
        0xFF1E => '>',
        0xFF08 => '(',
        0xFF09 => ')',
        0xFF1B => ';',
        0xFF5C => '|',
        0xFF04 => '$',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        for escaped in [
            "..%2f..%2fetc",
            "%2e%2e%2f%2e%2e%2fetc",
            "..%252f..%252fetc",
            "..%c0%af..%c0%afetc",
            "%c0%ae%c0%ae/%c0%ae%c0%ae/etc",
            "..%u2215..%u2215etc",
            "0x2e0x2e0x2f0x2e0x2e/etc",
            "%%32%65%%32%65/../etc",
            "．．／../etc",
            "..%c1%8s..%c0%qfETC",
        ] {
            assert_eq!(Plain::of(escaped).low, "../../etc", "{escaped}");
        }
        let honest = Plain::of("100% of caf\u{e9}s");
        assert_eq!((honest.low.as_ref(), honest.passes), ("100% of caf\u{e9}s", 0));
    }
}
