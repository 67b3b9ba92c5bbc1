//! The session step: a frame takes its seat, and only in a session that is its caller's own.

use std::sync::Arc;

use bytes::Bytes;
use doorward_wire::lens::EnvelopeState;
use doorward_wire::{Era, Limits, Method, Tree, Value, lens, translate};

use crate::door::Door;
use crate::pipe::{Carrier, Framing};
use crate::ports::Ports;
use crate::refusal::Reason;
use crate::sessions::Session;
use crate::stage::{Asked, Heard, InSession, Said, Step};
use crate::tasks::EXTENSION;

/// Where a frame sits.
pub enum Seat<P: Ports> {
    /// 2026-07-28: every frame stands alone. The client's capabilities as it declared them on this frame, by [`declared`].
    Stateless(Arc<str>),
    /// An `initialize`, about to open a session: the client's capabilities, by [`declared`].
    Opening(Arc<str>),
    /// In a session of its own.
    Session(Arc<Session<P::Link>>),
}

impl<P: Ports> Seat<P> {
    pub(crate) fn session(&self) -> Option<&Arc<Session<P::Link>>> {
        match self {
            Self::Session(session) => Some(session),
            _ => None,
        }
    }

    pub(crate) fn capabilities(&self) -> &Arc<str> {
        match self {
            Self::Stateless(capabilities) | Self::Opening(capabilities) => capabilities,
            Self::Session(session) => &session.capabilities,
        }
    }
}

pub(crate) fn session<'a, P: Ports>(door: &Door<P>, heard: Heard<'a>) -> Step<InSession<'a, P>> {
    let Heard { mut trail, caller, headers, carrier, mut said } = heard;
    match carrier {
        Carrier::Request => {}
        Carrier::NoPipe | Carrier::Stdio => return Err(trail.refuse(Reason::SessionUnknown)),
        Carrier::Pipe(pipe) if !pipe.is_of(&caller, &trail.server.name) => {
            return Err(trail.refuse(Reason::SessionForeign));
        }
        // It knows sessions alone.
        Carrier::Pipe(pipe) if pipe.framing() == Framing::Events && trail.era == Era::Modern => {
            return Err(trail.refuse(Reason::MethodNotPermitted));
        }
        Carrier::Pipe(pipe) => {
            trail.framing = pipe.framing();
            if let Said::Frame { session, method, .. } = &mut said {
                *session = pipe.session();
                // It may come without an envelope, and without a session it can be of that revision alone.
                if *method == Method::Cancelled && session.is_none() && trail.framing == Framing::Lines {
                    trail.era = Era::Modern;
                }
            }
        }
    }
    let mut last_event = None;
    let (mut asked, named) = match said {
        Said::Listen { session, last_event: event } => {
            last_event = event;
            (Asked::Listen, Some(session))
        }
        Said::Leave { session } => (Asked::Leave, Some(session)),
        Said::Frame { frame, method, session } => {
            let stands_alone = match (trail.era, method) {
                (Era::Modern, _) => Some(Seat::Stateless(match lens::envelope(&frame) {
                    EnvelopeState::Present(envelope) => declared(envelope.client_capabilities),
                    // A cancellation may come without an envelope and needs none.
                    EnvelopeState::Absent | EnvelopeState::Malformed(_) => "{}".into(),
                })),
                (Era::Legacy, Method::Initialize) => {
                    let capabilities = lens::initialize(&frame).map(|init| init.capabilities);
                    Some(Seat::Opening(capabilities.map_or_else(|| "{}".into(), declared)))
                }
                (Era::Legacy, _) => None,
            };
            let asked = Asked::Frame { frame, method };
            if let Some(seat) = stands_alone {
                trail.capabilities = Some(Arc::clone(seat.capabilities()));
                return Ok(InSession { trail, caller, headers, seat, asked });
            }
            (asked, session)
        }
    };
    let Some(id) = named else { return Err(trail.refuse(Reason::SessionMissing)) };
    // Authentication came first and stands alone: an id without a token never gets here (SES-01).
    match door.sessions.find(&id, &caller.owner, &trail.server.name, trail.now) {
        Ok(session) => {
            trail.capabilities = Some(Arc::clone(&session.capabilities));
            if let (Some(shelf), Some(event)) = (&door.shelf, last_event) {
                // Only in this very session, so for its own person and client: whatever else the name says (SES-06).
                match shelf.find(&session, &event) {
                    Ok((resumed, subject)) => {
                        trail.subject = subject;
                        trail.resumed = Some(resumed);
                        if !resumed.unasked {
                            asked = Asked::Resume;
                        }
                    }
                    Err(reason) => return Err(trail.refuse(reason)),
                }
            }
            Ok(InSession { trail, caller, headers, seat: Seat::Session(session), asked })
        }
        Err(reason) => Err(trail.refuse(reason)),
    }
}

/// Says whether what a client [`declared`] lets a server send its person to an address.
pub(crate) fn opens_urls(declared: &str) -> bool {
    declared.contains(r#""url":{}"#)
}

/// Writes down which of the protocol's own capabilities a client declared, and nothing else of what it sent. The door's
/// errands say this to a server, so it must hold no byte of the caller's (D-01); and it names a catalogue, so a caller
/// must not be able to make names without end.
fn declared(capabilities: Value<'_>) -> Arc<str> {
    const KNOWN: [(&str, &[&str]); 5] = [
        ("elicitation", &["form", "url"]),
        ("extensions", &[EXTENSION]),
        ("roots", &[]),
        ("sampling", &["context", "tools"]),
        ("tasks", &[]),
    ];
    let mut text = String::from("{");
    for (name, parts) in KNOWN {
        let Some(value) = capabilities.get(name).filter(|value| value.is_object()) else { continue };
        if text.len() > 1 {
            text.push(',');
        }
        let parts: Vec<_> = parts
            .iter()
            .filter(|part| value.get(part).is_some())
            .map(|part| format!("\"{part}\":{{}}"))
            .collect();
        text.push_str(&format!("\"{name}\":{{{}}}", parts.join(",")));
    }
    text.push('}');
    text.into()
}

/// Returns what a client [`declared`], without tasks: each revision has its own, and they are not bridged.
pub(crate) fn without_tasks(declared: &str) -> Arc<str> {
    let tree = Tree::parse(Bytes::copy_from_slice(declared.as_bytes()), &Limits::default()).ok();
    translate::without(tree.as_ref().map(Tree::root), &["extensions", "tasks"]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: D-01: of what a client says it can do, an errand repeats the protocol's own words and no byte of the client's
    #[test]
    fn a_client_puts_no_bytes_into_an_errand() {
        for (sent, declares) in [
            ("{}", "{}"),
            (r#"{"experimental":{"x":"anything"},"extensions":{"y":1}}"#, r#"{"extensions":{}}"#),
            (
                r#"{"elicitation":{"form":{"evil":"text"},"other":2},"roots":{"listChanged":true}}"#,
                r#"{"elicitation":{"form":{}},"roots":{}}"#,
            ),
            (
                r#"{"extensions":{"io.modelcontextprotocol/tasks":{"a":1},"x/y":{}}}"#,
                r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
            ),
            (r#"{"sampling":{"tools":[]},"elicitation":"text"}"#, r#"{"sampling":{"tools":{}}}"#),
        ] {
            let tree = Tree::parse(Bytes::from(sent), &Limits::default()).unwrap();
            assert_eq!(&*declared(tree.root()), declares, "{sent}");
        }
    }

    #[test]
    fn what_is_not_bridged_is_not_declared() {
        for (declares, told) in [
            ("{}", "{}"),
            (r#"{"tasks":{}}"#, "{}"),
            (
                r#"{"elicitation":{"form":{}},"extensions":{"io.modelcontextprotocol/tasks":{}},"roots":{},"tasks":{}}"#,
                r#"{"elicitation":{"form":{}},"roots":{}}"#,
            ),
        ] {
            assert_eq!(&*without_tasks(declares), told);
        }
    }
}
