//! Pins and their differences, for a person who has seconds. All texts of servers have their invisible characters made visible.

use std::fmt::Write as _;

use doorward_pinboard::{Compared, Listed, Waiting};
use doorward_pins::{Act, Changes, Definition, Drift, Field, Kind, Segment, Stand, Version, visible};
use doorward_types::Timestamp;

use crate::out::{BAD, DIM, GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{Cell, Table, cell, count};

/// What a thing is called: a server has no name among its own things.
pub(crate) fn called(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Server => "what the server says of itself".to_owned(),
        _ => format!("{} {}", kind.name(), visible(name)),
    }
}

pub(crate) fn short_hash(hash: &str) -> String {
    hash.strip_prefix("sha256:").unwrap_or(hash).chars().take(12).collect()
}

pub(crate) fn list(listed: &[Listed], out: &Out) {
    if out.json {
        out.line(serde_json::json!(listed.iter().map(as_json).collect::<Vec<_>>()));
        return;
    }
    if listed.is_empty() {
        out.line("nothing is pinned, and nothing waits");
        return;
    }
    let mut server = None;
    let mut table = Table::indented(2);
    let flush = |table: &mut Table| {
        if !table.is_empty() {
            out.line(&*table);
            *table = Table::indented(2);
        }
    };
    for one in listed {
        if server != Some(&one.server) {
            flush(&mut table);
            out.line(paint(STRONG, &one.server));
            server = Some(&one.server);
        }
        let (style, stand) = match &one.pin {
            None => (WARN, "new".to_owned()),
            Some((pin, stand)) => {
                let style = match stand {
                    Stand::FirstUse | Stand::Approved => GOOD,
                    Stand::Expired | Stand::Rejected => BAD,
                };
                (style, stood(*stand, pin.current()))
            }
        };
        let (kind, name) = match one.kind {
            Kind::Server => ("server", "(of itself)".to_owned()),
            kind => (kind.name(), visible(&one.name)),
        };
        table.row([cell(kind), Cell::new(NAME, name), Cell::new(style, stand)]);
        for waiting in &one.waiting {
            let (style, word) = if waiting.passes() { (DIM, "passes") } else { (WARN, "waits") };
            let hash = short_hash(&waiting.definition.hash().to_string());
            let what = format!("{word}: {}", waiting.why);
            table.row([cell(""), Cell::new(DIM, hash), Cell::new(style, what)]);
        }
    }
    flush(&mut table);
    let waiting = listed.iter().flat_map(|one| &one.waiting).filter(|waiting| !waiting.passes()).count();
    if waiting > 0 {
        out.note(format_args!(
            "{} {}: `doorward pin diff NAME` shows each, `pin approve` and `pin reject` decide",
            paint(WARN, "waiting for you:"),
            count(waiting, "definition"),
        ));
    }
}

fn stood(stand: Stand, version: &Version) -> String {
    let decision = &version.decision;
    let day = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
    match stand {
        Stand::FirstUse => format!("first use, {}", day(decision.at)),
        Stand::Rejected => "rejected".to_owned(),
        Stand::Expired => format!("approval ended {}", decision.expires.map(day).unwrap_or_default()),
        Stand::Approved => {
            let until = decision.expires.map(|time| format!(", until {}", day(time))).unwrap_or_default();
            format!("approved by {}, {}{until}", decision.by, day(decision.at))
        }
    }
}

fn as_json(one: &Listed) -> serde_json::Value {
    let decision = |version: &Version| {
        let decision = &version.decision;
        serde_json::json!({
            "hash": version.definition.hash().to_string(),
            "act": match decision.act { Act::FirstUse => "first-use", Act::Approved => "approved", Act::Rejected => "rejected" },
            "by": decision.by, "at": decision.at.to_string(), "reason": decision.reason,
            "expires": decision.expires.map(|time| time.to_string()),
        })
    };
    let waits = |waiting: &Waiting| {
        serde_json::json!({
            "hash": waiting.definition.hash().to_string(), "what": waiting.what, "why": waiting.why,
            "passes": waiting.passes(), "seen": waiting.seen.to_string(), "address": waiting.server.address,
        })
    };
    serde_json::json!({
        "server": one.server.as_str(),
        "kind": one.kind.name(),
        "name": one.name,
        "stand": one.pin.as_ref().map(|(_, stand)| match stand {
            Stand::FirstUse => "first-use",
            Stand::Approved => "approved",
            Stand::Expired => "expired",
            Stand::Rejected => "rejected",
        }),
        "pinned": one.pin.as_ref().map(|(pin, _)| decision(pin.current())),
        "earlier": one.pin.iter().flat_map(|(pin, _)| pin.earlier()).map(decision).collect::<Vec<_>>(),
        "rejected": one.pin.iter().flat_map(|(pin, _)| pin.rejected()).map(decision).collect::<Vec<_>>(),
        "waiting": one.waiting.iter().map(waits).collect::<Vec<_>>(),
    })
}

pub(crate) fn diff(compared: &Compared, all: bool, now: Timestamp, out: &Out) {
    let nothing = Changes::default();
    let changes = match &compared.drift {
        Drift::Wording(changes) | Drift::Meaning(changes) => changes,
        Drift::Same | Drift::Cosmetic => &nothing,
    };
    if out.json {
        out.line(difference_as_json(compared, changes));
        return;
    }
    out.line(format_args!(
        "{} at {}",
        paint(STRONG, called(compared.kind, &compared.name)),
        paint(NAME, &compared.server)
    ));
    if let Some(pin) = &compared.pin {
        let hash = short_hash(&pin.current().definition.hash().to_string());
        out.line(format_args!("  pinned  {hash}  {}", stood(pin.stand(now), pin.current())));
    }
    if let Some(waiting) = &compared.waiting {
        let hash = short_hash(&waiting.definition.hash().to_string());
        let word = if waiting.passes() { "passes" } else { "waits" };
        out.line(format_args!("  {word:<6}  {hash}  {}", paint(WARN, crate::table::clean(&waiting.why))));
        let moved = compared.pin.as_ref().is_some_and(|pin| *pin.server() != waiting.server);
        if moved {
            out.line(format_args!(
                "  {}",
                paint(BAD, format_args!("the server is elsewhere now: {}", visible(&waiting.server.address)))
            ));
        }
    }
    for reason in &changes.reasons {
        let at = if reason.pointer.is_empty() { String::new() } else { format!("  {}", reason.pointer) };
        out.line(format_args!("  {} {}{}", paint(BAD, "!"), reason.why, paint(DIM, at)));
    }
    match &compared.old {
        None => whole(&compared.new, out),
        Some(_) if changes.diff.fields.is_empty() => {
            out.line("  nothing that anybody reads otherwise is different")
        }
        Some(_) => {
            let shown = if all { changes.diff.clone() } else { changes.diff.short() };
            shown.fields.iter().for_each(|one| field(one, out));
            if !all && changes.diff.fields_cut() > 0 {
                out.line(format_args!(
                    "\n  {} more are different: --all shows them",
                    count(changes.diff.fields_cut(), "field")
                ));
            }
        }
    }
    if let Some(waiting) = &compared.waiting {
        let hash = short_hash(&waiting.definition.hash().to_string());
        let name = match compared.kind {
            Kind::Server => format!("{} --kind server", compared.server),
            _ => format!("{} --server {}", visible(&compared.name), compared.server),
        };
        out.note(format_args!("\nto agree: doorward pin approve {name} --hash {hash}\nto refuse: doorward pin reject {name} --hash {hash}"));
    }
}

/// What nobody has agreed to yet, all of it: what a model would read has to be read.
fn whole(definition: &Definition, out: &Out) {
    out.line(format_args!("\n  {}", paint(DIM, "all of it is new:")));
    out.line(format_args!("  {}", visible(definition.canonical())));
}

fn field(field: &Field, out: &Out) {
    let pointer = if field.pointer.is_empty() { "/" } else { &field.pointer };
    let mut line = String::from("  ");
    for segment in &field.segments {
        // Writing to a string cannot fail.
        let _ = match segment {
            Segment::Same(text) => write!(line, "{text}"),
            Segment::Added(text) => write!(line, "{}", paint(GOOD, format_args!("{{+{text}+}}"))),
            Segment::Removed(text) => write!(line, "{}", paint(BAD, format_args!("[-{text}-]"))),
            Segment::Cut(count) => write!(line, "{}", paint(DIM, format_args!(" … {count} more … "))),
        };
    }
    out.line(format_args!("\n  {}\n{line}", paint(NAME, pointer)));
}

fn difference_as_json(compared: &Compared, changes: &Changes) -> serde_json::Value {
    let segment = |segment: &Segment| match segment {
        Segment::Same(text) => serde_json::json!({ "same": text }),
        Segment::Added(text) => serde_json::json!({ "added": text }),
        Segment::Removed(text) => serde_json::json!({ "removed": text }),
        Segment::Cut(count) => serde_json::json!({ "cut": count }),
    };
    let field = |field: &Field| serde_json::json!({ "pointer": field.pointer, "segments": field.segments.iter().map(segment).collect::<Vec<_>>() });
    serde_json::json!({
        "server": compared.server.as_str(),
        "kind": compared.kind.name(),
        "name": compared.name,
        "old": compared.old.as_ref().map(|old| old.hash().to_string()),
        "new": compared.new.hash().to_string(),
        "waits": compared.waiting.is_some(),
        "level": match compared.drift {
            Drift::Same => "same", Drift::Cosmetic => "cosmetic", Drift::Wording(_) => "wording", Drift::Meaning(_) => "meaning",
        },
        "reasons": changes.reasons.iter().map(|reason| {
            serde_json::json!({ "pointer": reason.pointer, "why": reason.why.to_string() })
        }).collect::<Vec<_>>(),
        "fields": changes.diff.fields.iter().map(field).collect::<Vec<_>>(),
    })
}
