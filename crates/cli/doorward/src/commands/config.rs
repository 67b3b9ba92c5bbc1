//! `doorward config`: whether a configuration is valid, and what may stand in one.

mod guard;
mod problems;
mod summary;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorward_config::{Build, ConfigErrors};

use crate::failure::Failure;
use crate::out::{GOOD, Out, WARN, paint};

/// Check a configuration, or print its schema.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check a configuration: everything that is wrong with it, or what it comes to.
    Check(Check),
    /// Print a JSON Schema of the file, for editors.
    Schema,
    /// Print the reference of every key, as Markdown.
    Reference,
}

/// Check a configuration: everything that is wrong with it, or what it comes to.
#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0 valid, 2 not valid or not readable.")]
pub(crate) struct Check {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

impl Config {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(check) => return check.run(out),
            Self::Schema => out.line(format_args!("{:#}", doorward_config::schema())),
            Self::Reference => out.line(doorward_config::page().trim_end()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let text = read(&self.config)?;
        let build = Build { lab: cfg!(feature = "lab") };
        let name = self.config.display().to_string();
        if doorward_config::is_for_guard(&text) {
            return Ok(match doorward_config::load_guard(&name, &text, build) {
                Ok(config) => guard::print(out, &name, &config),
                Err(errors) => told(out, &errors),
            });
        }
        let config = match doorward_config::load(&name, &text, build) {
            Ok(config) => config,
            Err(errors) => return Ok(told(out, &errors)),
        };
        let folder = self.config.parent().unwrap_or(Path::new(""));
        // Shown as they are written; looked for where they would be looked for.
        let missing = summary::missing_files(&config.clone().rebase(folder));
        if out.json {
            out.line(summary::json(&name, &config, &missing));
            return Ok(ExitCode::SUCCESS);
        }
        out.line(format_args!("{} {name} is valid\n", paint(GOOD, "ok")));
        summary::print(out, &config);
        for file in &missing {
            out.line(format_args!(
                "{} {} is not there: {}",
                paint(WARN, "note:"),
                file.path.display(),
                file.what
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn told(out: &Out, errors: &ConfigErrors) -> ExitCode {
    if out.json {
        out.line(problems::json(errors));
    } else {
        problems::print(out, errors);
    }
    ExitCode::from(2)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .help("name the file with --config FILE; docs/configuration.md says what stands in one")
    })
}
