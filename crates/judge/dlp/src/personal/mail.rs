//! Mail addresses.

use crate::charset::Charset;
use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::personal::MAIL;

const LOCAL: Charset = Charset::ALNUM.plus(b"._%+'-!#$&*/=?^`{|}~");
const DOMAIN: Charset = Charset::ALNUM.plus(b".-");
/// What files are called, and no country: `icon@2x.png`.
const FILES: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "json", "html", "service", "local", "md"];

/// Looks at an address whose sign stands at `at`.
pub(crate) fn mail(look: &Look<'_>, at: usize) -> Option<Found> {
    if !LOCAL.has(look.before(at)) || !DOMAIN.has(look.at(at + 1)) {
        return None;
    }
    let before = look.run_back(at, LOCAL, 64);
    let local = look.slice(at - before..at);
    // Signs that begin no address belong to what stands before it: `(`, `{`, `mailto=`.
    let local = local
        .rsplit(['{', '`', '|', '=', '/', '\''])
        .next()
        .unwrap_or_default()
        .trim_start_matches(['.', '-', '*', '#']);
    let length = look.run(at + 1, DOMAIN, 200);
    let domain = look.slice(at + 1..at + 1 + length).trim_end_matches(['.', '-']);
    let start = at - local.len();
    let end = at + 1 + domain.len();
    let (host, top) = domain.rsplit_once('.')?;
    let top_is_name = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    // Stars stand where an address was masked.
    let named = !local.contains("**")
        && !local.is_empty()
        && !host.is_empty()
        && !host.starts_with(['.', '-'])
        && !host.contains("..");
    if !named
        || !top_is_name
        || FILES.contains(&top.to_ascii_lowercase().as_str())
        || is_login(look, local, start, end)
    {
        return None;
    }
    if is_nobody(local, domain) {
        return Some(Found::personal(MAIL, Confidence::Possible, start..end, "an address of nobody's"));
    }
    Some(Found::personal(MAIL, Confidence::Likely, start..end, "it is written like an address"))
}

/// Says whether this is a login at a host and no mailbox: `git@host:path`, `ssh://me@host`, `user:password@host`.
fn is_login(look: &Look<'_>, local: &str, start: usize, end: usize) -> bool {
    let path = look.at(end) == b':' && !matches!(look.at(end + 1), 0 | b' ' | b'\n' | b'\t' | b'"' | b'\\');
    let before = look.before(start);
    local == "git" || path || before == b'/' || before == b':' && look.near(start, 90, &["://"])
}

/// Addresses that stand for an example or for a machine.
fn is_nobody(local: &str, domain: &str) -> bool {
    let (local, domain) = (local.to_ascii_lowercase(), domain.to_ascii_lowercase());
    let reserved = ["example.com", "example.org", "example.net", "example", "test", "invalid", "localhost"];
    let example = reserved
        .iter()
        .any(|name| domain.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    example
        || domain.contains("noreply")
        || ["noreply", "no-reply", "donotreply"].iter().any(|word| local.contains(word))
}
