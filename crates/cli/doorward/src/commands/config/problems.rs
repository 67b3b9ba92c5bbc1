//! What is wrong with a configuration, in colour or as JSON.

use doorward_config::{ConfigErrors, Place, Problem};
use serde_json::{Value, json};

use crate::out::{BAD, DIM, NAME, Out, STRONG, paint};
use crate::table::{clean, count};

/// Prints every problem with its line, the mark below it, and the way out.
pub(crate) fn print(out: &Out, errors: &ConfigErrors) {
    for problem in errors.problems() {
        let place = match &problem.place {
            None => errors.file().to_owned(),
            Some(place) => format!("{}:{}:{}", errors.file(), place.line, place.column),
        };
        out.note(format_args!(
            "{} {} {}",
            paint(STRONG, format!("{place}:")),
            paint(BAD, "error:"),
            clean(&problem.what)
        ));
        if let Some(place) = &problem.place {
            out.note(marked(place));
        }
        out.note(format_args!("{} {}\n", paint(NAME, "help:"), clean(&problem.help)));
    }
    let problems = count(errors.problems().len(), "problem");
    out.note(format_args!("{problems} in {}", errors.file()));
}

/// The line with its number, and the mark below it.
fn marked(place: &Place) -> String {
    // A tab stays a tab in the margin, so that the mark stands under what it marks.
    let margin: String =
        place.text.chars().take(place.before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let (number, bar) = (paint(DIM, format_args!("{:>5} |", place.line)), paint(DIM, "      |"));
    format!("{number} {}\n{bar} {margin}{}", place.text, paint(BAD, "^".repeat(place.marked)))
}

pub(crate) fn json(errors: &ConfigErrors) -> Value {
    let problem = |problem: &Problem| {
        json!({
            "line": problem.place.as_ref().map(|place| place.line),
            "column": problem.place.as_ref().map(|place| place.column),
            "what": problem.what,
            "help": problem.help,
        })
    };
    let problems: Vec<Value> = errors.problems().iter().map(problem).collect();
    json!({ "valid": false, "file": errors.file(), "problems": problems })
}
