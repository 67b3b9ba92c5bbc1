//! `doorward policy test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use doorward_policy::cases::{Cases, Row};
use serde_json::{Value, json};

use crate::commands::policy::sources::{Sources, problem_text};
use crate::failure::Failure;
use crate::out::{BAD, DIM, GOOD, Out, STRONG, paint};
use crate::table::{Cell, Table, cell, clean, count};

/// Run tests of policies: each a question and the answer it should get.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 every case came out as expected, 1 one did not, 2 a file is wrong.

A test file is TOML:
  [[case]]
  name = \"a reader reads their own\"
  principal = { user = \"TENANT/OBJECT\", roles = [\"Reader\"] }
  ask = { server = \"crm\", tool = \"read\", arguments = { user_id = \"OBJECT\" } }
  expect = \"permit\"
  policies = [\"own-data\"]            # optional: the policies that must decide it")]
pub(crate) struct Test {
    /// Test files.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Folder of `*.cedar` files; by default the one of the configuration.
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
}

/// A test file and how its cases came out.
struct Outcomes {
    file: PathBuf,
    rows: Vec<Row>,
}

impl Test {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        // Every file is read before any case runs: a typing error in the last one is told at once.
        let read = |file: &PathBuf| read(file).map(|cases| (file.clone(), cases));
        let files = self.files.iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
        let loaded = self.sources.load(out, self.dir.as_deref())?;
        let run = |(file, cases): (PathBuf, Cases)| Outcomes { file, rows: cases.run(&loaded.policies) };
        let outcomes: Vec<Outcomes> = files.into_iter().map(run).collect();

        let rows = || outcomes.iter().flat_map(|outcome| &outcome.rows);
        let failed = rows().filter(|row| !row.ok).count();
        if out.json {
            out.line(as_json(&outcomes, failed));
        } else {
            outcomes.iter().for_each(|outcome| print(out, outcome));
            loaded.servers.tell_unknown(out);
            let total = count(rows().count(), "case");
            out.line(match failed {
                0 => format!("{} {total} as expected", paint(GOOD, "ok")),
                failed => format!("{} {failed} of {total} not as expected", paint(BAD, "FAILED")),
            });
        }
        Ok(ExitCode::from(u8::from(failed > 0)))
    }
}

fn read(file: &Path) -> Result<Cases, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", file.display())).help("name a test file")
    })?;
    let cases = Cases::parse(&file.display().to_string(), &text).map_err(|problem| {
        Failure::usage(problem_text(&problem, None)).help("`doorward policy test --help` shows a case")
    })?;
    if cases.is_empty() {
        return Err(Failure::usage(format!("{} has no case, so it tests nothing", file.display()))
            .help("add a [[case]]; `doorward policy test --help` shows one"));
    }
    Ok(cases)
}

fn print(out: &Out, outcomes: &Outcomes) {
    let mut table = Table::indented(2);
    for row in &outcomes.rows {
        if row.ok {
            table.row([Cell::new(GOOD, "ok"), cell(&row.name), Cell::new(DIM, &row.got)]);
            continue;
        }
        let differs = format!("got {}, expected {}", row.got, row.expected);
        table.row([Cell::new(BAD, "FAIL"), Cell::new(STRONG, &row.name), Cell::new(BAD, differs)]);
        for reason in &row.reasons {
            table.row([cell(""), cell(format!("  {}", clean(reason)))]);
        }
    }
    out.line(format_args!("{}\n{table}\n", paint(STRONG, outcomes.file.display())));
}

fn as_json(outcomes: &[Outcomes], failed: usize) -> Value {
    let row = |row: &Row| {
        json!({
            "name": row.name, "ok": row.ok, "expected": row.expected, "got": row.got, "reasons": row.reasons,
        })
    };
    let file = |outcome: &Outcomes| {
        json!({
            "file": outcome.file.display().to_string(),
            "cases": outcome.rows.iter().map(row).collect::<Vec<_>>(),
        })
    };
    let total: usize = outcomes.iter().map(|outcome| outcome.rows.len()).sum();
    json!({ "cases": total, "failed": failed, "files": outcomes.iter().map(file).collect::<Vec<_>>() })
}
