//! The key beside what it opens: no protection but the mode of the file.

use aws_lc_rs::digest::{SHA256, digest};
use doorward_types::Secret;

use super::{Key, KeyError, KeyId, KeySource, Keying};

/// Makes the key from what stands in the file itself. Whoever reads the file reads the tokens: it is as good as plain
/// text, for machines without a keychain where nobody can type. Only a setting with `insecure` in its name leads here.
#[derive(Debug, Clone, Copy, Default)]
pub struct InsecureKeyBeside;

impl KeySource for InsecureKeyBeside {
    fn kind(&self) -> u8 {
        b'I'
    }

    fn name(&self) -> &'static str {
        "insecure key"
    }

    fn find(&self, id: KeyId) -> Keying<'_, Option<Key>> {
        Box::pin(async move { Ok(derive(id)) })
    }

    fn make(&self) -> Keying<'_, (KeyId, Key)> {
        Box::pin(async {
            let mut id = KeyId::default();
            aws_lc_rs::rand::fill(&mut id).map_err(|_| KeyError::Crypto("no randomness"))?;
            Ok((id, derive(id).ok_or(KeyError::Crypto("SHA-256"))?))
        })
    }

    fn forget(&self, _: KeyId) -> Keying<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn derive(id: KeyId) -> Option<Key> {
    Some(Secret::new(digest(&SHA256, &id).as_ref().try_into().ok()?))
}
