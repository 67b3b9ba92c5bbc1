//! Runs the load generator once and reads its result.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::fixture::Fixture;
use super::process::{MEASURING, Process, pinned};

/// What to send.
pub(super) struct Load<'a> {
    /// `call` or `sse`.
    pub(super) mode: &'a str,
    /// The file with the request body.
    pub(super) body: &'a Path,
    /// What each answer must hold.
    pub(super) expect: &'a str,
    /// Events in each answer, in `sse` mode.
    pub(super) events: usize,
    pub(super) connections: usize,
    /// In sessions of 2025-11-25.
    pub(super) session: bool,
    pub(super) seconds: f64,
}

/// One run's figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Answers a second.
    pub(super) rate: f64,
    /// 99th percentile of the latency, in microseconds.
    pub(super) p99: f64,
    /// CPU time of the measured process for each request, in microseconds; zero when nothing was between.
    pub(super) cpu: f64,
}

/// Sends a load to `url`, the header sets of `headers` in turn, and watches what `through` spends on it.
pub(super) fn run(
    fixture: &Fixture,
    load: &Load<'_>,
    url: &str,
    headers: &Path,
    through: Option<&Process>,
) -> Result<Run, String> {
    let before = through.map_or(Ok(Duration::ZERO), Process::cpu)?;
    let output = pinned(MEASURING, &fixture.program("doorward-load"))
        .args(["--url", url, "--mode", load.mode, "--expect", load.expect])
        .args(load.session.then_some("--session"))
        .args(["--connections", &load.connections.to_string(), "--seconds", &load.seconds.to_string()])
        .args(["--events", &load.events.to_string()])
        .arg("--body")
        .arg(load.body)
        .arg("--headers-file")
        .arg(headers)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("doorward-load: {error}"))?;
    let after = through.map_or(Ok(Duration::ZERO), Process::cpu)?;
    if !output.status.success() {
        return Err(format!("the load on {url} could not be made; its message is above"));
    }
    read(&output.stdout, after.saturating_sub(before)).map_err(|why| format!("{url}: {why}"))
}

fn read(line: &[u8], cpu: Duration) -> Result<Run, String> {
    let result: Value = serde_json::from_slice(line).map_err(|error| format!("no result: {error}"))?;
    let number = |name: &str| {
        result.get(name).and_then(Value::as_f64).ok_or_else(|| format!("the result lacks {name}"))
    };
    // A wrong answer that came quickly must never count as speed.
    if number("errors")? > 0.0 {
        let first = result.get("first_error").and_then(Value::as_str).unwrap_or_default();
        return Err(format!("{} wrong answers; the first: {first}", number("errors")?));
    }
    if number("requests")? < 1.0 {
        return Err("no request was answered in time".to_owned());
    }
    Ok(Run { rate: number("rps")?, p99: number("p99_us")?, cpu: cpu.as_secs_f64() * 1e6 / number("total")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_read_and_an_error_is_not_a_result() {
        let line = br#"{"requests":10,"total":20,"rps":5.0,"p99_us":7.5,"errors":0,"first_error":null}"#;
        let run = read(line, Duration::from_millis(1)).unwrap();
        assert_eq!((run.rate, run.p99, run.cpu), (5.0, 7.5, 50.0));
        let wrong = br#"{"requests":10,"total":20,"rps":5.0,"p99_us":7.5,"errors":2,"first_error":"lost"}"#;
        assert!(read(wrong, Duration::ZERO).unwrap_err().contains("lost"));
        let none = br#"{"requests":0,"total":1,"rps":0.0,"p99_us":0.0,"errors":0}"#;
        assert!(read(none, Duration::ZERO).is_err() && read(b"", Duration::ZERO).is_err());
    }
}
