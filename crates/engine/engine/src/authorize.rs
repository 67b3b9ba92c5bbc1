//! The authorize step: may this person do this, here, with these arguments? Without a permit nothing goes on.

use std::sync::Arc;

use doorward_policy::{Ask, Denial, Item, Permit};
use doorward_wire::{Era, Frame, FrameKind, Id, LEGACY, MODERN, Method, RoutingHeaders, headers, lens};

use crate::catalogue::{Tool, current};
use crate::door::Door;
use crate::errand::Errands;
use crate::guard;
use crate::identify::renew;
use crate::inspect::judged_digest;
use crate::ports::Ports;
use crate::refusal::{Reason, Refusal, UnseenKind};
use crate::release::end_if_lost;
use crate::session::Seat;
use crate::sessions::Session;
use crate::stage::{Asked, Caller, InSession, Permitted, Step, Trail};

/// What the caller may do now.
pub(crate) enum Authorized<P: Ports> {
    /// Send this frame.
    Send(Box<Permitted<P>>),
    /// Listen on the session's stream.
    Listen(Box<Trail>, Arc<Caller>, Arc<Session<P::Link>>, Permit),
    /// End the session.
    Leave(Box<Trail>, Arc<Session<P::Link>>),
    /// Nothing: a cancellation of something that no longer runs.
    Nothing,
}

pub(crate) async fn authorize<P: Ports>(door: &Door<P>, seated: InSession<'_, P>) -> Step<Authorized<P>> {
    let InSession { mut trail, mut caller, headers, seat, asked } = seated;
    if let Err(refusal) = acquaint(door, &mut trail, &mut caller, None).await {
        return Err(trail.refused(refusal));
    }
    let connect = connect(&trail, &caller);
    match (asked, seat) {
        // Leaving needs no permit: a person whose permits are gone may still close the door behind them.
        (Asked::Leave, Seat::Session(session)) => Ok(Authorized::Leave(trail, session)),
        (Asked::Listen, Seat::Session(session)) => match connect {
            Ok(permit) => Ok(Authorized::Listen(trail, caller, session, permit)),
            Err(refusal) => Err(trail.refused(refusal)),
        },
        (Asked::Frame { frame, method }, seat) => match connect {
            Ok(permit) => {
                frame_in(door, Asking { trail, caller, headers, seat, frame, method, permit }).await
            }
            Err(refusal) => Err(trail.refused(refusal)),
        },
        (_, _) => Err(trail.refuse(Reason::SessionMissing)),
    }
}

struct Asking<'a, P: Ports> {
    trail: Box<Trail>,
    caller: Arc<Caller>,
    headers: RoutingHeaders<'a>,
    seat: Seat<P>,
    frame: Frame,
    method: Method,
    /// The permit to use this server at all; enough for what shows and changes nothing of its own.
    permit: Permit,
}

async fn frame_in<P: Ports>(door: &Door<P>, asking: Asking<'_, P>) -> Step<Authorized<P>> {
    let Asking { mut trail, mut caller, headers, seat, frame, method, permit } = asking;
    let mut answers = None;
    let mut tool = None;
    if trail.era == Era::Modern && !guard::are_answers(&frame) {
        return Err(trail.refuse(Reason::BadAnswer));
    }
    let permit = match (frame.kind(), method) {
        (FrameKind::Response, _) => {
            let elicits = |id: &Id| matches!(id, Id::Number(id) if seat.session().is_some_and(|session| session.elicits(*id)));
            // What is no answer is not taken for one: the person may still give theirs.
            if let Some(answer) = frame.result()
                && frame.id().is_some_and(elicits)
                && !guard::is_answer(answer)
            {
                return Err(trail.refuse(Reason::BadAnswer));
            }
            // A response is let in only where this session was asked, and once (a client answering another's question).
            answers = seat.session().zip(frame.id()).and_then(|(session, id)| match id {
                Id::Number(id) => session.answered(*id),
                Id::String(_) => None,
            });
            if answers.is_none() {
                return Err(trail.refuse(Reason::UnaskedResponse));
            }
            Ok(permit)
        }
        (FrameKind::Notification, Method::Cancelled) => {
            return Ok(cancellation(door, trail, caller, seat, frame, permit));
        }
        (_, Method::ToolsCall) => {
            match tool_call(door, &mut trail, &mut caller, &seat, &headers, &frame).await {
                Ok((permit, called)) => {
                    tool = Some(called);
                    Ok(permit)
                }
                Err(refusal) => Err(refusal),
            }
        }
        (_, Method::PromptsGet) => prompt(&trail, &caller, &frame),
        (_, Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe) => {
            resource(&trail, &caller, &frame)
        }
        (_, Method::CompletionComplete) => completion(&trail, &caller, &frame).map(|()| permit),
        // Task ids are not bound to their owners yet: such a method passes only where a policy names it, like one that
        // nobody knows (B-08).
        (
            _,
            Method::Other
            | Method::TasksGet
            | Method::TasksCancel
            | Method::TasksUpdate
            | Method::TasksList
            | Method::TasksResult,
        ) => other(&trail, &caller, &frame),
        _ => Ok(permit),
    };
    let permit = match permit {
        Ok(permit) => permit,
        Err(refusal) => {
            end_if_lost(door, &seat, &refusal);
            return Err(trail.refused(refusal));
        }
    };
    let version = match &seat {
        Seat::Session(session) => &session.version,
        Seat::Opening(_) => LEGACY,
        Seat::Stateless(_) => MODERN,
    };
    let mirrored = tool.as_ref().map_or(&[][..], |tool| &tool.mirrored);
    let headers = headers::outbound_with(&frame, trail.era, version, mirrored);
    let digest = judged_digest(&frame);
    trail.times.authorize = trail.lap(&door.ports);
    let judged = frame.bytes().clone();
    Ok(Authorized::Send(Box::new(Permitted {
        trail,
        caller,
        seat,
        permit,
        frame,
        judged,
        digest,
        method,
        headers,
        answers,
    })))
}

fn connect(trail: &Trail, caller: &Caller) -> Result<Permit, Refusal> {
    decide(trail, caller, &Ask::Connect { server: &trail.server.name }, Reason::NotConnected)
}

fn decide(trail: &Trail, caller: &Caller, ask: &Ask<'_>, reason: Reason) -> Result<Permit, Refusal> {
    trail.snapshot.policies().decide(&caller.principal, ask).map_err(|denial| denied(reason, &denial))
}

fn denied(reason: Reason, denial: &Denial) -> Refusal {
    let mut detail = denial.reason().to_owned();
    for error in denial.errors() {
        detail.push_str("; ");
        detail.push_str(error.what());
    }
    Refusal { reason, detail: detail.into(), policies: denial.policies().to_vec() }
}

/// Makes sure that policies were compiled against what the server offers: against its tools at all, and against the
/// tool that is about to be called. If that changes the snapshot, the whole frame is judged under the new one.
async fn acquaint<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &mut Arc<Caller>,
    learned: Option<Arc<crate::Catalogue>>,
) -> Result<(), Refusal> {
    let name = trail.server.name.clone();
    let snapshot = match &learned {
        None if trail.snapshot.known().contains_key(&name) => return Ok(()),
        None => door.acquaint(&trail.server, Some(caller)).await.map_err(Refusal::upstream)?,
        Some(catalogue) => door.learn(&name, catalogue),
    };
    if snapshot.id() != trail.snapshot.id() {
        *caller = Arc::new(renew(door, &snapshot, caller).await?);
        trail.snapshot = snapshot;
    }
    Ok(())
}

async fn tool_call<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &mut Arc<Caller>,
    seat: &Seat<P>,
    sent: &RoutingHeaders<'_>,
    frame: &Frame,
) -> Result<(Permit, Arc<Tool>), Refusal> {
    let unseen = || Refusal::new(Reason::Unseen(UnseenKind::Tool));
    let call = lens::tool_call(frame).ok_or_else(unseen)?;
    let catalogue = current(door, &errands(trail, caller, seat)).await.map_err(Refusal::upstream)?;
    let known = trail.snapshot.known().get(&trail.server.name);
    if !known.is_some_and(|known| known.covers(&catalogue)) {
        acquaint(door, trail, caller, Some(Arc::clone(&catalogue))).await?;
    }
    let (policies, server) = (trail.snapshot.policies(), &trail.server.name);
    // Whether a tool may be seen comes before anything that is special to it, and an invisible tool is answered like an
    // absent one, so that nobody learns what they may not see (D-08).
    if !policies.sees(&caller.principal, server, Item::Tool(&call.name)) {
        return Err(unseen());
    }
    let tool = Arc::clone(catalogue.tool(&call.name).ok_or_else(unseen)?);
    if !trail.snapshot.known().get(server).is_some_and(|known| known.knows(&tool)) {
        return Err(Refusal::because(
            Reason::NotPermitted,
            "the policies do not fit this tool's present definition",
        ));
    }
    if trail.era == Era::Modern {
        headers::check_param_headers(frame, &tool.mirrored, sent.params)
            .map_err(|mismatch| Refusal::new(Reason::ParamHeaders(mismatch.reason)))?;
    }
    match &tool.arguments {
        Ok(schema) => {
            schema.check(call.arguments).map_err(|what| Refusal::new(Reason::BadArguments(what)))?
        }
        Err(why) => {
            let detail = format!("the tool's input schema does not compile: {why}");
            return Err(Refusal::because(
                Reason::BadArguments("its schema cannot be checked".to_owned()),
                detail,
            ));
        }
    }
    let ask = Ask::CallTool { server, tool: &call.name, arguments: call.arguments };
    let permit = decide(trail, caller, &ask, Reason::NotPermitted)?;
    Ok((permit, tool))
}

/// The errands that may run for this caller on this frame's link.
pub(crate) fn errands<P: Ports>(trail: &Trail, caller: &Arc<Caller>, seat: &Seat<P>) -> Errands<P::Link> {
    Errands {
        server: Arc::clone(&trail.server),
        link: seat.session().map(|session| Arc::clone(&session.link)),
        caller: Some(Arc::clone(caller)),
        era: seat.era(),
        version: seat.session().map_or_else(|| MODERN.into(), |session| Arc::clone(&session.version)),
        capabilities: Arc::clone(seat.capabilities()),
    }
}

fn prompt(trail: &Trail, caller: &Caller, frame: &Frame) -> Result<Permit, Refusal> {
    let unseen = || Refusal::new(Reason::Unseen(UnseenKind::Prompt));
    let get = lens::prompt_get(frame).ok_or_else(unseen)?;
    let server = &trail.server.name;
    if !trail.snapshot.policies().sees(&caller.principal, server, Item::Prompt(&get.name)) {
        return Err(unseen());
    }
    decide(
        trail,
        caller,
        &Ask::GetPrompt { server, prompt: &get.name, arguments: get.arguments },
        Reason::Unseen(UnseenKind::Prompt),
    )
}

fn resource(trail: &Trail, caller: &Caller, frame: &Frame) -> Result<Permit, Refusal> {
    let unseen = || Refusal::new(Reason::Unseen(UnseenKind::Resource));
    let uri = lens::resource_uri(frame).ok_or_else(unseen)?;
    let server = &trail.server.name;
    if !trail.snapshot.policies().sees(&caller.principal, server, Item::Resource(&uri)) {
        return Err(unseen());
    }
    decide(trail, caller, &Ask::ReadResource { server, uri: &uri }, Reason::Unseen(UnseenKind::Resource))
}

/// A completion tells of a prompt or a resource: it is for those who see it.
fn completion(trail: &Trail, caller: &Caller, frame: &Frame) -> Result<(), Refusal> {
    let (item, kind) = match lens::completion_ref(frame) {
        Some(lens::CompletionRef::Prompt(name)) => (Some(name), UnseenKind::Prompt),
        Some(lens::CompletionRef::Resource(uri)) => (Some(uri), UnseenKind::Resource),
        None => (None, UnseenKind::Prompt),
    };
    let seen = item.is_some_and(|item| {
        let item = if kind == UnseenKind::Prompt { Item::Prompt(&item) } else { Item::Resource(&item) };
        trail.snapshot.policies().sees(&caller.principal, &trail.server.name, item)
    });
    if seen { Ok(()) } else { Err(Refusal::new(Reason::Unseen(kind))) }
}

fn other(trail: &Trail, caller: &Caller, frame: &Frame) -> Result<Permit, Refusal> {
    let method = frame.method().unwrap_or_default();
    decide(trail, caller, &Ask::Other { server: &trail.server.name, method }, Reason::MethodNotPermitted)
}

/// A cancellation names a request by the client's id; the server knows it by the door's.
fn cancellation<P: Ports>(
    door: &Door<P>,
    mut trail: Box<Trail>,
    caller: Arc<Caller>,
    seat: Seat<P>,
    frame: Frame,
    permit: Permit,
) -> Authorized<P> {
    let named = lens::cancelled_value(&frame);
    let running = named.and_then(Id::of).zip(seat.session()).and_then(|(id, session)| session.running(&id));
    let (Some(value), Some(door_id)) = (named, running) else { return Authorized::Nothing };
    let mut edits = doorward_wire::Edits::new();
    edits.replace(value.span(), door_id.to_string());
    let Ok(frame) = frame.edited(&edits) else { return Authorized::Nothing };
    let digest = judged_digest(&frame);
    let version = seat.session().map_or(LEGACY, |session| &session.version);
    let headers = headers::outbound_with(&frame, trail.era, version, &[]);
    trail.times.authorize = trail.lap(&door.ports);
    Authorized::Send(Box::new(Permitted {
        trail,
        caller,
        seat,
        permit,
        judged: frame.bytes().clone(),
        frame,
        digest,
        method: Method::Cancelled,
        headers,
        answers: None,
    }))
}
