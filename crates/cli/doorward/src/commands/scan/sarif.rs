//! SARIF 2.1.0 (OASIS Standard, 27 March 2020), as code scanners take it.

use std::collections::{BTreeMap, BTreeSet};

use doorward_inspect::Severity;
use serde_json::{Value, json};

use super::live::is_address;
use super::{Line, Scanned};

/// Catalogues of what rules are about: the beginning of the tags that name an entry, and who keeps it where.
const TAXONOMIES: [(&str, &str, &str, &str); 3] = [
    ("external/cwe/", "CWE", "MITRE", "https://cwe.mitre.org/"),
    ("mitre-atlas/", "ATLAS", "MITRE", "https://atlas.mitre.org/"),
    ("owasp-mcp/", "OWASP MCP Top 10", "OWASP", "https://owasp.org/www-project-mcp-top-10/"),
];

pub(super) fn document(scanned: &Scanned) -> Value {
    // The worst of a rule is what is told of it: lines come in that order.
    let mut rules = BTreeMap::<&str, &Line>::new();
    for line in &scanned.lines {
        rules.entry(&line.rule).or_insert(line);
    }
    let numbers: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, rule)| (*rule, at)).collect();
    let described = rules.values().map(|line| {
        json!({
            "id": line.rule,
            "shortDescription": { "text": line.reason },
            "help": { "text": line.advice },
            "defaultConfiguration": { "level": level(line.severity) },
            "properties": { "tags": line.tags, "security-severity": score(line.severity) },
            "relationships": entries(line).map(|(taxonomy, entry)| json!({
                "target": { "id": entry, "toolComponent": { "name": taxonomy } }, "kinds": ["relevant"],
            })).collect::<Vec<_>>(),
        })
    });
    let results = scanned.lines.iter().map(|line| {
        let mut place = json!({ "artifactLocation": { "uri": uri(&line.source) } });
        if let (Some(at), Some(place)) = (line.at, place.as_object_mut()) {
            let ((row, column), (last, end)) = (at.from, at.to);
            let region = json!({ "startLine": row, "startColumn": column, "endLine": last, "endColumn": end });
            place.insert("region".to_owned(), region);
        }
        let says = if line.quote.is_empty() { String::new() } else { format!(". It says: {}", line.quote) };
        json!({
            "ruleId": line.rule,
            "ruleIndex": numbers.get(line.rule.as_str()),
            "level": level(line.severity),
            "message": { "text": format!("{}: {}{says}", line.place(), line.reason) },
            "locations": [{
                "physicalLocation": place,
                "logicalLocations": [{ "name": line.name, "kind": line.kind, "fullyQualifiedName": format!("{}{}", line.name, line.pointer) }],
            }],
            "partialFingerprints": { "doorward/v1": line.fingerprint() },
        })
    });
    let told = |level: &str, text: String| json!({ "level": level, "message": { "text": text } });
    let unread = scanned.unread.iter().map(|one| told("error", format!("{} {}", one.place, one.why)));
    let unasked = scanned.unasked.iter().map(|one| {
        told(
            "note",
            format!("{} in {} was not asked: doorward scan {} asks it", one.name, one.source, one.url),
        )
    });
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "doorward",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described.collect::<Vec<_>>(),
                "supportedTaxonomies": TAXONOMIES.map(|(_, name, ..)| json!({ "name": name })),
            } },
            "taxonomies": TAXONOMIES.map(|(_, name, keeper, place)| json!({
                "name": name, "organization": keeper, "informationUri": place,
                "shortDescription": { "text": name }, "taxa": taxa(&rules, name),
            })),
            "invocations": [{
                "executionSuccessful": scanned.unread.is_empty(),
                "toolExecutionNotifications": unread.chain(unasked).collect::<Vec<_>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

/// What a rule is about: the catalogue and the entry in it.
fn entries(line: &Line) -> impl Iterator<Item = (&'static str, String)> {
    line.tags.iter().filter_map(|tag| {
        TAXONOMIES.iter().find_map(|(prefix, name, ..)| {
            let entry = tag.strip_prefix(prefix)?;
            Some((*name, if *name == "CWE" { entry.to_ascii_uppercase() } else { entry.to_owned() }))
        })
    })
}

/// The entries of one catalogue that the rules name.
fn taxa(rules: &BTreeMap<&str, &Line>, taxonomy: &str) -> Vec<Value> {
    let named = rules.values().flat_map(|line| entries(line)).filter(|(of, _)| *of == taxonomy);
    let entries: BTreeSet<_> = named.map(|(_, entry)| entry).collect();
    entries.into_iter().map(|entry| json!({ "id": entry })).collect()
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

/// A relative reference (RFC 3986), in which what has a meaning of its own is written out; an address is its own.
fn uri(path: &str) -> String {
    if is_address(path) {
        return path.to_owned();
    }
    let written = |path: &str| path.split('/').map(doorward_oidc::percent).collect::<Vec<_>>().join("/");
    match path.strip_prefix('/') {
        Some(path) => format!("file:///{}", written(path)),
        None => written(path.strip_prefix("./").unwrap_or(path)),
    }
}
