//! `doorward lab`: the emulated Entra and Graph alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorward_emulator::{Clock, Emulator, Options, Running, Seed};

use crate::commands::serve::{Told, runtime, write_ready};
use crate::failure::Failure;
use crate::out::{BAD, NAME, Out, paint};

/// Run the emulated Entra and Graph alone, or get a token from it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Lab {
    #[command(subcommand)]
    command: Option<LabCommand>,
    #[command(flatten)]
    run: RunLab,
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Print an access token of a running lab.
    Token(Token),
}

#[derive(Debug, Args)]
struct RunLab {
    /// Where to listen; loopback only.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8444")]
    listen: SocketAddr,
    /// Folder for its keys and certificate authority.
    #[arg(long, value_name = "DIR", default_value = ".doorward/lab")]
    data: PathBuf,
    /// Users, applications and groups; by default two tenants with a handful of people.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Write addresses and files as JSON into this file once it runs.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Token {
    /// The person, as the seed names them.
    #[arg(long, value_name = "NAME", conflicts_with = "app", required_unless_present = "app")]
    user: Option<String>,
    /// The application, for a token without a person.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// The API the token is for, as the seed names it.
    #[arg(long, value_name = "NAME", default_value = "door")]
    resource: String,
    /// The groups it lists, by object id, instead of the seed's; may be given many times.
    #[arg(long, value_name = "GUID")]
    group: Vec<String>,
    /// Seconds until the token expires.
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u64>,
    /// The running lab's folder.
    #[arg(long, value_name = "DIR", default_value = ".doorward/lab")]
    data: PathBuf,
}

impl Lab {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self.command {
            Some(LabCommand::Token(token)) => token.run(out),
            None => self.run.run(out),
        }
    }
}

impl RunLab {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let seed = match &self.seed {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
                Seed::parse(&text).map_err(|error| Failure::usage(error.to_string()))?
            }
            None => Seed::contoso().map_err(failed)?,
        };
        runtime(None)?.block_on(async {
            let mut told = Told::listen()?;
            let options = Options {
                seed,
                listen: self.listen,
                data_dir: Some(self.data.clone()),
                clock: Clock::system(),
            };
            let running = Emulator::start(options).await.map_err(failed)?;
            introduce(out, &running);
            if let Some(path) = &self.ready_file {
                let ready = serde_json::json!({
                    "authority": running.authority,
                    "graph": running.graph,
                    "ca_file": running.ca_file,
                });
                write_ready(path, &ready)?;
            }
            told.wait().await;
            running.stop().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

pub(crate) fn failed(error: doorward_emulator::EmulatorError) -> Failure {
    Failure::new(error.to_string())
}

fn introduce(out: &Out, running: &Running) {
    out.note(paint(BAD, "LAB: an emulator, not Entra. Its tokens prove nothing to anybody else."));
    out.note(format_args!("  authority  {}", paint(NAME, &running.authority)));
    out.note(format_args!("  graph      {}", paint(NAME, &running.graph)));
    if let Some(ca) = &running.ca_file {
        out.note(format_args!("  ca         {}", ca.display()));
    }
}

impl Token {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let subject = match (&self.user, &self.app) {
            (Some(user), _) => serde_json::json!({ "user": user }),
            (None, app) => serde_json::json!({ "app": app }),
        };
        let mut request =
            serde_json::json!({ "subject": subject, "resource": self.resource, "lifetime": self.lifetime });
        if let Some(members) = request.as_object_mut() {
            if !self.group.is_empty() {
                members.insert("groups".to_owned(), serde_json::json!({ "listed": self.group }));
            }
            if let Some(app) = &self.app {
                members.insert("client".to_owned(), app.as_str().into());
            }
        }
        let token =
            runtime(Some(1))?.block_on(crate::commands::up::lab_client::mint(&self.data, &request))?;
        out.line(token);
        Ok(ExitCode::SUCCESS)
    }
}
