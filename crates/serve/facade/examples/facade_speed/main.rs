//! What signing in and refreshing cost the door itself, and what its own tokens cost against Entra's:
//! `cargo run --release -p doorward-facade --example facade_speed -- [--families N] [--sign-ins N] [--seconds S] [--json]`.
//!
//! A real façade with a real store and a real log stands before the emulator. What Entra takes to answer is not the
//! door's, so it is taken off; everything else counts, the device that makes records durable too.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that fails should stop, and it prints"
)]

mod families;
mod person;
mod stage;
mod tokens;

use std::time::{Duration, Instant};

use families::Families;
use stage::Stage;

fn main() {
    let options = Options::parse();
    // Entra has threads of its own: what is left of its work after it has answered is not the door's.
    let entra = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let door = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let emulator = entra.block_on(stage::emulator());
    door.block_on(measure(&options, &emulator));
    entra.block_on(emulator.stop());
}

async fn measure(options: &Options, emulator: &doorward_emulator::Running) {
    let stage = Stage::open(emulator).await;

    // The first sign-ins find caches empty and connections closed; they are not counted.
    let mut signed_in = None;
    let mut times = Vec::new();
    for number in 0..options.sign_ins + WARM {
        let done = person::sign_in(&stage, emulator, number).await;
        if number >= WARM {
            times.push(done.own.clone());
        }
        signed_in = Some(done);
    }
    options.tell(
        "sign-in",
        "a sign-in, our own time",
        times.iter().map(|steps| steps.iter().sum()).collect(),
    );
    for (index, step) in ["question", "decision", "callback", "token"].iter().enumerate() {
        let times = times.iter().map(|steps| steps[index]).collect();
        options.tell(&format!("sign-in-{step}"), &format!("  of that, {step}"), times);
    }

    let token = signed_in.expect("somebody has signed in").access_token;
    let compared = tokens::compare(&stage, emulator, &token);
    options.tell_micros("verify-door", "verifying a token of the door's", compared.door);
    options.tell_micros("verify-entra", "verifying a token of Entra's", compared.entra);
    options.tell_micros("prove", "a proof of possession beside it", tokens::proofs());

    let began = Instant::now();
    let families = Families::write(&stage, options.families).await;
    eprintln!(
        "{} families written in {:.1} s, {} MB",
        options.families,
        began.elapsed().as_secs_f64(),
        stage.store_megabytes()
    );
    let alone = u32::try_from(options.alone()).unwrap();
    let mut times = Vec::new();
    for turn in 0..alone {
        let began = Instant::now();
        families.refresh(&stage.facade, turn).await;
        times.push(began.elapsed());
    }
    options.tell("refresh-alone", "a refresh, one at a time", times);
    let times = families.refresh_at_pace(&stage.facade, alone, options.paced(), PACE).await;
    options.tell("refresh-paced", "a refresh, 100 a second", times);
}

const WARM: u32 = 5;
/// 100 a second.
const PACE: Duration = Duration::from_millis(10);

struct Options {
    families: u32,
    sign_ins: u32,
    seconds: u32,
    json: bool,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self { families: 100_000, sign_ins: 200, seconds: 10, json: false };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|text| text.parse().ok()).expect("a number follows");
            match arg.as_str() {
                "--families" => options.families = number(),
                "--sign-ins" => options.sign_ins = number(),
                "--seconds" => options.seconds = number(),
                "--json" => options.json = true,
                other => panic_about(other),
            }
        }
        // Each family is refreshed once at the most: a second time would be another question.
        let needed = options.alone() + options.paced();
        assert!(u64::from(options.families) >= needed, "--families must be at least {needed}");
        options
    }

    fn alone(&self) -> u64 {
        u64::from(self.seconds) * 100
    }

    fn paced(&self) -> u64 {
        u64::from(self.seconds) * 100
    }

    /// Prints the middle and the slowest in a hundred, in milliseconds.
    fn tell(&self, name: &str, what: &str, times: Vec<Duration>) {
        let millis = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        self.print(name, what, "ms", millis);
    }

    fn tell_micros(&self, name: &str, what: &str, micros: Vec<f64>) {
        self.print(name, what, "µs", micros);
    }

    fn print(&self, name: &str, what: &str, unit: &str, mut values: Vec<f64>) {
        values.sort_by(f64::total_cmp);
        let at = |part: usize| values[(values.len() * part / 100).min(values.len() - 1)];
        let (p50, p99, max) = (at(50), at(99), values[values.len() - 1]);
        if self.json {
            let line = serde_json::json!({
                "name": name, "unit": unit, "p50": p50, "p99": p99, "max": max, "samples": values.len(),
            });
            println!("{line}");
        } else {
            println!(
                "{what:<34} p50 {p50:>8.3} {unit}  p99 {p99:>8.3} {unit}  max {max:>8.3} {unit}  of {}",
                values.len()
            );
        }
    }
}

fn panic_about(arg: &str) -> ! {
    eprintln!("unknown: {arg}; known: --families N, --sign-ins N, --seconds S, --json");
    std::process::exit(2);
}
