//! Runs one command in a sandbox, to try profiles and to measure:
//! `doorward-sandbox-try [--learn] [PROFILE-FILE] -- COMMAND…`. With `--learn` it says which lines the command lacks.
//! The crate's own tests use it as the program whose stages run.

use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use doorward_sandbox::{HostPort, Launcher, Learning, Outward, Profile, Wanted, start, start_learning};
use tokio::net::TcpStream;

fn main() -> ExitCode {
    if let Some(code) = doorward_sandbox::stage() {
        return code;
    }
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&error);
            ExitCode::from(125)
        }
    }
}

type Failed = Box<dyn std::error::Error>;

fn run() -> Result<u8, Failed> {
    let mut args: Vec<_> = std::env::args().skip(1).collect();
    let command =
        args.iter().position(|arg| arg == "--").map(|at| args.split_off(at + 1)).unwrap_or_default();
    let learning = args.iter().position(|arg| arg == "--learn").map(|at| {
        args.remove(at);
        Learning::default()
    });
    let profile = match args.first().filter(|arg| *arg != "--") {
        Some(file) => Profile::parse(&std::fs::read_to_string(file)?)?,
        None => Profile::default(),
    };
    let wanted = Wanted { command, ..Wanted::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(confined(&wanted, &profile, learning.as_ref()))?;
    if let Some(learning) = learning {
        let home = std::env::home_dir().ok_or("nobody knows where home is")?;
        let proposal = learning.propose(&home, &[]);
        proposal
            .lines
            .iter()
            .for_each(|line| say(&format!("{} # {} {}", line.text, line.count, line.example)));
        proposal.notes.iter().for_each(say);
    }
    Ok(code)
}

/// Nobody is reached from here.
struct NoWayOut;

impl Outward for NoWayOut {
    type Stream = TcpStream;

    async fn connect(&self, _: &HostPort) -> std::io::Result<TcpStream> {
        Err(std::io::ErrorKind::NetworkUnreachable.into())
    }
}

async fn confined(wanted: &Wanted, profile: &Profile, learning: Option<&Learning>) -> Result<u8, Failed> {
    let mut started = match learning {
        Some(learning) => start_learning(&Launcher::default(), wanted, profile, learning)?,
        None => start(&Launcher::default(), wanted, profile)?,
    };
    say(&started.watch.ready().await?);
    tokio::spawn(started.watch.egress().carry(Arc::new(NoWayOut), |_| ()));
    let (Some(out), Some(error)) = (started.process.stdout.take(), started.process.stderr.take()) else {
        return Err("the command has no output".into());
    };
    let input = File::from(started.stdin.into_owned_fd()?);
    // It ends with the process, or when the command no longer reads.
    std::thread::spawn(move || copy(std::io::stdin(), input));
    let (out, error) = (File::from(out.into_owned_fd()?), File::from(error.into_owned_fd()?));
    let passing = [
        std::thread::spawn(move || copy(out, std::io::stdout())),
        std::thread::spawn(move || copy(error, std::io::stderr())),
    ];
    let ending = started.watch.ended().await?;
    passing.into_iter().for_each(|passing| drop(passing.join()));
    say(&ending.map_or("killed from outside".to_owned(), |ending| format!("{ending:?}")));
    Ok(started.process.wait().await?.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}

fn copy(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length) = from.read(&mut buffer)
        && length > 0
        && buffer.get(..length).is_some_and(|read| to.write_all(read).is_ok() && to.flush().is_ok())
    {}
}

fn say(what: &impl std::fmt::Display) {
    let _closed = std::io::stderr().write_all(format!("{what}\n").as_bytes());
}
