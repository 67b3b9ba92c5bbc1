//! `doorward guard`: the local door, started by a client in a server's place.

mod learned;
mod person;
mod streams;

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use doorward_clients::{guard_name, masked};
use doorward_config::{LogFormat, LogLevel};
use doorward_engine::{
    Budget, DataRules, EraRule, Flagged, FlowRules, Form, Injected, LookAlikes, ResultRules, Spotlight,
};
use doorward_guard::{Behind, Desktop, Ended, Guard as Door, Plan, Program, Terminal};
use doorward_inspect::Bundles;
use doorward_oauth::{AtHome, Groups};
use doorward_pins::First;
use doorward_sandbox::{Learning, Profile};
use doorward_types::{ClientId, ObjectId, ServerName, TenantId, Timestamp};

use crate::commands::accounts::state_folder;
use crate::commands::guard::person::Person;
use crate::commands::rules::{shelf, unusable};
use crate::commands::serve;
use crate::failure::Failure;
use crate::out::{NAME, Out, STRONG, WARN, paint};
use crate::table::acts;

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
    /// A line of the server's sandbox: `files-read DIR`, `files-write DIR`, `net HOST`, …; may be given again. Without any it
    /// sees its own program, has a scratch of its own, and reaches nobody.
    #[arg(long, value_name = "LINE", conflicts_with = "no_sandbox")]
    sandbox: Vec<String>,
    /// Put nothing around the server: it may do what you may.
    #[arg(long)]
    no_sandbox: bool,
    /// Write down what the server asks for and is not given, and propose the lines that would give it. Nothing more is given
    /// meanwhile.
    #[arg(long, conflicts_with = "no_sandbox")]
    learn: bool,
    /// A configuration with `[guard]`: who signs in, and the policies.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Who, where several people are signed in: an address or an object id.
    #[arg(long, value_name = "WHO", requires = "config")]
    account: Option<String>,
    /// A scope of an API, `https://graph.microsoft.com/User.Read` for one: the server may ask for tokens of who signed in for
    /// it; may be given again.
    #[arg(long, value_name = "SCOPE", requires = "config")]
    token: Vec<String>,
    /// Where you are asked before a tool is called that the server marks as destructive: `desktop`, by a notification;
    /// `terminal`, where the guard was started; `never`, and such tools are let through. Without a desktop or terminal they are
    /// refused. By default `desktop` with the starter policy, and `never` with policies of your own.
    #[arg(long, value_name = "WHERE", value_parser = ["desktop", "terminal", "never"])]
    ask: Option<String>,
    /// What becomes of a tool, prompt or resource whose definition gives orders to the model: it is recorded, and left out where
    /// there is no doubt (`withhold`), only recorded, or definitions are not read (`pass`).
    #[arg(long, value_name = "WHAT", value_parser = ["withhold", "record", "pass"], default_value = "withhold")]
    flagged: String,
    /// A file with labels: what each tool reads and where it writes. What was read under all of your guards then counts for
    /// each of them; without one nothing is remembered.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// What becomes of secrets: taken out of answers and refused in arguments (`redact`), or only recorded (`record`); or nothing is
    /// looked for (`off`). Personal data is recorded with both.
    #[arg(long, value_name = "WHAT", value_parser = ["redact", "record", "off"], default_value = "redact")]
    data: String,
    /// What becomes of a result, an error, a question or a message of the server that gives orders to the model: it is recorded,
    /// and goes on with a note of what was found in it (`mark`); or it is kept from the client where there is no doubt (`block`);
    /// or it is only recorded; or what comes back is not read (`pass`).
    #[arg(long, value_name = "WHAT", value_parser = ["mark", "block", "record", "pass"], default_value = "mark")]
    flagged_results: String,
    /// How the client is told that what the server returns is a stranger's text: by a note in `_meta`, which no model reads
    /// (`annotate`); in the text itself, between lines that nobody can forge (`transform`), with a sign for each blank besides
    /// (`datamark`), or in base64 (`encode`). `off` says that the server is trusted.
    #[arg(long, value_name = "HOW", value_parser = ["off", "annotate", "transform", "datamark", "encode"], default_value = "annotate")]
    spotlight: String,
    /// How many bytes one answer may have; what is larger does not go on, and the client is told to ask for less.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1_024..))]
    max_result_bytes: Option<u64>,
    /// How many tokens one answer may be for a model, by an estimate that is rather too high.
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u64).range(100..))]
    max_result_tokens: Option<u64>,
    /// What the server's definitions are held against: what is seen first (`first-use`), what you approved (`approval`), or
    /// nothing (`off`). What means something else later is left out until `doorward pin approve`.
    #[arg(long, value_name = "WHAT", value_parser = ["first-use", "approval", "off"], default_value = "first-use")]
    pins: String,
    /// What becomes of a tool whose name passes for a tool of another server of yours: it is recorded, or left out until you
    /// approve it.
    #[arg(long, value_name = "WHAT", value_parser = ["record", "block"], default_value = "record")]
    look_alikes: String,
    /// A folder of signed bundles of rules beside those that are built in; read once, when the guard starts.
    #[arg(long, value_name = "DIR", requires = "rules_key")]
    rules: Option<PathBuf>,
    /// A public key whose bundles are taken; may be given again.
    #[arg(long, value_name = "FILE", requires = "rules")]
    rules_key: Vec<PathBuf>,
    /// The server's program and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What a guard without policies of its own lets through.
pub(crate) const STARTER: &str = include_str!("guard/starter.cedar");

/// Nobody's directory: of a person who has not signed in, only their machine knows.
const HOME: &str = "00000000-0000-0000-0000-000000000000";
const CLIENT: &str = "doorward-guard";

impl Guard {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        serve::log_to_stderr(LogFormat::Human, level(&self.log));
        let state = self.state.clone().map_or_else(|| state_folder("--state DIR"), Ok)?;
        serve::runtime(Some(1))?.block_on(async {
            let person = match &self.config {
                Some(config) => Some(Person::signed_in(config, self.account.as_deref(), out).await?),
                None => None,
            };
            let program = self.program()?;
            let (profile, learning) = (program.profile.clone(), program.learning.clone());
            let plan = self.plan(program, state, person.as_ref())?;
            let (name, state) = (plan.name.clone(), plan.state.clone());
            out.note(self.about(&plan, profile.as_ref(), person.as_ref()).trim_end());
            let guard = Door::open(plan).await.map_err(|error| {
                Failure::new(error.to_string()).help("docs/guard.md says what a guard needs")
            })?;
            out.note(format_args!("  records   {}", guard.log.display()));
            if let Some(person) = person {
                let seat = guard.seat();
                tokio::spawn(person.watch(person::round, move |who| seat.take(who)));
            }
            let mut told = serve::Told::listen()?;
            let failed =
                |error: std::io::Error| Failure::new(format!("the standard streams cannot be used: {error}"));
            let (input, output) = (streams::input().map_err(failed)?, streams::output().map_err(failed)?);
            let ended = guard.serve(input, output, told.wait()).await;
            if let Some(learning) = learning {
                learned::tell(&learning, &state, &name, out).await?;
            }
            match ended {
                Ended::ClientLeft => Ok(ExitCode::SUCCESS),
                Ended::ServerGone => Err(Failure::new(format!("the server `{name}` has ended")).help(
                    "what it said last is on standard error with --log debug; the client starts both again",
                )),
                Ended::Refused => Err(Failure::new(format!("the policies let nobody here use `{name}`"))
                    .help("permit the action `connect` for this person, or leave --policies out")),
            }
        })
    }

    /// The program, and what it gets.
    fn program(&self) -> Result<Program, Failure> {
        let profile = match self.no_sandbox {
            true => None,
            false => Some(Profile::parse(&self.sandbox.join("\n")).map_err(|error| {
                Failure::usage(error.to_string()).help("docs/guard.md lists the lines of a profile")
            })?),
        };
        Ok(Program {
            command: self.command.clone(),
            env: self.env.iter().map(|variable| variable_of(variable)).collect::<Result<_, _>>()?,
            cwd: None,
            profile,
            learning: self.learn.then(Learning::default),
        })
    }

    fn plan(&self, program: Program, state: PathBuf, person: Option<&Person>) -> Result<Plan, Failure> {
        let name = self.name.clone().unwrap_or_else(|| name_of(&self.command));
        let name = ServerName::parse(&name).map_err(|error| {
            Failure::usage(format!("`{name}` is no name for a server: {error}"))
                .help("name it with --name: small letters, digits and hyphens")
        })?;
        let who = match person {
            Some(person) => person.who.clone(),
            None => at_home(&state)?,
        };
        let own = person.and_then(|person| person.policies.clone());
        Ok(Plan {
            name,
            server: Behind::Program(program),
            era: match self.era.as_str() {
                "legacy" => EraRule::Legacy,
                "modern" => EraRule::Modern,
                "both" => EraRule::Both,
                _ => EraRule::Auto,
            },
            policies: match self.policies.as_ref().or(own.as_ref()) {
                Some(dir) => policies(dir)?,
                None => vec![("starter.cedar".to_owned(), STARTER.to_owned())],
            },
            url_hosts: self.url_host.clone(),
            who,
            state,
            call_timeout: Duration::from_secs(self.timeout),
            unabridged: false,
            flagged: match self.flagged.as_str() {
                "record" => Flagged::Record,
                "pass" => Flagged::Pass,
                _ => Flagged::Withhold,
            },
            flow: Arc::new(match &self.labels {
                Some(file) => labels(file)?,
                None => FlowRules::off(),
            }),
            data: match self.data.as_str() {
                "record" => Some(DataRules::recording()),
                "off" => None,
                _ => Some(DataRules::default()),
            },
            results: self.results(),
            pins: match self.pins.as_str() {
                "approval" => Some(First::ByApproval),
                "off" => None,
                _ => Some(First::OnUse),
            },
            look_alikes: match self.look_alikes.as_str() {
                "block" => LookAlikes::Block,
                _ => LookAlikes::Record,
            },
            asks: match self.ask(person) {
                "desktop" => Some(Box::new(Desktop::default())),
                "terminal" => Some(Box::new(Terminal::default())),
                _ => None,
            },
            tokens: match person {
                Some(person) => person.tokens(&self.token)?,
                None => None,
            },
            bundles: self.bundles(person)?,
        })
    }

    /// The rules beside those that are built in: those named here, or those of the configuration.
    fn bundles(&self, person: Option<&Person>) -> Result<Arc<Bundles>, Failure> {
        let shelf = match (&self.rules, person) {
            (Some(dir), _) => shelf(dir, &self.rules_key)?,
            (None, Some(person)) => shelf(&person.rules.dir, &person.rules.keys)?,
            (None, None) => return Ok(Arc::default()),
        };
        Ok(Arc::new(shelf.load().map_err(unusable)?.bundles))
    }

    /// What is done about the content of answers.
    fn results(&self) -> ResultRules {
        ResultRules {
            injected: match self.flagged_results.as_str() {
                "block" => Injected::Block,
                "record" => Injected::Record,
                "pass" => Injected::Pass,
                _ => Injected::Mark,
            },
            spotlight: match self.spotlight.as_str() {
                "off" => Spotlight::Off,
                "transform" => Spotlight::Transform(Form::Delimit),
                "datamark" => Spotlight::Transform(Form::Datamark),
                "encode" => Spotlight::Transform(Form::Encode),
                _ => Spotlight::Annotate,
            },
            budget: Budget {
                bytes: self.max_result_bytes.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
                tokens: self.max_result_tokens.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
            },
            ..ResultRules::default()
        }
    }

    /// Where the person is asked.
    fn ask(&self, person: Option<&Person>) -> &str {
        let own = self.policies.is_some() || person.is_some_and(|person| person.policies.is_some());
        self.ask.as_deref().unwrap_or(if own { "never" } else { "desktop" })
    }

    /// Says what is about to run, exactly, and what holds for it.
    fn about(&self, plan: &Plan, profile: Option<&Profile>, person: Option<&Person>) -> String {
        // Clients keep what a server says on standard error: no secret of the command line may be in it.
        let (program, args) =
            self.command.split_first().map_or(("", &[][..]), |(program, args)| (program.as_str(), args));
        let words = std::iter::once(program.to_owned()).chain(masked(args));
        let command: Vec<_> = words.map(|word| quoted(&word)).collect();
        let own = person.and_then(|person| person.policies.as_ref());
        let policies = match self.policies.as_ref().or(own) {
            Some(dir) => dir.display().to_string(),
            None => paint(WARN, "the starter policy: everything is let through, and recorded"),
        };
        let asks = match self.ask(person) {
            "desktop" => "by a notification, before a destructive tool is called",
            "terminal" => "at the terminal, before a destructive tool is called",
            _ => "nobody",
        };
        let mut about = format!("  server    {}\n", paint(NAME, &plan.name));
        let _infallible = writeln!(about, "  command   {}", paint(STRONG, command.join(" ")));
        let _infallible = writeln!(about, "  policies  {policies}");
        let _infallible = writeln!(about, "  asks      {asks}");
        let _infallible = writeln!(
            about,
            "  labels    {}",
            match &self.labels {
                Some(file) => file.display().to_string(),
                None => "none: what is read may leave again".to_owned(),
            }
        );
        let who = person.map_or("whoever uses this account; nobody has signed in", |person| &person.name);
        let _infallible = writeln!(about, "  person    {who}");
        if let Some(tokens) = &plan.tokens {
            let audiences: Vec<_> = tokens.allowed.audiences().collect();
            let _infallible = writeln!(about, "  tokens    the server may ask for {}", audiences.join(", "));
        }
        let sandbox = match profile {
            None => paint(WARN, "none: the server may do what you may"),
            Some(_) if self.sandbox.is_empty() => "strict".to_owned(),
            Some(_) => self.sandbox.join("; "),
        };
        let _infallible = writeln!(about, "  sandbox   {sandbox}");
        if self.learn {
            let line = "this run learns: what the server asks for and is not given is written down; nothing more is given";
            let _infallible = writeln!(about, "            {}", paint(WARN, line));
        }
        for hidden in profile.iter().flat_map(|profile| unseen(&self.command, profile)) {
            let path = hidden.display();
            let line = format!(
                "the server does not see {path}; it would with --sandbox 'files-read {path}', or files-write"
            );
            let _infallible = writeln!(about, "            {}", paint(WARN, line));
        }
        about
    }
}

/// Paths that stand among the arguments, lead to something, and are outside of what the server sees: its own program and
/// script are not among them.
fn unseen(command: &[String], profile: &Profile) -> Vec<PathBuf> {
    let seen = |path: &Path| {
        profile.files_read.iter().chain(&profile.files_write).any(|open| path.starts_with(open))
    };
    let paths = command.iter().skip(1).map(Path::new).filter(|path| path.is_absolute() && path.exists());
    // The first argument that is a file is what an interpreter is given.
    let script = command.iter().skip(1).map(Path::new).find(|path| path.is_file());
    paths.filter(|path| !seen(path) && Some(*path) != script).map(Path::to_owned).collect()
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
    // A control character could rewrite the line above it on a terminal, and a sign of direction what is read there.
    let shown: String =
        word.chars().flat_map(|c| if acts(c) { c.escape_default().collect() } else { vec![c] }).collect();
    format!("'{}'", shown.replace('\'', r"'\''"))
}

/// What a command suggests as its server's name: the package that a runner starts, else the program.
fn name_of(command: &[String]) -> String {
    let mut words = command.iter().map(String::as_str);
    let program = words.next().unwrap_or_default();
    let base = |text: &str| text.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let program_name = base(program);
    let runs = matches!(program_name.as_str(), "npx" | "uvx" | "uv" | "node" | "python" | "python3");
    let of_uv = |word: &str| program_name == "uv" && matches!(word, "tool" | "run");
    // No option, no value of one: a secret could become a name.
    let told =
        words.find(|word| runs && !word.starts_with('-') && !word.contains(['=', ':']) && !of_uv(word));
    let named = base(told.unwrap_or(program));
    // Without a version, and without what says how it is written.
    let named = named.split('@').find(|part| !part.is_empty()).unwrap_or_default();
    let named = [".py", ".mjs", ".cjs", ".js", ".exe"]
        .iter()
        .fold(named, |name, end| name.strip_suffix(end).unwrap_or(name));
    guard_name(named).unwrap_or_else(|| "server".to_owned())
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

/// Reads a file of labels.
pub(crate) fn labels(file: &Path) -> Result<FlowRules, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read the labels in {}: {error}", file.display())))?;
    let flow = doorward_config::load_labels(&file.display().to_string(), &text).map_err(|errors| {
        Failure::usage(errors.to_string()).help("docs/flow.md says how labels are written")
    })?;
    Ok(doorward_gateway::flow_rules(&flow))
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

/// Whoever uses this account: a name drawn at random once, and kept. The log shows it by a pseudonym of its own.
pub(crate) fn at_home(state: &Path) -> Result<AtHome, Failure> {
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
    if !path.exists() {
        let mut drawn = [0; 16];
        aws_lc_rs::rand::fill(&mut drawn)
            .map_err(|_| Failure::new("the operating system gives no randomness"))?;
        let hex: String = drawn.iter().map(|byte| format!("{byte:02x}")).collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        let guid = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-");
        // Written aside and linked: clients start all of their servers at once, and each must read the whole of one name.
        let aside = state.join(format!("person.{}", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&aside).map_err(failed)?;
        file.write_all(guid.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        let linked = std::fs::hard_link(&aside, &path);
        let _ours = std::fs::remove_file(&aside);
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
    }
    let object = std::fs::read_to_string(&path).map_err(failed)?;
    Ok(AtHome {
        person: doorward_types::Person {
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
            ("uv tool run mcp-server-git@1.0", "mcp-server-git"),
            ("uvx --from notes==1.0 notes-server", "notes-server"),
            ("docker run -i -e KEY=secret ghcr.io/github/github-mcp-server", "docker"),
            ("npx --registry https://registry.example/ some-server", "some-server"),
            ("node --env=KEY=secret index.js", "index"),
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
        assert_eq!(quoted("a\u{202e}b"), r"'a\u{202e}b'");
        assert_eq!(quoted(""), "''");
    }
}
