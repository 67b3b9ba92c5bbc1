//! `doorward scan`: what servers say of their tools, read as a model would read it, before anything is connected.
//!
//! Files, clients' configurations and servers that it starts itself (in a sandbox) become [`Item`]s; each is judged by
//! `doorward-inspect`; what is flagged becomes a [`Line`], which is told to people, to machines, to code scanners (SARIF) and to
//! test reports (JUnit).

mod baseline;
mod config;
mod junit;
mod live;
mod people;
mod read;
mod sarif;

use std::path::PathBuf;
use std::process::ExitCode;

use aws_lc_rs::digest::{SHA256, digest};
use clap::{Args, ValueEnum};
use doorward_inspect::{Finding, Severity, Sibling};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::out::Out;
use crate::table::clean;
use read::{Item, Source};

/// Read what servers say of their tools, prompts and resources as a model would, and find what is planted there.
#[derive(Debug, Args)]
#[command(
    after_help = "PATHs are JSON files: what `tools/list` returned, alone or with prompts, resources and instructions, or a client's
configuration. Without any, the configurations of this machine's clients are read. A COMMAND is started in a sandbox that reaches
nobody, asked for what it offers, and ended; none of its tools is called.

Exit codes: 0 nothing at or above --fail-on, 1 something, 2 something could not be read.

Examples:
  doorward scan tools.json
  doorward scan -- npx -y @modelcontextprotocol/server-everything
  doorward scan --format sarif tools/*.json > doorward.sarif
  doorward scan --write-baseline accepted.json tools.json"
)]
pub(crate) struct Scan {
    /// Files to read.
    #[arg(value_name = "PATH", conflicts_with = "command")]
    paths: Vec<PathBuf>,
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
    /// `tool`, `prompt`, `resource`, `instructions` or `server`.
    kind: &'static str,
    name: String,
    /// A JSON pointer into the definition.
    pointer: String,
    /// Line and column in the source, from 1, where it is a file.
    at: Option<(usize, usize)>,
    rule: String,
    severity: Severity,
    reason: String,
    advice: String,
    /// Names of the risk in OWASP's MCP Top 10 and of the technique in MITRE ATLAS.
    tags: Vec<String>,
    /// What it says, without its disguise.
    quote: String,
    hidden: Option<String>,
}

/// All that was looked at.
#[derive(Debug, Default)]
struct Scanned {
    items: Vec<(String, &'static str, String)>,
    lines: Vec<Line>,
    /// Accepted by a baseline.
    accepted: usize,
    /// What could not be read, and why.
    unread: Vec<(String, String)>,
}

impl Scan {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let accepted = self.baseline.as_deref().map(baseline::read).transpose()?.unwrap_or_default();
        let mut scanned = Scanned::default();
        let sources = self.sources(&mut scanned)?;
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

    fn sources(&self, scanned: &mut Scanned) -> Result<Vec<Source>, Failure> {
        if !self.command.is_empty() {
            return Ok(vec![live::source(&self.command, &self.sandbox)?]);
        }
        if self.paths.is_empty() {
            config::machine(scanned);
            return Ok(Vec::new());
        }
        let mut sources = Vec::new();
        for path in &self.paths {
            let shown = path.display().to_string();
            match read::file(path) {
                Ok(source) => sources.push(source),
                // A file without tools may be a client's own.
                Err(why) => match config::file(path, scanned) {
                    Some(()) => {}
                    None => scanned.unread.push((shown, why)),
                },
            }
        }
        Ok(sources)
    }
}

/// Judges every item, beside all others: a tool is told apart from its namesakes, wherever they are.
fn judge(sources: &[Source], all: bool, scanned: &mut Scanned) {
    let names: Vec<&str> = sources.iter().flat_map(Source::tool_names).collect();
    let siblings: Vec<Sibling<'_>> = names.into_iter().map(|name| Sibling { name }).collect();
    for source in sources {
        for item in &source.items {
            let report = item.judge(source, &siblings);
            scanned.items.push((source.name.clone(), item.kind, item.name.clone()));
            if report.is_flagged || all {
                scanned.lines.extend(report.findings.iter().map(|finding| line(source, item, finding)));
            }
        }
    }
}

fn line(source: &Source, item: &Item, finding: &Finding) -> Line {
    let rule = finding.rule;
    let hidden = match finding.origin {
        doorward_inspect::Origin::Surface | doorward_inspect::Origin::Plain => None,
        origin => Some(format!("{origin:?}").to_ascii_lowercase()),
    };
    Line {
        source: source.name.clone(),
        kind: item.kind,
        name: item.name.clone(),
        pointer: finding.pointer.clone(),
        at: source.place(item, &finding.pointer),
        rule: rule.id.to_owned(),
        severity: finding.severity,
        reason: rule.reason.to_owned(),
        advice: rule.advice.to_owned(),
        tags: vec![format!("owasp-mcp/{}", rule.owasp), format!("mitre-atlas/{}", rule.atlas)],
        quote: finding.quote.clone(),
        hidden,
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
            "line": line.at.map(|at| at.0), "column": line.at.map(|at| at.1),
            "rule": line.rule, "severity": line.severity.name(), "reason": line.reason, "advice": line.advice,
            "tags": line.tags, "quote": line.quote, "hidden": line.hidden, "fingerprint": line.fingerprint(),
        })
    });
    let unread = scanned.unread.iter().map(|(path, why)| json!({ "path": path, "why": why }));
    json!({
        "looked_at": scanned.items.len(), "accepted": scanned.accepted,
        "findings": findings.collect::<Vec<_>>(), "unread": unread.collect::<Vec<_>>(),
    })
}
