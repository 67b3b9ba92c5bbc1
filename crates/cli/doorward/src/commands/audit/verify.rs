//! `doorward audit verify`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use doorward_audit::{OpenIntent, Problem, PublicKey, VerifyInputs, VerifyReport, verify};
use serde_json::{Value, json};

use crate::commands::audit::failed;
use crate::commands::audit::place::{Found, Place};
use crate::failure::Failure;
use crate::out::{BAD, DIM, GOOD, Out, WARN, paint};
use crate::table::{clean, count, short};

const SINK: &str = "checkpoints.jsonl";

/// Verify that the log is what was written, and say up to where that is proven.
#[derive(Debug, Args)]
#[command(
    after_help = "A configuration says where the second sink and the public key are. With --dir alone the log is only
compared with itself. Exit code: 0 intact, 1 not intact, 2 a file or the command line is wrong."
)]
pub(crate) struct Verify {
    #[command(flatten)]
    place: Place,
    /// Folder of the second sink, or its file `checkpoints.jsonl`.
    #[arg(long, value_name = "DIR")]
    checkpoints: Option<PathBuf>,
    /// The key that verifies checkpoints, in PEM; best a copy that was never on the log's machine.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// The number of a checkpoint that you know from elsewhere; the log must reach it.
    #[arg(long, value_name = "SEQ")]
    known: Option<u64>,
}

impl Verify {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let found = self.place.find()?;
        let inputs = VerifyInputs {
            public_key: self.key(&found)?,
            checkpoints: self.sink(&found)?,
            known: self.known,
            dir: found.dir,
        };
        let report = verify(&inputs).map_err(failed)?;
        if out.json {
            out.line(as_json(&report));
        } else {
            print(out, &report);
        }
        Ok(ExitCode::from(u8::from(!report.is_intact())))
    }

    fn key(&self, found: &Found) -> Result<Option<PublicKey>, Failure> {
        let configured = found.config.as_ref().map(|config| config.audit.key_file.with_extension("pub"));
        let Some(path) = self.public_key.clone().or(configured) else { return Ok(None) };
        PublicKey::load(&path).map(Some).map_err(|error| {
            // Going on without it would let a log pass that was rewritten as a whole.
            Failure::usage(error.to_string()).help("name a copy of the public key with --public-key FILE")
        })
    }

    fn sink(&self, found: &Found) -> Result<Option<PathBuf>, Failure> {
        let configured = found.config.as_ref().map(|config| short(&config.audit.checkpoint_dir).to_owned());
        let Some(path) = self.checkpoints.clone().or(configured) else { return Ok(None) };
        let path = if path.is_dir() { path.join(SINK) } else { path };
        if path.is_file() {
            return Ok(Some(path));
        }
        // The door makes it when it begins a log: without it a log that was cut short would pass.
        Err(Failure::new(format!("the second sink is not there: {}", path.display()))
            .help("name where it was moved with --checkpoints DIR; if nobody moved it, somebody removed it"))
    }
}

fn print(out: &Out, report: &VerifyReport) {
    let intact = report.is_intact();
    for (number, line) in report.to_string().lines().enumerate() {
        let line = clean(line);
        if number == 0 {
            out.line(paint(if intact { GOOD } else { WARN }, line));
        } else if let Some(problem) = line.strip_prefix("PROBLEM ") {
            out.line(format_args!("{} {problem}", paint(BAD, "problem:")));
        } else if let Some(intent) = line.strip_prefix("outcome unknown: ") {
            out.line(format_args!("{} {intent}", paint(WARN, "outcome unknown:")));
        } else {
            out.line(paint(DIM, line));
        }
    }
    if !intact {
        let problems =
            count(report.problems.len() + usize::try_from(report.further_problems).unwrap_or(0), "problem");
        out.line(format_args!(
            "\n{}: {problems}. Keep the folder and its keys as evidence.",
            paint(BAD, "NOT INTACT")
        ));
    }
}

fn as_json(report: &VerifyReport) -> Value {
    let problem = |problem: &Problem| json!({ "file": text(&problem.file), "line": problem.line, "seq": problem.seq, "what": problem.what });
    let open = |intent: &OpenIntent| {
        json!({
            "seq": intent.seq, "time": intent.time, "call": intent.call.to_string(),
            "server": intent.server, "what": intent.what,
        })
    };
    let intact_to = report.intact_to.as_ref().map(|anchor| json!({ "seq": anchor.seq, "time": anchor.time }));
    json!({
        "intact": report.is_intact(),
        "intact_to": intact_to,
        "unanchored_tail": report.unanchored_tail,
        "log": report.log,
        "records": report.records,
        "segments": report.segments,
        "checkpoints": report.checkpoints,
        "torn_bytes": report.torn_bytes,
        "orphan_outcomes": report.orphan_outcomes,
        "key_given": report.key_given,
        "sink_given": report.sink_given,
        "outcome_unknown": report.open_intents.iter().map(open).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        "further_problems": report.further_problems,
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
