//! Where a token may stand in a request: one `Authorization` header, nothing else (RFC 6750 section 2.1, A-06).

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// No `Authorization` header: 401 without an error code (RFC 6750 section 3).
    #[error("no Authorization header")]
    Missing,
    /// More than one: 400. A proxy and we could each read another one.
    #[error("more than one Authorization header")]
    Repeated,
    /// Another scheme than Bearer: 401.
    #[error("the Authorization header is not of the Bearer scheme")]
    OtherScheme,
    /// Not exactly one token after the scheme: 400.
    #[error("the Authorization header does not hold exactly one token")]
    Malformed,
}

/// The characters of a `b64token` (RFC 6750 section 2.1), as a table: a token has a thousand of them, on every request.
#[expect(
    clippy::indexing_slicing,
    reason = "in a constant: a byte is below 256, and the compiler would say so"
)]
const IN_TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/";
    while let [byte, tail @ ..] = rest {
        table[*byte as usize] = true;
        rest = tail;
    }
    table
};

/// Reads the token of one `Authorization` value. The scheme's case does not matter (RFC 9110 section 11.1).
///
/// # Errors
/// [`BearerError::OtherScheme`] or [`BearerError::Malformed`].
pub fn bearer(header: &[u8]) -> Result<&str, BearerError> {
    let text = std::str::from_utf8(header).map_err(|_| BearerError::Malformed)?;
    let (scheme, rest) = match text.split_once(' ') {
        Some(parts) => parts,
        None if text.eq_ignore_ascii_case("bearer") => return Err(BearerError::Malformed),
        None => return Err(BearerError::OtherScheme),
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(BearerError::OtherScheme);
    }
    let token = rest.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    if !body.is_empty() && body.bytes().all(|byte| IN_TOKEN.get(usize::from(byte)) == Some(&true)) {
        Ok(token)
    } else {
        Err(BearerError::Malformed)
    }
}

/// Reads the token of all `Authorization` values of a request.
///
/// # Errors
/// [`BearerError::Missing`] for none, [`BearerError::Repeated`] for more than one, else as [`bearer`].
pub fn sole_bearer<'h>(headers: impl IntoIterator<Item = &'h [u8]>) -> Result<&'h str, BearerError> {
    let mut headers = headers.into_iter();
    let first = headers.next().ok_or(BearerError::Missing)?;
    if headers.next().is_some() {
        return Err(BearerError::Repeated);
    }
    bearer(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: A-06: a token is read from exactly one well-formed Authorization header
    #[test]
    fn exactly_one_token_is_read() {
        for (header, expected) in [
            ("Bearer abc.def-ghi_~+/==", Ok("abc.def-ghi_~+/==")),
            ("bearer x", Ok("x")),
            ("BEARER   x", Ok("x")),
            ("Bearer", Err(BearerError::Malformed)),
            ("Bearer ", Err(BearerError::Malformed)),
            ("Bearer =", Err(BearerError::Malformed)),
            ("Bearer a=b", Err(BearerError::Malformed)),
            ("Bearer a b", Err(BearerError::Malformed)),
            ("Bearer a ", Err(BearerError::Malformed)),
            ("Bearer a,Bearer b", Err(BearerError::Malformed)),
            ("Bearer \"a\"", Err(BearerError::Malformed)),
            ("Bearer a\u{0}", Err(BearerError::Malformed)),
            ("Bearer é", Err(BearerError::Malformed)),
            ("Bearer\tx", Err(BearerError::OtherScheme)),
            (" Bearer x", Err(BearerError::OtherScheme)),
            ("Basic dTpw", Err(BearerError::OtherScheme)),
            ("DPoP x", Err(BearerError::OtherScheme)),
            ("Bearers x", Err(BearerError::OtherScheme)),
            ("", Err(BearerError::OtherScheme)),
        ] {
            assert_eq!(bearer(header.as_bytes()), expected, "{header:?}");
        }
        assert_eq!(bearer(b"Bearer \xff"), Err(BearerError::Malformed));
    }

    #[test]
    fn none_or_several_headers_are_refused() {
        assert_eq!(sole_bearer([]), Err(BearerError::Missing));
        assert_eq!(sole_bearer([&b"Bearer a"[..]]), Ok("a"));
        assert_eq!(sole_bearer([&b"Bearer a"[..], b"Bearer a"]), Err(BearerError::Repeated));
    }
}
