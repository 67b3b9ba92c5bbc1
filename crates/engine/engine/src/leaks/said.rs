//! What a server says besides its answers: progress, log messages, news of tasks, and questions to the client's model or person.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_dlp::{Direction, Facts, Finder, Scope, Tool, Treatment, torn};
use doorward_wire::{Edits, Frame, Method, Span, Value, quote};

use super::answers::{address, in_order};
use super::{Leaks, look, name_of};
use crate::ports::{Ports, UpstreamError};
use crate::record::Done;
use crate::stage::{Caller, Exchange};

/// Why an event of a server is dropped that may not be passed on.
pub(crate) const WITHHELD: &str = "data-withheld";
/// How much is remembered of what was said, so that a secret is found that is said in two messages.
const REMEMBERED: usize = 2 << 10;

/// What one exchange holds to look at what it releases.
pub(crate) struct Watch {
    pub(crate) leaks: Arc<Leaks>,
    /// The end of what was said in progress and log messages.
    said: Mutex<String>,
}

impl Watch {
    pub(crate) fn new(leaks: &Arc<Leaks>) -> Self {
        Self { leaks: Arc::clone(leaks), said: Mutex::default() }
    }
}

/// Members of what a server says that are the protocol's.
const NAMES: [&str; 9] = [
    "progressToken",
    "progress",
    "total",
    "requestId",
    "level",
    "taskId",
    "elicitationId",
    "requestState",
    "inputRequests",
];

/// The member that holds what is said in words.
fn words(method: Method, params: Value<'_>) -> Option<Value<'_>> {
    match method {
        Method::Progress => params.get("message"),
        Method::Message => params.get("data"),
        _ => None,
    }
}

impl<P: Ports> Exchange<P> {
    /// Takes out of a notification or a question what may not leave; none where that is the whole of it.
    pub(crate) fn shield_said(&self, frame: Frame, caller: &Caller) -> Result<Option<Frame>, UpstreamError> {
        let (Some(rules), Some(params)) = (&self.trail.server.data, frame.params()) else {
            return Ok(Some(frame));
        };
        let method = frame.known_method();
        let asks = matches!(frame.method(), Some("sampling/createMessage" | "elicitation/create"));
        let says = matches!(method, Method::Progress | Method::Message | Method::Tasks | Method::TaskStatus);
        if !asks && !says {
            return Ok(Some(frame));
        }
        let of = self.leaks.leaks.of(&caller.owner);
        let roles: Vec<&str> = caller.identity.roles().iter().map(|role| &**role).collect();
        let leave = left_alone(params);
        let scope = Scope { server: &self.trail.server.name, owner: &of.owner };
        let facts = Facts {
            roles: &roles,
            leave: &leave,
            kept: &self.trail.restored,
            label: &rules.label,
            ..Facts::new(Direction::Result, Tool::answering(name_of(&self.trail.subject), None), scope)
        };
        let looked = look(params, &facts, rules, &of);
        looked.note(&self.trail.notes, looked.refused);
        if looked.refused {
            return Ok(None);
        }
        let mut edits = looked.treated.edits;
        for number in looked.treated.numbers {
            edits.replace(number.span, number.text);
        }
        let frame = if edits.is_empty() { frame } else { self.edited(&frame, &edits)? };
        let Some(text) = frame.params().and_then(|params| words(method, params)) else {
            return Ok(Some(frame));
        };
        let Some(said) = text.as_str() else { return Ok(Some(frame)) };
        let mut before = self.leaks.said.lock().unwrap_or_else(PoisonError::into_inner);
        let torn = torn(Finder::shared(), &before, &said, &facts, &rules.handling);
        before.push_str(&said);
        let from = before.ceil_char_boundary(before.len().saturating_sub(REMEMBERED));
        before.drain(..from);
        drop(before);
        let Some(torn) = torn.filter(|torn| torn.treatment > Treatment::Allow) else {
            return Ok(Some(frame));
        };
        // Its first half has left; nobody gets the second.
        if torn.treatment == Treatment::Block {
            self.trail.notes.add(torn.kind, Done::Refused);
            return Ok(None);
        }
        self.trail.notes.add(torn.kind, Done::Edited);
        let rest = said.get(torn.after..).unwrap_or_default();
        let mut edits = Edits::new();
        edits.replace(text.span(), quote(&format!("{}{rest}", torn.mark())));
        self.edited(&frame, &edits).map(Some)
    }
}

fn left_alone(params: Value<'_>) -> Vec<Span> {
    let names = NAMES.into_iter().filter_map(|name| params.get(name));
    in_order(names.chain(address(params)))
}
