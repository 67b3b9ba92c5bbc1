//! Families as the store keeps them.

use doorward_oauth::CallerKind;

use super::Family;
use crate::record::{Reader, RecordError, Writer, parse};

const KIND: &str = "family/1";

impl Family {
    /// Returns the family as the store keeps it.
    pub fn to_record(&self) -> Vec<u8> {
        Writer::new(KIND)
            .text("grant", &self.grant.to_string())
            .person(&self.person)
            .text("client", self.client.as_str())
            .text("redirect", &self.redirect)
            .text("resource", &self.resource)
            .text("server", self.server.as_str())
            .list("scopes", self.scopes.iter().map(String::as_str))
            .list("roles", self.roles.iter().map(String::as_str))
            .groups(&self.groups)
            .optional("name", self.name.as_deref())
            .raw("counter", &self.counter.to_string())
            .time("rotated", self.rotated)
            .time("born", self.born)
            .time("used", self.used)
            .time("confirmed", self.confirmed)
            .optional("challenge", self.challenge.as_deref())
            .optional("jkt", self.jkt.as_deref())
            .flag("app", self.kind == CallerKind::App)
            .finish()
    }

    /// Reads a family that the store kept.
    ///
    /// # Errors
    /// A [`RecordError`] if it is not one that [`Family::to_record`] wrote.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let tree = parse(record)?;
        let row = Reader::of(&tree, KIND)?;
        Ok(Self {
            grant: row.grant()?,
            person: row.person()?,
            client: row.client("client")?,
            redirect: row.text("redirect")?,
            resource: row.text("resource")?,
            server: row.server()?,
            scopes: row.list("scopes")?,
            roles: row.list("roles")?,
            groups: row.groups()?,
            name: row.optional("name")?,
            counter: row.count("counter")?,
            rotated: row.time("rotated")?,
            born: row.time("born")?,
            used: row.time("used")?,
            confirmed: row.time("confirmed")?,
            challenge: row.optional("challenge")?,
            jkt: row.optional("jkt")?,
            kind: row.kind()?,
        })
    }
}
