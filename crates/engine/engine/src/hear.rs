//! The hear step: the body becomes a frame, by the ladder of the protocol.

use doorward_wire::{
    Classified, Era, Frame, FrameKind, Method, Piped, StreamRequest, Verb, classify, classify_piped,
    classify_stream, lens,
};

use crate::door::Door;
use crate::pipe::Carrier;
use crate::ports::{Ports, ReadError};
use crate::record::Subject;
use crate::refusal::Reason;
use crate::stage::{Heard, Identified, Said, Step, Trail};

pub(crate) async fn hear<'a, P: Ports>(door: &Door<P>, identified: Identified<'a, P>) -> Step<Heard<'a>> {
    let Identified { mut trail, caller, verb, content_type, accept, headers, carrier, body } = identified;
    if verb != Verb::Post {
        trail.method = Some(if verb == Verb::Get { "GET" } else { "DELETE" });
        let request = match classify_stream(verb, accept, &headers) {
            Ok(request) => request,
            Err(ladder) => return Err(trail.refuse(Reason::Wire(Box::new(ladder)))),
        };
        let StreamRequest { session, last_event, .. } = request;
        let said = match verb {
            Verb::Get => Said::Listen { session, last_event },
            _ => Said::Leave { session },
        };
        return Ok(Heard { trail, caller, headers, carrier, said });
    }

    let limits = &trail.server.request_limits;
    let bytes = match door.ports.read(body, limits.max_bytes).await {
        Ok(bytes) => bytes,
        Err(ReadError::TooLarge) => return Err(trail.refuse(Reason::Body("body-too-large", 413))),
        Err(ReadError::TooSlow) => return Err(trail.refuse(Reason::Body("body-too-slow", 408))),
        Err(ReadError::Broken) => return Err(trail.refuse(Reason::Body("body-broken", 400))),
    };
    let classified = match &carrier {
        Carrier::Request => {
            classify(content_type, accept, &headers, bytes, limits).map(|classified| match classified {
                Classified::Modern { frame } => (Era::Modern, frame, None),
                Classified::LegacyInitialize { frame } => (Era::Legacy, frame, None),
                Classified::LegacyInSession { frame, session, .. } => (Era::Legacy, frame, Some(session)),
            })
        }
        Carrier::Pipe(_) | Carrier::NoPipe | Carrier::Stdio => {
            classify_piped(bytes, limits).map(|Piped { frame, era }| (era, frame, None))
        }
    };
    let (era, frame, session) = match classified {
        Ok(classified) => classified,
        Err(ladder) => {
            trail.id = ladder.id.clone();
            return Err(trail.refuse(Reason::Wire(Box::new(ladder))));
        }
    };
    let method = frame.known_method();
    trail.era = era;
    // What refuses a response must not be taken for the answer to a request of the client's own with the same id.
    trail.id = frame.id().filter(|_| frame.kind() == FrameKind::Request).cloned();
    trail.is_about(&frame);
    trail.times.hear = trail.lap(&door.ports);
    Ok(Heard { trail, caller, headers, carrier, said: Said::Frame { frame, method, session } })
}

/// Notes what a message of a conversation is that is refused unheard: its sender has no status to see, and would wait for
/// an answer for ever.
pub(crate) async fn overhear<P: Ports>(door: &Door<P>, trail: &mut Trail, body: P::Body) {
    let limits = &trail.server.request_limits;
    let Ok(bytes) = door.ports.read(body, limits.max_bytes).await else { return };
    let Ok(Piped { frame, era }) = classify_piped(bytes, limits) else { return };
    trail.era = era;
    trail.id = frame.id().filter(|_| frame.kind() == FrameKind::Request).cloned();
    trail.is_about(&frame);
}

impl Trail {
    /// Notes what a frame is, and what it is about.
    pub(crate) fn is_about(&mut self, frame: &Frame) {
        let method = frame.known_method();
        self.method = Some(match (frame.method(), method) {
            (None, _) => "response",
            (Some(_), Method::Other) => "other",
            (Some(_), method) => method.name(),
        });
        self.subject = match method {
            Method::ToolsCall => {
                lens::tool_call(frame).map_or(Subject::None, |call| Subject::Tool((&*call.name).into()))
            }
            Method::PromptsGet => {
                lens::routing_name(frame).map_or(Subject::None, |name| Subject::Prompt((&*name).into()))
            }
            Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                lens::resource_uri(frame).map_or(Subject::None, |uri| Subject::Resource((&*uri).into()))
            }
            Method::Other => frame.method().map_or(Subject::None, |name| Subject::Method(name.into())),
            _ => Subject::None,
        };
    }
}
