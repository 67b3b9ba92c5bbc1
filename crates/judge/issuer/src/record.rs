//! How the store's rows are written and read: JSON of our own, with the kind and version first.
//!
//! The store seals its rows, so a malformed one is a mistake or an older program's; it is refused, never guessed at.

use bytes::Bytes;
use doorward_oauth::{CallerKind, Groups};
use doorward_types::{ClientId, GrantId, ObjectId, Person, ServerName, TenantId, Timestamp};
use doorward_wire::{Kind, Limits, Tree, Value, quote};

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

/// Writes one record, member by member.
pub(crate) struct Writer(String);

impl Writer {
    pub(crate) fn new(kind: &str) -> Self {
        Self(format!(r#"{{"v":{}"#, quote(kind)))
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, &quote(value))
    }

    pub(crate) fn optional(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(crate) fn list<'s>(self, name: &str, values: impl IntoIterator<Item = &'s str>) -> Self {
        self.raw(name, &list(values))
    }

    pub(crate) fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    pub(crate) fn time(self, name: &str, value: Timestamp) -> Self {
        self.raw(name, &value.as_micros().to_string())
    }

    pub(crate) fn person(self, person: &Person) -> Self {
        self.text("tid", person.tenant.as_str()).text("oid", person.object.as_str())
    }

    pub(crate) fn groups(self, groups: &Groups) -> Self {
        match groups {
            Groups::Listed(ids) => self.list("groups", ids.iter().map(ObjectId::as_str)),
            Groups::Overage => self.flag("groups", true),
            Groups::Absent => self,
        }
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        self.0.push_str(&format!(",{}:{json}", quote(name)));
        self
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push('}');
        self.0.into_bytes()
    }
}

/// Writes an array of strings.
pub(crate) fn list<'s>(values: impl IntoIterator<Item = &'s str>) -> String {
    let quoted: Vec<String> = values.into_iter().map(quote).collect();
    format!("[{}]", quoted.join(","))
}

/// Reads the members of one record.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'t>(Value<'t>);

/// Parses a record, to be read with [`Reader::of`].
pub(crate) fn parse(record: &[u8]) -> Result<Tree, RecordError> {
    let limits = Limits { max_bytes: 1 << 20, max_depth: 16, max_nodes: 65_536 };
    Tree::parse(Bytes::copy_from_slice(record), &limits).map_err(|_| RecordError::NotJson)
}

impl<'t> Reader<'t> {
    pub(crate) fn of(tree: &'t Tree, kind: &'static str) -> Result<Self, RecordError> {
        let root = tree.root();
        if root.get("v").is_some_and(|v| v.is_str(kind)) {
            Ok(Self(root))
        } else {
            Err(RecordError::OtherKind(kind))
        }
    }

    pub(crate) fn value(self, name: &str) -> Option<Value<'t>> {
        self.0.get(name)
    }

    pub(crate) fn optional(self, name: &'static str) -> Result<Option<String>, RecordError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => {
                value.as_str().map(|text| Some(text.into_owned())).ok_or(RecordError::Member(name))
            }
        }
    }

    pub(crate) fn text(self, name: &'static str) -> Result<String, RecordError> {
        self.optional(name)?.ok_or(RecordError::Member(name))
    }

    pub(crate) fn list(self, name: &'static str) -> Result<Vec<String>, RecordError> {
        self.0.get(name).and_then(strings).ok_or(RecordError::Member(name))
    }

    pub(crate) fn flag(self, name: &'static str) -> Result<bool, RecordError> {
        self.0.get(name).and_then(|value| value.as_bool()).ok_or(RecordError::Member(name))
    }

    pub(crate) fn time(self, name: &'static str) -> Result<Timestamp, RecordError> {
        let micros = self.0.get(name).and_then(|value| value.as_i64());
        micros.map(Timestamp::from_micros).ok_or(RecordError::Member(name))
    }

    pub(crate) fn optional_time(self, name: &'static str) -> Result<Option<Timestamp>, RecordError> {
        self.0.get(name).map(|_| self.time(name)).transpose()
    }

    pub(crate) fn count(self, name: &'static str) -> Result<u32, RecordError> {
        let value = self.0.get(name).and_then(|value| value.as_i64());
        value.and_then(|value| u32::try_from(value).ok()).ok_or(RecordError::Member(name))
    }

    pub(crate) fn person(self) -> Result<Person, RecordError> {
        Ok(Person {
            tenant: TenantId::parse(&self.text("tid")?).map_err(|_| RecordError::Member("tid"))?,
            object: ObjectId::parse(&self.text("oid")?).map_err(|_| RecordError::Member("oid"))?,
        })
    }

    pub(crate) fn client(self, name: &'static str) -> Result<ClientId, RecordError> {
        ClientId::registered(&self.text(name)?).map_err(|_| RecordError::Member(name))
    }

    pub(crate) fn grant(self) -> Result<GrantId, RecordError> {
        GrantId::parse(&self.text("grant")?).map_err(|_| RecordError::Member("grant"))
    }

    pub(crate) fn server(self) -> Result<ServerName, RecordError> {
        ServerName::parse(&self.text("server")?).map_err(|_| RecordError::Member("server"))
    }

    pub(crate) fn kind(self) -> Result<CallerKind, RecordError> {
        Ok(if self.flag("app")? { CallerKind::App } else { CallerKind::User })
    }

    pub(crate) fn groups(self) -> Result<Groups, RecordError> {
        const BAD: RecordError = RecordError::Member("groups");
        match self.0.get("groups") {
            None => Ok(Groups::Absent),
            Some(value) if value.as_bool() == Some(true) => Ok(Groups::Overage),
            Some(value) => {
                let ids = strings(value).ok_or(BAD)?;
                let ids: Result<_, _> = ids.iter().map(|id| ObjectId::parse(id)).collect();
                ids.map(Groups::Listed).map_err(|_| BAD)
            }
        }
    }
}

/// Reads an array of strings; `None` for anything else.
pub(crate) fn strings(value: Value<'_>) -> Option<Vec<String>> {
    if value.kind() != Kind::Array {
        return None;
    }
    value.items().map(|item| item.as_str().map(std::borrow::Cow::into_owned)).collect()
}
