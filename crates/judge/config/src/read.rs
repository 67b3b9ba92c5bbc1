//! Reads a parsed table by the key table: what is missing, misspelt or of the wrong form becomes a problem, and reading
//! goes on, so that a person sees everything at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::keys::{Group, Key, Kind, Need};
use crate::near::nearest;
use crate::problem::Problems;
use crate::units::{Fault, size, span, within};

/// A value that was read, and where it stands (`None`: it is a default).
#[derive(Debug, Clone)]
pub(crate) struct Read<T> {
    pub(crate) value: T,
    pub(crate) span: Option<Range<usize>>,
}

/// A table of the file that is there, or one that is not and has only defaults.
pub(crate) struct Section<'a> {
    group: &'static Group,
    table: Option<&'a DeTable<'a>>,
    span: Option<Range<usize>>,
}

impl<'a> Section<'a> {
    /// Opens a table: every key that the group does not know becomes a problem.
    pub(crate) fn open(
        group: &'static Group,
        table: &'a DeTable<'a>,
        span: Option<Range<usize>>,
        problems: &mut Problems,
    ) -> Self {
        for (key, value) in table {
            if group.key(key.get_ref()).is_none() {
                unknown_key(group, key.get_ref(), key.span(), value.get_ref(), problems);
            }
        }
        Self { group, table: Some(table), span }
    }

    /// Where the table stands.
    pub(crate) fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// Where the key's value stands, or the table if the key is not written.
    pub(crate) fn at(&self, key: &str) -> Option<Range<usize>> {
        self.value(key).map(Spanned::span).or_else(|| self.span())
    }

    /// Whether the key is written.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Opens a table inside; `None` if it is not written (a problem if it must be).
    pub(crate) fn group(&self, key: &str, problems: &mut Problems) -> Option<Section<'a>> {
        let Kind::Group(group) = self.spec(key)?.kind else { return None };
        let value = self.written(key, problems)?;
        if let Some(table) = value.get_ref().as_table() {
            return Some(Section::open(group, table, Some(value.span()), problems));
        }
        let what = format!("`{key}` is {}, and it must be a table", a_type(value.get_ref()));
        problems.add(Some(value.span()), what, format!("write it as `[{}]` with its keys below", group.path));
        None
    }

    /// Opens a table inside that has nothing but defaults when it is not written.
    pub(crate) fn group_or_defaults(&self, key: &str, problems: &mut Problems) -> Option<Section<'a>> {
        let Kind::Group(group) = self.spec(key)?.kind else { return None };
        if self.has(key) { self.group(key, problems) } else { Some(Section { group, table: None, span: None }) }
    }

    /// Opens each table of an array of tables.
    pub(crate) fn groups(&self, key: &str, problems: &mut Problems) -> Vec<Section<'a>> {
        let Some(Key { kind: Kind::Groups(group), .. }) = self.spec(key) else { return Vec::new() };
        let Some(value) = self.written(key, problems) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let what = format!("`{key}` is {}, and there may be several of it", a_type(value.get_ref()));
            problems.add(Some(value.span()), what, format!("write `[[{key}]]`, with two brackets, above its keys"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in list {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::open(group, table, Some(item.span()), problems)),
                None => problems.add(Some(item.span()), format!("each `{key}` is a table"), format!("write `[[{key}]]` above its keys")),
            }
        }
        sections
    }

    /// Reads a text by `parse`.
    pub(crate) fn text<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Read<T>> {
        self.scalar(key, problems, |value| match value {
            DeValue::String(text) => Some(parse(text)),
            _ => None,
        })
    }

    /// Reads one of the words that the key table lists.
    pub(crate) fn choice(&self, key: &str, problems: &mut Problems) -> Option<&'static str> {
        let Kind::Choice(words) = self.spec(key)?.kind else { return None };
        let parse = |text: &str| {
            words.iter().copied().find(|word| *word == text).ok_or_else(|| {
                let all = listed(words);
                let help = match nearest(text, words.iter().copied()) {
                    Some(near) => format!("did you mean \"{near}\"? It is one of {all}"),
                    None => format!("write one of {all}"),
                };
                Fault::new(format!("`{text}` is no value of `{key}`"), help)
            })
        };
        self.text(key, problems, parse).map(|read| read.value)
    }

    /// Reads `true` or `false`.
    pub(crate) fn flag(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        self.scalar(key, problems, |value| value.as_bool().map(Ok)).map(|read| read.value)
    }

    /// Reads a whole number within the bounds of the key table.
    pub(crate) fn count(&self, key: &str, problems: &mut Problems) -> Option<usize> {
        let Kind::Count(least, most) = self.spec(key)?.kind else { return None };
        let read = self.scalar(key, problems, |value| {
            let number = value.as_integer()?;
            let parsed = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX);
            // A negative number is below every bound, one too large above.
            let parsed = u64::try_from(parsed.max(0)).unwrap_or(u64::MAX);
            Some(within(parsed, least, most, |n| n.to_string()))
        })?;
        usize::try_from(read.value).ok()
    }

    /// Reads a size in bytes.
    pub(crate) fn size(&self, key: &str, problems: &mut Problems) -> Option<u64> {
        let Kind::Size(least, most) = self.spec(key)?.kind else { return None };
        self.text(key, problems, |text| size(text, least, most)).map(|read| read.value)
    }

    /// Reads a duration.
    pub(crate) fn duration(&self, key: &str, problems: &mut Problems) -> Option<Read<Duration>> {
        let Kind::Span(least, most) = self.spec(key)?.kind else { return None };
        self.text(key, problems, |text| span(text, least, most))
    }

    /// Reads a list of texts, each by `parse`; a key that takes one or more takes a bare text too.
    pub(crate) fn list<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Vec<Read<T>> {
        let Some(value) = self.written(key, problems) else { return Vec::new() };
        let single = matches!(self.spec(key), Some(Key { kind: Kind::OneOrMore(_), .. }));
        let items: Vec<(&DeValue<'_>, Range<usize>)> = match value.get_ref() {
            DeValue::Array(list) => list.iter().map(|item| (item.get_ref(), item.span())).collect(),
            other if single => vec![(other, value.span())],
            other => {
                self.wrong_type(key, other, value.span(), problems);
                return Vec::new();
            }
        };
        items.into_iter().filter_map(|(item, span)| self.item(key, item, span, problems, &parse)).collect()
    }

    /// Reads a table of texts, each name and value by `parse`.
    pub(crate) fn map<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        parse: impl Fn(&str, &str) -> Result<T, Fault>,
    ) -> BTreeMap<String, T> {
        let Some(value) = self.written(key, problems) else { return BTreeMap::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(key, value.get_ref(), value.span(), problems);
            return BTreeMap::new();
        };
        let mut map = BTreeMap::new();
        for (name, value) in table {
            let name_text: &str = name.get_ref();
            match value.get_ref().as_str() {
                None => self.wrong_type(key, value.get_ref(), value.span(), problems),
                Some(text) => match parse(name_text, text) {
                    Ok(parsed) => {
                        map.insert(name_text.to_owned(), parsed);
                    }
                    // What stands in such a table may be a secret in the wrong place.
                    Err(fault) => problems.add_masked(name.span(), fault.what, fault.help),
                },
            }
        }
        map
    }

    fn item<T>(
        &self,
        key: &str,
        item: &DeValue<'_>,
        span: Range<usize>,
        problems: &mut Problems,
        parse: &impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Read<T>> {
        let Some(text) = item.as_str() else {
            self.wrong_type(key, item, span, problems);
            return None;
        };
        match parse(text) {
            Ok(value) => Some(Read { value, span: Some(span) }),
            Err(fault) => {
                problems.add(Some(span), format!("{} {}", fault.what, self.of(key)), fault.help);
                None
            }
        }
    }

    /// `read` answers `None` for a value of another type.
    fn scalar<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        read: impl Fn(&DeValue<'_>) -> Option<Result<T, Fault>>,
    ) -> Option<Read<T>> {
        let Some(value) = self.written(key, problems) else { return self.default(key, read) };
        match read(value.get_ref()) {
            Some(Ok(parsed)) => Some(Read { value: parsed, span: Some(value.span()) }),
            Some(Err(fault)) => {
                problems.add(Some(value.span()), format!("{} {}", fault.what, self.of(key)), fault.help);
                None
            }
            None => {
                self.wrong_type(key, value.get_ref(), value.span(), problems);
                None
            }
        }
    }

    /// A default is read as if the user had written it.
    fn default<T>(&self, key: &str, read: impl Fn(&DeValue<'_>) -> Option<Result<T, Fault>>) -> Option<Read<T>> {
        let spec = self.spec(key)?;
        let Need::Default(text) = spec.need else { return None };
        let bare = matches!(spec.kind, Kind::Flag | Kind::Count(..));
        let value = if bare { DeValue::parse(text).ok()?.into_inner() } else { DeValue::String(text.into()) };
        Some(Read { value: read(&value)?.ok()?, span: None })
    }

    /// The value as written; a problem if it is not and must be.
    fn written(&self, key: &str, problems: &mut Problems) -> Option<&'a Spanned<DeValue<'a>>> {
        let value = self.value(key);
        if value.is_none() && self.spec(key).is_some_and(|spec| spec.need == Need::Always) {
            self.missing(key, problems);
        }
        value
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn spec(&self, key: &str) -> Option<&'static Key> {
        self.group.key(key)
    }

    fn missing(&self, key: &str, problems: &mut Problems) {
        let (what, help) = match self.spec(key).map(|spec| &spec.kind) {
            Some(Kind::Group(group)) => (format!("there is no `[{}]` table", group.path), format!("add `[{}]`", group.path)),
            Some(Kind::Groups(_)) => (
                format!("there is no `[[{key}]]`, so nothing would be served"),
                format!("add `[[{key}]]` with `name` and `url` or `command`"),
            ),
            _ => (format!("{} needs `{key}`", self.group.title()), format!("add `{key} = {}`", self.example(key))),
        };
        problems.add(self.span(), what, help);
    }

    fn wrong_type(&self, key: &str, value: &DeValue<'_>, span: Range<usize>, problems: &mut Problems) {
        let wanted = self.spec(key).map_or("a value", |spec| wanted(&spec.kind));
        let what = format!("{} where {wanted} is expected {}", a_type(value), self.of(key));
        problems.add(Some(span), what, format!("write `{key} = {}`", self.example(key)));
    }

    fn of(&self, key: &str) -> String {
        let dot = if self.group.path.is_empty() { "" } else { "." };
        format!("(`{}{dot}{key}`)", self.group.path)
    }

    fn example(&self, key: &str) -> String {
        self.spec(key).map_or_else(String::new, example)
    }
}

fn unknown_key(group: &'static Group, key: &str, span: Range<usize>, value: &DeValue<'_>, problems: &mut Problems) {
    let what = format!("{} has no key `{key}`", group.title());
    if looks_secret(key) && value.is_str() {
        let help = "nothing secret is written in this file: put the value in a file of mode 0600 and name that file, as `graph_secret_file` and `env_files` do; and since it stood here, replace the secret";
        return problems.add_masked(span, what, help);
    }
    let near = nearest(key, group.keys.iter().map(|key| key.name));
    let help = match (near, home_of(key, &crate::keys::ROOT)) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(other)) => format!("`{key}` belongs to {}", other.title()),
        (None, None) => {
            let all: Vec<&str> = group.keys.iter().map(|key| key.name).collect();
            format!("its keys are {}", all.join(", "))
        }
    };
    problems.add(Some(span), what, help);
}

/// Whether a name says that its value is a credential.
pub(crate) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let words = ["secret", "password", "passwd", "passphrase", "token", "credential", "apikey", "api_key", "access_key", "private_key"];
    words.iter().any(|word| name.contains(word)) && !name.ends_with("_file")
}

/// The table that has this key.
fn home_of(key: &str, group: &'static Group) -> Option<&'static Group> {
    if group.key(key).is_some() {
        return Some(group);
    }
    group.keys.iter().find_map(|inner| match inner.kind {
        Kind::Group(group) | Kind::Groups(group) => home_of(key, group),
        _ => None,
    })
}

/// `"a", "b"`
fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

fn a_type(value: &DeValue<'_>) -> &'static str {
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

fn wanted(kind: &Kind) -> &'static str {
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
        "URL" => "\"https://crm.contoso.com/mcp\"",
        "network" => "\"10.1.0.0/16\"",
        "path" => "\"folder/file\"",
        "GUID" => "\"11111111-2222-3333-4444-555555555555\"",
        "App ID URI" => "\"api://crm.contoso.com\"",
        "scope" => "\"mcp.access\"",
        "role" => "\"Mcp.Use\"",
        "server name" => "\"crm\"",
        "argument" => "\"program\", \"argument\"",
        _ => "\"text\"",
    }
}
