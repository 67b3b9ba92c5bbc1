//! The few policies that matter to one caller and one thing, and what they say.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use cedar_policy::{
    AuthorizationError, Context, Decision, Entities, Entity, EntityUid, EvaluationError, Policy, PolicyId,
    PolicySet, Request,
};

use crate::ask::Ask;
use crate::compile::Policies;
use crate::decide::{Denial, PolicyError, Reason};
use crate::names::{TOOLS_CALL, Type, Uid};
use crate::principal::Principal;
use crate::rule::{Halves, Reads, Rule};
use crate::target::Target;

/// Most sets of conditions that are kept for sharing.
const MOST_SHARED: usize = 4_096;

/// The answer, or the policies that must look at the arguments first.
#[derive(Debug)]
pub(crate) enum Slice {
    /// No policy of the slice reads the context: this is the answer for every request (D-07).
    Decided(Verdict),
    Open(Box<Open>),
}

/// An answer inside this crate; only `decide` makes a permit of it.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Permit(Arc<[Arc<str>]>),
    Deny(Denial),
}

#[derive(Debug)]
pub(crate) struct Open {
    /// Permits of the slice that hold whatever the arguments are.
    fixed: Vec<usize>,
    conditions: Arc<Conditions>,
    entities: Entities,
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
}

/// Conditions that read the context, without their scopes.
#[derive(Debug)]
pub(crate) struct Conditions {
    policies: PolicySet,
    /// Groups, roles and tenants that they name.
    parents: BTreeSet<Uid>,
    reads: Reads,
}

/// What evaluating some policies gave: rules by number.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) permits: Vec<usize>,
    pub(crate) forbids: Vec<usize>,
    pub(crate) errors: Vec<PolicyError>,
}

impl Policies {
    /// Judges a question, from the caller's kept slices where it can.
    pub(crate) fn judge(&self, who: &Principal, target: &Target<'_>, ask: Option<&Ask<'_>>) -> Verdict {
        // A principal of an older set has that set's answers in its cache.
        if !Arc::ptr_eq(&self.mark, &who.mark) {
            return self.failed("the caller was built for another policy set");
        }
        if target.is_pending() {
            return Verdict::Deny(Denial::bare(Reason::ServerPending));
        }
        let slot = target.slot();
        let slice = who.recall(slot).unwrap_or_else(|| {
            let slice = Arc::new(self.slice(who, target));
            who.keep(slot, &slice);
            slice
        });
        match slice.as_ref() {
            Slice::Decided(verdict) => verdict.clone(),
            Slice::Open(open) => self.judge_open(open, target, ask),
        }
    }

    fn judge_open(&self, open: &Open, target: &Target<'_>, ask: Option<&Ask<'_>>) -> Verdict {
        let context = match target.context(ask, &open.conditions.reads) {
            Ok(context) => context,
            Err(misfit) => return self.failed(&misfit.text()),
        };
        let who = (open.principal.clone(), open.action.clone(), open.resource.clone());
        let Ok(request) = Request::new(who.0, who.1, who.2, context, None) else {
            return self.failed("the request cannot be expressed in Cedar");
        };
        let mut outcome = self.evaluate(&open.conditions.policies, &open.entities, &request);
        outcome.permits.extend(&open.fixed);
        self.verdict(outcome)
    }

    /// Finds the policies that could match and settles those that do not look at the context.
    fn slice(&self, who: &Principal, target: &Target<'_>) -> Slice {
        let found = self.index.candidates(&target.actions(self), &target.resources(self), &who.atoms);
        let rules = || {
            found
                .iter()
                .filter_map(|number| self.rules.get(*number))
                .filter(|rule| target.is_asked_of(self, rule))
        };
        let fixed: Vec<&Rule> = rules().filter(|rule| rule.reads == Reads::Nothing).collect();
        let reading: Vec<&Rule> = rules().filter(|rule| rule.reads != Reads::Nothing).collect();
        self.settle(who, target, &fixed, &reading).unwrap_or_else(|| {
            Slice::Decided(self.failed("the caller or the thing asked for cannot be expressed in Cedar"))
        })
    }

    fn settle(
        &self,
        who: &Principal,
        target: &Target<'_>,
        fixed: &[&Rule],
        reading: &[&Rule],
    ) -> Option<Slice> {
        let (principal, action, resource) = self.request_uids(who, target)?;
        let settled = |policies: Vec<&Policy>, parents: BTreeSet<&Uid>| {
            if policies.is_empty() {
                return Some(Outcome::default());
            }
            let uids = (principal.clone(), action.clone(), resource.clone());
            let request = Request::new(uids.0, uids.1, uids.2, Context::empty(), None).ok()?;
            Some(self.evaluate(&policy_set(policies)?, &self.entities(who, target, &parents)?, &request))
        };
        let outcome = settled(fixed.iter().map(|rule| &rule.policy).collect(), parents(fixed))?;
        let scopes: Option<Vec<&Policy>> =
            reading.iter().map(|rule| Some(&rule.halves.as_ref()?.scope)).collect();
        let in_scope = settled(scopes?, parents(reading))?.permits;
        // A forbid or a failure that no argument can change is the answer.
        if in_scope.is_empty() || !outcome.forbids.is_empty() || !outcome.errors.is_empty() {
            return Some(Slice::Decided(self.verdict(outcome)));
        }
        let conditions = self.conditions(in_scope)?;
        let entities = self.entities(who, target, &conditions.parents.iter().collect())?;
        Some(Slice::Open(Box::new(Open {
            fixed: outcome.permits,
            conditions,
            entities,
            principal,
            action,
            resource,
        })))
    }

    /// The conditions of some rules, made once for all callers whom the same rules concern.
    fn conditions(&self, rules: Vec<usize>) -> Option<Arc<Conditions>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.get(&rules) {
            return Some(Arc::clone(known));
        }
        let found: Vec<(&Rule, &Halves)> = rules
            .iter()
            .map(|number| self.rules.get(*number).and_then(|rule| Some((rule, rule.halves.as_ref()?))))
            .collect::<Option<_>>()?;
        let made = Arc::new(Conditions {
            policies: policy_set(found.iter().map(|(_, halves)| &halves.conditions).collect())?,
            parents: found.iter().flat_map(|(_, halves)| halves.parents.clone()).collect(),
            reads: found.iter().map(|(rule, _)| rule.reads.clone()).fold(Reads::Nothing, Reads::and),
        });
        if shared.len() >= MOST_SHARED {
            shared.clear();
        }
        shared.insert(rules, Arc::clone(&made));
        Some(made)
    }

    pub(crate) fn request_uids(
        &self,
        who: &Principal,
        target: &Target<'_>,
    ) -> Option<(EntityUid, EntityUid, EntityUid)> {
        let action = self.vocabulary.uid(Type::Action, target.action)?;
        Some((who.cedar.clone()?, action, self.vocabulary.uid(target.resource.kind, &target.resource.id)?))
    }

    /// The caller, the thing and the action; of the caller's parents those that are named.
    pub(crate) fn entities(
        &self,
        who: &Principal,
        target: &Target<'_>,
        named: &BTreeSet<&Uid>,
    ) -> Option<Entities> {
        let (principal, action, resource) = self.request_uids(who, target)?;
        let cedar = |uid: &Uid| self.vocabulary.uid(uid.kind, &uid.id);
        let parents: HashSet<EntityUid> =
            who.ancestors.iter().filter(|uid| named.contains(uid)).filter_map(cedar).collect();
        let attributes: HashMap<String, _> =
            who.attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let caller = Entity::new(principal, attributes, parents).ok()?;

        let own = cedar_policy::RestrictedExpression::new_string(target.own_name().to_owned());
        let attribute = match target.resource.kind {
            Type::Tool | Type::Prompt => Some("name"),
            Type::Resource => Some("uri"),
            _ => None,
        };
        let attributes = attribute.map(|name| (name.to_owned(), own)).into_iter().collect();
        let parents = target.parent.as_ref().and_then(cedar).into_iter().collect();
        let thing = Entity::new(resource, attributes, parents).ok()?;

        let group = if target.is_call() { self.vocabulary.uid(Type::Action, TOOLS_CALL) } else { None };
        let action = Entity::new_no_attrs(action, group.into_iter().collect());
        Entities::from_entities([caller, thing, action], None).ok()
    }

    pub(crate) fn evaluate(&self, policies: &PolicySet, entities: &Entities, request: &Request) -> Outcome {
        let response = self.authorizer.is_authorized(request, policies, entities);
        let mut reasons: Vec<usize> = response.diagnostics().reason().filter_map(number).collect();
        reasons.sort_unstable();
        let errors = response.diagnostics().errors().map(|error| self.policy_error(error)).collect();
        match response.decision() {
            Decision::Allow => Outcome { permits: reasons, forbids: Vec::new(), errors },
            Decision::Deny => Outcome { permits: Vec::new(), forbids: reasons, errors },
        }
    }

    fn verdict(&self, mut outcome: Outcome) -> Verdict {
        let names = |numbers: &mut Vec<usize>| -> Arc<[Arc<str>]> {
            numbers.sort_unstable();
            let mut names: Vec<Arc<str>> = numbers
                .iter()
                .filter_map(|number| self.rules.get(*number))
                .map(|rule| Arc::clone(&rule.name))
                .collect();
            names.dedup();
            names.into()
        };
        if !outcome.forbids.is_empty() {
            Verdict::Deny(Denial::new(Reason::Forbidden, names(&mut outcome.forbids), outcome.errors))
        } else if !outcome.errors.is_empty() {
            // Cedar skips a policy that fails, which turns a forbid that is made to fail into a permit.
            Verdict::Deny(Denial::new(Reason::PolicyError, Arc::default(), outcome.errors))
        } else if outcome.permits.is_empty() {
            Verdict::Deny(Denial::bare(Reason::NoPermit))
        } else {
            Verdict::Permit(names(&mut outcome.permits))
        }
    }

    fn failed(&self, what: &str) -> Verdict {
        let error = PolicyError::new(None, what.to_owned());
        Verdict::Deny(Denial::new(Reason::PolicyError, Arc::default(), vec![error]))
    }

    fn policy_error(&self, error: &AuthorizationError) -> PolicyError {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        let rule = number(error.policy_id()).and_then(|number| self.rules.get(number));
        PolicyError::new(rule.map(|rule| Arc::clone(&rule.name)), describe(error.inner()))
    }
}

/// Says what failed in words of our own: Cedar's messages quote values, and values are the caller's content.
fn describe(error: &EvaluationError) -> String {
    match error {
        EvaluationError::EntityDoesNotExist(_) => "it reads an entity that is not there",
        EvaluationError::EntityAttrDoesNotExist(_) => {
            "it reads an attribute that the caller or the resource does not have"
        }
        EvaluationError::RecordAttrDoesNotExist(_) => {
            "it reads an argument that the request does not have; guard it with `has`"
        }
        EvaluationError::TypeError(_) => "a value is not of the type that it expects",
        EvaluationError::IntegerOverflow(_) => "its arithmetic overflows",
        EvaluationError::RecursionLimit(_) => "it is nested too deeply",
        _ => "it cannot be evaluated",
    }
    .to_owned()
}

/// A rule's number: the id that its Cedar policy has.
pub(crate) fn number(id: &PolicyId) -> Option<usize> {
    let id: &str = id.as_ref();
    id.parse().ok()
}

pub(crate) fn policy_set(policies: Vec<&Policy>) -> Option<PolicySet> {
    PolicySet::from_policies(policies.into_iter().cloned()).ok()
}

fn parents<'a>(rules: &[&'a Rule]) -> BTreeSet<&'a Uid> {
    rules.iter().flat_map(|rule| &rule.parents).collect()
}

#[cfg(test)]
mod tests;
