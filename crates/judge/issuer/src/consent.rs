//! What a person agreed to: this client, this address, this resource, these scopes (D-13).

use doorward_types::{ClientId, Person, Timestamp};

use crate::authorize::Request;
use crate::record::{Reader, RecordError, Writer, parse};
use crate::redirect::alike;

const KIND: &str = "consent/1";

/// A person's consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Whose.
    pub person: Person,
    /// To which client.
    pub client: ClientId,
    /// What the client called itself then.
    pub client_name: Option<String>,
    /// To which address codes may go.
    pub redirect: String,
    /// For which resource.
    pub resource: String,
    /// To do what.
    pub scopes: Vec<String>,
    /// When.
    pub given: Timestamp,
}

impl Consent {
    /// Returns whether a request asks for nothing that was not agreed to. Who the person is must be known from elsewhere.
    pub fn covers(&self, request: &Request) -> bool {
        self.client == request.client
            // Another address is another receiver: a client that was taken over adds one.
            && alike(&self.redirect, &request.redirect)
            && self.resource == request.resource
            && request.scopes.iter().all(|scope| self.scopes.contains(scope))
    }

    /// Returns the consent as the store keeps it.
    pub fn to_record(&self) -> Vec<u8> {
        Writer::new(KIND)
            .person(&self.person)
            .text("client", self.client.as_str())
            .optional("name", self.client_name.as_deref())
            .text("redirect", &self.redirect)
            .text("resource", &self.resource)
            .list("scopes", self.scopes.iter().map(String::as_str))
            .time("given", self.given)
            .finish()
    }

    /// Reads a consent that the store kept.
    ///
    /// # Errors
    /// A [`RecordError`] if it is not one that [`Consent::to_record`] wrote.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let tree = parse(record)?;
        let row = Reader::of(&tree, KIND)?;
        Ok(Self {
            person: row.person()?,
            client: row.client("client")?,
            client_name: row.optional("name")?,
            redirect: row.text("redirect")?,
            resource: row.text("resource")?,
            scopes: row.list("scopes")?,
            given: row.time("given")?,
        })
    }
}

#[cfg(test)]
mod tests;
