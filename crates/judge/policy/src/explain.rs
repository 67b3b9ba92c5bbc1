//! Why the answer is what it is: every policy that was considered, and how close it came.

use std::fmt;
use std::sync::Arc;

use cedar_policy::pst::{self, BinaryOp, Clause};
use cedar_policy::{Context, Effect, Policy, PolicyId, Request};

use crate::ask::{Ask, Item};
use crate::compile::Policies;
use crate::decide::Denial;
use crate::principal::Principal;
use crate::rule::{Reads, Rule, expression, into_policy, operands};
use crate::slice::{Verdict, policy_set};
use crate::target::Target;

/// The answer to one question and how it came about. For operators: it says more than a caller may know.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The ids of the permitting policies, or the denial.
    pub answer: Result<Vec<Arc<str>>, Denial>,
    /// Every policy that takes part in the question, in the order they were written.
    pub considered: Vec<Considered>,
}

/// One policy and what became of it.
#[derive(Debug, Clone)]
pub struct Considered {
    /// The policy's id; `~see` or `~connect` mark a derived one.
    pub policy: Arc<str>,
    /// The file it was written in.
    pub file: Arc<str>,
    /// Line of its first word, from 1.
    pub line: u32,
    /// Whether it permits; else it forbids.
    pub permits: bool,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Scope and conditions hold.
    Matched,
    /// These parts of the scope do not hold: `principal`, `action`, `resource`.
    OutOfScope(Vec<&'static str>),
    /// The scope holds, and these conditions do not.
    NotMet(Vec<String>),
    /// It could not be evaluated, which refuses the request.
    Failed(String),
}

impl Explanation {
    /// Returns the permits that only one part kept from matching.
    pub fn near_misses(&self) -> impl Iterator<Item = &Considered> {
        self.considered.iter().filter(|policy| {
            policy.permits
                && match &policy.outcome {
                    Outcome::OutOfScope(parts) => parts.len() == 1,
                    Outcome::NotMet(conditions) => conditions.len() <= 1,
                    Outcome::Failed(_) => true,
                    Outcome::Matched => false,
                }
        })
    }
}

impl Policies {
    /// Explains a decision.
    pub fn explain(&self, who: &Principal, ask: &Ask<'_>) -> Explanation {
        match Target::of(self, ask) {
            Some(target) => self.explain_target(who, &target, Some(ask)),
            None => Explanation { answer: Err(self.nothing_there(ask)), considered: Vec::new() },
        }
    }

    /// Explains why an item is listed or not.
    pub fn explain_seeing(
        &self,
        who: &Principal,
        server: &doorward_types::ServerName,
        item: Item<'_>,
    ) -> Explanation {
        match Target::of_item(self, server, item) {
            Some(target) => self.explain_target(who, &target, None),
            None => Explanation {
                answer: Err(self.nothing_there(&Ask::Connect { server })),
                considered: Vec::new(),
            },
        }
    }

    fn explain_target(&self, who: &Principal, target: &Target<'_>, ask: Option<&Ask<'_>>) -> Explanation {
        let answer = match self.judge(who, target, ask) {
            Verdict::Permit(policies) => Ok(policies.to_vec()),
            Verdict::Deny(denial) => Err(denial),
        };
        let asked = self.rules.iter().filter(|rule| target.is_asked_of(self, rule));
        let considered = asked
            .map(|rule| {
                let origin = self.origins.get(rule.origin);
                Considered {
                    policy: Arc::clone(&rule.name),
                    file: origin.map(|origin| Arc::clone(&origin.file)).unwrap_or_default(),
                    line: origin.map_or(0, |origin| origin.line),
                    permits: rule.head.effect == Effect::Permit,
                    outcome: self.outcome(who, target, ask, rule),
                }
            })
            .collect();
        Explanation { answer, considered }
    }

    fn outcome(&self, who: &Principal, target: &Target<'_>, ask: Option<&Ask<'_>>, rule: &Rule) -> Outcome {
        let mut missed = Vec::new();
        if !rule.head.principal.holds(&who.uid, |uid| who.ancestors.contains(uid)) {
            missed.push("principal");
        }
        if rule
            .head
            .actions
            .as_ref()
            .is_some_and(|actions| !actions.iter().any(|action| target.is_action(action)))
        {
            missed.push("action");
        }
        if !rule.head.resource.holds(&target.resource, |uid| target.parent.as_ref() == Some(uid)) {
            missed.push("resource");
        }
        if !missed.is_empty() {
            return Outcome::OutOfScope(missed);
        }
        match self.holds(who, target, ask, rule, None) {
            Ok(true) => Outcome::Matched,
            Ok(false) => Outcome::NotMet(self.unmet(who, target, ask, rule)),
            Err(what) => Outcome::Failed(what),
        }
    }

    /// Evaluates one rule, or one condition in its place.
    fn holds(
        &self,
        who: &Principal,
        target: &Target<'_>,
        ask: Option<&Ask<'_>>,
        rule: &Rule,
        condition: Option<&Policy>,
    ) -> Result<bool, String> {
        const INEXPRESSIBLE: &str = "the request cannot be expressed in Cedar";
        let context = match &rule.reads {
            Reads::Nothing => Context::empty(),
            reads => target.context(ask, reads).map_err(|misfit| misfit.text())?,
        };
        let (principal, action, resource) = self.request_uids(who, target).ok_or(INEXPRESSIBLE)?;
        let entities = self.entities(who, target, &rule.parents.iter().collect()).ok_or(INEXPRESSIBLE)?;
        let request =
            Request::new(principal, action, resource, context, None).map_err(|error| error.to_string())?;
        let policies = policy_set(vec![condition.unwrap_or(&rule.policy)]).ok_or(INEXPRESSIBLE)?;
        let outcome = self.evaluate(&policies, &entities, &request);
        match outcome.errors.first() {
            Some(error) => Err(error.what().to_owned()),
            None => Ok(!outcome.permits.is_empty() || !outcome.forbids.is_empty()),
        }
    }

    /// The conditions that do not hold, each on its own.
    fn unmet(&self, who: &Principal, target: &Target<'_>, ask: Option<&Ask<'_>>, rule: &Rule) -> Vec<String> {
        let mut unmet = Vec::new();
        for clause in &rule.clauses {
            let (op, word) = match clause {
                Clause::When(_) => (BinaryOp::And, "when"),
                Clause::Unless(_) => (BinaryOp::Or, "unless"),
            };
            for part in operands(expression(clause), op) {
                let text = format!("{word} {{ {part} }}");
                let alone = match clause {
                    Clause::When(_) => Clause::When(part),
                    Clause::Unless(_) => Clause::Unless(part),
                };
                let holds = condition(alone).map(|policy| self.holds(who, target, ask, rule, Some(&policy)));
                // A part that needs the guard before it fails on its own; the guard is named already.
                if let Some(Ok(false)) = holds {
                    unmet.push(text);
                }
            }
        }
        unmet
    }
}

/// A policy that permits whatever meets one condition.
fn condition(clause: Clause) -> Option<Policy> {
    let template = pst::Template::new(
        "condition",
        pst::Effect::Permit,
        pst::PrincipalConstraint::Any,
        pst::ActionConstraint::Any,
        pst::ResourceConstraint::Any,
    );
    let template = template.try_with_clauses([clause]).ok()?;
    let policy = into_policy(template)?;
    // Evaluation reports policies by number; any number will do.
    Some(policy.new_id(PolicyId::new("0")))
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Ok(policies) => {
                f.write_str("permit, by")?;
                for policy in policies {
                    write!(f, " `{policy}`")?;
                }
                writeln!(f)?;
            }
            Err(denial) => writeln!(f, "deny ({}): {denial}", denial.reason())?,
        }
        for one in &self.considered {
            writeln!(f, "  {one}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Considered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = if self.permits { "permit" } else { "forbid" };
        write!(f, "{effect} `{}` ({}:{}): {}", self.policy, self.file, self.line, self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched => f.write_str("matched"),
            Self::OutOfScope(parts) => write!(f, "another {}", parts.join(", another ")),
            Self::NotMet(conditions) if conditions.is_empty() => f.write_str("its conditions are not met"),
            Self::NotMet(conditions) => write!(f, "not met: {}", conditions.join("; ")),
            Self::Failed(what) => write!(f, "failed, which refuses: {what}"),
        }
    }
}

#[cfg(test)]
mod tests;
