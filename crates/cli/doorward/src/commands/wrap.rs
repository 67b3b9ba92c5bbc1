//! `doorward wrap` and `doorward unwrap`: the servers that this machine's MCP clients start, each behind the door or as it
//! was. What a text means and how it is edited is `doorward-clients`' work; here files are found, written and told about.

mod change;
mod file;
mod find;
mod list;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::out::Out;

pub(crate) use file::read as text_of;
pub(crate) use find::{Found, named};

/// Returns the clients' files of this person and of the project in this folder.
pub(crate) fn files_here() -> Vec<Found> {
    find::all(std::path::Path::new("."))
}

/// Let MCP clients start their servers behind the door. Without a choice: list them, and what to know about each.
#[derive(Debug, Args)]
#[command(
    after_help = "A wrapped server is started as `doorward guard --name=NAME -- COMMAND ARGS…`, in a sandbox that is strict unless told otherwise
here: it sees its own program and reaches nobody. Its environment and everything else in the file stay as they are, comments and indentation too. Each file that is written leaves a backup beside it, which `unwrap` does not need.
Servers that are reached by address are listed and left alone. Secrets on command lines are shown as ***.

Examples:
  doorward wrap
  doorward wrap claude-code/db cursor/github
  doorward wrap --all --dry-run
  doorward wrap claude-code/files --sandbox 'files-read /home/me/notes'
  doorward wrap --file ~/old/mcp.json db"
)]
pub(crate) struct Wrap {
    #[command(flatten)]
    choice: Choice,
    /// A line of the servers' sandbox, as `doorward guard` has it; may be given again.
    #[arg(long, value_name = "LINE", conflicts_with = "no_sandbox")]
    sandbox: Vec<String>,
    /// Put no sandbox around them: they may do what you may.
    #[arg(long)]
    no_sandbox: bool,
}

/// Let MCP clients start their servers as they did before `doorward wrap`.
#[derive(Debug, Args)]
#[command(
    after_help = "The wrapped entry holds the original, so no backup is needed, and what else has changed in the file since stays.

Examples:
  doorward unwrap claude-code/db
  doorward unwrap --all
  doorward unwrap --program /old/place/doorward --all"
)]
pub(crate) struct Unwrap {
    #[command(flatten)]
    choice: Choice,
}

#[derive(Debug, Args)]
pub(crate) struct Choice {
    /// Servers, as the list names them: the client, a slash, the name; one that several files have means all of them. With
    /// --file the name alone will do.
    #[arg(value_name = "FAMILY/NAME", conflicts_with = "all")]
    servers: Vec<String>,
    /// Every server there is.
    #[arg(long)]
    all: bool,
    /// Only this file, wherever it is; its name tells the format.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// The project whose files are looked at beside those of the person.
    #[arg(long, value_name = "DIR", default_value = ".", conflicts_with = "file")]
    project: PathBuf,
    /// Write nothing; print the lines that would change, as they stand in the file.
    #[arg(long)]
    dry_run: bool,
    /// The door that clients start, an absolute path [default: this program].
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// What the door is told of the servers.
    #[arg(skip)]
    told: Vec<String>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Wrap,
    Unwrap,
}

impl Wrap {
    pub(crate) fn run(mut self, out: &Out) -> Result<ExitCode, Failure> {
        let lines = self.sandbox.iter().map(|line| format!("--sandbox={line}"));
        self.choice.told = lines.chain(self.no_sandbox.then(|| "--no-sandbox".to_owned())).collect();
        self.choice.run(Way::Wrap, out)
    }
}

impl Unwrap {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        self.choice.run(Way::Unwrap, out)
    }
}

impl Choice {
    fn run(self, way: Way, out: &Out) -> Result<ExitCode, Failure> {
        let program = self.program(way)?;
        let files = match &self.file {
            Some(path) => vec![named(path)?],
            None => find::all(&self.project),
        };
        if self.servers.is_empty() && !self.all {
            return Ok(list::run(&files, &program, way, out));
        }
        change::run(&self, way, &files, &program, out)
    }

    /// The door's path, as it stands in clients' files.
    fn program(&self, way: Way) -> Result<String, Failure> {
        let path = match &self.program {
            Some(path) => path.clone(),
            None => std::env::current_exe().map_err(|error| {
                Failure::new(format!("this program does not find itself: {error}"))
                    .help("name it with --program")
            })?,
        };
        let shown = crate::table::clean(&path.display().to_string());
        // A client starts it from whatever folder it stands in: a relative path would be another program each time.
        if !path.is_absolute() {
            return Err(Failure::usage(format!("`{shown}` is not an absolute path"))
                .help("write the path from the root"));
        }
        // To unwrap, it need not exist any more.
        if way == Way::Wrap && !path.is_file() {
            return Err(Failure::usage(format!("there is no program at `{shown}`"))
                .help("name the installed `doorward` with --program"));
        }
        path.into_os_string().into_string().map_err(|_| {
            Failure::usage(format!("the path `{shown}` is not UTF-8, which clients' files are"))
                .help("install it at another path")
        })
    }

    /// Whether a server of this family may be meant.
    fn concerns(&self, family: &str) -> bool {
        let of = |chosen: &String| chosen.split_once('/').is_some_and(|(named, _)| named == family);
        self.all || self.file.is_some() || self.servers.iter().any(of)
    }

    /// Whether a server is meant.
    fn includes(&self, family: &str, name: &str) -> bool {
        self.all || self.servers.iter().any(|chosen| self.names(chosen, family, name))
    }

    fn names(&self, chosen: &str, family: &str, name: &str) -> bool {
        self.file.is_some() && chosen == name || chosen.split_once('/') == Some((family, name))
    }
}
