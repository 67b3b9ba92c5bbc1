//! What was accepted before: a file of fingerprints, with words beside them for whoever reviews it.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use doorward_wire::{Limits, Tree};
use serde_json::json;

use super::Line;
use crate::failure::Failure;

/// Reads the fingerprints of a file.
pub(super) fn read(path: &Path) -> Result<BTreeSet<String>, Failure> {
    let wrong = |what: String| {
        Failure::usage(format!("the baseline {} {what}", path.display()))
            .help("write one with --write-baseline FILE")
    };
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let tree = Tree::parse(Bytes::from(bytes), &Limits::default());
    let tree = tree.map_err(|error| wrong(format!("is no JSON: {error}")))?;
    let accepted = tree.root().get("accepted").ok_or_else(|| wrong("has no `accepted`".to_owned()))?;
    let fingerprint = |entry: doorward_wire::Value<'_>| {
        let text = entry.get("fingerprint").and_then(|text| text.as_str());
        text.map(std::borrow::Cow::into_owned)
            .ok_or_else(|| wrong("has an entry without `fingerprint`".to_owned()))
    };
    accepted.items().map(fingerprint).collect()
}

/// Writes one that accepts these.
pub(super) fn write(path: &Path, lines: &[Line]) -> Result<(), Failure> {
    let accepted: Vec<_> = lines
        .iter()
        .map(|line| json!({ "fingerprint": line.fingerprint(), "rule": line.rule, "where": line.place(), "quote": line.quote }))
        .collect();
    let text = serde_json::to_string_pretty(&json!({ "accepted": accepted }));
    let text = text.map_err(|error| Failure::new(error.to_string()))?;
    std::fs::write(path, text + "\n")
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}
