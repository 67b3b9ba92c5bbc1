//! With what the door comes to the servers behind it: never with what its callers brought (TPT-01). Each kind of
//! credential is one small file; which server has which is configured.

mod on_behalf_of;
mod secret;
mod user_grant;
mod workload;

pub(crate) use on_behalf_of::OnBehalfOf;
pub(crate) use secret::{Fixed, VaultSecret};
pub(crate) use user_grant::UserGrant;
pub(crate) use workload::Workload;

use doorward_engine::{UpstreamError, UpstreamFault};
use doorward_types::Secret;
use http::{HeaderName, HeaderValue};

/// Writes a header that no log shows.
fn header(
    name: &HeaderName,
    prefix: &str,
    secret: &Secret<String>,
) -> Result<(HeaderName, HeaderValue), UpstreamError> {
    let text = zeroize::Zeroizing::new(format!("{prefix}{}", secret.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        UpstreamError::new(UpstreamFault::Refused, "the credential cannot be written as a header")
    })?;
    value.set_sensitive(true);
    Ok((name.clone(), value))
}

/// The refusal of a server that its own credential does not open.
fn not_opened(what: &str) -> UpstreamError {
    UpstreamError::new(UpstreamFault::Refused, format!("the server answers 401 to the door's {what}"))
}
