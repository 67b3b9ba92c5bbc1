//! `bench [ROW…] [--rounds N] [--seconds S] [--json FILE] [--quick] [--no-build]`: what the door costs, beside what a plain proxy costs.
//!
//! Door and yardstick run on core 0 with one worker each, upstream and load on core 1. What is compared is measured in
//! turns within each round, so that a noisy minute hits both; the median of the rounds counts. Times are CPU time from
//! `/proc`, which does not care who else is running; rates do.

mod door;
mod fixture;
mod guard;
mod http;
mod load;
mod policies;
mod process;
mod report;
mod rows;
mod sign_in;

use std::path::{Path, PathBuf};

use fixture::Fixture;
use report::{Measured, Report};

/// Measures the named rows, or all of them, and prints the table; `Err` says what could not be measured. A row that
/// misses its target is reported, not failed.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let options = Options::parse(args)?;
    let fixture = Fixture::start(root, options.built)?;
    let mut report = Report::new(&options);
    for row in rows::ALL.iter().filter(|row| options.wants(row.name)) {
        println!("bench: {}: {}", row.name, row.about);
        for measured in (row.measure)(&fixture, &options)? {
            report.add(row.name, measured);
        }
    }
    report.print();
    match &options.json {
        Some(file) => report.write(file),
        None => Ok(()),
    }
}

/// How to measure.
struct Options {
    rows: Vec<String>,
    rounds: usize,
    seconds: f64,
    json: Option<PathBuf>,
    quick: bool,
    /// Measure the programs as they were built last.
    built: bool,
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut options =
            Self { rows: Vec::new(), rounds: 5, seconds: 3.0, json: None, quick: false, built: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value; {USAGE}"));
            match *arg {
                "--quick" => (options.quick, options.rounds, options.seconds) = (true, 1, 0.5),
                "--no-build" => options.built = true,
                "--rounds" => options.rounds = positive(arg, value()?)?,
                "--seconds" => options.seconds = positive(arg, value()?)?,
                "--json" => options.json = Some(PathBuf::from(value()?)),
                row if rows::ALL.iter().any(|known| known.name == row) => options.rows.push(row.to_owned()),
                other => return Err(format!("bench knows no {other}; {USAGE}")),
            }
        }
        Ok(options)
    }

    fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }
}

const USAGE: &str = "cargo xtask bench [spine-c … spine-g entra-h eras-g eras-h guard-h] [--rounds N] [--seconds S] [--json FILE] [--quick] [--no-build]";

fn positive<T: std::str::FromStr + PartialOrd + Default>(name: &str, text: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| *number > T::default());
    number.ok_or_else(|| format!("{name} needs a number above zero, not {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_understood() {
        let options = Options::parse(&["spine-e", "--rounds", "7", "--json", "x.json"]).unwrap();
        assert_eq!((options.rounds, options.seconds), (7, 3.0));
        assert!(options.wants("spine-e") && !options.wants("spine-c"));
        assert!(Options::parse(&["--quick"]).unwrap().wants("spine-c"));
    }

    #[test]
    fn mistakes_are_named() {
        for (args, part) in [
            (&["no-such-row"][..], "no-such-row"),
            (&["--rounds"], "needs a value"),
            (&["--rounds", "0"], "above zero"),
            (&["--seconds", "-1"], "above zero"),
        ] {
            let why = Options::parse(args).err().unwrap();
            assert!(why.contains(part), "{args:?}: {why}");
        }
    }
}
