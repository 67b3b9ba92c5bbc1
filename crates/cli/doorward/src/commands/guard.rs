//! `doorward guard`: the local door, started by a client in a server's place.

mod streams;

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use doorward_config::{LogFormat, LogLevel};
use doorward_engine::EraRule;
use doorward_guard::{Ended, Guard as Door, Plan};
use doorward_oauth::{AtHome, Groups};
use doorward_types::{ClientId, ObjectId, Person, ServerName, TenantId, Timestamp};

use crate::commands::serve;
use crate::failure::Failure;
use crate::out::{NAME, Out, STRONG, WARN, paint};

/// Stand around a local server: same policies, same records as at the remote door. A client starts it in the server's place.
#[derive(Debug, Args)]
pub(crate) struct Guard {
    /// What policies and records call the server; by default what its command suggests.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A folder with policies; by default everything is let through, and recorded.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
    /// Where records and their keys lie; by default `doorward` in the person's state folder.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// A variable of this environment that the server gets, or one with a value of its own; may be given again.
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// The revisions the server speaks; by default it is asked.
    #[arg(long, value_name = "ERA", value_parser = ["auto", "legacy", "modern", "both"], default_value = "auto")]
    era: String,
    /// A host that the server may ask the person to open, with its port unless it is 443; may be given again.
    #[arg(long, value_name = "HOST")]
    url_host: Vec<String>,
    /// How long the server may be silent on a call, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// How much is said on standard error.
    #[arg(long, value_name = "LEVEL", value_parser = ["error", "warn", "info", "debug", "trace"], default_value = "warn")]
    log: String,
    /// The server's program and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What a guard without policies of its own lets through.
const STARTER: &str = include_str!("guard/starter.cedar");

/// Nobody's directory: of a person who has not signed in, only their machine knows.
const HOME: &str = "00000000-0000-0000-0000-000000000000";
const CLIENT: &str = "doorward-guard";

impl Guard {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        serve::log_to_stderr(LogFormat::Human, level(&self.log));
        let state = self.state.clone().map_or_else(state_folder, Ok)?;
        let plan = self.plan(state)?;
        let name = plan.name.clone();
        let about = self.about(&plan);
        let guard = Door::open(plan).map_err(|error| Failure::new(error.to_string()))?;
        out.note(format_args!("{about}  records   {}", guard.log.display()));
        serve::runtime(Some(1))?.block_on(async {
            let mut told = serve::Told::listen()?;
            let failed =
                |error: std::io::Error| Failure::new(format!("the standard streams cannot be used: {error}"));
            let (input, output) = (streams::input().map_err(failed)?, streams::output().map_err(failed)?);
            match guard.serve(input, output, told.wait()).await {
                Ended::ClientLeft => Ok(ExitCode::SUCCESS),
                Ended::ServerGone => Err(Failure::new(format!("the server `{name}` has ended")).help(
                    "what it said last is on standard error with --log debug; the client starts both again",
                )),
                Ended::Refused => Err(Failure::new(format!("the policies let nobody here use `{name}`"))
                    .help("permit the action `connect` for this person, or leave --policies out")),
            }
        })
    }

    fn plan(&self, state: PathBuf) -> Result<Plan, Failure> {
        let name = self.name.clone().unwrap_or_else(|| name_of(&self.command));
        let name = ServerName::parse(&name).map_err(|error| {
            Failure::usage(format!("`{name}` is no name for a server: {error}"))
                .help("name it with --name: small letters, digits and hyphens")
        })?;
        let who = at_home(&state)?;
        Ok(Plan {
            name,
            command: self.command.clone(),
            env: self.env.iter().map(|variable| variable_of(variable)).collect::<Result<_, _>>()?,
            cwd: None,
            era: match self.era.as_str() {
                "legacy" => EraRule::Legacy,
                "modern" => EraRule::Modern,
                "both" => EraRule::Both,
                _ => EraRule::Auto,
            },
            policies: match &self.policies {
                Some(dir) => policies(dir)?,
                None => vec![("starter.cedar".to_owned(), STARTER.to_owned())],
            },
            url_hosts: self.url_host.clone(),
            who,
            state,
            call_timeout: Duration::from_secs(self.timeout),
        })
    }

    /// Says what is about to run, exactly, and what holds for it.
    fn about(&self, plan: &Plan) -> String {
        let command: Vec<_> = plan.command.iter().map(|word| quoted(word)).collect();
        let policies = match &self.policies {
            Some(dir) => dir.display().to_string(),
            None => paint(WARN, "the starter policy: everything is let through, and recorded"),
        };
        let mut about = format!("doorward guards {}\n", paint(NAME, &plan.name));
        let _infallible = writeln!(about, "  command   {}", paint(STRONG, command.join(" ")));
        let _infallible = writeln!(about, "  policies  {policies}");
        let _infallible = writeln!(about, "  person    whoever uses this account; nobody has signed in");
        about
    }
}

fn level(word: &str) -> LogLevel {
    match word {
        "error" => LogLevel::Error,
        "info" => LogLevel::Info,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        _ => LogLevel::Warn,
    }
}

/// Shows one word of a command so that it can be pasted into a shell, and hides nothing.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@=+,%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    // A control character could rewrite the line above it on a terminal.
    let shown: String = word
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    format!("'{}'", shown.replace('\'', r"'\''"))
}

/// What a command suggests as its server's name: the package that a runner starts, else the program.
fn name_of(command: &[String]) -> String {
    let mut words = command.iter().map(String::as_str);
    let program = words.next().unwrap_or_default();
    let base = |text: &str| text.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let runs =
        matches!(base(program).as_str(), "npx" | "uvx" | "bunx" | "node" | "python" | "python3" | "docker");
    let told = words.find(|word| runs && !word.starts_with('-') && !matches!(*word, "run" | "exec"));
    let named = base(told.unwrap_or(program));
    // Without a version, and without what says how it is written.
    let named = named.split('@').find(|part| !part.is_empty()).unwrap_or_default();
    let named = [".py", ".mjs", ".cjs", ".js", ".exe"]
        .iter()
        .fold(named, |name, end| name.strip_suffix(end).unwrap_or(name));
    let plain: String = named
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(64)
        .collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "server".to_owned() } else { plain.to_owned() }
}

fn variable_of(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.to_owned()),
        None => {
            let value = std::env::var(text).map_err(|_| {
                Failure::usage(format!("the variable `{text}` is not set here, or is no text"))
                    .help("set it, or give its value: --env NAME=VALUE")
            })?;
            (text, value)
        }
    };
    if name.is_empty() || name.contains('\0') || value.contains('\0') {
        return Err(Failure::usage(format!("`{}` names no variable", quoted(text)))
            .help("write --env NAME or --env NAME=VALUE"));
    }
    Ok((name.to_owned(), value))
}

fn policies(dir: &Path) -> Result<Vec<(String, String)>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("cannot read the policies in {}: {error}", dir.display()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            let text = std::fs::read_to_string(&path).map_err(failed)?;
            files.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text));
        }
    }
    files.sort();
    Ok(files)
}

/// The folder where programs keep what must outlive a restart (XDG Base Directory Specification).
fn state_folder() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    state.map(|state| state.join("doorward")).ok_or_else(|| {
        Failure::usage("neither XDG_STATE_HOME nor HOME says where records could lie")
            .help("name a folder with --state DIR")
    })
}

/// Whoever uses this account: a name drawn at random once, and kept. The log shows it by a pseudonym of its own.
fn at_home(state: &Path) -> Result<AtHome, Failure> {
    let path = state.join("person");
    let failed = |error: std::io::Error| {
        Failure::new(format!("cannot use {}: {error}", path.display()))
            .help("name a folder that can be written with --state DIR")
    };
    let bad = |what: &dyn std::fmt::Display| {
        Failure::new(format!("{} does not name a person: {what}", path.display()))
            .help("remove the file; a new name is drawn then")
    };
    std::fs::create_dir_all(state).map_err(failed)?;
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let mut drawn = [0; 16];
            aws_lc_rs::rand::fill(&mut drawn)
                .map_err(|_| Failure::new("the operating system gives no randomness"))?;
            let hex: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
            let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
            let guid = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
            file.write_all(guid.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let object = std::fs::read_to_string(&path).map_err(failed)?;
    Ok(AtHome {
        person: Person {
            tenant: TenantId::parse(HOME).map_err(|error| bad(&error))?,
            object: ObjectId::parse(object.trim()).map_err(|error| bad(&error))?,
        },
        client: ClientId::registered(CLIENT).map_err(|error| bad(&error))?,
        roles: Vec::new(),
        groups: Groups::Absent,
        // For as long as the account is used.
        expires: Timestamp::from_micros(i64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_what_its_command_suggests() {
        for (command, name) in [
            ("npx -y @modelcontextprotocol/server-filesystem@2026.8.31 /srv", "server-filesystem"),
            ("npx --yes some-server", "some-server"),
            ("uvx mcp-server-git", "mcp-server-git"),
            ("docker run -i ghcr.io/github/github-mcp-server", "github-mcp-server"),
            ("/usr/local/bin/Notes.exe", "notes"),
            ("python3 /opt/desk_server.py", "desk-server"),
            ("node", "node"),
            ("***", "server"),
        ] {
            let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(name_of(&words), name, "{command}");
        }
    }

    #[test]
    fn a_command_is_shown_as_it_is() {
        assert_eq!(quoted("plain-word/1.0"), "plain-word/1.0");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("\u{1b}[2Khidden"), r"'\u{1b}[2Khidden'");
        assert_eq!(quoted(""), "''");
    }
}
