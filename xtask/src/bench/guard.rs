//! The guard around a server on stdio, against the server alone: one call after the other, in turns.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::report::Target;
use super::{Measured, Options};

/// Calls before the first that counts.
const WARM: usize = 200;

/// A server, or a guard around one, spoken to by this process as a client would.
struct Spoken {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    line: String,
}

impl Drop for Spoken {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after this.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Spoken {
    /// Starts it and agrees on 2025-11-25; also says how long that took.
    fn start(mut command: Command) -> Result<(Self, Duration), String> {
        let began = Instant::now();
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = spawned.map_err(|error| format!("{command:?}: {error}"))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (to, from) = pipes.ok_or("a child without pipes")?;
        let mut spoken = Self { child, to, from: BufReader::new(from), line: String::new() };
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}});
        spoken.ask(
            &json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}).to_string(),
            0,
        )?;
        spoken.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string())?;
        Ok((spoken, began.elapsed()))
    }

    fn say(&mut self, message: &str) -> Result<(), String> {
        writeln!(self.to, "{message}")
            .and_then(|()| self.to.flush())
            .map_err(|error| format!("a server that reads no more: {error}"))
    }

    /// Says something and waits for the answer with this id.
    fn ask(&mut self, message: &str, id: u64) -> Result<(), String> {
        self.say(message)?;
        loop {
            self.line.clear();
            let read = self.from.read_line(&mut self.line).map_err(|error| error.to_string())?;
            if read == 0 {
                return Err("a server ended before it answered".to_owned());
            }
            let said: Value =
                serde_json::from_str(&self.line).map_err(|error| format!("{error}: {}", self.line))?;
            if said.get("id").and_then(Value::as_u64) == Some(id) {
                let right = said.get("result").is_some_and(Value::is_object);
                return if right { Ok(()) } else { Err(self.line.clone()) };
            }
        }
    }

    /// The median of many calls, in microseconds.
    fn median(&mut self, time: Duration) -> Result<f64, String> {
        let began = Instant::now();
        let mut took = Vec::new();
        let mut id = 0;
        while began.elapsed() < time || took.len() < WARM {
            id += 1;
            let arguments = json!({"text": "x".repeat(60), "n": id});
            let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "echo", "arguments": arguments}});
            let (call, sent) = (call.to_string(), Instant::now());
            self.ask(&call, id)?;
            took.push(sent.elapsed());
        }
        took.sort();
        Ok(took.get(took.len() / 2).map_or(f64::NAN, Duration::as_secs_f64) * 1e6)
    }
}

/// What the guard adds to a call, and to the start of a server.
pub(super) fn round_trips(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let echo = fixture.program("doorward-echo");
    let bare = || {
        let mut command = Command::new(&echo);
        command.arg("--stdio");
        command
    };
    let guarded = || {
        let mut command = Command::new(fixture.program("doorward"));
        command
            .args(["guard", "--era", "both", "--state"])
            .arg(fixture.folder.join("guard"))
            .arg("--")
            .arg(&echo)
            .arg("--stdio");
        command
    };
    let time = Duration::from_secs_f64(options.seconds);
    let (mut alone, _) = Spoken::start(bare())?;
    let (mut behind, _) = Spoken::start(guarded())?;
    let (mut plain, mut added) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds {
        let (without, with) = (alone.median(time)?, behind.median(time)?);
        if round > 0 {
            plain.push(without);
            added.push(with - without);
        }
    }
    let (mut start, mut starts) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(3) {
        let without = Spoken::start(bare())?.1.as_secs_f64() * 1e3;
        let with = Spoken::start(guarded())?.1.as_secs_f64() * 1e3;
        start.push(without);
        starts.push(with - without);
    }
    Ok(vec![
        Measured::new("p50 added by the guard to a call", "µs", Target::AtMost(150.0), added),
        Measured::new("  p50 of the server alone", "µs", Target::None, plain),
        Measured::new("  start to the first answer, added", "ms", Target::None, starts),
        Measured::new("  start to the first answer, the server alone", "ms", Target::None, start),
    ])
}
