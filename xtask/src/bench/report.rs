//! Figures, targets and the table they end in.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::Options;

/// One figure over all rounds.
pub(super) struct Measured {
    /// What was measured.
    pub(super) what: String,
    pub(super) unit: &'static str,
    /// One value a round.
    pub(super) rounds: Vec<f64>,
    pub(super) target: Target,
}

/// What a figure should come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// For orientation only.
    None,
}

impl Measured {
    pub(super) fn new(what: impl Into<String>, unit: &'static str, target: Target, rounds: Vec<f64>) -> Self {
        Self { what: what.into(), unit, rounds, target }
    }

    fn median(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        if sorted.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) }
    }

    fn range(&self) -> (f64, f64) {
        self.rounds.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        })
    }

    fn verdict(&self) -> &'static str {
        let median = self.median();
        match self.target {
            Target::None => "",
            Target::AtMost(limit) if median <= limit => "met",
            Target::AtLeast(limit) if median >= limit => "met",
            _ => "missed",
        }
    }

    fn target(&self) -> String {
        match self.target {
            Target::AtMost(limit) => format!("≤ {}", shown(limit)),
            Target::AtLeast(limit) => format!("≥ {}", shown(limit)),
            Target::None => String::new(),
        }
    }
}

/// All figures of one bench.
pub(super) struct Report {
    lines: Vec<(&'static str, Measured)>,
    rounds: usize,
    seconds: f64,
    quick: bool,
}

impl Report {
    pub(super) fn new(options: &Options) -> Self {
        Self { lines: Vec::new(), rounds: options.rounds, seconds: options.seconds, quick: options.quick }
    }

    pub(super) fn add(&mut self, row: &'static str, measured: Measured) {
        self.lines.push((row, measured));
    }

    pub(super) fn print(&self) {
        println!("\n{}", self.table());
        if self.quick {
            println!("A quick run shows that the bench works; its figures decide nothing.");
        }
    }

    /// Writes the figures of every round, for comparison with a later run.
    pub(super) fn write(&self, file: &Path) -> Result<(), String> {
        let text = format!("{:#}\n", self.json());
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
    }

    fn table(&self) -> String {
        let head = ["id", "what", "median", "min–max", "unit", "target", "verdict"].map(str::to_owned);
        let cells = self.lines.iter().map(|(row, measured)| {
            let (low, high) = measured.range();
            [
                (*row).to_owned(),
                measured.what.clone(),
                shown(measured.median()),
                format!("{}–{}", shown(low), shown(high)),
                measured.unit.to_owned(),
                measured.target(),
                measured.verdict().to_owned(),
            ]
        });
        let cells: Vec<[String; 7]> = std::iter::once(head).chain(cells).collect();
        let mut widths = [0; 7];
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let line = |row: &[String; 7]| {
            let padded: Vec<String> =
                row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            padded.join("  ").trim_end().to_owned()
        };
        cells.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|(row, measured)| {
                let (low, high) = measured.range();
                json!({
                    "id": row, "what": measured.what, "unit": measured.unit, "median": measured.median(), "min": low,
                    "max": high, "rounds": measured.rounds, "target": measured.target(), "verdict": measured.verdict(),
                })
            })
            .collect();
        json!({ "rounds": self.rounds, "seconds": self.seconds, "quick": self.quick, "rows": lines })
    }
}

/// Three significant digits, more only where the whole part has more.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(target: Target, rounds: &[f64]) -> Measured {
        Measured::new("it", "×", target, rounds.to_vec())
    }

    #[test]
    fn the_median_decides() {
        assert_eq!(measured(Target::None, &[9.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(measured(Target::None, &[4.0, 1.0, 2.0, 9.0]).median(), 3.0);
        assert_eq!(measured(Target::AtMost(2.0), &[9.0, 1.0, 2.0]).verdict(), "met");
        assert_eq!(measured(Target::AtMost(1.9), &[9.0, 1.0, 2.0]).verdict(), "missed");
        assert_eq!(measured(Target::AtLeast(5.0), &[4.9]).verdict(), "missed");
        assert_eq!(measured(Target::AtMost(1.0), &[]).verdict(), "missed", "nothing measured is nothing met");
    }

    #[test]
    fn the_table_is_aligned_and_the_json_complete() {
        let mut report = Report { lines: Vec::new(), rounds: 3, seconds: 1.0, quick: false };
        report.add("spine-c", measured(Target::AtMost(2.0), &[1.5, 1.4, 1.6]));
        report.add("spine-g", Measured::new("resident", "MB", Target::None, vec![123.4]));
        let table = report.table();
        assert!(table.contains("1.50    1.40–1.60  ×     ≤ 2.00  met"), "{table}");
        assert_eq!(report.json()["rows"][0]["rounds"], json!([1.5, 1.4, 1.6]));
    }
}
