//! One record, and which ones a reader wants.

use std::borrow::Cow;

use doorward_wire::{Tree, Value};

use crate::read::parse;
use crate::record::CallId;

/// One record of a log.
#[derive(Clone)]
pub struct Record {
    tree: Tree,
}

impl Record {
    /// Parses a line; nothing if it is not a record.
    pub(crate) fn parse(line: Vec<u8>) -> Option<Self> {
        let record = Self { tree: parse(line)? };
        record.number("seq")?;
        record.text("kind")?;
        record.text("time")?;
        record.text("prev")?;
        Some(record)
    }

    /// Returns the record's number, from 1.
    pub fn seq(&self) -> u64 {
        self.number("seq").unwrap_or(0)
    }

    /// Returns when it was written, in RFC 3339.
    pub fn time(&self) -> Cow<'_, str> {
        self.text("time").unwrap_or_default()
    }

    /// Returns what it is: `intent`, `outcome`, `refused`, `checkpoint`, …
    pub fn kind(&self) -> Cow<'_, str> {
        self.text("kind").unwrap_or_default()
    }

    /// Returns the call it belongs to.
    pub fn call(&self) -> Option<CallId> {
        CallId::parse(&self.text("call")?)
    }

    /// Returns a member that is a string.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.root().get(name)?.as_str()
    }

    /// Returns a member that is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        u64::try_from(self.root().get(name)?.as_i64()?).ok()
    }

    /// Returns the whole record.
    pub fn root(&self) -> Value<'_> {
        self.tree.root()
    }

    /// Returns the line as the log holds it.
    pub fn line(&self) -> &str {
        self.root().raw()
    }
}

/// Which records a reader wants: those that fit every part that is given.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this call.
    pub call: Option<CallId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this person or application, by pseudonym.
    pub person: Option<String>,
    /// About this server.
    pub server: Option<String>,
    /// Not before this time, in RFC 3339; a beginning of one is enough.
    pub since: Option<String>,
}

impl Filter {
    /// True if the record fits.
    pub fn matches(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_ref().is_none_or(|wanted| record.text(name).as_deref() == Some(wanted))
        };
        self.call.is_none_or(|call| record.call() == Some(call))
            && is(&self.kind, "kind")
            && is(&self.server, "server")
            && (is(&self.person, "person") || is(&self.person, "application"))
            && self.since.as_ref().is_none_or(|since| *record.time() >= **since)
    }
}
