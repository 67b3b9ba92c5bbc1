//! `doorward console`: what waits at a gateway's console, and the decisions about it, from a person's own machine and with
//! their sign-in there.

use std::io::{IsTerminal as _, stderr};
use std::process::ExitCode;

use bytes::Bytes;
use clap::{Args, Subcommand};
use doorward_accounts::{Ask, Interactive};
use doorward_config::Console as Address;
use doorward_net::{ConfiguredFetch, Fetch as _};
use doorward_oidc::Form;
use doorward_oidc::public::Scopes;
use doorward_pins::visible;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::commands::accounts::{Place, Setup, failed, load};
use crate::commands::serve::runtime;
use crate::failure::Failure;
use crate::out::{DIM, GOOD, NAME, Out, WARN, paint};
use crate::table::{Cell, Table, cell};

/// Decide at a gateway's console what others may use.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "The file has `[guard]`, which says who signs in, and `[guard.console]`, which says where the console is (docs/console.md).

Examples:
  doorward console list
  doorward console diff notes tool add
  doorward console approve notes tool add --hash sha256:3f9a51 --reason 'read the change log'"
)]
pub(crate) enum Console {
    /// List what waits; with --all, what was agreed to as well.
    List(List),
    /// Show what waits beside what was agreed to.
    Diff(Thing),
    /// Agree to what waits.
    Approve(Decide),
    /// Refuse it.
    Reject(Decide),
    /// Go back to an earlier definition.
    Rollback(Decide),
}

/// List what waits.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// What was agreed to as well.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    who: Who,
}

/// One thing at one server.
#[derive(Debug, Args)]
pub(crate) struct Thing {
    /// The server.
    #[arg(value_name = "SERVER")]
    server: String,
    /// What kind of thing.
    #[arg(value_name = "KIND", value_parser = ["tool", "prompt", "resource", "template", "server"])]
    kind: String,
    /// Its name; for what a server says of itself, the server's.
    #[arg(value_name = "NAME")]
    name: String,
    /// The hash of the definition that is meant, where several wait.
    #[arg(long, value_name = "HASH")]
    hash: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// A decision.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The server.
    #[arg(value_name = "SERVER")]
    server: String,
    /// What kind of thing.
    #[arg(value_name = "KIND", value_parser = ["tool", "prompt", "resource", "template", "server"])]
    kind: String,
    /// Its name; for what a server says of itself, the server's.
    #[arg(value_name = "NAME")]
    name: String,
    /// The hash of the definition that is decided about, as `console diff` shows it: so you decide about what you saw.
    #[arg(long, value_name = "HASH")]
    hash: String,
    /// Why, for those who read the log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how many days an approval counts; for good without it.
    #[arg(long, value_name = "DAYS")]
    expires_days: Option<u64>,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Args)]
pub(crate) struct Who {
    #[command(flatten)]
    place: Place,
    /// Who, where several people are signed in: an address or an object id.
    #[arg(long, value_name = "WHO")]
    account: Option<String>,
}

impl Console {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::List(list) => {
                let told = list.who.ask(Method::GET, "pins", None, out)?;
                show_list(&told, list.all, out);
            }
            Self::Diff(thing) => {
                let query = Form::new()
                    .with("server", &thing.server)
                    .with("kind", &thing.kind)
                    .with("name", &thing.name)
                    .with_some("hash", thing.hash.as_deref());
                let told = thing.who.ask(Method::GET, &format!("pins/diff?{}", query.as_str()), None, out)?;
                show_diff(&told, out);
            }
            Self::Approve(decide) => decide.run("approve", out)?,
            Self::Reject(decide) => decide.run("reject", out)?,
            Self::Rollback(decide) => decide.run("rollback", out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Decide {
    fn run(self, act: &str, out: &Out) -> Result<(), Failure> {
        let Self { server, kind, name, hash, reason, expires_days, who } = self;
        let order = json!({
            "do": act, "server": server, "kind": kind, "name": name, "hash": hash, "reason": reason,
            "expires_days": expires_days,
        });
        let told = who.ask(Method::POST, "pins", Some(order), out)?;
        if out.json {
            out.line(told);
        } else {
            let done = at(&told, "act").as_str().unwrap_or("done").replace("pin-", "").replace('-', " ");
            out.line(format_args!(
                "{} the {kind} {} of {server}",
                paint(GOOD, done),
                paint(NAME, visible(&name))
            ));
        }
        Ok(())
    }
}

impl Who {
    /// Asks the console, as who is signed in here. The token is for the console's scope as this machine's file has it, and goes to the
    /// address of the same file alone.
    fn ask(&self, method: Method, path: &str, body: Option<Value>, out: &Out) -> Result<Value, Failure> {
        let config = load(&self.place.config)?;
        let console = config.guard.console.clone().ok_or_else(|| {
            Failure::usage("the configuration has no `[guard.console]`, so nobody knows where the console is")
                .help(
                    "add `[guard.console]` with `url` and `scope`; docs/console.md says where they come from",
                )
        })?;
        let Setup { accounts, connector, .. } = Setup::make(&config, out)?;
        let scopes = Scopes::of([&console.scope]);
        let ask = Ask {
            account: self.account.as_deref(),
            scopes: &scopes,
            refused: None,
            // A script that nobody watches would wait for a sign-in until it is killed.
            interactive: if stderr().is_terminal() { Interactive::Browser } else { Interactive::Never },
        };
        runtime(Some(1))?.block_on(async {
            let token = accounts.token(&ask).await.map_err(failed)?;
            let bearer = format!("Bearer {}", token.access.expose());
            send(&ConfiguredFetch(connector), &console, (method, path, body), &bearer).await
        })
    }
}

async fn send(
    fetch: &ConfiguredFetch,
    console: &Address,
    (method, path, body): (Method, &str, Option<Value>),
    bearer: &str,
) -> Result<Value, Failure> {
    let url = format!("{}/api/{path}", console.url.as_str().trim_end_matches('/'));
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(&url)
        .header(AUTHORIZATION, bearer)
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body))
        .map_err(|error| Failure::new(format!("{url}: {error}")))?;
    let answer = fetch.fetch(request).await.map_err(|error| {
        Failure::new(format!("the console at {} does not answer: {error}", console.url))
            .help("look whether the gateway runs with `[admin]`, and whether this machine may reach it")
    })?;
    let told: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    if answer.status() == StatusCode::OK {
        return Ok(told);
    }
    let what = at(&told, "error").as_str().map_or_else(|| format!("HTTP {}", answer.status()), visible);
    match what.rsplit_once("; ") {
        Some((what, help)) => Err(Failure::new(format!("the console refuses: {what}")).help(help)),
        None => Err(Failure::new(format!("the console refuses: {what}"))),
    }
}

fn at<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    at(value, name).as_str().unwrap_or_default()
}

/// Whatever the console tells of servers is strangers' text: it steers no terminal.
fn show_list(told: &Value, all: bool, out: &Out) {
    if out.json {
        out.line(told);
        return;
    }
    let mut table = Table::indented(0);
    let mut rows = 0;
    for one in told.as_array().into_iter().flatten() {
        let (server, kind, name) = (text(one, "server"), text(one, "kind"), visible(text(one, "name")));
        for held in at(one, "waiting").as_array().into_iter().flatten() {
            rows += 1;
            table.row([
                Cell::new(WARN, "waits"),
                cell(server),
                cell(kind),
                Cell::new(NAME, &name),
                cell(visible(text(held, "why"))),
                Cell::new(DIM, text(held, "hash").chars().take(19).collect::<String>()),
            ]);
        }
        if all && at(one, "pin").is_object() {
            rows += 1;
            table.row([
                Cell::new(GOOD, "pinned"),
                cell(server),
                cell(kind),
                Cell::new(NAME, &name),
                cell(visible(text(at(one, "pin"), "stand"))),
                Cell::new(DIM, text(at(one, "pin"), "hash").chars().take(19).collect::<String>()),
            ]);
        }
    }
    match rows {
        0 => out.note("nothing waits"),
        _ => out.line(table),
    }
}

fn show_diff(told: &Value, out: &Out) {
    if out.json {
        out.line(told);
        return;
    }
    let name = visible(text(told, "name"));
    out.line(format_args!("{} {} of {}", text(told, "kind"), paint(NAME, name), text(told, "server")));
    for reason in at(told, "reasons").as_array().into_iter().flatten() {
        let (why, at) = (visible(text(reason, "why")), visible(text(reason, "at")));
        out.line(format_args!("  {} {}", paint(WARN, why), paint(DIM, at)));
    }
    for field in at(told, "fields").as_array().into_iter().flatten() {
        out.line(format_args!("  {}", paint(DIM, visible(text(field, "pointer")))));
        let mut line = String::from("    ");
        for part in at(field, "segments").as_array().into_iter().flatten() {
            match part.as_object().and_then(|part| part.iter().next()) {
                Some((what, value)) if what == "added" => {
                    line.push_str(&format!("{{+{}+}}", value.as_str().unwrap_or_default()));
                }
                Some((what, value)) if what == "removed" => {
                    line.push_str(&format!("[-{}-]", value.as_str().unwrap_or_default()));
                }
                Some((what, value)) if what == "cut" => line.push_str(&format!(" … {value} characters … ")),
                Some((_, value)) => line.push_str(value.as_str().unwrap_or_default()),
                None => {}
            }
        }
        out.line(line);
    }
    out.line(format_args!("  {} {}", paint(DIM, "hash"), text(told, "hash")));
}
