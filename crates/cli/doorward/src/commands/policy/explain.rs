//! `doorward policy explain`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use clap::{ArgGroup, Args};
use doorward_policy::{
    Ask, Considered, Explanation, Item, Outcome, Policies, Principal, PrincipalFacts, PrincipalKind,
};
use doorward_types::{ClientId, IdError, ObjectId, ServerName, TenantId};
use doorward_wire::{Limits, Tree};
use serde_json::{Value, json};

use crate::commands::policy::sources::{Loaded, Sources, place};
use crate::failure::Failure;
use crate::out::{BAD, DIM, GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{Cell, Table, cell, clean, count};

/// No application has this id: a question that names no client is asked by none that a policy could name.
const NO_CLIENT: &str = "00000000-0000-0000-0000-000000000000";

/// Explain what the policies answer to one question, and why.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("who").required(true).args(["user", "app"])),
    group(ArgGroup::new("what").required(true).args(["tool", "prompt", "resource", "method", "connect"])),
    override_usage = "doorward policy explain [OPTIONS] --user TENANT/OBJECT SERVER TOOL [--arguments JSON | --see]
       doorward policy explain [OPTIONS] --user TENANT/OBJECT SERVER --prompt NAME | --resource URI [--see]
       doorward policy explain [OPTIONS] --user TENANT/OBJECT SERVER --connect | --method METHOD",
    after_help = "Exit code: 0 answered, whatever the answer; 2 the question or a file is wrong.

Examples:
  doorward policy explain --user TENANT/OBJECT --role Reader crm search
  doorward policy explain --user TENANT/OBJECT crm read_note --arguments '{\"id\":7}'
  doorward policy explain --user TENANT/OBJECT --see crm search"
)]
pub(crate) struct Explain {
    /// The person who asks: tenant id and object id.
    #[arg(long, value_name = "TENANT/OBJECT")]
    user: Option<String>,
    /// The service that asks for itself: tenant id and object id.
    #[arg(long, value_name = "TENANT/OBJECT")]
    app: Option<String>,
    /// An app role that the caller has; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<Arc<str>>,
    /// A group that the caller is in, by object id; may be repeated.
    #[arg(long = "group", value_name = "ID")]
    groups: Vec<String>,
    /// A scope that the token carries; may be repeated.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Arc<str>>,
    /// The application that the caller uses.
    #[arg(long, value_name = "ID", default_value = NO_CLIENT, hide_default_value = true)]
    client: String,
    /// The server.
    #[arg(value_name = "SERVER")]
    server: String,
    /// The tool that is called.
    #[arg(value_name = "TOOL")]
    tool: Option<String>,
    /// The prompt that is fetched, instead of a tool.
    #[arg(long, value_name = "NAME")]
    prompt: Option<String>,
    /// The resource that is read, instead of a tool.
    #[arg(long, value_name = "URI")]
    resource: Option<String>,
    /// A request of the server, like `sampling/createMessage`, or a method that no revision knows.
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// Whether the server may be used at all.
    #[arg(long)]
    connect: bool,
    /// Whether the tool, prompt or resource is listed, instead of whether it may be used.
    #[arg(long, conflicts_with_all = ["connect", "method", "arguments"])]
    see: bool,
    /// The arguments of the call.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["connect", "method", "resource"])]
    arguments: Option<String>,
    /// Show also the policies that are about something else.
    #[arg(long)]
    all: bool,
    /// Folder of `*.cedar` files; by default the one of the configuration.
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
}

impl Explain {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let loaded = self.sources.load(out, self.dir.as_deref())?;
        let server = self.server(&loaded)?;
        let who = self.principal(&loaded.policies)?;
        let arguments = self.arguments.as_deref().map(parse_arguments).transpose()?;
        let explanation = self.explain(&loaded.policies, &who, &server, arguments.as_ref());
        if out.json {
            out.line(as_json(&explanation));
        } else {
            print(out, &explanation, &loaded.dir, self.all);
            self.tell_absent(out, &loaded, &server);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn explain(
        &self,
        policies: &Policies,
        who: &Principal,
        server: &ServerName,
        arguments: Option<&Tree>,
    ) -> Explanation {
        let arguments = arguments.map(Tree::root);
        let ask = match (&self.tool, &self.prompt, &self.resource, &self.method) {
            (Some(tool), ..) if self.see => return policies.explain_seeing(who, server, Item::Tool(tool)),
            (_, Some(prompt), ..) if self.see => {
                return policies.explain_seeing(who, server, Item::Prompt(prompt));
            }
            (_, _, Some(uri), _) if self.see => {
                return policies.explain_seeing(who, server, Item::Resource(uri));
            }
            (Some(tool), ..) => Ask::CallTool { server, tool, arguments },
            (_, Some(prompt), ..) => Ask::GetPrompt { server, prompt, arguments },
            (_, _, Some(uri), _) => Ask::ReadResource { server, uri },
            (_, _, _, Some(method)) => Ask::ServerRequest { server, method },
            (None, None, None, None) => Ask::Connect { server },
        };
        policies.explain(who, &ask)
    }

    fn server(&self, loaded: &Loaded) -> Result<ServerName, Failure> {
        let known = || loaded.servers.names().map(ServerName::as_str).collect::<Vec<_>>().join(", ");
        let parsed = ServerName::parse(&self.server).ok();
        parsed.filter(|name| loaded.servers.names().any(|known| known == name)).ok_or_else(|| {
            let failure = Failure::usage(format!("there is no server `{}`", clean(&self.server)));
            if loaded.servers.is_empty() {
                failure.help(
                    "name a configuration with --config FILE, or what the servers offer with --tools FILE",
                )
            } else {
                failure.help(format!("the servers are {}", known()))
            }
        })
    }

    fn principal(&self, policies: &Policies) -> Result<Principal, Failure> {
        let (id, kind) = match (&self.user, &self.app) {
            (None, Some(app)) => (app, PrincipalKind::App),
            (user, _) => (user.as_ref().unwrap_or(&self.server), PrincipalKind::User),
        };
        let wrong = |text: &str, error: IdError| Failure::usage(format!("`{}` is {error}", clean(text)));
        let (tenant, object) = id.split_once('/').ok_or_else(|| {
            Failure::usage(format!("`{}` does not name a caller", clean(id)))
                .help("write tenant id, slash, object id: Entra's `tid` and `oid`, as the audit log's keys and tokens have them")
        })?;
        let groups = self.groups.iter().map(|group| {
            ObjectId::parse(group).map_err(|error| {
                wrong(group, error).help("a group is named by its object id, since names can be taken")
            })
        });
        Ok(policies.principal(&PrincipalFacts {
            tenant: &TenantId::parse(tenant).map_err(|error| wrong(tenant, error))?,
            object: &ObjectId::parse(object).map_err(|error| wrong(object, error))?,
            client: &ClientId::parse(&self.client).map_err(|error| wrong(&self.client, error))?,
            kind,
            scopes: &self.scopes,
            roles: &self.roles,
            groups: &groups.collect::<Result<BTreeSet<_>, _>>()?,
        }))
    }

    /// A tool that is not there is denied like any other; only the operator is told the difference.
    fn tell_absent(&self, out: &Out, loaded: &Loaded, server: &ServerName) {
        let shapes = loaded.servers.shapes();
        let Some(shape) = shapes.iter().find(|shape| shape.name == server) else { return };
        if !shape.complete {
            loaded.servers.tell_unknown(out);
            return;
        }
        let absent = match (&self.tool, &self.prompt) {
            (Some(tool), _) if !shape.tools.iter().any(|known| known.name == tool.as_str()) => ("tool", tool),
            (_, Some(prompt)) if !shape.prompts.iter().any(|known| known.name == prompt.as_str()) => {
                ("prompt", prompt)
            }
            _ => return,
        };
        let (what, name) = absent;
        out.note(format_args!("{} {server} has no {what} `{}`", paint(WARN, "note:"), clean(name)));
    }
}

/// Reads arguments the way the door does.
fn parse_arguments(text: &str) -> Result<Tree, Failure> {
    const HELP: &str = "write a JSON object in quotes: --arguments '{\"id\": 7}'";
    let tree = Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
        .map_err(|error| Failure::usage(format!("the arguments are not valid JSON: {error}")).help(HELP))?;
    if tree.root().is_object() {
        return Ok(tree);
    }
    Err(Failure::usage("the arguments are not a JSON object").help(HELP))
}

fn print(out: &Out, explanation: &Explanation, dir: &Path, all: bool) {
    let decides = |one: &Considered| match &explanation.answer {
        Ok(permits) => permits.contains(&one.policy),
        Err(denial) => {
            denial.policies().contains(&one.policy)
                || denial.errors().iter().any(|error| error.policy() == Some(&one.policy))
        }
    };
    match &explanation.answer {
        Ok(_) => out.line(paint(GOOD, "permit")),
        Err(denial) => out.line(format_args!(
            "{} ({}): {}",
            paint(BAD, "deny"),
            denial.reason(),
            clean(&denial.to_string())
        )),
    }
    let deciding: Vec<&Considered> = explanation.considered.iter().filter(|one| decides(one)).collect();
    section(out, "decided by", &deciding, dir);
    // What came close to a permit is of interest to whoever is missing one.
    let near: Vec<&Considered> = match &explanation.answer {
        Ok(_) => Vec::new(),
        Err(_) => explanation.near_misses().filter(|one| !decides(one)).collect(),
    };
    section(out, "came close", &near, dir);
    let is_shown = |one: &Considered| decides(one) || near.iter().any(|near| std::ptr::eq(*near, one));
    let rest: Vec<&Considered> = explanation.considered.iter().filter(|one| !is_shown(one)).collect();
    if all {
        section(out, "others", &rest, dir);
    } else if !rest.is_empty() {
        out.line(format_args!("\n{} did not decide it; --all shows them", count(rest.len(), "other policy")));
    }
}

fn section(out: &Out, title: &str, policies: &[&Considered], dir: &Path) {
    if policies.is_empty() {
        return;
    }
    let mut table = Table::indented(2);
    for one in policies {
        let effect = if one.permits { Cell::new(GOOD, "permit") } else { Cell::new(BAD, "forbid") };
        let why = match &one.outcome {
            Outcome::Matched => Cell::new(DIM, "matches"),
            outcome => cell(outcome),
        };
        table.row([effect, Cell::new(NAME, &one.policy), cell(place(&one.file, one.line, Some(dir))), why]);
    }
    out.line(format_args!("\n{}\n{table}", paint(STRONG, title)));
}

fn as_json(explanation: &Explanation) -> Value {
    let names = |ids: &[Arc<str>]| ids.iter().map(|id| Value::from(&**id)).collect::<Value>();
    let near: Vec<&str> = explanation.near_misses().map(|one| &*one.policy).collect();
    let considered: Vec<Value> = explanation.considered.iter().map(considered_json).collect();
    match &explanation.answer {
        Ok(permits) => {
            json!({ "answer": "permit", "policies": names(permits), "considered": considered, "near_misses": near })
        }
        Err(denial) => {
            let errors =
                denial.errors().iter().map(|error| json!({ "policy": error.policy(), "what": error.what() }));
            json!({
                "answer": "deny",
                "reason": denial.reason(),
                "policies": names(denial.policies()),
                "errors": errors.collect::<Vec<_>>(),
                "considered": considered,
                "near_misses": near,
            })
        }
    }
}

fn considered_json(one: &Considered) -> Value {
    let (outcome, details) = match &one.outcome {
        Outcome::Matched => ("matched", json!([])),
        Outcome::OutOfScope(parts) => ("out-of-scope", json!(parts)),
        Outcome::NotMet(conditions) => ("not-met", json!(conditions)),
        Outcome::Failed(what) => ("failed", json!([what])),
    };
    json!({
        "policy": &*one.policy, "file": &*one.file, "line": one.line,
        "effect": if one.permits { "permit" } else { "forbid" },
        "outcome": outcome, "details": details,
    })
}
