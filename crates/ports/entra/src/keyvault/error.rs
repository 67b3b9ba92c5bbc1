//! Why a vault gives nothing: what, where, why, and what to do. Never what is in a secret.

use std::time::Duration;

use bytes::Bytes;
use doorward_wire::Tree;
use http::{HeaderMap, Response};

use super::{LIMITS, Place};

/// Why a vault gives nothing. Nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyVaultError {
    /// Not an address of a vault's.
    #[error("{url} is no address in a Key Vault; it is to be https://NAME.vault.azure.net/{collection}/NAME")]
    Url {
        /// What was written.
        url: String,
        /// `secrets` or `keys`.
        collection: &'static str,
    },
    /// No answer.
    #[error(
        "{vault} cannot be reached: {cause}; check the vault's name, its firewall and its private endpoint"
    )]
    Unreachable {
        /// Who was asked.
        vault: String,
        /// Why there was no answer.
        cause: String,
    },
    /// The door has no token to show.
    #[error("there is no token for {vault}: {cause}")]
    Token {
        /// Who was to be asked.
        vault: String,
        /// Why there is none.
        cause: String,
    },
    /// The vault asks for tokens that are none of its business. Nothing was sent.
    #[error(
        "{vault} asks for tokens for {resource}, which is not the end of its own name; it may not be a Key Vault: check the address"
    )]
    ForeignChallenge {
        /// Who was asked.
        vault: String,
        /// What it wants tokens for.
        resource: String,
    },
    /// The vault asks for a pause.
    #[error("{vault} asks for a pause{}; its limits are shared by everybody who uses it", .retry_in.map(|span| format!(" of {} s", span.as_secs())).unwrap_or_default())]
    Throttled {
        /// Who was asked.
        vault: String,
        /// For how long, if it said.
        retry_in: Option<Duration>,
    },
    /// The vault refuses.
    #[error("{place} is refused: {status} {}; {}", .code.as_deref().unwrap_or("-"), fix(*.status, .code.as_deref()))]
    Refused {
        /// What was asked for.
        place: String,
        /// HTTP status.
        status: u16,
        /// The innermost error code.
        code: Option<String>,
    },
    /// The key is of another kind.
    #[error("{key} is no RSA key; make one with az keyvault key create --kty RSA --size 3072")]
    NotRsa {
        /// The key.
        key: String,
    },
    /// The key may not do all that is needed.
    #[error(
        "{key} does not permit {}; wrapping alone proves nothing, since anybody with the public key can do it, so what is wrapped is signed too: az keyvault key set-attributes --ops wrapKey unwrapKey sign verify", .missing.join(", ")
    )]
    Operations {
        /// The key.
        key: String,
        /// What it does not permit.
        missing: Vec<&'static str>,
    },
    /// What is to be unwrapped was not wrapped here.
    #[error(
        "what is to be unwrapped was not made with {key}: {why}; it was changed or belongs to another installation"
    )]
    NotOurs {
        /// The key.
        key: String,
        /// How that shows.
        why: &'static str,
    },
    /// The answer is not what the API promises.
    #[error("an answer about {place} cannot be used: {why}")]
    BadAnswer {
        /// What was asked for.
        place: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

fn fix(status: u16, code: Option<&str>) -> &'static str {
    match (status, code) {
        (_, Some("ForbiddenByFirewall")) => {
            "the vault's firewall does not let this machine in: add its network there"
        }
        (_, Some("SecretDisabled" | "KeyDisabled")) => "it is disabled: enable it in the vault",
        (_, Some("KeyOperationForbidden")) => {
            "the key does not permit this: az keyvault key set-attributes --ops wrapKey unwrapKey sign verify"
        }
        (404, _) => {
            "it is not there; if it was deleted it may be recovered: az keyvault secret recover, az keyvault key recover"
        }
        (401, _) => "the vault does not take the door's token: it belongs to another directory, most often",
        (403, _) => {
            "give the door's application the role Key Vault Secrets User for a secret, Key Vault Crypto User for a key (Crypto Service Encryption User cannot sign)"
        }
        (500..=599, _) => "the vault has trouble of its own; try again",
        _ => "see the vault's log (AzureDiagnostics, AuditEvent)",
    }
}

/// Says what a refusal means.
pub(super) fn refused(place: &Place, answer: &Response<Bytes>) -> KeyVaultError {
    let status = answer.status().as_u16();
    if status == 429 {
        return KeyVaultError::Throttled { vault: place.vault(), retry_in: pause(answer.headers()) };
    }
    let code = code(answer.body().clone());
    KeyVaultError::Refused { place: place.to_string(), status, code }
}

fn pause(headers: &HeaderMap) -> Option<Duration> {
    headers.get("retry-after")?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The innermost code is the one that says what to do.
fn code(body: Bytes) -> Option<String> {
    let tree = Tree::parse(body, &LIMITS).ok()?;
    let error = tree.root().get("error")?;
    let inner = error.path(&["innererror", "code"]).and_then(|code| code.as_str());
    let code = inner.or_else(|| error.get("code")?.as_str())?;
    let plain = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (plain && !code.is_empty()).then(|| code.into_owned())
}
