//! What only shows when two lists are laid side by side: of one server for two people, of two servers for one.

use std::collections::{BTreeMap, BTreeSet};

use doorward_inspect::Look;
use doorward_types::ServerName;

use crate::compare::judge;
use crate::definition::{Definition, Kind};
use crate::drift::{Changes, Drift};

/// One thing that a server describes to two people in two ways.
#[derive(Debug, Clone)]
pub struct Split {
    /// What kind of thing.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whether it means something else to the one than to the other, or is worded otherwise.
    pub is_meaning: bool,
    /// From the first to the second.
    pub changes: Changes,
}

/// Lays what one server offers to two people side by side. A tool that only one of them sees is what permissions are for; one
/// that both see and that is another for each is what an attack on one person looks like. Either of the two may have
/// what is attacked, so a meaning found in either direction is one.
pub fn split_view(one: &[Definition], other: &[Definition]) -> Vec<Split> {
    let by_name: BTreeMap<(Kind, &str), &Definition> =
        other.iter().map(|definition| ((definition.kind(), definition.name()), definition)).collect();
    let both = one.iter().filter_map(|a| Some((a, *by_name.get(&(a.kind(), a.name()))?)));
    both.filter_map(|(a, b)| {
        let (is_meaning, changes) = match (judge(a, b), judge(b, a)) {
            (Drift::Meaning(changes), _) => (true, changes),
            (Drift::Wording(there), Drift::Meaning(back)) => {
                (true, Changes { reasons: back.reasons, diff: there.diff })
            }
            (_, Drift::Meaning(changes)) => (true, changes),
            (Drift::Wording(changes), _) | (_, Drift::Wording(changes)) => (false, changes),
            _ => return None,
        };
        Some(Split { kind: a.kind(), name: a.name().to_owned(), is_meaning, changes })
    })
    .collect()
}

/// A name that one person sees, and which server it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offered<'a> {
    /// The server.
    pub server: &'a ServerName,
    /// The name.
    pub name: &'a str,
}

/// Two names of two servers that a person, or a model, takes for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadow<'a> {
    /// The one.
    pub one: Offered<'a>,
    /// The other.
    pub other: Offered<'a>,
    /// Whether the names are equal, and do not only look it.
    pub is_equal: bool,
}

/// Finds the names that pass for another server's, among all that one person sees. Two of one server are that server's own
/// affair; `inspect` looks at those.
pub fn shadows<'a>(offered: &[Offered<'a>]) -> Vec<Shadow<'a>> {
    let looks: Vec<Look> = offered.iter().map(|offer| Look::of(offer.name)).collect();
    let mut by_look: BTreeMap<&Look, Vec<usize>> = BTreeMap::new();
    looks.iter().enumerate().for_each(|(n, look)| by_look.entry(look).or_default().push(n));
    let mut pairs = BTreeSet::new();
    for (n, look) in looks.iter().enumerate() {
        for near in look.near().chain([look.clone()]) {
            let others = by_look.get(&near).into_iter().flatten();
            pairs.extend(others.map(|other| (n.min(*other), n.max(*other))));
        }
    }
    let both = pairs.into_iter().filter_map(|(n, m)| Some((*offered.get(n)?, *offered.get(m)?)));
    both.filter(|(one, other)| one.server != other.server)
        .map(|(one, other)| Shadow { one, other, is_equal: one.name == other.name })
        .collect()
}
