//! Findings for people: the worst first, each with what it says, why it matters and what to do.

use doorward_inspect::Severity;

use super::lines::Region;
use super::{Line, Scanned, Unasked, Unread};
use crate::out::{BAD, DIM, GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{clean, count};

pub(super) fn print(scanned: &Scanned, out: &Out) {
    for line in &scanned.lines {
        out.line(one(line));
    }
    for Unread { place, why, help } in &scanned.unread {
        out.note(format_args!("{} {} {}", paint(BAD, "unread:"), clean(place), clean(why)));
        out.note(format_args!(" {} {}", paint(NAME, "help:"), clean(help)));
    }
    for Unasked { source, name, url } in &scanned.unasked {
        let (of, url) = (clean(&format!("{name} in {source}")), clean(url));
        out.note(format_args!(
            "{} {of}: doorward scan {url} asks it, --live asks all",
            paint(WARN, "not asked:")
        ));
    }
    let looked_at = count(scanned.items.len(), "definition");
    let accepted = match scanned.accepted {
        0 => String::new(),
        accepted => format!(", {accepted} accepted before"),
    };
    out.note(match scanned.lines.len() {
        0 => format!("{} in {looked_at}{accepted}", paint(GOOD, "nothing found")),
        found => format!("{} in {looked_at}{accepted}", paint(BAD, count(found, "finding"))),
    });
}

fn one(line: &Line) -> String {
    let style = match line.severity {
        Severity::Critical | Severity::High => BAD,
        Severity::Medium => WARN,
        Severity::Low => DIM,
    };
    let source = match line.at {
        Some(Region { from: (row, column), .. }) => format!("{}:{row}:{column}", clean(&line.source)),
        None => clean(&line.source),
    };
    let mut told = format!(
        "{} {}  {}\n  {}  {}\n",
        paint(style, line.severity.name()),
        paint(STRONG, line.place()),
        paint(DIM, clean(&line.rule)),
        paint(NAME, source),
        line.reason,
    );
    if !line.quote.is_empty() {
        let hidden = line.hidden.as_ref().map(|how| format!(" (hidden: {how})")).unwrap_or_default();
        told.push_str(&format!("  says{hidden}: {}\n", clean(&line.quote)));
    }
    told.push_str(&format!("  {} {}\n", paint(GOOD, "do:"), line.advice));
    told
}
