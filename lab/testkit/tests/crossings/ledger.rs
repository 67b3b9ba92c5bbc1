//! Who owns which word, and who heard it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

/// The owner of what nobody may hear.
pub(crate) const NOBODY: usize = usize::MAX;

/// Shorter words are no secrets.
const SHORTEST: usize = 16;

/// Secret words, each of one person.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<HashMap<String, usize>>);

impl Ledger {
    /// Notes whose a word is.
    pub(crate) fn own(&self, owner: usize, word: String) {
        assert!(word.len() >= SHORTEST, "{word} is too short to be a secret");
        let before = self.0.lock().unwrap().insert(word, owner);
        assert!(before.is_none_or(|before| before == owner), "{owner} was given what {before:?} has");
    }

    /// The people whose secrets are among some words.
    pub(crate) fn owners(&self, words: &HashSet<String>) -> Vec<usize> {
        let owners = self.0.lock().unwrap();
        words
            .iter()
            .filter_map(|word| owners.get(word).copied())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Every (listener, owner, word) where the listener is not the owner.
    pub(crate) fn crossings<'a>(
        &self,
        heard: impl Iterator<Item = (usize, &'a HashSet<String>)>,
    ) -> Vec<(usize, usize, String)> {
        let owners = self.0.lock().unwrap();
        let mut crossings = Vec::new();
        for (listener, words) in heard {
            for word in words {
                if let Some(owner) = owners.get(word).filter(|owner| **owner != listener) {
                    crossings.push((listener, *owner, word.clone()));
                }
            }
        }
        crossings
    }
}

/// The words in some bytes that are long enough to be a secret.
pub(crate) fn words(bytes: &[u8]) -> HashSet<String> {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let words = bytes.split(|byte| !letter(byte)).filter(|word| word.len() >= SHORTEST);
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}
