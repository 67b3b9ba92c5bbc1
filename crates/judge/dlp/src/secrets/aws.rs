//! An Amazon secret key has no beginning of its own, but stands behind the id of its key.

use crate::charset::Charset;
use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::noise::{entropy, is_placeholder, variety};
use crate::secrets::is_published;

/// How far behind the id the secret may begin.
const REACH: usize = 160;
const LENGTH: usize = 40;

/// Looks for the secret of a key whose id ends at `from`.
pub(crate) fn secret_after(look: &Look<'_>, from: usize) -> Option<Found> {
    let mut at = from;
    while at < look.len().min(from + REACH) {
        let length = look.run(at, Charset::BASE64, REACH);
        let text = look.slice(at..at + length);
        if length == LENGTH && is_secret(text) {
            let why = "it stands behind the id of an Amazon key";
            return Some(Found::secret("aws-secret-key", Confidence::Certain, at..at + length, why));
        }
        at += length + 1;
    }
    None
}

/// Forty random characters; a path, a hash or a placeholder is none.
fn is_secret(text: &str) -> bool {
    variety(text) >= 3 && entropy(text.as_bytes()) >= 43 && !is_placeholder(text) && !is_published(text)
}
