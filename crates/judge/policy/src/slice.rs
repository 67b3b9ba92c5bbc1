//! The few policies that matter to one caller and one thing, and what they say.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Context, Decision, Entities, Entity, EntityUid, EvaluationError, PolicyId, PolicySet,
    Request,
};
use doorward_types::ServerName;

use crate::ask::{Ask, Item};
use crate::catalogue::{Offer, Server};
use crate::compile::Policies;
use crate::context::{Declared, Misfit, of_arguments, of_method};
use crate::decide::{Denial, PolicyError, Reason};
use crate::index::Atom;
use crate::names::{Action, TOOLS_CALL, Type, Uid, Verb};
use crate::principal::{Principal, Slot};
use crate::rule::{Reads, Rule};

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
    policies: PolicySet,
    entities: Entities,
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    reads: Reads,
}

/// A question with what the catalogue knows of its object.
pub(crate) struct Target<'a> {
    server: &'a Server,
    kind: Kind,
    pub(crate) action: &'a str,
    pub(crate) resource: Uid,
    /// The server's entity, if `resource` is something of it.
    pub(crate) parent: Option<Uid>,
    offer: Option<&'a Offer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Verb(Verb),
    SeeTool,
    SeePrompt,
    SeeResource,
}

impl<'a> Target<'a> {
    /// Looks a question up; nothing if its server, tool or prompt does not exist.
    pub(crate) fn of(policies: &'a Policies, ask: &Ask<'a>) -> Option<Self> {
        let name = ask.server();
        let server = policies.catalogue.servers.get(name)?;
        let whole = |verb: Verb| Self::whole(name, server, verb);
        Some(match *ask {
            Ask::Connect { .. } => whole(Verb::Connect),
            Ask::CallTool { tool, .. } => {
                let offer = server.tools.get(tool)?;
                Self::offered(name, server, Kind::Call, &offer.id, Type::Tool, offer)
            }
            Ask::GetPrompt { prompt, .. } => {
                let offer = server.prompts.get(prompt)?;
                Self::offered(
                    name,
                    server,
                    Kind::Verb(Verb::GetPrompt),
                    Verb::GetPrompt.id(),
                    Type::Prompt,
                    offer,
                )
            }
            Ask::ReadResource { uri, .. } => Self::resource(name, server, Verb::ReadResource, uri),
            Ask::ServerRequest { method, .. } => whole(match Verb::of(method) {
                Some(verb @ (Verb::Sampling | Verb::Elicitation | Verb::Roots)) => verb,
                _ => Verb::Other,
            }),
            Ask::Other { .. } => whole(Verb::Other),
        })
    }

    pub(crate) fn of_item(policies: &'a Policies, name: &ServerName, item: Item<'a>) -> Option<Self> {
        let server = policies.catalogue.servers.get(name)?;
        let see = Verb::See.id();
        Some(match item {
            Item::Tool(tool) => {
                Self::offered(name, server, Kind::SeeTool, see, Type::Tool, server.tools.get(tool)?)
            }
            Item::Prompt(prompt) => {
                Self::offered(name, server, Kind::SeePrompt, see, Type::Prompt, server.prompts.get(prompt)?)
            }
            Item::Resource(uri) => Self::resource(name, server, Verb::See, uri),
        })
    }

    fn whole(name: &ServerName, server: &'a Server, verb: Verb) -> Self {
        let resource = Uid::new(Type::Server, name.as_str());
        Self { server, kind: Kind::Verb(verb), action: verb.id(), resource, parent: None, offer: None }
    }

    fn offered(
        name: &ServerName,
        server: &'a Server,
        kind: Kind,
        action: &'a str,
        ty: Type,
        offer: &'a Offer,
    ) -> Self {
        let resource = Uid::new(ty, Arc::clone(&offer.id));
        let parent = Some(Uid::new(Type::Server, name.as_str()));
        Self { server, kind, action, resource, parent, offer: Some(offer) }
    }

    fn resource(name: &ServerName, server: &'a Server, verb: Verb, uri: &str) -> Self {
        let kind = if verb == Verb::See { Kind::SeeResource } else { Kind::Verb(verb) };
        let resource = Uid::new(Type::Resource, format!("{name}/{uri}"));
        let parent = Some(Uid::new(Type::Server, name.as_str()));
        Self { server, kind, action: verb.id(), resource, parent, offer: None }
    }

    /// Whether this may be judged before the server's lists are known: only connecting may, since it opens no tool.
    pub(crate) fn is_pending(&self) -> bool {
        !self.server.complete && self.kind != Kind::Verb(Verb::Connect)
    }

    /// Where answers to this question are kept.
    pub(crate) fn slot<'u>(&'u self) -> Slot<'u> {
        let question = match self.kind {
            Kind::Call => 0,
            Kind::SeeTool => 1,
            Kind::SeePrompt => 2,
            Kind::SeeResource => 3,
            Kind::Verb(verb) => match verb {
                Verb::See => 4,
                Verb::Connect => 5,
                Verb::GetPrompt => 6,
                Verb::ReadResource => 7,
                Verb::Sampling => 8,
                Verb::Elicitation => 9,
                Verb::Roots => 10,
                Verb::Other => 11,
            },
        };
        let item = self.offer.map_or(0, |offer| offer.index);
        match self.resource.kind {
            Type::Resource => Slot::Uri(question, self.server.index, self.own_name()),
            _ => Slot::Known(question, self.server.index, item),
        }
    }

    /// Where it is kept whether a tool or prompt of a list is seen.
    pub(crate) fn list_slot(&self) -> Option<(u8, u32, u32)> {
        match self.slot() {
            Slot::Known(question @ (1 | 2), server, item) if !self.is_pending() => {
                Some((question, server, item))
            }
            _ => None,
        }
    }

    /// The name or URI without its server.
    fn own_name(&self) -> &str {
        self.resource.server_part().map_or("", |(_, own)| own)
    }

    /// Whether a rule takes part in this question at all.
    pub(crate) fn is_asked_of(&self, policies: &Policies, rule: &Rule) -> bool {
        let names = |verb: Verb| rule.head.names(&Action::Verb(verb));
        let derived = rule.derived;
        match self.kind {
            Kind::SeeTool | Kind::SeePrompt | Kind::SeeResource | Kind::Verb(Verb::See) => {
                if policies.derived.see { derived && names(Verb::See) } else { !derived }
            }
            Kind::Verb(Verb::Connect) => {
                if policies.derived.connect {
                    derived && names(Verb::Connect)
                } else {
                    !derived
                }
            }
            // An unknown method needs a policy that names `other`: "everything" was written without it in mind (D-27).
            Kind::Verb(Verb::Other) => !derived && (!rule.permits() || rule.head.actions.is_some()),
            Kind::Call | Kind::Verb(_) => !derived,
        }
    }

    /// Whether an action of a scope is this question's, or its group.
    pub(crate) fn is_action(&self, action: &Action) -> bool {
        match action {
            Action::Tool(id) => self.kind == Kind::Call && id.as_ref() == self.action,
            Action::AnyTool => self.kind == Kind::Call,
            Action::Verb(verb) => verb.id() == self.action,
        }
    }

    /// The action and its group, as the index knows them; nothing stands for policies on any action.
    fn actions(&self, policies: &Policies) -> Vec<Option<Atom>> {
        let atom = |id: &str| policies.index.atom(&Uid::new(Type::Action, id)).map(Some);
        let group = if self.kind == Kind::Call { atom(TOOLS_CALL) } else { None };
        atom(self.action).into_iter().chain(group).chain([None]).collect()
    }

    fn resources(&self, policies: &Policies) -> Vec<Option<Atom>> {
        let atom = |uid: &Uid| policies.index.atom(uid).map(Some);
        let parent = self.parent.as_ref().and_then(atom);
        atom(&self.resource).into_iter().chain(parent).chain([None]).collect()
    }

    /// The context that policies which read `reads` are shown.
    pub(crate) fn context(&self, ask: Option<&Ask<'_>>, reads: &Reads) -> Result<Context, Misfit> {
        let none = Default::default();
        let declared = self.offer.map_or(&none, |offer| &offer.arguments);
        match ask {
            Some(Ask::CallTool { arguments, .. }) => {
                of_arguments(*arguments, &Declared::Tool(declared), reads)
            }
            Some(Ask::GetPrompt { arguments, .. }) => {
                of_arguments(*arguments, &Declared::Prompt(declared), reads)
            }
            Some(Ask::Other { method, .. } | Ask::ServerRequest { method, .. })
                if self.action == Verb::Other.id() =>
            {
                of_method(method)
            }
            _ => Ok(Context::empty()),
        }
    }
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
        let context = match target.context(ask, &open.reads) {
            Ok(context) => context,
            Err(misfit) => return self.failed(&misfit.text()),
        };
        let who = (open.principal.clone(), open.action.clone(), open.resource.clone());
        let Ok(request) = Request::new(who.0, who.1, who.2, context, None) else {
            return self.failed("the request cannot be expressed in Cedar");
        };
        let mut outcome = self.evaluate(&open.policies, &open.entities, &request);
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
        let mut outcome = Outcome::default();
        if !fixed.is_empty() {
            let uids = (principal.clone(), action.clone(), resource.clone());
            let request = Request::new(uids.0, uids.1, uids.2, Context::empty(), None).ok()?;
            outcome = self.evaluate(&policy_set(fixed)?, &self.entities(who, target, fixed)?, &request);
        }
        // A forbid or a failure that no argument can change is the answer.
        if reading.is_empty() || !outcome.forbids.is_empty() || !outcome.errors.is_empty() {
            return Some(Slice::Decided(self.verdict(outcome)));
        }
        Some(Slice::Open(Box::new(Open {
            fixed: outcome.permits,
            policies: policy_set(reading)?,
            entities: self.entities(who, target, reading)?,
            principal,
            action,
            resource,
            reads: reading.iter().map(|rule| rule.reads.clone()).fold(Reads::Nothing, Reads::and),
        })))
    }

    pub(crate) fn request_uids(
        &self,
        who: &Principal,
        target: &Target<'_>,
    ) -> Option<(EntityUid, EntityUid, EntityUid)> {
        let action = self.vocabulary.uid(Type::Action, target.action)?;
        Some((who.cedar.clone()?, action, self.vocabulary.uid(target.resource.kind, &target.resource.id)?))
    }

    /// The caller, the thing and the action, with those parents that the rules name.
    pub(crate) fn entities(&self, who: &Principal, target: &Target<'_>, rules: &[&Rule]) -> Option<Entities> {
        let (principal, action, resource) = self.request_uids(who, target)?;
        let cedar = |uid: &Uid| self.vocabulary.uid(uid.kind, &uid.id);
        let named: BTreeSet<&Uid> = rules.iter().flat_map(|rule| &rule.parents).collect();
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

        let group =
            if target.kind == Kind::Call { self.vocabulary.uid(Type::Action, TOOLS_CALL) } else { None };
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

pub(crate) fn policy_set(rules: &[&Rule]) -> Option<PolicySet> {
    PolicySet::from_policies(rules.iter().map(|rule| rule.policy.clone())).ok()
}
