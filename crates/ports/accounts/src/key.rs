//! Where the key lies that seals the cache.

mod beside;
mod passphrase;
mod secret_service;

use std::future::Future;
use std::pin::Pin;

use doorward_types::Secret;

pub use beside::InsecureKeyBeside;
pub use passphrase::Passphrase;
pub use secret_service::SecretService;

/// A key.
pub type Key = Secret<[u8; 32]>;
/// The name of a key, or the salt that it is derived with. No secret.
pub type KeyId = [u8; 16];
/// An answer of a key source that is on its way.
pub type Keying<'a, T> = Pin<Box<dyn Future<Output = Result<T, KeyError>> + Send + 'a>>;

/// Gives the key of a cache.
pub trait KeySource: Send + Sync + 'static {
    /// A number for the kind, which the file names: a file of another kind was not written under this configuration.
    fn kind(&self) -> u8;
    /// How messages call it.
    fn name(&self) -> &'static str;
    /// Finds a key that was made before; `None` if it is gone for good.
    fn find(&self, id: KeyId) -> Keying<'_, Option<Key>>;
    /// Makes a key.
    fn make(&self) -> Keying<'_, (KeyId, Key)>;
    /// Destroys a key, as far as it can be destroyed.
    fn forget(&self, id: KeyId) -> Keying<'_, ()>;
    /// Whether a key that does not fit was probably typed wrong, so that the file is left as it is.
    fn may_be_wrong(&self) -> bool {
        false
    }
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nobody answers for the keychain.
    #[error(
        "no keychain answers ({0}); start a Secret Service (gnome-keyring, KWallet) in this session, or set `guard.cache` to \"passphrase-file\""
    )]
    NoKeychain(String),
    /// The keychain is locked and nobody unlocked it.
    #[error("the keychain is locked; unlock it, and try again")]
    Locked,
    /// The keychain refused.
    #[error("the keychain refuses: {0}")]
    Refused(String),
    /// The passphrase cannot be had.
    #[error("there is no passphrase: {0}")]
    NoPassphrase(String),
    /// The passphrase is too short for a file that somebody may take away and try at leisure.
    #[error("the passphrase is shorter than {0} characters; choose several words")]
    Short(usize),
    /// Randomness or derivation failed.
    #[error("cryptography failed: {0}")]
    Crypto(&'static str),
}
