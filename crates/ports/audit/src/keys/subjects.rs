//! One key for each person. Deleting it makes every sealed field of that person unreadable, in every copy of the log,
//! and leaves the chain as it is (D-10).

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::Secret;
use zeroize::Zeroizing;

use crate::keys::{KeyError, Pseudonym, files};

/// The keys of persons, by pseudonym; in a file of lines `pseudonym key`.
pub(crate) struct SubjectKeys {
    path: PathBuf,
    keys: HashMap<Pseudonym, Secret<[u8; 32]>>,
}

impl SubjectKeys {
    pub(crate) fn load(path: PathBuf) -> Result<Self, KeyError> {
        let content = Zeroizing::new(files::read(&path)?.unwrap_or_default());
        Ok(Self { keys: parse(&content), path })
    }

    pub(crate) fn find(&self, person: &Pseudonym) -> Option<&Secret<[u8; 32]>> {
        self.keys.get(person)
    }

    /// Returns a person's key; makes and keeps one at their first call.
    pub(crate) fn find_or_make(&mut self, person: &Pseudonym) -> Result<&Secret<[u8; 32]>, KeyError> {
        if !self.keys.contains_key(person) {
            let mut key = [0; 32];
            aws_lc_rs::rand::fill(&mut key).map_err(|_| KeyError::Crypto("draw randomness"))?;
            self.append(person, &key)?;
            self.keys.insert(*person, Secret::new(key));
        }
        self.keys.get(person).ok_or(KeyError::Crypto("keep a person's key"))
    }

    /// Deletes a person's key, in the file and in memory; true if there was one.
    pub(crate) fn erase(&mut self, person: &Pseudonym) -> Result<bool, KeyError> {
        let _held = self.hold()?;
        // Another process may have added persons since: what is kept is what the file holds now.
        let content = Zeroizing::new(files::read(&self.path)?.unwrap_or_default());
        let mut keys = parse(&content);
        let found = keys.remove(person).is_some();
        let mut kept = Zeroizing::new(Vec::with_capacity(content.len()));
        for (person, key) in &keys {
            kept.extend_from_slice(&line(person, key.expose()));
        }
        files::replace(&self.path, &kept)?;
        self.keys = keys;
        Ok(found)
    }

    fn append(&self, person: &Pseudonym, key: &[u8; 32]) -> Result<(), KeyError> {
        let _held = self.hold()?;
        // Opened anew each time: an erasure by another process has put a new file in this place.
        files::private(OpenOptions::new().append(true).create(true), &self.path)
            .and_then(|mut file| file.write_all(&line(person, key)))
            .map_err(KeyError::io("write", &self.path))
    }

    /// Keeps other processes from writing the file while this one does.
    fn hold(&self) -> Result<File, KeyError> {
        let path = self.path.with_extension("subjects-lock");
        let file = files::private(OpenOptions::new().write(true).create(true).truncate(false), &path)
            .map_err(KeyError::io("open", &path))?;
        file.lock().map_err(KeyError::io("lock", &path))?;
        Ok(file)
    }
}

/// Where the keys of persons lie beside a signing key.
pub(crate) fn path(key_file: &Path) -> PathBuf {
    key_file.with_extension("subjects")
}

/// Reads the lines that are whole; a crash may have cut the last one, and the person then gets a new key.
fn parse(content: &[u8]) -> HashMap<Pseudonym, Secret<[u8; 32]>> {
    let mut keys = HashMap::new();
    for line in content.split(|byte| *byte == b'\n') {
        let mut words = line.split(|byte| *byte == b' ');
        let (Some(person), Some(key), None) = (words.next(), words.next(), words.next()) else { continue };
        let key = Zeroizing::new(URL_SAFE_NO_PAD.decode(key).unwrap_or_default());
        if let (Some(person), Ok(key)) = (Pseudonym::parse(person), <[u8; 32]>::try_from(key.as_slice())) {
            keys.insert(person, Secret::new(key));
        }
    }
    keys
}

/// A line of its own even after one that a crash has cut.
fn line(person: &Pseudonym, key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(key));
    Zeroizing::new([b"\n", person.text().as_slice(), b" ", key.as_bytes(), b"\n"].concat())
}
