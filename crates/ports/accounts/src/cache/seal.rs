//! The seal of the file: AES-256-GCM, with its place and its owner bound in.
//!
//! ```text
//! "doorward accounts 1\n"  kind (1)  key id (16)  check (16)  nonce (12)  sealed text, tag
//! ```

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use doorward_types::Secret;
use zeroize::Zeroizing;

use crate::key::{Key, KeyId};

const BEGINS: &[u8; 20] = b"doorward accounts 1\n";
const CHECK_LEN: usize = 16;

/// What a file is sealed to: another tenant's or client's file, or another user's, does not open in its place.
pub(super) struct Place(Vec<u8>);

impl Place {
    pub(super) fn of(name: &str, user: u32) -> Self {
        Self(format!("{name}\0{user}").into_bytes())
    }

    fn bound(&self, head: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([head, &self.0].concat())
    }
}

/// A file whose head was read.
pub(super) struct Sealed<'a> {
    pub(super) kind: u8,
    pub(super) id: KeyId,
    head: &'a [u8],
    check: &'a [u8],
    nonce: [u8; NONCE_LEN],
    body: &'a [u8],
}

/// How an attempt to open ended.
pub(super) enum Opened {
    Yes(Zeroizing<Vec<u8>>),
    /// It was sealed with another key.
    OtherKey,
    /// The key fits and the rest does not.
    No,
}

/// Reads the head.
pub(super) fn read(bytes: &[u8]) -> Option<Sealed<'_>> {
    let rest = bytes.strip_prefix(BEGINS)?;
    let (&kind, rest) = rest.split_first()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (check, rest) = rest.split_at_checked(CHECK_LEN)?;
    let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
    let head = bytes.get(..BEGINS.len() + 1 + 16 + CHECK_LEN)?;
    Some(Sealed { kind, id: *id, head, check, nonce: *nonce, body })
}

impl Sealed<'_> {
    pub(super) fn open(&self, key: &Key, place: &Place) -> Opened {
        let Some(keys) = Keys::of(key) else { return Opened::No };
        if verify_slices_are_equal(self.check, keys.check.expose()).is_err() {
            return Opened::OtherKey;
        }
        let mut text = Zeroizing::new(self.body.to_vec());
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let Ok(plain) = keys.seal.open_in_place(nonce, place.bound(self.head), &mut text) else {
            return Opened::No;
        };
        Opened::Yes(Zeroizing::new(plain.to_vec()))
    }
}

/// Seals a text.
pub(super) fn write(kind: u8, id: KeyId, key: &Key, place: &Place, plain: &[u8]) -> Option<Vec<u8>> {
    let keys = Keys::of(key)?;
    let head = [BEGINS.as_slice(), &[kind], &id, keys.check.expose()].concat();
    // With room for the tag: a buffer that grows would leave the text behind, unwiped.
    let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + 32));
    text.extend_from_slice(plain);
    let nonce = keys.seal.seal_in_place_append_tag(place.bound(&head), &mut *text).ok()?;
    Some([head.as_slice(), nonce.as_ref(), &text].concat())
}

/// One key for the seal, and a text by which a wrong passphrase is told from a broken file.
struct Keys {
    seal: RandomizedNonceKey,
    check: Secret<[u8; CHECK_LEN]>,
}

impl Keys {
    fn of(key: &Key) -> Option<Self> {
        let root = Salt::new(HKDF_SHA256, b"doorward accounts").extract(key.expose());
        let mut seal = Zeroizing::new([0; 32]);
        root.expand(&[b"seal"], HKDF_SHA256).ok()?.fill(&mut *seal).ok()?;
        let mut wide = Zeroizing::new([0; 32]);
        root.expand(&[b"check"], HKDF_SHA256).ok()?.fill(&mut *wide).ok()?;
        let check = *wide.first_chunk::<CHECK_LEN>()?;
        Some(Self { seal: RandomizedNonceKey::new(&AES_256_GCM, &*seal).ok()?, check: Secret::new(check) })
    }
}
