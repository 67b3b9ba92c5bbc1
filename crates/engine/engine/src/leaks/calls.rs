//! Calls: what a caller sends is looked at before anything else judges it, and placeholders become what they stand for. Schema,
//! policies and whoever is asked judge what the server will get (D-02).

use std::fmt::Write as _;

use doorward_dlp::{Direction, Facts, Scope, Tool};
use doorward_wire::{Edits, Frame, Span, Value};

use super::inside::{inside, kinds};
use super::people::Of;
use super::{Looked, look, name_of};
use crate::door::Door;
use crate::ports::Ports;
use crate::record::Done;
use crate::refusal::{Reason, Refusal};
use crate::stage::{Caller, Trail};

/// What is recorded where a placeholder became what it stands for.
const PUT_BACK: &str = "placeholder";
/// Of what is refused, so much is listed, each with its place of so many bytes at the most.
const MOST_LISTED: usize = 8;
const LONGEST_PLACE: usize = 120;

/// Judges the arguments of a call, and gives the frame that goes on in its place; none, and it goes on as it is. `schema` is
/// that of the arguments.
pub(crate) fn judge_arguments<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &Caller,
    frame: &Frame,
    schema: Option<Value<'_>>,
) -> Result<Option<Frame>, Refusal> {
    // What follows from a call has been looked at with it. Looked at again, what was put back would be found.
    if trail.follows || trail.server.data.is_none() {
        return Ok(None);
    }
    let of = door.leaks.of(&caller.owner);
    let sent = Sent { value: answers, what: "the answers hold", schema: None };
    let answered = judge(&of, trail, caller, frame, &sent)?;
    if let (Some(_), Some(_)) = (&answered, &trail.retry) {
        // They have been read already, as they came.
        let what = "the answers hold what may not be sent as it is".to_owned();
        return Err(Refusal::new(Reason::Leak(what)));
    }
    let sent = Sent { value: arguments, what: "the arguments hold", schema };
    let mut next = judge(&of, trail, caller, answered.as_ref().unwrap_or(frame), &sent)?.or(answered);
    let now = next.as_ref().unwrap_or(frame);
    if let Some(value) = arguments(now).filter(|_| !of.vault.is_empty()) {
        let restored = of.vault.restore(value, Scope { server: &trail.server.name, owner: &of.owner });
        if restored.restored > 0 {
            trail.notes.add(PUT_BACK, Done::Edited);
            trail.restored = restored.kept;
            next = Some(edited(now, &restored.edits)?);
        }
    }
    Ok(next)
}

/// Judges what a client answers to a question of its server's.
pub(crate) fn judge_reply<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &Caller,
    frame: &Frame,
) -> Result<Option<Frame>, Refusal> {
    let sent = Sent { value: Frame::result, what: "the answer holds", schema: None };
    judge(&door.leaks.of(&caller.owner), trail, caller, frame, &sent)
}

/// What of a frame is looked at.
struct Sent<'s> {
    value: fn(&Frame) -> Option<Value<'_>>,
    /// How a refusal begins.
    what: &'static str,
    schema: Option<Value<'s>>,
}

fn judge(
    of: &Of,
    trail: &Trail,
    caller: &Caller,
    frame: &Frame,
    sent: &Sent<'_>,
) -> Result<Option<Frame>, Refusal> {
    let (Some(rules), Some(value)) = (&trail.server.data, (sent.value)(frame)) else { return Ok(None) };
    let roles: Vec<&str> = caller.identity.roles().iter().map(|role| &**role).collect();
    let tool = Tool::new(name_of(&trail.subject), sent.schema);
    let scope = Scope { server: &trail.server.name, owner: &of.owner };
    let facts = Facts { roles: &roles, ..Facts::new(Direction::Arguments, tool, scope) };
    let looked = look(value, &facts, rules, of);
    looked.note(&trail.notes, looked.refused);
    if looked.refused {
        let what = format!("{} what may not be sent: {}", sent.what, told(&looked, value));
        return Err(Refusal::because(Reason::Leak(what), looked.kinds().join(", ")));
    }
    let mut edits = looked.treated.edits;
    for number in looked.treated.numbers {
        edits.replace(number.span, number.text);
    }
    let next = if edits.is_empty() { None } else { Some(edited(frame, &edits)?) };
    let now = (sent.value)(next.as_ref().unwrap_or(frame));
    if let Some(looked) = now.and_then(|value| inside(value, &facts, rules, of)) {
        looked.note(&trail.notes, looked.refused);
        if looked.refused {
            let kinds = kinds(&looked).join(", ");
            let what = format!("{} a document with what may not be sent: {kinds}", sent.what);
            return Err(Refusal::because(Reason::Leak(what), kinds));
        }
    }
    Ok(next)
}

fn edited(frame: &Frame, edits: &Edits) -> Result<Frame, Refusal> {
    frame.edited(edits).map_err(|error| Refusal::because(Reason::NotTheJudgedFrame, error.to_string()))
}

fn arguments(frame: &Frame) -> Option<Value<'_>> {
    frame.params()?.get("arguments")
}

/// What a client of 2026-07-28 answers to the questions of its server.
fn answers(frame: &Frame) -> Option<Value<'_>> {
    frame.params()?.get("inputResponses")
}

/// Tells the caller which kinds were found and where, so that they can leave them out: not what.
fn told(looked: &Looked, arguments: Value<'_>) -> String {
    let mut text = String::new();
    for finding in looked.refusing().take(MOST_LISTED) {
        let place = match finding.in_name {
            true => Some("in a member's name".to_owned()),
            false => place(arguments, finding.within).map(|place| format!("at {place}")),
        };
        let comma = if text.is_empty() { "" } else { ", " };
        let _infallible = write!(text, "{comma}{}", finding.kind);
        let _infallible = place.map_or(Ok(()), |place| write!(text, " ({place})"));
    }
    match looked.refusing().count().saturating_sub(MOST_LISTED) {
        0 if text.is_empty() => "more text than is looked at".to_owned(),
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// Where a value stands, as a JSON pointer (RFC 6901).
fn place(value: Value<'_>, span: Span) -> Option<String> {
    if value.span() == span {
        return Some(String::new());
    }
    let within = |inner: &Value<'_>| inner.span().start <= span.start && span.end <= inner.span().end;
    let (name, inner) = match value.is_object() {
        true => {
            let (name, inner) = value.members().find(|(_, inner)| within(inner))?;
            (name.replace('~', "~0").replace('/', "~1"), inner)
        }
        false => {
            let (at, inner) = value.items().enumerate().find(|(_, inner)| within(inner))?;
            (at.to_string(), inner)
        }
    };
    let path = format!("/{name}{}", place(inner, span)?);
    Some(path.chars().take(LONGEST_PLACE).collect())
}
