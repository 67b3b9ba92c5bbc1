//! The table of every key: what `load` accepts, the JSON Schema and the reference page are all read from it, so that
//! they cannot disagree. Defaults are written here as a user would write them, and parsed by the same code.

mod advise;
mod data;
mod flow;
mod guard;
mod server;
mod sign_in;
mod table;

pub(crate) use flow::LABELS;
pub(crate) use table::ROOT;

/// A table of the file, `[gateway]` for one.
#[derive(Debug)]
pub(crate) struct Group {
    /// The dotted path, empty for the file itself.
    pub(crate) path: &'static str,
    /// What it is for, in whole sentences of Markdown.
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [Key],
}

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) need: Need,
    /// What it means, in whole sentences of Markdown.
    pub(crate) about: &'static str,
}

/// Whether a key may be left out, and what holds then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It must be written.
    Always,
    /// It may be left out and then has no value.
    Optional,
    /// It may be left out and then reads as this text.
    Default(&'static str),
}

/// The form of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Any text that the key's own rule accepts; the word names the form in messages and docs.
    Text(&'static str),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number between the two, both included.
    Count(u64, u64),
    /// A size with its unit, between the two, in bytes.
    Size(u64, u64),
    /// A duration with its unit, between the two, in milliseconds.
    Span(u64, u64),
    /// A list of texts of the named form.
    List(&'static str),
    /// A text of the named form, or a list of them.
    OneOrMore(&'static str),
    /// A table from a name to a text of the named form.
    Map(&'static str),
    /// A table with keys of its own.
    Group(&'static Group),
    /// An array of tables with keys of their own, `[[server]]`.
    Groups(&'static Group),
}

impl Group {
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// How messages call it: `[gateway]`, `[[server]]`, `the file`.
    pub(crate) fn title(&self) -> String {
        match self.path {
            "" => "the top of the file".into(),
            "server" => "[[server]]".into(),
            "client" => "[[client]]".into(),
            "server.flow" => "[[server.flow]]".into(),
            "label" => "[[label]]".into(),
            "data.rule" => "[[data.rule]]".into(),
            path => format!("[{path}]"),
        }
    }
}
