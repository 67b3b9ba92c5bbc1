//! A server's list, fetched whole by the door itself: the first is remembered, and what came since is judged.

use std::collections::BTreeSet;

use doorward_pins::{Block, Definition, First, Kind, Pin, Stand, Verdict, catalogue};
use doorward_wire::{Frame, Value};

use super::{Drifted, LARGEST, Learned, ListKey, LookAlikes, PinRules, PinSet, Pins, cut};
use crate::door::Door;
use crate::errand::Errands;
use crate::eyes::Listed;
use crate::ports::Ports;

/// Of one fetch: kept and told, definitions that are compared word by word with what was agreed to. A server that changes
/// thousands of them at once has them left out unread.
const MOST_AT_ONCE: usize = 256;
/// Resources that are pinned of one server. What joins behind them is judged by what it says alone.
const MOST_RESOURCES: usize = 2_048;

/// The lists of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl List {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Tools => Kind::Tool,
            Self::Prompts => Kind::Prompt,
            Self::Resources => Kind::Resource,
            Self::Templates => Kind::Template,
        }
    }

    /// The member of the answer that holds it.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Templates => "resourceTemplates",
        }
    }

    /// What its items are called in a record of what is suspicious.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tools => "tool",
            Self::Prompts => "prompt",
            Self::Resources | Self::Templates => "resource",
        }
    }
}

/// One item of a list.
struct Item {
    /// The page, and where in it.
    place: (usize, u32),
    /// Whether nothing about it is suspicious.
    is_clean: bool,
    definition: Option<Definition>,
}

/// What of a list does not go on.
#[derive(Default)]
pub(crate) struct Withheld {
    /// The version of what is agreed to under which it was judged.
    version: u64,
    places: BTreeSet<(usize, u32)>,
    /// Their names.
    pub(crate) names: BTreeSet<String>,
}

impl Withheld {
    pub(crate) fn has(&self, page: usize, item: Value<'_>) -> bool {
        self.places.contains(&(page, item.span().start))
    }

    fn add(&mut self, item: &Item) {
        self.places.insert(item.place);
        self.names.extend(item.definition.iter().map(|definition| definition.name().to_owned()));
    }

    fn all<'i>(items: impl Iterator<Item = &'i Item>) -> Self {
        let mut all = Self::default();
        items.for_each(|item| all.add(item));
        all
    }
}

/// Lists of one server are judged so often at the most until all of them are judged under one version.
const TRIES: usize = 3;

/// Judges two lists of a server, all pages of each, and says under which version of what is agreed to. A list that is kept
/// as judged under a version that came later would withhold, for as long as it is kept, what a person has agreed to since.
pub(crate) async fn judge_lists<P: Ports>(
    door: &Door<P>,
    on: &Errands<P::Link>,
    lists: [(List, &[Frame]); 2],
) -> ([Withheld; 2], u64) {
    let [one, other] = lists;
    let mut tries = 0;
    loop {
        let withheld =
            [judge_list(door, on, one.0, one.1).await, judge_list(door, on, other.0, other.1).await];
        let [first, second] = withheld.each_ref().map(|withheld| withheld.version);
        tries += 1;
        // Remembering the second list makes a new version too.
        if first == second || tries == TRIES {
            return (withheld, first.min(second));
        }
    }
}

/// Judges all pages of a list. What is new to a door that pins at first use is remembered before this returns.
async fn judge_list<P: Ports>(
    door: &Door<P>,
    on: &Errands<P::Link>,
    list: List,
    pages: &[Frame],
) -> Withheld {
    let Some(rules) = &on.server.pins else {
        let items = items(door, on, list, pages, false);
        return Withheld::all(items.iter().filter(|item| !item.is_clean));
    };
    let items = items(door, on, list, pages, true);
    let person = match &on.caller {
        Some(caller) if on.server.per_person_credential => Some(caller.identity.person()),
        _ => None,
    };
    let key = ListKey::of(list.kind(), person.as_ref());
    let passing = door.eyes.pinned.across.passing(door, rules, list, names(&items));
    let now = door.ports.now();
    let mut is_remembered = false;
    loop {
        let Pins::Are(set) = door.ports.pins(&rules.server.name) else {
            return Withheld::all(items.iter());
        };
        let judging = Judging { rules, set: &set, key, list, passing: &passing.names };
        let judged = judging.judge(&items, now);
        let fresh = judged.iter().filter_map(|(_, ruling)| match ruling {
            Ruling::Fresh(pin) => Some(Pin::clone(pin)),
            _ => None,
        });
        let fresh: Vec<Pin> = fresh.collect();
        let is_first = rules.first == First::OnUse && !set.knows(key);
        if (is_first || !fresh.is_empty()) && !is_remembered {
            is_remembered = true;
            let learned = Learned { server: &rules.server, list: key, pins: fresh };
            // INVARIANT: what nobody has seen before goes on only once it is kept, or the next change would be the first.
            if door.ports.remember(learned).await.is_ok() {
                continue;
            }
        }
        let mut told = Vec::new();
        let mut withheld = Withheld { version: set.version(), ..Withheld::default() };
        for (item, ruling) in &judged {
            if !matches!(ruling, Ruling::Lets(_)) {
                withheld.add(item);
            }
            if told.len() < MOST_AT_ONCE {
                told.extend(judging.told(&door.eyes.pinned, item, ruling));
            }
        }
        told.extend(door.eyes.pinned.across.told(door, rules, &set, &passing));
        if let Some(person) = &person {
            let definitions = items.iter().filter_map(|item| item.definition.clone()).collect();
            told.extend(door.eyes.pinned.across.split(door, rules, &set, (list.kind(), person), definitions));
        }
        if !told.is_empty() {
            door.ports.drifted(told).await;
        }
        return withheld;
    }
}

fn items<P: Ports>(
    door: &Door<P>,
    on: &Errands<P::Link>,
    list: List,
    pages: &[Frame],
    is_pinned: bool,
) -> Vec<Item> {
    let mut items = Vec::new();
    let snapshot = door.snapshot();
    for (page, frame) in pages.iter().enumerate() {
        let values = frame.result().and_then(|result| result.get(list.member()));
        let listed = match list {
            List::Tools => Listed::of(values.iter().flat_map(Value::items), &on.server.name, &snapshot),
            _ => Listed::default(),
        };
        for value in values.iter().flat_map(Value::items) {
            let fits = is_pinned && value.raw().len() <= LARGEST;
            items.push(Item {
                place: (page, value.span().start),
                is_clean: door.eyes.lets(&on.server, list.word(), value, &listed),
                definition: if fits { Definition::of(list.kind(), value).ok() } else { None },
            });
        }
    }
    items
}

fn names(items: &[Item]) -> impl Iterator<Item = &str> {
    items.iter().filter_map(|item| Some(item.definition.as_ref()?.name()))
}

/// What follows for one item.
enum Ruling {
    /// It goes on; what is to be shown of it.
    Lets(Verdict),
    /// It is the first of its name.
    Fresh(Box<Pin>),
    /// It waits for a person.
    Waits(Verdict),
    /// It waits, because something about it is suspicious.
    Flagged(&'static str),
    /// Nobody can agree to it.
    Unfit,
}

/// Under what a list is judged.
struct Judging<'a> {
    rules: &'a PinRules,
    set: &'a PinSet,
    key: ListKey,
    list: List,
    /// Names that pass for another server's.
    passing: &'a BTreeSet<String>,
}

impl Judging<'_> {
    fn judge<'i>(&self, items: &'i [Item], now: doorward_types::Timestamp) -> Vec<(&'i Item, Ruling)> {
        let kind = self.list.kind();
        let is_other = |definition: &Definition| {
            self.set
                .pin(kind, definition.name())
                .is_none_or(|pin| pin.current().definition.hash() != definition.hash())
        };
        // What is the same costs nothing; what is not is compared word by word, so many at a time.
        let mut left = MOST_AT_ONCE;
        let mut unread = BTreeSet::new();
        let is_first = self.rules.first == First::OnUse && !self.set.knows(self.key);
        let mut definitions = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let Some(definition) = &item.definition else { continue };
            let is_new = self.set.pin(kind, definition.name()).is_none();
            if is_other(definition) && !is_new {
                if left == 0 {
                    unread.insert(place);
                    continue;
                }
                left -= 1;
            }
            definitions.push(definition.clone());
        }
        let knows = self.set.knows(self.key);
        let pins = self.set.pins();
        let whole = catalogue(self.rules.first, knows, &self.rules.server, pins, kind, &definitions, now);
        let joins = self.list == List::Resources && self.rules.first == First::OnUse;
        let pinned = if joins { pins.iter().filter(|pin| pin.kind() == kind).count() } else { 0 };
        let mut room = MOST_RESOURCES.saturating_sub(pinned);
        let mut entries = whole.entries.into_iter();
        let mut judged = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let Some(definition) = &item.definition else {
                judged.push((item, Ruling::Unfit));
                continue;
            };
            if unread.contains(&place) {
                let verdict = Verdict::Blocked(Block::Drifted, Default::default());
                judged.push((item, Ruling::Waits(verdict)));
                continue;
            }
            let verdict = match entries.next().map(|entry| entry.verdict) {
                // A list that this person sees for the first time, though others have seen theirs; or one whose items come
                // and go by themselves, as data does.
                Some(Verdict::Blocked(Block::Late, _)) if is_first || joins => match joins && room == 0 {
                    true => Verdict::Pass,
                    false => {
                        room = room.saturating_sub(1);
                        let server = self.rules.server.clone();
                        Verdict::Remember(Box::new(Pin::first_use(server, definition.clone(), now)))
                    }
                },
                Some(verdict) => verdict,
                None => Verdict::Blocked(Block::Drifted, Default::default()),
            };
            let approved =
                self.set.pin(kind, definition.name()).is_some_and(|pin| pin.stand(now) == Stand::Approved);
            judged.push((item, self.ruling(item, definition, verdict, approved)));
        }
        judged
    }

    /// Where a person agreed, no suspicion counts: where an honest tool is flagged, that is the way out.
    fn ruling(&self, item: &Item, definition: &Definition, verdict: Verdict, approved: bool) -> Ruling {
        let passes_for_another =
            self.rules.look_alikes == LookAlikes::Block && self.passing.contains(definition.name());
        match verdict {
            verdict @ Verdict::Blocked(Block::Twice | Block::Rejected, _) => Ruling::Waits(verdict),
            Verdict::Pass | Verdict::Shown(_) if approved => Ruling::Lets(verdict),
            _ if !item.is_clean => Ruling::Flagged("definition-withheld"),
            // Only what is new: the one that was there first is not taken away by the other's coming.
            Verdict::Remember(_) if passes_for_another => Ruling::Flagged("tool-looks-alike"),
            Verdict::Remember(pin) => Ruling::Fresh(pin),
            verdict @ Verdict::Blocked(..) => Ruling::Waits(verdict),
            verdict => Ruling::Lets(verdict),
        }
    }

    /// What is to be told of it, and kept for a person to look at.
    fn told(&self, pinned: &super::Pinned, item: &Item, ruling: &Ruling) -> Option<Drifted> {
        let definition = item.definition.clone();
        match (ruling, definition) {
            (Ruling::Lets(verdict) | Ruling::Waits(verdict), Some(definition)) => {
                pinned.drifted(self.rules, self.set, definition, verdict)
            }
            // The eyes, or those who look across, have told of it already.
            (Ruling::Flagged(what), Some(definition)) => {
                let is_new = pinned.is_unkept(self.rules, self.set, &definition);
                is_new.then(|| Drifted {
                    server: self.rules.server.clone(),
                    kind: self.list.kind(),
                    name: cut(definition.name()),
                    what,
                    passes: false,
                    why: "it looks like an attack; only a person can let it pass".to_owned(),
                    is_news: false,
                    definition: Some(definition),
                })
            }
            (Ruling::Unfit, _) => {
                let what = "definition-unfit";
                let made =
                    pinned.report(self.rules, self.set, what, (self.list.kind(), ""), |is_news| Drifted {
                        server: self.rules.server.clone(),
                        kind: self.list.kind(),
                        name: String::new(),
                        what,
                        passes: false,
                        why: "it has no name, no one form, or is too large".to_owned(),
                        is_news,
                        definition: None,
                    });
                made.filter(|drifted| drifted.is_news)
            }
            (Ruling::Fresh(_), _) | (_, None) => None,
        }
    }
}
