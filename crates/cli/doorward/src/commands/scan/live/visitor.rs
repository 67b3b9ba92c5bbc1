//! A scan at a server's door: it says what it is, and has an ear for being turned away.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_engine::{Caller, UpstreamError, UpstreamFault};
use doorward_oidc::third_party::Challenge;
use doorward_upstream::{OutboundCredential, Retry};
use futures_util::future::BoxFuture;
use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue};

use crate::table::clean;

/// A visitor of one server.
pub(super) struct Visitor {
    /// It brings a token, or what the server takes for one.
    pub(super) brings: bool,
    /// Whether it was turned away, and with which challenge.
    turned_away: Mutex<Option<Option<String>>>,
}

impl Visitor {
    pub(super) fn new(headers: &[(String, String)]) -> Arc<Self> {
        Arc::new(Self { brings: !headers.is_empty(), turned_away: Mutex::default() })
    }

    /// Says why the server turned it away, and what to do.
    pub(super) fn refusal(&self) -> Option<(String, String)> {
        let challenge = self.turned_away.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let challenge = challenge.as_deref().and_then(Challenge::parse);
        let told = challenge.as_ref();
        let mut help = match self.brings {
            true => "have another token, for this very server".to_owned(),
            false => "put a token for it into a variable, and name that: --bearer-env VARIABLE".to_owned(),
        };
        // What a stranger says is shown, and not followed.
        if let Some(scopes) = told.and_then(|challenge| challenge.scopes.as_ref()) {
            help.push_str(&format!("; it wants the scopes {}", clean(&scopes.join(" "))));
        }
        if let Some(place) = told.and_then(|challenge| challenge.resource_metadata.as_ref()) {
            help.push_str(&format!("; who gives such tokens, it says at {}", clean(place)));
        }
        let why = match (self.brings, told.and_then(|challenge| challenge.error.as_ref())) {
            (true, Some(error)) => format!("it refuses what it was brought (401, {})", clean(error)),
            (true, None) => "it refuses what it was brought (401)".to_owned(),
            (false, _) => "it wants to know who asks (401)".to_owned(),
        };
        Some((why, help))
    }
}

impl OutboundCredential for Visitor {
    fn header<'a>(
        &'a self,
        _: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>> {
        let agent = HeaderValue::from_static(concat!("doorward-scan/", env!("CARGO_PKG_VERSION")));
        Box::pin(async move { Ok((USER_AGENT, agent)) })
    }

    fn rejected<'a>(&'a self, _: Option<&'a Arc<Caller>>, challenge: Option<String>) -> BoxFuture<'a, Retry> {
        *self.turned_away.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
        Box::pin(async {
            Retry::No(UpstreamError::new(UpstreamFault::Refused, "it wants to know who asks (401)"))
        })
    }
}
