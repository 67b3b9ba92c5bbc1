//! The person's own account at the server's authorization server.

use std::sync::Arc;
use std::time::SystemTime;

use doorward_engine::{Caller, Need, UpstreamError, UpstreamFault};
use doorward_facade::{ConnectError, Connections};
use doorward_oauth::CallerKind;
use doorward_types::{Secret, ServerName};
use doorward_upstream::{OutboundCredential, Retry};
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use super::{header, not_opened};

/// Comes with the token of whoever calls.
pub(crate) struct UserGrant {
    connections: Arc<Connections>,
    server: ServerName,
    /// The door's page on which the account is connected.
    page: String,
}

impl UserGrant {
    pub(crate) fn new(connections: Arc<Connections>, server: ServerName, issuer: &str) -> Self {
        let page = format!("{issuer}/account/connect/{server}");
        Self { connections, server, page }
    }

    fn connect(&self) -> Need {
        Need::Connect { url: self.page.clone() }
    }

    async fn token(
        &self,
        caller: Option<&Arc<Caller>>,
        stale: bool,
    ) -> Result<Secret<String>, UpstreamError> {
        let refused = |what: &str| UpstreamError::new(UpstreamFault::Refused, what);
        let caller = caller.ok_or_else(|| refused("this server is called on behalf of people only"))?;
        let identity = caller.identity();
        if identity.kind() == CallerKind::App {
            return Err(refused("an application calls, and this server works with accounts of people"));
        }
        let now = SystemTime::now().into();
        self.connections.token(&identity.person(), &self.server, stale, now).await.map_err(|error| {
            let need = matches!(error, ConnectError::NotConnected).then(|| self.connect());
            UpstreamError { need, ..refused(&error.to_string()) }
        })
    }
}

impl OutboundCredential for UserGrant {
    fn header<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>> {
        Box::pin(async move { header(&AUTHORIZATION, "Bearer ", &self.token(caller, false).await?) })
    }

    fn rejected<'a>(&'a self, caller: Option<&'a Arc<Caller>>, _: Option<String>) -> BoxFuture<'a, Retry> {
        Box::pin(async move {
            // It may have been taken back on the other side: refreshed once, or connected anew.
            match self.token(caller, true).await {
                Ok(_) => Retry::Once,
                Err(error) if error.need.is_some() => Retry::No(error),
                Err(_) => Retry::No(not_opened("token for this person")),
            }
        })
    }

    fn insufficient<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
        challenge: String,
    ) -> BoxFuture<'a, Option<UpstreamError>> {
        Box::pin(async move {
            let person = caller?.identity().person();
            let now = SystemTime::now().into();
            match self.connections.lacks(&person, &self.server, &challenge, now).await {
                Ok(true) => {
                    let what = "the person's token permits too little; they can ask for more";
                    Some(UpstreamError {
                        need: Some(self.connect()),
                        ..UpstreamError::new(UpstreamFault::Refused, what)
                    })
                }
                Ok(false) => None,
                Err(error) => Some(UpstreamError::new(UpstreamFault::Refused, error.to_string())),
            }
        })
    }
}
