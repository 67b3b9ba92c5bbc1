//! With what the door asks: a key of the resource, or a token of its own identity.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use doorward_types::Secret;
use http::{HeaderName, HeaderValue, Request};
use zeroize::Zeroizing;

use crate::opinion::NoOpinion;

/// A token on its way; the error's text is for the log and holds nothing secret.
pub type TokenFuture = Pin<Box<dyn Future<Output = Result<Arc<Secret<String>>, String>> + Send>>;

/// Gives the door's own tokens for the advisers, and only for them.
pub trait Tokens: Send + Sync + 'static {
    /// Returns a token that is good for some minutes yet.
    fn token(&self) -> TokenFuture;
    /// Hears that the last one was refused, so that the next is a new one.
    fn refused(&self);
}

/// With what the door asks.
pub enum AdviserCredential {
    /// A key of the resource, sent as `Ocp-Apim-Subscription-Key`.
    Key(Secret<String>),
    /// Tokens of Entra's for the resource.
    Tokens(Arc<dyn Tokens>),
}

impl AdviserCredential {
    /// Puts the credential on a request.
    pub(crate) async fn sign<B>(&self, request: &mut Request<B>) -> Result<(), NoOpinion> {
        let unusable = |_| NoOpinion::Credential;
        let (name, value) = match self {
            Self::Key(key) => (
                HeaderName::from_static("ocp-apim-subscription-key"),
                HeaderValue::try_from(key.expose().as_str()),
            ),
            Self::Tokens(tokens) => {
                let token = tokens.token().await.map_err(|why| {
                    tracing::warn!(%why, "there is no token to ask the advisers with");
                    NoOpinion::Credential
                })?;
                let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
                (http::header::AUTHORIZATION, HeaderValue::try_from(bearer.as_str()))
            }
        };
        let mut value = value.map_err(unusable)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
        Ok(())
    }

    /// Hears that it was refused; says whether it is worth another try.
    pub(crate) fn refused(&self) -> bool {
        match self {
            Self::Key(_) => false,
            Self::Tokens(tokens) => {
                tokens.refused();
                true
            }
        }
    }
}
