//! What a person has connected: tokens of one issuer, for one server (U-08, U-13).

use std::time::Duration;

use doorward_types::{Secret, Timestamp};

use super::answer::Tokens;
use super::callback::Redeemable;
use super::record::{Reader, RecordError, Writer, parse};
use super::resource::is_for;
use super::scopes::{step_up, union};

const KIND: &str = "third-party-grant/2";

/// How long a token is believed to be good whose issuer does not say.
const UNSAID: Duration = Duration::from_mins(5);

/// Tokens that one person has at one authorization server, for one resource.
pub struct Grant {
    /// Whose tokens these are.
    pub issuer: String,
    /// What they are for.
    pub resource: String,
    /// Whom they were given to.
    pub client_id: String,
    /// Where they are refreshed.
    pub token_endpoint: String,
    /// What they permit.
    pub scopes: Vec<String>,
    /// What was asked for when they were given.
    pub asked: Vec<String>,
    /// What to ask for when the person comes next, because the server wanted more than this permits; empty otherwise.
    pub wanted: Vec<String>,
    /// The refresh token.
    pub refresh: Option<Secret<String>>,
    /// When the access token ends.
    pub expires: Timestamp,
    access: Secret<String>,
}

impl Grant {
    /// Keeps what a code was redeemed for.
    pub fn new(answer: &Redeemable, tokens: Tokens, now: Timestamp) -> Self {
        let pending = &answer.pending;
        Self {
            issuer: pending.issuer.clone(),
            resource: pending.resource.clone(),
            client_id: pending.client_id.clone(),
            token_endpoint: pending.token_endpoint.clone(),
            scopes: tokens.scopes.unwrap_or_else(|| pending.scopes.clone()),
            asked: pending.scopes.clone(),
            wanted: Vec::new(),
            refresh: tokens.refresh,
            expires: now.plus(tokens.expires_in.unwrap_or(UNSAID)),
            access: tokens.access,
        }
    }

    /// Keeps what a refresh gave. A refresh token that was not replaced stays (RFC 6749 section 6).
    #[must_use]
    pub fn refreshed(self, tokens: Tokens, now: Timestamp) -> Self {
        Self {
            scopes: tokens.scopes.unwrap_or(self.scopes),
            refresh: tokens.refresh.or(self.refresh),
            expires: now.plus(tokens.expires_in.unwrap_or(UNSAID)),
            access: tokens.access,
            ..self
        }
    }

    /// Hears which scopes the server finds missing, and remembers to ask for them besides what was asked for before (U-09).
    /// `false` if none of them is new: asking again would give the same token and the same refusal, for ever.
    pub fn lacks(&mut self, scopes: &[String]) -> bool {
        let Some(all) = step_up(&union(&self.asked, self.scopes.iter()), scopes) else { return false };
        self.wanted = union(&all, self.wanted.iter());
        true
    }

    /// Returns the access token for the server at an address, if it is one of that server's authorization server and for
    /// that server: the only way to it, so that no server is sent another's (U-13). It may have ended; see
    /// [`expires`](Self::expires).
    pub fn token_for(&self, issuer: &str, server_url: &str) -> Option<&Secret<String>> {
        (self.issuer == issuer && is_for(&self.resource, server_url)).then_some(&self.access)
    }

    /// Writes the row that the store seals.
    pub fn to_record(&self) -> Vec<u8> {
        Writer::new(KIND)
            .text("issuer", &self.issuer)
            .text("resource", &self.resource)
            .text("client_id", &self.client_id)
            .text("token_endpoint", &self.token_endpoint)
            .list("scopes", &self.scopes)
            .list("asked", &self.asked)
            .list("wanted", &self.wanted)
            .optional("refresh", self.refresh.as_ref().map(|token| token.expose().as_str()))
            .time("expires", self.expires)
            .text("access", self.access.expose())
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
            issuer: reader.text("issuer")?,
            resource: reader.text("resource")?,
            client_id: reader.text("client_id")?,
            token_endpoint: reader.text("token_endpoint")?,
            scopes: reader.list("scopes")?,
            asked: reader.list("asked")?,
            wanted: reader.list("wanted")?,
            refresh: reader.optional("refresh")?.map(Secret::new),
            expires: reader.time("expires")?.ok_or(RecordError::Member("expires"))?,
            access: Secret::new(reader.text("access")?),
        })
    }
}
