//! Calls that wait: an old server asked something on the stream of a call, and its client of 2026-07-28 answers by calling
//! again. Until then the stream is kept here, for that person, client, server, method, name and arguments alone, once, and
//! not for long.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use doorward_types::Timestamp;
use doorward_wire::lens::same_value;
use doorward_wire::{Frame, Id, Limits, Tree, headers, quote};

use super::until;
use crate::authorize::connect;
use crate::bridge::{Retry, errands, version_behind};
use crate::door::Door;
use crate::errand::{Errand, ErrandKind, Errands};
use crate::inspect::{inspect, judged_digest};
use crate::ports::{Answer, Answered, Ports};
use crate::record::{Ending, Subject};
use crate::refusal::{Reason, Refusal};
use crate::release::{record_intent, record_outcome};
use crate::session::Seat;
use crate::sessions::{Asker, Owner, Session};
use crate::stage::{Exchange, Permitted};
use crate::stream::Tally;

/// Calls of one person and client that may wait at once, and of all.
const MOST_OF_ONE: usize = 8;
const MOST: usize = 1_024;
/// The state of a call that is simply made again: its server wanted something done first, and keeps nothing.
const ONCE_MORE: &str = "again";

/// What a server asks on the stream of a call.
pub(crate) struct Question {
    /// Under which the server asked.
    pub(crate) id: Id,
    /// The request: its method and parameters, as JSON members.
    pub(crate) request: String,
}

/// A call that waits.
pub(crate) struct Parked<P: Ports> {
    owner: Owner,
    /// Over which its server is told of anything that the door decides.
    on: Errands<P::Link>,
    session: Arc<Session<P::Link>>,
    events: P::Events,
    door_id: i64,
    /// With which the call was made and judged.
    arguments: Option<Bytes>,
    questions: Vec<Question>,
    expires: Timestamp,
}

/// All calls of a door that wait, by names that nobody can guess.
pub(crate) struct Parking<P: Ports>(Mutex<HashMap<String, Parked<P>>>);

impl<P: Ports> Default for Parking<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P: Ports> Parking<P> {
    fn calls(&self) -> MutexGuard<'_, HashMap<String, Parked<P>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether there is room for one more of this owner's: a server must not fill the door with calls that wait.
    pub(crate) fn has_room(&self, owner: &Owner) -> bool {
        let calls = self.calls();
        calls.len() < MOST && calls.values().filter(|call| call.owner == *owner).count() < MOST_OF_ONE
    }

    pub(crate) fn keep(&self, name: String, call: Parked<P>) {
        self.calls().insert(name, call);
    }

    /// Takes out the calls that nobody took up in time, and those whose session has ended.
    pub(crate) fn sweep(&self, now: Timestamp) -> Vec<Parked<P>> {
        let mut calls = self.calls();
        let over: Vec<_> = calls
            .iter()
            .filter(|(_, call)| call.expires <= now || call.session.ended())
            .map(|(name, _)| name.clone())
            .collect();
        over.iter().filter_map(|name| calls.remove(name)).collect()
    }
}

/// Puts a call aside, and returns the answer that tells its client what is asked: the door's own, in the place of a server
/// that would have given it.
pub(crate) fn park<P: Ports>(
    door: &Door<P>,
    exchange: &Exchange<P>,
    events: P::Events,
    questions: Vec<Question>,
) -> Option<(String, Parked<P>, Bytes)> {
    let (session, door_id) = (exchange.seat.session()?, exchange.door_id?);
    let name = door.ports.random().ok()?.iter().fold(String::new(), |mut name, byte| {
        let _infallible = write!(name, "{byte:02x}");
        name
    });
    let answer = own_round(door_id, &questions, &name);
    let call = Parked {
        owner: exchange.caller.owner.clone(),
        on: errands(&exchange.trail, &exchange.caller, &exchange.seat),
        session: Arc::clone(session),
        events,
        door_id,
        arguments: arguments(exchange.kept.as_ref()?),
        questions,
        expires: until(door.ports.now()),
    };
    Some((name, call, answer))
}

fn arguments(frame: &Frame) -> Option<Bytes> {
    let arguments = frame.params()?.get("arguments")?;
    Some(frame.bytes().slice(arguments.span().range()))
}

/// Writes a result that asks for input.
pub(crate) fn own_round(door_id: i64, questions: &[Question], state: &str) -> Bytes {
    let asked: Vec<_> = questions
        .iter()
        .enumerate()
        .map(|(at, question)| format!(r#""e{at}":{{{}}}"#, question.request))
        .collect();
    Bytes::from(format!(
        r#"{{"jsonrpc":"2.0","id":{door_id},"result":{{"resultType":"input_required","inputRequests":{{{}}},"requestState":{}}}}}"#,
        asked.join(","),
        quote(state)
    ))
}

/// Writes the result that asks a person to open the addresses which an old server's error names (-32042): 2026-07-28 has no
/// such error. The call is made again once they did.
pub(crate) fn addresses_of(frame: &Frame, door_id: i64) -> Option<Bytes> {
    let error =
        frame.error().filter(|error| error.get("code").and_then(|code| code.as_i64()) == Some(-32042))?;
    let asked = error.path(&["data", "elicitations"])?.items();
    let question = |asked: doorward_wire::Value<'_>| {
        let members = asked.members().filter(|(name, _)| name != "elicitationId");
        let members: Vec<_> =
            members.map(|(name, value)| format!("{}:{}", quote(&name), value.raw())).collect();
        let request = format!(r#""method":"elicitation/create","params":{{{}}}"#, members.join(","));
        Question { id: Id::Number(0), request }
    };
    let questions: Vec<_> = asked.map(question).collect();
    (!questions.is_empty()).then(|| own_round(door_id, &questions, ONCE_MORE))
}

/// What becomes of a call that is taken up again.
pub(crate) enum Resumed<P: Ports> {
    /// It is made once more.
    Anew,
    /// It goes on, under the door's old id for it.
    On(Answered<P::Link, P::Events>, i64),
    /// Something is still not answered: the client is asked again, by this answer of the door's own.
    Asked(Bytes),
}

/// Takes a call up again. The retry was judged like any call by now; what is checked here is that it is the same one.
pub(crate) async fn resume<P: Ports>(
    door: &Arc<Door<P>>,
    exchange: &Exchange<P>,
    retry: &Retry,
) -> Result<Resumed<P>, Refusal> {
    if retry.call == ONCE_MORE {
        return Ok(Resumed::Anew);
    }
    let now = door.ports.now();
    let mut call = take(door, exchange, retry, now)?;
    let answer = |at: usize| retry.answers.iter().find(|(name, _)| **name == *format!("e{at}"));
    let answers: Vec<_> = (0..call.questions.len()).filter_map(answer).collect();
    if answers.len() < call.questions.len() {
        let asked = own_round(exchange.door_id.unwrap_or_default(), &call.questions, &retry.call);
        door.parked.keep(retry.call.clone(), call);
        return Ok(Resumed::Asked(asked));
    }
    for (question, (_, said)) in std::mem::take(&mut call.questions).into_iter().zip(answers) {
        post(door, exchange, &call.session, question.id, said).await?;
    }
    let answered = Answered { link: None, answer: Answer::Stream(call.events) };
    Ok(Resumed::On(answered, call.door_id))
}

fn take<P: Ports>(
    door: &Door<P>,
    exchange: &Exchange<P>,
    retry: &Retry,
    now: Timestamp,
) -> Result<Parked<P>, Refusal> {
    let invalid = || Refusal::new(Reason::StateInvalid);
    let mut calls = door.parked.calls();
    let call = calls.get(&retry.call).ok_or_else(invalid)?;
    // INVARIANT: the seal has bound the state to all of this but the arguments. The server goes on with those that were
    // judged when the call was made: others would be answered with something that nobody asked (S8).
    let fits = call.owner == exchange.caller.owner
        && call.on.server.name == exchange.trail.server.name
        && same_arguments(
            call.arguments.as_ref(),
            exchange.kept.as_ref(),
            &exchange.trail.server.request_limits,
        );
    if !fits {
        return Err(Refusal::because(Reason::StateForeign, "it was made for a call with other arguments"));
    }
    if call.expires <= now || call.session.ended() {
        return Err(invalid());
    }
    calls.remove(&retry.call).ok_or_else(invalid)
}

fn same_arguments(kept: Option<&Bytes>, now: Option<&Frame>, limits: &Limits) -> bool {
    let now = now.and_then(arguments);
    match (kept, now) {
        (None, None) => true,
        (Some(kept), Some(now)) => {
            let read = |bytes: &Bytes| Tree::parse(bytes.clone(), limits).ok();
            read(kept).zip(read(&now)).is_some_and(|(kept, now)| same_value(kept.root(), now.root()))
        }
        _ => false,
    }
}

/// Sends a client's answer to the server that asked: judged, cleared and recorded like a response in a session.
async fn post<P: Ports>(
    door: &Arc<Door<P>>,
    of: &Exchange<P>,
    session: &Arc<Session<P::Link>>,
    asked: Id,
    said: &Bytes,
) -> Result<(), Refusal> {
    let mut trail = of.trail.again(&door.ports);
    trail.method = Some("response");
    trail.subject = Subject::None;
    let said = String::from_utf8_lossy(said);
    let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{said}}}"#, asked.to_json());
    let frame = Frame::parse(Bytes::from(text), &trail.server.request_limits)
        .map_err(|_| Refusal::new(Reason::StateInvalid))?;
    let permit = connect(&trail, &of.caller)?;
    let seat = Seat::Session(Arc::clone(session));
    let headers = headers::outbound_with(&frame, trail.behind, &version_behind(&trail, &seat), &[]);
    let permitted = Box::new(Permitted {
        caller: Arc::clone(&of.caller),
        permit,
        digest: judged_digest(&frame),
        judged: frame.bytes().clone(),
        method: frame.known_method(),
        headers,
        answers: Some(Asker::Server(asked)),
        frame,
        seat,
        trail,
    });
    let (cleared, exchange) = inspect(door, permitted).map_err(|refused| refused.refusal)?;
    let (cleared, exchange) =
        record_intent(door, cleared, exchange).await.map_err(|refused| refused.refusal)?;
    let sent = door.ports.upstream(cleared).await.map_err(Refusal::upstream);
    let ending =
        sent.as_ref().map_or_else(|refusal| Ending::Failed(refusal.reason.id()), |_| Ending::Accepted);
    record_outcome(door, &exchange, ending, &Tally::default()).await?;
    sent.map(|_| ())
}

/// Lets go of a call that nobody will take up: its server is told, and what it asked is declined.
pub(crate) fn let_go<P: Ports>(door: &Door<P>, call: Parked<P>) {
    for question in call.questions {
        door.ports.errand_detached(Errand::<P>::new(&call.on, 0, ErrandKind::Decline(question.id)));
    }
    door.ports.errand_detached(Errand::<P>::new(&call.on, 0, ErrandKind::Cancel(call.door_id)));
}
