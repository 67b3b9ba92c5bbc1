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
use crate::words::{a_type, example, listed, unknown_key, wanted};

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
    /// Keys that a misspelt one was probably meant to be: they are not told missing as well.
    meant: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Opens a table: every key that the group does not know becomes a problem.
    pub(crate) fn open(
        group: &'static Group,
        table: &'a DeTable<'a>,
        span: Option<Range<usize>>,
        problems: &mut Problems,
    ) -> Self {
        let unknown = table.iter().filter(|(key, _)| group.key(key.get_ref()).is_none());
        let meant = unknown
            .filter_map(|(key, value)| {
                unknown_key(group, key.get_ref(), key.span(), value.get_ref(), problems)
            })
            .collect();
        Self { group, table: Some(table), span, meant }
    }

    /// Where the table stands.
    pub(crate) fn span(&self) -> Option<Range<usize>> {
        self.span.clone()
    }

    /// Where the key's value stands, or the table if the key is not written.
    pub(crate) fn at(&self, key: &str) -> Option<Range<usize>> {
        self.value(key).map(Spanned::span).or_else(|| self.span())
    }

    /// Where the key's name stands, for problems that must not show its value.
    pub(crate) fn name_at(&self, key: &str) -> Option<Range<usize>> {
        self.table?.keys().find(|name| name.get_ref() == key).map(Spanned::span)
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
        if self.has(key) {
            self.group(key, problems)
        } else {
            Some(Section { group, table: None, span: None, meant: Vec::new() })
        }
    }

    /// Opens each table of an array of tables.
    pub(crate) fn groups(&self, key: &str, problems: &mut Problems) -> Vec<Section<'a>> {
        let Some(Key { kind: Kind::Groups(group), .. }) = self.spec(key) else { return Vec::new() };
        let Some(value) = self.written(key, problems) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let what = format!("`{key}` is {}, and there may be several of it", a_type(value.get_ref()));
            problems.add(
                Some(value.span()),
                what,
                format!("write `{}`, with two brackets, above its keys", group.title()),
            );
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in list {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::open(group, table, Some(item.span()), problems)),
                None => problems.add(
                    Some(item.span()),
                    format!("each `{key}` is a table"),
                    format!("write `{}` above its keys", group.title()),
                ),
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
                let all = listed(words.iter().copied());
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
            Some(within(number.as_str(), parsed, least, most, |n| n.to_string()))
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
                None => {
                    let what =
                        format!("{} where a text is expected {}", a_type(value.get_ref()), self.of(key));
                    problems.add_beside_secret(name.span(), what, format!("write `{name_text} = \"text\"`"));
                }
                Some(text) => match parse(name_text, text) {
                    Ok(parsed) => {
                        map.insert(name_text.to_owned(), parsed);
                    }
                    // What stands in such a table may be a secret in the wrong place.
                    Err(fault) => problems.add_beside_secret(name.span(), fault.what, fault.help),
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
                self.fault(key, fault, span, problems);
                None
            }
        }
    }

    fn fault(&self, key: &str, fault: Fault, span: Range<usize>, problems: &mut Problems) {
        let what = format!("{} {}", fault.what, self.of(key));
        if fault.secret {
            problems.add_on_secret(span, what, fault.help);
        } else {
            problems.add(Some(span), what, fault.help);
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
                self.fault(key, fault, value.span(), problems);
                None
            }
            None => {
                self.wrong_type(key, value.get_ref(), value.span(), problems);
                None
            }
        }
    }

    /// A default is read as if the user had written it.
    fn default<T>(
        &self,
        key: &str,
        read: impl Fn(&DeValue<'_>) -> Option<Result<T, Fault>>,
    ) -> Option<Read<T>> {
        let spec = self.spec(key)?;
        let Need::Default(text) = spec.need else { return None };
        let bare = matches!(spec.kind, Kind::Flag | Kind::Count(..));
        let value = if bare { DeValue::parse(text).ok()?.into_inner() } else { DeValue::String(text.into()) };
        Some(Read { value: read(&value)?.ok()?, span: None })
    }

    /// The value as written; a problem if it is not and must be.
    fn written(&self, key: &str, problems: &mut Problems) -> Option<&'a Spanned<DeValue<'a>>> {
        let value = self.value(key);
        let needed = self.spec(key).is_some_and(|spec| spec.need == Need::Always);
        if value.is_none() && needed && !self.meant.contains(&key) {
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
            Some(Kind::Group(group)) => {
                (format!("there is no `[{}]` table", group.path), format!("add `[{}]`", group.path))
            }
            Some(Kind::Groups(_)) => (
                format!("there is no `[[{key}]]`, so nothing would be served"),
                format!("add `[[{key}]]` with `name` and `url` or `command`"),
            ),
            _ => (
                format!("{} needs `{key}`", self.group.title()),
                format!("add `{key} = {}`", self.example(key)),
            ),
        };
        problems.add(self.span(), what, help);
    }

    fn wrong_type(&self, key: &str, value: &DeValue<'_>, span: Range<usize>, problems: &mut Problems) {
        let wanted = self.spec(key).map_or("a value", |spec| wanted(&spec.kind));
        let what = format!("{} where {wanted} is expected {}", a_type(value), self.of(key));
        let example = match (self.spec(key).map(|spec| &spec.kind), value.as_str()) {
            (Some(Kind::List("argument")), Some(text)) => format!("[{}]", listed(text.split_whitespace())),
            (Some(Kind::List(_)), Some(text)) => format!("[\"{text}\"]"),
            _ => self.example(key),
        };
        problems.add(Some(span), what, format!("write `{key} = {example}`"));
    }

    fn of(&self, key: &str) -> String {
        let dot = if self.group.path.is_empty() { "" } else { "." };
        format!("(`{}{dot}{key}`)", self.group.path)
    }

    fn example(&self, key: &str) -> String {
        self.spec(key).map_or_else(String::new, example)
    }
}
