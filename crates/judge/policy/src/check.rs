//! Whether what a policy names exists: servers, tools, prompts, actions, and ids that are spelled as ids are.
//!
//! Cedar checks types, not ids: to it, `forbid(…, resource == Tool::"crm/delte")` is a fine policy that never forbids
//! anything.

use std::collections::BTreeSet;

use cedar_policy::{EntityUid, Policy, pst};
use doorward_types::{ObjectId, ServerName};

use crate::catalogue::Catalogue;
use crate::names::{Action, TOOLS_CALL, Type, Uid, Verb};
use crate::problem::{PolicyProblem, nearest};
use crate::rule::{Head, Scope, into_policy};
use crate::text::Source;

/// A policy whose names exist, as far as they can be known.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    pub(crate) source: &'a Source,
    /// The scope as written.
    pub(crate) head: Head,
    /// The part that can be judged now: without the tools of servers that were never reached. None: nothing can.
    pub(crate) active: Option<Active>,
    /// Servers it names whose tools are not known yet.
    pub(crate) waits_for: BTreeSet<ServerName>,
}

#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) policy: Policy,
    pub(crate) body: pst::Template,
    pub(crate) head: Head,
    /// The server whose schema it is validated against; none: that of all.
    pub(crate) server: Option<ServerName>,
}

/// Checks every name of a policy.
pub(crate) fn check<'a>(
    source: &'a Source,
    catalogue: &Catalogue,
) -> Result<Checked<'a>, Vec<PolicyProblem>> {
    let mut problems = Vec::new();
    let mut waits_for = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for literal in source.policy.entity_literals() {
        if !seen.insert(literal.to_string()) {
            continue;
        }
        match standing(&literal, catalogue) {
            Standing::Fine => {}
            Standing::Unreached(server) => {
                waits_for.insert(server);
            }
            Standing::Wrong(what, help) => {
                problems.push(source.problem_at(offset_of(source, &literal), what, help))
            }
        }
    }
    let head = Head::of(&source.body);
    if let Some(head) = &head {
        problems.extend(scope_problems(source, head));
    }
    match head {
        Some(head) if problems.is_empty() => {
            let active = active(source, &head, catalogue);
            Ok(Checked { source, head, active, waits_for })
        }
        _ => {
            if problems.is_empty() {
                problems.push(source.problem_at(
                    None,
                    "the scope names a type that does not exist",
                    TYPES_HELP,
                ));
            }
            Err(problems)
        }
    }
}

const TYPES_HELP: &str = "the types are User, App, Group, Role, Tenant, Server, Tool, Prompt, Resource and Action, without a namespace";

enum Standing {
    Fine,
    /// Names something of a server whose catalogue is not known yet.
    Unreached(ServerName),
    /// What is wrong, and what to do.
    Wrong(String, String),
}

fn standing(literal: &EntityUid, catalogue: &Catalogue) -> Standing {
    let Some(uid) = Uid::from_cedar(literal) else {
        let written = literal.type_name().to_string();
        let near = nearest(&written, Type::ALL.into_iter().map(Type::name))
            .map(|name| format!("did you mean `{name}`? "));
        let help = format!("{}{TYPES_HELP}", near.unwrap_or_default());
        return Standing::Wrong(format!("there is no entity type `{written}`"), help);
    };
    match uid.kind {
        Type::User | Type::App => {
            let fits =
                uid.id.split_once('/').is_some_and(|(tid, oid)| is_canonical(tid) && is_canonical(oid));
            wrong_unless(fits, &uid, "tid/oid, two object ids in lower case")
        }
        Type::Group => {
            wrong_unless(is_canonical(&uid.id), &uid, "the group's object id in lower case, not its name")
        }
        Type::Tenant => {
            wrong_unless(is_canonical(&uid.id), &uid, "the tenant's id in lower case, not its domain")
        }
        Type::Role => wrong_unless(!uid.id.is_empty(), &uid, "the value of an app role"),
        Type::Server => of_server(&uid.id, &uid, catalogue, |_| None),
        Type::Resource => match first_part(&uid.id) {
            Some((server, _)) => of_server(server, &uid, catalogue, |_| None),
            None => wrong_unless(false, &uid, "server/uri, as in `crm/file:///report`"),
        },
        Type::Tool | Type::Prompt => match first_part(&uid.id) {
            Some((server, name)) => of_server(server, &uid, catalogue, |known| {
                let (offers, what) =
                    if uid.kind == Type::Tool { (&known.tools, "tool") } else { (&known.prompts, "prompt") };
                missing(name, what, server, offers.keys().map(AsRef::as_ref))
            }),
            None => wrong_unless(false, &uid, "server/name"),
        },
        Type::Action => of_action(&uid, catalogue),
    }
}

/// Splits `server/rest` if the first part could be a server's name.
fn first_part(id: &str) -> Option<(&str, &str)> {
    id.split_once('/').filter(|(server, _)| ServerName::parse(server).is_ok())
}

fn of_action(uid: &Uid, catalogue: &Catalogue) -> Standing {
    match Action::of(&uid.id) {
        Action::AnyTool | Action::Verb(_) => Standing::Fine,
        Action::Tool(id) => {
            let fixed = || Verb::ALL.into_iter().map(Verb::id).chain([TOOLS_CALL]);
            let unknown = || {
                let near = nearest(&id, fixed()).map(|name| format!("did you mean `Action::\"{name}\"`? "));
                let known: Vec<_> = fixed().map(|name| format!("`{name}`")).collect();
                let help = format!(
                    "{}a tool's action is `Action::\"server/tool\"`; the others are {}",
                    near.unwrap_or_default(),
                    known.join(", ")
                );
                Standing::Wrong(format!("there is no action `{uid}`"), help)
            };
            let Some((server, tool)) = id.split_once('/') else { return unknown() };
            if catalogue.server(server).is_none() && nearest(&id, fixed()).is_some() {
                return unknown();
            }
            of_server(server, uid, catalogue, |known| {
                missing(tool, "tool", server, known.tools.keys().map(AsRef::as_ref))
            })
        }
    }
}

/// Looks a server up, and something on it if its lists are whole.
fn of_server(
    name: &str,
    uid: &Uid,
    catalogue: &Catalogue,
    fault: impl Fn(&crate::catalogue::Server) -> Option<(String, String)>,
) -> Standing {
    match catalogue.server(name) {
        None => {
            let names = || catalogue.servers.keys().map(ServerName::as_str);
            let help = match (nearest(name, names()), names().next()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, None) => "no server is configured".into(),
                (None, Some(_)) => {
                    format!(
                        "the configured servers are {}",
                        names().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
                    )
                }
            };
            Standing::Wrong(format!("`{uid}` names the server `{name}`, which is not configured"), help)
        }
        Some((known, server)) if !server.complete => Standing::Unreached(known.clone()),
        Some((_, server)) => match fault(server) {
            None => Standing::Fine,
            Some((what, help)) => Standing::Wrong(what, help),
        },
    }
}

fn missing<'a>(
    name: &str,
    what: &str,
    server: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<(String, String)> {
    if known.clone().any(|known| known == name) {
        return None;
    }
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{server}/{near}`?"),
        None => {
            let some: Vec<_> = known.take(8).map(|name| format!("`{name}`")).collect();
            if some.is_empty() {
                format!("server `{server}` has no {what}s")
            } else {
                format!("server `{server}` has {}", some.join(", "))
            }
        }
    };
    Some((format!("server `{server}` has no {what} `{name}`"), help))
}

fn wrong_unless(fits: bool, uid: &Uid, spelling: &str) -> Standing {
    if fits {
        Standing::Fine
    } else {
        Standing::Wrong(
            format!("`{uid}` can match nothing"),
            format!("the id of a `{}` is {spelling}", uid.kind.name()),
        )
    }
}

/// Ids are compared by their text, and ours are folded to lower case.
fn is_canonical(id: &str) -> bool {
    ObjectId::parse(id).is_ok_and(|parsed| parsed.as_str() == id)
}

/// Scopes that Cedar reads and that hold for nobody.
fn scope_problems(source: &Source, head: &Head) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    let mut report = |what: String, help: String| problems.push(source.problem_at(None, what, help));
    if let Scope::Eq(uid) = &head.principal
        && !matches!(uid.kind, Type::User | Type::App)
    {
        report(format!("no principal is `{uid}`"), format!("write `principal in {uid}`"));
    }
    if matches!(source.body.action, pst::ActionConstraint::Eq(_)) && head.names(&Action::AnyTool) {
        let help = format!("it is a group of actions: write `action in Action::\"{TOOLS_CALL}\"`");
        report(format!("no request has the action `{TOOLS_CALL}`"), help);
    }
    for action in head.actions.iter().flatten() {
        let Action::Tool(id) = action else { continue };
        let tool = Uid::new(Type::Tool, id.as_ref());
        let server = tool.server_part().map(|(server, _)| Uid::new(Type::Server, server));
        if !head.resource.holds(&tool, |uid| Some(uid) == server.as_ref()) {
            report(
                format!("`Action::\"{id}\"` and the resource of the scope exclude each other"),
                format!("leave the resource open, or write `resource == {tool}`"),
            );
        }
    }
    problems
}

/// The part of a policy that can be judged while some servers are unknown.
fn active(source: &Source, head: &Head, catalogue: &Catalogue) -> Option<Active> {
    let reached = |server: &str| catalogue.server(server).is_some_and(|(_, server)| server.complete);
    let of_resource = head.resource.uid().and_then(Uid::server_part).map(|(server, _)| server.to_owned());
    if of_resource.as_deref().is_some_and(|server| !reached(server)) {
        return None;
    }
    let kept: Option<Vec<Action>> = head.actions.as_ref().map(|actions| {
        let judged = |action: &&Action| match action {
            Action::Tool(id) => id.split_once('/').is_some_and(|(server, _)| reached(server)),
            Action::AnyTool | Action::Verb(_) => true,
        };
        actions.iter().filter(judged).cloned().collect()
    });
    if kept.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let server = of_resource.or_else(|| only_server(kept.as_deref()));
    let server = server.and_then(|name| catalogue.server(&name)).map(|(name, _)| name.clone());
    let head = Head { actions: kept, ..head.clone() };
    if head.actions.as_ref().map(Vec::len) == Head::of(&source.body)?.actions.as_ref().map(Vec::len) {
        return Some(Active { policy: source.policy.clone(), body: source.body.clone(), head, server });
    }
    let mut body = source.body.clone();
    if let (pst::ActionConstraint::In(written), Some(kept)) = (&mut body.action, &head.actions) {
        written.retain(|uid| kept.contains(&Action::of(&uid.eid)));
    }
    let policy = into_policy(body.clone())?;
    Some(Active { policy, body, head, server })
}

/// The one server whose tools a policy's actions are, if they are nothing else.
fn only_server(actions: Option<&[Action]>) -> Option<String> {
    let mut servers: BTreeSet<&str> = BTreeSet::new();
    for action in actions? {
        let Action::Tool(id) = action else { return None };
        servers.insert(id.split_once('/')?.0);
    }
    match (servers.pop_first(), servers.is_empty()) {
        (Some(only), true) => Some(only.to_owned()),
        _ => None,
    }
}

/// Where a policy writes an entity; nothing if it spells it with escapes.
fn offset_of(source: &Source, literal: &EntityUid) -> Option<usize> {
    let plain = format!("{}::\"{}\"", literal.type_name(), literal.id().unescaped());
    source.snippet.find(&plain)
}

#[cfg(test)]
mod tests;
