//! How a pin is kept: JSON of our own, read back strictly. What is signed is these bytes.

use bytes::Bytes;
use doorward_types::{ServerName, Timestamp};
use doorward_wire::{Kind as Json, Limits, Tree, Value, quote};

use crate::definition::{Definition, Kind};
use crate::pin::{Act, Decision, Pin, Server, Version};

const FORM: &str = "pin/1";
/// A definition is as large as a message at most, and a pin keeps the last few.
const LIMITS: Limits = Limits { max_bytes: 80 << 20, max_depth: 100, max_nodes: 8 << 20 };

/// Why a stored pin was not read. It is refused, never guessed at: a pin that is not there blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not strict JSON.
    #[error("the pin is not JSON")]
    NotJson,
    /// Another kind of record, or another version of this kind.
    #[error("the record is not of the form `{FORM}`")]
    OtherForm,
    /// A member is missing or malformed.
    #[error("the pin's `{0}` is missing or malformed")]
    Member(&'static str),
    /// A member that no pin has.
    #[error("the pin has a member that is not known")]
    Unknown,
    /// The definition is not in canonical form, or its hash is another.
    #[error("the pin's definition and its hash do not fit")]
    Hash,
    /// It reads well, but would not be written so.
    #[error("the pin is not written as pins are")]
    Layout,
}

impl Pin {
    /// Returns the pin as it is kept.
    pub fn to_record(&self) -> Vec<u8> {
        let list = |versions: &[Version]| versions.iter().map(version).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"form":"{FORM}","server":{},"address":{},"kind":"{}","current":{},"earlier":[{}],"rejected":[{}]}}"#,
            quote(self.server.name.as_str()),
            quote(&self.server.address),
            self.kind().name(),
            version(&self.current),
            list(&self.earlier),
            list(&self.rejected),
        )
        .into_bytes()
    }

    /// Reads a pin that was kept. There is one way to write each, so that what was signed is what is read.
    ///
    /// # Errors
    /// A [`RecordError`] for anything that [`to_record`](Self::to_record) does not write.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let tree = Tree::parse(Bytes::copy_from_slice(record), &LIMITS).map_err(|_| RecordError::NotJson)?;
        let row = tree.root();
        if !row.get("form").is_some_and(|form| form.is_str(FORM)) {
            return Err(RecordError::OtherForm);
        }
        only(row, &["form", "server", "address", "kind", "current", "earlier", "rejected"])?;
        let name = text(row, "server")?;
        let server = Server {
            name: ServerName::parse(&name).map_err(|_| RecordError::Member("server"))?,
            address: text(row, "address")?,
        };
        let kind = text(row, "kind")?;
        let kind =
            Kind::ALL.into_iter().find(|known| known.name() == kind).ok_or(RecordError::Member("kind"))?;
        let pin = Self {
            server,
            current: read(kind, row.get("current").ok_or(RecordError::Member("current"))?)?,
            earlier: versions(kind, row, "earlier")?,
            rejected: versions(kind, row, "rejected")?,
        };
        let others = pin.earlier.iter().chain(&pin.rejected);
        if others.map(|version| version.definition.name()).any(|name| name != pin.name()) {
            return Err(RecordError::Member("current"));
        }
        let is_pinnable = |version: &Version| version.decision.act != Act::Rejected;
        if !is_pinnable(&pin.current)
            || !pin.earlier.iter().all(is_pinnable)
            || pin.rejected.iter().any(is_pinnable)
        {
            return Err(RecordError::Member("act"));
        }
        if pin.to_record() == record { Ok(pin) } else { Err(RecordError::Layout) }
    }
}

fn version(version: &Version) -> String {
    let Version { definition, decision } = version;
    let expires = decision.expires.map_or_else(|| "null".to_owned(), |time| time.as_micros().to_string());
    format!(
        r#"{{"act":"{}","by":{},"at":{},"reason":{},"expires":{expires},"hash":"{}","definition":{}}}"#,
        act(decision.act),
        quote(&decision.by),
        decision.at.as_micros(),
        quote(&decision.reason),
        definition.hash(),
        definition.canonical(),
    )
}

fn read(kind: Kind, row: Value<'_>) -> Result<Version, RecordError> {
    only(row, &["act", "by", "at", "reason", "expires", "hash", "definition"])?;
    let acts = [Act::FirstUse, Act::Approved, Act::Rejected];
    let word = text(row, "act")?;
    let expires = row.get("expires").ok_or(RecordError::Member("expires"))?;
    let decision = Decision {
        act: acts.into_iter().find(|known| act(*known) == word).ok_or(RecordError::Member("act"))?,
        by: text(row, "by")?,
        at: row.get("at").and_then(time).ok_or(RecordError::Member("at"))?,
        reason: text(row, "reason")?,
        expires: match expires.is_null() {
            true => None,
            false => Some(time(expires).ok_or(RecordError::Member("expires"))?),
        },
    };
    let definition = row.get("definition").ok_or(RecordError::Member("definition"))?;
    let definition = Definition::stored(kind, definition.raw()).ok_or(RecordError::Hash)?;
    if text(row, "hash")? != definition.hash().to_string() {
        return Err(RecordError::Hash);
    }
    Ok(Version { definition, decision })
}

fn versions(kind: Kind, row: Value<'_>, name: &'static str) -> Result<Vec<Version>, RecordError> {
    let list = row.get(name).filter(|list| list.kind() == Json::Array).ok_or(RecordError::Member(name))?;
    list.items().map(|item| read(kind, item)).collect()
}

fn act(act: Act) -> &'static str {
    match act {
        Act::FirstUse => "first-use",
        Act::Approved => "approved",
        Act::Rejected => "rejected",
    }
}

fn only(row: Value<'_>, names: &[&str]) -> Result<(), RecordError> {
    let is_known = row.members().all(|(name, _)| names.contains(&name.as_ref()));
    is_known.then_some(()).ok_or(RecordError::Unknown)
}

fn text(row: Value<'_>, name: &'static str) -> Result<String, RecordError> {
    let value = row.get(name).and_then(|value| value.as_str());
    value.map(|text| text.into_owned()).ok_or(RecordError::Member(name))
}

fn time(value: Value<'_>) -> Option<Timestamp> {
    value.as_i64().map(Timestamp::from_micros)
}
