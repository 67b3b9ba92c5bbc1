//! How a rule is held against a text, and the kinds of secret that need more than a rule.

mod aws;
mod discord;
mod header;
mod jwt;
mod pem;
mod url;

pub(crate) use aws::secret_after;
pub(crate) use discord::discord;
pub(crate) use header::{basic, bearer, curl_user, option, user_and_password};
pub(crate) use jwt::jwt;
pub(crate) use pem::{private_key, putty};
pub(crate) use url::{dsn, is_weak, shared_access_signature, user_info};

use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::noise::{entropy, is_placeholder, is_wordy};
use crate::rules::Rule;

/// How far before a secret a word that explains it may stand.
const REACH: usize = 80;
/// How much of a long secret is looked at for words: by chance every long one holds some.
const FRONT: usize = 64;

/// Secrets that documentation and standards show everywhere. In parts, since scanners of others would find them here.
const PUBLISHED: [&str; 13] = [
    concat!("4eC39Hq", "LyjWDarjtT1zdp7dc"),
    concat!("110201543:AAHdqTcvCH1v", "GWJxfSeofSAs0K5PALDsaw"),
    concat!("wJalrXUtn", "FEMI/K7MDENG"),
    concat!("Eby8vdM02xNOcqFlqUwJPLlm", "EtlCDXJ1OUzFT50uSRZ6IFsu"),
    // RFC 6749, 6750, 7009 and 7617.
    concat!("2YotnFZ", "FEjr1zCsicMWpAA"),
    concat!("tGzv3JO", "kF0XG5Qx2TlKWIA"),
    concat!("czZCaGR", "Sa3F0M"),
    concat!("7Fjfp0Z", "Br1KtDRbnfVdmIw"),
    concat!("gX1fBat", "3bV"),
    concat!("mF_9.B5", "f-4.1JqM"),
    concat!("45ghiuk", "ldjahdnhzdauz"),
    concat!("SplxlOB", "eZQQYbYS6WxSbIA"),
    concat!("QWxhZGR", "pbjpvcGVuIHNlc2FtZQ"),
];

/// Holds a rule against the text around one of its anchors, which was found at `at` in letters of any size.
pub(crate) fn matches(look: &Look<'_>, rule: &Rule, anchor: &str, at: usize) -> Option<Found> {
    if !look.starts(at, anchor) {
        return None;
    }
    if rule.head.is_empty() && !look.begins(at, rule.edge) {
        return None;
    }
    let body = at + anchor.len();
    let end = look.parts(body, rule.tail)?;
    let start = look.parts_back(at, rule.head)?;
    if !rule.head.is_empty() && !look.begins(start, rule.edge) || rule.edge.has(look.at(end)) {
        return None;
    }
    let text = look.slice(start..end);
    let trimmed = text.trim_end_matches(['.', ',', '%', '\\', '\n', '\r', ' ']);
    let random = if rule.head.is_empty() { trimmed.get(anchor.len()..)? } else { trimmed };
    let front = random.get(..FRONT).unwrap_or(random);
    // `your-token-goes-here`; letters of both sizes are what half of these are made of.
    let wordy = is_wordy(front) && !front.bytes().any(|byte| byte.is_ascii_uppercase());
    if entropy(trimmed.as_bytes()) < rule.entropy || is_placeholder(front) || wordy || is_published(text) {
        return None;
    }
    if !rule.near.is_empty() && !look.near(start, REACH, rule.near) {
        return None;
    }
    let (confidence, why) = match rule.proof {
        Some(proof) if proof(trimmed) => (Confidence::Certain, "its check digits are right"),
        _ if rule.near.is_empty() => (rule.confidence, "it begins and goes on like one"),
        _ => (rule.confidence, "its shape, and a word before it"),
    };
    Some(Found::secret(rule.kind, confidence, start..start + trimmed.len(), why))
}

pub(crate) fn is_published(text: &str) -> bool {
    PUBLISHED.iter().any(|published| text.contains(published))
}
