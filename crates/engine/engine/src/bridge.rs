//! The bridge step: where client and server speak different revisions, a frame is put into the server's words before it is
//! judged. So what is judged is what leaves (D-02), and a frame between sides of one revision passes untouched.
//!
//! Each revision has things that the other lacks. Those the door does itself, in place of the server: they are permitted,
//! recorded and answered like any other, only that nothing is sent ([`Local`]).

use std::sync::Arc;

use bytes::Bytes;
use doorward_wire::{Direction, Edits, Era, Frame, FrameKind, LEGACY, MODERN, Method, RoutingHeaders};

use futures_util::future::BoxFuture;

use crate::authorize::{Authorized, authorize};
use crate::door::Door;
use crate::eras::Spoken;
use crate::errand::Errands;
use crate::identify::renew;
use crate::inspect::inspect;
use crate::modern::Wanted;
use crate::ports::{Answer, Answered, Ports, UpstreamError, UpstreamFault};
use crate::refusal::{Reason, Refusal};
use crate::send::{record_intent, send};
use crate::session::{Seat, without_tasks};
use crate::sessions::Bridged;
use crate::snapshot::Snapshot;
use crate::stage::{Asked, Caller, Exchange, InSession, Permitted, Step, Trail};
use crate::{down, up};

/// What the door does itself.
pub(crate) enum Local {
    /// A client of 2025-11-25 greets a server that knows no greeting.
    Greeting { version: &'static str, up: Arc<up::Greeter> },
    /// It asks whether anybody is there.
    Ping,
    /// It says which log messages it wants: said again with each request from now on.
    SetLevel(&'static str),
    /// It says something that its server has no use for.
    Taken,
    /// It wants to hear of a resource, or no more: its stream is opened anew.
    Subscribe { uri: Arc<str>, on: bool },
    /// It answers a question of a round.
    Answer { round: Arc<up::Answers>, id: i64, said: Option<String> },
    /// A client of 2026-07-28 asks what the server is.
    Discover,
    /// It wants to hear of what happens.
    Listen(down::Filter),
}

/// A call that its client takes up again, with what was asked of it.
pub(crate) struct Retry {
    /// Which call: what the door itself had put into the request state.
    pub(crate) call: String,
    /// The answers, raw JSON, by the names under which they were asked for.
    pub(crate) answers: Vec<(Box<str>, Bytes)>,
}

pub(crate) async fn bridge<'a, P: Ports>(door: &Door<P>, seated: InSession<'a, P>) -> Step<InSession<'a, P>> {
    let InSession { mut trail, mut caller, headers, mut seat, asked } = seated;
    let spoken = match acquaint(door, &mut trail, &mut caller).await {
        Ok(spoken) => spoken,
        Err(refusal) => return Err(trail.refused(refusal)),
    };
    trail.behind = match &seat {
        Seat::Session(session) if matches!(session.bridged, Bridged::Up(_)) => Era::Modern,
        Seat::Session(_) => Era::Legacy,
        _ => spoken.behind(trail.era),
    };
    if trail.era != trail.behind {
        // A method of the one revision alone is not carried to the other.
        if let Asked::Frame { frame, method } = &asked
            && *method != Method::Other
            && frame.kind() != FrameKind::Response
            && !method.known_in(trail.era, Direction::ClientToServer, frame.kind())
        {
            return Err(trail.refuse(Reason::MethodNotPermitted));
        }
        if let Seat::Opening(capabilities) = &mut seat {
            *capabilities = without_tasks(capabilities);
        }
    }
    if let Asked::Frame { frame, .. } = &asked {
        // Of the frame as the client wrote it: what a server of the other revision gets says less.
        trail.wanted = Wanted::of(frame, trail.era);
    }
    let crossed = match (trail.era, trail.behind) {
        (Era::Modern, Era::Legacy) => down::cross(&mut trail, asked),
        (Era::Legacy, Era::Modern) => up::cross(door, &mut trail, &seat, asked),
        _ => Ok(asked),
    };
    match crossed {
        Ok(asked) => Ok(InSession { trail, caller, headers, seat, asked }),
        Err(reason) => Err(trail.refuse(reason)),
    }
}

/// Makes sure that it is known what the server speaks, and that policies were compiled against what it offers. If that
/// changes the snapshot, the whole frame is judged under the new one.
async fn acquaint<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &mut Arc<Caller>,
) -> Result<Spoken, Refusal> {
    let server = Arc::clone(&trail.server);
    let known = trail.snapshot.known().contains_key(&server.name);
    let found = server.spoken(|| door.ports.stopwatch()).filter(|_| known);
    if let Some((spoken, stale)) = found
        && server.acquaintance.suits(trail.era)
        // One asks an old server again, and nobody waits for it.
        && (!stale || server.acquaintance.asking.try_lock().is_none())
    {
        return Ok(spoken);
    }
    match (door.meet(&server, Some(caller), trail.era).await, found) {
        (Ok((snapshot, spoken)), _) => {
            judge_under(door, trail, caller, snapshot).await?;
            Ok(spoken)
        }
        (Err(_), Some((spoken, _))) => Ok(spoken),
        (Err(error), None) => Err(Refusal::upstream(error)),
    }
}

/// Goes on under another snapshot, if it is another.
pub(crate) async fn judge_under<P: Ports>(
    door: &Door<P>,
    trail: &mut Trail,
    caller: &mut Arc<Caller>,
    snapshot: Arc<Snapshot>,
) -> Result<(), Refusal> {
    if snapshot.id() != trail.snapshot.id() {
        *caller = Arc::new(renew(door, &snapshot, caller).await?);
        trail.snapshot = snapshot;
    }
    Ok(())
}

/// Returns the version in which a frame is sent to its server.
pub(crate) fn version_behind<P: Ports>(trail: &Trail, seat: &Seat<P>) -> Arc<str> {
    match (trail.behind, seat.session()) {
        (Era::Modern, _) => MODERN.into(),
        (Era::Legacy, Some(session)) => Arc::clone(&session.version),
        (Era::Legacy, None) => LEGACY.into(),
    }
}

/// The errands that may run for this caller on this frame's link.
pub(crate) fn errands<P: Ports>(trail: &Trail, caller: &Arc<Caller>, seat: &Seat<P>) -> Errands<P::Link> {
    Errands {
        server: Arc::clone(&trail.server),
        link: seat.session().and_then(|session| session.link.clone()),
        caller: Some(Arc::clone(caller)),
        era: trail.behind,
        version: version_behind(trail, seat),
        capabilities: Arc::clone(seat.capabilities()),
    }
}

/// What came of sending a frame: the answer, and the exchange that it ends.
pub(crate) type Sent<P> = (Answered<<P as Ports>::Link, <P as Ports>::Events>, Exchange<P>);

/// Sends a frame that follows from an exchange: judged and recorded from the beginning, for the same caller as they are now.
/// Boxed, since a send may itself lead here.
pub(crate) fn again<'a, P: Ports>(
    door: &'a Arc<Door<P>>,
    of: &Exchange<P>,
    (snapshot, caller): (Arc<Snapshot>, Arc<Caller>),
    seat: Seat<P>,
    frame: Frame,
    last: bool,
) -> BoxFuture<'a, Step<Sent<P>>> {
    let mut trail = of.trail.again(&door.ports);
    trail.snapshot = snapshot;
    trail.is_about(&frame);
    // Lost once more, it is not tried again.
    trail.retried |= last;
    let method = frame.known_method();
    // It is the same call still: what its answer raises is raised once.
    let passage = of.passage.clone();
    Box::pin(async move {
        let seated = InSession {
            trail,
            caller,
            headers: RoutingHeaders::default(),
            seat,
            asked: Asked::Frame { frame, method },
        };
        match authorize(door, seated).await? {
            Authorized::Send(permitted) => {
                let (cleared, exchange) = inspect(door, Box::new(Permitted { passage, ..*permitted }))?;
                let (cleared, exchange) = record_intent(door, cleared, exchange).await?;
                send(door, cleared, exchange).await
            }
            Authorized::Listen(trail, ..) | Authorized::Leave(trail, _) | Authorized::Nothing(trail) => {
                Err(trail.refuse(Reason::NotTheJudgedFrame))
            }
        }
    })
}

/// Answers in place of a server of the other revision.
pub(crate) async fn stand_in<P: Ports>(
    door: &Arc<Door<P>>,
    local: Local,
    exchange: &Exchange<P>,
) -> Result<Answered<P::Link, P::Events>, UpstreamError> {
    let session = exchange.seat.session();
    let up = session.and_then(|session| match &session.bridged {
        Bridged::Up(up) => Some(up),
        _ => None,
    });
    let result = match local {
        Local::Greeting { version, .. } => up::greeting(door, exchange, version).await?,
        Local::SetLevel(level) => {
            up.into_iter().for_each(|up| up.set_level(level));
            "{}".to_owned()
        }
        Local::Subscribe { uri, on } => {
            up.into_iter().for_each(|up| up.subscribe(uri.clone(), on));
            "{}".to_owned()
        }
        Local::Answer { round, id, said } => {
            round.put(id, said);
            String::new()
        }
        Local::Ping | Local::Taken => "{}".to_owned(),
        Local::Discover => down::discover(exchange)?,
        Local::Listen(_) => {
            return Err(UpstreamError::new(UpstreamFault::Malformed, "a subscription is opened by itself"));
        }
    };
    let answer = match exchange.door_id {
        Some(id) => {
            Answer::Whole(Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)), 200)
        }
        None => Answer::Accepted,
    };
    Ok(Answered { link: None, answer })
}

/// Returns a request as it is, with members of its parameters set.
pub(crate) fn with_params(frame: &Frame, members: &[(&str, &str)]) -> Option<Frame> {
    let mut edits = Edits::new();
    match frame.params() {
        Some(params) => members.iter().for_each(|(name, raw)| edits.set_member(params, name, raw)),
        None => return None,
    }
    (frame.kind() == FrameKind::Request).then(|| frame.edited(&edits).ok())?
}

/// Says whether a method is of the tasks of either revision, which are not the same thing: they are not bridged.
pub(crate) fn is_of_tasks(method: Method) -> bool {
    use Method::{TasksCancel, TasksGet, TasksList, TasksResult, TasksUpdate};
    matches!(method, TasksCancel | TasksGet | TasksList | TasksResult | TasksUpdate)
}
