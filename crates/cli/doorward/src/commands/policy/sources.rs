//! Where policies and the servers they speak of come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use doorward_config::Config;
use doorward_policy::{Policies, PolicyProblem, PolicyText};
use serde_json::{Value, json};

use crate::commands::policy::servers::Servers;
use crate::commands::serve;
use crate::failure::Failure;
use crate::out::{NAME, Out, STRONG, paint};
use crate::table::{clean, count, short};

const DEFAULT_CONFIG: &str = "doorward.toml";

/// What servers there are and what they offer.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// The configuration that names servers and policies; by default `doorward.toml`, unless a folder is named.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What the servers offer, as JSON: `{"SERVER": RESULT, …}`, each the result of a `tools/list`; `prompts` may stand
    /// beside `tools`.
    #[arg(short, long, value_name = "FILE")]
    tools: Option<PathBuf>,
}

/// Policies that parse, and where they were read.
pub(crate) struct Texts {
    pub(crate) dir: PathBuf,
    pub(crate) text: PolicyText,
}

/// Policies that are valid for the servers.
pub(crate) struct Loaded {
    pub(crate) dir: PathBuf,
    pub(crate) servers: Servers,
    pub(crate) policies: Policies,
    pub(crate) count: usize,
}

impl Sources {
    /// Loads everything; `dir` is the policy folder, if one is named.
    pub(crate) fn load(&self, out: &Out, dir: Option<&Path>) -> Result<Loaded, Failure> {
        let config = if dir.is_some() && self.config.is_none() { None } else { self.config()? };
        let dir = match (dir, &config) {
            (Some(dir), _) => dir.to_owned(),
            (None, Some(config)) => short(&config.policy.dir).to_owned(),
            (None, None) => {
                return Err(Failure::usage("it is not said where the policies are")
                    .help("name the folder, or a configuration with --config FILE"));
            }
        };
        let servers = self.servers(config.as_ref())?;
        let Texts { dir, text } = Texts::read(out, dir)?;
        let policies = Policies::compile(&text, &servers.shapes()).map_err(|problems| {
            let failure = invalid(out, &problems, Some(&dir));
            if servers.is_empty() {
                return failure.help("no server is known: name a configuration with --config FILE, or what the servers offer with --tools FILE");
            }
            failure
        })?;
        Ok(Loaded { dir, servers, policies, count: text.len() })
    }

    /// Reads the configuration that is named, or the one that lies here.
    pub(crate) fn config(&self) -> Result<Option<Config>, Failure> {
        match &self.config {
            Some(path) => serve::load(path).map(Some),
            None if Path::new(DEFAULT_CONFIG).exists() => serve::load(Path::new(DEFAULT_CONFIG)).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn servers(&self, config: Option<&Config>) -> Result<Servers, Failure> {
        Servers::read(config, self.tools.as_deref())
    }
}

impl Texts {
    /// Reads every `*.cedar` file of a folder, by name, as the door does: a policy without `@id` is named after its
    /// file, without the folder.
    fn read(out: &Out, dir: PathBuf) -> Result<Self, Failure> {
        let unreadable = |path: &Path, error: std::io::Error| {
            Failure::usage(format!("cannot read {}: {error}", path.display()))
                .help("name the folder that holds the *.cedar files")
        };
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(&dir).map_err(|error| unreadable(&dir, error))? {
            let path = entry.map_err(|error| unreadable(&dir, error))?.path();
            if path.extension().is_some_and(|extension| extension == "cedar") {
                let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                files.insert(name, text);
            }
        }
        let files: Vec<_> = files.into_iter().collect();
        match PolicyText::parse(&files) {
            Ok(text) => Ok(Self { dir, text }),
            Err(problems) => Err(invalid(out, &problems, Some(&dir))),
        }
    }
}

/// Prints everything that is wrong with policies, and returns how the command ends.
pub(crate) fn invalid(out: &Out, problems: &[PolicyProblem], dir: Option<&Path>) -> Failure {
    if out.json {
        let problems: Vec<Value> = problems.iter().map(problem_json).collect();
        out.line(json!({ "valid": false, "problems": problems }));
    } else {
        for problem in problems {
            out.note(format_args!("{}\n", problem_text(problem, dir)));
        }
    }
    Failure::usage(format!("the policies are not valid: {}", count(problems.len(), "problem")))
        .help("none of them takes effect; a door that runs keeps the ones it has")
}

pub(crate) fn problem_json(problem: &PolicyProblem) -> Value {
    json!({
        "file": problem.file, "line": problem.line, "column": problem.column,
        "policy": problem.policy, "what": problem.what, "help": problem.help,
    })
}

/// A problem with its place as the person's shell finds it, and the way out.
pub(crate) fn problem_text(problem: &PolicyProblem, dir: Option<&Path>) -> String {
    let mut text = match place(&problem.file, problem.line, dir) {
        place if place.is_empty() => String::new(),
        place => format!("{} ", paint(STRONG, format_args!("{place}:{}:", problem.column))),
    };
    if let Some(policy) = &problem.policy {
        text.push_str(&format!("{} ", paint(NAME, clean(policy))));
    }
    text.push_str(&clean(&problem.what));
    if !problem.help.is_empty() {
        text.push_str(&format!("\n  {} {}", paint(NAME, "help:"), clean(&problem.help)));
    }
    text
}

/// `policies/crm.cedar:3`; empty where no file is at fault.
pub(crate) fn place(file: &str, line: u32, dir: Option<&Path>) -> String {
    if file.is_empty() {
        return String::new();
    }
    let path = dir.map_or_else(|| PathBuf::from(file), |dir| dir.join(file));
    format!("{}:{line}", clean(&path.display().to_string()))
}
