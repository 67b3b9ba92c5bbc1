//! Where a token may stand in a request: one `Authorization` header, nothing else (RFC 6750 section 2.1, RFC 9449
//! section 7.1, A-06).

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// Another scheme than Bearer and DPoP: 401.
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

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has the token may use it (RFC 6750).
    Bearer,
    /// Whoever has the key that the token is bound to (RFC 9449 section 7.1).
    Dpop,
}

/// Reads the token of one `Authorization` value. The scheme's case does not matter (RFC 9110 section 11.1).
///
/// # Errors
/// [`BearerError::OtherScheme`] or [`BearerError::Malformed`].
pub fn presented(header: &[u8]) -> Result<(Scheme, &str), BearerError> {
    let text = std::str::from_utf8(header).map_err(|_| BearerError::Malformed)?;
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return Err(BearerError::OtherScheme);
    };
    let token = rest.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    if !body.is_empty() && body.bytes().all(|byte| IN_TOKEN.get(usize::from(byte)) == Some(&true)) {
        Ok((scheme, token))
    } else {
        Err(BearerError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: A-06: a token is read from exactly one well-formed Authorization header
    #[test]
    fn exactly_one_token_is_read() {
        for (header, expected) in [
            ("Bearer abc.def-ghi_~+/==", Ok((Scheme::Bearer, "abc.def-ghi_~+/=="))),
            ("bearer x", Ok((Scheme::Bearer, "x"))),
            ("BEARER   x", Ok((Scheme::Bearer, "x"))),
            ("DPoP x", Ok((Scheme::Dpop, "x"))),
            ("dpop  x", Ok((Scheme::Dpop, "x"))),
            ("DPoP", Err(BearerError::Malformed)),
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
            ("DPoP,Bearer x", Err(BearerError::OtherScheme)),
            ("Bearers x", Err(BearerError::OtherScheme)),
            ("", Err(BearerError::OtherScheme)),
        ] {
            assert_eq!(presented(header.as_bytes()), expected, "{header:?}");
        }
        assert_eq!(presented(b"Bearer \xff"), Err(BearerError::Malformed));
    }
}
