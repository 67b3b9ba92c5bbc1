//! One line: JSON members in the order they are written, strings escaped and cut.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::Timestamp;

use crate::clock::ClockText;
use crate::log::chain::Chain;
use crate::record::{Finding, Kind, Step};

/// Names in a record are cut to this many bytes.
pub(crate) const NAME_BYTES: usize = 256;
/// At most this many policies are named; the rest are counted.
const LISTED: usize = 32;

/// A line being written at the end of a buffer.
pub(crate) struct Line<'q> {
    out: &'q mut Vec<u8>,
    start: usize,
}

impl<'q> Line<'q> {
    /// Writes what every record begins with: number, time, kind, the hash of the line before, and the lab's mark.
    pub(crate) fn begin(
        out: &'q mut Vec<u8>,
        chain: &Chain,
        clock: &mut ClockText,
        now: Timestamp,
        kind: Kind,
        lab: bool,
    ) -> Self {
        let start = out.len();
        out.extend_from_slice(b"{\"seq\":");
        decimal(out, chain.next);
        out.extend_from_slice(b",\"time\":\"");
        clock.write(now, out);
        out.extend_from_slice(b"\",\"kind\":\"");
        out.extend_from_slice(kind.id().as_bytes());
        out.extend_from_slice(b"\",\"prev\":\"");
        out.extend_from_slice(&chain.prev);
        out.push(b'"');
        if lab {
            out.extend_from_slice(b",\"lab\":true");
        }
        Self { out, start }
    }

    /// Returns what is written of this line so far.
    pub(crate) fn written(&self) -> &[u8] {
        self.out.get(self.start..).unwrap_or_default()
    }

    /// Ends the line.
    pub(crate) fn end(self) {
        self.out.extend_from_slice(b"}\n");
    }

    /// Adds members that are encoded already, each with its leading comma.
    pub(crate) fn encoded(&mut self, members: &[u8]) {
        self.out.extend_from_slice(members);
    }

    /// Adds a string of any origin, escaped and cut.
    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        self.open(name);
        escape(self.out, value, NAME_BYTES);
        self.out.push(b'"');
    }

    /// Adds a string whose bytes need no escape: base64, hex, our own constants.
    pub(crate) fn token(&mut self, name: &'static str, value: &[u8]) {
        self.open(name);
        self.out.extend_from_slice(value);
        self.out.push(b'"');
    }

    /// Adds a name that a caller may have invented: whatever is no part of a method's name becomes `?`.
    pub(crate) fn method(&mut self, value: &str) {
        self.open("method");
        self.out.extend(value.bytes().take(64).map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'_' | b'.' | b'$' | b'-' => byte,
            _ => b'?',
        }));
        self.out.push(b'"');
    }

    /// Adds 128 bits in hexadecimal.
    pub(crate) fn hex(&mut self, name: &'static str, bytes: &[u8; 16]) {
        self.open(name);
        hex(self.out, bytes);
        self.out.push(b'"');
    }

    /// Adds a whole number.
    pub(crate) fn number(&mut self, name: &'static str, value: u64) {
        self.name(name);
        decimal(self.out, value);
    }

    /// Adds `true`, or nothing.
    pub(crate) fn flag(&mut self, name: &'static str, value: bool) {
        if value {
            self.name(name);
            self.out.extend_from_slice(b"true");
        }
    }

    /// Adds a list of names, or nothing if it is empty.
    pub(crate) fn names(&mut self, name: &'static str, values: &[Arc<str>]) {
        if values.is_empty() {
            return;
        }
        self.name(name);
        let mut before = b'[';
        for value in values.iter().take(LISTED) {
            self.out.extend_from_slice(&[before, b'"']);
            escape(self.out, value, NAME_BYTES);
            self.out.push(b'"');
            before = b',';
        }
        if let Some(more) = values.len().checked_sub(LISTED).filter(|more| *more > 0) {
            self.out.extend_from_slice(b",\"and ");
            decimal(self.out, u64::try_from(more).unwrap_or(u64::MAX));
            self.out.extend_from_slice(b" more\"");
        }
        self.out.push(b']');
    }

    /// Adds what was found in content, or nothing if that is nothing.
    pub(crate) fn findings(&mut self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        self.name("findings");
        let mut before = b'[';
        for finding in findings.iter().take(LISTED) {
            self.out.extend_from_slice(&[before]);
            self.out.extend_from_slice(b"{\"rule\":\"");
            escape(self.out, finding.what, NAME_BYTES);
            self.out.extend_from_slice(b"\",\"done\":\"");
            escape(self.out, finding.done, 32);
            self.out.extend_from_slice(b"\",\"count\":");
            decimal(self.out, u64::from(finding.count));
            self.out.push(b'}');
            before = b',';
        }
        self.out.push(b']');
    }

    /// Adds durations in microseconds, or nothing if there are none.
    pub(crate) fn steps(&mut self, steps: &[Step]) {
        if steps.is_empty() {
            return;
        }
        self.name("us");
        let mut before = b'{';
        for step in steps.iter().take(LISTED) {
            self.out.extend_from_slice(&[before, b'"']);
            escape(self.out, step.name, 32);
            self.out.extend_from_slice(b"\":");
            decimal(self.out, step.micros);
            before = b',';
        }
        self.out.push(b'}');
    }

    /// Adds what a flood consisted of: the sources that are named, and the rest by reason.
    pub(crate) fn counts<S: Display>(
        &mut self,
        sources: &[(S, &'static str, u64)],
        others: &BTreeMap<&'static str, u64>,
    ) {
        let mut before = b'[';
        for (source, reason, count) in sources {
            if before == b'[' {
                self.name("sources");
            }
            self.out.extend_from_slice(&[before, b'{']);
            self.out.extend_from_slice(format!("\"source\":\"{source}\",\"reason\":\"").as_bytes());
            escape(self.out, reason, NAME_BYTES);
            self.out.extend_from_slice(b"\",\"count\":");
            decimal(self.out, *count);
            self.out.push(b'}');
            before = b',';
        }
        if before == b',' {
            self.out.push(b']');
        }
        before = b'{';
        for (reason, count) in others {
            if before == b'{' {
                self.name("others");
            }
            self.out.extend_from_slice(&[before, b'"']);
            escape(self.out, reason, NAME_BYTES);
            self.out.extend_from_slice(b"\":");
            decimal(self.out, *count);
            before = b',';
        }
        if before == b',' {
            self.out.push(b'}');
        }
    }

    fn name(&mut self, name: &'static str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn open(&mut self, name: &'static str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":\"");
    }
}

/// Encodes in base64url without padding.
pub(crate) fn base64<const TEXT: usize>(bytes: &[u8]) -> [u8; TEXT] {
    let mut text = [b'A'; TEXT];
    // The sizes are constants of the caller; a wrong one leaves the text of zeros, which no verification accepts.
    let _ = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
    text
}

/// Appends lower-case hexadecimal.
pub(crate) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    for byte in bytes {
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// Appends a decimal number.
fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        first -= 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// Appends a JSON string's inside, cut to `cap` bytes at a character's border. Control characters and those that
/// turn the direction of text are escaped: a name must not be able to repaint the terminal of who reads the log.
fn escape(out: &mut Vec<u8>, text: &str, cap: usize) {
    let kept = cut(text, cap);
    if kept.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
        out.extend_from_slice(kept.as_bytes());
    } else {
        for character in kept.chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                _ if repaints(character) => {
                    out.extend_from_slice(b"\\u");
                    hex(out, &u16::try_from(u32::from(character)).unwrap_or(0xfffd).to_be_bytes());
                }
                _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    if kept.len() < text.len() {
        out.extend_from_slice("…".as_bytes());
    }
}

/// True for characters that act on a terminal instead of showing: C0 and C1 controls, separators, zero-width and
/// directional marks.
pub(crate) fn repaints(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn cut(text: &str, cap: usize) -> &str {
    if text.len() <= cap {
        return text;
    }
    (0..=cap).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}
