//! The form in which a flow outlives a restart: JSON, written here and read strictly.

use std::collections::BTreeMap;

use bytes::Bytes;
use doorward_types::{ServerName, Timestamp};
use doorward_wire::{Kind as JsonKind, Limits, ParseError, Tree, Value, quote};

use super::Flow;
use super::raised::Raised;
use super::spent::Spent;
use crate::key::Thread;
use crate::label::{Confidentiality, Integrity};
use crate::labels::Kind;
use crate::verdict::{Mark, Source};

/// Why a text is no flow. Whoever meets it goes on with [`Flow::lost`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Not JSON.
    #[error("what was remembered is no JSON: {0}")]
    Json(#[from] ParseError),
    /// Not what this version writes.
    #[error("what was remembered has no, an unknown, or a wrong `{0}`")]
    Member(&'static str),
}

const LIMITS: Limits = Limits { max_bytes: 256 << 10, max_depth: 8, max_nodes: 8_192 };

impl Flow {
    /// Writes it down. Calls that run are written as if they had answered: nobody hands their tickets back
    /// after a restart.
    pub fn to_json(&self) -> String {
        let ended = self.ended();
        let time = |at: Option<Timestamp>| at.map_or("null".to_owned(), |at| at.as_micros().to_string());
        let threads: Vec<String> = ended.threads.iter().map(thread).collect();
        format!(
            r#"{{"version":1,"seen":{},"since":{},"calls":{},"outward":{},"next":{},"whole":{},"threads":[{}]}}"#,
            time(ended.seen),
            time(ended.spent.since),
            number(ended.spent.calls),
            number(ended.spent.outward),
            number(ended.next),
            raised(&ended.whole),
            threads.join(",")
        )
    }

    /// Reads what [`Flow::to_json`] wrote.
    ///
    /// # Errors
    /// A [`FormError`] for any text that it does not write.
    pub fn read(text: &[u8]) -> Result<Self, FormError> {
        let tree = Tree::parse(Bytes::copy_from_slice(text), &LIMITS)?;
        let [version, seen, since, calls, outward, next, whole, threads] = members(
            tree.root(),
            ["version", "seen", "since", "calls", "outward", "next", "whole", "threads"],
        )?;
        if version.as_i64() != Some(1) {
            return Err(FormError::Member("version"));
        }
        let spent = Spent {
            since: read_time(since, "since")?,
            calls: count(calls, "calls")?,
            outward: count(outward, "outward")?,
        };
        let threads = read_threads(threads)?;
        Ok(Self {
            seen: read_time(seen, "seen")?,
            whole: read_raised(whole)?,
            threads,
            flights: BTreeMap::new(),
            // Counted on, so that a ticket from before takes back no call from after.
            next: count(next, "next")?,
            spent,
        })
    }
}

fn thread((thread, own): &(Thread, Raised)) -> String {
    let (server, id) = match thread {
        Thread::Session { server, id } => (quote(server.as_str()), quote(id)),
        Thread::Conversation(id) => ("null".to_owned(), quote(id)),
    };
    format!(r#"{{"server":{server},"id":{id},"raised":{}}}"#, raised(own))
}

fn raised(raised: &Raised) -> String {
    let secret = raised.secret.as_ref().map(|own| mark(own.level.word(), &own.source, own.at));
    let tainted = raised.tainted.as_ref().map(|own| mark(own.level.word(), &own.source, own.at));
    let or_null = |mark: Option<String>| mark.unwrap_or_else(|| "null".to_owned());
    format!(r#"{{"secret":{},"tainted":{}}}"#, or_null(secret), or_null(tainted))
}

fn mark(level: &str, source: &Source, at: Timestamp) -> String {
    let (server, kind, name) = (source.server.as_str(), source.kind.word(), quote(&source.name));
    let at = at.as_micros();
    format!(r#"{{"level":"{level}","server":"{server}","kind":"{kind}","name":{name},"at":{at}}}"#)
}

/// JSON's integers are read as 64 bits with a sign.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The members of an object, each of them and no other.
fn members<'t, const N: usize>(
    value: Value<'t>,
    names: [&'static str; N],
) -> Result<[Value<'t>; N], FormError> {
    let first = names.first().copied().unwrap_or_default();
    if value.len() != N {
        return Err(FormError::Member(first));
    }
    let mut found = [value; N];
    for (slot, name) in found.iter_mut().zip(names) {
        *slot = value.get(name).ok_or(FormError::Member(name))?;
    }
    Ok(found)
}

fn read_threads(value: Value<'_>) -> Result<Vec<(Thread, Raised)>, FormError> {
    let wrong = FormError::Member("threads");
    if value.kind() != JsonKind::Array || value.len() > Flow::MOST_THREADS {
        return Err(wrong);
    }
    let mut threads: Vec<(Thread, Raised)> = Vec::with_capacity(value.len());
    for item in value.items() {
        let [server, id, raised] = members(item, ["server", "id", "raised"])?;
        let id = id.as_str().ok_or(FormError::Member("id"))?;
        let thread = match server.is_null() {
            true => Thread::conversation(&id),
            false => Thread::session(&read_server(server)?, &id),
        };
        let thread = thread.ok_or(FormError::Member("id"))?;
        if threads.iter().any(|(own, _)| *own == thread) {
            return Err(wrong);
        }
        threads.push((thread, read_raised(raised)?));
    }
    Ok(threads)
}

fn read_raised(value: Value<'_>) -> Result<Raised, FormError> {
    let [secret, tainted] = members(value, ["secret", "tainted"])?;
    // The lowest levels are written as nothing.
    let secret_level =
        |word: &str| Confidentiality::parse(word).filter(|level| *level > Confidentiality::Public);
    let tainted_level = |word: &str| Integrity::parse(word).filter(|level| *level > Integrity::Trusted);
    Ok(Raised { secret: read_mark(secret, secret_level)?, tainted: read_mark(tainted, tainted_level)? })
}

fn read_mark<L>(value: Value<'_>, parse: impl Fn(&str) -> Option<L>) -> Result<Option<Mark<L>>, FormError> {
    if value.is_null() {
        return Ok(None);
    }
    let [level, server, kind, name, at] = members(value, ["level", "server", "kind", "name", "at"])?;
    let level = level.as_str().and_then(|word| parse(&word)).ok_or(FormError::Member("level"))?;
    let kind = kind.as_str().and_then(|word| Kind::ALL.into_iter().find(|kind| kind.word() == word));
    let kind = kind.ok_or(FormError::Member("kind"))?;
    let name = name.as_str().filter(|name| name.len() <= Source::LONGEST).ok_or(FormError::Member("name"))?;
    let at = read_time(at, "at")?.ok_or(FormError::Member("at"))?;
    let source = Source { server: read_server(server)?, kind, name: name.into_owned() };
    Ok(Some(Mark { level, source, at }))
}

fn read_server(value: Value<'_>) -> Result<ServerName, FormError> {
    let name = value.as_str().ok_or(FormError::Member("server"))?;
    ServerName::parse(&name).map_err(|_| FormError::Member("server"))
}

fn read_time(value: Value<'_>, name: &'static str) -> Result<Option<Timestamp>, FormError> {
    if value.is_null() {
        return Ok(None);
    }
    value.as_i64().map(|micros| Some(Timestamp::from_micros(micros))).ok_or(FormError::Member(name))
}

fn count(value: Value<'_>, name: &'static str) -> Result<u64, FormError> {
    value.as_i64().and_then(|count| u64::try_from(count).ok()).ok_or(FormError::Member(name))
}
