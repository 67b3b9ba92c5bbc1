//! `application/x-www-form-urlencoded`, as query strings and form bodies carry it, read in exactly one way.

/// The largest query or form that is read, in bytes.
const MAX_BYTES: usize = 32 * 1024;

/// The most parameters it may hold.
const MAX_PAIRS: usize = 64;

/// The longest name of a parameter, in characters.
const MAX_NAME: usize = 64;

/// The parameters of one request, decoded. No `Debug`: a token request holds codes and secrets.
#[derive(Default)]
pub struct Params(Vec<(String, String)>);

/// Why parameters were not read. Nothing of a refused request is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// More than 32 KiB.
    #[error("the parameters are longer than 32 KiB")]
    TooLong,
    /// More than 64 pairs.
    #[error("there are more than 64 parameters")]
    TooMany,
    /// A name occurs twice: two readers would disagree on which of them counts (RFC 6749 section 3.1).
    #[error("the parameter `{0}` occurs twice")]
    Duplicate(String),
    /// A name is empty, longer than 64 characters, or holds something else than visible ASCII.
    #[error("a parameter has a name that is not 1 to 64 visible ASCII characters")]
    Name,
    /// A `%` without two hexadecimal digits after it.
    #[error("a percent sign is not followed by two hexadecimal digits")]
    Escape,
    /// A decoded value is not UTF-8.
    #[error("a parameter is not UTF-8")]
    NotUtf8,
    /// A byte that should have been escaped, or a control character that was.
    #[error("a parameter holds a character that it must not hold")]
    Character,
}

impl Params {
    /// Reads a query string (without its `?`) or a form body.
    ///
    /// # Errors
    /// A [`ParamsError`] for whatever two readers could take differently.
    pub fn parse(encoded: &[u8]) -> Result<Self, ParamsError> {
        if encoded.len() > MAX_BYTES {
            return Err(ParamsError::TooLong);
        }
        if !encoded.iter().all(u8::is_ascii_graphic) {
            return Err(ParamsError::Character);
        }
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(ParamsError::TooMany);
            }
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(ParamsError::Name);
            }
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(ParamsError::Duplicate(name));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Returns a parameter's value. One without a value counts as absent (RFC 6749 section 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Returns whether a parameter of that name was sent, with or without a value.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986: what comes out can end no parameter, no address and
/// no header line.
pub fn encode(text: &str) -> String {
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

/// Decodes one name or value: `+` is a space, `%41` an `A`.
pub(crate) fn decode(encoded: &[u8]) -> Result<String, ParamsError> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, tail @ ..] => {
                out.push(hex(*high)? << 4 | hex(*low)?);
                tail
            }
            [b'%', ..] => return Err(ParamsError::Escape),
            [b'+', tail @ ..] => {
                out.push(b' ');
                tail
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                tail
            }
        };
    }
    let text = String::from_utf8(out).map_err(|_| ParamsError::NotUtf8)?;
    // A line break in a state or a hint would be a second header, or a second line of a log.
    if text.chars().any(char::is_control) { Err(ParamsError::Character) } else { Ok(text) }
}

fn hex(digit: u8) -> Result<u8, ParamsError> {
    let value = char::from(digit).to_digit(16).ok_or(ParamsError::Escape)?;
    u8::try_from(value).map_err(|_| ParamsError::Escape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &[u8]) -> Option<ParamsError> {
        Params::parse(text).err()
    }

    // control: REM-08: parameters are read in one way, and what two readers could take differently is refused
    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        let twice = |name: &str| Some(ParamsError::Duplicate(name.to_owned()));
        let many = (0..65).map(|n| format!("p{n}=1")).collect::<Vec<_>>();
        for (text, expected) in [
            (&b"redirect_uri=a&redirect_uri=b"[..], twice("redirect_uri")),
            (b"redirect_uri=a&redirect%5Furi=b", twice("redirect_uri")),
            (b"scope=&scope=x", twice("scope")),
            (b"scope&scope", twice("scope")),
            (b"state=%", Some(ParamsError::Escape)),
            (b"state=%4", Some(ParamsError::Escape)),
            (b"state=%zz", Some(ParamsError::Escape)),
            (b"state=%+1", Some(ParamsError::Escape)),
            (b"state=%ff", Some(ParamsError::NotUtf8)),
            (b"state=%c0%af", Some(ParamsError::NotUtf8)),
            (b"state=%ed%a0%80", Some(ParamsError::NotUtf8)),
            (b"state=\xc3\xa9", Some(ParamsError::Character)),
            (b"state=a\0", Some(ParamsError::Character)),
            (b"state=a b", Some(ParamsError::Character)),
            (b"state=%00", Some(ParamsError::Character)),
            (b"state=%0d%0aSet-Cookie:x", Some(ParamsError::Character)),
            (b"state=%c2%85", Some(ParamsError::Character)),
            (b"=x", Some(ParamsError::Name)),
            (b"%c3%a9=x", Some(ParamsError::Name)),
            (b"a%20b=x", Some(ParamsError::Name)),
            (many.join("&").as_bytes(), Some(ParamsError::TooMany)),
            (&[b'a'; 32 * 1024 + 1], Some(ParamsError::TooLong)),
        ] {
            assert_eq!(error(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn honest_parameters_are_read() {
        let params = Params::parse(b"&a=1+2%2B3&&b=%C3%A9=x&c=&d&").ok().unwrap();
        assert_eq!(params.get("a"), Some("1 2+3"));
        assert_eq!(params.get("b"), Some("é=x"));
        assert_eq!((params.get("c"), params.get("d"), params.get("e")), (None, None, None));
        assert!(params.names("c") && params.names("d") && !params.names("e"));
    }

    // control-off: REM-08: a reader that keeps the last of two takes an address that the check of the first never saw
    #[test]
    fn a_naive_reader_takes_the_second() {
        let text = "redirect_uri=https://claude.ai/cb&redirect_uri=https://evil.example/cb";
        let checked = text.split('&').find_map(|pair| pair.strip_prefix("redirect_uri="));
        let used = text.rsplit('&').find_map(|pair| pair.strip_prefix("redirect_uri="));
        assert_ne!(checked, used);
        assert!(error(text.as_bytes()).is_some());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(value in "[^\\p{Cc}]{1,40}") {
            let params = Params::parse(format!("state={}", encode(&value)).as_bytes()).ok().unwrap();
            prop_assert_eq!(params.get("state"), Some(value.as_str()));
        }

        #[test]
        fn no_bytes_panic_and_no_control_character_passes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(params) = Params::parse(&bytes) {
                for (name, value) in &params.0 {
                    prop_assert!(!value.contains(char::is_control) && !name.is_empty());
                }
            }
        }
    }
}
