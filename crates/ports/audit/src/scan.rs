//! What every line of a log begins and every checkpoint ends with, read without a JSON parser: start-up hashes a whole
//! segment, and what it needs stands at fixed places of lines that this crate wrote.

/// The members that every record begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix<'l> {
    pub(crate) seq: u64,
    pub(crate) time: &'l [u8],
    pub(crate) kind: &'l [u8],
    pub(crate) prev: &'l [u8],
}

impl<'l> Prefix<'l> {
    /// Reads the prefix; nothing if the line is not one of ours.
    pub(crate) fn of(line: &'l [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"seq\":")?;
        let (seq, rest) = split(rest, b",\"time\":\"")?;
        let (time, rest) = split(rest, b"\",\"kind\":\"")?;
        let (kind, rest) = split(rest, b"\",\"prev\":\"")?;
        let (prev, rest) = rest.split_at_checked(43)?;
        rest.strip_prefix(b"\"")?;
        Some(Self { seq: decimal(seq)?, time, kind, prev })
    }
}

/// Returns what a checkpoint's signature covers, and the signature's text.
pub(crate) fn signed(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(b"\"}")?;
    let (rest, signature) = line.split_at_checked(line.len().checked_sub(86)?)?;
    Some((rest.strip_suffix(b",\"sig\":\"")?, signature))
}

/// Returns a number that a line of ours holds. Sound without parsing: inside a string a quote is always escaped, so
/// the name with its quotes is a member's name.
pub(crate) fn number(line: &[u8], name: &str) -> Option<u64> {
    let needle = format!(",\"{name}\":");
    let at = find(line, needle.as_bytes())?;
    let rest = line.get(at + needle.len()..)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    decimal(rest.get(..digits)?)
}

/// Returns a plain string that a line of ours holds; sound as [`number`] is.
pub(crate) fn token<'l>(line: &'l [u8], name: &str) -> Option<&'l str> {
    let needle = format!(",\"{name}\":\"");
    let at = find(line, needle.as_bytes())?;
    let rest = line.get(at + needle.len()..)?;
    let end = find(rest, b"\"")?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// Returns where `needle` first stands.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

fn split<'l>(text: &'l [u8], at: &[u8]) -> Option<(&'l [u8], &'l [u8])> {
    // The parts before are short; a separator further on is not the one meant.
    let head = text.get(..text.len().min(64)).unwrap_or_default();
    let from = find(head, at)?;
    Some((text.get(..from)?, text.get(from + at.len()..)?))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 20 || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
