//! From policy text and catalogue to a set that can be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use cedar_policy::Authorizer;
use doorward_types::ServerName;

use crate::catalogue::{Catalogue, ServerShape};
use crate::check::{Checked, check};
use crate::derive::{self, Derived};
use crate::index::Index;
use crate::names::{Action, Type, Uid, Verb, Vocabulary};
use crate::problem::PolicyProblem;
use crate::rule::Rule;
use crate::schema::{self, Extent};
use crate::slice::Conditions;
use crate::text::{PolicyText, Source};
use crate::validate::validate;

/// A compiled policy set: immutable, one a snapshot.
#[derive(Debug)]
pub struct Policies {
    pub(crate) catalogue: Catalogue,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) rules: Vec<Rule>,
    pub(crate) index: Index,
    /// Groups, roles and tenants that any policy names.
    pub(crate) named: BTreeMap<Type, BTreeSet<Arc<str>>>,
    /// Whether `see` and `connect` were derived because no policy names them.
    pub(crate) derived: DerivedVerbs,
    pub(crate) origins: Vec<Origin>,
    pub(crate) remarks: Vec<PolicyProblem>,
    pub(crate) authorizer: Authorizer,
    /// Conditions by the rules they are of: ten thousand callers under one policy hold it once.
    pub(crate) shared: Mutex<BTreeMap<Vec<usize>, Arc<Conditions>>>,
    /// What makes a [`crate::Principal`] one of this set.
    pub(crate) mark: Arc<()>,
    pending: Vec<Pending>,
    schema_text: String,
}

/// A policy that is held back for a server whose tools are not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The policy's id.
    pub policy: Arc<str>,
    /// The server it waits for.
    pub server: ServerName,
}

/// Which questions are answered by derived policies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DerivedVerbs {
    pub(crate) see: bool,
    pub(crate) connect: bool,
}

/// Where a policy was written.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) file: Arc<str>,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Policies {
    /// Validates every policy against what the servers offer, and makes the set that is asked.
    ///
    /// # Errors
    /// Every problem of every policy; a set with one does not take effect.
    pub fn compile(text: &PolicyText, shapes: &[ServerShape<'_>]) -> Result<Self, Vec<PolicyProblem>> {
        let internal =
            |what: &str| vec![PolicyProblem::placeless(what.into(), "this is a fault of the program")];
        let catalogue = Catalogue::new(shapes);
        let vocabulary =
            Vocabulary::new().ok_or_else(|| internal("the policy engine refuses an entity type"))?;
        let checked = check_all(text, &catalogue)?;
        let remarks = validate(&checked, &catalogue)?;

        let mentions = |verb| checked.iter().any(|policy| policy.head.names(&Action::Verb(verb)));
        let derived = DerivedVerbs { see: !mentions(Verb::See), connect: !mentions(Verb::Connect) };
        let rules = rules(&checked, derived);
        let mut index = Index::default();
        let mut named: BTreeMap<Type, BTreeSet<Arc<str>>> = BTreeMap::new();
        for (number, rule) in rules.iter().enumerate() {
            index.insert(number, &rule.head);
            for uid in &rule.parents {
                named.entry(uid.kind).or_default().insert(Arc::clone(&uid.id));
            }
        }
        let pending = checked
            .iter()
            .flat_map(|policy| {
                policy.waits_for.iter().map(|server| (Arc::clone(&policy.source.name), server.clone()))
            })
            .map(|(policy, server)| Pending { policy, server })
            .collect();
        Ok(Self {
            schema_text: schema::print(schema::write(&catalogue, Extent::All)),
            origins: text.policies.iter().map(Origin::of).collect(),
            catalogue,
            vocabulary,
            rules,
            index,
            named,
            derived,
            remarks,
            authorizer: Authorizer::new(),
            shared: Mutex::default(),
            mark: Arc::new(()),
            pending,
        })
    }

    /// Returns the policies that are held back, each with the server it waits for.
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Says whether any policy names a group. If none does, a person's groups need not be asked for.
    pub fn mentions_groups(&self) -> bool {
        self.named.contains_key(&Type::Group)
    }

    /// Returns the generated schema in Cedar's schema syntax.
    pub fn schema_text(&self) -> &str {
        &self.schema_text
    }

    /// Whether some policy names this group, role or tenant.
    pub(crate) fn names(&self, kind: Type, id: &str) -> Option<Uid> {
        self.named.get(&kind)?.get(id).map(|id| Uid::new(kind, Arc::clone(id)))
    }
}

impl Origin {
    fn of(source: &Source) -> Self {
        let (line, column) = source.place;
        Self { file: Arc::clone(&source.file.name), line, column }
    }
}

fn check_all<'a>(
    text: &'a PolicyText,
    catalogue: &Catalogue,
) -> Result<Vec<Checked<'a>>, Vec<PolicyProblem>> {
    let mut checked = Vec::with_capacity(text.policies.len());
    let mut problems = Vec::new();
    for source in &text.policies {
        match check(source, catalogue) {
            Ok(policy) => checked.push(policy),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

/// The policies that can be judged, then those derived from them.
fn rules(checked: &[Checked<'_>], derived: DerivedVerbs) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (origin, policy) in checked.iter().enumerate() {
        if let Some(active) = &policy.active {
            let (name, head) = (Arc::clone(&policy.source.name), active.head.clone());
            rules.push(Rule::new(rules.len(), name, origin, &active.policy, head, active.body.clauses()));
        }
    }
    let mut add = |origin: usize, name: String, found: Vec<Derived>| {
        let name: Arc<str> = name.into();
        for one in found {
            rules.push(Rule::derived(rules.len(), Arc::clone(&name), origin, one));
        }
    };
    for (origin, policy) in checked.iter().enumerate() {
        let name = &policy.source.name;
        if let (true, Some(active)) = (derived.see, &policy.active) {
            add(origin, format!("{name}~see"), derive::see(&active.body, &active.head));
        }
        // Connecting opens no tool, and without it a server that is started on demand would never be reached: so the
        // policies that wait for its tools count here already.
        if derived.connect {
            add(origin, format!("{name}~connect"), derive::connect(&policy.source.body, &policy.head));
        }
    }
    rules
}
