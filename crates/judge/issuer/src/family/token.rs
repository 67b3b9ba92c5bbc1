//! Refresh tokens as texts: `dwr.` and the base64url form of grant, counter and MAC.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::{ClientId, GrantId, Secret};

/// How every refresh token begins, so that a scanner that finds one knows what it found.
const PREFIX: &str = "dwr.";

/// What the MAC is of, so that the key's other uses yield no refresh token.
const LABEL: &[u8] = b"doorward refresh token 1\0";

const GRANT: usize = 16;
const COUNTER: usize = 4;
const MAC: usize = 32;

/// Why a text is no refresh token of this client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// It does not look like one.
    #[error("not a refresh token of this door")]
    Malformed,
    /// It was not made with this key for this client.
    #[error("not a refresh token that was issued to this client")]
    Forged,
}

/// Makes the refresh token of a counter. The same facts give the same token: a repeated answer needs no memory.
pub fn refresh_token(key: &hmac::Key, grant: &GrantId, counter: u32, client: &ClientId) -> Secret<String> {
    let mac = hmac::sign(key, &message(grant, counter, client));
    let bytes = [grant.0.as_slice(), &counter.to_be_bytes(), mac.as_ref()].concat();
    Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Reads the refresh token that `client` presents. The MAC is compared in constant time, and covers the client: another
/// client cannot use it, nor end the family with it.
///
/// # Errors
/// A [`RefreshError`].
pub fn read_refresh_token(
    key: &hmac::Key,
    text: &str,
    client: &ClientId,
) -> Result<(GrantId, u32), RefreshError> {
    let bytes = text
        .strip_prefix(PREFIX)
        .filter(|rest| rest.len() == (GRANT + COUNTER + MAC).div_ceil(3) * 4 - 2)
        .and_then(|rest| URL_SAFE_NO_PAD.decode(rest).ok())
        .ok_or(RefreshError::Malformed)?;
    let (grant, rest) = bytes.split_first_chunk::<GRANT>().ok_or(RefreshError::Malformed)?;
    let (counter, mac) = rest.split_first_chunk::<COUNTER>().ok_or(RefreshError::Malformed)?;
    let (grant, counter) = (GrantId(*grant), u32::from_be_bytes(*counter));
    hmac::verify(key, &message(&grant, counter, client), mac).map_err(|_| RefreshError::Forged)?;
    Ok((grant, counter))
}

fn message(grant: &GrantId, counter: u32, client: &ClientId) -> Vec<u8> {
    [LABEL, &grant.0, &counter.to_be_bytes(), client.as_str().as_bytes()].concat()
}
