//! What the door keeps in a browser: sealed, so that the browser can hold it and neither read nor change it.
//!
//! Nobody is known before Entra has answered, so whatever is kept of an unfinished sign-in on the door's side could be
//! filled up by anybody (D-11). It lies with the browser instead, which also binds it to that browser (CDP-04).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::{Secret, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a sealed text is for. A text made for one purpose opens for no other: a consent form's content is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The hidden field of a consent form.
    Form,
    /// A sign-in on its way through Entra.
    Transaction,
    /// A sign-in on its way through somebody else's authorization server.
    Connect,
    /// The address of a page that one person alone may open.
    Open,
    /// A person's session with the door's own pages.
    Session,
    /// The buttons of a question about one call.
    Approve,
    /// The way of a person who may decide for others, from signing in to the console.
    Console,
}

impl Purpose {
    fn name(self) -> &'static [u8] {
        match self {
            Self::Form => b"doorward form 1",
            Self::Transaction => b"doorward transaction 1",
            Self::Connect => b"doorward connect 1",
            Self::Open => b"doorward open 1",
            Self::Session => b"doorward session 1",
            Self::Approve => b"doorward approve 1",
            Self::Console => b"doorward console 1",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Dated<T> {
    until: i64,
    what: T,
}

/// Seals and opens.
pub struct Sealer {
    key: LessSafeKey,
    random: SystemRandom,
}

/// The operating system gave no randomness, or a value could not be written: nothing is sealed.
#[derive(Debug)]
pub struct SealFailed;

impl Sealer {
    /// Takes a key of 256 bits.
    pub fn new(key: &Secret<Vec<u8>>) -> Result<Self, SealFailed> {
        let key = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| SealFailed)?;
        Ok(Self { key: LessSafeKey::new(key), random: SystemRandom::new() })
    }

    /// Seals a value that is good until a time.
    pub fn seal<T: Serialize>(
        &self,
        purpose: Purpose,
        what: &T,
        until: Timestamp,
    ) -> Result<String, SealFailed> {
        let mut text =
            serde_json::to_vec(&Dated { until: until.as_micros(), what }).map_err(|_| SealFailed)?;
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| SealFailed)?;
        let aad = Aad::from(purpose.name());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| SealFailed)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// Opens what was sealed for this purpose and is still good; nothing else opens.
    pub fn open<T: DeserializeOwned>(&self, purpose: Purpose, text: &str, now: Timestamp) -> Option<T> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.key.open_in_place(nonce, Aad::from(purpose.name()), sealed).ok()?;
        let dated: Dated<T> = serde_json::from_slice(plain).ok()?;
        (now < Timestamp::from_micros(dated.until)).then_some(dated.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&Secret::new(vec![byte; 32])).unwrap()
    }

    // control: CDP-04: what lies in a browser opens only with the door's key, for its purpose, in its time, unchanged
    #[test]
    fn nothing_but_the_door_can_make_or_reuse_a_sealed_text() {
        let (door, until) = (sealer(1), Timestamp::from_secs(1_800_000_600));
        let text = door.seal(Purpose::Form, &"alice", until).unwrap();
        assert_eq!(door.open::<String>(Purpose::Form, &text, NOW).as_deref(), Some("alice"));
        assert_eq!(door.open::<String>(Purpose::Session, &text, NOW), None, "another purpose");
        assert_eq!(door.open::<String>(Purpose::Form, &text, until), None, "too late");
        assert_eq!(sealer(2).open::<String>(Purpose::Form, &text, NOW), None, "another door");
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(door.open::<String>(Purpose::Form, &changed, NOW), None, "byte {at}");
        }
        // Without the seal the same bytes would be believed: the plain form is all that an attacker must write.
        let plain: Dated<String> =
            serde_json::from_str(r#"{"until":9000000000000000,"what":"mallory"}"#).unwrap();
        assert_eq!(plain.what, "mallory");
    }
}
