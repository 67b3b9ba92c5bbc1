//! Tests of policies, written by their authors: who asks for what, and the answer they expect.
//!
//! ```toml
//! [[case]]
//! name = "a reader reads their own"
//! principal = { user = "11111111-…/22222222-…", roles = ["Reader"] }
//! ask = { server = "crm", tool = "read", arguments = { user_id = "22222222-…" } }
//! expect = "permit"
//! policies = ["own-data"]
//! ```
//!
//! `ask` is one of `{ server, tool, arguments }`, `{ server, prompt, arguments }`, `{ server, resource }`,
//! `{ server, request }` (a request of the server), `{ server, method }` (an unknown method), `{ connect = "server" }`
//! and `{ see = "server", tool | prompt | resource }`. `arguments_json` takes the arguments as JSON text instead.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use doorward_types::{ClientId, ObjectId, ServerName, TenantId};
use doorward_wire::{Limits, Tree, Value};
use serde::Deserialize;

use crate::ask::{Ask, Item};
use crate::compile::Policies;
use crate::explain::Explanation;
use crate::principal::{Principal, PrincipalFacts, PrincipalKind};
use crate::problem::{File, PolicyProblem};

/// Cases that parse.
#[derive(Debug)]
pub struct Cases(Vec<Case>);

/// The outcome of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The case's name.
    pub name: String,
    /// Whether it came out as expected.
    pub ok: bool,
    /// What was expected, as in `permit by own-data`.
    pub expected: String,
    /// What came out, in the same words.
    pub got: String,
    /// Where it did not come out: the policies that came close or decided, and why.
    pub reasons: Vec<String>,
}

impl Cases {
    /// Parses a test file.
    ///
    /// # Errors
    /// The first thing that cannot be read, with its place where TOML gives one.
    pub fn parse(name: &str, text: &str) -> Result<Self, PolicyProblem> {
        let file = File { name: name.into(), text: text.into() };
        let read: Written = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            file.problem(at, None, error.message(), "see the fields of a case in the policy reference")
        })?;
        let cases = read.case.into_iter().map(|case| {
            let (name, at) = (case.name.get_ref().clone(), case.name.span().start);
            Case::read(case).map_err(|what| file.problem(at, None, format!("case `{name}`: {what}"), ""))
        });
        cases.collect::<Result<_, _>>().map(Self)
    }

    /// Returns how many cases there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether there is none: a file without cases tests nothing, and should not pass.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs every case.
    pub fn run(&self, policies: &Policies) -> Vec<Row> {
        self.0.iter().map(|case| case.run(policies)).collect()
    }
}

#[derive(Debug)]
struct Case {
    name: String,
    who: Who,
    question: Question,
    arguments: Option<Tree>,
    expect: Expect,
    policies: Vec<String>,
}

#[derive(Debug)]
struct Who {
    tenant: TenantId,
    object: ObjectId,
    client: ClientId,
    kind: PrincipalKind,
    scopes: Vec<Arc<str>>,
    roles: Vec<Arc<str>>,
    groups: BTreeSet<ObjectId>,
}

#[derive(Debug)]
struct Question {
    server: ServerName,
    what: What,
}

#[derive(Debug)]
enum What {
    Connect,
    Tool(String),
    Prompt(String),
    Resource(String),
    Request(String),
    Method(String),
    SeeTool(String),
    SeePrompt(String),
    SeeResource(String),
}

impl Case {
    fn read(written: WrittenCase) -> Result<Self, String> {
        let arguments = match (written.ask.arguments.as_ref(), &written.ask.arguments_json) {
            (Some(_), Some(_)) => return Err("has both `arguments` and `arguments_json`".into()),
            (Some(table), None) => Some(serde_json::to_string(table).map_err(|error| error.to_string())?),
            (None, json) => json.clone(),
        };
        // The same reader as for real requests, so that a case proves what the door does.
        let parse = |text: String| {
            Tree::parse(Bytes::from(text), &Limits::default()).map_err(|error| format!("arguments: {error}"))
        };
        Ok(Self {
            arguments: arguments.map(parse).transpose()?,
            who: Who::read(written.principal)?,
            question: Question::read(written.ask)?,
            name: written.name.into_inner(),
            expect: written.expect,
            policies: written.policies,
        })
    }

    fn run(&self, policies: &Policies) -> Row {
        let who = self.who.principal(policies);
        let explanation = self.question.explain(policies, &who, self.arguments.as_ref().map(Tree::root));
        let (got, deciding) = match &explanation.answer {
            Ok(permits) => (Expect::Permit, permits.clone()),
            Err(denial) => (Expect::Deny, denial.policies().to_vec()),
        };
        let same: BTreeSet<&str> = deciding.iter().map(AsRef::as_ref).collect();
        let wanted: BTreeSet<&str> = self.policies.iter().map(String::as_str).collect();
        let ok = got == self.expect && (wanted.is_empty() || wanted == same);
        let reasons = if ok { Vec::new() } else { reasons(&explanation) };
        Row {
            name: self.name.clone(),
            ok,
            expected: in_words(self.expect, wanted.into_iter()),
            got: in_words(got, same.into_iter()),
            reasons,
        }
    }
}

fn in_words<'a>(answer: Expect, policies: impl Iterator<Item = &'a str>) -> String {
    let word = match answer {
        Expect::Permit => "permit",
        Expect::Deny => "deny",
    };
    let policies: Vec<_> = policies.collect();
    if policies.is_empty() { word.to_owned() } else { format!("{word} by {}", policies.join(", ")) }
}

fn reasons(explanation: &Explanation) -> Vec<String> {
    let denial = explanation.answer.as_ref().err().map(ToString::to_string);
    let matched = explanation.considered.iter().filter(|one| one.outcome == crate::Outcome::Matched);
    denial.into_iter().chain(matched.chain(explanation.near_misses()).map(ToString::to_string)).collect()
}

impl Who {
    fn read(written: WrittenPrincipal) -> Result<Self, String> {
        let (id, kind) = match (&written.user, &written.app) {
            (Some(user), None) => (user, PrincipalKind::User),
            (None, Some(app)) => (app, PrincipalKind::App),
            _ => return Err("`principal` needs one of `user` and `app`".into()),
        };
        let (tenant, object) = id.split_once('/').ok_or("the principal's id is not `tid/oid`")?;
        let groups = written.groups.iter().map(|group| ObjectId::parse(group)).collect::<Result<_, _>>();
        // The nil id: no application has it.
        let client = written.client.as_deref().unwrap_or("00000000-0000-0000-0000-000000000000");
        Ok(Self {
            tenant: TenantId::parse(tenant).map_err(|error| format!("`{tenant}` is {error}"))?,
            object: ObjectId::parse(object).map_err(|error| format!("`{object}` is {error}"))?,
            client: ClientId::parse(client).map_err(|error| format!("`{client}` is {error}"))?,
            kind,
            scopes: written.scopes.into_iter().map(Arc::from).collect(),
            roles: written.roles.into_iter().map(Arc::from).collect(),
            groups: groups.map_err(|error| format!("a group is {error}"))?,
        })
    }

    fn principal(&self, policies: &Policies) -> Principal {
        policies.principal(&PrincipalFacts {
            tenant: &self.tenant,
            object: &self.object,
            client: &self.client,
            kind: self.kind,
            scopes: &self.scopes,
            roles: &self.roles,
            groups: &self.groups,
        })
    }
}

impl Question {
    fn read(written: WrittenAsk) -> Result<Self, String> {
        let (server, seeing, connecting) = match (written.server, written.connect, written.see) {
            (Some(server), None, None) => (server, false, false),
            (None, Some(server), None) => (server, false, true),
            (None, None, Some(server)) => (server, true, false),
            _ => return Err("`ask` needs one of `server`, `connect` and `see`".into()),
        };
        let has_arguments = written.arguments.is_some() || written.arguments_json.is_some();
        let named = [
            written.tool.map(if seeing { What::SeeTool } else { What::Tool }),
            written.prompt.map(if seeing { What::SeePrompt } else { What::Prompt }),
            written.resource.map(if seeing { What::SeeResource } else { What::Resource }),
            written.request.map(What::Request),
            written.method.map(What::Method),
        ];
        let mut named = named.into_iter().flatten();
        let what = match (named.next(), named.next(), connecting) {
            (None, _, true) => What::Connect,
            (Some(What::Request(_) | What::Method(_)), _, _) if seeing => {
                return Err("only a tool, a prompt or a resource is seen".into());
            }
            (Some(what), None, false) => what,
            (None, _, false) => return Err("`ask` does not name what is asked for".into()),
            _ => return Err("`ask` names more than one thing".into()),
        };
        if has_arguments && !matches!(what, What::Tool(_) | What::Prompt(_)) {
            return Err("only a tool or a prompt takes arguments".into());
        }
        let server = ServerName::parse(&server).map_err(|error| format!("`{server}` is {error}"))?;
        Ok(Self { server, what })
    }

    fn explain(&self, policies: &Policies, who: &Principal, arguments: Option<Value<'_>>) -> Explanation {
        let server = &self.server;
        let ask = match &self.what {
            What::Connect => Ask::Connect { server },
            What::Tool(tool) => Ask::CallTool { server, tool, arguments },
            What::Prompt(prompt) => Ask::GetPrompt { server, prompt, arguments },
            What::Resource(uri) => Ask::ReadResource { server, uri },
            What::Request(method) => Ask::ServerRequest { server, method },
            What::Method(method) => Ask::Other { server, method },
            What::SeeTool(name) => return policies.explain_seeing(who, server, Item::Tool(name)),
            What::SeePrompt(name) => return policies.explain_seeing(who, server, Item::Prompt(name)),
            What::SeeResource(uri) => return policies.explain_seeing(who, server, Item::Resource(uri)),
        };
        policies.explain(who, &ask)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    case: Vec<WrittenCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: toml::Spanned<String>,
    principal: WrittenPrincipal,
    ask: WrittenAsk,
    expect: Expect,
    #[serde(default)]
    policies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrincipal {
    user: Option<String>,
    app: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    client: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAsk {
    server: Option<String>,
    connect: Option<String>,
    see: Option<String>,
    tool: Option<String>,
    prompt: Option<String>,
    resource: Option<String>,
    request: Option<String>,
    method: Option<String>,
    arguments: Option<toml::Table>,
    arguments_json: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Expect {
    Permit,
    Deny,
}

#[cfg(test)]
mod tests;
