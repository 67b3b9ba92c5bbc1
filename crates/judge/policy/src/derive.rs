//! `see` and `connect` where no policy speaks of them: derived from the policies on calls (D-05).
//!
//! At list time there are no arguments. A condition on them would hide every tool it guards, so for seeing it is
//! dropped from permits, and a forbid that has one is left out. Nothing that is derived permits a call.

use std::sync::Arc;

use cedar_policy::pst::{self, BinaryOp, Clause, Expr, Literal, UnaryOp, Var};
use cedar_policy::{Effect, Policy};

use crate::names::{Action, Type, Uid, Verb, pst_type};
use crate::rule::{Head, Scope, expression, into_policy, mentions, operands};

/// A derived policy.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) policy: Policy,
    pub(crate) head: Head,
    pub(crate) clauses: Vec<Clause>,
}

/// Derives who sees what from one policy on calls.
pub(crate) fn see(body: &pst::Template, head: &Head) -> Vec<Derived> {
    let Some(clauses) = relaxed(body, head, &[Var::Context]) else { return Vec::new() };
    // The action is `see` from here on. A condition on it becomes one on the resource; one that cannot derives nothing.
    let Some(clauses) = clauses.iter().map(of_resource).collect::<Option<Vec<_>>>() else {
        return Vec::new();
    };
    let scopes: Vec<Scope> = match &head.actions {
        None => vec![head.resource.clone()],
        Some(actions) => actions.iter().filter_map(|action| seen_under(action, &head.resource)).collect(),
    };
    derive(body, head, Verb::See, scopes, &clauses)
}

/// Derives who may connect where from one policy of any kind: whoever some permit could apply to, unless a forbid
/// takes the whole server away.
pub(crate) fn connect(body: &pst::Template, head: &Head) -> Vec<Derived> {
    let Some(clauses) = relaxed(body, head, &[Var::Context, Var::Action, Var::Resource]) else {
        return Vec::new();
    };
    let scopes = match (head.effect, &head.actions) {
        (Effect::Permit, None) => server_under(None, &head.resource).into_iter().collect(),
        (Effect::Permit, Some(actions)) => {
            actions.iter().filter_map(|action| server_under(Some(action), &head.resource)).collect()
        }
        // To forbid one tool, or all calls, is not to forbid the server.
        (Effect::Forbid, None) => match &head.resource {
            Scope::Any => vec![Scope::Any],
            Scope::Eq(uid) | Scope::In(uid) if uid.kind == Type::Server => vec![Scope::Eq(uid.clone())],
            _ => Vec::new(),
        },
        (Effect::Forbid, Some(_)) => Vec::new(),
    };
    derive(body, head, Verb::Connect, scopes, &clauses)
}

/// Drops from a permit what mentions the variables; nothing is left of a forbid that does.
fn relaxed(body: &pst::Template, head: &Head, variables: &[Var]) -> Option<Vec<Clause>> {
    if head.effect == Effect::Forbid {
        let silent = body.clauses().iter().all(|clause| !mentions(expression(clause), variables));
        return silent.then(|| body.clauses().clone());
    }
    Some(body.clauses().iter().filter_map(|clause| without(clause, variables)).collect())
}

fn without(clause: &Clause, variables: &[Var]) -> Option<Clause> {
    let keep = |whole: &Arc<Expr>, op: BinaryOp| {
        operands(whole, op)
            .into_iter()
            .filter(|part| !mentions(part, variables))
            .reduce(|left, right| Arc::new(Expr::BinaryOp { op, left, right }))
    };
    match clause {
        Clause::When(whole) => keep(whole, BinaryOp::And).map(Clause::When),
        // `unless { a || b }` is `unless { a } unless { b }`.
        Clause::Unless(whole) => keep(whole, BinaryOp::Or).map(Clause::Unless),
    }
}

/// The same condition with the actions it names said of the resource: `action == Action::"crm/read"` is
/// `resource == Tool::"crm/read"`.
fn of_resource(clause: &Clause) -> Option<Clause> {
    Some(match clause {
        Clause::When(whole) => Clause::When(translated(whole)?),
        Clause::Unless(whole) => Clause::Unless(translated(whole)?),
    })
}

fn translated(whole: &Arc<Expr>) -> Option<Arc<Expr>> {
    if !mentions(whole, &[Var::Action]) {
        return Some(Arc::clone(whole));
    }
    let not = |expr| Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::new(expr) };
    Some(Arc::new(match whole.as_ref() {
        Expr::UnaryOp { op: UnaryOp::Not, expr } => {
            Expr::UnaryOp { op: UnaryOp::Not, expr: translated(expr)? }
        }
        Expr::BinaryOp { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
            Expr::BinaryOp { op: *op, left: translated(left)?, right: translated(right)? }
        }
        Expr::BinaryOp { op, left, right } if matches!(left.as_ref(), Expr::Var(Var::Action)) => {
            match (op, right.as_ref()) {
                (BinaryOp::Eq, Expr::Literal(Literal::EntityUID(uid))) => said_of_resource(uid, false)?,
                (BinaryOp::NotEq, Expr::Literal(Literal::EntityUID(uid))) => {
                    not(said_of_resource(uid, false)?)
                }
                (BinaryOp::In, Expr::Literal(Literal::EntityUID(uid))) => said_of_resource(uid, true)?,
                (BinaryOp::In, Expr::Set(uids)) => {
                    let tests = uids.iter().map(|uid| match uid.as_ref() {
                        Expr::Literal(Literal::EntityUID(uid)) => said_of_resource(uid, true),
                        _ => None,
                    });
                    let either = |left, right| Expr::BinaryOp {
                        op: BinaryOp::Or,
                        left: Arc::new(left),
                        right: Arc::new(right),
                    };
                    tests.collect::<Option<Vec<_>>>()?.into_iter().reduce(either)?
                }
                _ => return None,
            }
        }
        _ => return None,
    }))
}

/// `within` also counts the members of the group of all tools.
fn said_of_resource(uid: &pst::EntityUID, within: bool) -> Option<Expr> {
    let resource = || Arc::new(Expr::Var(Var::Resource));
    let is = |kind| Some(Expr::Is { expr: resource(), entity_type: pst_type(kind)?, in_expr: None });
    match Action::of(&uid.eid) {
        Action::Tool(id) => {
            let tool = Expr::Literal(Literal::EntityUID(Uid::new(Type::Tool, id).to_pst()?));
            Some(Expr::BinaryOp { op: BinaryOp::Eq, left: resource(), right: Arc::new(tool) })
        }
        Action::AnyTool if within => is(Type::Tool),
        Action::Verb(Verb::GetPrompt) => is(Type::Prompt),
        Action::Verb(Verb::ReadResource) => is(Type::Resource),
        Action::AnyTool | Action::Verb(_) => Some(Expr::Literal(Literal::Bool(false))),
    }
}

/// What of a call's scope is seen: the resource scope that `see` gets, or nothing if the action is no call.
fn seen_under(action: &Action, resource: &Scope) -> Option<Scope> {
    match action {
        Action::Tool(id) => {
            let tool = Uid::new(Type::Tool, Arc::clone(id));
            let server = tool.server_part().map(|(server, _)| Uid::new(Type::Server, server));
            resource.holds(&tool, |uid| Some(uid) == server.as_ref()).then_some(Scope::Eq(tool))
        }
        Action::AnyTool => narrowed(Type::Tool, resource),
        Action::Verb(Verb::GetPrompt) => narrowed(Type::Prompt, resource),
        Action::Verb(Verb::ReadResource) => narrowed(Type::Resource, resource),
        Action::Verb(_) => None,
    }
}

/// The same scope, for one type only.
fn narrowed(kind: Type, resource: &Scope) -> Option<Scope> {
    match resource {
        Scope::Any => Some(Scope::Is(kind)),
        Scope::Eq(uid) => (uid.kind == kind).then(|| resource.clone()),
        Scope::In(uid) => Some(Scope::IsIn(kind, uid.clone())),
        Scope::Is(named) | Scope::IsIn(named, _) => (*named == kind).then(|| resource.clone()),
    }
}

fn server_under(action: Option<&Action>, resource: &Scope) -> Option<Scope> {
    let named = match resource.uid() {
        None => None,
        Some(uid) if uid.kind == Type::Server || uid.kind.belongs_to_server() => Some(uid.server_part()?.0),
        Some(_) => return None,
    };
    let of_action = match action {
        Some(Action::Tool(id)) => Some(id.split_once('/')?.0),
        _ => None,
    };
    match (named, of_action) {
        (None, None) => Some(Scope::Any),
        (Some(server), None) | (None, Some(server)) => Some(Scope::Eq(Uid::new(Type::Server, server))),
        (Some(server), Some(other)) => (server == other).then(|| Scope::Eq(Uid::new(Type::Server, server))),
    }
}

fn derive(
    body: &pst::Template,
    head: &Head,
    verb: Verb,
    scopes: Vec<Scope>,
    clauses: &[Clause],
) -> Vec<Derived> {
    let mut distinct: Vec<Scope> = Vec::new();
    for scope in scopes {
        if !distinct.contains(&scope) {
            distinct.push(scope);
        }
    }
    distinct.into_iter().filter_map(|resource| write(body, head, verb, resource, clauses)).collect()
}

fn write(
    body: &pst::Template,
    head: &Head,
    verb: Verb,
    resource: Scope,
    clauses: &[Clause],
) -> Option<Derived> {
    let action = Uid::new(Type::Action, verb.id()).to_pst()?;
    let template = pst::Template::new(
        body.id.clone(),
        body.effect,
        body.principal.clone(),
        pst::ActionConstraint::Eq(action),
        resource_constraint(&resource)?,
    )
    .try_with_clauses(clauses.to_vec())
    .ok()?;
    let policy = into_policy(template)?;
    let head = Head { actions: Some(vec![Action::Verb(verb)]), resource, ..head.clone() };
    Some(Derived { policy, head, clauses: clauses.to_vec() })
}

fn resource_constraint(scope: &Scope) -> Option<pst::ResourceConstraint> {
    let entity = |uid: &Uid| uid.to_pst().map(pst::EntityOrSlot::Entity);
    Some(match scope {
        Scope::Any => pst::ResourceConstraint::Any,
        Scope::Eq(uid) => pst::ResourceConstraint::Eq(entity(uid)?),
        Scope::In(uid) => pst::ResourceConstraint::In(entity(uid)?),
        Scope::Is(kind) => pst::ResourceConstraint::Is(pst_type(*kind)?),
        Scope::IsIn(kind, uid) => pst::ResourceConstraint::IsIn(pst_type(*kind)?, entity(uid)?),
    })
}

#[cfg(test)]
mod tests;
