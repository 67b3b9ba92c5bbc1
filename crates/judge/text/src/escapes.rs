//! Escapes that stand in a text as they were written: backslashes of JSON and of programs, quoted-printable of mails.

use crate::decode::nibble;
use crate::map::Traced;

/// The lines that hold backslash escapes, resolved; `None` where there are none that say something.
pub(crate) fn backslashes(from: &Traced) -> Option<Traced> {
    let text = from.text.as_str();
    let mut out = Traced::default();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', text.as_bytes().get(at..).unwrap_or_default()) {
        let bytes = text.as_bytes();
        let start = memchr::memrchr(b'\n', bytes.get(..at + found).unwrap_or_default())
            .map_or(0, |line| line + 1)
            .max(at);
        let end = memchr::memchr(b'\n', bytes.get(at + found..).unwrap_or_default())
            .map_or(text.len(), |line| at + found + line);
        line(from, start, end, &mut out);
        at = (end + 1).min(text.len());
    }
    (!out.text.is_empty()).then_some(out)
}

/// Resolves the escapes of one line; a line without any is left out.
fn line(from: &Traced, start: usize, end: usize, out: &mut Traced) {
    let text = from.text.get(start..end).unwrap_or_default();
    let mut resolved = Traced::with_capacity(text.len());
    let (mut at, mut escapes) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((c, length)) = escape(rest) {
            // Half of a surrogate pair stands for nothing that a rule knows.
            if let Some(c) = c {
                resolved.put_char(c, from.source(start + at..start + at + length));
            }
            at += length;
            escapes += 1;
        } else {
            let next = memchr::memchr(b'\\', rest.as_bytes().get(1..).unwrap_or_default());
            let next = if rest.starts_with('\\') { 1 } else { 1 + next.unwrap_or(rest.len() - 1) };
            resolved.carry(from, start + at..start + at + next);
            at += next;
        }
    }
    if escapes > 0 {
        let length = resolved.text.len();
        out.carry(&resolved, 0..length);
        out.put("\n", from.source(end..end));
    }
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

/// The text with quoted-printable escapes resolved. `a=10` is none: an equals sign or a blank must be written so, or three
/// characters in a row.
pub(crate) fn quoted_printable(from: &Traced) -> Option<Traced> {
    let text = from.text.as_str();
    let is_escape = |at: usize| {
        let escape = text.as_bytes().get(at..at + 3);
        matches!(escape, Some([b'=', b'0'..=b'9' | b'A'..=b'F', b'0'..=b'9' | b'A'..=b'F']))
    };
    let shows = |at: usize| {
        let tail = text.as_bytes().get(at..).unwrap_or_default();
        tail.starts_with(b"=3D")
            || tail.starts_with(b"=20")
            || is_escape(at) && is_escape(at + 3) && is_escape(at + 6)
    };
    memchr::memchr_iter(b'=', text.as_bytes()).find(|at| shows(*at))?;
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
            return (resolved > 0).then_some(out);
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
