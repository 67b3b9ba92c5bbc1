//! How bytes are written in letters: base64 and quoted-printable, read as the most lenient reader does.

/// How a part of a mail is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    Plain,
    Base64,
    QuotedPrintable,
    Unknown,
}

impl Transfer {
    pub(crate) fn of(value: &str) -> Self {
        let value = value.split([';', ' ', '(']).next().unwrap_or_default();
        match value.to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Self::Plain,
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Unknown,
        }
    }
}

/// The bytes of base64 in either alphabet. What is no letter of it is passed over, and behind its padding it begins anew.
pub(crate) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0);
    for b in text {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                held = 0;
                continue;
            }
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xFF) as u8);
        }
    }
    out
}

/// The bytes of quoted-printable.
pub(crate) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|b| *b == b'\n') {
        let bare = line.trim_ascii_end();
        match bare.strip_suffix(b"=") {
            // The line goes on in the next.
            Some(soft) if bare.len() < line.len() => out.extend(escapes(soft, b'=')),
            _ => out.extend(escapes(line, b'=')),
        }
    }
    out
}

/// Bytes in which a sign and two digits stand for a byte.
pub(crate) fn escapes(text: &[u8], sign: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(b) = text.get(at) {
        let digit = |n: usize| text.get(at + n).and_then(|b| char::from(*b).to_digit(16));
        match (*b == sign).then(|| digit(1).zip(digit(2))).flatten() {
            Some((high, low)) => {
                out.push((high << 4 | low) as u8);
                at += 3;
            }
            None => {
                out.push(*b);
                at += 1;
            }
        }
    }
    out
}
