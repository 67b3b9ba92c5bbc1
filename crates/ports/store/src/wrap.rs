//! What keeps the root key outside the database.

use doorward_types::Secret;
use futures_util::future::BoxFuture;

/// Wraps the root key under a key that never lies where the database lies: in Key Vault, or in a [`KeyFile`](crate::KeyFile).
///
/// What `unwrap` takes, only `wrap` may be able to make. Encrypting with a public key is not enough, since anybody can
/// do that: who can write the database would put a root of their own into it, and with it clients, consents and keys
/// of their choice. Such a wrap must be signed as well.
pub trait KeyWrap: Send + Sync {
    /// Names the key, version and all, and holds nothing secret. A store is opened only with the key that it names.
    fn id(&self) -> String;

    /// Wraps a root key.
    fn wrap(&self, key: &Secret<[u8; 32]>) -> BoxFuture<'_, Result<Vec<u8>, KeyWrapError>>;

    /// Unwraps what [`wrap`](Self::wrap) made.
    fn unwrap(&self, wrapped: Vec<u8>) -> BoxFuture<'_, Result<Secret<[u8; 32]>, KeyWrapError>>;
}

/// Why a root key could not be wrapped or unwrapped. The texts are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeyWrapError {
    /// What keeps the key does not answer; it may later.
    #[error("it cannot be reached: {0}")]
    Away(String),
    /// It answers, and refuses.
    #[error("it refuses: {0}")]
    Refused(String),
}
