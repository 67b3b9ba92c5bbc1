//! `doorward policy check`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use doorward_policy::{Pending, PolicyProblem};
use serde_json::{Value, json};

use crate::commands::policy::servers::in_words;
use crate::commands::policy::sources::{Loaded, Sources, problem_json, problem_text};
use crate::failure::Failure;
use crate::out::{GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{Cell, Table, cell, count};

/// Check policies: syntax, names, types, and what is likely not meant.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 valid, 2 not valid. Remarks do not change it.")]
pub(crate) struct Check {
    /// Folder of `*.cedar` files; by default the one of the configuration.
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
}

impl Check {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let loaded = self.sources.load(out, self.dir.as_deref())?;
        let remarks = loaded.policies.lint();
        if out.json {
            out.line(as_json(&loaded, &remarks));
            return Ok(ExitCode::SUCCESS);
        }
        let policies = count(loaded.count, "policy");
        let verb = if loaded.count == 1 { "is" } else { "are" };
        out.line(format_args!("{} {policies} in {} {verb} valid", paint(GOOD, "ok"), loaded.dir.display()));
        if loaded.count == 0 {
            out.line(format_args!("{} without a policy nobody may do anything", paint(WARN, "note:")));
        }
        servers(out, &loaded);
        for (server, tool) in loaded.servers.unserved() {
            out.line(format_args!(
                "\n{} tool {} of {server} is never served: its `x-mcp-header` breaks the rules",
                paint(WARN, "remark:"),
                paint(NAME, tool)
            ));
        }
        for remark in &remarks {
            out.line(format_args!(
                "\n{} {}",
                paint(WARN, "remark:"),
                problem_text(remark, Some(&loaded.dir))
            ));
        }
        loaded.servers.tell_unknown(out);
        Ok(ExitCode::SUCCESS)
    }
}

fn servers(out: &Out, loaded: &Loaded) {
    let mut table = Table::indented(2);
    for shape in loaded.servers.shapes() {
        let waiting =
            loaded.policies.pending().iter().filter(|pending| pending.server == *shape.name).count();
        let waiting = match waiting {
            0 => String::new(),
            1 => "1 policy waits for its tools".into(),
            many => format!("{} wait for its tools", count(many, "policy")),
        };
        table.row([Cell::new(NAME, shape.name), cell(in_words(&shape)), Cell::new(WARN, waiting)]);
    }
    if !table.is_empty() {
        out.line(format_args!("\n{}\n{table}", paint(STRONG, "servers")));
    }
}

fn as_json(loaded: &Loaded, remarks: &[PolicyProblem]) -> Value {
    let pending =
        |pending: &Pending| json!({ "policy": &*pending.policy, "server": pending.server.as_str() });
    let unserved = loaded.servers.unserved();
    json!({
        "valid": true,
        "dir": loaded.dir.display().to_string(),
        "policies": loaded.count,
        "servers": loaded.servers.json(),
        "pending": loaded.policies.pending().iter().map(pending).collect::<Vec<_>>(),
        "remarks": remarks.iter().map(problem_json).collect::<Vec<_>>(),
        "unserved": unserved.iter().map(|(server, tool)| json!({ "server": server.as_str(), "tool": tool })).collect::<Vec<_>>(),
    })
}
