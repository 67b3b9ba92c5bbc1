//! What a doctor found, and how it is told.

use doorward_oidc::explain;
use serde_json::{Value, json};

use crate::out::{BAD, DIM, GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{clean, count};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// It may bite somebody, or could not be looked at.
    Warn,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    area: &'static str,
    pub(crate) level: Level,
    pub(crate) what: String,
    /// What Entra answers because of it.
    pub(crate) code: Option<u32>,
    cause: Option<String>,
    pub(crate) fix: Option<String>,
}

impl Finding {
    fn new(area: &'static str, level: Level, what: impl Into<String>) -> Self {
        Self { area, level, what: what.into(), code: None, cause: None, fix: None }
    }

    pub(crate) fn ok(area: &'static str, what: impl Into<String>) -> Self {
        Self::new(area, Level::Ok, what)
    }

    pub(crate) fn warn(area: &'static str, what: impl Into<String>) -> Self {
        Self::new(area, Level::Warn, what)
    }

    pub(crate) fn bad(area: &'static str, what: impl Into<String>) -> Self {
        Self::new(area, Level::Bad, what)
    }

    /// Names what Entra answers because of it; cause and fix come from the table of Entra's errors.
    pub(crate) fn code(mut self, code: u32) -> Self {
        self.code = Some(code);
        if let Some(explanation) = explain(code) {
            self.cause.get_or_insert_with(|| explanation.cause.to_owned());
            self.fix.get_or_insert_with(|| explanation.fix.to_owned());
        }
        self
    }

    /// Says what to do, where it is known better than by the error alone.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Says why it is so.
    pub(crate) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    fn json(&self) -> Value {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Bad => "bad",
        };
        json!({
            "area": self.area, "level": level, "what": self.what, "cause": self.cause, "fix": self.fix,
            "aadsts": self.code.map(|code| format!("AADSTS{code}")),
        })
    }
}

/// Tells everything; returns whether nothing is bad.
pub(crate) fn tell(out: &Out, findings: &[Finding]) -> bool {
    let of = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (bad, warned) = (of(Level::Bad), of(Level::Warn));
    if out.json {
        let all: Vec<Value> = findings.iter().map(Finding::json).collect();
        out.line(json!({ "well": bad == 0, "findings": all }));
        return bad == 0;
    }
    let mut area = "";
    for finding in findings {
        if finding.area != area {
            let gap = if area.is_empty() { "" } else { "\n" };
            area = finding.area;
            out.line(format_args!("{gap}{}", paint(STRONG, area)));
        }
        let mark = match finding.level {
            Level::Ok => paint(GOOD, "ok  "),
            Level::Warn => paint(WARN, "warn"),
            Level::Bad => paint(BAD, "BAD "),
        };
        let code =
            finding.code.map(|code| format!(" {}", paint(NAME, format!("AADSTS{code}")))).unwrap_or_default();
        out.line(format_args!("  {mark}  {}{code}", clean(&finding.what)));
        if let Some(cause) = &finding.cause {
            out.line(format_args!("        {}", paint(DIM, clean(cause))));
        }
        if let Some(fix) = &finding.fix {
            out.line(format_args!("        {} {}", paint(NAME, "fix:"), clean(fix)));
        }
    }
    let (bad_words, warned_words) = (count(bad, "thing"), count(warned, "warning"));
    match (bad, warned) {
        (0, 0) => out.line(format_args!("\n{} nothing is wrong", paint(GOOD, "well:"))),
        (0, _) => out.line(format_args!("\n{} {warned_words}", paint(GOOD, "well:"))),
        _ => out.line(format_args!("\n{} {bad_words} to mend, {warned_words}", paint(BAD, "not well:"))),
    }
    bad == 0
}
