//! Clients as the store keeps them.

use std::sync::Arc;

use super::{Client, ClientAuth, ClientKeys, ClientOrigin, Grants, SecretHash};
use crate::record::{Reader, RecordError, Writer, parse};
use crate::redirect::RedirectUri;

const KIND: &str = "client/1";

impl Client {
    /// Returns the client as the store keeps it.
    pub fn to_record(&self) -> Vec<u8> {
        let origin = match self.origin {
            ClientOrigin::Configured => "configured",
            ClientOrigin::Document => "document",
            ClientOrigin::Dynamic => "dynamic",
        };
        let writer = Writer::new(KIND)
            .text("id", self.id.as_str())
            .text("origin", origin)
            .optional("name", self.name.as_deref())
            .list("redirects", self.redirects.iter().map(RedirectUri::as_str))
            .flag("code", self.grants.code)
            .flag("refresh", self.grants.refresh)
            .flag("machine", self.grants.client_credentials)
            .list("roles", self.roles.iter().map(String::as_str));
        // Only where it is so: rows of before say nothing of it.
        let writer = if self.proves_possession { writer.flag("dpop", true) } else { writer };
        let writer = match &self.auth {
            ClientAuth::Public => writer,
            ClientAuth::Secret(hash) => {
                writer.text("secret", &hash.as_bytes().map(|byte| format!("{byte:02x}")).concat())
            }
            ClientAuth::Keys(keys) => writer.raw("keys", keys.source()),
        };
        match self.expires {
            Some(expires) => writer.time("expires", expires).finish(),
            None => writer.finish(),
        }
    }

    /// Reads a client that the store kept.
    ///
    /// # Errors
    /// A [`RecordError`] if it is not one that [`Client::to_record`] wrote.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let tree = parse(record)?;
        let row = Reader::of(&tree, KIND)?;
        let origin = match row.text("origin")?.as_str() {
            "configured" => ClientOrigin::Configured,
            "document" => ClientOrigin::Document,
            "dynamic" => ClientOrigin::Dynamic,
            _ => return Err(RecordError::Member("origin")),
        };
        let redirects: Result<_, _> =
            row.list("redirects")?.iter().map(|text| RedirectUri::stored(text)).collect();
        let auth = match (row.optional("secret")?, row.value("keys")) {
            (None, None) => ClientAuth::Public,
            (Some(hash), None) => {
                ClientAuth::Secret(SecretHash::from_bytes(unhex(&hash).ok_or(RecordError::Member("secret"))?))
            }
            (None, Some(keys)) => {
                let keys = ClientKeys::read(keys).map_err(|_| RecordError::Member("keys"))?;
                ClientAuth::Keys(Arc::new(keys))
            }
            (Some(_), Some(_)) => return Err(RecordError::Member("keys")),
        };
        Ok(Self {
            id: row.client("id")?,
            origin,
            name: row.optional("name")?,
            redirects: redirects.map_err(|_| RecordError::Member("redirects"))?,
            auth,
            grants: Grants {
                code: row.flag("code")?,
                refresh: row.flag("refresh")?,
                client_credentials: row.flag("machine")?,
            },
            roles: row.list("roles")?,
            proves_possession: row.value("dpop").is_some() && row.flag("dpop")?,
            expires: row.optional_time("expires")?,
        })
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
