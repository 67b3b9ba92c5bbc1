//! The door's own identity: every caller reaches the server as the door, and what each may do is for the policies alone.

use std::sync::Arc;

use doorward_engine::{Caller, UpstreamError, UpstreamFault};
use doorward_entra::EntraClient;
use doorward_types::TenantId;
use doorward_upstream::{OutboundCredential, Retry};
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use super::header;

/// Comes with an application token of the door's own.
pub(crate) struct Workload {
    entra: EntraClient,
    tenant: TenantId,
    scope: String,
}

impl Workload {
    pub(crate) fn new(entra: EntraClient, tenant: TenantId, scope: String) -> Self {
        Self { entra, tenant, scope }
    }
}

impl OutboundCredential for Workload {
    fn header<'a>(
        &'a self,
        _: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>> {
        Box::pin(async move {
            let token = self.entra.app_token(self.tenant.as_str(), &self.scope).await.map_err(|error| {
                UpstreamError::new(UpstreamFault::Refused, format!("Entra gives the door no token: {error}"))
            })?;
            header(&AUTHORIZATION, "Bearer ", &token)
        })
    }

    fn rejected<'a>(&'a self, _: Option<&'a Arc<Caller>>, _: Option<String>) -> BoxFuture<'a, Retry> {
        Box::pin(async move {
            self.entra.forget_app_token(self.tenant.as_str(), &self.scope);
            Retry::Once
        })
    }
}
