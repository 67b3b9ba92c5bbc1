//! Who the door is at an authorization server (U-07, U-08).

use bytes::Bytes;
use doorward_types::Secret;
use doorward_wire::quote;

use super::metadata::AsMetadata;
use super::record::{Reader, RecordError, Writer, parse};
use super::{document, text};

const KIND: &str = "third-party-client/1";

/// The longest client id or secret, in bytes.
const MAX_LENGTH: usize = 2048;

/// How a client with a secret proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// In the Authorization header.
    Basic,
    /// In the form.
    Post,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Basic, Self::Post].into_iter().find(|method| method.name() == name)
    }
}

/// The door's name at one authorization server, and at no other: id and secret never go to another issuer, whatever a
/// server's metadata says tomorrow.
pub struct Client {
    /// Whose client this is.
    pub issuer: String,
    /// The door's id there.
    pub id: String,
    /// The door's secret there, and how it is shown.
    pub secret: Option<(Secret<String>, Method)>,
}

/// How the door comes to be a client of an authorization server.
pub enum Choice<'c> {
    /// As the client that it is already.
    Known(&'c Client),
    /// By the address of the door's own metadata document.
    Document(Client),
    /// By registering at this address.
    Register(&'c str),
    /// The client that the operator wrote is one of another authorization server. Taking a new one would send people to
    /// whomever the server names now; the operator is told instead.
    OtherIssuer,
    /// Only an administrator can help: the authorization server neither takes documents nor registers.
    AskAdministrator,
}

/// Chooses: the operator's client, else the door's document, else one registered before, else a new registration (U-07).
pub fn choose<'c>(
    operators: Option<&'c Client>,
    document: Option<&str>,
    registered: Option<&'c Client>,
    authority: &'c AsMetadata,
) -> Choice<'c> {
    let here = |client: &&Client| client.issuer == authority.issuer;
    if let Some(client) = operators {
        return if here(&client) { Choice::Known(client) } else { Choice::OtherIssuer };
    }
    if let (Some(url), true) = (document, authority.takes_documents) {
        return Choice::Document(Client {
            issuer: authority.issuer.clone(),
            id: url.to_owned(),
            secret: None,
        });
    }
    if let Some(client) = registered.filter(here) {
        return Choice::Known(client);
    }
    authority.registration_endpoint.as_deref().map_or(Choice::AskAdministrator, Choice::Register)
}

/// Writes what the door says of itself when it registers (RFC 7591): a web application, which answers at one address.
pub fn registration_body(name: &str, redirect_uri: &str, authority: &AsMetadata) -> String {
    format!(
        r#"{{"client_name":{},"application_type":"web","redirect_uris":[{}],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":{}}}"#,
        quote(name),
        quote(redirect_uri),
        quote(if authority.only_public { "none" } else { authority.method.name() }),
    )
}

/// Why the answer to a registration is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// It is not strict JSON, or too large.
    #[error("the answer to the registration is not valid JSON")]
    NotJson,
    /// It has no id, or one that cannot be sent.
    #[error("the answer to the registration has no usable client id")]
    NoId,
    /// It has a secret that cannot be sent, or one to be shown in a way that the door does not know.
    #[error("the answer to the registration has a secret that the door cannot use")]
    Secret,
}

/// Reads the answer to a registration at an authorization server.
///
/// # Errors
/// A [`RegistrationError`].
pub fn read_registration(authority: &AsMetadata, body: Bytes) -> Result<Client, RegistrationError> {
    let tree = document(body).ok_or(RegistrationError::NotJson)?;
    let root = tree.root();
    let fits = |text: &str| {
        (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
    };
    let id = text(root, "client_id").filter(|id| fits(id)).ok_or(RegistrationError::NoId)?;
    let asked = root.get("token_endpoint_auth_method");
    let method = match asked {
        None => Some(authority.method),
        Some(value) => value.as_str().and_then(|name| Method::named(&name)),
    };
    // Some hand out a secret to a client that they let be public; it is not kept.
    let public = asked.is_some_and(|value| value.is_str("none"));
    let secret = match root.get("client_secret") {
        None => None,
        Some(value) if value.is_null() || public => None,
        Some(value) => {
            let secret = value.as_str().filter(|secret| fits(secret)).map(std::borrow::Cow::into_owned);
            Some(secret.map(Secret::new).zip(method).ok_or(RegistrationError::Secret)?)
        }
    };
    Ok(Client { issuer: authority.issuer.clone(), id, secret })
}

impl Client {
    /// Writes the row that the store seals.
    pub fn to_record(&self) -> Vec<u8> {
        let secret = self.secret.as_ref();
        Writer::new(KIND)
            .text("issuer", &self.issuer)
            .text("id", &self.id)
            .optional("secret", secret.map(|(secret, _)| secret.expose().as_str()))
            .optional("method", secret.map(|(_, method)| method.name()))
            .finish()
    }

    /// Reads a row.
    ///
    /// # Errors
    /// A [`RecordError`].
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let tree = parse(record)?;
        let reader = Reader::of(&tree, KIND)?;
        let secret = match reader.optional("secret")? {
            None => None,
            Some(secret) => {
                let method = Method::named(&reader.text("method")?).ok_or(RecordError::Member("method"))?;
                Some((Secret::new(secret), method))
            }
        };
        Ok(Self { issuer: reader.text("issuer")?, id: reader.text("id")?, secret })
    }
}
