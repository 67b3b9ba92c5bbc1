//! Key Vault: secrets to read, RSA keys that wrap and sign, and the refusals in between.

use std::path::Path as FilePath;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, UnparsedPublicKey};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::random::guid_for;
use crate::{EmulatorError, files};

mod refusal;

use refusal::VaultError;

type VaultResult<T> = Result<T, VaultError>;

/// A key of the vault. It never leaves it.
pub(crate) struct VaultKey(PrivateDecryptingKey);

impl VaultKey {
    pub(crate) fn generate() -> Result<Self, EmulatorError> {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048);
        key.map(Self).map_err(|_| EmulatorError::Crypto("no vault key was made"))
    }

    /// Takes up a key from the data folder, or makes one and leaves it there: what it wrapped is to be unwrapped by the
    /// next run.
    pub(crate) fn kept(folder: &FilePath, name: &str) -> Result<Self, EmulatorError> {
        let file = format!("vault-{name}.key.der");
        let kept = files::fresh(folder, &file).and_then(|der| PrivateDecryptingKey::from_pkcs8(&der).ok());
        if let Some(key) = kept {
            return Ok(Self(key));
        }
        let made = Self::generate()?;
        let der =
            AsDer::as_der(&made.0).map_err(|_| EmulatorError::Crypto("the vault key cannot be encoded"))?;
        files::write(folder, &file, der.as_ref())?;
        Ok(made)
    }

    fn wrap(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let key = OaepPublicEncryptingKey::new(self.0.public_key()).ok()?;
        let mut out = vec![0; key.ciphertext_size()];
        Some(key.encrypt(&OAEP_SHA256_MGF1SHA256, plain, &mut out, None).ok()?.to_vec())
    }

    fn unwrap(&self, wrapped: &[u8]) -> Option<Vec<u8>> {
        let key = OaepPrivateDecryptingKey::new(self.0.clone()).ok()?;
        let mut out = vec![0; key.min_output_size()];
        Some(key.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut out, None).ok()?.to_vec())
    }

    /// Signs a digest that the caller made: PS256.
    fn sign(&self, digest: &[u8]) -> Option<Vec<u8>> {
        let (digest, pair) = (Digest::import_less_safe(digest, &SHA256).ok()?, self.pair()?);
        let mut out = vec![0; pair.public_modulus_len()];
        pair.sign_digest(&RSA_PSS_SHA256, &digest, &mut out).ok()?;
        Some(out)
    }

    /// Says whether this key signed a digest; `None` for what is no digest.
    fn verifies(&self, digest: &[u8], signature: &[u8]) -> Option<bool> {
        let (digest, pair) = (Digest::import_less_safe(digest, &SHA256).ok()?, self.pair()?);
        let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key());
        Some(public.verify_digest(&digest, signature).is_ok())
    }

    /// The same key, as one that signs.
    fn pair(&self) -> Option<KeyPair> {
        KeyPair::from_pkcs8(AsDer::as_der(&self.0).ok()?.as_ref()).ok()
    }
}

/// Returns the routes.
pub(crate) fn routes() -> Router<Arc<Lab>> {
    Router::new()
        .route("/secrets/{name}", get(secret))
        .route("/secrets/{name}/{version}", get(secret_version))
        .route("/keys/{name}", get(key))
        .route("/keys/{name}/{version}", get(key_version))
        .route("/keys/{name}/{version}/{operation}", post(operate))
        .fallback(elsewhere)
}

async fn secret(
    State(lab): State<Arc<Lab>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, query, &headers, || read_secret(&lab, &name, None))
}

async fn secret_version(
    State(lab): State<Arc<Lab>>,
    Path((name, version)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, query, &headers, || read_secret(&lab, &name, Some(&version)))
}

async fn key(
    State(lab): State<Arc<Lab>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, query, &headers, || describe(&lab, &name, None))
}

async fn key_version(
    State(lab): State<Arc<Lab>>,
    Path((name, version)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, query, &headers, || describe(&lab, &name, Some(&version)))
}

async fn operate(
    State(lab): State<Arc<Lab>>,
    Path((name, version, operation)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&lab, query, &headers, || use_key(&lab, &name, &version, &operation, &body))
}

async fn elsewhere(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&lab, query, &headers, || Err(VaultError::bad("The request URI is not one of the vault's.")))
}

fn answer(
    lab: &Lab,
    query: Option<String>,
    headers: &HeaderMap,
    then: impl FnOnce() -> VaultResult<Value>,
) -> Response {
    let outcome = refusal::broken(lab)
        .and_then(|()| refusal::admitted(lab, headers))
        .and_then(|()| refusal::versioned(query.as_deref()))
        .and_then(|()| then());
    match outcome {
        Ok(body) => (StatusCode::OK, Json(body)).into_response(),
        Err(refusal) => refusal.response(lab),
    }
}

/// The one version that a secret or key has.
fn version_of(kind: &str, name: &str) -> String {
    guid_for(&["vault", kind, name]).replace('-', "")
}

fn read_secret(lab: &Lab, name: &str, version: Option<&str>) -> VaultResult<Value> {
    let own = version_of("secret", name);
    let secret = lab.seed.key_vault.secrets.iter().find(|secret| secret.name == name);
    let secret = secret.filter(|_| version.is_none_or(|asked| asked == own)).ok_or_else(|| {
        VaultError::new(
            StatusCode::NOT_FOUND,
            "SecretNotFound",
            &format!(
                "A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command."
            ),
        )
    })?;
    if secret.disabled {
        let message = "Operation get is not allowed on a disabled secret.";
        return Err(VaultError::new(StatusCode::FORBIDDEN, "Forbidden", message).inner("SecretDisabled"));
    }
    let now = lab.clock.now().as_secs();
    let mut attributes = json!({
        "enabled": true, "created": now - 1000, "updated": now - 1000, "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": 90,
    });
    if let (true, Some(members)) = (secret.expired, attributes.as_object_mut()) {
        members.insert(String::from("exp"), json!(now - 100));
    }
    let id = format!("{}/secrets/{name}/{own}", lab.origins.vault);
    Ok(
        json!({ "value": secret.value, "contentType": "text/plain", "id": id, "attributes": attributes, "tags": {} }),
    )
}

fn found(lab: &Lab, name: &str, version: Option<&str>) -> VaultResult<(Arc<VaultKey>, String)> {
    let own = version_of("key", name);
    let absent = || {
        let message = format!("A key with (name/id) {name} was not found in this key vault.");
        VaultError::new(StatusCode::NOT_FOUND, "KeyNotFound", &message)
    };
    let key = lab.vault_key(name).map_err(|_| VaultError::failed())?.ok_or_else(absent)?;
    if version.is_some_and(|asked| asked != own) {
        return Err(absent());
    }
    Ok((key, format!("{}/keys/{name}/{own}", lab.origins.vault)))
}

fn describe(lab: &Lab, name: &str, version: Option<&str>) -> VaultResult<Value> {
    let (_, kid) = found(lab, name, version)?;
    Ok(json!({
        "key": { "kid": kid, "kty": "RSA", "key_ops": ["wrapKey", "unwrapKey", "sign", "verify"] },
        "attributes": { "enabled": true, "recoveryLevel": "Recoverable+Purgeable" },
    }))
}

fn use_key(lab: &Lab, name: &str, version: &str, operation: &str, body: &[u8]) -> VaultResult<Value> {
    let (key, kid) = found(lab, name, Some(version))?;
    let asked: Value =
        serde_json::from_slice(body).map_err(|_| VaultError::bad("The request body is not valid JSON."))?;
    let alg = match operation {
        "wrapkey" | "unwrapkey" => "RSA-OAEP-256",
        "sign" | "verify" => "PS256",
        _ => {
            let message = format!("Operation {operation} is not permitted on this key.");
            return Err(
                VaultError::new(StatusCode::FORBIDDEN, "Forbidden", &message).inner("KeyOperationForbidden")
            );
        }
    };
    if asked.get("alg").and_then(Value::as_str) != Some(alg) {
        return Err(VaultError::bad("Property alg has invalid value, or the lab does not know it."));
    }
    let value = bytes_of(&asked, "value")?;
    let unfit = || VaultError::bad("The value does not fit this key or this operation.");
    if operation == "verify" {
        let verdict = key.verifies(&bytes_of(&asked, "digest")?, &value).ok_or_else(unfit)?;
        return Ok(json!({ "value": verdict }));
    }
    let made = match operation {
        "wrapkey" => key.wrap(&value),
        "unwrapkey" => key.unwrap(&value),
        _ => key.sign(&value),
    };
    Ok(json!({ "kid": kid, "value": URL_SAFE_NO_PAD.encode(made.ok_or_else(unfit)?) }))
}

/// A member that is base64url and not empty.
fn bytes_of(asked: &Value, member: &str) -> VaultResult<Vec<u8>> {
    let text = asked.get(member).and_then(Value::as_str).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| !bytes.is_empty());
    bytes.ok_or_else(|| VaultError::bad(&format!("Property {member} is not base64url.")))
}
