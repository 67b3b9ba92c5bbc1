//! Placeholders that can be turned back: a secret that a server answered reaches the model as `[[secret:KIND:ID]]`, and
//! becomes the secret again where the model hands it back to that server.
//!
//! Only the same server, and only for whom it was kept, gets it back. A placeholder in a text of somebody else's is
//! spoilt, so that a server that saw one cannot have the model carry it to the server it belongs to.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use doorward_types::{Secret, ServerName};
use doorward_wire::{Edits, Value, quote};

use crate::found::{Class, Confidence, Found};

/// What the MAC is of, so that the key's other uses yield no placeholder.
const LABEL: &[u8] = b"doorward placeholder 1\0";
/// 80 bits: nobody guesses one, and no two meet.
const ID_BYTES: usize = 10;
const ID_LENGTH: usize = ID_BYTES * 8 / 5;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// How a placeholder begins.
const OPENINGS: [&str; 2] = ["[[secret:", "[[personal:"];
const CLOSING: &str = "]]";
/// The longest kind.
const LONGEST_KIND: usize = 40;
/// A longer text is kept for nobody.
const LONGEST_VALUE: usize = 64 << 10;
/// How many bytes of texts a vault holds, unless it is told otherwise.
const MOST_BYTES: usize = 8 << 20;

/// Whose a placeholder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The server that the text came from, and may go back to.
    pub server: &'a ServerName,
    /// The person and their session, in whatever form the caller tells them apart by.
    pub owner: &'a str,
}

/// Names a text that a vault holds, to whoever put it back: an answer that repeats it is found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept([u8; ID_LENGTH]);

/// What was put in the place of placeholders.
pub struct Restored {
    /// The changes.
    pub edits: Edits,
    /// What was put back, each once.
    pub kept: Vec<Kept>,
    /// How many placeholders became what they stand for.
    pub restored: usize,
    /// How many look-alikes were left: made up, of another server, or forgotten. The server is told nothing of them.
    pub unknown: usize,
}

/// Remembers what placeholders stand for; as many as it has room for, the oldest forgotten first. A vault for each person
/// keeps one from driving out what another's placeholders stand for. It is locked for a look or an entry, never while a
/// message is read.
pub struct Vault {
    key: hmac::Key,
    room: usize,
    most_bytes: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    bytes: usize,
    held: BTreeMap<[u8; ID_LENGTH], Held>,
    order: VecDeque<[u8; ID_LENGTH]>,
}

struct Held {
    server: ServerName,
    owner: Box<str>,
    kind: &'static str,
    class: Class,
    value: Secret<String>,
}

impl Held {
    fn is_of(&self, scope: Scope<'_>) -> bool {
        self.server == *scope.server && *self.owner == *scope.owner
    }
}

impl Vault {
    /// Starts empty. The key must be random, and be kept as long as placeholders are to mean the same.
    pub fn new(key: &Secret<[u8; 32]>, room: usize) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        Self { key, room: room.max(1), most_bytes: MOST_BYTES, inside: Mutex::default() }
    }

    /// The same vault, of so many bytes of texts at the most.
    #[must_use]
    pub fn of_bytes(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many texts are remembered.
    pub fn len(&self) -> usize {
        self.inside().held.len()
    }

    /// Says whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.inside().held.is_empty()
    }

    /// How many bytes the texts have that are remembered.
    pub fn bytes(&self) -> usize {
        self.inside().bytes
    }

    /// Forgets everything that is kept for an owner: their session ended, or they were revoked.
    pub fn forget(&self, owner: &str) {
        let mut guard = self.inside();
        let inside = &mut *guard;
        inside.held.retain(|_, held| &*held.owner != owner);
        inside.bytes = inside.held.values().map(|held| held.value.expose().len()).sum();
        inside.order.retain(|id| inside.held.contains_key(id));
    }

    /// The placeholder of a text, which is remembered; the same text of the same server and owner has the same one, so
    /// that the model can tell that two are equal. `None` if it is too long to be kept.
    pub(crate) fn placeholder(&self, scope: Scope<'_>, found: &Found, value: &str) -> Option<String> {
        if value.len() > LONGEST_VALUE.min(self.most_bytes) {
            return None;
        }
        let id = self.id(scope, found.kind, value);
        let mut inside = self.inside();
        if !inside.held.contains_key(&id) {
            while inside.held.len() >= self.room || inside.bytes + value.len() > self.most_bytes {
                let oldest = inside.order.pop_front()?;
                let forgotten = inside.held.remove(&oldest);
                inside.bytes -= forgotten.map_or(0, |held| held.value.expose().len());
            }
            inside.bytes += value.len();
            let held = Held {
                server: scope.server.clone(),
                owner: scope.owner.into(),
                kind: found.kind,
                class: found.class,
                value: Secret::new(value.to_owned()),
            };
            inside.held.insert(id, held);
            inside.order.push_back(id);
        }
        let class = if found.class == Class::Secret { "secret" } else { "personal" };
        Some(format!("[[{class}:{}:{}]]", found.kind, id.map(char::from).iter().collect::<String>()))
    }

    /// Turns placeholders in arguments back into what they stand for, inside of strings. What stands there afterwards is
    /// to be judged again (D-02): policies and approvals see it, never the placeholder.
    pub fn restore(&self, arguments: Value<'_>, scope: Scope<'_>) -> Restored {
        let mut restored = Restored { edits: Edits::new(), kept: Vec::new(), restored: 0, unknown: 0 };
        let mut open = vec![arguments];
        while let Some(value) = open.pop() {
            open.extend(value.items());
            open.extend(value.members().map(|(_, member)| member));
            let Some(text) = value.as_str() else { continue };
            let (mut out, mut from) = (String::new(), 0);
            for (span, id) in openings(&text).filter_map(|at| placeholder(&text, at)) {
                let inside = self.inside();
                let Some(held) = inside.held.get(id).filter(|held| held.is_of(scope)) else {
                    restored.unknown += 1;
                    continue;
                };
                out.push_str(text.get(from..span.start).unwrap_or_default());
                out.push_str(held.value.expose());
                from = span.end;
                restored.restored += 1;
                if !restored.kept.contains(&Kept(*id)) {
                    restored.kept.push(Kept(*id));
                }
            }
            if from > 0 {
                out.push_str(text.get(from..).unwrap_or_default());
                restored.edits.replace(value.span(), quote(&out));
            }
        }
        restored
    }

    /// What was put back into a call, with what it was when it was found. Its answer may repeat it.
    pub(crate) fn kept(&self, scope: Scope<'_>, kept: &[Kept]) -> Vec<(String, Found)> {
        let inside = self.inside();
        let held = kept.iter().filter_map(|Kept(id)| inside.held.get(id).filter(|held| held.is_of(scope)));
        let found = |held: &Held| {
            let value = held.value.expose().clone();
            let why = "it was put into the arguments of this call";
            let span = 0..value.len();
            let (kind, class) = (held.kind, held.class);
            (value, Found { kind, class, confidence: Confidence::Certain, span, why, encoding: None })
        };
        held.map(found).collect()
    }

    /// Where placeholders begin that are not this scope's: hostile text that looks like one, or another server's.
    pub(crate) fn foreign(&self, scope: Scope<'_>, text: &str) -> Vec<usize> {
        let known = |at| {
            let Some((_, id)) = placeholder(text, at) else { return false };
            self.inside().held.get(id).is_some_and(|held| held.is_of(scope))
        };
        openings(text).filter(|at| !known(*at)).collect()
    }

    fn id(&self, scope: Scope<'_>, kind: &str, value: &str) -> [u8; ID_LENGTH] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(LABEL);
        for part in [scope.server.as_str(), scope.owner, kind, value] {
            // Each with its length, so that no two lists of parts read the same.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mac = context.sign();
        let mut bits =
            mac.as_ref().iter().take(ID_BYTES).flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
        std::array::from_fn(|_| {
            let value = bits.by_ref().take(5).fold(0, |value, bit| value << 1 | bit);
            ALPHABET.get(usize::from(value)).copied().unwrap_or(b'a')
        })
    }
}

/// Where something begins that a reader takes for a placeholder.
pub(crate) fn openings(text: &str) -> impl Iterator<Item = usize> {
    let begins = |at: usize, opening: &str| {
        text.as_bytes()
            .get(at..at + opening.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(opening.as_bytes()))
    };
    memchr::memchr_iter(b'[', text.as_bytes())
        .filter(move |at| OPENINGS.iter().any(|opening| begins(*at, opening)))
}

/// The well-formed placeholder that begins at `at`, with its id.
fn placeholder(text: &str, at: usize) -> Option<(Range<usize>, &[u8; ID_LENGTH])> {
    const LONGEST: usize = 12 + LONGEST_KIND + 1 + ID_LENGTH + 2;
    let rest = text.as_bytes().get(at..)?;
    let rest = rest.get(..LONGEST).unwrap_or(rest);
    let length = memchr::memmem::find(rest, CLOSING.as_bytes())?;
    let (head, id) = rest.get(..length)?.split_last_chunk::<ID_LENGTH>()?;
    let whole = head.ends_with(b":") && id.iter().all(|byte| ALPHABET.contains(byte));
    whole.then(|| (at..at + length + CLOSING.len(), id))
}
