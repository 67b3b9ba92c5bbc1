//! `doorward.toml` to [`Config`]: the text goes in, and a valid configuration or everything that is wrong with it comes
//! out, each problem with file, line, column and a way out.
//!
//! Used by the command line, which reads the file, and by the doors, which take the parts they need. It reads no file
//! and no environment, follows no path and draws no default from the machine: the same text always means the same.
//! Secrets never stand in the file; it names files that hold them, and only the command line opens those.

mod advise;
mod build;
mod checks;
mod data;
mod flow;
mod guard;
mod keys;
mod model;
mod near;
mod net;
mod page;
mod parse;
mod problem;
mod read;
mod schema;
mod servers;
mod sign_in;
mod units;
mod words;

pub use model::{
    Access, Admin, Advise, AdviseAct, AdviseAzure, AdviseByRisk, AdviseCredential, AdviseModel, AdviseScope,
    Audit, Child, Cloud, Config, Console, ContentSafety, Data, DataRule, DataUse, Durability, Elicitation,
    Entra, EntraCredential, EntraTokens, Era, FlaggedArguments, FlaggedDefinitions, FlaggedResults, Flow,
    FlowMode, Gateway, Guard, GuardConfig, IdentitySource, Lab, Limits, Log, LogFormat, LogLevel, Pins,
    Policy, RegisteredClient, Remote, Risk, Rules, Server, ServerCredential, Sessions, SignIn, Spotlight,
    Target, Tenants, Tls, TokenCache, UserGrant, Vault, VaultKey,
};
pub use net::{HttpUrl, Network, Origin};
pub use page::page;
pub use problem::{ConfigErrors, Place, Problem};
pub use schema::schema;

use toml::de::DeTable;

use crate::problem::Problems;
use crate::read::Section;

/// The largest file that is read: far above any real one, far below what could hurt.
const MOST_BYTES: usize = 4 << 20;

/// What the program was built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// Whether `[insecure_lab]` exists: builds with the feature `lab` only (D-19).
    pub lab: bool,
}

/// Reads a whole file. `file_name` only names it in messages.
///
/// # Errors
/// Every problem of the file at once. Where the text is not TOML, only that is told, since the rest would be guesses.
pub fn load(file_name: &str, text: &str, build: Build) -> Result<Config, ConfigErrors> {
    read(file_name, text, |root, problems| build::config(root, build, problems))
}

/// Reads a file for the guard and for signing in on this machine: one with `[guard]` and no `[gateway]`, or a gateway's
/// with `[guard]` in it, which must be valid as a whole.
///
/// # Errors
/// As [`load`].
pub fn load_guard(file_name: &str, text: &str, build: Build) -> Result<GuardConfig, ConfigErrors> {
    read(file_name, text, |root, problems| guard::config(root, build, problems))
}

/// Reads a guard's labels: `[flow]` and `[[label]]`, in a file of their own.
///
/// # Errors
/// As [`load`].
pub fn load_labels(file_name: &str, text: &str) -> Result<Flow, ConfigErrors> {
    let mut problems = Problems::default();
    let labels = opened(&keys::LABELS, text, &mut problems, flow::labels);
    match labels {
        Some(labels) if problems.is_empty() => Ok(labels),
        _ => Err(problems.into_errors(file_name, text)),
    }
}

/// Says whether a text is a guard's file alone: to be read with [`load_guard`], for [`load`] would miss a gateway.
pub fn is_for_guard(text: &str) -> bool {
    let (document, _) = DeTable::parse_recoverable(text);
    guard::alone(&Section::open(&keys::ROOT, document.get_ref(), None, &mut Problems::default()))
}

fn read<T>(
    file_name: &str,
    text: &str,
    build: impl FnOnce(&Section<'_>, &mut Problems) -> Option<T>,
) -> Result<T, ConfigErrors> {
    let mut problems = Problems::default();
    let config = opened(&keys::ROOT, text, &mut problems, build);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems.into_errors(file_name, text)),
    }
}

fn opened<T>(
    group: &'static keys::Group,
    text: &str,
    problems: &mut Problems,
    build: impl FnOnce(&Section<'_>, &mut Problems) -> Option<T>,
) -> Option<T> {
    if text.len() > MOST_BYTES {
        problems.add(None, "the file is larger than 4 MiB", "check that this is the configuration");
        return None;
    }
    // Some editors put a byte order mark in front; it is no part of the text, but offsets count it.
    let (document, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let root = Section::open(group, document.get_ref(), None, problems);
        return build(&root, problems);
    }
    for error in errors {
        let what = format!("this is not TOML: {}", error.message().replace('\n', ", "));
        problems.add(
            error.span(),
            what,
            "write `key = value` lines below `[table]` lines, texts in double quotes, each key once",
        );
    }
    None
}

#[cfg(test)]
mod tests;
