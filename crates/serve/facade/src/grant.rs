//! What is carried through a sign-in, from the first request to the code: sealed into the browser on the way.

use doorward_issuer::authorize::Request;
use doorward_issuer::client::{Client, ClientOrigin};
use doorward_types::{ClientId, GrantId, ObjectId, Person, ServerName, TenantId};
use serde::{Deserialize, Serialize};

/// What a client asked for, judged and found right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) client: String,
    pub(crate) client_name: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) redirect: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: String,
    pub(crate) resource: String,
    pub(crate) server: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) jkt: Option<String>,
}

/// Where a client comes from, for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    Configured,
    Document,
    Dynamic,
}

impl Pending {
    pub(crate) fn of(request: &Request, client: &Client) -> Self {
        Self {
            client: request.client.as_str().to_owned(),
            client_name: client.name.clone(),
            origin: match client.origin {
                ClientOrigin::Configured => Origin::Configured,
                ClientOrigin::Document => Origin::Document,
                ClientOrigin::Dynamic => Origin::Dynamic,
            },
            redirect: request.redirect.clone(),
            state: request.state.clone(),
            challenge: request.challenge.clone(),
            resource: request.resource.clone(),
            server: request.server.as_str().to_owned(),
            scopes: request.scopes.clone(),
            login_hint: request.login_hint.clone(),
            jkt: request.dpop_jkt.clone(),
        }
    }

    /// Gives the request back. It was judged before it was sealed, so this fails only if the program has changed.
    pub(crate) fn request(&self) -> Option<Request> {
        Some(Request {
            client: ClientId::registered(&self.client).ok()?,
            redirect: self.redirect.clone(),
            state: self.state.clone(),
            challenge: self.challenge.clone(),
            resource: self.resource.clone(),
            server: ServerName::parse(&self.server).ok()?,
            scopes: self.scopes.clone(),
            login_hint: self.login_hint.clone(),
            dpop_jkt: self.jkt.clone(),
        })
    }

    /// Returns what the page calls the client.
    pub(crate) fn name(&self) -> &str {
        self.client_name.as_deref().unwrap_or(&self.client)
    }
}

/// A person, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Who {
    pub(crate) tenant: String,
    pub(crate) object: String,
    /// For the page alone.
    pub(crate) name: String,
}

impl Who {
    pub(crate) fn of(person: &Person, name: &str) -> Self {
        Self { tenant: person.tenant.to_string(), object: person.object.to_string(), name: name.to_owned() }
    }

    pub(crate) fn person(&self) -> Option<Person> {
        let tenant = TenantId::parse(&self.tenant).ok()?;
        Some(Person { tenant, object: ObjectId::parse(&self.object).ok()? })
    }
}

/// The hidden field of a consent form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Form {
    /// The browser that was shown the page: another's form is worth nothing here (CSRF), and the same browser's page
    /// loaded twice is worth as much as loaded once.
    pub(crate) browser: String,
    pub(crate) pending: Pending,
    /// Whom the page named: a yes is theirs.
    pub(crate) named: Option<Who>,
    /// Who has signed in already, where the question is asked after Entra has answered; their sign-in waits under this
    /// name.
    pub(crate) after: Option<(Who, String)>,
}

/// A sign-in on its way through Entra.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    pub(crate) goal: Goal,
    /// How many times this sign-in has been at Entra, for steps that Entra asked for.
    pub(crate) round: u8,
    /// The claims that this visit asks for.
    pub(crate) claims: Option<String>,
}

/// What a sign-in is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// A client wants a code.
    Client {
        pending: Box<Pending>,
        /// The person whose yes there is, by an earlier consent or because the page named them: the question is asked
        /// if another one signs in (D-13).
        expected: Option<Who>,
        /// Whether the question was asked just now; then the person may still choose who they are.
        asked: bool,
    },
    /// The door's own pages.
    Account {
        /// The page to go to.
        page: String,
    },
    /// A question about one call.
    Approve {
        /// Which.
        reference: String,
        /// When they were asked to prove who they are, in seconds.
        since: i64,
    },
    /// The console, where people decide for others.
    Console {
        /// The browser's own name at the console.
        way: String,
        /// When they were asked to prove who they are, in seconds.
        since: i64,
    },
}

/// A person's session with the door's own pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) who: Who,
    /// When they signed in, in seconds.
    pub(crate) since: i64,
    /// What this session's forms are bound to.
    pub(crate) mark: String,
}

/// Parses the name of a grant that we wrote ourselves.
pub(crate) fn grant(text: &str) -> Option<GrantId> {
    GrantId::parse(text).ok()
}
