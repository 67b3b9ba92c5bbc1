//! Values that have a secret's name: `password = …`, `"api_key": "…"`, `--token …`, `<secret>…</secret>`, and members of
//! JSON. The name alone proves nothing; the value must look drawn, not written.

use std::ops::Range;

use crate::charset::Charset;
use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::noise::{has_digit, is_placeholder, is_random, is_reference, is_uuid, is_wordy, variety};
use crate::secrets::is_published;
use crate::secrets::{bearer, is_weak, user_and_password};

mod names;
mod parse;

use names::{Noun, noun, provider};
pub(crate) use names::{kinds, words};

/// The beginnings of words that a secret's name may hold, in letters of any size.
pub(crate) const ANCHORS: [&str; 11] =
    ["pass", "pwd", "secret", "token", "key", "cred", "auth", "_pat", "pat=", "pat:", "pat "];

/// The longest value that is taken for a secret.
const LONGEST: usize = 512;
/// The shortest password that is worth a finding, if it stands in quotes, and the longest.
const SHORTEST_PASSWORD: usize = 6;
const LONGEST_PASSWORD: usize = 128;
/// The shortest token.
const SHORTEST_TOKEN: usize = 12;
/// How far before a value the name of a provider may stand.
const REACH: usize = 60;

/// Looks at the name around `at`. Returns where the name ends, from where the next one is looked for, and what was found.
pub(crate) fn named(look: &Look<'_>, at: usize) -> (usize, Option<Found>) {
    let name = parse::name_around(look, at);
    let end = name.end;
    let Some(value) = parse::value_after(look, &name) else { return (end, None) };
    let Some(noun) = noun(look.slice(name.clone())) else { return (end, None) };
    // A placeholder of ours reads like a name and its value.
    let ours = |opening: &str, at: usize| look.before(at) == b'[' && look.starts_anyhow(at, opening);
    let inside = |opening: &str| name.start.checked_sub(opening.len()).is_some_and(|at| ours(opening, at));
    if ["secret:", "personal:"].into_iter().any(|opening| ours(opening, name.start) || inside(opening)) {
        return (end, None);
    }
    let around = look.text().floor_char_boundary(name.start.saturating_sub(REACH))..name.end;
    let provider = || provider(&look.slice(around).to_ascii_lowercase());
    (end, judge(look, noun, value.span, value.quoted, provider))
}

/// Looks at the password that begins at `at`, in quotes: `IDENTIFIED BY '…'`.
pub(crate) fn password_at(look: &Look<'_>, at: usize) -> Option<Found> {
    let value = parse::value(look, at).filter(|value| value.quoted)?;
    judge(look, Noun::Password, value.span, true, || None)
}

/// Looks at a member of JSON: its name, and its whole text.
pub(crate) fn member(look: &Look<'_>, name: &str) -> Option<Found> {
    // A list of them, in the plural.
    let noun = noun(name).or_else(|| noun(name.strip_suffix(['s', 'S'])?))?;
    let whole = look.text();
    let trimmed = whole.trim();
    let from = whole.len() - whole.trim_start().len();
    if trimmed.len() > LONGEST {
        return None;
    }
    judge(look, noun, from..from + trimmed.len(), true, || provider(&name.to_ascii_lowercase()))
}

/// Says whether the value at `span` is worth its name.
fn judge(
    look: &Look<'_>,
    noun: Noun,
    span: Range<usize>,
    quoted: bool,
    provider: impl FnOnce() -> Option<&'static str>,
) -> Option<Found> {
    if span.len() > LONGEST {
        return None;
    }
    let value = look.slice(span.clone());
    look.spend(value.len() * 8);
    let found = |kind: &'static str, why| Some(Found::secret(kind, Confidence::Likely, span.clone(), why));
    if noun == Noun::Login {
        // The scheme, and behind one blank what belongs to it; in quotes both are one value.
        let scheme = value.split(' ').next().unwrap_or_default();
        let at = span.start + scheme.len() + 1;
        if SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) && look.at(at - 1) == b' ' {
            return bearer(look, at);
        }
        let real = user_and_password(value).is_some_and(|password| !is_weak(&password));
        return if real { found("basic-credentials", "a name and a password in base64") } else { None };
    }
    // What is too short or too long is told apart before the dearer questions.
    let least = match noun {
        Noun::Password if quoted => SHORTEST_PASSWORD,
        Noun::Password => SHORTEST_PASSWORD + 2,
        _ => SHORTEST_TOKEN,
    };
    if value.len() < least {
        return None;
    }
    if is_reference(value)
        || is_placeholder(value)
        || is_weak(value) && !is_uuid(value)
        || is_published(value)
    {
        return None;
    }
    if noun == Noun::Password {
        return if is_password(value, quoted) {
            found("password", "its name, and letters with signs or digits")
        } else {
            None
        };
    }
    if is_uuid(value) {
        // Most of these are names of things; keys of an interface and a few providers' tokens look like them.
        let provider = provider().filter(|kind| UUID_KEYS.contains(kind));
        let kind = provider.or((noun == Noun::Key).then_some("named-secret"));
        return kind.and_then(|kind| found(kind, "its name, and that keys of that name look so"));
    }
    if !is_drawn(value) {
        return None;
    }
    found(provider().unwrap_or("named-secret"), "its name, and that it looks drawn at random")
}

const SCHEMES: [&str; 12] = [
    "bearer",
    "token",
    "apikey",
    "api-key",
    "api-token",
    "key",
    "ssws",
    "sso-key",
    "splunk",
    "bot",
    "pat",
    "oauth",
];

const UUID_KEYS: [&str; 9] = [
    "heroku-key",
    "snyk-token",
    "postmark-token",
    "azure-key",
    "sendbird-key",
    "npm-token",
    "codecov-token",
    "pinecone-key",
    "hubspot-key",
];

fn is_password(value: &str, quoted: bool) -> bool {
    let code =
        !quoted && value.contains(['(', '[', '{', '<', '\\']) || value.contains("::") || value.contains("=>");
    let written = value.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    value.len() <= LONGEST_PASSWORD
        && written
        && !code
        && variety(value) >= 2
        && !is_wordy(value)
        && !is_number(value)
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// A token or key: long, of letters and digits, without words.
fn is_drawn(value: &str) -> bool {
    const SIGNS: Charset = Charset::TOKEN68.plus(b":|");
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    // Letters alone may be random as well, if they are many and of both sizes.
    let mixed = letters && (has_digit(value) || variety(value) >= 2 && value.len() >= 24);
    value.bytes().all(|byte| SIGNS.has(byte))
        && mixed
        && !(value.starts_with("0x") && value.len() < 24)
        && !is_wordy(value)
        && !has_words(value)
        && is_random(value)
}

/// Says whether at least half of a value is words, or all of it but one number: `sha256-of-payload`, `Ed25519PublicKey`.
fn has_words(value: &str) -> bool {
    let is_long = |word: &&str| {
        let rest = word.get(1..).unwrap_or_default();
        word.len() >= 4 && rest.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let letters: usize = words(value).filter(is_long).map(str::len).sum();
    let mut pieces = value.split(|c: char| c.is_ascii_digit()).filter(|piece| !piece.is_empty());
    letters * 2 >= value.len() || pieces.clone().count() <= 2 && pieces.all(is_wordy)
}

/// Says whether a value is a number or a time, as a program or a person writes it: `0x8004_170B`, `65536u32`.
fn is_number(value: &str) -> bool {
    const SIGNS: Charset = Charset::HEX.plus(b".,-:+_xuisTZ");
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    value.bytes().all(|byte| SIGNS.has(byte)) && (value.contains("0x") || digits * 2 > value.len())
}
