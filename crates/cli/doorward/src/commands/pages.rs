//! `doorward version`, `completions` and `man`: what the command says about itself.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use doorward_wire::{LEGACY_SERVED, MODERN};

use crate::Cli;
use crate::failure::Failure;
use crate::out::{DIM, Out, STRONG, paint};
use crate::table::{Cell, Table, cell};

/// The one cryptographic library behind TLS, tokens and the audit log; `cargo xtask tidy` refuses a second one.
const CRYPTOGRAPHY: &str = "aws-lc-rs";

/// Prints the version and what it was built with.
pub(crate) fn version(out: &Out) -> Result<ExitCode, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let lab = cfg!(feature = "lab");
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    if out.json {
        out.line(serde_json::json!({
            "version": version,
            "target": target,
            "profile": profile,
            "lab": lab,
            "tls_provider": CRYPTOGRAPHY,
            "protocol_versions": std::iter::once(MODERN).chain(LEGACY_SERVED.iter().copied()).collect::<Vec<_>>(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    out.line(format_args!("doorward {}", paint(STRONG, version)));
    let mut facts = Table::indented(2);
    let mut fact = |name: &str, value: String| facts.row([Cell::new(DIM, name), cell(value)]);
    fact("target", format!("{target}, {profile} build"));
    fact("lab", if lab { "yes: `up` and `lab` are built in" } else { "no" }.into());
    fact("TLS", format!("rustls with {CRYPTOGRAPHY}"));
    fact("MCP", format!("{MODERN}, {}", LEGACY_SERVED.join(", ")));
    out.line(facts);
    Ok(ExitCode::SUCCESS)
}

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  doorward completions bash > ~/.local/share/bash-completion/completions/doorward
  doorward completions zsh > ~/.zfunc/_doorward
  doorward completions fish > ~/.config/fish/completions/doorward.fish")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "doorward", &mut script);
        // A script is code for a shell: it goes out as it is, never through what prints for people.
        std::io::stdout()
            .write_all(&script)
            .map_err(|error| Failure::new(format!("the script cannot be written: {error}")))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Write the manual pages into a folder.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  doorward man ~/.local/share/man/man1 && man doorward")]
pub(crate) struct Man {
    /// The folder; made if it is not there.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Man {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(format!("the pages cannot be written into {}: {error}", self.dir.display()))
                .help("name a folder that you may write to")
        };
        std::fs::create_dir_all(&self.dir).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), &self.dir).map_err(failed)?;
        let pages = pages(&self.dir).map_err(failed)?;
        if out.json {
            out.line(serde_json::json!({ "dir": self.dir.display().to_string(), "pages": pages }));
        } else {
            let written = crate::table::count(pages.len(), "page");
            out.line(format_args!("{written} in {}", paint(STRONG, self.dir.display())));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The pages of a folder, by name.
fn pages(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("doorward") && name.ends_with(".1") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
