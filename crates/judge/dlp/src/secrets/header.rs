//! Credentials in headers and on command lines.

use crate::charset::Charset;
use crate::encoded;
use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::noise::{has_digit, is_placeholder, is_random, is_reference, is_wordy, variety};
use crate::secrets::is_published;
use crate::secrets::url::is_weak;

const LONGEST: usize = 4096;

/// Looks at what stands behind `Bearer `, at `at`.
pub(crate) fn bearer(look: &Look<'_>, at: usize) -> Option<Found> {
    let length = look.run(at, Charset::TOKEN68, LONGEST);
    let text = look.slice(at..at + length).trim_end_matches('.');
    let mixed = has_digit(text) || text.len() >= 24 && variety(text) >= 2;
    let random = text.len() >= 16 && mixed && is_random(text);
    let front = text.get(..64).unwrap_or(text);
    let real = random && !is_placeholder(front) && !is_wordy(text) && !is_published(text);
    real.then(|| {
        Found::secret("bearer-token", Confidence::Likely, at..at + text.len(), "it stands behind `Bearer`")
    })
}

/// Looks at what stands behind `Basic `, at `at`: a name and a password in base64.
pub(crate) fn basic(look: &Look<'_>, at: usize) -> Option<Found> {
    let length = look.run(at, Charset::BASE64.plus(b"="), LONGEST);
    let text = look.slice(at..at + length);
    let password = user_and_password(text).filter(|_| !is_published(text))?;
    let real =
        password.len() >= 4 && !is_weak(&password) && !is_placeholder(&password) && !is_reference(&password);
    real.then(|| {
        Found::secret(
            "basic-credentials",
            Confidence::Certain,
            at..at + length,
            "a name and a password in base64",
        )
    })
}

/// The password out of base64 that holds `name:password`.
pub(crate) fn user_and_password(text: &str) -> Option<String> {
    if text.len() < 8 {
        return None;
    }
    let decoded = String::from_utf8(encoded::plain(text)?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let shown = decoded.chars().all(|c| !c.is_control());
    (shown && !user.contains(char::is_whitespace)).then(|| password.to_owned())
}

/// Looks at what stands behind `-u ` or `--user ` of a command, at `at`: a name and a password, or a key instead of one
/// of the two.
pub(crate) fn curl_user(look: &Look<'_>, at: usize) -> Option<Found> {
    const WRITTEN: Charset = Charset::ALNUM.plus(b"._-+@:!#$%^&*=~?/,;'\"");
    let from = at + look.run(at, Charset::of(b" "), 4);
    let length = look.run(from, WRITTEN, 160);
    let text = look.slice(from..from + length);
    let quotes = ['"', '\''];
    let (user, password) = text.split_once(':')?;
    let (user, password) = (user.trim_matches(quotes), password.trim_matches(quotes));
    let strong = |text: &str| text.len() >= 6 && variety(text) >= 2 && is_chosen(text);
    let key = if password.is_empty() && strong(user) && variety(user) >= 3 { user } else { password };
    let real = strong(key) && look.near(at, REACH, &["curl", "wget", "http", "docker", "helm"]);
    let start = from + text.find(key)?;
    real.then(|| on_command_line(start..start + key.len()))
}

/// Looks at a password behind an option of a command that is known to take one there: `sshpass -p …`, `mysql … -p…`.
pub(crate) fn option(look: &Look<'_>, start: usize, at: usize) -> Option<Found> {
    if look.starts_anyhow(start, " -p")
        && (look.at(at) == b' ' || !look.near(start, 80, &["mysql", "mariadb"]))
    {
        return None;
    }
    let quote = usize::from(matches!(look.at(at), b'"' | b'\''));
    let length = look.run(at + quote, Charset::ALNUM.plus(b"._-+@:!#%^&*=~?/,"), 80);
    let text = look.slice(at + quote..at + quote + length);
    let real = text.len() >= 6 && variety(text) >= 2 && is_chosen(text);
    real.then(|| on_command_line(at + quote..at + quote + length))
}

/// How far before an option the command may stand.
const REACH: usize = 200;

fn on_command_line(span: std::ops::Range<usize>) -> Found {
    Found::secret("password", Confidence::Likely, span, "a password on a command line")
}

/// Says whether somebody chose this as a password, and did not only say that one stands here.
fn is_chosen(text: &str) -> bool {
    !is_weak(text) && !is_wordy(text) && !is_reference(text) && !is_placeholder(text)
}
