//! A secret that the server knows: from a file, or from a Key Vault.

use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_engine::{Caller, UpstreamError, UpstreamFault};
use doorward_entra::KeyVault;
use doorward_types::Secret;
use doorward_upstream::{OutboundCredential, Retry};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};

use super::{header, not_opened};

/// How long a secret of a vault is kept: a new version takes effect within this time, or at the first 401.
const KEPT: Duration = Duration::from_secs(3600);

/// A secret that was read when the door was built.
pub(crate) struct Fixed {
    pub(crate) name: HeaderName,
    pub(crate) prefix: String,
    pub(crate) secret: Secret<String>,
}

impl OutboundCredential for Fixed {
    fn header<'a>(
        &'a self,
        _: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>> {
        Box::pin(async move { header(&self.name, &self.prefix, &self.secret) })
    }

    fn rejected<'a>(&'a self, _: Option<&'a Arc<Caller>>, _: Option<String>) -> BoxFuture<'a, Retry> {
        // The same secret would be refused again.
        Box::pin(async { Retry::No(not_opened("secret")) })
    }
}

/// A secret of a Key Vault, fetched when it is first needed.
pub(crate) struct VaultSecret {
    name: HeaderName,
    prefix: String,
    vault: KeyVault,
    url: String,
    kept: tokio::sync::Mutex<Option<(Secret<String>, Instant)>>,
}

impl VaultSecret {
    pub(crate) fn new(name: HeaderName, prefix: String, vault: KeyVault, url: String) -> Self {
        Self { name, prefix, vault, url, kept: tokio::sync::Mutex::new(None) }
    }
}

impl OutboundCredential for VaultSecret {
    fn header<'a>(
        &'a self,
        _: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>> {
        Box::pin(async move {
            let mut kept = self.kept.lock().await;
            if let Some((secret, at)) = kept.as_ref()
                && at.elapsed() < KEPT
            {
                return header(&self.name, &self.prefix, secret);
            }
            let secret = self.vault.secret(&self.url).await.map_err(|error| {
                UpstreamError::new(UpstreamFault::Refused, format!("the secret for this server: {error}"))
            })?;
            let written = header(&self.name, &self.prefix, &secret);
            *kept = Some((secret, Instant::now()));
            written
        })
    }

    fn rejected<'a>(&'a self, _: Option<&'a Arc<Caller>>, _: Option<String>) -> BoxFuture<'a, Retry> {
        Box::pin(async move {
            // A new version may have been put into the vault: asked for once more.
            *self.kept.lock().await = None;
            Retry::Once
        })
    }
}
