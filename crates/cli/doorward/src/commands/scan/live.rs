//! A server that runs: started for this alone in the guard's sandbox, or reached at its address; asked for what it offers by
//! the guard's own way, in whichever revision it speaks; and left. None of its tools is called.

mod talk;
mod visitor;

use std::time::Duration;

use doorward_clients::masked;
use doorward_config::{LogFormat, LogLevel};
use doorward_engine::{EraRule, Flagged, FlowRules, LookAlikes, ResultRules, UpstreamFault};
use doorward_guard::{Behind, Guard, Plan, Program};
use doorward_net::{Origin, Reach};
use doorward_sandbox::Profile;
use doorward_types::ServerName;
use doorward_upstream::HttpTarget;
use http::HeaderName;

use super::read::{self, Source};
use super::{Scanned, Unread};
use crate::commands::guard::{STARTER, at_home};
use crate::commands::serve::{log_to_stderr, runtime};
use crate::failure::Failure;
use talk::{Talk, Told};
use visitor::Visitor;

/// A server that is to be asked.
pub(super) struct Asked {
    /// What findings call it.
    pub(super) name: String,
    server: Server,
}

enum Server {
    Program { command: Vec<String>, profile: Profile },
    Address { url: String, headers: Vec<(String, String)> },
}

impl Asked {
    /// A program, in a sandbox of these lines.
    pub(super) fn program(name: String, command: Vec<String>, sandbox: &[String]) -> Result<Self, Failure> {
        let profile = Profile::parse(&sandbox.join("\n")).map_err(|error| {
            Failure::usage(error.to_string()).help("docs/guard.md lists the lines of a profile")
        })?;
        Ok(Self { name, server: Server::Program { command, profile } })
    }

    /// A server at an address, to which these headers are sent.
    pub(super) fn address(name: String, url: String, headers: Vec<(String, String)>) -> Self {
        Self { name, server: Server::Address { url, headers } }
    }
}

/// Whether an argument is an address, rather than a file.
pub(super) fn is_address(argument: &str) -> bool {
    let scheme = argument.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// An address as it may be shown: people put tokens into queries.
pub(super) fn shown(url: &str) -> String {
    let address = url.split(['?', '#']).next().unwrap_or_default();
    masked(&[address.to_owned()]).concat()
}

/// Reads `Authorization` out of one variable, and other headers out of others. What stands on a command line is seen by
/// everybody on the machine; what stands in the environment is not.
pub(super) fn headers(bearer: Option<&str>, named: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let variable = |name: &str| match std::env::var(name) {
        Ok(value) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
        _ => Err(Failure::usage(format!("the variable `{name}` is not set here, is empty, or is no text"))
            .help("put the token into it, and name the variable")),
    };
    let mut headers = Vec::new();
    for pair in named {
        let (name, from) = pair.split_once('=').unwrap_or_default();
        if HeaderName::from_bytes(name.as_bytes()).is_err() || from.is_empty() {
            return Err(Failure::usage("a header is told as NAME=VARIABLE, and this is something else")
                .help("--header-env X-Api-Key=MY_KEY sends what the variable MY_KEY holds"));
        }
        headers.push((name.to_owned(), variable(from)?));
    }
    if let Some(bearer) = bearer {
        headers.push(("authorization".to_owned(), format!("Bearer {}", variable(bearer)?)));
    }
    Ok(headers)
}

/// Asks all of them, one after the other. What one does not tell is noted; the others are asked all the same.
pub(super) fn all(asked: Vec<Asked>, time: Duration, scanned: &mut Scanned) -> Result<Vec<Source>, Failure> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    log_to_stderr(LogFormat::Human, LogLevel::Error);
    let runtime = runtime(Some(1))?;
    let mut sources = Vec::new();
    for asked in asked {
        let name = asked.name;
        let told = match runtime.block_on(one(asked.server, time)) {
            Ok(told) => told,
            Err((why, help)) => {
                let why = format!("cannot be asked: {why}");
                scanned.unread.push(Unread { place: name, why, help });
                continue;
            }
        };
        let help = "what was read is judged; a server that goes on for ever is no server to connect";
        scanned.unread.extend(told.left.into_iter().map(|why| Unread {
            place: name.clone(),
            why,
            help: help.into(),
        }));
        match read::source(name.clone(), told.json.into_bytes(), false) {
            Ok(source) => sources.push(source),
            Err(why) => {
                let help = "it may show more to whoever signs in, or to another client";
                scanned.unread.push(Unread { place: name, why, help: help.into() });
            }
        }
    }
    Ok(sources)
}

/// Why a server cannot be asked, and what to do.
type Refused = (String, String);

async fn one(server: Server, time: Duration) -> Result<Told, Refused> {
    let (url, headers) = match server {
        Server::Program { command, profile } => {
            let program =
                Program { command, env: Vec::new(), cwd: None, profile: Some(profile), learning: None };
            let told = offered(Behind::Program(program), time).await;
            return told.map_err(|no| {
                let help = "doorward guard -- COMMAND starts it the same way, and says more with --log info";
                (no.why, help.to_owned())
            });
        }
        Server::Address { url, headers } => (url, headers),
    };
    // What is no address at all is told before anything is set up.
    Origin::parse(&url).map_err(|error| (error.to_string(), "write it as https://HOST/PATH".to_owned()))?;
    let visitor = Visitor::new(&headers);
    let target = |sse| {
        Behind::Address(HttpTarget {
            url: url.clone(),
            sse,
            // Whoever runs this wrote the address: their own network too, metadata services never.
            reach: Reach::Configured,
            headers: headers.clone(),
            credential: Some(visitor.clone()),
            most: time,
        })
    };
    let first = match offered(target(false), time).await {
        Ok(told) => return Ok(told),
        Err(no) => no,
    };
    if let Some(refused) = visitor.refusal() {
        return Err(refused);
    }
    let may_be_old =
        matches!(first.fault, None | Some(UpstreamFault::Refused | UpstreamFault::VerbNotServed));
    if may_be_old && first.is_greeting {
        // Servers of 2024-11-05 refuse the greeting of their successors, and are told apart by that alone (Backwards
        // Compatibility, 2025-11-25).
        if let Ok(told) = offered(target(true), time).await {
            return Ok(told);
        }
    }
    let help = help(first.fault, &first.why);
    Err((first.why, help.to_owned()))
}

const MUCH: &str = "no honest server lists as much: leave it alone";

fn help(fault: Option<UpstreamFault>, why: &str) -> &'static str {
    match fault {
        Some(UpstreamFault::Unreachable) if why.contains("without TLS") => {
            "write https; plain http is for this machine alone, since whoever is between could change what is read"
        }
        Some(UpstreamFault::Unreachable) if why.starts_with("TLS") => {
            "its certificate must be valid for this name, from an authority that this machine trusts"
        }
        Some(UpstreamFault::Unreachable) => "look whether it runs, and whether this machine reaches it",
        Some(UpstreamFault::Timeout) => "--timeout SECONDS gives it more time",
        Some(UpstreamFault::Refused) if why.contains("redirects") => {
            "name the address itself: whoever redirects chooses where what you send goes"
        }
        Some(UpstreamFault::TooLarge) => MUCH,
        None if why.contains("too large") => MUCH,
        _ => "name the address of its MCP endpoint, with the path",
    }
}

/// Why a server told nothing.
struct No {
    why: String,
    fault: Option<UpstreamFault>,
    /// It was not even greeted back.
    is_greeting: bool,
}

impl No {
    fn because(why: impl ToString) -> Self {
        Self { why: why.to_string(), fault: None, is_greeting: false }
    }
}

/// Puts a guard up before the server, and asks through it.
async fn offered(server: Behind, time: Duration) -> Result<Told, No> {
    // Its record is of no use to anybody.
    let state = tempfile::tempdir().map_err(No::because)?;
    let plan = Plan {
        name: ServerName::parse("scanned").map_err(No::because)?,
        server,
        era: EraRule::Auto,
        policies: vec![("starter.cedar".to_owned(), STARTER.to_owned())],
        url_hosts: Vec::new(),
        who: at_home(state.path()).map_err(No::because)?,
        state: state.path().to_owned(),
        call_timeout: time,
        // All of it is to be seen.
        flagged: Flagged::Pass,
        // The second of two tools with one name too: one client takes the first, and another the last.
        unabridged: true,
        flow: std::sync::Arc::new(FlowRules::off()),
        data: None,
        results: ResultRules::default(),
        pins: None,
        look_alikes: LookAlikes::Record,
        asks: None,
        tokens: None,
        bundles: std::sync::Arc::default(),
    };
    let guard = Guard::open(plan).await.map_err(No::because)?;
    let trouble = guard.trouble();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (writes, reads) = tokio::io::duplex(64 * 1024);
    let served = tokio::spawn(guard.serve(theirs, writes, std::future::pending()));
    let mut talk = Talk::new(ours, reads);
    let told = tokio::time::timeout(time, talk.all()).await;
    let last = trouble.last();
    drop(talk);
    // Ended by the book: what it holds on this machine, it lets go of.
    let _ended = tokio::time::timeout(time, served).await;
    let late = || No { fault: Some(UpstreamFault::Timeout), ..No::because("it did not answer in time") };
    told.map_err(|_| late())?.map_err(|why| match last {
        // What the door itself knows is not told to its clients.
        Some((fault, detail)) => No { why: detail, fault: Some(fault), is_greeting: true },
        None => No { is_greeting: true, ..No::because(why) },
    })
}
