//! A key from a passphrase, where there is no keychain.

use std::num::NonZeroU32;
use std::sync::Arc;

use aws_lc_rs::pbkdf2;
use doorward_types::Secret;

use super::{Key, KeyError, KeyId, KeySource, Keying};

/// What OWASP names for PBKDF2 with HMAC-SHA-256: a quarter of a second here, and as long for each guess of whoever took
/// the file. Not in the file: a number that stands there could be lowered.
const ROUNDS: NonZeroU32 = match NonZeroU32::new(600_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};
/// Shorter ones are found by trying, whatever the rounds.
const SHORTEST: usize = 12;

type AskFor = dyn Fn() -> Result<Secret<String>, String> + Send + Sync;

/// Derives the key by PBKDF2-HMAC-SHA-256.
#[derive(Clone)]
pub struct Passphrase(Arc<AskFor>);

impl Passphrase {
    /// Takes whatever gets the passphrase: from a file, from a terminal. It is called when the cache is opened.
    pub fn of(ask: impl Fn() -> Result<Secret<String>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    fn derive(&self, salt: KeyId) -> Keying<'_, Key> {
        let ask = Arc::clone(&self.0);
        Box::pin(async move {
            // Off the runtime's threads: it may wait for a person, and computes for a quarter of a second.
            let derived = tokio::task::spawn_blocking(move || {
                let words = ask().map_err(KeyError::NoPassphrase)?;
                if words.expose().chars().count() < SHORTEST {
                    return Err(KeyError::Short(SHORTEST));
                }
                let mut key = [0; 32];
                let words = words.expose().as_bytes();
                pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &salt, words, &mut key);
                Ok(Secret::new(key))
            });
            derived.await.unwrap_or(Err(KeyError::Crypto("the derivation was interrupted")))
        })
    }
}

impl KeySource for Passphrase {
    fn kind(&self) -> u8 {
        b'P'
    }

    fn name(&self) -> &'static str {
        "passphrase"
    }

    fn find(&self, id: KeyId) -> Keying<'_, Option<Key>> {
        Box::pin(async move { self.derive(id).await.map(Some) })
    }

    fn make(&self) -> Keying<'_, (KeyId, Key)> {
        Box::pin(async move {
            let mut salt = KeyId::default();
            aws_lc_rs::rand::fill(&mut salt).map_err(|_| KeyError::Crypto("no randomness"))?;
            Ok((salt, self.derive(salt).await?))
        })
    }

    fn forget(&self, _: KeyId) -> Keying<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn may_be_wrong(&self) -> bool {
        true
    }
}
