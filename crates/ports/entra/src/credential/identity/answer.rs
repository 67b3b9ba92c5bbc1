//! What an identity endpoint answers: every value is a string, numbers too; other platforms write numbers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_types::{Secret, Timestamp};
use doorward_wire::{Limits, Tree};
use http::Response;

use super::{IdentityRefusal, Token};
use crate::credential::{CredentialError, is_token};

/// A token is not used in its last minutes: the request it goes out with takes time too.
const MARGIN: Duration = Duration::from_secs(300);

const LIMITS: Limits = Limits { max_bytes: 64 * 1024, max_depth: 8, max_nodes: 256 };

/// Reads a token and for how long it may be kept.
pub(super) fn read(
    endpoint: &str,
    answer: Response<Bytes>,
    now: Timestamp,
) -> Result<(Token, Duration), CredentialError> {
    let status = answer.status();
    let tree = Tree::parse(answer.into_body(), &LIMITS).ok();
    let text = |name: &str| {
        let value = tree.as_ref()?.root().get(name)?;
        value.as_str().map(|text| text.into_owned()).or_else(|| value.number_text().map(str::to_owned))
    };
    if !status.is_success() {
        let code = text("error").filter(|code| is_code(code));
        let refusal = IdentityRefusal { status: status.as_u16(), code };
        return Err(CredentialError::Refused { endpoint: endpoint.to_owned(), refusal });
    }
    let bad = |why| CredentialError::BadAnswer { endpoint: endpoint.to_owned(), why };
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(bad("the token is no bearer token"));
    }
    let token = text("access_token").filter(|token| is_token(token)).ok_or_else(|| bad("it has no token"))?;
    let number = |name: &str| text(name)?.parse::<u32>().ok().map(i64::from);
    let left = match (number("expires_on"), number("expires_in")) {
        (Some(end), _) => Timestamp::from_secs(end).since(now),
        (None, Some(span)) => Duration::from_secs(span.unsigned_abs()),
        (None, None) => return Err(bad("it does not say when the token ends")),
    };
    if left.is_zero() {
        return Err(bad("the token has ended already, or this machine's clock is wrong"));
    }
    Ok((Arc::new(Secret::new(token)), left.saturating_sub(MARGIN)))
}

/// Returns whether a text is an error code, and nothing to be afraid of in a log.
fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}
