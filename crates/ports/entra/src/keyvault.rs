//! Azure Key Vault: secrets that are read, and keys that wrap without ever leaving it.
//!
//! The vault itself says, in its first 401, for whom a token must be meant. What is believed of that is only what its
//! own name bears out: otherwise a host that the door was once led to would choose which of the door's tokens it gets.

mod challenge;
mod error;
mod place;
mod wrapped;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_net::{Fetch, Origin};
use doorward_types::Secret;
use doorward_wire::{Kind, Limits, Tree, quote};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use zeroize::Zeroizing;

pub use error::KeyVaultError;
use place::Place;
use wrapped::Wrapped;

const LIMITS: Limits = Limits { max_bytes: 256 * 1024, max_depth: 16, max_nodes: 1024 };

/// What a key must be good for. Anybody who has the public half can wrap; who signed is what tells a wrap of ours.
const NEEDED: [&str; 4] = ["wrapKey", "unwrapKey", "sign", "verify"];

/// Gives the door's token for a scope.
pub type VaultToken = Arc<dyn Fn(&str) -> VaultTokenFuture + Send + Sync>;
/// A token on its way; the error's text is for the log and holds nothing secret.
pub type VaultTokenFuture = Pin<Box<dyn Future<Output = Result<Arc<Secret<String>>, String>> + Send>>;

/// Asks Key Vaults. Cheap to clone; clones share what the vaults said of tokens.
#[derive(Clone)]
pub struct KeyVault {
    fetch: Arc<dyn Fetch>,
    token: VaultToken,
    lab: Option<Origin>,
    /// The scope that each vault asks for.
    scopes: Arc<Mutex<HashMap<Origin, String>>>,
}

impl KeyVault {
    /// Makes an asker; nothing is asked yet.
    pub fn new(fetch: Arc<dyn Fetch>, token: VaultToken) -> Self {
        Self { fetch, token, lab: None, scopes: Arc::default() }
    }

    /// Returns an asker that takes a lab's vault for a real one: it may speak plain HTTP and ask for tokens under another
    /// name than its own. Whoever calls this must hold a permission to do so: `[insecure_lab]` (D-19).
    #[must_use]
    pub fn in_lab(self, origin: Origin) -> Self {
        Self { lab: Some(origin), ..self }
    }

    /// Reads a secret, `https://….vault.azure.net/secrets/NAME` with or without a version.
    ///
    /// # Errors
    /// A [`KeyVaultError`].
    pub async fn secret(&self, url: &str) -> Result<Secret<String>, KeyVaultError> {
        let place = Place::parse(url, "secrets", self.lab.as_ref())?;
        let tree = self.ask(&place, Method::GET, &place.path(), None).await?;
        let value = tree.root().get("value").and_then(|value| value.as_str()).map(|text| text.into_owned());
        value.map(Secret::new).ok_or_else(|| place.bad_answer("the secret has no value"))
    }

    /// Wraps a key with the newest version of the vault's key at `key_url` and signs the result with it. What comes out
    /// names the version, so that it is still unwrapped after the vault's key was rotated.
    ///
    /// # Errors
    /// A [`KeyVaultError`]; [`KeyVaultError::Operations`] if the key may not do all of that.
    pub async fn wrap(&self, key_url: &str, key: &[u8; 32]) -> Result<Vec<u8>, KeyVaultError> {
        let place = Place::parse(key_url, "keys", self.lab.as_ref())?;
        let version = self.version_to_wrap_with(&place).await?;
        let wrapped = self.operate(&version, "wrapkey", "RSA-OAEP-256", key).await?;
        let mut made = Wrapped { kid: version.to_string(), wrapped, signature: Vec::new() };
        let hash = digest::digest(&digest::SHA256, made.signed().as_bytes());
        made.signature = self.operate(&version, "sign", "PS256", hash.as_ref()).await?;
        Ok(made.write().into_bytes())
    }

    /// Unwraps what [`wrap`](Self::wrap) made with any version of the same key, after the vault says that it signed it.
    ///
    /// # Errors
    /// A [`KeyVaultError`]; [`KeyVaultError::NotOurs`] for what another key wrapped or nobody signed.
    pub async fn unwrap(&self, key_url: &str, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, KeyVaultError> {
        let place = Place::parse(key_url, "keys", self.lab.as_ref())?;
        let not_ours = |why| KeyVaultError::NotOurs { key: place.to_string(), why };
        let made = Wrapped::read(wrapped).ok_or_else(|| not_ours("it is not in the form of one"))?;
        // Before anything is sent: the name in it was written by whoever can write the file.
        let version = Place::parse(&made.kid, "keys", self.lab.as_ref())
            .ok()
            .filter(|version| version.is_version_of(&place))
            .ok_or_else(|| not_ours("another key made it"))?;
        let hash = digest::digest(&digest::SHA256, made.signed().as_bytes());
        let body = format!(
            r#"{{"alg":"PS256","digest":"{}","value":"{}"}}"#,
            URL_SAFE_NO_PAD.encode(hash),
            URL_SAFE_NO_PAD.encode(&made.signature)
        );
        let path = format!("{}/verify", version.path());
        let verdict = self.ask(&version, Method::POST, &path, Some(Zeroizing::new(body))).await?;
        if verdict.root().get("value").and_then(|value| value.as_bool()) != Some(true) {
            return Err(not_ours("the vault did not sign it"));
        }
        Ok(Secret::new(self.operate(&version, "unwrapkey", "RSA-OAEP-256", &made.wrapped).await?))
    }

    /// Reads the key's newest version, or the one that `place` names, and whether it is good for all that is needed.
    async fn version_to_wrap_with(&self, place: &Place) -> Result<Place, KeyVaultError> {
        let tree = self.ask(place, Method::GET, &place.path(), None).await?;
        let key = tree.root().get("key").ok_or_else(|| place.bad_answer("it describes no key"))?;
        let kty = key.get("kty").and_then(|kty| kty.as_str()).unwrap_or_default();
        if kty != "RSA" && kty != "RSA-HSM" {
            return Err(KeyVaultError::NotRsa { key: place.to_string() });
        }
        let permitted = key.get("key_ops").filter(|list| list.kind() == Kind::Array);
        let may =
            |operation: &str| permitted.is_some_and(|list| list.items().any(|item| item.is_str(operation)));
        let missing: Vec<&'static str> = NEEDED.into_iter().filter(|operation| !may(operation)).collect();
        if !missing.is_empty() {
            return Err(KeyVaultError::Operations { key: place.to_string(), missing });
        }
        let kid = key.get("kid").and_then(|kid| kid.as_str()).unwrap_or_default();
        let version = Place::parse(&kid, "keys", self.lab.as_ref()).ok();
        version
            .filter(|version| version.is_version_of(place))
            .ok_or_else(|| place.bad_answer("it describes another key"))
    }

    /// Has the vault do something with one version of a key.
    async fn operate(
        &self,
        version: &Place,
        operation: &str,
        alg: &str,
        value: &[u8],
    ) -> Result<Vec<u8>, KeyVaultError> {
        let value = Zeroizing::new(URL_SAFE_NO_PAD.encode(value));
        let body = Zeroizing::new(format!(r#"{{"alg":{},"value":"{}"}}"#, quote(alg), *value));
        let path = format!("{}/{operation}", version.path());
        let tree = self.ask(version, Method::POST, &path, Some(body)).await?;
        let made = tree.root().get("value").and_then(|value| URL_SAFE_NO_PAD.decode(&*value.as_str()?).ok());
        made.ok_or_else(|| version.bad_answer("the operation has no result"))
    }

    async fn ask(
        &self,
        place: &Place,
        method: Method,
        path: &str,
        body: Option<Zeroizing<String>>,
    ) -> Result<Tree, KeyVaultError> {
        let scope = match self.known_scope(place) {
            Some(scope) => scope,
            // Neither a token nor what is asked: nothing goes out before the vault has said who it is.
            None => self.learn(place, &self.send(place, &method, path, None, None).await?)?,
        };
        let mut answer = self.send_as(place, &method, path, &scope, body.as_ref()).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            self.scopes().remove(place.origin());
            let fresh = self.learn(place, &answer)?;
            if fresh != scope {
                answer = self.send_as(place, &method, path, &fresh, body.as_ref()).await?;
            }
        }
        if !answer.status().is_success() {
            return Err(error::refused(place, &answer));
        }
        Tree::parse(answer.into_body(), &LIMITS).map_err(|_| place.bad_answer("it is not valid JSON"))
    }

    async fn send_as(
        &self,
        place: &Place,
        method: &Method,
        path: &str,
        scope: &str,
        body: Option<&Zeroizing<String>>,
    ) -> Result<Response<Bytes>, KeyVaultError> {
        let token = (self.token)(scope).await;
        let token = token.map_err(|cause| KeyVaultError::Token { vault: place.vault(), cause })?;
        self.send(place, method, path, Some(&token), body).await
    }

    async fn send(
        &self,
        place: &Place,
        method: &Method,
        path: &str,
        token: Option<&Secret<String>>,
        body: Option<&Zeroizing<String>>,
    ) -> Result<Response<Bytes>, KeyVaultError> {
        let url = format!("{}{path}?api-version=7.4", place.origin());
        let mut request = Request::builder().method(method).uri(url).header("accept", "application/json");
        if let Some(token) = token {
            let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
            let mut bearer = HeaderValue::try_from(&*bearer)
                .map_err(|_| place.bad_answer("the token for it does not fit into a header"))?;
            bearer.set_sensitive(true);
            request = request.header("authorization", bearer);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| Bytes::copy_from_slice(body.as_bytes())).unwrap_or_default();
        let unreachable = |cause: String| KeyVaultError::Unreachable { vault: place.vault(), cause };
        let request = request.body(body).map_err(|error| unreachable(error.to_string()))?;
        self.fetch.fetch(request).await.map_err(|error| unreachable(error.0))
    }

    fn known_scope(&self, place: &Place) -> Option<String> {
        self.scopes().get(place.origin()).cloned()
    }

    /// Takes from a 401 for whom a token must be meant.
    fn learn(&self, place: &Place, answer: &Response<Bytes>) -> Result<String, KeyVaultError> {
        if answer.status().is_success() {
            return Err(place.bad_answer("it answers without asking for a token"));
        }
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Err(error::refused(place, answer));
        }
        let resource = challenge::resource(answer.headers())
            .ok_or_else(|| place.bad_answer("its 401 does not say what tokens it takes"))?;
        let lab = self.lab.as_ref() == Some(place.origin());
        if !lab && !challenge::bears_out(place.origin(), &resource) {
            return Err(KeyVaultError::ForeignChallenge { vault: place.vault(), resource });
        }
        let scope = format!("{resource}/.default");
        self.scopes().insert(place.origin().clone(), scope.clone());
        Ok(scope)
    }

    fn scopes(&self) -> MutexGuard<'_, HashMap<Origin, String>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
