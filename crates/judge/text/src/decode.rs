//! The third step: encodings. A run that decodes to words becomes a layer of its own; one that decodes to anything else was
//! an identifier, a digest or a picture.

use crate::layer::Origin;
use crate::map::Traced;

/// Calls `found` with each run of `from` that decodes to words.
pub(crate) fn decode(from: &Traced, mut found: impl FnMut(Origin, Traced)) {
    runs(from, is_base64, 8, |text, at| {
        // Digits are letters of base64 as well, so the narrower alphabet is tried first.
        let hex = digits(text).map(|bytes| (Origin::Digits, bytes));
        let (origin, bytes) = hex.or_else(|| Some((Origin::Base64, base64(text)?)))?;
        let is_cut = at.len() >= LONG && (at.start == 0 || at.end == from.text.len());
        let whole = words(&bytes, origin).map(|said| (origin, said));
        let (origin, text) = whole.or_else(|| if is_cut { cut(text) } else { None })?;
        let mut out = Traced::default();
        out.put(&text, from.source(at));
        found(origin, out);
        Some(())
    });
    if memchr::memchr(b'%', from.text.as_bytes()).is_some() {
        runs(
            from,
            |b| b.is_ascii_graphic(),
            9,
            |text, at| {
                let text = words(&percent(text)?, Origin::Percent)?;
                let mut out = Traced::default();
                out.put(&text, from.source(at));
                found(Origin::Percent, out);
                Some(())
            },
        );
    }
    bits(from, &mut found);
}

/// Calls `each` with every run of at least `least` such bytes, and its range. Lines of one block, as mail wraps them, are one.
fn runs(
    from: &Traced,
    is_part: impl Fn(u8) -> bool,
    least: usize,
    mut each: impl FnMut(&str, std::ops::Range<usize>) -> Option<()>,
) {
    let bytes = from.text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|b| is_part(**b)).count();
        if length >= least {
            let mut end = at + length;
            let mut line = length;
            // A full line, and the next begins at once: the run goes on.
            while line >= 60 && bytes.get(end) == Some(&b'\n') {
                line = bytes.iter().skip(end + 1).take_while(|b| is_part(**b)).count();
                if line == 0 {
                    break;
                }
                end += 1 + line;
            }
            each(from.text.get(at..end).unwrap_or_default(), at..end);
            at = end;
        } else {
            at += length + 1;
        }
    }
}

fn is_base64(b: u8) -> bool {
    BASE64.get(usize::from(b)).copied().unwrap_or_default()
}

/// Asked of every byte there is.
const BASE64: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0_u8;
    while at < 128 {
        if at.is_ascii_alphanumeric() || matches!(at, b'+' | b'/' | b'-' | b'_' | b'=') {
            #[expect(clippy::indexing_slicing, reason = "a constant: it is evaluated by the compiler")]
            {
                table[at as usize] = true;
            }
        }
        at += 1;
    }
    table
};

/// Base64 of either alphabet, with or without padding. Shorter than sixteen signs it must be padded: words of a language
/// are letters of base64 too.
fn base64(run: &str) -> Option<Vec<u8>> {
    let body = run.trim_end_matches('=');
    let padded = body.len() < run.len();
    if body.len() < if padded { 7 } else { 16 } {
        return None;
    }
    let (mut out, mut bits, mut held) = (Vec::with_capacity(body.len() / 4 * 3), 0_u32, 0);
    for b in body.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\n' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xFF).unwrap_or_default());
        }
    }
    Some(out)
}

/// A run that is longer than this, and stands at an end of the text, may be part of a longer one: long texts are read in windows.
const LONG: usize = 1_024;

/// The words of a run that begins and ends anywhere: digits stand for bytes in pairs, letters in fours, and bytes for characters.
fn cut(run: &str) -> Option<(Origin, String)> {
    let whole = |bytes: Vec<u8>, origin| {
        let start = bytes.iter().take(3).take_while(|b| (0x80..0xC0).contains(*b)).count();
        let whole = bytes.get(start..)?;
        let end = match std::str::from_utf8(whole) {
            Ok(_) => whole.len(),
            // Only the last character may be in pieces.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return None,
        };
        Some((origin, words(whole.get(..end)?, origin)?))
    };
    let hex = |skip: usize| digits(run.get(skip..run.len() - (run.len() - skip) % 2)?);
    (0..2)
        .find_map(|skip| whole(hex(skip)?, Origin::Digits))
        .or_else(|| (0..4).find_map(|skip| whole(base64(run.get(skip..)?)?, Origin::Base64)))
}

/// Pairs of hexadecimal digits.
fn digits(run: &str) -> Option<Vec<u8>> {
    let body = run.strip_prefix("0x").unwrap_or(run);
    if body.len() < 12 || !body.len().is_multiple_of(2) {
        return None;
    }
    pairs(body.as_bytes())
}

fn pairs(body: &[u8]) -> Option<Vec<u8>> {
    body.chunks_exact(2).map(|pair| Some(nibble(*pair.first()?)? << 4 | nibble(*pair.get(1)?)?)).collect()
}

pub(crate) fn nibble(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The bytes of a word that holds at least three percent escapes.
fn percent(word: &str) -> Option<Vec<u8>> {
    let bytes = word.as_bytes();
    let (mut out, mut escapes, mut at) = (Vec::with_capacity(bytes.len()), 0, 0);
    while let Some(&b) = bytes.get(at) {
        let escape = (b == b'%').then(|| bytes.get(at + 1..at + 3).and_then(pairs)).flatten();
        match escape.as_deref() {
            Some([byte]) => {
                escapes += 1;
                out.push(*byte);
                at += 3;
            }
            _ => {
                out.push(if b == b'+' { b' ' } else { b });
                at += 1;
            }
        }
    }
    (escapes >= 3).then_some(out)
}

/// Groups of eight ones and zeros, or of two hexadecimal digits, set apart by blanks: at least six of them.
fn bits(from: &Traced, found: &mut impl FnMut(Origin, Traced)) {
    let bytes = from.text.as_bytes();
    // Six groups with single blanks between them: two digits apart by three bytes, or ones and zeros.
    let is_group = |blank: usize| {
        let around = |before: usize, after: usize| bytes.get(blank.checked_sub(before)?..blank + after);
        matches!(around(2, 4), Some([a, b, _, c, d, b' ']) if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit))
            || matches!(
                around(3, 3),
                Some([b'0' | b'1', b'0' | b'1', b'0' | b'1', _, b'0' | b'1', b'0' | b'1'])
            )
    };
    if !memchr::memchr_iter(b' ', bytes).any(is_group) {
        return;
    }
    let mut run: Vec<u8> = Vec::new();
    let (mut start, mut end, mut width) = (0, 0, 0);
    let mut at = 0;
    loop {
        let length = bytes.iter().skip(at).take(9).take_while(|b| b.is_ascii_alphanumeric()).count();
        let group = bytes.get(at..at + length).unwrap_or_default();
        let byte = match length {
            8 => {
                group.iter().try_fold(0_u8, |all, b| matches!(b, b'0' | b'1').then(|| all << 1 | (b - b'0')))
            }
            2 => pairs(group).and_then(|byte| byte.first().copied()),
            _ => None,
        };
        let joins = run.is_empty() || (width == length && at == end + 1);
        if let Some(byte) = byte.filter(|_| joins) {
            start = if run.is_empty() { at } else { start };
            (width, end) = (length, at + length);
            run.push(byte);
        } else {
            if run.len() >= 6
                && let Some(text) = words(&run, Origin::Digits)
            {
                let mut out = Traced::default();
                out.put(&text, from.source(start..end));
                found(Origin::Digits, out);
            }
            run.clear();
        }
        if at >= bytes.len() {
            return;
        }
        at += length.max(1);
        at += bytes.iter().skip(at).take_while(|b| **b == b' ').count().min(1);
    }
}

/// The text of `bytes`, where it is one a person could have written.
fn words(bytes: &[u8], origin: Origin) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (mut letters, mut odd, mut all) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        all += 1;
        letters += usize::from(c.is_alphabetic());
        odd += usize::from(c.is_control() && !c.is_whitespace() || c == '\u{fffd}');
    }
    // Digits alone may be the next encoding.
    let is_run = all >= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_text =
        odd == 0 && all >= 4 && (letters * 2 > all || letters * 3 > all && text.contains(' ') || is_run);
    // A few random bytes are letters by chance; beyond ASCII they are hardly ever those of one language.
    let is_plain =
        origin == Origin::Percent || text.chars().filter(|c| !c.is_ascii()).count() * 4 <= all || all >= 24;
    (is_text && is_plain).then(|| text.to_owned())
}
