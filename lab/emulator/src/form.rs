//! `application/x-www-form-urlencoded`, read strictly: a parameter that is there twice is refused, since nobody can say
//! which of the two a check looked at.

use crate::errors::AadError;

/// The parameters of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a query or a body.
    pub(crate) fn parse(text: &str) -> Result<Self, AadError> {
        let malformed = || AadError::new(9_002_313, "Invalid request. Request is malformed or invalid.");
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).ok_or_else(malformed)?;
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(malformed());
            }
            pairs.push((name, decode(value).ok_or_else(malformed)?));
        }
        Ok(Self(pairs))
    }

    /// Returns a parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Returns a parameter that must be there (AADSTS900144).
    pub(crate) fn need(&self, name: &str) -> Result<&str, AadError> {
        self.get(name).ok_or_else(|| AadError::missing(name))
    }
}

/// Writes pairs as a query.
pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", escape(name), escape(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// Undoes percent and plus encoding; `None` for a broken escape or text that is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) =
                    (char::from(bytes.next()?).to_digit(16)?, char::from(bytes.next()?).to_digit(16)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = encode(&[("a b", "ü&=+%"), ("c", "")]);
        let form = Form::parse(&text).unwrap();
        assert_eq!(form.get("a b"), Some("ü&=+%"));
        assert_eq!(form.get("c"), None);
    }

    #[test]
    fn doubled_and_broken_parameters_are_refused() {
        for bad in ["a=1&a=2", "a=1&%61=2", "a=%", "a=%zz", "a=%ff"] {
            assert_eq!(Form::parse(bad).unwrap_err().code, 9_002_313, "{bad}");
        }
    }
}
