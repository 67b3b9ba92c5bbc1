//! Cedar's strict validator, run on no more than it has to look at.
//!
//! The validator looks at a policy once for each tool and each kind of principal, relevant or not: ten thousand
//! policies times five hundred tools are minutes. So a policy is shown the smallest schema that says the same of it.

use std::collections::BTreeMap;

use cedar_policy::pst::{Expr, Literal};
use cedar_policy::{PolicyId, PolicySet, ValidationMode, Validator};
use miette::Diagnostic;

use crate::catalogue::Catalogue;
use crate::check::{Active, Checked};
use crate::names::{Action, Type, Verb, type_of_pst};
use crate::problem::PolicyProblem;
use crate::rule::{Reads, Scope, expression};
use crate::schema::{self, Extent};
use crate::slice::number;

/// Validates the policies; returns what Cedar warns of.
///
/// # Errors
/// What it refuses, in the order of the files.
pub(crate) fn validate(
    checked: &[Checked<'_>],
    catalogue: &Catalogue,
) -> Result<Vec<PolicyProblem>, Vec<PolicyProblem>> {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let mut groups: BTreeMap<Extent<'_>, Vec<(usize, &Active)>> = BTreeMap::new();
    for (number, policy) in checked.iter().enumerate() {
        let Some(active) = &policy.active else { continue };
        warnings.extend(idle(active).map(|(what, help)| policy.source.problem_at(None, what, help)));
        // A scope alone has no types to check, and `check` has looked up its names.
        if !active.body.clauses().is_empty() {
            groups.entry(extent(active)).or_default().push((number, active));
        }
    }
    for (extent, policies) in groups {
        let fault = |what: String| vec![PolicyProblem::placeless(what, "this is a fault of the program")];
        let schema = schema::compile(schema::write(catalogue, extent))
            .map_err(|error| fault(format!("the generated schema is refused: {error}")))?;
        let numbered =
            policies.iter().map(|(number, active)| active.policy.new_id(PolicyId::new(number.to_string())));
        let set = PolicySet::from_policies(numbered)
            .map_err(|error| fault(format!("the policies do not form a set: {error}")))?;
        let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
        let place = |id: &PolicyId, diagnostic: &dyn Diagnostic| {
            let policy = number(id).and_then(|number| checked.get(number));
            problem_of(policy, id, diagnostic, catalogue)
        };
        errors.extend(result.validation_errors().map(|error| place(error.policy_id(), error)));
        warnings.extend(result.validation_warnings().map(|warning| place(warning.policy_id(), warning)));
    }
    let (errors, warnings) = (tidy(errors), tidy(warnings));
    if errors.is_empty() { Ok(warnings) } else { Err(errors) }
}

/// Brings findings into the order of the files, and one to each place: Cedar repeats a finding for every kind of
/// request that the scope covers, which may be a thousand.
fn tidy(mut found: Vec<PolicyProblem>) -> Vec<PolicyProblem> {
    found.sort();
    found.dedup();
    let mut tidied: Vec<PolicyProblem> = Vec::new();
    let mut more = 0;
    for problem in found {
        let same = |last: &PolicyProblem| {
            (&last.file, last.line, last.column, &last.policy)
                == (&problem.file, problem.line, problem.column, &problem.policy)
        };
        match tidied.last_mut().filter(|last| same(last)) {
            None => {
                close(&mut tidied, more);
                more = 0;
                tidied.push(problem);
            }
            Some(_) => more += 1,
        }
    }
    close(&mut tidied, more);
    tidied
}

fn close(tidied: &mut [PolicyProblem], more: u32) {
    if let (Some(last), 1..) = (tidied.last_mut(), more) {
        last.what.push_str(&format!(" (and {more} more like it)"));
        if last.what.contains("in context for") {
            "narrow the scope to actions that have it, or test with `has` first".clone_into(&mut last.help);
        }
    }
}

/// The smallest schema under which a policy is as valid as under the whole one.
fn extent(active: &Active) -> Extent<'_> {
    let whole = match &active.server {
        // `resource in Server::"crm"` does not tell Cedar that the other servers' arguments do not matter.
        Some(server) => Extent::Server(server),
        None => Extent::All,
    };
    if names_actions(active) {
        return whole;
    }
    let tools: Vec<&Action> =
        active.head.actions.iter().flatten().filter(|action| matches!(action, Action::Tool(_))).collect();
    let reads_nothing = Reads::of(active.body.clauses()) == Reads::Nothing;
    match (tools.as_slice(), &active.head.actions, &active.server) {
        ([Action::Tool(id)], Some(actions), Some(server)) if actions.len() == 1 => Extent::Tool(server, id),
        // Without its arguments one tool is like another.
        ([], _, _) if reads_nothing => Extent::OneForAll,
        _ => whole,
    }
}

/// Whether the conditions name an action, which the small schemas may not have.
fn names_actions(active: &Active) -> bool {
    let look = |found: &Expr| match found {
        Expr::Literal(Literal::EntityUID(uid)) => Some(type_of_pst(&uid.ty) == Some(Type::Action)),
        _ => None,
    };
    active.body.clauses().iter().any(|clause| expression(clause).reduce(&look, &|a, b| a || b, false))
}

/// Scopes whose action and resource never come together; Cedar would say so of policies with conditions only.
fn idle(active: &Active) -> Option<(&'static str, &'static str)> {
    let kind = match &active.head.resource {
        Scope::Is(kind) | Scope::IsIn(kind, _) => *kind,
        Scope::Eq(uid) => uid.kind,
        Scope::Any | Scope::In(_) => return None,
    };
    let fits = |action: &Action| match action {
        Action::Tool(_) | Action::AnyTool | Action::Verb(Verb::See) if kind == Type::Tool => true,
        Action::Verb(Verb::See | Verb::GetPrompt) if kind == Type::Prompt => true,
        Action::Verb(Verb::See | Verb::ReadResource) if kind == Type::Resource => true,
        Action::Verb(Verb::Connect | Verb::Sampling | Verb::Elicitation | Verb::Roots | Verb::Other) => {
            kind == Type::Server
        }
        _ => false,
    };
    match &active.head.actions {
        Some(actions) if !actions.iter().any(fits) => Some((
            "never applies: its actions are not done to its resource",
            "tools are called, prompts got, resources read; `resource in Server::\"…\"` is all that a server has",
        )),
        _ => None,
    }
}

fn problem_of(
    policy: Option<&Checked<'_>>,
    id: &PolicyId,
    found: &dyn Diagnostic,
    catalogue: &Catalogue,
) -> PolicyProblem {
    let plain = |text: String| text.replacen(&format!("for policy `{id}`, "), "", 1);
    let what = plain(found.to_string());
    let help = match untyped(&what, catalogue) {
        Some(help) => help,
        None => found.help().map(|help| plain(help.to_string())).unwrap_or_default(),
    };
    let Some(policy) = policy else { return PolicyProblem::placeless(what, help) };
    // A policy that lost an action to a server not reached yet was written anew, without places.
    let offset = found.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    policy.source.problem_at(offset, what, help)
}

/// What to say of an argument that is declared and that Cedar does not know because it has no type for it.
fn untyped(what: &str, catalogue: &Catalogue) -> Option<String> {
    let (name, _) = what.strip_prefix("attribute `arguments.")?.split_once('`')?;
    let offers = catalogue.servers.values().flat_map(|server| server.tools.values());
    let declared = offers.into_iter().any(|offer| offer.untyped.iter().any(|known| known.as_ref() == name));
    declared.then(|| {
        format!("`{name}` is declared, but as a number, as one of several types or as none: policies cannot rely on it")
    })
}

#[cfg(test)]
mod tests;
