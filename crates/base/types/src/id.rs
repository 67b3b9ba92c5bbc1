//! Identifiers, each a type of its own, so that a tenant cannot be passed where a person is meant.

use std::fmt;
use std::sync::Arc;

/// Why a text is not the identifier it is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdError {
    /// Not the `8-4-4-4-12` hexadecimal form.
    NotGuid,
    /// Empty, longer than 64 bytes, or with a character outside `a-z 0-9 -`, or an edge hyphen.
    NotServerName,
    /// Empty, longer than 2,048 bytes, with a character that is not printable ASCII, or in the form of a GUID.
    NotClientName,
    /// Not 32 hexadecimal digits.
    NotGrantId,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotGuid => "not a GUID (8-4-4-4-12 hexadecimal digits)",
            Self::NotServerName => "not a server name (1 to 64 of a-z, 0-9 and -, no hyphen at either end)",
            Self::NotClientName => "not a client id (1 to 2048 printable ASCII characters, and no GUID)",
            Self::NotGrantId => "not a grant id (32 hexadecimal digits)",
        })
    }
}

impl std::error::Error for IdError {}

macro_rules! guid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses a GUID, folded to lower case: Entra compares GUIDs without case, and so must every map keyed by one.
            ///
            /// # Errors
            /// [`IdError::NotGuid`] for any other text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let hyphens = [8, 13, 18, 23];
                let well_formed = text.len() == 36
                    && text.bytes().enumerate().all(|(at, byte)| {
                        if hyphens.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
                    });
                if well_formed { Ok(Self(text.to_ascii_lowercase().into())) } else { Err(IdError::NotGuid) }
            }

            /// Returns the identifier's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

guid! {
    /// A directory: Entra's `tid`.
    TenantId
}
guid! {
    /// A person or a service principal inside one tenant: Entra's `oid`. Only the pair with [`TenantId`] names anybody.
    ObjectId
}
guid! {
    /// An application: Entra's `azp` or `appid`, or the `aud` of a v2 token.
    ClientId
}

impl ClientId {
    /// Takes the id of a client that is registered with this door, not with Entra: a name, or the URL of its metadata
    /// document. A GUID is refused: a client that registers itself must not share a name, and with it policies, with an
    /// application of Entra's.
    ///
    /// # Errors
    /// [`IdError::NotClientName`] for any other text.
    pub fn registered(text: &str) -> Result<Self, IdError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if plain && !text.is_empty() && text.len() <= 2048 && Self::parse(text).is_err() {
            Ok(Self(text.into()))
        } else {
            Err(IdError::NotClientName)
        }
    }

    /// Returns whether the client is registered with this door rather than with Entra.
    pub fn is_registered_here(&self) -> bool {
        Self::parse(&self.0).is_err()
    }
}

/// Who signed in: the only pair that names a person or a service principal for good. Addresses and names change hands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    /// The directory.
    pub tenant: TenantId,
    /// The person in it.
    pub object: ObjectId,
}

/// One sign-in of one person with one client at one resource, for as long as it is refreshed: `sid` in the door's
/// tokens. 128 random bits, which name and never authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId(pub [u8; 16]);

impl GrantId {
    /// Parses the form that [`Display`](fmt::Display) writes.
    ///
    /// # Errors
    /// [`IdError::NotGrantId`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let plain = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let value = plain.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        value.map(|value| Self(value.to_be_bytes())).ok_or(IdError::NotGrantId)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The name an operator gave to an upstream server; it is the first segment of the path it is served at.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerName(Arc<str>);

impl ServerName {
    /// Parses a name that is safe in a URL path, a policy and a metric label without escaping.
    ///
    /// # Errors
    /// [`IdError::NotServerName`] for any other text.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if plain && !text.is_empty() && text.len() <= 64 && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.into()))
        } else {
            Err(IdError::NotServerName)
        }
    }

    /// Returns the name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_fold_case_and_refuse_every_other_shape() {
        let lower = TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
        assert_eq!(lower, TenantId::parse("72F988BF-86F1-41AF-91AB-2D7CD011DB47").unwrap());
        for bad in [
            "",
            "common",
            "72f988bf86f141af91ab2d7cd011db47",
            "72f988bf-86f1-41af-91ab-2d7cd011db4g",
            "72f988bf-86f1-41af-91ab-2d7cd011db47 ",
        ] {
            assert_eq!(TenantId::parse(bad), Err(IdError::NotGuid), "{bad}");
        }
    }

    #[test]
    fn a_client_of_the_door_never_looks_like_one_of_entra() {
        let document = ClientId::registered("https://vscode.dev/oauth/client-metadata.json").unwrap();
        assert!(document.is_registered_here());
        let guid = "aebc6443-996d-45c2-90f0-388ff96faa56";
        assert!(!ClientId::parse(guid).unwrap().is_registered_here());
        for bad in ["", guid, "AEBC6443-996D-45C2-90F0-388FF96FAA56", "a b", "a\nb", "é", &"a".repeat(2049)]
        {
            assert_eq!(ClientId::registered(bad), Err(IdError::NotClientName), "{bad}");
        }
    }

    #[test]
    fn a_grant_is_read_as_it_is_written() {
        let grant = GrantId([0xab; 16]);
        assert_eq!(GrantId::parse(&grant.to_string()), Ok(grant));
        assert_eq!(GrantId::parse("AB"), Err(IdError::NotGrantId));
    }

    #[test]
    fn server_names_are_plain() {
        assert!(ServerName::parse("crm-2").is_ok());
        for bad in ["", "-a", "a-", "A", "a/b", "a.b", "é", &"a".repeat(65)] {
            assert_eq!(ServerName::parse(bad), Err(IdError::NotServerName), "{bad}");
        }
    }
}
