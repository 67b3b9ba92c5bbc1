//! The rows: what each measures, how, and what it should come to.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use super::door::Door;
use super::fixture::{CONNECTIONS, Fixture};
use super::guard::round_trips;
use super::load::{self, Load, Run};
use super::process::{MEASURING, pinned};
use super::report::Target;
use super::sign_in::sign_in_and_refresh;
use super::{Measured, Options};

/// A row of the table.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) measure: fn(&Fixture, &Options) -> Result<Vec<Measured>, String>,
}

pub(super) const ALL: [Row; 10] = [
    Row {
        name: "spine-c",
        about: "CPU of the whole way for a small call, 10 policies, 5 groups",
        measure: small_calls,
    },
    Row {
        name: "spine-d",
        about: "the same with 1,000 and 10,000 policies, 200 groups",
        measure: many_policies,
    },
    Row {
        name: "spine-e",
        about: "16 KiB bodies; what the door adds to the slowest in a hundred",
        measure: bodies_and_latency,
    },
    Row { name: "spine-f", about: "a burst of 1,000 events in one answer", measure: bursts },
    Row { name: "spine-g", about: "memory and start", measure: memory_and_start },
    Row {
        name: "entra-h",
        about: "signing in, refreshing, and a token of the door's own against one of Entra's",
        measure: sign_in_and_refresh,
    },
    Row {
        name: "eras-g",
        about: "memory with 10,000 sessions and 2,000 streams, bridged and not",
        measure: sessions_and_streams,
    },
    Row {
        name: "eras-h",
        about: "a small call bridged between the revisions, against one that is not",
        measure: bridged_calls,
    },
    Row {
        name: "eyes-l",
        about: "a call of 300 bytes whose result is read, against one whose result is not",
        measure: results_read,
    },
    Row { name: "guard-h", about: "what the guard adds to a call on stdio", measure: round_trips },
];

pub(super) const FEW_POLICIES: usize = 10;
const FEW_GROUPS: usize = 5;
/// As many groups as Entra puts into a token.
const MANY_GROUPS: usize = 200;
pub(super) const SMALL: usize = 170;
const MARKER: &str = "\"m-__ID__ ";

/// Door, yardstick and nothing, in turns.
struct Turns {
    door: Vec<Run>,
    yardstick: Vec<Run>,
    direct: Vec<Run>,
}

impl Turns {
    fn take(
        fixture: &Fixture,
        options: &Options,
        door: &Door,
        load: &Load<'_>,
        headers: &Path,
    ) -> Result<Self, String> {
        let mut turns = Self { door: Vec::new(), yardstick: Vec::new(), direct: Vec::new() };
        // The first round finds connections closed, caches empty and pages unmapped: it is thrown away.
        for round in 0..=options.rounds {
            let through_door = load::run(fixture, load, &door.url(), headers, Some(&door.process))?;
            let yardstick = Some(&fixture.yardstick);
            let through_yardstick = load::run(fixture, load, &fixture.yardstick_url(), headers, yardstick)?;
            let direct = load::run(fixture, load, &fixture.upstream_url(), headers, None)?;
            if round > 0 {
                turns.door.push(through_door);
                turns.yardstick.push(through_yardstick);
                turns.direct.push(direct);
            }
        }
        Ok(turns)
    }

    /// CPU time of the door over that of the yardstick, round by round.
    fn cpu_ratio(&self) -> Vec<f64> {
        pairs(&self.door, &self.yardstick, |door, yardstick| door.cpu / yardstick.cpu)
    }

    fn orientation(&self) -> Vec<Measured> {
        let of = |runs: &[Run], figure: fn(&Run) -> f64| runs.iter().map(figure).collect::<Vec<_>>();
        let line = |what, unit, rounds| Measured::new(what, unit, Target::None, rounds);
        vec![
            line("  CPU, door", "µs/request", of(&self.door, |run| run.cpu)),
            line("  CPU, yardstick", "µs/request", of(&self.yardstick, |run| run.cpu)),
            line("  rate, door", "requests/s", of(&self.door, |run| run.rate)),
            line("  rate, yardstick", "requests/s", of(&self.yardstick, |run| run.rate)),
            line("  rate, nothing between", "requests/s", of(&self.direct, |run| run.rate)),
        ]
    }
}

fn pairs(left: &[Run], right: &[Run], figure: fn(&Run, &Run) -> f64) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| figure(left, right)).collect()
}

pub(super) fn echo<'a>(options: &Options, body: &'a Path) -> Load<'a> {
    let (connections, seconds) = (CONNECTIONS, options.seconds);
    Load { mode: "call", body, expect: MARKER, events: 0, connections, session: true, seconds }
}

fn small_calls(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let door = Door::start(fixture, FEW_POLICIES)?;
    let (body, tokens) = (fixture.echo_body(SMALL)?, fixture.tokens(CONNECTIONS, FEW_GROUPS)?);
    let turns = Turns::take(fixture, options, &door, &echo(options, &body), &tokens)?;
    let ratio = Measured::new("CPU, door ÷ yardstick", "×", Target::AtMost(2.0), turns.cpu_ratio());
    Ok([ratio].into_iter().chain(turns.orientation()).collect())
}

/// Everything that may be held at once, for clients of 2025-11-25 before a server of either revision.
fn sessions_and_streams(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let (sessions, streams) = if options.quick { (1_000, 200) } else { (10_000, 2_000) };
    let tokens = fixture.tokens(CONNECTIONS, FEW_GROUPS)?;
    let mut lines = Vec::new();
    for (era, what) in [("legacy", "not bridged"), ("modern", "bridged")] {
        let mut resident = Vec::new();
        for _ in 0..options.rounds.min(2) {
            let door = Door::start_before(fixture, FEW_POLICIES, era)?;
            hold(fixture, "idle-sessions", sessions, &door, &tokens, || {
                hold(fixture, "streams", streams, &door, &tokens, || {
                    resident.push(door.process.resident()? as f64 / MB);
                    Ok(())
                })
            })?;
        }
        let about = format!("resident with {sessions} sessions and {streams} streams, {what}");
        lines.push(Measured::new(about, "MB", Target::AtMost(400.0), resident));
    }
    Ok(lines)
}

/// The same calls through a door that reads what comes back, and through one that does not.
fn results_read(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let (reading, blind) = (Door::start(fixture, FEW_POLICIES)?, Door::start_blind(fixture, FEW_POLICIES)?);
    let (body, tokens) = (fixture.prose_body()?, fixture.tokens(CONNECTIONS, FEW_GROUPS)?);
    let load = echo(options, &body);
    let (mut ratio, mut cpu) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds {
        let without = load::run(fixture, &load, &blind.url(), &tokens, Some(&blind.process))?;
        let with = load::run(fixture, &load, &reading.url(), &tokens, Some(&reading.process))?;
        if round > 0 {
            ratio.push(with.cpu / without.cpu);
            cpu.push(with.cpu - without.cpu);
        }
    }
    Ok(vec![
        Measured::new("CPU, read ÷ unread", "×", Target::AtMost(1.3), ratio),
        Measured::new("  CPU of reading", "µs/request", Target::None, cpu),
    ])
}

/// Clients of each revision before the same server, once spoken to in their own and once in the other.
fn bridged_calls(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let tokens = fixture.tokens(CONNECTIONS, FEW_GROUPS)?;
    let named = fixture.modern_tokens(CONNECTIONS, FEW_GROUPS)?;
    let (old, new) = (fixture.echo_body(SMALL)?, fixture.modern_body(SMALL)?);
    let doors = ["legacy", "modern"].map(|era| Door::start_before(fixture, FEW_POLICIES, era));
    let [legacy, modern] = doors;
    let (legacy, modern) = (legacy?, modern?);
    let mut lines = Vec::new();
    for (what, load, headers, same, other) in [
        ("2025-11-25", echo(options, &old), &tokens, &legacy, &modern),
        ("2026-07-28", Load { session: false, ..echo(options, &new) }, &named, &modern, &legacy),
    ] {
        let (mut ratio, mut cpu) = (Vec::new(), Vec::new());
        for round in 0..=options.rounds {
            let plain = load::run(fixture, &load, &same.url(), headers, Some(&same.process))?;
            let bridged = load::run(fixture, &load, &other.url(), headers, Some(&other.process))?;
            if round > 0 {
                ratio.push(bridged.cpu / plain.cpu);
                cpu.push(plain.cpu);
            }
        }
        let about = format!("CPU, a client of {what}, bridged ÷ not");
        lines.push(Measured::new(about, "×", Target::AtMost(1.5), ratio));
        lines.push(Measured::new("  CPU, not bridged", "µs/request", Target::None, cpu));
    }
    Ok(lines)
}

/// Many policies against few. The yardstick carries the same tokens, which with 200 groups are ten times as long:
/// what is compared is what the door adds, not what a header costs.
fn many_policies(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let few = Door::start(fixture, FEW_POLICIES)?;
    let body = fixture.echo_body(SMALL)?;
    let (short, long) = (fixture.tokens(CONNECTIONS, FEW_GROUPS)?, fixture.tokens(CONNECTIONS, MANY_GROUPS)?);
    let load = echo(options, &body);
    let mut lines = Vec::new();
    for (policies, what) in [(1_000, "1,000 policies"), (10_000, "10,000 policies")] {
        let many = Door::start(fixture, policies)?;
        let (mut growth, mut cpu) = (Vec::new(), Vec::new());
        for round in 0..=options.rounds {
            let yardstick = Some(&fixture.yardstick);
            let few_door = load::run(fixture, &load, &few.url(), &short, Some(&few.process))?;
            let few_yardstick = load::run(fixture, &load, &fixture.yardstick_url(), &short, yardstick)?;
            let many_door = load::run(fixture, &load, &many.url(), &long, Some(&many.process))?;
            let many_yardstick = load::run(fixture, &load, &fixture.yardstick_url(), &long, yardstick)?;
            if round > 0 {
                growth.push((many_door.cpu / many_yardstick.cpu) / (few_door.cpu / few_yardstick.cpu));
                cpu.push(many_door.cpu);
            }
        }
        lines.push(Measured::new(format!("{what}, ÷ spine-c"), "×", Target::AtMost(1.1), growth));
        lines.push(Measured::new("  CPU, door", "µs/request", Target::None, cpu));
    }
    Ok(lines)
}

fn bodies_and_latency(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let door = Door::start(fixture, FEW_POLICIES)?;
    let tokens = fixture.tokens(CONNECTIONS, FEW_GROUPS)?;
    let (big, small) = (fixture.echo_body(16 * 1024)?, fixture.echo_body(SMALL)?);
    let turns = Turns::take(fixture, options, &door, &echo(options, &big), &tokens)?;
    let one = Load { connections: 1, ..echo(options, &small) };
    let alone = Turns::take(fixture, options, &door, &one, &tokens)?;
    let added = |through: &[Run]| pairs(through, &alone.direct, |through, direct| through.p99 - direct.p99);
    let ratio = Measured::new("CPU at 16 KiB, door ÷ yardstick", "×", Target::AtMost(2.5), turns.cpu_ratio());
    let latency = vec![
        Measured::new(
            "p99 added by the door, one connection",
            "µs",
            Target::AtMost(300.0),
            added(&alone.door),
        ),
        Measured::new("  p99 added by the yardstick", "µs", Target::None, added(&alone.yardstick)),
    ];
    Ok([ratio].into_iter().chain(turns.orientation()).chain(latency).collect())
}

fn bursts(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let events = 1_000;
    let door = Door::start(fixture, FEW_POLICIES)?;
    let (body, tokens) = (fixture.burst_body(events)?, fixture.tokens(CONNECTIONS, FEW_GROUPS)?);
    let load = Load { mode: "sse", expect: "1000 events", events: events + 1, ..echo(options, &body) };
    let turns = Turns::take(fixture, options, &door, &load, &tokens)?;
    let ratio = pairs(&turns.door, &turns.yardstick, |door, yardstick| door.rate / yardstick.rate);
    let ratio = Measured::new("whole answers a second, door ÷ yardstick", "×", Target::AtLeast(5.0), ratio);
    Ok([ratio].into_iter().chain(turns.orientation()).collect())
}

const MB: f64 = 1_000_000.0;

fn memory_and_start(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let sessions = if options.quick { 1_000 } else { 10_000 };
    let streams = if options.quick { 100 } else { 1_000 };
    let tokens = fixture.tokens(CONNECTIONS, FEW_GROUPS)?;
    let (mut start, mut idle, mut per_session, mut streaming) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let door = Door::start(fixture, FEW_POLICIES)?;
        start.push(door.first_answer.as_secs_f64() * 1000.0);
        let before = door.process.resident()? as f64;
        idle.push(before / MB);
        hold(fixture, "idle-sessions", sessions, &door, &tokens, || {
            per_session.push((door.process.resident()? as f64 - before) / sessions as f64 / 1000.0);
            Ok(())
        })?;
        drop(door);
        let door = Door::start(fixture, FEW_POLICIES)?;
        hold(fixture, "streams", streams, &door, &tokens, || {
            streaming.push(door.process.resident()? as f64 / MB);
            Ok(())
        })?;
    }
    Ok(vec![
        Measured::new("resident, idle after its first call", "MB", Target::AtMost(20.0), idle),
        Measured::new(
            format!("resident for each of {sessions} sessions"),
            "KB",
            Target::AtMost(20.0),
            per_session,
        ),
        Measured::new(format!("resident with {streams} streams"), "MB", Target::AtMost(60.0), streaming),
        Measured::new("start to first answered call", "ms", Target::AtMost(50.0), start),
    ])
}

/// Opens so many sessions or streams and measures while they are there.
fn hold(
    fixture: &Fixture,
    mode: &str,
    count: usize,
    door: &Door,
    tokens: &Path,
    measure: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let mut load = pinned(MEASURING, &fixture.program("doorward-load"))
        .args(["--url", &door.url(), "--mode", mode, "--count", &count.to_string()])
        .arg("--headers-file")
        .arg(tokens)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("doorward-load: {error}"))?;
    let mut line = String::new();
    if let Some(output) = load.stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(|error| format!("doorward-load: {error}"))?;
    }
    let measured =
        if line.is_empty() { Err(format!("{count} {mode} could not be opened")) } else { measure() };
    // The end of its input tells it to let go.
    drop(load.stdin.take());
    load.wait().map_err(|error| format!("doorward-load: {error}"))?;
    measured
}
