//! Which authorization server stands in front of a server, and what both say of themselves (U-01 … U-04).

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use doorward_net::{FetchLimits, Origin, Reach};
use doorward_oidc::third_party::{
    AsMetadata, Challenge, ResourceMetadata, canonical, metadata_urls, resource_metadata_urls,
};
use doorward_types::{ServerName, Timestamp};
use doorward_wire::MODERN;
use http::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, StatusCode};

use super::{ConnectError, Connectable, Connections, LIMITS};

/// How long what an authorization server says of itself is kept.
const KEPT: Duration = Duration::from_secs(600);
/// What a server may take to say that it wants a token: a person waits for it.
const KNOCK: FetchLimits = FetchLimits { timeout: Duration::from_secs(5), max_body: 64 * 1024 };

/// An authorization server, and what it protects.
pub(super) struct Authority {
    pub(super) metadata: AsMetadata,
    pub(super) resource: String,
    /// All scopes of the server.
    pub(super) scopes: Vec<String>,
    /// Those that it asks of whoever comes without a token.
    pub(super) challenged: Option<Vec<String>>,
}

impl Connections {
    /// Finds a server's authorization server, and what it says of itself.
    pub(super) async fn authority(
        &self,
        server: &ServerName,
        now: Timestamp,
    ) -> Result<Arc<Authority>, ConnectError> {
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((authority, until)) = known.get(server)
                && now < *until
            {
                return Ok(Arc::clone(authority));
            }
        }
        let configured = self.servers.get(server).ok_or(ConnectError::NotConnected)?;
        let told = configured.issuer.is_some() && !configured.scopes.is_empty();
        let challenge = if told { Challenge::default() } else { self.knock(configured).await };
        let (issuer, resource, scopes, reach) = match &configured.issuer {
            Some(issuer) => {
                (issuer.clone(), canonical(&configured.url).to_owned(), Vec::new(), Reach::Configured)
            }
            None => {
                let named = challenge.resource_metadata.as_deref();
                let found = self.resource(&configured.url, named).await?;
                // Somebody else names it: only the open internet is in reach (U-11).
                (found.issuer, found.resource, found.scopes, Reach::Public)
            }
        };
        for url in metadata_urls(&issuer, self.lab) {
            let Ok(body) = self.get(&url, reach).await else { continue };
            let metadata = AsMetadata::read(&issuer, body, self.lab)
                .map_err(|error| ConnectError::Authority(error.to_string()))?;
            let authority = Arc::new(Authority { metadata, resource, scopes, challenged: challenge.scopes });
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(server.clone(), (Arc::clone(&authority), now.plus(KEPT)));
            return Ok(authority);
        }
        Err(ConnectError::Authority(format!("{issuer} publishes no metadata")))
    }

    /// Asks a server for its tools without a token, to hear what it wants first (RFC 9728 section 5.1). Nobody's name or
    /// token is in the request, and of the answer nothing but the challenge is read. Empty where it says nothing.
    async fn knock(&self, configured: &Connectable) -> Challenge {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientInfo":{{"name":"doorward","version":"{}"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#,
            env!("CARGO_PKG_VERSION"),
        );
        let request = Request::post(&configured.url)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", "tools/list")
            .body(Bytes::from(body));
        let Ok(request) = request else { return Challenge::default() };
        match self.connector.fetch(request, Reach::Configured, KNOCK).await {
            Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
                let lines = answer.headers().get_all(WWW_AUTHENTICATE).iter();
                let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
                Challenge::parse(&lines.join(", ")).unwrap_or_default()
            }
            Ok(_) => Challenge::default(),
            Err(error) => {
                tracing::info!(%error, "a server does not say which token it wants");
                Challenge::default()
            }
        }
    }

    /// Reads what a server says of itself: where its challenge says, or at the well-known places.
    async fn resource(&self, url: &str, named: Option<&str>) -> Result<ResourceMetadata, ConnectError> {
        let own = Origin::parse(url).ok();
        for place in resource_metadata_urls(url, named, self.lab) {
            // The operator wrote the server's own origin. Any other was named by somebody else: a server could have the door
            // fetch from inside its network (U-11).
            let reach = if Origin::parse(&place).ok() == own { Reach::Configured } else { Reach::Public };
            let Ok(body) = self.get(&place, reach).await else { continue };
            return ResourceMetadata::read(url, &place, body, self.lab)
                .map_err(|error| ConnectError::Authority(error.to_string()));
        }
        Err(ConnectError::Authority(
            "the server names no authorization server; name it with `issuer`".to_owned(),
        ))
    }

    async fn get(&self, url: &str, reach: Reach) -> Result<Bytes, ()> {
        let request =
            Request::get(url).header(ACCEPT, "application/json").body(Bytes::new()).map_err(|_| ())?;
        let answer = self.connector.fetch(request, reach, LIMITS).await.map_err(|error| {
            tracing::info!(%error, url, "an authorization server's metadata cannot be read");
        })?;
        if answer.status().is_success() { Ok(answer.into_body()) } else { Err(()) }
    }
}
