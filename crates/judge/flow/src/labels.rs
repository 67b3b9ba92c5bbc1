//! What each tool, resource and prompt is: where its text comes from, who may know it, where its arguments go.
//!
//! Labels come from the configuration and from pins that a person approved. What a server says of itself (annotations)
//! is never asked: a server that lies about itself is the reason for labels.

use std::collections::BTreeMap;

use doorward_types::ServerName;

use crate::label::{Confidentiality, Integrity, Label};
use crate::sink::{Place, Sink};

/// Something of a server that can be called, read or fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Item<'a> {
    /// A tool, by name.
    Tool(&'a str),
    /// A resource, by URI.
    Resource(&'a str),
    /// A prompt, by name.
    Prompt(&'a str),
}

/// One label, as the configuration or a pin writes it. What is left out is said by the server's own label, and else is
/// the worst that is usual: untrusted, confidential, outward.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The server.
    pub server: &'a ServerName,
    /// What of it; the whole server if nothing. A resource that ends in `*` is every URI that begins so.
    pub item: Option<Item<'a>>,
    /// How far what it answers may be believed: `trusted`, `user` or `untrusted`.
    pub integrity: Option<&'a str>,
    /// Who may know what it answers: `public`, `internal`, `confidential` or `restricted`.
    pub confidentiality: Option<&'a str>,
    /// Where its arguments go, as [`Sink::parse`] reads it.
    pub sink: Option<&'a str>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {help}")]
pub struct LabelError {
    /// Which entry, counted from zero.
    pub entry: usize,
    /// Which member of it; none if it is about the entry as a whole.
    pub member: Option<&'static str>,
    /// What is wrong.
    pub what: String,
    /// What to write.
    pub help: String,
}

/// The labels of every server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    servers: BTreeMap<ServerName, OfServer>,
}

/// What one item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nature {
    /// What its answers are.
    pub source: Label,
    /// Where its arguments go.
    pub sink: Sink,
    /// Everything about it was said by somebody. A reason tells people where nothing was.
    pub labelled: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct OfServer {
    whole: Option<Partial>,
    items: BTreeMap<(Kind, String), Partial>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Partial {
    integrity: Option<Integrity>,
    confidentiality: Option<Confidentiality>,
    sink: Option<Sink>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Tool,
    Resource,
    Prompt,
    /// What a server says of all of these. No item of its own: it is listed, not called.
    List,
}

impl<'a> Item<'a> {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Tool(_) => Kind::Tool,
            Self::Resource(_) => Kind::Resource,
            Self::Prompt(_) => Kind::Prompt,
        }
    }

    /// Returns its name or URI.
    pub fn name(self) -> &'a str {
        match self {
            Self::Tool(name) | Self::Resource(name) | Self::Prompt(name) => name,
        }
    }
}

impl Labels {
    /// Reads the configuration's entries.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the entries.
    pub fn read(entries: &[Entry<'_>]) -> Result<Self, Vec<LabelError>> {
        let mut labels = Self::default();
        let mut errors = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let partial = match Partial::read(at, entry) {
                Ok(partial) => partial,
                Err(wrong) => {
                    errors.extend(wrong);
                    continue;
                }
            };
            let server = labels.servers.entry(entry.server.clone()).or_default();
            let before = match entry.item {
                None => server.whole.replace(partial),
                Some(item) => server.items.insert((item.kind(), item.name().to_owned()), partial),
            };
            if before.is_some() {
                let what = "it is labelled by an earlier entry as well".to_owned();
                errors.push(LabelError {
                    entry: at,
                    member: None,
                    what,
                    help: "keep one of them".to_owned(),
                });
            }
        }
        if errors.is_empty() { Ok(labels) } else { Err(errors) }
    }

    /// Adds the labels that people approved together with an item's pin. The configuration's own label of the same item
    /// stands: whoever runs the door has the last word.
    ///
    /// # Errors
    /// As [`Labels::read`], and for a pin that would label a whole server.
    pub fn with_pins(mut self, entries: &[Entry<'_>]) -> Result<Self, Vec<LabelError>> {
        if let Some(entry) = entries.iter().position(|entry| entry.item.is_none()) {
            let what = "a pin's label is about no item".to_owned();
            let help = "label the server in the configuration".to_owned();
            return Err(vec![LabelError { entry, member: None, what, help }]);
        }
        for (name, pinned) in Self::read(entries)?.servers {
            let own = self.servers.entry(name).or_default();
            for (item, partial) in pinned.items {
                own.items.entry(item).or_insert(partial);
            }
        }
        Ok(self)
    }

    /// Returns what an item is. What nobody said is the worst that is usual (D-20).
    pub fn nature(&self, server: &ServerName, item: Item<'_>) -> Nature {
        let server = self.servers.get(server);
        let own = server.and_then(|server| server.own(item));
        let whole = server.and_then(|server| server.whole.as_ref());
        let chain = || own.into_iter().chain(whole);
        let integrity = chain().find_map(|partial| partial.integrity);
        let confidentiality = chain().find_map(|partial| partial.confidentiality);
        let sink = chain().find_map(|partial| partial.sink.clone());
        Nature {
            labelled: integrity.is_some() && confidentiality.is_some() && sink.is_some(),
            source: Label {
                integrity: integrity.unwrap_or(Label::UNLABELLED.integrity),
                confidentiality: confidentiality.unwrap_or(Label::UNLABELLED.confidentiality),
            },
            sink: sink.unwrap_or(Sink::always(Place::Outward)),
        }
    }
}

impl OfServer {
    /// The item's own label; for a resource the longest beginning that fits.
    fn own(&self, item: Item<'_>) -> Option<&Partial> {
        let exact = self.items.get(&(item.kind(), item.name().to_owned()));
        let Item::Resource(uri) = item else { return exact };
        // `file:///public/../secret` begins with `file:///public/` and is something else.
        if exact.is_some() || uri.contains("..") || uri.contains('\\') || uri.contains('%') {
            return exact;
        }
        let prefixes = self.items.iter().filter_map(|((kind, pattern), partial)| {
            let prefix = pattern.strip_suffix('*').filter(|_| *kind == Kind::Resource)?;
            uri.starts_with(prefix).then_some((prefix.len(), partial))
        });
        prefixes.max_by_key(|(length, _)| *length).map(|(_, partial)| partial)
    }
}

impl Partial {
    fn read(at: usize, entry: &Entry<'_>) -> Result<Self, Vec<LabelError>> {
        let mut errors = Vec::new();
        let mut wrong = |member, what: String, help: String| {
            errors.push(LabelError { entry: at, member, what, help });
        };
        if entry.item.is_some_and(|item| item.name().is_empty()) {
            wrong(None, "the label is about an item without a name".to_owned(), "name it".to_owned());
        }
        let integrity = entry.integrity.map(|word| (word, Integrity::parse(word)));
        if let Some((word, None)) = integrity {
            let words = Integrity::ALL.map(Integrity::word).join("`, `");
            wrong(Some("integrity"), format!("{word:?} is no integrity"), format!("write one of `{words}`"));
        }
        let confidentiality = entry.confidentiality.map(|word| (word, Confidentiality::parse(word)));
        if let Some((word, None)) = confidentiality {
            let words = Confidentiality::ALL.map(Confidentiality::word).join("`, `");
            let what = format!("{word:?} is no confidentiality");
            wrong(Some("confidentiality"), what, format!("write one of `{words}`"));
        }
        let sink = entry.sink.map(Sink::parse).transpose();
        if let Err(error) = &sink {
            wrong(Some("sink"), error.what.clone(), error.help.to_owned());
        }
        if entry.integrity.or(entry.confidentiality).or(entry.sink).is_none() {
            let help = "set `integrity`, `confidentiality` or `sink`, or take the entry out";
            wrong(None, "the label says nothing".to_owned(), help.to_owned());
        }
        match sink {
            Ok(sink) if errors.is_empty() => Ok(Self {
                integrity: integrity.and_then(|(_, level)| level),
                confidentiality: confidentiality.and_then(|(_, level)| level),
                sink,
            }),
            _ => Err(errors),
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Tool, Self::Resource, Self::Prompt, Self::List];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Prompt => "prompt",
            Self::List => "list",
        }
    }
}
