//! How heads and waiting definitions are written: JSON of our own, read back strictly.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use doorward_engine::ListKey;
use doorward_pins::{Definition, Kind, Server};
use doorward_types::{ServerName, Timestamp};
use doorward_wire::{Limits, Tree, Value, quote};

use crate::acts::Act;
use crate::board::Waiting;

const LIMITS: Limits = Limits { max_bytes: 64 << 20, max_depth: 100, max_nodes: 4 << 20 };

/// What holds the pins of one server together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// How often a person decided.
    pub(crate) acts: u64,
    /// Lists that were seen whole.
    pub(crate) lists: BTreeSet<ListKey>,
    /// Of all pins, by their ids.
    pub(crate) digest: String,
    /// Acts that no audit log has yet.
    pub(crate) unrecorded: Vec<Act>,
}

impl Head {
    pub(crate) fn write(&self, server: &ServerName) -> Vec<u8> {
        let lists: Vec<String> = self.lists.iter().map(|list| quote(&hex(&list.0))).collect();
        let acts: Vec<String> = self.unrecorded.iter().map(act).collect();
        format!(
            r#"{{"form":"pins/1","server":{},"acts":{},"digest":{},"lists":[{}],"unrecorded":[{}]}}"#,
            quote(server.as_str()),
            self.acts,
            quote(&self.digest),
            lists.join(","),
            acts.join(","),
        )
        .into_bytes()
    }

    /// Reads a head, and whose it is.
    pub(crate) fn read(body: &[u8]) -> Option<(ServerName, Self)> {
        let tree = Tree::parse(Bytes::copy_from_slice(body), &LIMITS).ok()?;
        let root = tree.root();
        root.get("form").filter(|form| form.is_str("pins/1"))?;
        let server = ServerName::parse(&text(root, "server")?).ok()?;
        let list = |value: Value<'_>| Some(ListKey(unhex(&value.as_str()?)?));
        let head = Self {
            acts: u64::try_from(root.get("acts")?.as_i64()?).ok()?,
            digest: text(root, "digest")?,
            lists: root.get("lists")?.items().map(list).collect::<Option<_>>()?,
            unrecorded: root.get("unrecorded")?.items().map(read_act).collect::<Option<_>>()?,
        };
        (head.write(&server) == body).then_some((server, head))
    }
}

fn act(act: &Act) -> String {
    let expires = act.expires.map_or_else(|| "null".to_owned(), |time| time.as_micros().to_string());
    format!(
        r#"{{"what":{},"by":{},"kind":"{}","name":{},"hash":{},"record":{},"reason":{},"at":{},"expires":{expires}}}"#,
        quote(act.what),
        quote(&act.by),
        act.kind.name(),
        quote(&act.name),
        quote(&act.hash),
        quote(&act.record),
        quote(&act.reason),
        act.at.as_micros(),
    )
}

fn read_act(row: Value<'_>) -> Option<Act> {
    let what = text(row, "what")?;
    let expires = row.get("expires")?;
    Some(Act {
        what: Act::NAMES.into_iter().find(|known| *known == what)?,
        by: text(row, "by")?,
        kind: Kind::named(&text(row, "kind")?)?,
        name: text(row, "name")?,
        hash: text(row, "hash")?,
        record: text(row, "record")?,
        reason: text(row, "reason")?,
        at: Timestamp::from_micros(row.get("at")?.as_i64()?),
        expires: match expires.is_null() {
            true => None,
            false => Some(Timestamp::from_micros(expires.as_i64()?)),
        },
    })
}

pub(crate) fn write_waiting(waiting: &Waiting) -> Vec<u8> {
    format!(
        r#"{{"form":"waiting/1","server":{},"address":{},"kind":"{}","what":{},"why":{},"seen":{},"definition":{}}}"#,
        quote(waiting.server.name.as_str()),
        quote(&waiting.server.address),
        waiting.definition.kind().name(),
        quote(&waiting.what),
        quote(&waiting.why),
        waiting.seen.as_micros(),
        waiting.definition.canonical(),
    )
    .into_bytes()
}

pub(crate) fn read_waiting(body: &[u8]) -> Option<Waiting> {
    let tree = Tree::parse(Bytes::copy_from_slice(body), &LIMITS).ok()?;
    let root = tree.root();
    root.get("form").filter(|form| form.is_str("waiting/1"))?;
    let waiting = Waiting {
        server: Server {
            name: ServerName::parse(&text(root, "server")?).ok()?,
            address: text(root, "address")?,
        },
        what: text(root, "what")?,
        why: text(root, "why")?,
        seen: Timestamp::from_micros(root.get("seen")?.as_i64()?),
        definition: Definition::of(Kind::named(&text(root, "kind")?)?, root.get("definition")?).ok()?,
    };
    (write_waiting(&waiting) == body).then_some(waiting)
}

fn text(row: Value<'_>, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(|text| text.into_owned())
}

/// A digest of parts that tells where each ends.
pub(crate) fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_be_bytes());
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
