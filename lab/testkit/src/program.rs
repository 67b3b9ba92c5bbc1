//! A program that is not ours and runs beside the test, a server for example.

use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::door::free_port;
use crate::wait::within;

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program(Child);

impl Program {
    /// Starts a program and waits until it prints a line that holds `ready`, on either output.
    ///
    /// # Errors
    /// What it printed, if it ended without that line.
    ///
    /// # Panics
    /// If it cannot be started, or neither prints the line nor ends in time.
    pub async fn start(mut command: Command, ready: &str) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let (sender, mut lines) = mpsc::unbounded_channel();
        tokio::spawn(read(child.stdout.take().expect("piped"), sender.clone()));
        tokio::spawn(read(child.stderr.take().expect("piped"), sender));
        let mut printed = String::new();
        let until_ready = async {
            while let Some(line) = lines.recv().await {
                printed.push_str(&line);
                printed.push('\n');
                if line.contains(ready) {
                    return true;
                }
            }
            false
        };
        if within(ready, until_ready).await { Ok(Self(child)) } else { Err(printed) }
    }

    /// Starts a server that must be told its port.
    ///
    /// # Panics
    /// As [`Program::start`], and if it ends.
    pub async fn on_free_port(ready: &str, command: impl Fn(SocketAddr) -> Command) -> (Self, SocketAddr) {
        let address = free_port();
        let started = Self::start(command(address), ready).await;
        (started.unwrap_or_else(|printed| panic!("a server ended with:\n{printed}")), address)
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub async fn kill(mut self) {
        within("a killed program to be gone", self.0.kill()).await.expect("the program is our child");
    }
}

/// Reads to the end, long after anybody listens: a program must not block on a full pipe.
async fn read(output: impl AsyncRead + Unpin, lines: mpsc::UnboundedSender<String>) {
    let mut reader = BufReader::new(output).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        let _nobody_listens = lines.send(line);
    }
}
