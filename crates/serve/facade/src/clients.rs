//! Finding a client: configured by the operator, described by a document at its own address, or registered by itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_issuer::client::{Client, ClientIdForm, ClientOrigin, client_id_form, read_document};
use doorward_net::{FetchLimits, Reach};
use doorward_store::Kind;
use doorward_types::Timestamp;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{Request, Response, StatusCode};

use crate::Facade;
use crate::limits::Limit;

/// Bounds of a fetched document.
const LIMITS: FetchLimits = FetchLimits { timeout: Duration::from_secs(5), max_body: 16 * 1024 };
/// How long a document is kept: what its server says, within these.
const KEPT: Duration = Duration::from_secs(300);
const KEPT_MOST: Duration = Duration::from_secs(24 * 3600);
const KEPT_LEAST: Duration = Duration::from_secs(60);
/// How long a failure is kept: a broken document must not be fetched for each attempt to sign in.
const FAILURE_KEPT: Duration = Duration::from_secs(15);
/// Documents kept.
const MOST: usize = 1_024;
/// Documents that one place may have fetched in a minute: the door must not be anybody's way to knock elsewhere.
const FETCHES: u32 = 30;

/// Why there is no client. The text is for the person who is shown the page; it says nothing of the door's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoClient {
    /// What the log counts.
    pub(crate) reason: &'static str,
    pub(crate) words: String,
}

impl NoClient {
    fn new(reason: &'static str, words: impl Into<String>) -> Self {
        Self { reason, words: words.into() }
    }
}

type Found = Result<Arc<Client>, NoClient>;
type Gate = Arc<tokio::sync::Mutex<Option<(Found, Timestamp)>>>;

/// The clients that the façade knows without asking.
pub(crate) struct Clients {
    configured: HashMap<String, Arc<Client>>,
    documents: Mutex<HashMap<String, Gate>>,
    fetches: Limit,
}

impl Clients {
    pub(crate) fn new(configured: Vec<Client>) -> Self {
        let by_id = |client: Client| (client.id.as_str().to_owned(), Arc::new(client));
        Self {
            configured: configured.into_iter().map(by_id).collect(),
            documents: Mutex::default(),
            fetches: Limit::new(FETCHES, Duration::from_secs(60)),
        }
    }

    fn gate(&self, url: &str) -> Gate {
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        if documents.len() >= MOST && !documents.contains_key(url) {
            // Fetching again is cheap; remembering what callers choose is not.
            documents.clear();
        }
        Arc::clone(documents.entry(url.to_owned()).or_default())
    }
}

impl Facade {
    /// Finds a client by the id it says it has.
    pub(crate) async fn client(&self, id: &str, source: Option<IpAddr>, now: Timestamp) -> Found {
        if let Some(client) = self.clients.configured.get(id) {
            return Ok(Arc::clone(client));
        }
        let unknown = || {
            NoClient::new(
                "client-unknown",
                "No application is registered with this name. If it signed in before, its registration has ended: remove the server from the application and add it again.",
            )
        };
        match client_id_form(id) {
            Ok(ClientIdForm::Document(url)) => self.document(&url, source, now).await,
            Ok(ClientIdForm::Other) => {
                let row = self.parts.store.get(Kind::Client, id.as_bytes(), now).await.map_err(|error| {
                    tracing::error!(%error, "a registered client cannot be read");
                    NoClient::new(
                        "store",
                        "The door cannot look the application up right now. Try again in a minute.",
                    )
                })?;
                let row = row.ok_or_else(unknown)?;
                let client = Client::from_record(row.body.expose()).map_err(|_| unknown())?;
                Ok(Arc::new(client))
            }
            Err(_) => Err(unknown()),
        }
    }

    /// Reads the document that describes a client, at most once for everybody who asks at the same time.
    async fn document(&self, url: &str, source: Option<IpAddr>, now: Timestamp) -> Found {
        let rules = &self.settings.sign_in;
        if !rules.client_documents {
            return Err(NoClient::new(
                "client-documents-off",
                "This door does not take applications that describe themselves by a document.",
            ));
        }
        let host = url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let hosts = &rules.client_document_hosts;
        if !hosts.is_empty() && !hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            return Err(NoClient::new(
                "client-document-host",
                format!("The administrator of this door has not allowed applications from {host}."),
            ));
        }
        let gate = self.clients.gate(url);
        let mut seat = gate.lock().await;
        if let Some((found, until)) = seat.as_ref()
            && now < *until
        {
            return found.clone();
        }
        if !self.clients.fetches.take(source, now) {
            return Err(NoClient::new(
                "too-many-documents",
                "Too many applications were looked up from where you are. Wait a minute and try again.",
            ));
        }
        let (found, kept) = match self.fetch_document(url).await {
            Ok((client, kept)) => (Ok(Arc::new(client)), kept),
            Err(why) => (Err(why), FAILURE_KEPT),
        };
        *seat = Some((found.clone(), now.plus(kept)));
        found
    }

    async fn fetch_document(&self, url: &str) -> Result<(Client, Duration), NoClient> {
        let failed = |reason| {
            NoClient::new(
                reason,
                "The document that describes the application could not be read. Tell whoever made the application; its address is below.",
            )
        };
        let request = Request::get(url)
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|_| failed("client-document-url"))?;
        // Somebody else chose the address: only the open internet is in reach, and redirects are not followed (S35).
        let answer = self.parts.connector.fetch(request, Reach::Public, LIMITS).await.map_err(|error| {
            tracing::info!(%error, url, "a client's document cannot be fetched");
            failed("client-document-unreachable")
        })?;
        if answer.status() != StatusCode::OK || !is_json(&answer) {
            tracing::info!(status = %answer.status(), url, "a client's document is no JSON document");
            return Err(failed("client-document-answer"));
        }
        let kept = kept(&answer);
        let client = read_document(url, answer.into_body(), &self.settings.redirects).map_err(|error| {
            tracing::info!(%error, url, "a client's document cannot be used");
            NoClient::new(
                "client-document",
                format!("The document that describes the application is not right: {error}"),
            )
        })?;
        Ok((client, kept))
    }

    /// Keeps a registered client for as long as it is used.
    pub(crate) async fn keep_client(&self, client: &Client, now: Timestamp) {
        if client.origin != ClientOrigin::Dynamic {
            return;
        }
        let (store, id) = (&self.parts.store, &client.id);
        let Ok(Some(mut row)) = store.get(Kind::Client, id.as_str().as_bytes(), now).await else { return };
        let until = now.plus(self.settings.sign_in.registration_expires);
        // Once a day is enough, and a lost race means that somebody else has just done it.
        if row.expires.is_some_and(|expires| until.since(expires) > Duration::from_secs(24 * 3600)) {
            row.expires = Some(until);
            if let Err(error) = store.replace(&row).await {
                tracing::warn!(%error, "a registered client's time could not be extended");
            }
        }
    }
}

fn is_json(answer: &Response<Bytes>) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Reads how long a document may be kept.
fn kept(answer: &Response<Bytes>) -> Duration {
    let text = answer.headers().get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut kept = KEPT;
    for directive in text.split(',').map(|directive| directive.trim().to_ascii_lowercase()) {
        if directive == "no-store" || directive == "no-cache" {
            return KEPT_LEAST;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=").and_then(|text| text.parse().ok()) {
            kept = Duration::from_secs(seconds);
        }
    }
    kept.clamp(KEPT_LEAST, KEPT_MOST)
}
