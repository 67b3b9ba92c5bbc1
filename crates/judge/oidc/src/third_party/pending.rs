//! A person on their way to an authorization server.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::{ObjectId, Person, Secret, ServerName, TenantId, Timestamp};

use super::client::Client;
use super::metadata::AsMetadata;
use super::record::{Reader, RecordError, Writer, parse};
use crate::form::Form;

const KIND: &str = "third-party-pending/1";

/// What is needed to send somebody to an authorization server.
pub struct Start<'a> {
    /// Who is sent.
    pub person: Person,
    /// For which server.
    pub server: ServerName,
    /// The server's address as a `resource`; see [`ResourceMetadata`](super::ResourceMetadata).
    pub resource: &'a str,
    /// The authorization server.
    pub authority: &'a AsMetadata,
    /// Who the door is there; must be of the same issuer.
    pub client: &'a Client,
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// What is asked for; none leaves it to the authorization server.
    pub scopes: Vec<String>,
    /// 256 random bits, base64url.
    pub state: Secret<String>,
    /// 256 random bits, base64url.
    pub verifier: Secret<String>,
    /// The time.
    pub now: Timestamp,
}

/// A sign-in that was begun and not answered. It remembers whom it was begun with: the answer does not choose where the
/// code goes.
pub struct Pending {
    /// Who was sent.
    pub person: Person,
    /// For which server.
    pub server: ServerName,
    /// What the token will be for.
    pub resource: String,
    /// Where they were sent; recorded before they left (U-06).
    pub issuer: String,
    /// Whether that issuer promised to name itself in its answer.
    pub names_itself: bool,
    /// Where the code goes.
    pub token_endpoint: String,
    /// Who the door is there.
    pub client_id: String,
    /// Where the answer comes.
    pub redirect_uri: String,
    /// What was asked for.
    pub scopes: Vec<String>,
    /// Comes back with the answer.
    pub state: Secret<String>,
    /// Goes with the code.
    pub verifier: Secret<String>,
    /// When it was begun.
    pub started: Timestamp,
}

impl Start<'_> {
    /// Writes the address to send the browser to, and what to keep until it comes back. `None` if the client is one of
    /// another issuer (U-08).
    pub fn begin(self) -> Option<(String, Pending)> {
        if self.client.issuer != self.authority.issuer {
            return None;
        }
        let challenge = digest(&SHA256, self.verifier.expose().as_bytes());
        let scopes = self.scopes.join(" ");
        let query = Form::new()
            .with("response_type", "code")
            .with("client_id", &self.client.id)
            .with("redirect_uri", self.redirect_uri)
            .with("state", self.state.expose())
            .with("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .with("code_challenge_method", "S256")
            .with("resource", self.resource)
            .with_some("scope", (!scopes.is_empty()).then_some(scopes.as_str()));
        let endpoint = &self.authority.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        let url = format!("{endpoint}{joint}{}", query.as_str());
        let pending = Pending {
            person: self.person,
            server: self.server,
            resource: self.resource.to_owned(),
            issuer: self.authority.issuer.clone(),
            names_itself: self.authority.names_itself,
            token_endpoint: self.authority.token_endpoint.clone(),
            client_id: self.client.id.clone(),
            redirect_uri: self.redirect_uri.to_owned(),
            scopes: self.scopes,
            state: self.state,
            verifier: self.verifier,
            started: self.now,
        };
        Some((url, pending))
    }
}

impl Pending {
    /// Writes the row that the store seals.
    pub fn to_record(&self) -> Vec<u8> {
        Writer::new(KIND)
            .text("tid", self.person.tenant.as_str())
            .text("oid", self.person.object.as_str())
            .text("server", self.server.as_str())
            .text("resource", &self.resource)
            .text("issuer", &self.issuer)
            .flag("names_itself", self.names_itself)
            .text("token_endpoint", &self.token_endpoint)
            .text("client_id", &self.client_id)
            .text("redirect_uri", &self.redirect_uri)
            .list("scopes", &self.scopes)
            .text("state", self.state.expose())
            .text("verifier", self.verifier.expose())
            .time("started", self.started)
            .finish()
    }

    /// Reads a row.
    ///
    /// # Errors
    /// A [`RecordError`].
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let tree = parse(record)?;
        let reader = Reader::of(&tree, KIND)?;
        Ok(Self {
            person: person(reader)?,
            server: ServerName::parse(&reader.text("server")?).map_err(|_| RecordError::Member("server"))?,
            resource: reader.text("resource")?,
            issuer: reader.text("issuer")?,
            names_itself: reader.flag("names_itself")?,
            token_endpoint: reader.text("token_endpoint")?,
            client_id: reader.text("client_id")?,
            redirect_uri: reader.text("redirect_uri")?,
            scopes: reader.list("scopes")?,
            state: Secret::new(reader.text("state")?),
            verifier: Secret::new(reader.text("verifier")?),
            started: reader.time("started")?.ok_or(RecordError::Member("started"))?,
        })
    }
}

fn person(reader: Reader<'_>) -> Result<Person, RecordError> {
    let tenant = TenantId::parse(&reader.text("tid")?).map_err(|_| RecordError::Member("tid"))?;
    let object = ObjectId::parse(&reader.text("oid")?).map_err(|_| RecordError::Member("oid"))?;
    Ok(Person { tenant, object })
}
