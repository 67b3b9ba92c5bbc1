//! A policy taken apart: whom, what and which things its scope names, and what its conditions read.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{self, Clause, EntityOrSlot, Expr, Var};
use cedar_policy::{Effect, Policy, PolicyId};

use crate::derive::Derived;
use crate::names::{Action, Type, Uid, type_of_pst};

/// A policy ready to be asked.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The id that is reported: that of the policy as written, with `~see` or `~connect` if it is derived.
    pub(crate) name: Arc<str>,
    /// Number of the policy as written.
    pub(crate) origin: usize,
    /// Whether it answers for `see` or `connect` without having been written.
    pub(crate) derived: bool,
    /// Cedar's policy; its id is this rule's number.
    pub(crate) policy: Policy,
    pub(crate) head: Head,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) reads: Reads,
    /// The two halves of a policy that reads the context: the scope is settled once, the conditions at each request.
    pub(crate) halves: Option<Halves>,
    /// Groups, roles and tenants that the policy names: a principal needs no other parents for its evaluation.
    pub(crate) parents: BTreeSet<Uid>,
}

impl Rule {
    /// Makes the rule with this number out of the policy that was written at `origin`.
    pub(crate) fn new(
        number: usize,
        name: Arc<str>,
        origin: usize,
        policy: &Policy,
        head: Head,
        clauses: &[Clause],
    ) -> Self {
        let parents = parents(policy);
        let policy = policy.new_id(PolicyId::new(number.to_string()));
        let reads = Reads::of(clauses);
        let halves = if reads == Reads::Nothing { None } else { Halves::of(number, &policy, clauses) };
        Self { name, origin, derived: false, policy, head, clauses: clauses.to_vec(), reads, halves, parents }
    }

    /// Makes a derived rule.
    pub(crate) fn derived(number: usize, name: Arc<str>, origin: usize, found: Derived) -> Self {
        Self { derived: true, ..Self::new(number, name, origin, &found.policy, found.head, &found.clauses) }
    }

    pub(crate) fn permits(&self) -> bool {
        self.head.effect == Effect::Permit
    }
}

/// A policy in two: it holds exactly if both hold. Both are policies, so that Cedar judges them.
#[derive(Debug)]
pub(crate) struct Halves {
    /// Permits what is in the scope, whatever the effect of the policy is.
    pub(crate) scope: Policy,
    /// The conditions on anybody and anything, with the policy's effect.
    pub(crate) conditions: Policy,
    /// Groups, roles and tenants that the conditions name.
    pub(crate) parents: BTreeSet<Uid>,
}

impl Halves {
    fn of(number: usize, policy: &Policy, clauses: &[Clause]) -> Option<Self> {
        let whole = policy.to_pst().ok()?;
        let whole = whole.body();
        let id = || pst::PolicyID(number.to_string().into());
        let scope = pst::Template::new(
            id(),
            pst::Effect::Permit,
            whole.principal.clone(),
            whole.action.clone(),
            whole.resource.clone(),
        );
        let conditions = pst::Template::new(
            id(),
            whole.effect,
            pst::PrincipalConstraint::Any,
            pst::ActionConstraint::Any,
            pst::ResourceConstraint::Any,
        );
        let conditions = into_policy(conditions.try_with_clauses(clauses.iter().cloned()).ok()?)?;
        Some(Self { scope: into_policy(scope)?, parents: parents(&conditions), conditions })
    }
}

/// Makes a policy of a template that has no slots.
pub(crate) fn into_policy(template: pst::Template) -> Option<Policy> {
    Policy::from_pst(pst::StaticPolicy::try_from(template).ok()?.into()).ok()
}

fn parents(policy: &Policy) -> BTreeSet<Uid> {
    let named = policy.entity_literals();
    let named = named.iter().filter_map(Uid::from_cedar);
    named.filter(|uid| matches!(uid.kind, Type::Group | Type::Role | Type::Tenant)).collect()
}

/// A policy's scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) effect: Effect,
    pub(crate) principal: Scope,
    /// The actions it names; none means any.
    pub(crate) actions: Option<Vec<Action>>,
    pub(crate) resource: Scope,
}

impl Head {
    /// Reads a policy's scope; nothing if it names a type the schema does not have.
    pub(crate) fn of(body: &pst::Template) -> Option<Self> {
        let effect = match body.effect {
            pst::Effect::Permit => Effect::Permit,
            pst::Effect::Forbid => Effect::Forbid,
        };
        let actions = match &body.action {
            pst::ActionConstraint::Any => None,
            pst::ActionConstraint::Eq(uid) => Some(vec![action(uid)?]),
            pst::ActionConstraint::In(uids) => Some(uids.iter().map(action).collect::<Option<_>>()?),
        };
        let (principal, resource) =
            (Scope::of_principal(&body.principal)?, Scope::of_resource(&body.resource)?);
        Some(Self { effect, principal, actions, resource })
    }

    pub(crate) fn names(&self, wanted: &Action) -> bool {
        self.actions.as_ref().is_some_and(|actions| actions.contains(wanted))
    }
}

fn action(uid: &pst::EntityUID) -> Option<Action> {
    let uid = Uid::from_pst(uid)?;
    (uid.kind == Type::Action).then(|| Action::of(&uid.id))
}

/// What a scope says of the principal or the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    Any,
    Eq(Uid),
    In(Uid),
    Is(Type),
    IsIn(Type, Uid),
}

impl Scope {
    fn of_principal(written: &pst::PrincipalConstraint) -> Option<Self> {
        use pst::PrincipalConstraint as Written;
        Some(match written {
            Written::Any => Self::Any,
            Written::Eq(EntityOrSlot::Entity(uid)) => Self::Eq(Uid::from_pst(uid)?),
            Written::In(EntityOrSlot::Entity(uid)) => Self::In(Uid::from_pst(uid)?),
            Written::Is(kind) => Self::Is(type_of_pst(kind)?),
            Written::IsIn(kind, EntityOrSlot::Entity(uid)) => {
                Self::IsIn(type_of_pst(kind)?, Uid::from_pst(uid)?)
            }
            Written::Eq(_) | Written::In(_) | Written::IsIn(..) => return None,
        })
    }

    fn of_resource(written: &pst::ResourceConstraint) -> Option<Self> {
        use pst::ResourceConstraint as Written;
        Some(match written {
            Written::Any => Self::Any,
            Written::Eq(EntityOrSlot::Entity(uid)) => Self::Eq(Uid::from_pst(uid)?),
            Written::In(EntityOrSlot::Entity(uid)) => Self::In(Uid::from_pst(uid)?),
            Written::Is(kind) => Self::Is(type_of_pst(kind)?),
            Written::IsIn(kind, EntityOrSlot::Entity(uid)) => {
                Self::IsIn(type_of_pst(kind)?, Uid::from_pst(uid)?)
            }
            Written::Eq(_) | Written::In(_) | Written::IsIn(..) => return None,
        })
    }

    /// The entity that what matches must be, or be under.
    pub(crate) fn uid(&self) -> Option<&Uid> {
        match self {
            Self::Any | Self::Is(_) => None,
            Self::Eq(uid) | Self::In(uid) | Self::IsIn(_, uid) => Some(uid),
        }
    }

    /// Whether an entity with these ancestors is in the scope. Decisions leave this to Cedar; explanations use it.
    pub(crate) fn holds(&self, entity: &Uid, has_ancestor: impl Fn(&Uid) -> bool) -> bool {
        let under = |uid: &Uid| uid == entity || has_ancestor(uid);
        match self {
            Self::Any => true,
            Self::Eq(uid) => uid == entity,
            Self::In(uid) => under(uid),
            Self::Is(kind) => *kind == entity.kind,
            Self::IsIn(kind, uid) => *kind == entity.kind && under(uid),
        }
    }
}

/// What a policy's conditions read of the context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Nothing: the answer depends on principal, action and resource alone, and may be kept.
    #[default]
    Nothing,
    /// These members of `context.arguments`, at the top.
    Arguments(BTreeSet<String>),
    /// Perhaps all of it.
    Everything,
}

impl Reads {
    pub(crate) fn of(clauses: &[Clause]) -> Self {
        clauses.iter().map(|clause| Self::of_expression(expression(clause))).fold(Self::Nothing, Self::and)
    }

    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Nothing, reads) | (reads, Self::Nothing) => reads,
            (Self::Arguments(mut names), Self::Arguments(more)) => {
                names.extend(more);
                Self::Arguments(names)
            }
        }
    }

    fn of_expression(expression: &Expr) -> Self {
        let one = |name: &str| Some(Self::Arguments(BTreeSet::from([name.to_owned()])));
        let look = |found: &Expr| match found {
            Expr::GetAttr { expr, attr } if is_arguments(expr) => one(attr),
            Expr::HasAttr { expr, attrs } if is_arguments(expr) => one(&attrs.head),
            Expr::HasAttr { expr, attrs } if is_context(expr) && attrs.head == "arguments" => {
                match attrs.tail.first() {
                    Some(name) => one(name),
                    None => Some(Self::Arguments(BTreeSet::new())),
                }
            }
            found if is_context(found) => Some(Self::Everything),
            _ => None,
        };
        expression.reduce(&look, &Self::and, Self::Nothing)
    }
}

fn is_context(expression: &Expr) -> bool {
    matches!(expression, Expr::Var(Var::Context))
}

fn is_arguments(expression: &Expr) -> bool {
    matches!(expression, Expr::GetAttr { expr, attr } if is_context(expr) && attr == "arguments")
}

pub(crate) fn expression(clause: &Clause) -> &Arc<Expr> {
    match clause {
        Clause::When(expression) | Clause::Unless(expression) => expression,
    }
}

/// Whether an expression uses one of these variables.
pub(crate) fn mentions(expression: &Expr, variables: &[Var]) -> bool {
    let look = |found: &Expr| match found {
        Expr::Var(variable) => Some(variables.contains(variable)),
        _ => None,
    };
    expression.reduce(&look, &|a, b| a || b, false)
}

/// The operands of a chain of one operator, from left to right: `a && b && c` is `a`, `b`, `c`.
pub(crate) fn operands(expression: &Arc<Expr>, chain: pst::BinaryOp) -> Vec<Arc<Expr>> {
    let mut found = Vec::new();
    let mut open = vec![expression];
    while let Some(next) = open.pop() {
        match next.as_ref() {
            Expr::BinaryOp { op, left, right } if *op == chain => open.extend([right, left]),
            _ => found.push(Arc::clone(next)),
        }
    }
    found
}

#[cfg(test)]
mod tests;
