//! A whole list judged: what came, what went, what goes by another name.

use std::collections::BTreeMap;

use doorward_types::Timestamp;

use crate::compare::judge;
use crate::definition::{Definition, Kind};
use crate::drift::{Changes, Drift, Why};
use crate::pin::{Block, First, Pin, Server, Verdict, admit};

/// Pairs of a name that went and one that came that are compared, to see whether the one is the other: a server that renames
/// thousands of tools at once would cost a square of them.
const MOST_PAIRS: usize = 4_096;

/// What follows for each entry of a list, and which are gone from it.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// In the order of the list.
    pub entries: Vec<Entry>,
    /// Names that are pinned and not listed. Their pins stay: what comes back has to be what it was.
    pub gone: Vec<String>,
}

/// What follows for one entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What follows.
    pub verdict: Verdict,
    /// The pinned name that it went by, where the rest is the same.
    pub renamed_from: Option<String>,
}

/// Judges a server's list of one kind against the pins of that server and kind. `is_known` says whether such a list was
/// pinned before, if only an empty one: what joins it later is nobody's first use.
pub fn catalogue(
    first: First,
    is_known: bool,
    server: &Server,
    pins: &[Pin],
    kind: Kind,
    now: &[Definition],
    at: Timestamp,
) -> Catalogue {
    let pins: BTreeMap<&str, &Pin> =
        pins.iter().filter(|pin| pin.kind() == kind).map(|pin| (pin.name(), pin)).collect();
    let mut listed: BTreeMap<&str, usize> = BTreeMap::new();
    now.iter().for_each(|definition| *listed.entry(definition.name()).or_default() += 1);
    let gone: Vec<&Pin> = pins.values().copied().filter(|pin| !listed.contains_key(pin.name())).collect();
    let is_known = is_known || !pins.is_empty();
    let came = now.iter().filter(|definition| !pins.contains_key(definition.name())).count();
    let looks_back = came.saturating_mul(gone.len()) <= MOST_PAIRS;
    let entry = |definition: &Definition| {
        let pin = pins.get(definition.name()).copied();
        let from = if pin.is_none() && looks_back {
            gone.iter().find(|gone| is_renamed(gone, definition))
        } else {
            None
        };
        let blocked = |why| Verdict::Blocked(why, Changes::default());
        let verdict = if listed.get(definition.name()).is_some_and(|count| *count > 1) {
            blocked(Block::Twice)
        } else if let Some(from) = from {
            match judge(&from.current().definition, definition) {
                Drift::Meaning(changes) | Drift::Wording(changes) => Verdict::Blocked(Block::Late, changes),
                Drift::Same | Drift::Cosmetic => blocked(Block::Late),
            }
        } else if pin.is_none() && is_known && first == First::OnUse {
            blocked(Block::Late)
        } else {
            admit(first, pin, server, definition, at)
        };
        Entry {
            name: definition.name().to_owned(),
            verdict,
            renamed_from: from.map(|pin| pin.name().to_owned()),
        }
    };
    Catalogue {
        entries: now.iter().map(entry).collect(),
        gone: gone.iter().map(|pin| pin.name().to_owned()).collect(),
    }
}

/// Whether nothing but its name, and what the name brings with it, is another.
fn is_renamed(pin: &Pin, definition: &Definition) -> bool {
    match judge(&pin.current().definition, definition) {
        Drift::Meaning(changes) => changes.reasons.iter().all(|reason| {
            reason.why == Why::Renamed || matches!(reason.pointer.as_str(), "/uri" | "/uriTemplate")
        }),
        _ => false,
    }
}
