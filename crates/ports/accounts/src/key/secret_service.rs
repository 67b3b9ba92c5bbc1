//! A key in the keychain: the Secret Service of the session (gnome-keyring, KWallet, KeePassXC), over D-Bus.
//!
//! Only the key lies there, not the tokens: entries are limited in size, and one sealed file is one format for every kind
//! of key. The key crosses the session bus as it is ("plain"): the bus is a socket of this user's, and whoever can listen
//! on it can ask the keychain just as well.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use doorward_types::Secret;
use futures_util::StreamExt as _;
use zbus::{Connection, MatchRule, Message, MessageStream};
use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};
use zeroize::Zeroizing;

use super::{Key, KeyError, KeyId, KeySource, Keying};

const SERVICE: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
/// For one call, and for a person who is asked to unlock the keychain.
const CALL: Duration = Duration::from_secs(10);
const PROMPT: Duration = Duration::from_secs(50);

/// The parts of a secret on the bus: session, parameters, value, content type.
type Parts = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// The keychain of this session.
#[derive(Debug, Clone, Default)]
pub struct SecretService {
    /// Another bus than the session's.
    address: Option<String>,
}

impl SecretService {
    /// Uses the bus at this address instead of the session's.
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()) }
    }

    async fn open(&self) -> Result<Chain, KeyError> {
        let builder = match &self.address {
            Some(address) => zbus::connection::Builder::address(address.as_str()),
            None => zbus::connection::Builder::session(),
        };
        let bus = tokio::time::timeout(CALL, builder.method_timeout(CALL).build()).await;
        let bus = match bus {
            Ok(Ok(bus)) => bus,
            Ok(Err(error)) => return Err(KeyError::NoKeychain(error.to_string())),
            Err(_) => return Err(KeyError::NoKeychain("the session bus does not answer".into())),
        };
        let chain = Chain { bus, session: OwnedObjectPath::default() };
        let opened = chain.ask(PATH, "Service", "OpenSession", &("plain", Variant::from(""))).await;
        let opened = opened.map_err(|error| KeyError::NoKeychain(error.to_string()))?;
        let (_, session): (OwnedVariant, OwnedObjectPath) = read(&opened)?;
        Ok(Chain { session, ..chain })
    }
}

impl KeySource for SecretService {
    fn kind(&self) -> u8 {
        b'K'
    }

    fn name(&self) -> &'static str {
        "keychain"
    }

    fn find(&self, id: KeyId) -> Keying<'_, Option<Key>> {
        Box::pin(async move {
            let chain = self.open().await?;
            match chain.item(id).await? {
                Some(item) => chain.read(&item).await.map(Some),
                None => Ok(None),
            }
        })
    }

    fn make(&self) -> Keying<'_, (KeyId, Key)> {
        Box::pin(async move {
            let (mut id, mut bytes) = (KeyId::default(), Zeroizing::new([0; 32]));
            let filled = aws_lc_rs::rand::fill(&mut id).and_then(|()| aws_lc_rs::rand::fill(&mut *bytes));
            filled.map_err(|_| KeyError::Crypto("no randomness"))?;
            let key = Secret::new(*bytes);
            self.open().await?.write(id, &key).await?;
            Ok((id, key))
        })
    }

    fn forget(&self, id: KeyId) -> Keying<'_, ()> {
        Box::pin(async move {
            let chain = self.open().await?;
            match chain.item(id).await? {
                Some(item) => chain.delete(&item).await,
                None => Ok(()),
            }
        })
    }
}

/// A session with the keychain.
struct Chain {
    bus: Connection,
    session: OwnedObjectPath,
}

impl Chain {
    async fn ask<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, zbus::Error>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let interface = format!("org.freedesktop.Secret.{interface}");
        self.bus.call_method(Some(SERVICE), path, Some(interface.as_str()), method, body).await
    }

    /// Finds the item of a key, unlocked.
    async fn item(&self, id: KeyId) -> Result<Option<OwnedObjectPath>, KeyError> {
        let found = self.ask(PATH, "Service", "SearchItems", &attributes(id)).await.map_err(refused)?;
        let (mut open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = read(&found)?;
        if open.is_empty() && !locked.is_empty() {
            open = self.unlock(locked).await?;
        }
        Ok(open.into_iter().next())
    }

    async fn unlock(&self, locked: Vec<OwnedObjectPath>) -> Result<Vec<OwnedObjectPath>, KeyError> {
        let answer = self.ask(PATH, "Service", "Unlock", &(&locked,)).await.map_err(refused)?;
        let (open, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = read(&answer)?;
        if prompt.as_str() == "/" {
            return if open.is_empty() { Err(KeyError::Locked) } else { Ok(open) };
        }
        self.prompt(&prompt).await?;
        Ok(locked)
    }

    async fn read(&self, item: &OwnedObjectPath) -> Result<Key, KeyError> {
        let answer =
            self.ask(item.as_str(), "Item", "GetSecret", &(&self.session,)).await.map_err(refused)?;
        let (parts,): (Parts,) = read(&answer)?;
        let bytes = Zeroizing::new(parts.2);
        let key: [u8; 32] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| KeyError::Refused("its entry for Doorward is no key".into()))?;
        Ok(Secret::new(key))
    }

    async fn write(&self, id: KeyId, key: &Key) -> Result<(), KeyError> {
        let answer = self.ask(PATH, "Service", "ReadAlias", &("default",)).await.map_err(refused)?;
        let (collection,): (OwnedObjectPath,) = read(&answer)?;
        if collection.as_str() == "/" {
            return Err(KeyError::Refused(
                "it has no default keyring; make one in its settings, and try again".into(),
            ));
        }
        self.unlock_collection(&collection).await?;
        let properties: HashMap<&str, Variant<'_>> = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from("Doorward: key of the token cache")),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes(id).0)),
        ]);
        let session = ObjectPath::try_from(self.session.as_str()).map_err(refused)?;
        let secret = (session, Vec::<u8>::new(), key.expose().to_vec(), "application/octet-stream");
        let body = (properties, secret, true);
        let answer =
            self.ask(collection.as_str(), "Collection", "CreateItem", &body).await.map_err(refused)?;
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = read(&answer)?;
        self.prompt(&prompt).await
    }

    async fn unlock_collection(&self, collection: &OwnedObjectPath) -> Result<(), KeyError> {
        let answer = self.ask(PATH, "Service", "Unlock", &(vec![collection],)).await.map_err(refused)?;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = read(&answer)?;
        self.prompt(&prompt).await
    }

    async fn delete(&self, item: &OwnedObjectPath) -> Result<(), KeyError> {
        let answer = self.ask(item.as_str(), "Item", "Delete", &()).await.map_err(refused)?;
        let (prompt,): (OwnedObjectPath,) = read(&answer)?;
        self.prompt(&prompt).await
    }

    /// Has the keychain ask its person, and waits for the end of it. `/` is no prompt.
    async fn prompt(&self, prompt: &OwnedObjectPath) -> Result<(), KeyError> {
        if prompt.as_str() == "/" {
            return Ok(());
        }
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface("org.freedesktop.Secret.Prompt")
            .member("Completed")
            .path(prompt.as_str())
            .build()
            .map_err(refused)?;
        let mut signals = MessageStream::for_match_rule(rule, &self.bus, None).await.map_err(refused)?;
        self.ask(prompt.as_str(), "Prompt", "Prompt", &("",)).await.map_err(refused)?;
        match tokio::time::timeout(PROMPT, signals.next()).await {
            Ok(Some(Ok(signal))) => {
                let (dismissed, _): (bool, OwnedVariant) = read(&signal)?;
                if dismissed { Err(KeyError::Locked) } else { Ok(()) }
            }
            _ => Err(KeyError::Locked),
        }
    }
}

/// What an item is found by.
fn attributes(id: KeyId) -> (HashMap<&'static str, String>,) {
    let name = id.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    });
    (HashMap::from([("application", "doorward".to_owned()), ("key", name)]),)
}

fn read<T>(message: &Message) -> Result<T, KeyError>
where
    T: for<'de> serde::Deserialize<'de> + zbus::zvariant::Type,
{
    message.body().deserialize().map_err(refused)
}

fn refused(error: zbus::Error) -> KeyError {
    KeyError::Refused(error.to_string())
}
