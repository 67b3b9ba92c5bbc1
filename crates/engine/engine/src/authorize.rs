//! The authorize step: may this person do this, here, with these arguments? Without a permit nothing goes on.

use std::sync::Arc;

use doorward_inspect::Severity;
use doorward_policy::{Ask, Denial, Item, Permit};
use doorward_types::ServerName;
use doorward_wire::{Era, Frame, FrameKind, Id, Method, RoutingHeaders, Tree, Value, headers, lens};

use crate::bridge::{Local, errands, judge_under, version_behind};
use crate::catalogue::{Tool, current};
use crate::door::Door;
use crate::down::greet;
use crate::eyes::Flagged;
use crate::guard;
use crate::inspect::judged_digest;
use crate::leaks::{judge_arguments, judge_reply};
use crate::pinned::offered;
use crate::pipe::Framing;
use crate::ports::{Ports, UpstreamFault};
use crate::record::{Done, Subject};
use crate::refusal::{Reason, Refusal, UnseenKind};
use crate::release::end_if_lost;
use crate::session::{Seat, without_tasks};
use crate::sessions::{Asker, Session};
use crate::snapshot::Snapshot;
use crate::stage::{Asked, Caller, InSession, Permitted, Step, Trail};
use crate::up;

/// What the caller may do now.
pub(crate) enum Authorized<P: Ports> {
    /// Send this frame.
    Send(Box<Permitted<P>>),
    /// Listen on the session's stream.
    Listen(Box<Trail>, Arc<Caller>, Arc<Session<P::Link>>, Permit),
    /// End the session.
    Leave(Box<Trail>, Arc<Session<P::Link>>),
    /// Nothing: a cancellation of something that no longer runs, or that no frame tells the server of.
    Nothing(Box<Trail>),
}

pub(crate) async fn authorize<P: Ports>(door: &Door<P>, seated: InSession<'_, P>) -> Step<Authorized<P>> {
    let InSession { trail, caller, headers, seat, asked } = seated;
    let connect = connect(&trail, &caller);
    match (asked, seat) {
        // Leaving needs no permit: a person whose permits are gone may still close the door behind them.
        (Asked::Leave, Seat::Session(session)) => Ok(Authorized::Leave(trail, session)),
        (Asked::Listen, Seat::Session(session)) => match connect {
            Ok(permit) => Ok(Authorized::Listen(trail, caller, session, permit)),
            Err(refusal) => Err(trail.refused(refusal)),
        },
        // What was released then must be permitted now: to use the server, and to see what the call was about (D-03).
        (Asked::Resume, Seat::Session(session)) => {
            let seen = |permit| match sees(&trail.snapshot, &caller, &trail.server.name, &trail.subject) {
                true => Ok(permit),
                false => Err(Refusal::new(Reason::NotPermitted)),
            };
            match connect.and_then(seen) {
                Ok(permit) => Ok(Authorized::Listen(trail, caller, session, permit)),
                Err(refusal) => Err(trail.refused(refusal)),
            }
        }
        (Asked::Frame { frame, method }, seat) => match connect {
            Ok(permit) => {
                let seat = match seat {
                    // A client without sessions has nothing to say about another of its requests.
                    Seat::Stateless(_) if trail.is_down() && method == Method::Cancelled => {
                        return Ok(Authorized::Nothing(trail));
                    }
                    // A subscription opens a session of its own, once nothing more can refuse it.
                    Seat::Stateless(capabilities)
                        if trail.is_down() && method != Method::SubscriptionsListen =>
                    {
                        match seat_at_old(door, &trail, &caller, &capabilities, method).await {
                            Ok(session) => Seat::Session(session),
                            Err(refusal) => return Err(trail.refused(refusal)),
                        }
                    }
                    seat => seat,
                };
                frame_in(door, Asking { trail, caller, headers, seat, frame, method, permit }).await
            }
            Err(refusal) => Err(trail.refused(refusal)),
        },
        (_, _) => Err(trail.refuse(Reason::SessionMissing)),
    }
}

/// Takes a seat at an old server for a new client. One that the server has forgotten shows when the tools are looked up, and
/// is then taken anew, once.
async fn seat_at_old<P: Ports>(
    door: &Door<P>,
    trail: &Trail,
    caller: &Arc<Caller>,
    capabilities: &str,
    method: Method,
) -> Result<Arc<Session<P::Link>>, Refusal> {
    let capabilities = without_tasks(capabilities);
    let session = greet(door, trail, caller, &capabilities).await?;
    if method != Method::ToolsCall && trail.server.pins.is_none() {
        return Ok(session);
    }
    let seat = Seat::<P>::Session(Arc::clone(&session));
    match current(door, &errands(trail, caller, &seat)).await {
        Err(error) if error.fault == UpstreamFault::SessionLost => {
            door.end_session(&session);
            greet(door, trail, caller, &capabilities).await
        }
        _ => Ok(session),
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
    let Asking { mut trail, mut caller, headers, seat, mut frame, method, permit } = asking;
    let mut answers = None;
    let mut tool = None;
    if trail.era == Era::Modern && !guard::are_answers(&frame) {
        return Err(trail.refuse(Reason::BadAnswer));
    }
    if let Err(refusal) = offered(door, &mut trail, &mut caller, &seat, (&frame, method)).await {
        end_if_lost(door, &seat, &refusal);
        return Err(trail.refused(refusal));
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
            // Refused, it is not taken for the answer either.
            match judge_reply(door, &mut trail, &caller, &frame) {
                Ok(Some(edited)) => frame = edited,
                Ok(None) => {}
                Err(refusal) => return Err(trail.refused(refusal)),
            }
            // A response is let in only where this session was asked, and once (a client answering another's question).
            answers = seat.session().zip(frame.id()).and_then(|(session, id)| match id {
                Id::Number(id) => session.answered(*id),
                Id::String(_) => None,
            });
            match &answers {
                Some(Asker::Server(_)) => {}
                Some(Asker::Round(round)) => {
                    let said = frame.id().and_then(|id| up::said(&frame, id));
                    trail.local = said.map(|(id, said)| Local::Answer { round: Arc::clone(round), id, said });
                }
                None => return Err(trail.refuse(Reason::UnaskedResponse)),
            }
            Ok(permit)
        }
        (FrameKind::Notification, Method::Cancelled) => {
            return Ok(cancellation(door, trail, caller, seat, frame, permit));
        }
        (_, Method::ToolsCall) => {
            match tool_call(door, &mut trail, &mut caller, &seat, &headers, &mut frame).await {
                Ok((permit, called)) => {
                    tool = Some(called);
                    Ok(permit)
                }
                Err(refusal) => Err(refusal),
            }
        }
        (_, Method::PromptsGet) => prompt(door, &mut trail, &caller, &mut frame),
        (_, Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe) => {
            resource(&trail, &caller, &frame)
        }
        (_, Method::CompletionComplete) => completion(&trail, &caller, &frame).map(|()| permit),
        (
            _,
            Method::TasksGet
            | Method::TasksCancel
            | Method::TasksUpdate
            | Method::TasksList
            | Method::TasksResult,
        ) => door.tasks.admit(&mut trail, &caller, &frame, method).map(|()| permit),
        (_, Method::SubscriptionsListen) => {
            door.tasks.admit_listener(&trail, &caller, &frame).map(|()| permit)
        }
        (_, Method::Other) => other(&trail, &caller, &frame),
        _ => Ok(permit),
    };
    let permit = match permit {
        Ok(permit) => permit,
        Err(refusal) => {
            end_if_lost(door, &seat, &refusal);
            return Err(trail.refused(refusal));
        }
    };
    let version = version_behind(&trail, &seat);
    let mirrored = tool.as_ref().map_or(&[][..], |tool| &tool.mirrored);
    let definition = tool.as_ref().map_or([0; 32], |tool| tool.definition);
    let asks = trail.server.asks && tool.as_ref().is_some_and(|tool| tool.destructive);
    let headers = headers::outbound_with(&frame, trail.behind, &version, mirrored);
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
        asks,
        definition,
        passage: None,
    })))
}

/// Says whether a caller may see what something was about.
pub(crate) fn sees(snapshot: &Snapshot, caller: &Caller, server: &ServerName, subject: &Subject) -> bool {
    let item = match subject {
        Subject::Tool(name) => Item::Tool(name),
        Subject::Prompt(name) => Item::Prompt(name),
        Subject::Resource(uri) => Item::Resource(uri),
        Subject::Method(_) | Subject::None => return true,
    };
    snapshot.policies().sees(&caller.principal, server, item)
}

pub(crate) fn connect(trail: &Trail, caller: &Caller) -> Result<Permit, Refusal> {
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

/// What is told of arguments that do not fit, where some of them are none of the caller's to see.
const NOT_SHOWN: &str = "with what its placeholders stand for";

async fn tool_call<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &mut Arc<Caller>,
    seat: &Seat<P>,
    sent: &RoutingHeaders<'_>,
    frame: &mut Frame,
) -> Result<(Permit, Arc<Tool>), Refusal> {
    let unseen = || Refusal::new(Reason::Unseen(UnseenKind::Tool));
    let call = lens::tool_call(frame).ok_or_else(unseen)?;
    let catalogue = current(door, &errands(trail, caller, seat)).await.map_err(Refusal::upstream)?;
    let known = trail.snapshot.known().get(&trail.server.name);
    if !known.is_some_and(|known| known.covers(&catalogue)) {
        let snapshot = door.learn(&trail.server.name, &catalogue);
        judge_under(door, trail, caller, snapshot).await?;
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
    // Only a request of its own has headers that could say something else than its body.
    if (trail.era, trail.behind, trail.framing) == (Era::Modern, Era::Modern, Framing::Request) {
        headers::check_param_headers(frame, &tool.mirrored, sent.params)
            .map_err(|mismatch| Refusal::new(Reason::ParamHeaders(mismatch.reason)))?;
    }
    trail.tool = Some(Arc::clone(&tool));
    // From here on the server's arguments are judged: without what may not be sent, with what placeholders stand for (D-02).
    let schema = tool.schema.as_ref().map(Tree::root);
    if let Some(edited) = judge_arguments(door, trail, caller, frame, schema)? {
        *frame = edited;
    }
    let call = lens::tool_call(frame).ok_or_else(unseen)?;
    let server = &trail.server.name;
    match &tool.arguments {
        Ok(schema) => {
            // What was put back is not shown to whoever sent a placeholder: a schema that it does not fit would tell it.
            let tell = |what| if trail.restored.is_empty() { what } else { NOT_SHOWN.to_owned() };
            schema.check(call.arguments).map_err(|what| Refusal::new(Reason::BadArguments(tell(what))))?
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
    judge_payloads(trail, &tool, call.arguments)?;
    Ok((permit, tool))
}

/// Looks whether an argument reaches beyond what its parameter is for: a second command in a file name, a statement in an id, an address
/// of the house's own where a page is asked for. Only what is permitted is looked at.
fn judge_payloads(trail: &Trail, tool: &Tool, sent: Option<Value<'_>>) -> Result<(), Refusal> {
    let rule = trail.server.arguments;
    let Some(sent) = sent.filter(|_| rule != Flagged::Pass) else { return Ok(()) };
    let report = doorward_inspect::arguments(tool.schema.as_ref().map(Tree::root), sent, &tool.about);
    if !report.is_flagged {
        return Ok(());
    }
    let worst = report.findings.iter().find(|finding| finding.severity >= Severity::High);
    let refused = worst.filter(|_| rule == Flagged::Withhold);
    let done = if refused.is_some() { Done::Refused } else { Done::Seen };
    report.findings.iter().for_each(|finding| trail.notes.add(finding.rule.id, done));
    match refused {
        Some(finding) => Err(Refusal::because(Reason::Payload, finding.rule.id)),
        None => Ok(()),
    }
}

fn prompt<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &Caller,
    frame: &mut Frame,
) -> Result<Permit, Refusal> {
    let unseen = || Refusal::new(Reason::Unseen(UnseenKind::Prompt));
    let get = lens::prompt_get(frame).ok_or_else(unseen)?;
    if !trail.snapshot.policies().sees(&caller.principal, &trail.server.name, Item::Prompt(&get.name)) {
        return Err(unseen());
    }
    if let Some(edited) = judge_arguments(door, trail, caller, frame, None)? {
        *frame = edited;
    }
    let get = lens::prompt_get(frame).ok_or_else(unseen)?;
    let server = &trail.server.name;
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
    let of = named.and_then(Id::of).zip(seat.session());
    if let Some((id, session)) = of.as_ref().filter(|_| trail.is_up()) {
        // A new server is told by the end of the stream that its answer comes on (T-10).
        session.give_up(id);
        return Authorized::Nothing(trail);
    }
    let running = of.and_then(|(id, session)| session.running(&id));
    let (Some(value), Some(door_id)) = (named, running) else { return Authorized::Nothing(trail) };
    let mut edits = doorward_wire::Edits::new();
    edits.replace(value.span(), door_id.to_string());
    let Ok(frame) = frame.edited(&edits) else { return Authorized::Nothing(trail) };
    let digest = judged_digest(&frame);
    let headers = headers::outbound_with(&frame, trail.behind, &version_behind(&trail, &seat), &[]);
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
        asks: false,
        definition: [0; 32],
        passage: None,
    }))
}
