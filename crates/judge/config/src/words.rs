//! What messages say about keys and values: which one was meant, what is expected, an example.

use std::ops::Range;

use toml::de::DeValue;

use crate::keys::{Group, Key, Kind, Need, ROOT};
use crate::near::{a_slip, nearest};
use crate::parse::looks_secret;
use crate::problem::Problems;

/// Tells of the key; returns the one that was probably meant.
pub(crate) fn unknown_key(
    group: &'static Group,
    key: &str,
    span: Range<usize>,
    value: &DeValue<'_>,
    problems: &mut Problems,
) -> Option<&'static str> {
    let what = format!("{} has no key `{key}`", group.title());
    if looks_secret(key) && !value.is_table() {
        let help = "nothing secret is written in this file: put the value in a file of mode 0600 and name that file, as `secret_file` and `env_files` do; and since it stood here, replace the secret";
        problems.add_beside_secret(span, what, help);
        return None;
    }
    let near = nearest(key, group.keys.iter().map(|key| key.name));
    let home = || home_of(&ROOT, &|group| group.key(key).map(|_| (group, None)));
    let near_home = || {
        home_of(&ROOT, &|group| {
            let mut slips = group.keys.iter().filter(|candidate| a_slip(key, candidate.name));
            slips.next().map(|near| (group, Some(near.name)))
        })
    };
    let help = match (near, if near.is_none() { home().or_else(near_home) } else { None }) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some((other, None))) => format!("`{key}` belongs to {}", other.title()),
        (None, Some((other, Some(near)))) => {
            format!("did you mean `{near}`, which belongs to {}?", other.title())
        }
        (None, None) => {
            let all: Vec<&str> = group.keys.iter().map(|key| key.name).collect();
            format!("its keys are {}", all.join(", "))
        }
    };
    problems.add(Some(span), what, help);
    near
}

/// The first table for which `has` finds something.
fn home_of<T>(group: &'static Group, has: &impl Fn(&'static Group) -> Option<T>) -> Option<T> {
    has(group).or_else(|| {
        group.keys.iter().find_map(|inner| match inner.kind {
            Kind::Group(group) | Kind::Groups(group) => home_of(group, has),
            _ => None,
        })
    })
}

/// `"a", "b"`
pub(crate) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

pub(crate) fn a_type(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(crate) fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text(_) | Kind::Choice(_) => "a text",
        Kind::Flag => "true or false",
        Kind::Count(..) => "a whole number",
        Kind::Size(..) => "a size with its unit",
        Kind::Span(..) => "a duration with its unit",
        Kind::List(_) => "a list of texts",
        Kind::OneOrMore(_) => "a text or a list of texts",
        Kind::Map(_) => "a table of texts",
        Kind::Group(_) => "a table",
        Kind::Groups(_) => "an array of tables",
    }
}

/// A value that the key accepts, as it would be written.
pub(crate) fn example(key: &Key) -> String {
    match (&key.kind, key.need) {
        (Kind::List(form), _) => format!("[{}]", example_text(form)),
        (Kind::Map(form), _) => format!("{{ NAME = {} }}", example_text(form)),
        (Kind::Text(form) | Kind::OneOrMore(form), _) => example_text(form).to_owned(),
        (Kind::Flag, _) => "true".into(),
        (Kind::Count(least, _), Need::Always | Need::Optional) => least.to_string(),
        (Kind::Count(..), Need::Default(text)) => text.into(),
        (_, Need::Default(text)) => format!("\"{text}\""),
        (Kind::Span(..), _) => "\"30s\"".into(),
        (Kind::Size(..), _) => "\"4MiB\"".into(),
        (Kind::Choice(words), _) => words.first().map_or_else(String::new, |word| format!("\"{word}\"")),
        (Kind::Group(_) | Kind::Groups(_), _) => "{ … }".into(),
    }
}

/// A text of the named form, quoted.
pub(crate) fn example_text(form: &str) -> &'static str {
    match form {
        "address" => "\"127.0.0.1:8443\"",
        "origin" => "\"https://mcp.contoso.com\"",
        "endpoint" => "\"https://contoso.cognitiveservices.azure.com\"",
        "URL" => "\"https://crm.contoso.com/mcp\"",
        "network" => "\"10.1.0.0/16\"",
        "path" => "\"folder/file\"",
        "GUID" => "\"11111111-2222-3333-4444-555555555555\"",
        "App ID URI" => "\"api://crm.contoso.com\"",
        "scope" => "\"mcp.access\"",
        "role" => "\"Mcp.Use\"",
        "kind of data" => "\"secrets\"",
        "label" => "\"confidential\"",
        "server name" => "\"crm\"",
        "place" => "\"internal for team\"",
        "URI" => "\"crm://customers/*\"",
        "client id" => "\"11111111-2222-3333-4444-555555555555\"",
        "SHA-256" => "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
        "blocklist" => "\"contoso-words\"",
        "argument" => "\"program\", \"argument\"",
        _ => "\"text\"",
    }
}
