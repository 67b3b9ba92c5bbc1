//! SARIF 2.1.0 (OASIS Standard, 27 March 2020), as code scanners take it.

use std::collections::BTreeMap;

use doorward_inspect::Severity;
use serde_json::{Value, json};

use super::{Line, Scanned};

pub(super) fn document(scanned: &Scanned) -> Value {
    let rules: BTreeMap<&str, &Line> = scanned.lines.iter().map(|line| (line.rule.as_str(), line)).collect();
    let described = rules.values().map(|line| {
        json!({
            "id": line.rule,
            "shortDescription": { "text": line.reason },
            "help": { "text": line.advice },
            "properties": { "tags": line.tags, "security-severity": score(line.severity) },
        })
    });
    let results = scanned.lines.iter().map(|line| {
        let mut place = json!({ "artifactLocation": { "uri": uri(&line.source) } });
        if let (Some((row, column)), Some(place)) = (line.at, place.as_object_mut()) {
            place.insert("region".to_owned(), json!({ "startLine": row, "startColumn": column }));
        }
        json!({
            "ruleId": line.rule,
            "level": level(line.severity),
            "message": { "text": format!("{}: {}. It says: {}", line.place(), line.reason, line.quote) },
            "locations": [{
                "physicalLocation": place,
                "logicalLocations": [{ "name": line.name, "kind": line.kind, "fullyQualifiedName": format!("{}{}", line.name, line.pointer) }],
            }],
            "partialFingerprints": { "doorward/v1": line.fingerprint() },
        })
    });
    let unread = scanned
        .unread
        .iter()
        .map(|(path, why)| json!({ "level": "error", "message": { "text": format!("{path} {why}") } }));
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "doorward",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described.collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": scanned.unread.is_empty(),
                "toolExecutionNotifications": unread.collect::<Vec<_>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// What GitHub sorts by: a number from 0 to 10, as text.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        Severity::Low => "2.0",
    }
}

/// A relative reference (RFC 3986): what has a meaning of its own in one is written out.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.split('/').map(doorward_oidc::percent).collect::<Vec<_>>().join("/")
}
