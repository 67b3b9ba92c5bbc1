//! What a server says it offers, held against what was agreed to (TPO-03, TPO-05).
//!
//! A server's lists are fetched whole by the door itself and judged there (`list`): the first of them is remembered before
//! anything of it goes on, and what comes later under another meaning, or under a name that was not there, waits for a
//! person. A list that goes to a client is judged once more, item by item ([`Pinned::rules`]), since it is another answer than
//! the one that the door fetched. What does not pass is not listed and cannot be called: for the caller it is not there (D-08).

mod across;
mod list;
mod offer;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use doorward_pins::{Block, Definition, First, Kind, Pin, Reason, Server, Stand, Verdict, admit};
use doorward_types::{Person, ServerName, Timestamp};
use doorward_wire::Value;

pub(crate) use across::Across;
pub use across::Elsewhere;
pub(crate) use list::{List, judge_lists};
pub(crate) use offer::{Offer, Shelf, fetch_shelf, offered, version};
pub(crate) use words::{introduced, is_strange};

use crate::eyes::{Eyes, Listed};
use crate::snapshot::ServerRules;

/// How one server's definitions are pinned.
#[derive(Debug, Clone)]
pub struct PinRules {
    /// How one that nobody has seen comes to be pinned.
    pub first: First,
    /// Whose they are: its name, and what it is known by.
    pub server: Server,
    /// What becomes of a tool whose name passes for another server's.
    pub look_alikes: LookAlikes,
}

/// What becomes of a tool whose name passes for one of another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookAlikes {
    /// It is recorded.
    Record,
    /// It is recorded, and waits for a person's approval.
    Block,
}

/// Names one list that was seen whole: of one kind, and for one person where each has their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListKey(pub [u8; 16]);

impl ListKey {
    /// Names the list of a kind; `person` where the server is called with a credential of each person's own.
    pub fn of(kind: Kind, person: Option<&Person>) -> Self {
        let person = person.map(|person| format!("{}/{}", person.tenant, person.object)).unwrap_or_default();
        let digest = digest(&[kind.name(), &person]);
        let mut key = [0; 16];
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(key)
    }
}

/// What was agreed to of one server, as it is now.
#[derive(Debug, Clone, Default)]
pub struct PinSet {
    /// Another with each change.
    version: u64,
    /// How often a person decided.
    acts: u64,
    pins: Vec<Pin>,
    places: BTreeMap<Kind, BTreeMap<String, usize>>,
    lists: BTreeSet<ListKey>,
}

impl PinSet {
    /// Takes what is stored of one server. `version` is another with each change, `acts` with each decision of a person.
    pub fn new(version: u64, acts: u64, pins: Vec<Pin>, lists: BTreeSet<ListKey>) -> Self {
        let mut places: BTreeMap<Kind, BTreeMap<String, usize>> = BTreeMap::new();
        for (place, pin) in pins.iter().enumerate() {
            places.entry(pin.kind()).or_default().insert(pin.name().to_owned(), place);
        }
        Self { version, acts, pins, places, lists }
    }

    /// Returns a number that is another with each change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns all pins.
    pub fn pins(&self) -> &[Pin] {
        &self.pins
    }

    /// Finds a pin.
    pub fn pin(&self, kind: Kind, name: &str) -> Option<&Pin> {
        self.pins.get(*self.places.get(&kind)?.get(name)?)
    }

    fn knows(&self, list: ListKey) -> bool {
        self.lists.contains(&list)
    }
}

/// What is agreed to of a server, as far as that is known.
#[derive(Debug, Clone)]
pub enum Pins {
    /// There is no place where it could be kept.
    Off,
    /// This.
    Are(Arc<PinSet>),
    /// It was kept, and cannot be read: nothing of the server goes on.
    Shut,
}

/// A list that is seen for the first time.
#[derive(Debug)]
pub struct Learned<'a> {
    /// Whose it is.
    pub server: &'a Server,
    /// Which list.
    pub list: ListKey,
    /// What it holds.
    pub pins: Vec<Pin>,
}

/// Nothing could be kept: the disk is full, or the store does not answer.
#[derive(Debug)]
pub struct PinsUnwritable;

/// A definition that is not what was agreed to.
#[derive(Debug, Clone)]
pub struct Drifted {
    /// Whose it is, and where that server is now.
    pub server: Server,
    /// What kind of thing.
    pub kind: Kind,
    /// Its name, as the server has it: a stranger's text, cut to what a line holds.
    pub name: String,
    /// What is wrong, as a stable name: `definition-drifted` and others.
    pub what: &'static str,
    /// Whether it goes on all the same.
    pub passes: bool,
    /// Where and why, in words, what is invisible in them made visible.
    pub why: String,
    /// Whether somebody should be told; else it is only kept, to be shown and agreed to.
    pub is_news: bool,
    /// What the server said, to be agreed to or refused; none where nobody could agree to it.
    pub definition: Option<Definition>,
}

/// Of a definition, in bytes: what is larger is no tool that a person could agree to.
pub(crate) const LARGEST: usize = 256 << 10;
/// Definitions whose judgement is remembered.
const MOST: usize = 16_384;
/// Told of one server until a person decides something: a server that changes at each list fills no log.
const MOST_TOLD: usize = 64;
/// Kept of what was told, over all servers.
const MOST_SERVERS: usize = 4_096;
/// Told at once.
const MOST_NEWS: usize = 32;
/// Of a name, in characters.
const NAME: usize = 128;

/// Judges definitions, each once.
#[derive(Default)]
pub(crate) struct Pinned {
    judged: Mutex<BTreeMap<[u8; 32], Judged>>,
    told: Mutex<BTreeMap<ServerName, Told>>,
    news: Mutex<Vec<Drifted>>,
    has_news: AtomicBool,
    pub(crate) across: Across,
}

#[derive(Clone, Copy)]
struct Judged {
    passes: bool,
    /// A person agreed to it, so that no suspicion counts any more.
    approved: bool,
    /// Until when: an approval may end.
    until: Option<Timestamp>,
}

/// What was told of one server, since a person decided last.
#[derive(Default)]
struct Told {
    acts: u64,
    said: BTreeSet<[u8; 32]>,
    kept: BTreeSet<[u8; 32]>,
}

impl Pinned {
    /// Says whether one item of a list may go to a client; `listed` are its siblings. Where nothing is pinned, the eyes alone
    /// decide.
    pub(crate) fn rules(
        eyes: &Eyes,
        rules: &ServerRules,
        offer: Option<&Offer>,
        (list, item): (List, Value<'_>),
        listed: &Listed,
        now: Timestamp,
    ) -> bool {
        let clean = || eyes.lets(rules, list.word(), item, listed);
        let Some(pins) = &rules.pins else { return clean() };
        // INVARIANT: a list of a pinned server is released only after the door has fetched and judged the whole of it.
        let Some(offer) = offer else { return false };
        let judged = eyes.pinned.judge(pins, &offer.set, list.kind(), item, now);
        judged.passes && !offer.is_withheld(list.kind(), item) && (judged.approved || clean())
    }

    fn judge(&self, rules: &PinRules, set: &PinSet, kind: Kind, item: Value<'_>, now: Timestamp) -> Judged {
        let no = Judged { passes: false, approved: false, until: None };
        if item.raw().len() > LARGEST {
            return no;
        }
        let version = set.version.to_string();
        let key = digest(&[rules.server.name.as_str(), &version, kind.name(), item.raw()]);
        let known = locked(&self.judged).get(&key).copied();
        if let Some(known) = known.filter(|known| known.until.is_none_or(|until| now < until)) {
            return known;
        }
        let Ok(definition) = Definition::of(kind, item) else { return no };
        let pin = set.pin(kind, definition.name());
        let verdict = match pin {
            // What joins a list of resources is data, and is remembered with the next fetch.
            None if rules.first == First::OnUse && kind == Kind::Resource => Verdict::Pass,
            // It joined the list after the door fetched it.
            None if rules.first == First::OnUse => Verdict::Blocked(Block::Late, Default::default()),
            pin => admit(rules.first, pin, &rules.server, &definition, now),
        };
        let judged = Judged {
            passes: matches!(verdict, Verdict::Pass | Verdict::Shown(_)),
            approved: pin.is_some_and(|pin| pin.stand(now) == Stand::Approved),
            until: pin.and_then(|pin| pin.current().decision.expires).filter(|expires| now < *expires),
        };
        self.tell(rules, set, definition, &verdict);
        let mut all = locked(&self.judged);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key, judged);
        judged
    }

    /// Keeps what is to be told, until the next message has time for it.
    fn tell(&self, rules: &PinRules, set: &PinSet, definition: Definition, verdict: &Verdict) {
        let Some(drifted) = self.drifted(rules, set, definition, verdict) else { return };
        let mut news = locked(&self.news);
        if news.len() < MOST_NEWS {
            news.push(drifted);
            self.has_news.store(true, Ordering::Release);
        }
    }

    /// Returns what has drifted since the last time. Asked of every message: mostly it costs one load.
    pub(crate) fn news(&self) -> Vec<Drifted> {
        if !self.has_news.load(Ordering::Relaxed) || !self.has_news.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        std::mem::take(&mut *locked(&self.news))
    }

    /// Puts a verdict in words, if it was not told before.
    fn drifted(
        &self,
        rules: &PinRules,
        set: &PinSet,
        definition: Definition,
        verdict: &Verdict,
    ) -> Option<Drifted> {
        let (what, passes, why) = match verdict {
            Verdict::Pass | Verdict::Remember(_) => return None,
            Verdict::Shown(_) => ("definition-reworded", true, "other words".to_owned()),
            Verdict::Blocked(block, changes) => {
                (named(*block), false, changes.reasons.first().map_or_else(|| block.to_string(), worded))
            }
        };
        self.report(rules, set, what, (definition.kind(), definition.name()), |is_news| Drifted {
            server: rules.server.clone(),
            kind: definition.kind(),
            name: cut(definition.name()),
            what,
            passes,
            why,
            is_news,
            // A person has decided about this one.
            definition: (what != "definition-rejected").then(|| definition.clone()),
        })
        .filter(|drifted| drifted.is_news || self.is_unkept(rules, set, &definition))
    }

    /// Reports once what is said of one name, and no more of one server than a person reads.
    fn report(
        &self,
        rules: &PinRules,
        set: &PinSet,
        what: &'static str,
        (kind, name): (Kind, &str),
        make: impl FnOnce(bool) -> Drifted,
    ) -> Option<Drifted> {
        let said = digest(&[what, kind.name(), name]);
        let is_news = self.told(rules, set, |told| told.said.len() < MOST_TOLD && told.said.insert(said));
        Some(make(is_news))
    }

    /// Says whether this very definition was not handed on yet, to be kept for a person to look at.
    fn is_unkept(&self, rules: &PinRules, set: &PinSet, definition: &Definition) -> bool {
        let hash = definition.hash().to_string();
        let key = digest(&[definition.kind().name(), definition.name(), &hash]);
        self.told(rules, set, |told| {
            if told.kept.len() >= MOST {
                told.kept.clear();
            }
            told.kept.insert(key)
        })
    }

    fn told<T>(&self, rules: &PinRules, set: &PinSet, ask: impl FnOnce(&mut Told) -> T) -> T {
        let mut all = locked(&self.told);
        if all.len() >= MOST_SERVERS && !all.contains_key(&rules.server.name) {
            all.clear();
        }
        let told = all.entry(rules.server.name.clone()).or_default();
        if told.acts != set.acts {
            *told = Told { acts: set.acts, ..Told::default() };
        }
        ask(told)
    }
}

/// The stable name of what blocks a definition.
fn named(block: Block) -> &'static str {
    match block {
        Block::NotApproved => "definition-unapproved",
        Block::Late => "definition-late",
        Block::Twice => "definition-twice",
        Block::OtherServer => "definition-of-another-address",
        Block::Expired => "definition-expired",
        Block::Rejected => "definition-rejected",
        Block::Drifted => "definition-drifted",
    }
}

fn worded(reason: &Reason) -> String {
    let at = if reason.pointer.is_empty() { "" } else { " at " };
    cut(&format!("{}{at}{}", reason.why, reason.pointer))
}

fn cut(text: &str) -> String {
    text.chars().take(NAME).collect()
}

/// A digest of parts that tells where each ends.
fn digest(parts: &[&str]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
