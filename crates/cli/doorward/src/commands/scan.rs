//! `doorward scan`: what servers say of their tools, read as a model would read it, before anything is connected.
//!
//! Files, clients' configurations and servers that run (started in a sandbox, or reached at their address) become
//! [`Item`](read::Item)s; each is judged by `doorward-inspect`; what is flagged becomes a [`Line`], which is told to people, to machines, to code scanners (SARIF) and to
//! test reports (JUnit).

mod baseline;
mod config;
mod junit;
mod lines;
mod live;
mod people;
mod read;
mod sarif;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use clap::{Args, ValueEnum};
use doorward_clients::masked;
use doorward_inspect::{Finding, Names, Severity};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::out::Out;
use crate::table::clean;
use lines::Region;
use live::Asked;
use read::{Item, Source};

/// Read what servers say of their tools, prompts and resources as a model would, and find what is planted there.
#[derive(Debug, Args)]
#[command(
    after_help = "PATHs are JSON files: what `tools/list` returned, alone or with prompts, resources and instructions, or a client's
configuration. Without any, the configurations of this machine's clients are read. A server at an address is asked for what it
offers, in whichever revision it speaks. A COMMAND is started in a sandbox that reaches nobody, asked, and ended. No tool is called.

Exit codes: 0 nothing at or above --fail-on, 1 something, 2 something could not be read.

Examples:
  doorward scan tools.json
  doorward scan https://mcp.example.com/mcp --bearer-env TOKEN
  doorward scan -- npx -y @modelcontextprotocol/server-everything
  doorward scan --format sarif tools/*.json > doorward.sarif
  doorward scan --write-baseline accepted.json tools.json"
)]
pub(crate) struct Scan {
    /// Files to read, and addresses of servers to ask.
    #[arg(value_name = "PATH|URL", conflicts_with = "command")]
    paths: Vec<PathBuf>,
    /// The variable of this environment that holds a token for the one server at an address.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "command")]
    bearer_env: Option<String>,
    /// A header for that server, and the variable that holds its value; may be given again.
    #[arg(long, value_name = "NAME=VARIABLE", conflicts_with = "command")]
    header_env: Vec<String>,
    /// Ask the servers of clients' configurations too: those at addresses there, the others in a sandbox here, without the
    /// variables and headers of the configuration. Without it they are named, and nobody is asked.
    #[arg(long, conflicts_with = "command")]
    live: bool,
    /// How long each server may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// How it is told.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The least severity that makes the command fail.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::High)]
    fail_on: FailOn,
    /// Findings that were accepted before; they are counted, and not told again.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Accept everything that is found, by writing it into this file.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<PathBuf>,
    /// Tell what was seen but is no reason to be wary by itself, too.
    #[arg(long)]
    all: bool,
    /// A line of the sandbox in which COMMAND runs, as `doorward guard` has it; may be given again.
    #[arg(long, value_name = "LINE", requires = "command")]
    sandbox: Vec<String>,
    /// A server's program and its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// How findings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanners.
    Sarif,
    /// JUnit XML, for test reports.
    Junit,
}

/// The least severity that counts as a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Low,
    Medium,
    High,
    Critical,
    Never,
}

/// One thing that was found, and where.
#[derive(Debug)]
struct Line {
    /// The file or server.
    source: String,
    /// Which of the things that were looked at: names are not told apart by all servers.
    item: usize,
    /// `tool`, `prompt`, `resource`, `instructions` or `server`.
    kind: &'static str,
    name: String,
    /// A JSON pointer into the definition.
    pointer: String,
    /// Where in the source, if that is a file.
    at: Option<Region>,
    rule: String,
    severity: Severity,
    reason: String,
    advice: String,
    /// Names of the risk in OWASP's MCP Top 10 and of the technique in MITRE ATLAS.
    tags: Vec<String>,
    /// What it says, without its disguise.
    quote: String,
    hidden: Option<String>,
    /// How sure it is that something is wrong with the definition, from 0 to 1.
    score: Option<f32>,
}

/// All that was looked at.
#[derive(Debug, Default)]
struct Scanned {
    items: Vec<(String, &'static str, String)>,
    lines: Vec<Line>,
    /// Accepted by a baseline.
    accepted: usize,
    unread: Vec<Unread>,
    /// Servers of configurations at addresses, which would have to be asked.
    unasked: Vec<Unasked>,
}

/// What could not be read, why, and what to do.
#[derive(Debug)]
struct Unread {
    place: String,
    why: String,
    help: String,
}

/// A server that is known by its address alone.
#[derive(Debug)]
struct Unasked {
    source: String,
    name: String,
    /// As it may be shown.
    url: String,
}

impl Scan {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let accepted = self.baseline.as_deref().map(baseline::read).transpose()?.unwrap_or_default();
        let mut scanned = Scanned::default();
        let mut asked = Vec::new();
        let mut sources = self.sources(&mut asked, &mut scanned)?;
        sources.extend(live::all(asked, Duration::from_secs(self.timeout), &mut scanned)?);
        judge(&sources, self.all, &mut scanned);
        scanned.lines.sort_by_key(|line| std::cmp::Reverse(line.severity));
        if let Some(path) = &self.write_baseline {
            baseline::write(path, &scanned.lines)?;
            out.note(format_args!("{} accepted in {}", scanned.lines.len(), path.display()));
            return Ok(ExitCode::SUCCESS);
        }
        let before = scanned.lines.len();
        scanned.lines.retain(|line| !accepted.contains(&line.fingerprint()));
        scanned.accepted = before - scanned.lines.len();
        match self.format {
            Format::Human if !out.json => people::print(&scanned, out),
            Format::Human | Format::Json => out.line(machine(&scanned)),
            Format::Sarif => out.line(sarif::document(&scanned)),
            Format::Junit => out.line(junit::document(&scanned)),
        }
        let fails = scanned.lines.iter().any(|line| self.fail_on.includes(line.severity));
        Ok(match (scanned.unread.is_empty(), fails) {
            (false, _) => ExitCode::from(2),
            (true, true) => ExitCode::FAILURE,
            (true, false) => ExitCode::SUCCESS,
        })
    }

    /// Reads what lies in files, and says which servers are to be asked.
    fn sources(&self, asked: &mut Vec<Asked>, scanned: &mut Scanned) -> Result<Vec<Source>, Failure> {
        if !self.command.is_empty() {
            let name = masked(&self.command).join(" ");
            asked.push(Asked::program(name, self.command.clone(), &self.sandbox)?);
            return Ok(Vec::new());
        }
        let headers = live::headers(self.bearer_env.as_deref(), &self.header_env)?;
        let addresses: Vec<_> = self
            .paths
            .iter()
            .filter_map(|path| path.to_str())
            .filter(|path| live::is_address(path))
            .collect();
        // A token that is sent to two servers is a token that one of them has of the other.
        if !headers.is_empty() && addresses.len() != 1 {
            let what = format!(
                "--bearer-env and --header-env are for one server at an address, and there are {}",
                addresses.len()
            );
            return Err(Failure::usage(what).help("scan each server by itself, with its own token"));
        }
        for url in addresses {
            asked.push(Asked::address(live::shown(url), url.to_owned(), headers.clone()));
        }
        let live = self.live.then_some(asked);
        let mut configs = config::Configs { scanned, live };
        if self.paths.is_empty() {
            configs.machine();
            return Ok(Vec::new());
        }
        let mut sources = Vec::new();
        for path in self.paths.iter().filter(|path| !path.to_str().is_some_and(live::is_address)) {
            match read::file(path) {
                Ok(source) => sources.push(source),
                // A file without tools may be a client's own.
                Err(why) => configs.file(path).unwrap_or_else(|| {
                    let help = "name files with what tools/list returned, or clients' configurations";
                    let place = path.display().to_string();
                    configs.scanned.unread.push(Unread { place, why, help: help.to_owned() });
                }),
            }
        }
        Ok(sources)
    }
}

/// Judges every item, beside all others: a tool is told apart from its namesakes, wherever they are.
fn judge(sources: &[Source], all: bool, scanned: &mut Scanned) {
    let listed: Vec<_> = sources.iter().map(|source| (source, source.items())).collect();
    let of = |n: usize, item: &Item<'_>| (n, item.server.clone());
    let all_of =
        listed.iter().enumerate().flat_map(|(n, (_, items))| items.iter().map(move |item| (n, item)));
    // Each server has a number.
    let mut servers = BTreeMap::new();
    for (n, item) in all_of.clone() {
        let next = servers.len();
        servers.entry(of(n, item)).or_insert(next);
    }
    let server = |n, item: &Item<'_>| servers.get(&of(n, item)).copied().unwrap_or_default();
    let tools = all_of.filter(|(_, item)| item.kind == "tool");
    let said: Vec<_> = tools.map(|(n, item)| (server(n, item), item.name.as_str(), item.said())).collect();
    let beside = Names::of(said.iter().map(|(server, name, said)| (*server, *name, &**said)));
    for (n, (source, items)) in listed.iter().enumerate() {
        for item in items {
            let names = beside.seen_from(server(n, item), true);
            let report = item.judge(&names);
            let number = scanned.items.len();
            scanned.items.push((source.name.clone(), item.kind, item.name.clone()));
            if report.is_flagged || all {
                let line = |finding| line(source, item, number, finding, report.score);
                scanned.lines.extend(report.findings.iter().map(line));
            }
        }
    }
}

fn line(source: &Source, item: &Item<'_>, number: usize, finding: &Finding, score: f32) -> Line {
    let rule = finding.rule;
    let hidden = match finding.origin {
        doorward_inspect::Origin::Surface | doorward_inspect::Origin::Plain => None,
        origin => Some(format!("{origin:?}").to_ascii_lowercase()),
    };
    let mut tags = vec![format!("owasp-mcp/{}", rule.owasp), format!("mitre-atlas/{}", rule.atlas)];
    // As CodeQL tags them, by which code scanners find the weakness.
    if !rule.weakness.is_empty() {
        tags.push(format!("external/cwe/{}", rule.weakness.to_ascii_lowercase()));
    }
    Line {
        source: source.name.clone(),
        item: number,
        kind: item.kind,
        name: item.name.clone(),
        pointer: finding.pointer.clone(),
        at: source.place(item, finding),
        rule: rule.id.to_owned(),
        severity: finding.severity,
        reason: rule.reason.to_owned(),
        advice: rule.advice.to_owned(),
        tags,
        quote: finding.quote.clone(),
        hidden,
        score: Some(score),
    }
}

impl Line {
    /// Names this finding, wherever in its file it stands: an accepted one stays so when lines move, and no longer when its
    /// words change.
    fn fingerprint(&self) -> String {
        let told = [self.kind, &self.name, &self.pointer, &self.rule, &self.quote].join("\0");
        let digest = digest(&SHA256, told.as_bytes());
        digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Where it stands, in words.
    fn place(&self) -> String {
        let name = clean(&self.name);
        let of = if name.is_empty() { self.kind.to_owned() } else { format!("{} {name}", self.kind) };
        if self.pointer.is_empty() { of } else { format!("{of} at {}", clean(&self.pointer)) }
    }
}

impl FailOn {
    fn includes(self, severity: Severity) -> bool {
        let least = match self {
            Self::Never => return false,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        };
        severity >= least
    }
}

fn machine(scanned: &Scanned) -> Value {
    let findings = scanned.lines.iter().map(|line| {
        json!({
            "source": line.source, "kind": line.kind, "name": line.name, "pointer": line.pointer,
            "line": line.at.map(|at| at.from.0), "column": line.at.map(|at| at.from.1),
            "rule": line.rule, "severity": line.severity.name(), "reason": line.reason, "advice": line.advice,
            "tags": line.tags, "quote": line.quote, "hidden": line.hidden, "score": line.score, "fingerprint": line.fingerprint(),
        })
    });
    let unread =
        scanned.unread.iter().map(|one| json!({ "path": one.place, "why": one.why, "help": one.help }));
    let unasked =
        scanned.unasked.iter().map(|one| json!({ "source": one.source, "name": one.name, "url": one.url }));
    json!({
        "looked_at": scanned.items.len(), "accepted": scanned.accepted,
        "findings": findings.collect::<Vec<_>>(), "unread": unread.collect::<Vec<_>>(),
        "unasked": unasked.collect::<Vec<_>>(),
    })
}
