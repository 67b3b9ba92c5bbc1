//! What commands are told: all that pages show, as JSON.

use doorward_pinboard::{Compared, Listed, Waiting};
use doorward_pins::{Drift, Field, Segment};

use crate::pin::stands;
use crate::pins::called;

fn waiting_json(held: &Waiting) -> serde_json::Value {
    serde_json::json!({
        "what": held.what, "why": held.why, "seen": held.seen.to_string(), "hash": held.definition.hash().to_string(),
        "passes": held.passes(),
    })
}

pub(crate) fn as_json(listed: &[Listed]) -> serde_json::Value {
    let one = |one: &Listed| {
        let pin = one.pin.as_ref().map(|(pin, stand)| {
            let decision = &pin.current().decision;
            serde_json::json!({
                "hash": pin.current().definition.hash().to_string(), "stand": stands(*stand), "by": decision.by,
                "at": decision.at.to_string(), "reason": decision.reason,
                "expires": decision.expires.map(|at| at.to_string()),
            })
        });
        serde_json::json!({
            "server": one.server.as_str(), "kind": one.kind.name(), "name": called(one.kind, &one.name, &one.server),
            "pin": pin, "waiting": one.waiting.iter().map(waiting_json).collect::<Vec<_>>(),
        })
    };
    listed.iter().map(one).collect()
}

pub(crate) fn compared_json(compared: &Compared) -> serde_json::Value {
    let changes = match &compared.drift {
        Drift::Meaning(changes) | Drift::Wording(changes) => Some(changes),
        Drift::Same | Drift::Cosmetic => None,
    };
    let segment = |segment: &Segment| match segment {
        Segment::Same(text) => serde_json::json!({ "same": text }),
        Segment::Added(text) => serde_json::json!({ "added": text }),
        Segment::Removed(text) => serde_json::json!({ "removed": text }),
        Segment::Cut(count) => serde_json::json!({ "cut": count }),
    };
    let field = |field: &Field| serde_json::json!({ "pointer": field.pointer, "segments": field.segments.iter().map(segment).collect::<Vec<_>>() });
    serde_json::json!({
        "server": compared.server.as_str(), "kind": compared.kind.name(),
        "name": called(compared.kind, &compared.name, &compared.server),
        "hash": compared.new.hash().to_string(),
        "waiting": compared.waiting.as_ref().map(waiting_json),
        "drift": match &compared.drift {
            Drift::Same => "same", Drift::Cosmetic => "cosmetic", Drift::Wording(_) => "wording", Drift::Meaning(_) => "meaning",
        },
        "reasons": changes.iter().flat_map(|changes| &changes.reasons)
            .map(|reason| serde_json::json!({ "at": reason.pointer, "why": reason.why.to_string() })).collect::<Vec<_>>(),
        "fields": changes.map(|changes| changes.diff.short().fields.iter().map(field).collect::<Vec<_>>()),
        "definition": serde_json::from_str::<serde_json::Value>(compared.new.canonical()).unwrap_or_default(),
    })
}
