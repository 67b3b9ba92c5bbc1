//! Addresses of secrets and keys.

use std::fmt;

use doorward_net::{Origin, Scheme};

use super::KeyVaultError;

/// Where a secret or key is: the vault, its name, and its version if one is meant.
#[derive(PartialEq, Eq)]
pub(super) struct Place {
    origin: Origin,
    collection: &'static str,
    name: String,
    version: Option<String>,
}

impl Place {
    /// Reads `https://VAULT/COLLECTION/NAME[/VERSION]`; plain HTTP at the lab alone.
    pub(super) fn parse(
        url: &str,
        collection: &'static str,
        lab: Option<&Origin>,
    ) -> Result<Self, KeyVaultError> {
        Self::read(url, collection, lab).ok_or_else(|| KeyVaultError::Url { url: url.to_owned(), collection })
    }

    fn read(url: &str, collection: &'static str, lab: Option<&Origin>) -> Option<Self> {
        let origin = Origin::parse(url).ok()?;
        if origin.scheme() != Scheme::Https && lab != Some(&origin) {
            return None;
        }
        let (_, rest) = url.split_once("://")?;
        let mut parts = rest.split('/').skip(1);
        if parts.next()? != collection {
            return None;
        }
        let name = parts.next().filter(|name| is_name(name))?.to_owned();
        let version = match parts.next() {
            None | Some("") => None,
            Some(version) if is_name(version) => Some(version.to_owned()),
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Self { origin, collection, name, version })
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn vault(&self) -> String {
        self.origin.to_string()
    }

    pub(super) fn path(&self) -> String {
        let version = self.version.as_ref().map(|version| format!("/{version}")).unwrap_or_default();
        format!("/{}/{}{version}", self.collection, self.name)
    }

    /// Returns whether this names a version of the key that `key` names, whichever that is. Names have no case.
    pub(super) fn is_version_of(&self, key: &Self) -> bool {
        self.version.is_some()
            && self.origin == key.origin
            && self.collection == key.collection
            && self.name.eq_ignore_ascii_case(&key.name)
    }

    pub(super) fn bad_answer(&self, why: &'static str) -> KeyVaultError {
        KeyVaultError::BadAnswer { place: self.to_string(), why }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path())
    }
}

/// What names and versions are made of: nothing that means something in a URL.
fn is_name(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_vaults_or_none() {
        for (url, path) in [
            ("https://v.vault.azure.net/keys/root", "/keys/root"),
            ("https://v.vault.azure.net/keys/root/", "/keys/root"),
            ("https://v.vault.azure.net/keys/root/0af1", "/keys/root/0af1"),
        ] {
            assert_eq!(Place::parse(url, "keys", None).ok().map(|place| place.path()).as_deref(), Some(path));
        }
        for bad in [
            "",
            "https://v.vault.azure.net",
            "https://v.vault.azure.net/keys",
            "https://v.vault.azure.net/keys/",
            "https://v.vault.azure.net/secrets/root",
            "https://v.vault.azure.net/keys/root/1/sign",
            "https://v.vault.azure.net/keys/root?x=1",
            "https://v.vault.azure.net/keys/..",
            "https://v.vault.azure.net/keys/a%2Fb",
            "https://u@v.vault.azure.net/keys/root",
            "http://v.vault.azure.net/keys/root",
            "http://127.0.0.1:8080/keys/root",
        ] {
            assert!(Place::parse(bad, "keys", None).is_err(), "{bad}");
        }
        let lab = Origin::parse("http://127.0.0.1:8080").unwrap();
        assert!(Place::parse("http://127.0.0.1:8080/keys/root", "keys", Some(&lab)).is_ok());
        assert!(Place::parse("http://127.0.0.1:8081/keys/root", "keys", Some(&lab)).is_err());
    }

    #[test]
    fn a_version_belongs_to_one_key() {
        let place = |url| Place::parse(url, "keys", None).ok().unwrap();
        let key = place("https://v.vault.azure.net/keys/root");
        for (url, expected) in [
            ("https://v.vault.azure.net/keys/root/1", true),
            ("https://V.vault.azure.net/keys/Root/2", true),
            ("https://v.vault.azure.net/keys/root", false),
            ("https://v.vault.azure.net/keys/other/1", false),
            ("https://w.vault.azure.net/keys/root/1", false),
        ] {
            assert_eq!(place(url).is_version_of(&key), expected, "{url}");
        }
        assert!(
            place("https://v.vault.azure.net/keys/root/2")
                .is_version_of(&place("https://v.vault.azure.net/keys/root/1"))
        );
    }
}
