//! Remarks on policies that are valid and likely not meant.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::pst::Clause;

use crate::compile::Policies;
use crate::names::{Action, Verb};
use crate::problem::PolicyProblem;
use crate::rule::{Head, Reads, Rule, Scope};

impl Policies {
    /// Returns what a reviewer would ask about (AUT-02): permits without bounds, policies that can never matter, names
    /// that look alike, tools that no policy can reach.
    pub fn lint(&self) -> Vec<PolicyProblem> {
        let written: Vec<&Rule> = self.rules.iter().filter(|rule| !rule.derived).collect();
        let mut remarks = self.remarks.clone();
        remarks.extend(self.catalogue.left_out.iter().cloned());
        for rule in &written {
            remarks.extend(too_wide(rule).map(|(what, help)| self.remark(rule, what, help)));
        }
        remarks.extend(self.without_effect(&written));
        remarks.extend(self.listing_nothing(&written));
        remarks.sort();
        remarks.dedup();
        remarks
    }

    fn remark(&self, rule: &Rule, what: impl Into<String>, help: impl Into<String>) -> PolicyProblem {
        let origin = self.origins.get(rule.origin);
        PolicyProblem {
            file: origin.map(|origin| origin.file.to_string()).unwrap_or_default(),
            line: origin.map_or(0, |origin| origin.line),
            column: origin.map_or(0, |origin| origin.column),
            policy: Some(rule.name.to_string()),
            what: what.into(),
            help: help.into(),
        }
    }

    /// Twins, and permits that an unconditional forbid takes back.
    fn without_effect(&self, written: &[&Rule]) -> Vec<PolicyProblem> {
        let mut remarks = Vec::new();
        let mut first: BTreeMap<String, &Rule> = BTreeMap::new();
        for rule in written {
            let key = format!("{:?}{:?}", rule.head, rule.clauses);
            match first.get(&key) {
                Some(twin) => remarks.push(self.remark(
                    rule,
                    format!("says the same as `{}`", twin.name),
                    "remove one of them",
                )),
                None => {
                    first.insert(key, rule);
                }
            }
        }
        let absolute: Vec<&&Rule> =
            written.iter().filter(|rule| !rule.permits() && rule.clauses.is_empty()).collect();
        for permit in written.iter().filter(|rule| rule.permits()) {
            if let Some(forbid) = absolute.iter().find(|forbid| covers(&forbid.head, &permit.head)) {
                let what = format!("never permits anything: `{}` forbids all of it", forbid.name);
                remarks.push(self.remark(permit, what, "narrow the forbid, or remove this policy"));
            }
        }
        remarks
    }

    /// A forbid on `see` alone switches the derivation off, and then nothing is listed.
    fn listing_nothing(&self, written: &[&Rule]) -> Vec<PolicyProblem> {
        let mut remarks = Vec::new();
        for verb in [Verb::See, Verb::Connect] {
            let naming: Vec<&&Rule> =
                written.iter().filter(|rule| rule.head.names(&Action::Verb(verb))).collect();
            if let (Some(one), false) = (naming.first(), naming.iter().any(|rule| rule.permits())) {
                let id = verb.id();
                let what = format!(
                    "forbids `{id}` where no policy permits it by name, so `{id}` is no longer derived from the permits on calls"
                );
                remarks.push(self.remark(
                    one,
                    what,
                    format!("add a permit on `action == Action::\"{id}\"`, or forbid the calls instead"),
                ));
            }
        }
        remarks
    }
}

fn too_wide(rule: &Rule) -> Option<(&'static str, &'static str)> {
    if !rule.permits() {
        return None;
    }
    let head = &rule.head;
    let everyone = matches!(head.principal, Scope::Any | Scope::Is(_));
    let everything = head.actions.is_none() && head.resource == Scope::Any;
    if everyone && rule.clauses.is_empty() {
        Some(("permits everyone with a valid token", "name a `Role` or a `Group` in the scope"))
    } else if everything && rule.clauses.is_empty() {
        Some(("permits every action on every server", "name the actions or the servers in the scope"))
    } else if head.names(&Action::Verb(Verb::Other)) && rule.reads == Reads::Nothing {
        Some(("permits methods that nobody has heard of yet", "add `when { context.method == \"…\" }`"))
    } else if rule.clauses.iter().any(|clause| matches!(clause, Clause::When(_))) || !everyone {
        None
    } else {
        Some(("permits everyone but a few", "name those who may, with `when`, a `Role` or a `Group`"))
    }
}

/// Whether one scope holds wherever the other does, as far as can be said without entities.
fn covers(wide: &Head, narrow: &Head) -> bool {
    let actions = match (&wide.actions, &narrow.actions) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => narrow.iter().all(|action| {
            wide.contains(action) || matches!(action, Action::Tool(_)) && wide.contains(&Action::AnyTool)
        }),
    };
    actions
        && scope_covers(&wide.principal, &narrow.principal)
        && scope_covers(&wide.resource, &narrow.resource)
}

fn scope_covers(wide: &Scope, narrow: &Scope) -> bool {
    let server_of =
        |scope: &Scope| scope.uid().and_then(|uid| uid.server_part()).map(|(server, _)| Arc::from(server));
    match (wide, narrow) {
        (Scope::Any, _) => true,
        (Scope::In(uid), Scope::Eq(other) | Scope::In(other) | Scope::IsIn(_, other)) => {
            uid == other
                || uid.kind == crate::names::Type::Server
                    && other.kind.belongs_to_server()
                    && server_of(narrow).as_ref() == Some(&uid.id)
        }
        (Scope::Is(kind), Scope::Is(other) | Scope::IsIn(other, _)) => kind == other,
        (Scope::Is(kind), Scope::Eq(uid)) => *kind == uid.kind,
        (wide, narrow) => wide == narrow,
    }
}

#[cfg(test)]
mod tests;
