//! What a label asks of arguments. Whatever is not understood in exactly one way does not hold.

use std::fmt;

use doorward_wire::{Kind, Value};

/// Member names inwards from the arguments. An array on the way means each of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<String>);

/// The first path must be there; the others may be missing. What is there must pass the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) paths: Vec<Path>,
    pub(super) test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// One plain mail address in this domain. Not merely a text that ends so: `x@evil.example, a@contoso.com` does.
    MailIn(String),
    /// An https URL with one of these hosts; `*.contoso.com` is every host below.
    HostIs(Vec<String>),
    /// One of these texts.
    OneOf(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Missing,
    Holds,
    Fails,
}

impl Path {
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}

impl Condition {
    pub(super) fn holds(&self, arguments: Value<'_>) -> bool {
        let answers = self.paths.iter().map(|path| self.test.asked(arguments, path.names()));
        answers.enumerate().all(|(at, answer)| answer == Answer::Holds || at > 0 && answer == Answer::Missing)
    }

    /// Adds the values that do not pass.
    pub(super) fn failing(&self, arguments: Value<'_>, into: &mut Vec<String>) {
        for path in &self.paths {
            self.test.failing(arguments, path.names(), into);
        }
    }
}

impl Test {
    fn asked(&self, value: Value<'_>, names: &[String]) -> Answer {
        match (value.kind(), names.split_first()) {
            (Kind::Null, _) => Answer::Missing,
            (Kind::Array, _) if value.is_empty() => Answer::Missing,
            (Kind::Array, _) => {
                let every = value.items().all(|item| self.asked(item, names) == Answer::Holds);
                if every { Answer::Holds } else { Answer::Fails }
            }
            (Kind::String, None) if value.as_str().is_some_and(|text| self.passes(&text)) => Answer::Holds,
            (Kind::Object, Some((name, inner))) => {
                value.get(name).map_or(Answer::Missing, |member| self.asked(member, inner))
            }
            _ => Answer::Fails,
        }
    }

    fn failing(&self, value: Value<'_>, names: &[String], into: &mut Vec<String>) {
        match (value.kind(), names.split_first()) {
            (Kind::Array, _) => value.items().for_each(|item| self.failing(item, names, into)),
            (Kind::String, None) => into
                .extend(value.as_str().filter(|text| !self.passes(text)).map(std::borrow::Cow::into_owned)),
            (Kind::Object, Some((name, inner))) => {
                if let Some(member) = value.get(name) {
                    self.failing(member, inner, into);
                }
            }
            _ => {}
        }
    }

    fn passes(&self, text: &str) -> bool {
        match self {
            Self::MailIn(domain) => is_mail_in(text, domain),
            Self::HostIs(hosts) => {
                host_of(text).is_some_and(|host| hosts.iter().any(|own| is_host(own, &host)))
            }
            Self::OneOf(texts) => texts.iter().any(|own| own == text),
        }
    }
}

/// A plain address and nothing around it: no name, no second address, no comment, no quoting.
fn is_mail_in(text: &str, domain: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(&byte);
    !local.is_empty() && local.bytes().all(plain) && host.eq_ignore_ascii_case(domain)
}

/// The host of an https URL that every reader takes the same way: no user in front of it, no backslash, no escape, no
/// other port.
fn host_of(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return None;
    }
    let rest = text.strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.strip_suffix(":443").unwrap_or(authority);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    (!host.is_empty() && host.bytes().all(plain)).then(|| host.to_ascii_lowercase())
}

fn is_host(own: &str, host: &str) -> bool {
    match own.strip_prefix('*') {
        Some(below) => host.len() > below.len() && host.ends_with(below),
        None => host == own,
    }
}

/// Whether every member of the arguments is one that a path leads to, or through.
pub(super) fn known(value: Value<'_>, paths: &[&[String]]) -> bool {
    match value.kind() {
        Kind::Array => value.items().all(|item| known(item, paths)),
        Kind::Object => value.members().all(|(name, member)| {
            let inner: Vec<&[String]> = paths
                .iter()
                .filter_map(|path| path.split_first())
                .filter(|(first, _)| **first == *name)
                .map(|(_, rest)| rest)
                .collect();
            inner.iter().any(|rest| rest.is_empty()) || !inner.is_empty() && known(member, &inner)
        }),
        // A scalar where a path leads further in: the condition asked there fails, and one that is beside says nothing.
        _ => false,
    }
}

pub(super) fn listed<T: fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "args.{}", self.0.join("."))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |texts: &[String]| match texts {
            [one] => format!("\"{one}\""),
            many => {
                format!("one of {}", listed(&many.iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>()))
            }
        };
        write!(f, "{} ", listed(&self.paths))?;
        match &self.test {
            Test::MailIn(domain) => write!(f, "ends with \"@{domain}\""),
            Test::HostIs(hosts) => write!(f, "host is {}", quoted(hosts)),
            Test::OneOf(texts) => write!(f, "is {}", quoted(texts)),
        }
    }
}
