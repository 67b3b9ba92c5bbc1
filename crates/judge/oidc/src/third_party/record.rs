//! How rows of the store are written and read. The store seals them, so a malformed one is a mistake or an older
//! program's; it is refused, never guessed at.

use bytes::Bytes;
use doorward_types::Timestamp;
use doorward_wire::{Tree, Value, quote};

use super::document;

/// Why a stored row was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not strict JSON.
    #[error("the record is not JSON")]
    NotJson,
    /// Another kind of record, or another version of this kind.
    #[error("the record is not of the kind and version `{0}`")]
    OtherKind(&'static str),
    /// A member is missing or malformed.
    #[error("the record's `{0}` is missing or malformed")]
    Member(&'static str),
}

/// Writes one row, member by member.
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn new(kind: &str) -> Self {
        Self(format!(r#"{{"v":{}"#, quote(kind)))
    }

    pub(super) fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, &quote(value))
    }

    pub(super) fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn list(self, name: &str, values: &[String]) -> Self {
        let quoted: Vec<String> = values.iter().map(|value| quote(value)).collect();
        self.raw(name, &format!("[{}]", quoted.join(",")))
    }

    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    pub(super) fn time(self, name: &str, value: Timestamp) -> Self {
        self.raw(name, &value.as_micros().to_string())
    }

    fn raw(mut self, name: &str, json: &str) -> Self {
        self.0.push_str(&format!(",{}:{json}", quote(name)));
        self
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.push('}');
        self.0.into_bytes()
    }
}

/// Parses a row, to be read with [`Reader::of`].
pub(super) fn parse(record: &[u8]) -> Result<Tree, RecordError> {
    document(Bytes::copy_from_slice(record)).ok_or(RecordError::NotJson)
}

/// Reads the members of one row.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t>(Value<'t>);

impl<'t> Reader<'t> {
    pub(super) fn of(tree: &'t Tree, kind: &'static str) -> Result<Self, RecordError> {
        let root = tree.root();
        let same = root.get("v").is_some_and(|value| value.is_str(kind));
        same.then_some(Self(root)).ok_or(RecordError::OtherKind(kind))
    }

    pub(super) fn optional(self, name: &'static str) -> Result<Option<String>, RecordError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => Ok(Some(value.as_str().ok_or(RecordError::Member(name))?.into_owned())),
        }
    }

    pub(super) fn text(self, name: &'static str) -> Result<String, RecordError> {
        self.optional(name)?.ok_or(RecordError::Member(name))
    }

    pub(super) fn list(self, name: &'static str) -> Result<Vec<String>, RecordError> {
        let list = self.0.get(name).ok_or(RecordError::Member(name))?;
        let text = |value: Value<'_>| value.as_str().map(std::borrow::Cow::into_owned);
        list.items().map(text).collect::<Option<_>>().ok_or(RecordError::Member(name))
    }

    pub(super) fn flag(self, name: &'static str) -> Result<bool, RecordError> {
        self.0.get(name).and_then(|value| value.as_bool()).ok_or(RecordError::Member(name))
    }

    pub(super) fn time(self, name: &'static str) -> Result<Option<Timestamp>, RecordError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => {
                let micros = value.as_i64().ok_or(RecordError::Member(name))?;
                Ok(Some(Timestamp::from_micros(micros)))
            }
        }
    }
}
