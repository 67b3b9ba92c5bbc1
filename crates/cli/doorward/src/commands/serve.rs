//! `doorward serve`: the door that a configuration describes.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use doorward_config::{Build, Config, LogFormat, LogLevel};
use doorward_gateway::{Gateway, Running, build};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::descriptors::raise_limit;
use crate::failure::Failure;
use crate::out::{BAD, GOOD, NAME, Out, STRONG, WARN, paint};

/// Open the door that a configuration describes.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
    /// Threads that serve; by default one for each processor.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Write the addresses as JSON into this file once the door is open.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = load(&self.config)?;
        log_to_stderr(config.log.format, config.log.level);
        runtime(self.workers)?.block_on(async {
            let mut told = Told::listen()?;
            banner(out, &config);
            let running = open(config).await?;
            out.note(format_args!(
                "{} on {}",
                paint(GOOD, "the door is open"),
                paint(STRONG, running.address)
            ));
            if let Some(path) = &self.ready_file {
                let metrics = running.metrics.map(|address| address.to_string());
                let console = running.console.map(|address| address.to_string());
                let ready = serde_json::json!({ "address": running.address.to_string(), "metrics": metrics, "console": console });
                write_ready(path, &ready)?;
            }
            told.wait().await;
            out.note("closing: calls that run may end, new ones are refused");
            running.stop().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// Reads and checks a configuration; its relative paths are relative to its own folder.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()))
            .help("name a configuration with --config FILE, or start without one: doorward up")
    })?;
    let build = Build { lab: cfg!(feature = "lab") };
    let config = doorward_config::load(&path.display().to_string(), &text, build)
        .map_err(|errors| Failure::usage(format!("the configuration is not valid\n{errors}")))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(config.rebase(folder))
}

/// Builds and opens a door.
pub(crate) async fn open(config: Config) -> Result<Running, Failure> {
    raise_limit();
    let built = build(config).await.map_err(|error| Failure::new(error.to_string()))?;
    let gateway = Gateway::bind(built).await.map_err(|error| {
        Failure::new(error.to_string())
            .help("another program may listen there: choose another `gateway.listen`")
    })?;
    Ok(gateway.open())
}

/// Says in big letters when the emulator stands in for Entra (D-19).
fn banner(out: &Out, config: &Config) {
    if let Some(lab) = &config.lab {
        out.note(paint(BAD, "LAB: tokens of an emulator are accepted. This door guards nothing."));
        out.note(format_args!("     authority {}", paint(WARN, &lab.authority)));
    }
    for server in &config.servers {
        let url = format!("{}{}", config.gateway.public_url, server.path());
        out.note(format_args!("  {} at {}", paint(NAME, &server.name), url));
    }
}

pub(crate) fn log_to_stderr(format: LogFormat, level: LogLevel) {
    let filter = EnvFilter::new(format!("warn,doorward={level}", level = level.as_str()));
    // Colours where the rest of what is printed has them: not in a file or a pipe.
    let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // Set once: a second command in one process keeps the first log.
    let _already = match format {
        LogFormat::Human => log.with_target(false).compact().try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

/// Makes the runtime. One worker gets the one-thread scheduler, which needs no locks between workers.
pub(crate) fn runtime(workers: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let mut builder = match workers.unwrap_or(processors) {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if let Some(workers) = workers.filter(|workers| *workers > 1) {
        builder.worker_threads(workers);
    }
    builder.enable_all().build().map_err(|error| Failure::new(format!("the runtime does not start: {error}")))
}

pub(crate) fn write_ready(path: &Path, ready: &serde_json::Value) -> Result<(), Failure> {
    // Written aside and renamed, so that whoever waits for the file never reads half of it.
    let aside = path.with_extension("part");
    let written = std::fs::write(&aside, ready.to_string()).and_then(|()| std::fs::rename(&aside, path));
    written.map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

/// SIGTERM and Ctrl-C, caught from now on: one that comes while a door is being opened must close it well too.
pub(crate) struct Told {
    terminate: Signal,
    interrupt: Signal,
}

impl Told {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("signals cannot be received: {error}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        })
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
