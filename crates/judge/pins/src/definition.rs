//! What a server says of one thing it offers, in a form that is compared and hashed.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use doorward_wire::{Limits, Tree, Value};

use crate::canonical::{CanonicalError, canonical, string};

/// What kind of thing it is. Each has its own list in the protocol, and its own member that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An entry of `tools/list`.
    Tool,
    /// An entry of `prompts/list`.
    Prompt,
    /// An entry of `resources/list`.
    Resource,
    /// An entry of `resources/templates/list`.
    Template,
    /// What the server says of itself in answer to `initialize` or `server/discover`: instructions, capabilities, names.
    Server,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Tool, Self::Prompt, Self::Resource, Self::Template, Self::Server];

    /// Finds the kind of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Template => "template",
            Self::Server => "server",
        }
    }

    /// The member that names one among others. A server is the only one of its kind.
    fn key(self) -> Option<&'static str> {
        match self {
            Self::Tool | Self::Prompt => Some("name"),
            Self::Resource => Some("uri"),
            Self::Template => Some("uriTemplate"),
            Self::Server => None,
        }
    }
}

/// The SHA-256 of a canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Reads the form that [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 64 || digits.iter().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why something cannot be pinned. It is not offered either: what has no name or no one form cannot be recognised again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// Not an object, or without the member that names it.
    #[error("a {} has no `{}` that is a text; ask the server's author", .0.name(), .0.key().unwrap_or_default())]
    Nameless(Kind),
    /// It has no canonical form.
    #[error("a definition cannot be pinned: {0}; ask the server's author")]
    Form(#[from] CanonicalError),
}

/// One thing a server offers, as it says so: every member, known or not, for a model may be shown each.
#[derive(Debug, Clone)]
pub struct Definition {
    kind: Kind,
    name: String,
    tree: Tree,
    hash: Hash,
}

impl Definition {
    /// Takes an entry of a list, or for [`Kind::Server`] the result that a server introduces itself with.
    ///
    /// # Errors
    /// A [`DefinitionError`] for what has no name or no canonical form.
    pub fn of(kind: Kind, value: Value<'_>) -> Result<Self, DefinitionError> {
        let name = match kind.key() {
            Some(key) => {
                value.get(key).and_then(|name| name.as_str()).ok_or(DefinitionError::Nameless(kind))?
            }
            None if value.is_object() => "".into(),
            None => return Err(DefinitionError::Nameless(kind)),
        };
        let form = if kind == Kind::Server { introduction(value)? } else { canonical(value)? };
        Self::read(kind, name.into_owned(), form).ok_or(DefinitionError::Form(CanonicalError::Depth))
    }

    /// Takes a canonical form back; `None` if it is not one, or not of this name.
    pub(crate) fn stored(kind: Kind, form: &str) -> Option<Self> {
        let tree = parse(form)?;
        let read = Self::of(kind, tree.root()).ok()?;
        (read.canonical() == form).then_some(read)
    }

    fn read(kind: Kind, name: String, form: String) -> Option<Self> {
        let hash = <[u8; 32]>::try_from(digest(&SHA256, form.as_bytes()).as_ref()).ok()?;
        Some(Self { kind, name, tree: parse(&form)?, hash: Hash(hash) })
    }

    /// Returns what kind of thing it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what it is called: a tool's or a prompt's name, a resource's address, nothing for a server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the hash of its canonical form.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Returns its canonical form.
    pub fn canonical(&self) -> &str {
        self.root().raw()
    }

    pub(crate) fn root(&self) -> Value<'_> {
        self.tree.root()
    }
}

/// Parses a form that was written here: numbers may have grown, nothing else is new.
fn parse(form: &str) -> Option<Tree> {
    let limits = Limits { max_bytes: 32 << 20, max_depth: 128, max_nodes: 1 << 20 };
    Tree::parse(Bytes::copy_from_slice(form.as_bytes()), &limits).ok()
}

/// What stays the same of a server that is asked in one revision today and in another tomorrow: its words, its name and what
/// it can do. How long an answer may be kept, and which revisions there are, is not said to a model.
fn introduction(value: Value<'_>) -> Result<String, CanonicalError> {
    let info =
        value.get("serverInfo").or_else(|| value.path(&["_meta", "io.modelcontextprotocol/serverInfo"]));
    let parts = [
        ("capabilities", value.get("capabilities")),
        ("instructions", value.get("instructions")),
        ("serverInfo", info),
    ];
    let mut out = String::from("{");
    for (name, part) in parts.into_iter().filter_map(|(name, part)| Some((name, part?))) {
        if out.len() > 1 {
            out.push(',');
        }
        string(name, &mut out);
        out.push(':');
        out.push_str(&canonical(part)?);
    }
    out.push('}');
    Ok(out)
}
