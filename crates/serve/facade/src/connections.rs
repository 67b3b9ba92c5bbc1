//! People's own accounts at the authorization servers of others, for the servers behind the door that ask for them: found,
//! connected once, refreshed, and used for that one server (U-01 … U-13).

mod authority;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_net::{Connector, FetchLimits, Reach};
use doorward_oidc::third_party::{
    AsMetadata, Challenge, Choice, Client, Grant, Pending, Redeemable, Start, TokenRequest, choose,
    read_registration, read_tokens, redeem, refresh, registration_body, select,
};
use doorward_store::{Kind, Row, Scope, Store, StoreError};
use doorward_types::{Person, Secret, ServerName, Timestamp};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response};

use crate::vault::hashed;
use authority::Authority;

const LIMITS: FetchLimits = FetchLimits { timeout: Duration::from_secs(10), max_body: 256 * 1024 };
/// A token is not used in its last moments.
const MARGIN: Duration = Duration::from_secs(30);
/// Gates kept at once; idle ones are dropped beyond that.
const GATES: usize = 4_096;

/// What is configured for one server.
pub struct Connectable {
    /// The server's address.
    pub url: String,
    /// The authorization server, if the operator names one.
    pub issuer: Option<String>,
    /// The door's client there, if the operator registered one.
    pub client: Option<(String, Option<Secret<String>>)>,
    /// Where the door's client metadata document stands, if the operator publishes one.
    pub document: Option<String>,
    /// What to ask for; empty for what the server names.
    pub scopes: Vec<String>,
}

/// Why there is no account to use.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The person has not connected one, or it has ended.
    #[error("no account is connected")]
    NotConnected,
    /// The authorization server cannot be used.
    #[error("the authorization server cannot be used: {0}")]
    Authority(String),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Gate = Arc<tokio::sync::Mutex<()>>;

/// The connected accounts.
pub struct Connections {
    store: Store,
    connector: Connector,
    /// Where browsers come back to.
    callback: String,
    /// Whether plain HTTP on loopback may be an authorization server: under `[insecure_lab]` alone.
    lab: bool,
    servers: BTreeMap<ServerName, Connectable>,
    known: Mutex<HashMap<ServerName, (Arc<Authority>, Timestamp)>>,
    gates: Mutex<HashMap<Vec<u8>, Gate>>,
}

impl Connections {
    /// Makes the keeper of connected accounts; nothing is asked yet.
    pub fn new(
        store: Store,
        connector: Connector,
        issuer: &str,
        lab: bool,
        servers: BTreeMap<ServerName, Connectable>,
    ) -> Self {
        let callback = format!("{issuer}/oauth/upstream/callback");
        Self { store, connector, callback, lab, servers, known: Mutex::default(), gates: Mutex::default() }
    }

    /// Returns the servers that people connect accounts for.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &ServerName> {
        self.servers.keys()
    }

    /// Begins to connect: returns where to send the browser, and what to remember in it.
    pub(crate) async fn begin(
        &self,
        person: Person,
        server: &ServerName,
        (state, verifier): (String, String),
        now: Timestamp,
    ) -> Result<(String, Pending), ConnectError> {
        let authority = self.authority(server, now).await?;
        let client = self.client(server, &authority.metadata).await?;
        let scopes = self.scopes(&person, server, &authority, now).await?;
        let start = Start {
            person,
            server: server.clone(),
            resource: &authority.resource,
            authority: &authority.metadata,
            client: &client,
            redirect_uri: &self.callback,
            scopes,
            state: Secret::new(state),
            verifier: Secret::new(verifier),
            now,
        };
        start.begin().ok_or_else(|| ConnectError::Authority("the client is another issuer's".to_owned()))
    }

    /// Chooses what to ask for: what the operator wrote and nothing else, or what the server found missing, or what it names.
    async fn scopes(
        &self,
        person: &Person,
        server: &ServerName,
        authority: &Authority,
        now: Timestamp,
    ) -> Result<Vec<String>, ConnectError> {
        let written = self.servers.get(server).map(|server| server.scopes.as_slice()).unwrap_or_default();
        if !written.is_empty() {
            return Ok(written.to_vec());
        }
        match self.grant(&id_of(person, server), now).await {
            Ok(grant) if !grant.wanted.is_empty() => Ok(grant.wanted),
            Ok(_) | Err(ConnectError::NotConnected) => {
                Ok(select(authority.challenged.as_deref(), &authority.scopes, &authority.metadata))
            }
            Err(error) => Err(error),
        }
    }

    /// Ends what [`begin`](Self::begin) began: the code becomes tokens, which are the person's for this server.
    pub(crate) async fn finish(&self, answer: &Redeemable, now: Timestamp) -> Result<(), ConnectError> {
        let pending = &answer.pending;
        let authority = self.authority(&pending.server, now).await?;
        let client = self.client(&pending.server, &authority.metadata).await?;
        let request = redeem(&client, answer)
            .ok_or_else(|| ConnectError::Authority("the sign-in was begun with another client".to_owned()))?;
        let tokens = self.ask(request).await.map_err(Refused::error)?;
        let grant = Grant::new(answer, tokens, now);
        Ok(self.store.put(&row(&pending.person, &pending.server, &grant)).await?)
    }

    /// Returns the token of a person for a server, refreshed if need be. It goes to that server and nowhere else (U-13).
    ///
    /// # Errors
    /// A [`ConnectError`]; whoever asked must refuse.
    pub async fn token(
        &self,
        person: &Person,
        server: &ServerName,
        stale: bool,
        now: Timestamp,
    ) -> Result<Secret<String>, ConnectError> {
        let id = id_of(person, server);
        let known = self.grant(&id, now).await?;
        if let Some(token) = self.usable(&known, server, stale, now) {
            return Ok(token);
        }
        let gate = self.gate(&id);
        let _one_at_a_time = gate.lock().await;
        let current = self.grant(&id, now).await?;
        // Somebody else may have refreshed it meanwhile: a token that changed is not the stale one.
        let changed = current.expires != known.expires;
        if let Some(token) = self.usable(&current, server, stale && !changed, now) {
            return Ok(token);
        }
        if stale {
            // A token was refused before its time: the server may have gone over to another authorization server, where nothing
            // of this one's is good (U-08).
            self.forget(server);
        }
        let authority = self.authority(server, now).await?;
        let client = self.client(server, &authority.metadata).await?;
        let Some(request) = refresh(&client, &current) else {
            return Err(self.ended(&id, server).await?);
        };
        match self.ask(request).await {
            Ok(tokens) => {
                let mut grant = current.refreshed(tokens, now);
                self.store.put(&row(person, server, &grant)).await?;
                // However short it lives, it was made just now.
                grant.expires = now.plus(2 * MARGIN);
                self.usable(&grant, server, false, now).ok_or(ConnectError::NotConnected)
            }
            Err(Refused::Ended) => Err(self.ended(&id, server).await?),
            Err(refused) => Err(refused.error()),
        }
    }

    fn forget(&self, server: &ServerName) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(server);
    }

    /// Drops a grant that opens nothing any more, and what is known of who gave it.
    async fn ended(&self, id: &[u8], server: &ServerName) -> Result<ConnectError, StoreError> {
        self.forget(server);
        self.store.delete(Kind::UpstreamTokens, id).await?;
        Ok(ConnectError::NotConnected)
    }

    /// Hears that a server refused a person's token because it permits too little (RFC 6750 section 3.1). `true` if the
    /// person can help: the scopes that are missing are asked for when they connect again. Each is asked for once, and
    /// none besides those that the operator wrote, if they wrote any (U-09).
    ///
    /// # Errors
    /// A [`ConnectError`]; whoever asked must refuse.
    pub async fn lacks(
        &self,
        person: &Person,
        server: &ServerName,
        challenge: &str,
        now: Timestamp,
    ) -> Result<bool, ConnectError> {
        let challenge = Challenge::parse(challenge).unwrap_or_default();
        let bound = self.servers.get(server).is_none_or(|server| !server.scopes.is_empty());
        let Some(scopes) = challenge.scopes.filter(|_| !bound) else { return Ok(false) };
        if challenge.error.as_deref() != Some("insufficient_scope") {
            return Ok(false);
        }
        let id = id_of(person, server);
        let gate = self.gate(&id);
        let _one_at_a_time = gate.lock().await;
        let mut grant = self.grant(&id, now).await?;
        let before = grant.wanted.clone();
        if !grant.lacks(&scopes) {
            return Ok(false);
        }
        if grant.wanted != before {
            self.store.put(&row(person, server, &grant)).await?;
        }
        Ok(true)
    }

    /// Says whether a person has connected an account for a server.
    pub(crate) async fn is_connected(
        &self,
        person: &Person,
        server: &ServerName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.store.get(Kind::UpstreamTokens, &id_of(person, server), now).await?.is_some())
    }

    /// Forgets a person's account for a server.
    pub(crate) async fn disconnect(&self, person: &Person, server: &ServerName) -> Result<bool, StoreError> {
        self.store.delete(Kind::UpstreamTokens, &id_of(person, server)).await
    }

    async fn grant(&self, id: &[u8], now: Timestamp) -> Result<Grant, ConnectError> {
        let row = self.store.get(Kind::UpstreamTokens, id, now).await?.ok_or(ConnectError::NotConnected)?;
        Grant::from_record(row.body.expose()).map_err(|_| ConnectError::NotConnected)
    }

    fn usable(
        &self,
        grant: &Grant,
        server: &ServerName,
        stale: bool,
        now: Timestamp,
    ) -> Option<Secret<String>> {
        let configured = self.servers.get(server)?;
        // Kept by issuer and resource: what one of them gave is shown to no other (U-08).
        let issuer = configured.issuer.as_deref().unwrap_or(&grant.issuer);
        let token = grant.token_for(issuer, &configured.url)?;
        (!stale && grant.expires > now.plus(MARGIN)).then(|| Secret::new(token.expose().clone()))
    }

    /// Finds the door's client at an authorization server, and registers it where it has none (U-07, U-08).
    async fn client(&self, server: &ServerName, authority: &AsMetadata) -> Result<Client, ConnectError> {
        let configured = self.servers.get(server).ok_or(ConnectError::NotConnected)?;
        let operators = configured.client.as_ref().map(|(id, secret)| Client {
            issuer: authority.issuer.clone(),
            id: id.clone(),
            secret: secret.as_ref().map(|secret| (Secret::new(secret.expose().clone()), authority.method)),
        });
        let id = hashed(&format!("client at {}", authority.issuer));
        let now = Timestamp::from_secs(0);
        let kept = self.store.get(Kind::Setting, &id, now).await?;
        let registered = kept.and_then(|row| Client::from_record(row.body.expose()).ok());
        let document = configured.document.as_deref();
        let endpoint = match choose(operators.as_ref(), document, registered.as_ref(), authority) {
            Choice::Known(known) => {
                let secret = known
                    .secret
                    .as_ref()
                    .map(|(secret, method)| (Secret::new(secret.expose().clone()), *method));
                return Ok(Client { issuer: known.issuer.clone(), id: known.id.clone(), secret });
            }
            Choice::Document(client) => return Ok(client),
            Choice::Register(endpoint) => endpoint.to_owned(),
            Choice::OtherIssuer => {
                return Err(ConnectError::Authority("the configured client is another issuer's".to_owned()));
            }
            Choice::AskAdministrator => {
                return Err(ConnectError::Authority(
                    "it takes no registrations; register the door there and name `client_id`".to_owned(),
                ));
            }
        };
        let body = registration_body("Doorward", &self.callback, authority);
        let answer = self.post(&endpoint, "application/json", body.as_bytes(), None).await?;
        let client = read_registration(authority, answer.into_body())
            .map_err(|error| ConnectError::Authority(error.to_string()))?;
        let row = Row {
            kind: Kind::Setting,
            id,
            scope: Scope::Door,
            person: None,
            client: None,
            grant: None,
            expires: None,
            version: 1,
            body: Secret::new(client.to_record()),
        };
        self.store.put(&row).await?;
        Ok(client)
    }

    async fn ask(&self, request: TokenRequest) -> Result<doorward_oidc::third_party::Tokens, Refused> {
        let form = request.form.as_str().as_bytes();
        let kind = "application/x-www-form-urlencoded";
        let answer = self
            .post(&request.endpoint, kind, form, request.authorization.as_ref())
            .await
            .map_err(|error| Refused::Failed(error.to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return read_tokens(answer.into_body()).map_err(|error| Refused::Failed(error.to_string()));
        }
        if status.as_u16() == 400 || status.as_u16() == 401 {
            return Err(Refused::Ended);
        }
        Err(Refused::Failed(format!("its token endpoint answers {}", status.as_u16())))
    }

    async fn post(
        &self,
        url: &str,
        kind: &'static str,
        body: &[u8],
        authorization: Option<&Secret<String>>,
    ) -> Result<Response<Bytes>, ConnectError> {
        let bad = || ConnectError::Authority("its address cannot be used".to_owned());
        let mut request = Request::post(url)
            .header(CONTENT_TYPE, kind)
            .header(ACCEPT, "application/json")
            .body(Bytes::copy_from_slice(body))
            .map_err(|_| bad())?;
        if let Some(authorization) = authorization {
            let mut value = HeaderValue::from_str(authorization.expose()).map_err(|_| bad())?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let answer = self.connector.fetch(request, Reach::Public, LIMITS).await;
        answer.map_err(|error| ConnectError::Authority(error.to_string()))
    }

    fn gate(&self, id: &[u8]) -> Gate {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= GATES {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        Arc::clone(gates.entry(id.to_vec()).or_default())
    }
}

/// Why a token endpoint gave nothing.
enum Refused {
    /// The grant is over.
    Ended,
    /// Something else went wrong.
    Failed(String),
}

impl Refused {
    fn error(self) -> ConnectError {
        match self {
            Self::Ended => ConnectError::Authority("it refuses the code".to_owned()),
            Self::Failed(why) => ConnectError::Authority(why),
        }
    }
}

fn id_of(person: &Person, server: &ServerName) -> Vec<u8> {
    hashed(&format!("{}|{}|{server}", person.tenant, person.object))
}

fn row(person: &Person, server: &ServerName, grant: &Grant) -> Row {
    Row {
        kind: Kind::UpstreamTokens,
        id: id_of(person, server),
        scope: Scope::Tenant(person.tenant.clone()),
        person: Some(person.clone()),
        client: None,
        grant: None,
        expires: None,
        version: 1,
        body: Secret::new(grant.to_record()),
    }
}
