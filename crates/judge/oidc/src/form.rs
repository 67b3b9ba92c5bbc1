//! Forms and queries (application/x-www-form-urlencoded).

use doorward_types::Secret;
use zeroize::Zeroizing;

/// The longest query that is read, in bytes: a code of Entra's has room in it many times over.
const MAX_QUERY: usize = 16 * 1024;

/// A form that is being written. It holds secrets, so it is wiped and cannot be printed.
pub struct Form(Zeroizing<String>);

impl Form {
    /// Begins a form.
    pub fn new() -> Self {
        Self(Zeroizing::new(String::with_capacity(1024)))
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(&percent(name));
        self.0.push('=');
        self.0.push_str(&Zeroizing::new(percent(value)));
        self
    }

    /// Adds a member that there may be.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds what proves who asks.
    #[must_use]
    pub fn with_proof(self, proof: &[(&'static str, Secret<String>)]) -> Self {
        proof.iter().fold(self, |form, (name, value)| form.with(name, value.expose()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes what may stand in a query or a form (RFC 3986 section 2.3).
pub fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Reads a query; `None` if it is too long or no text.
pub fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    if query.len() > MAX_QUERY {
        return None;
    }
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        Some((decode(name)?, decode(value)?))
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_ends_it() {
        let form = Form::new().with("a", "1&b=2").with_some("c", None).with("d e", "ü+%");
        assert_eq!(form.as_str(), "a=1%26b%3D2&d%20e=%C3%BC%2B%25");
    }
}
