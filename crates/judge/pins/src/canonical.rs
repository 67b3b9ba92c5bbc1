//! The canonical form of JSON (RFC 8785, JCS): one text for all texts that mean the same.

use std::fmt::Write as _;

use doorward_wire::{Kind, Value};

/// Deepest document that is written; the parser's own limit is lower.
const DEPTH: usize = 128;
/// Most significant digits of a number: enough for every integer of 64 bits.
const DIGITS: usize = 20;

/// Why there is no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// RFC 8785 writes what a double holds. Of so long a number it would keep a fraction, and what it drops, a model reads:
    /// room for a change that no hash shows.
    #[error("a number has more than {DIGITS} digits, or is larger than any double")]
    Number,
    /// Nested deeper than any parser of ours lets pass.
    #[error("arrays and objects are nested too deep")]
    Depth,
}

/// Writes a value's canonical form: members by the UTF-16 code units of their names, numbers and strings as ECMAScript
/// writes them, nothing between.
///
/// # Errors
/// A [`CanonicalError`] for what the form cannot hold.
pub fn canonical(value: Value<'_>) -> Result<String, CanonicalError> {
    let mut out = String::with_capacity(value.span().len());
    write(value, DEPTH, &mut out)?;
    Ok(out)
}

fn write(value: Value<'_>, depth: usize, out: &mut String) -> Result<(), CanonicalError> {
    let depth = depth.checked_sub(1).ok_or(CanonicalError::Depth)?;
    match value.kind() {
        Kind::Null | Kind::Bool => out.push_str(value.raw()),
        Kind::Number => out.push_str(&number(value.raw())?),
        Kind::String => string(&value.as_str().unwrap_or_default(), out),
        Kind::Array => {
            out.push('[');
            for (n, item) in value.items().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(item, depth, out)?;
            }
            out.push(']');
        }
        Kind::Object => {
            let mut members: Vec<_> = value.members().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (n, (name, member)) in members.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                string(&name, out);
                out.push(':');
                write(member, depth, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Writes a string with the fewest escapes JSON allows (RFC 8785, 3.2.2.2).
pub(crate) fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Writes a number as ECMAScript does. An integer that a double holds exactly keeps its digits, without a detour.
fn number(text: &str) -> Result<String, CanonicalError> {
    const EXACT: i64 = 1 << 53;
    if let Ok(integer) = text.parse::<i64>()
        && (-EXACT..=EXACT).contains(&integer)
    {
        return Ok(integer.to_string());
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.trim_start_matches(['-', '0', '.']).trim_end_matches(['0', '.']);
    if digits.bytes().filter(u8::is_ascii_digit).count() > DIGITS {
        return Err(CanonicalError::Number);
    }
    let double: f64 = text.parse().map_err(|_| CanonicalError::Number)?;
    if !double.is_finite() {
        return Err(CanonicalError::Number);
    }
    Ok(ecmascript(double))
}

/// `Number::toString` of ECMA-262: the shortest digits that read back as the same double, and its layout of them.
fn ecmascript(double: f64) -> String {
    if double == 0.0 {
        return "0".to_owned();
    }
    // Rust's own shortest form, `-1.25e-7`, has the digits; only the layout differs.
    let mut shortest = format!("{:e}", double.abs());
    // Where two such texts are equally near, ECMAScript's note and the RFC's sample take the even one; so does the exact form.
    let fraction = shortest.find('e').map_or(0, |e| e.saturating_sub(2));
    let exact = format!("{:.fraction$e}", double.abs());
    if exact.parse() == Ok(double.abs()) {
        shortest = exact;
    }
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    // Where the point stands, counted from the first digit.
    let point = exponent.parse::<i64>().unwrap_or(0) + 1;
    let sign = if double < 0.0 { "-" } else { "" };
    let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or(0));
    let split = |at: i64| digits.split_at_checked(usize::try_from(at).unwrap_or(0)).unwrap_or((&digits, ""));
    if (count..=21).contains(&point) {
        format!("{sign}{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        let (whole, rest) = split(point);
        format!("{sign}{whole}.{rest}")
    } else if (-5..=0).contains(&point) {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let plus = if point > 0 { "+" } else { "" };
        format!("{sign}{first}{dot}{rest}e{plus}{}", point - 1)
    }
}

#[cfg(test)]
mod tests;
