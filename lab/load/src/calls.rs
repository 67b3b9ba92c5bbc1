//! Closed-loop load: each connection sends its next request when it has the answer to the last.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::idle::handshake;
use crate::latency::Latencies;
use crate::options::{Mode, Options};
use crate::request::{ID, Request};
use crate::wire::{Head, Wire, find};

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Latencies of the right answers after the warm-up.
    pub latencies: Latencies,
    /// Requests sent in all, the warm-up and handshakes included: what the servers' CPU time is divided by.
    pub total: u64,
    /// Wrong answers and broken connections.
    pub errors: u64,
    /// Bytes of the right answers' bodies after the warm-up.
    pub bytes: u64,
    /// What the first error was.
    pub first_error: Option<String>,
}

impl Outcome {
    /// The result line: `requests`, `total`, `seconds`, `rps`, `p50_us`, `p90_us`, `p99_us`, `errors`, `bytes`.
    #[must_use]
    pub fn json(self, measured: Duration) -> Value {
        let requests = self.latencies.count();
        let [p50, p90, p99] = self.latencies.percentiles([0.5, 0.9, 0.99]);
        json!({
            "requests": requests, "total": self.total, "seconds": measured.as_secs_f64(),
            "rps": requests as f64 / measured.as_secs_f64(), "p50_us": p50, "p90_us": p90, "p99_us": p99,
            "errors": self.errors, "bytes": self.bytes, "first_error": self.first_error,
        })
    }

    fn failed(&mut self, why: String) {
        self.errors += 1;
        self.first_error.get_or_insert(why);
    }

    fn merge(&mut self, other: Self) {
        self.latencies.merge(&other.latencies);
        self.total += other.total;
        self.errors += other.errors;
        self.bytes += other.bytes;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

/// Runs the load of `call` and `sse` modes.
///
/// # Errors
/// When a connection or its handshake cannot be made.
pub async fn run(options: Options) -> io::Result<Outcome> {
    let options = Arc::new(options);
    // All connections and sessions are there before the clock starts.
    let mut ready = Vec::new();
    for index in 0..options.connections {
        ready.push(Connection::open(&options, index).await?);
    }
    let start = Instant::now() + options.warmup;
    let end = start + options.measure;
    let mut running = JoinSet::new();
    for connection in ready {
        running.spawn(connection.run(options.clone(), start, end));
    }
    let mut outcome = Outcome::default();
    while let Some(one) = running.join_next().await {
        outcome.merge(one.map_err(io::Error::other)?);
    }
    if options.session {
        outcome.total += 2 * options.connections as u64;
    }
    Ok(outcome)
}

struct Connection {
    wire: Wire,
    request: Request,
}

impl Connection {
    async fn open(options: &Options, index: usize) -> io::Result<Self> {
        let mut wire = Wire::connect(&options.target).await?;
        let mut headers = options.headers_of(index);
        if options.session {
            handshake(&mut wire, &options.target, &mut headers).await?;
        }
        let request = Request::post(&options.target, &headers, &options.body, index);
        Ok(Self { wire, request })
    }

    async fn run(mut self, options: Arc<Options>, start: Instant, end: Instant) -> Outcome {
        let mut outcome = Outcome::default();
        loop {
            let id = self.request.renew();
            let sent = Instant::now();
            if sent >= end || outcome.errors >= TOO_MANY {
                return outcome;
            }
            outcome.total += 1;
            match self.wire.exchange(self.request.bytes()).await {
                Err(why) => {
                    outcome.failed(format!("the connection broke: {why}"));
                    match Wire::connect(&options.target).await {
                        Ok(wire) => self.wire = wire,
                        Err(_) => return outcome,
                    }
                }
                Ok((head, body)) => match check(&options, &id, &head, &body) {
                    Err(why) => outcome.failed(why),
                    Ok(()) if sent >= start => {
                        outcome.latencies.add(sent.elapsed());
                        outcome.bytes += body.len() as u64;
                    }
                    Ok(()) => {}
                },
            }
        }
    }
}

/// A connection with so many errors has said what it has to say.
const TOO_MANY: u64 = 100;

fn check(options: &Options, id: &str, head: &Head, body: &[u8]) -> Result<(), String> {
    let wrong = |what: String| {
        let shown = body.get(..body.len().min(300)).unwrap_or_default();
        Err(format!("{what} (status {}): {}", head.status, String::from_utf8_lossy(shown)))
    };
    if head.status != 200 {
        return wrong("not an answer".to_owned());
    }
    // In a long stream the answer stands at the end.
    let told = if options.mode == Mode::Sse {
        body.get(body.len().saturating_sub(1024)..).unwrap_or(body)
    } else {
        body
    };
    if !answers(told, id) {
        return wrong(format!("no answer to id {id}"));
    }
    for expected in &options.expect {
        if find(told, expected.replace(ID, id).as_bytes()).is_none() {
            return wrong(format!("{expected} is missing"));
        }
    }
    if options.mode == Mode::Sse {
        let events = count_events(body);
        if !head.events || events != options.events {
            return wrong(format!("{events} events instead of {}", options.events));
        }
    }
    Ok(())
}

/// Whether `"id":ID` stands in the body with nothing more behind it.
fn answers(body: &[u8], id: &str) -> bool {
    let member = format!("\"id\":{id}");
    let behind = find(body, member.as_bytes()).and_then(|at| body.get(at + member.len()));
    matches!(behind, Some(b',' | b'}' | b' '))
}

/// Lines that begin with a `d` and hold more than `data:`, which in these streams are the data lines, one an event. An event
/// without data only names a place to come back to (2025-11-25, basic/transports).
fn count_events(body: &[u8]) -> usize {
    const NAME: usize = "data:".len();
    let next = body.get(1..).unwrap_or_default();
    let behind = body.get(1 + NAME..).unwrap_or_default();
    let lines = body.iter().zip(next).zip(behind);
    let inner: usize =
        lines.map(|((a, b), c)| usize::from((*a == b'\n') & (*b == b'd') & (*c != b'\n'))).sum();
    inner + usize::from(body.first() == Some(&b'd') && body.get(NAME).is_some_and(|behind| *behind != b'\n'))
}

#[cfg(test)]
mod tests;
