//! A record as a person reads it: one line, columns aligned, nothing in it that could act on a terminal.

use std::fmt::Write as _;

use crate::encode::repaints;
use crate::read::Record;

/// Renders one record: time, kind, server, what, and what became of it.
pub fn render(record: &Record) -> String {
    let mut what = clean(record.text("method").as_deref().unwrap_or_default());
    for name in ["tool", "prompt"] {
        if let Some(target) = record.text(name) {
            what = format!("{what} {}", clean(&target));
        }
    }
    for name in ["resource", "unlisted"] {
        if let Some(digest) = record.text(name) {
            what = format!("{what} {name}:{}", short(&digest));
        }
    }
    let time: String = clean(&record.time()).chars().take(23).collect();
    let kind = clean(&record.kind());
    let server = clean(record.text("server").as_deref().unwrap_or("-"));
    let mut text = format!("{time}Z  {kind:<10}  {server:<12}  {what:<32}  {}", verdict(record));
    for name in ["person", "application"] {
        if let Some(value) = record.text(name) {
            let _ = write!(text, "  {name} {}", short(&value));
        }
    }
    if let Some(call) = record.text("call") {
        let _ = write!(text, "  call {}", ends(&clean(&call)));
    }
    let found = found(record);
    if !found.is_empty() {
        let _ = write!(text, "  found {found}");
    }
    text
}

/// What was found in a message, and what was done about it: `argument.shell seen, secret.github-token edited`.
fn found(record: &Record) -> String {
    let findings = record.root().get("findings");
    let told = findings.iter().flat_map(|findings| findings.items()).map(|finding| {
        let part =
            |name: &str| finding.get(name).and_then(|part| part.as_str()).unwrap_or_default().into_owned();
        clean(&format!("{} {}", part("rule"), part("done")))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Says what became of it.
fn verdict(record: &Record) -> String {
    let text = |name: &str| clean(record.text(name).as_deref().unwrap_or_default());
    let number = |name: &str| record.number(name).unwrap_or(0);
    match &*record.kind() {
        "intent" => match names(record, "policies") {
            policies if policies.is_empty() => "permit".into(),
            policies => format!("permit by {policies}"),
        },
        "outcome" => {
            let reason =
                record.text("reason").map(|reason| format!(" ({})", clean(&reason))).unwrap_or_default();
            let took = number("took_us");
            format!(
                "{}{reason}, {} frames, {} bytes, {}.{:03} ms",
                text("result"),
                number("frames"),
                number("bytes"),
                took / 1000,
                took % 1000
            )
        }
        "refused" => {
            let by = match names(record, "policies") {
                policies if policies.is_empty() => String::new(),
                policies => format!(" by {policies}"),
            };
            format!("refused: {}{by} (fault: {})", text("reason"), text("fault"))
        }
        "grant" => {
            let reason =
                record.text("reason").map(|reason| format!(" ({})", clean(&reason))).unwrap_or_default();
            format!("{}{reason}, client {}", text("grant"), text("client"))
        }
        "alarm" => {
            let rule = record.text("rule").map(|rule| format!(", rule {rule}")).unwrap_or_default();
            format!("ALARM {}{rule}", text("alarm"))
        }
        "pin" => format!(
            "{} the {} {} by {}: {}",
            text("pin"),
            text("of"),
            text("name"),
            text("by"),
            text("reason")
        ),
        "flood" if record.number("total").is_some() => {
            format!("{} refusals before sign-in since {}", number("total"), text("from"))
        }
        "flood" => format!("refused before sign-in: {} from {}", text("reason"), text("source")),
        "checkpoint" => format!("signed by {}, epoch {}", text("key"), number("epoch")),
        "recovered" => format!("{} torn bytes kept in {}", number("torn_bytes"), text("kept_as")),
        "start" => format!("version {}, log {}, key {}", text("version"), short(&text("log")), text("key")),
        "continued" => format!("segment {}", number("segment")),
        "erased" => "identifying fields can no longer be read".into(),
        _ => String::new(),
    }
}

fn names(record: &Record, name: &str) -> String {
    let list = record.root().get(name);
    let names = list.iter().flat_map(|list| list.items()).filter_map(|item| item.as_str());
    names.map(|name| clean(&name)).collect::<Vec<_>>().join(", ")
}

/// The beginning of a pseudonym or a digest: enough for the eye.
fn short(text: &str) -> String {
    clean(text).chars().take(8).collect()
}

/// A call's id as `audit show` takes it: calls of one run of a door begin alike, and those of two runs may end alike.
fn ends(call: &str) -> String {
    let count = call.chars().count();
    if count <= 16 {
        return call.to_owned();
    }
    call.chars().take(8).chain(['\u{2026}']).chain(call.chars().skip(count - 6)).collect()
}

/// Replaces what would act on a terminal, a line break above all: one text must not look like two lines.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|character| if repaints(character) { '\u{fffd}' } else { character }).collect()
}
