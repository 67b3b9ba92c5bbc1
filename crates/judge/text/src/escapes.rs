//! Escapes that stand in a text as they were written: backslashes of JSON and of programs, quoted-printable of mails.

use crate::decode::nibble;
use crate::map::Traced;

/// The text with backslash escapes resolved; `None` where there are none that say something.
pub(crate) fn backslashes(from: &Traced) -> Option<Traced> {
    let text = from.text.as_str();
    let mut at = memchr::memchr(b'\\', text.as_bytes())?;
    let mut out = Traced::with_capacity(text.len());
    out.carry(from, 0..at);
    let mut resolved = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((c, length)) = escape(rest) {
            // A pair of surrogates is left as it is: what it stands for is never a letter of a rule.
            if let Some(c) = c {
                out.put_char(c, from.source(at..at + length));
            }
            at += length;
            resolved += 1;
        } else {
            let next = 1 + memchr::memchr(b'\\', rest.as_bytes().get(1..).unwrap_or_default())
                .unwrap_or(rest.len() - 1);
            let next = if rest.starts_with('\\') { 1 } else { next };
            out.carry(from, at..at + next);
            at += next;
        }
    }
    (resolved > 0).then_some(out)
}

/// What the escape that `rest` begins with stands for, and its length.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let bytes = rest.as_bytes();
    if bytes.first() != Some(&b'\\') {
        return None;
    }
    let hex = |from: usize, length: usize| {
        let digits = bytes.get(from..from + length)?;
        digits.iter().try_fold(0_u32, |all, b| Some(all << 4 | u32::from(nibble(*b)?)))
    };
    match bytes.get(1)? {
        b'n' | b'r' => Some((Some('\n'), 2)),
        b't' => Some((Some(' '), 2)),
        b'"' => Some((Some('"'), 2)),
        b'/' => Some((Some('/'), 2)),
        b'u' => Some((char::from_u32(hex(2, 4)?).filter(|c| !c.is_control()), 6)),
        b'x' => Some((char::from_u32(hex(2, 2)?).filter(|c| !c.is_control()), 4)),
        _ => None,
    }
}

/// The text with quoted-printable escapes resolved: at least three, as `=3D` or as a line that ends in `=`.
pub(crate) fn quoted_printable(from: &Traced) -> Option<Traced> {
    let text = from.text.as_str();
    memchr::memchr(b'=', text.as_bytes())?;
    let mut out = Traced::with_capacity(text.len());
    let (mut at, mut resolved, mut bytes, mut start) = (0, 0, Vec::new(), 0);
    loop {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        let byte = match rest {
            [b'=', a @ (b'0'..=b'9' | b'A'..=b'F'), b @ (b'0'..=b'9' | b'A'..=b'F'), ..] => {
                nibble(*a).zip(nibble(*b)).map(|(a, b)| a << 4 | b)
            }
            _ => None,
        };
        if let Some(byte) = byte {
            start = if bytes.is_empty() { at } else { start };
            bytes.push(byte);
            at += 3;
            resolved += 1;
            continue;
        }
        if !bytes.is_empty() {
            out.put(&String::from_utf8_lossy(&bytes), from.source(start..at));
            bytes.clear();
        }
        if rest.is_empty() {
            return (resolved >= 3).then_some(out);
        }
        if rest.starts_with(b"=\n") {
            at += 2;
            continue;
        }
        let next = 1 + memchr::memchr(b'=', rest.get(1..).unwrap_or_default()).unwrap_or(rest.len() - 1);
        out.carry(from, at..at + next);
        at += next;
    }
}
