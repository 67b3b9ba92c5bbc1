//! Judged tokens, remembered: an RSA verification a frame would be most of a frame's cost (D-03).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_types::Timestamp;

/// How many entries one insertion into a full cache looks at before it evicts whatever is under the hand.
const SWEEP: usize = 32;

/// What an entry is found by: the SHA-256 of a token and the snapshot it was judged under. Never the token itself, so
/// that a memory image of the cache holds no credential.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenKey {
    digest: [u8; 32],
    snapshot: u64,
}

impl TokenKey {
    /// Takes a token as it was presented and the id of the current snapshot.
    pub fn new(token: &str, snapshot: u64) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()) {
            *to = *from;
        }
        Self { digest: bytes, snapshot }
    }
}

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A part of a SHA-256 is as good as any hash, and only tokens that verified are ever stored: nobody can fill
        // one bucket. The snapshot is left to `Eq`.
        let [a, b, c, d, e, f, g, h, ..] = self.digest;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

#[derive(Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A bounded map of judged tokens with second-chance eviction: each operation costs the same however full it is.
///
/// Expiry and revocation epoch are checked on every hit, so that an entry can be stale but never used stale.
pub struct TokenCache<V> {
    slots: Vec<Slot<V>>,
    index: HashMap<TokenKey, usize, BuildHasherDefault<Taken>>,
    capacity: usize,
    hand: usize,
}

struct Slot<V> {
    key: TokenKey,
    kid: Arc<str>,
    expires: Timestamp,
    epoch: u64,
    used: AtomicBool,
    value: Arc<V>,
}

impl<V> TokenCache<V> {
    /// Makes a cache of at most `capacity` entries (at least one); 65,536 suit a gateway.
    pub fn new(capacity: usize) -> Self {
        Self { slots: Vec::new(), index: HashMap::default(), capacity: capacity.max(1), hand: 0 }
    }

    /// Returns what was stored for `key`, unless the token has expired by `now` or the epoch is no longer `epoch`.
    pub fn get(&self, key: &TokenKey, now: Timestamp, epoch: u64) -> Option<Arc<V>> {
        let slot = self.slots.get(*self.index.get(key)?)?;
        if slot.expires <= now || slot.epoch != epoch {
            return None;
        }
        slot.used.store(true, Ordering::Relaxed);
        Some(slot.value.clone())
    }

    /// Returns what was stored for `key` under whatever epoch, unless the token has expired by `now`. It is good only after
    /// revocations were asked about it, and is then stored again under the present epoch.
    pub fn unasked(&self, key: &TokenKey, now: Timestamp) -> Option<Arc<V>> {
        let slot = self.slots.get(*self.index.get(key)?)?;
        (slot.expires > now).then(|| slot.value.clone())
    }

    /// Stores what a token was judged to be: which key signed it, when it expires, under which revocation epoch.
    pub fn insert(&mut self, key: TokenKey, value: Arc<V>, kid: Arc<str>, expires: Timestamp, epoch: u64) {
        let slot = Slot { key, kid, expires, epoch, used: AtomicBool::new(false), value };
        let at = match self.index.get(&key) {
            Some(&at) => at,
            None if self.slots.len() < self.capacity => self.slots.len(),
            None => self.evict(),
        };
        self.index.insert(key, at);
        match self.slots.get_mut(at) {
            Some(old) => *old = slot,
            None => self.slots.push(slot),
        }
    }

    /// Forgets every token that a key no longer published signed: removing a key must end what it signed (TOK-03).
    /// Costs a pass over the cache; keys change a few times a year.
    pub fn retain_kids(&mut self, published: impl Fn(&str) -> bool) {
        let mut at = 0;
        while let Some(slot) = self.slots.get(at) {
            if published(&slot.kid) {
                at += 1;
                continue;
            }
            self.index.remove(&slot.key);
            self.slots.swap_remove(at);
            if let Some(moved) = self.slots.get(at) {
                self.index.insert(moved.key, at);
            }
        }
        self.hand = 0;
    }

    /// Forgets every token signed by the key `kid`.
    pub fn remove_kid(&mut self, kid: &str) {
        self.retain_kids(|signer| signer != kid);
    }

    /// Returns how many entries there are, stale ones included.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Frees a slot and returns its place: the first that was not used since the hand last passed.
    fn evict(&mut self) -> usize {
        for _ in 0..SWEEP {
            match self.slots.get(self.hand) {
                Some(slot) if slot.used.swap(false, Ordering::Relaxed) => self.advance(),
                _ => break,
            }
        }
        let victim = self.hand;
        if let Some(slot) = self.slots.get(victim) {
            self.index.remove(&slot.key);
        }
        self.advance();
        victim
    }

    fn advance(&mut self) {
        self.hand = if self.hand + 1 >= self.slots.len() { 0 } else { self.hand + 1 };
    }
}

#[cfg(test)]
mod tests;
