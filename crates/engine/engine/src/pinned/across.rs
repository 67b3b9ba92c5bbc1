//! What only shows when two lists are laid side by side: one server's for two people, and two servers' for one (TPO-05, TPO-08).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use doorward_pins::{Definition, Kind, Offered, shadows, split_view};
use doorward_types::{Person, ServerName};

use super::list::List;
use super::{Drifted, PinRules, PinSet, cut, digest, locked};
use crate::door::Door;
use crate::ports::Ports;

/// A name that another server's tool is pinned under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The other server.
    pub server: ServerName,
    /// Its tool.
    pub name: String,
}

/// Two people's lists are laid side by side where they were fetched no further apart, in nanoseconds: what is further apart may be
/// a new version.
const SIDE_BY_SIDE: u64 = 120 * 1_000_000_000;
/// Compared with another person's, of one list.
const MOST_COMPARED: usize = 64;
/// Looked at, of one server's names.
const MOST_NAMES: usize = 1_024;
/// Servers of which something is remembered.
const MOST_SERVERS: usize = 1_024;

/// What is remembered of other lists.
#[derive(Default)]
pub(crate) struct Across {
    views: Mutex<BTreeMap<(ServerName, Kind), View>>,
    passing: Mutex<BTreeMap<ServerName, Looked>>,
}

/// What was found, and the digest of the names that were looked at.
type Looked = ([u8; 32], Arc<Passing>);

/// What one person was shown last.
struct View {
    person: Person,
    fetched: u64,
    definitions: Vec<Definition>,
}

/// The names of a server that pass for another server's.
#[derive(Default)]
pub(crate) struct Passing {
    pub(crate) names: BTreeSet<String>,
    pairs: Vec<(String, Elsewhere)>,
}

impl Across {
    /// Finds the names of a list that a person, or a model, takes for another server's tool.
    pub(crate) fn passing<'n, P: Ports>(
        &self,
        door: &Door<P>,
        rules: &PinRules,
        list: List,
        names: impl Iterator<Item = &'n str>,
    ) -> Arc<Passing> {
        if list != List::Tools {
            return Arc::default();
        }
        let elsewhere = door.ports.pinned_elsewhere(&rules.server.name);
        if elsewhere.is_empty() {
            return Arc::default();
        }
        let own: BTreeSet<&str> = names.take(MOST_NAMES).collect();
        let others = elsewhere.iter().flat_map(|other| [other.server.as_str(), other.name.as_str()]);
        let parts: Vec<&str> = own.iter().copied().chain([""]).chain(others).collect();
        let key = digest(&parts);
        let mut known = locked(&self.passing);
        if let Some((_, passing)) = known.get(&rules.server.name).filter(|(known, _)| *known == key) {
            return Arc::clone(passing);
        }
        let own = own.into_iter().map(|name| Offered { server: &rules.server.name, name });
        let all: Vec<Offered<'_>> = own
            .chain(elsewhere.iter().map(|other| Offered { server: &other.server, name: &other.name }))
            .collect();
        let mut passing = Passing::default();
        for shadow in shadows(&all) {
            let (ours, theirs) = match shadow.one.server == &rules.server.name {
                true => (shadow.one, shadow.other),
                false => (shadow.other, shadow.one),
            };
            if ours.server == &rules.server.name {
                passing.names.insert(ours.name.to_owned());
                let other = Elsewhere { server: theirs.server.clone(), name: theirs.name.to_owned() };
                passing.pairs.push((ours.name.to_owned(), other));
            }
        }
        if known.len() >= MOST_SERVERS {
            known.clear();
        }
        let passing = Arc::new(passing);
        known.insert(rules.server.name.clone(), (key, Arc::clone(&passing)));
        passing
    }

    /// What is to be told of such names: once.
    pub(crate) fn told<P: Ports>(
        &self,
        door: &Door<P>,
        rules: &PinRules,
        set: &PinSet,
        passing: &Passing,
    ) -> Vec<Drifted> {
        let told = passing.pairs.iter().filter_map(|(name, other)| {
            let is_equal = *name == other.name;
            let what = if is_equal { "tool-shadows" } else { "tool-looks-alike" };
            let made = door.eyes.pinned.report(rules, set, what, (Kind::Tool, name), |is_news| Drifted {
                server: rules.server.clone(),
                kind: Kind::Tool,
                name: cut(name),
                what,
                passes: true,
                why: cut(&format!(
                    "the server `{}` has `{}`",
                    other.server,
                    doorward_pins::visible(&other.name)
                )),
                is_news,
                definition: None,
            });
            made.filter(|drifted| drifted.is_news)
        });
        told.collect()
    }

    /// Lays what one person is shown beside what another was shown just before (a server that attacks one of them).
    pub(crate) fn split<P: Ports>(
        &self,
        door: &Door<P>,
        rules: &PinRules,
        set: &PinSet,
        (kind, person): (Kind, &Person),
        definitions: Vec<Definition>,
    ) -> Vec<Drifted> {
        let now = door.ports.stopwatch();
        let mut views = locked(&self.views);
        if views.len() >= MOST_SERVERS {
            views.clear();
        }
        let view = View { person: person.clone(), fetched: now, definitions };
        let key = (rules.server.name.clone(), kind);
        let Some(before) = views.insert(key.clone(), view) else { return Vec::new() };
        let Some(view) = views.get(&key) else { return Vec::new() };
        if before.person == view.person || now.saturating_sub(before.fetched) > SIDE_BY_SIDE {
            return Vec::new();
        }
        let theirs: BTreeMap<&str, &Definition> =
            before.definitions.iter().map(|definition| (definition.name(), definition)).collect();
        let differs = |definition: &&Definition| {
            theirs.get(definition.name()).is_some_and(|other| other.hash() != definition.hash())
        };
        let own: Vec<Definition> =
            view.definitions.iter().filter(differs).take(MOST_COMPARED).cloned().collect();
        let splits = split_view(&own, &before.definitions).into_iter().filter(|split| split.is_meaning);
        let told = splits.filter_map(|split| {
            let why = split.changes.reasons.first().map(super::worded).unwrap_or_default();
            let made =
                door.eyes.pinned.report(rules, set, "split-view", (kind, &split.name), |is_news| Drifted {
                    server: rules.server.clone(),
                    kind,
                    name: cut(&split.name),
                    what: "split-view",
                    passes: true,
                    why,
                    is_news,
                    definition: None,
                });
            made.filter(|drifted| drifted.is_news)
        });
        told.collect()
    }
}
