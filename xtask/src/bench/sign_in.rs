//! What the door's own authorization server costs: signing in, refreshing, and its tokens against Entra's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use super::door::Door;
use super::fixture::{CONNECTIONS, Fixture};
use super::load;
use super::process::{MEASURED, pinned};
use super::report::Target;
use super::rows::{FEW_POLICIES, SMALL, echo};
use super::{Measured, Options};

/// The crate that measures itself.
const PACKAGE: &str = "doorward-facade";
const EXAMPLE: &str = "facade_speed";

/// A figure of the crate's own measurement: name and part in its output, words, and what it should come to.
const FIGURES: [(&str, &str, &str, &str, Target); 9] = [
    ("sign-in", "p50", "a sign-in, our own time, p50", "ms", Target::AtMost(5.0)),
    ("sign-in", "p99", "  p99", "ms", Target::None),
    ("sign-in-question", "p50", "  of p50, question", "ms", Target::None),
    ("sign-in-decision", "p50", "  of p50, decision", "ms", Target::None),
    ("sign-in-callback", "p50", "  of p50, callback", "ms", Target::None),
    ("sign-in-token", "p50", "  of p50, token", "ms", Target::None),
    ("refresh-alone", "p50", "a refresh, one at a time, p50", "ms", Target::None),
    ("refresh-alone", "p99", "a refresh, one at a time, p99", "ms", Target::AtMost(10.0)),
    ("refresh-paced", "p99", "a refresh, 100 a second, p99", "ms", Target::AtMost(10.0)),
];

/// The row: the crate's own measurement, then a whole door under both kinds of token.
pub(super) fn sign_in_and_refresh(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let program = fixture.example(PACKAGE, EXAMPLE)?;
    let mut runs = Vec::new();
    for _ in 0..options.rounds {
        runs.push(speed(&program, options)?);
    }
    let figures = |name: &str, part: &str| -> Result<Vec<f64>, String> {
        runs.iter().map(|run| run.figure(name, part)).collect()
    };
    let mut lines = Vec::new();
    for (name, part, what, unit, target) in FIGURES {
        lines.push(Measured::new(what, unit, target, figures(name, part)?));
    }
    let (door, entra) = (figures("verify-door", "p50")?, figures("verify-entra", "p50")?);
    let ratio = door.iter().zip(&entra).map(|(door, entra)| door / entra).collect();
    lines.push(Measured::new("verifying a token, the door's ÷ Entra's", "×", Target::AtMost(1.1), ratio));
    lines.push(Measured::new("  the door's", "µs", Target::None, door));
    lines.push(Measured::new("  Entra's", "µs", Target::None, entra));
    let proofs = figures("prove", "p50")?;
    lines.push(Measured::new("a proof of possession beside it", "µs", Target::None, proofs));
    lines.extend(whole_door(fixture, options)?);
    Ok(lines)
}

/// The load of spine-c with tokens of the door's own, of a machine, against the same door with Entra's, of a person in
/// one group: as alike as the two come.
fn whole_door(fixture: &Fixture, options: &Options) -> Result<Vec<Measured>, String> {
    let door = Door::start_signing_in(fixture, FEW_POLICIES)?;
    let (body, entra_tokens) = (fixture.echo_body(SMALL)?, fixture.tokens(CONNECTIONS, 0)?);
    let load = echo(options, &body);
    let (mut own, mut entra) = (Vec::new(), Vec::new());
    for round in 0..=options.rounds {
        // New ones every round: they live for ten minutes.
        let own_tokens = own_tokens(fixture, &door)?;
        let with_own = load::run(fixture, &load, &door.url(), &own_tokens, Some(&door.process))?;
        let with_entra = load::run(fixture, &load, &door.url(), &entra_tokens, Some(&door.process))?;
        if round > 0 {
            own.push(with_own.cpu);
            entra.push(with_entra.cpu);
        }
    }
    let ratio = own.iter().zip(&entra).map(|(own, entra)| own / entra).collect();
    Ok(vec![
        Measured::new("CPU of a call, the door's token ÷ Entra's", "×", Target::AtMost(1.1), ratio),
        Measured::new("  CPU, the door's token", "µs/request", Target::None, own),
        Measured::new("  CPU, Entra's token", "µs/request", Target::None, entra),
    ])
}

/// A file of header sets, a token of the door's own each.
fn own_tokens(fixture: &Fixture, door: &Door) -> Result<PathBuf, String> {
    let mut sets = Vec::new();
    for _ in 0..CONNECTIONS {
        sets.push(json!({ "authorization": format!("Bearer {}", door.own_token()?) }));
    }
    let file = fixture.folder.join("tokens-own.json");
    fixture.write(&file, &Value::from(sets).to_string())?;
    Ok(file)
}

/// Runs the crate's own measurement on the core of what is measured.
fn speed(program: &Path, options: &Options) -> Result<Speed, String> {
    let (families, sign_ins, seconds) =
        if options.quick { ("2000", "20", "1") } else { ("100000", "200", "10") };
    let output = pinned(MEASURED, program)
        .args(["--json", "--families", families, "--sign-ins", sign_ins, "--seconds", seconds])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{EXAMPLE}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{EXAMPLE}: {}; its message is above", output.status));
    }
    Speed::read(&output.stdout)
}

/// What one run of the crate's own measurement says: a line of JSON for each thing measured.
#[derive(Debug)]
struct Speed(BTreeMap<String, Value>);

impl Speed {
    fn read(output: &[u8]) -> Result<Self, String> {
        let mut lines = BTreeMap::new();
        for line in output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let read = serde_json::from_slice::<Value>(line).ok();
            let name =
                read.as_ref().and_then(|line| line.get("name")).and_then(Value::as_str).map(str::to_owned);
            let (Some(read), Some(name)) = (read, name) else {
                let line = String::from_utf8_lossy(line);
                return Err(format!(
                    "`{line}` is no figure of {PACKAGE}; without --no-build its example is built"
                ));
            };
            lines.insert(name, read);
        }
        Ok(Self(lines))
    }

    fn figure(&self, name: &str, part: &str) -> Result<f64, String> {
        let figure = self.0.get(name).and_then(|line| line.get(part)).and_then(Value::as_f64);
        figure.ok_or_else(|| {
            format!("{PACKAGE} measured no {part} of {name}; without --no-build its example is built")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_by_name() {
        let output = b"{\"name\":\"sign-in\",\"unit\":\"ms\",\"p50\":4.5,\"p99\":9}\n{\"name\":\"verify-door\",\"p50\":30.0}\n";
        let speed = Speed::read(output).unwrap();
        assert_eq!(speed.figure("sign-in", "p50"), Ok(4.5));
        assert_eq!(speed.figure("sign-in", "p99"), Ok(9.0));
        assert_eq!(speed.figure("verify-door", "p50"), Ok(30.0));
        assert!(speed.figure("refresh-alone", "p99").unwrap_err().contains("refresh-alone"));
    }

    #[test]
    fn another_crates_figures_are_not_taken_for_ours() {
        assert!(
            Speed::read(b"100000 families written in 3.1 s, 90 MB\n").unwrap_err().contains("--no-build")
        );
        assert!(Speed::read(b"").unwrap().figure("sign-in", "p50").is_err());
    }
}
