//! `doorward policy`: whether policies are valid, what they answer and why, and whether they answer what they should.

mod check;
mod explain;
mod servers;
mod sources;
mod test;

use std::process::ExitCode;

use clap::Subcommand;
use doorward_policy::{Policies, PolicyText};

use crate::commands::policy::sources::Sources;
use crate::failure::Failure;
use crate::out::Out;

/// Check, explain and test policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Check policies: syntax, names, types, and what is likely not meant.
    Check(check::Check),
    /// Explain what the policies answer to one question, and why.
    Explain(Box<explain::Explain>),
    /// Run tests of policies: each a question and the answer it should get.
    Test(test::Test),
    /// Print the Cedar schema that policies are checked against, for editors.
    Schema(Schema),
}

/// Print the Cedar schema that policies are checked against, for editors.
#[derive(Debug, clap::Args)]
pub(crate) struct Schema {
    #[command(flatten)]
    sources: Sources,
}

impl Policy {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(check) => check.run(out),
            Self::Explain(explain) => explain.run(out),
            Self::Test(test) => test.run(out),
            Self::Schema(schema) => schema.run(out),
        }
    }
}

impl Schema {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = self.sources.config()?;
        let servers = self.sources.servers(config.as_ref())?;
        let compiled = Policies::compile(&PolicyText::default(), &servers.shapes());
        let schema = compiled.map_err(|problems| sources::invalid(out, &problems, None))?;
        let text = schema.schema_text().trim_end();
        if out.json {
            out.line(serde_json::json!({ "schema": text, "servers": servers.json() }));
        } else {
            out.line(text);
            servers.tell_unknown(out);
        }
        Ok(ExitCode::SUCCESS)
    }
}
