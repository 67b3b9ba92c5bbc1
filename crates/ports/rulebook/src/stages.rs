//! Which version of each bundle counts: one small file.

use std::fmt::Write as _;

use bytes::Bytes;
use doorward_wire::{Limits, Tree, Value};

/// What is in force of one bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    /// The bundle's name.
    pub name: String,
    /// The version that counts.
    pub enforced: Option<u64>,
    /// The version that counted before.
    pub before: Option<u64>,
    /// The version that is tried beside it, without effect.
    pub shadow: Option<u64>,
    /// The newest that was ever here: none that is older is installed again.
    pub newest: u64,
}

/// More than these are kept by nobody; each is read at every start.
const MOST: usize = 64;

/// Reads the file.
pub(crate) fn parse(text: Vec<u8>) -> Result<Vec<Placed>, &'static str> {
    let tree = Tree::parse(Bytes::from(text), &Limits::default()).map_err(|_| "it is no strict JSON")?;
    let list = tree.root().get("bundles").ok_or("it has no `bundles`")?;
    if list.len() > MOST {
        return Err("it lists more than 64 bundles");
    }
    let placed: Option<Vec<_>> = list.items().map(one).collect();
    let mut placed = placed.ok_or("an entry lacks its name or a version")?;
    placed.sort();
    if placed.windows(2).any(|pair| matches!(pair, [a, b] if a.name == b.name)) {
        return Err("a bundle is listed twice");
    }
    Ok(placed)
}

fn one(value: Value<'_>) -> Option<Placed> {
    let version = |name: &str| match value.get(name) {
        None => Some(None),
        Some(number) => number.as_i64().and_then(|number| u64::try_from(number).ok()).map(Some),
    };
    // It becomes the name of a file.
    let name = value.get("name")?.as_str()?.into_owned();
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with(['.', '-']);
    Some(Placed {
        name: fits.then_some(name)?,
        enforced: version("enforced")?,
        before: version("before")?,
        shadow: version("shadow")?,
        newest: version("newest")??,
    })
}

/// Writes the file.
pub(crate) fn write(placed: &[Placed]) -> String {
    let mut text = String::from("{\"bundles\":[");
    for (n, placed) in placed.iter().enumerate() {
        let comma = if n > 0 { "," } else { "" };
        let _ = write!(text, "{comma}\n  {{\"name\":\"{}\",\"newest\":{}", placed.name, placed.newest);
        for (name, version) in
            [("enforced", placed.enforced), ("before", placed.before), ("shadow", placed.shadow)]
        {
            if let Some(version) = version {
                let _ = write!(text, ",\"{name}\":{version}");
            }
        }
        text.push('}');
    }
    text + "\n]}\n"
}
