//! JUnit XML, as build servers read it: each definition is a case, and what is found in it a failure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Line, Scanned, Unread};

pub(super) fn document(scanned: &Scanned) -> String {
    // By item, since two may have one name; and in one pass, since a hostile list is long.
    let mut found: Vec<Vec<&Line>> = vec![Vec::new(); scanned.items.len()];
    for line in &scanned.lines {
        found.get_mut(line.item).into_iter().for_each(|found| found.push(line));
    }
    let mut cases = BTreeMap::<&str, Vec<(&str, &str, Vec<&Line>)>>::new();
    for ((source, kind, name), failures) in scanned.items.iter().zip(found) {
        cases.entry(source).or_default().push((kind, name, failures));
    }
    let mut xml =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"doorward scan\">");
    for (source, cases) in cases {
        let failed = cases.iter().filter(|(_, _, failures)| !failures.is_empty()).count();
        let (source, tests) = (escaped(source), cases.len());
        let _infallible = write!(
            xml,
            "\n  <testsuite name=\"{source}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\">"
        );
        for (kind, name, failures) in cases {
            let name = escaped(&format!("{kind} {name}"));
            let _infallible = write!(xml, "\n    <testcase classname=\"{source}\" name=\"{name}\">");
            for line in failures {
                let (what, rule) = (escaped(&line.reason), escaped(&line.rule));
                let told = escaped(&format!(
                    "{}: {}\n{}\nIt says: {}\nDo: {}",
                    line.severity.name(),
                    line.place(),
                    line.reason,
                    line.quote,
                    line.advice
                ));
                let _infallible =
                    write!(xml, "\n      <failure message=\"{what}\" type=\"{rule}\">{told}</failure>");
            }
            xml.push_str("</testcase>");
        }
        xml.push_str("\n  </testsuite>");
    }
    for Unread { place, why, .. } in &scanned.unread {
        let (path, why) = (escaped(place), escaped(why));
        let _infallible = write!(
            xml,
            "\n  <testsuite name=\"{path}\" tests=\"1\" failures=\"0\" errors=\"1\">\n    <testcase classname=\"{path}\" name=\"read\"><error message=\"{why}\"/></testcase>\n  </testsuite>"
        );
    }
    xml.push_str("\n</testsuites>");
    xml
}

/// A text as XML 1.0 has it (section 2.2): characters that it knows no way to write are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}
