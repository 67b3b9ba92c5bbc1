//! Calls that wait: an old server asked something on the stream of a call, and its client of 2026-07-28 answers by calling
//! again. Until then the stream is kept here, for that person, client, server, method, name and arguments alone, once, and
//! not for long.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use doorward_types::Timestamp;
use doorward_wire::{Frame, Id, Kind, Tree, Value, headers, quote};

use crate::authorize::connect;
use crate::bridge::{Retry, errands, version_behind};
use crate::door::Door;
use crate::errand::{Errand, ErrandKind, Errands};
use crate::guard::is_answer;
use crate::inspect::{inspect, judged_digest};
use crate::ports::{Answer, Answered, Ports, UpstreamError, UpstreamFault};
use crate::record::{Ending, Subject};
use crate::refusal::{Reason, Refusal};
use crate::release::{Unfinished, record_outcome};
use crate::send::record_intent;
use crate::session::Seat;
use crate::sessions::{Asker, Owner, Session};
use crate::stage::{Exchange, Permitted};
use crate::stream::Tally;

/// Calls of one person that may wait at once, and of all; and how long one waits at the most.
const MOST_OF_ONE: usize = 16;
const MOST: usize = 1_024;
const WAITS: Duration = Duration::from_secs(600);
/// The state of a call that is simply made again: its server wanted something done first, and keeps nothing.
const ONCE_MORE: &str = "again";

/// What a server asks on the stream of a call.
pub(crate) struct Question {
    /// Under which the server asked.
    pub(crate) id: Id,
    /// The request: its method and parameters, as JSON members.
    pub(crate) request: String,
    /// A person is asked for something.
    pub(crate) elicits: bool,
}

/// A call that waits. Let go of without being taken up, its server is told, and what it asked is declined.
pub(crate) struct Parked<P: Ports> {
    door: Weak<Door<P>>,
    owner: Owner,
    /// Over which its server is told of anything that the door decides.
    on: Errands<P::Link>,
    session: Arc<Session<P::Link>>,
    /// None once it is taken up.
    events: Option<P::Events>,
    door_id: i64,
    /// Of those with which the call was made and judged.
    arguments: [u8; 32],
    questions: Vec<Question>,
    expires: Timestamp,
}

impl<P: Ports> Drop for Parked<P> {
    fn drop(&mut self) {
        let (Some(door), Some(_)) = (self.door.upgrade(), &self.events) else { return };
        for question in self.questions.drain(..) {
            door.ports.errand_detached(Errand::<P>::new(&self.on, 0, ErrandKind::Decline(question.id)));
        }
        door.ports.errand_detached(Errand::<P>::new(&self.on, 0, ErrandKind::Cancel(self.door_id)));
    }
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

    /// Puts a call aside, if there is room for one more of this person's: a server must not fill the door with calls that
    /// wait, nor a person with clients. Without room it is dropped.
    pub(crate) fn keep(&self, name: String, call: Parked<P>) -> bool {
        let mut calls = self.calls();
        let same = |other: &Parked<P>| {
            (&other.owner.tenant, &other.owner.object) == (&call.owner.tenant, &call.owner.object)
        };
        if calls.len() >= MOST || calls.values().filter(|other| same(other)).count() >= MOST_OF_ONE {
            return false;
        }
        calls.insert(name, call);
        true
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

/// Takes a call out of its stream, and returns with it the answer that tells its client what is asked: the door's own, in
/// the place of a server that would have given it.
pub(crate) fn park<P: Ports>(
    door: &Arc<Door<P>>,
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
    let took = Duration::from_nanos(door.ports.stopwatch().saturating_sub(exchange.started));
    // Its server's answer would come too late after that.
    let left = exchange.trail.server.call_most.saturating_sub(took).min(WAITS);
    let call = Parked {
        door: Arc::downgrade(door),
        owner: exchange.caller.owner.clone(),
        on: errands(&exchange.trail, &exchange.caller, &exchange.seat),
        session: Arc::clone(session),
        events: Some(events),
        door_id,
        arguments: arguments(exchange.kept.as_ref()?),
        questions,
        expires: door.ports.now().plus(left),
    };
    Some((name, call, answer))
}

/// Digests what a call is made with: the same for members in another order and other white space, since clients write them
/// anew.
fn arguments(frame: &Frame) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    if let Some(arguments) = frame.params().and_then(|params| params.get("arguments")) {
        feed(arguments, &mut hash);
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

fn feed(value: Value<'_>, hash: &mut Context) {
    // Kind and length in front of everything, so that no two values write the same.
    let mut head = |kind: u8, length: usize| {
        hash.update(&[kind]);
        hash.update(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
    };
    match value.kind() {
        Kind::Object => {
            let mut members: Vec<_> = value.members().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            head(1, members.len());
            for (name, value) in members {
                hash.update(&u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(name.as_bytes());
                feed(value, hash);
            }
        }
        Kind::Array => {
            head(2, value.items().count());
            value.items().for_each(|item| feed(item, hash));
        }
        kind => {
            let text = value.as_str().unwrap_or_else(|| value.raw().into());
            head(if kind == Kind::String { 3 } else { 4 }, text.len());
            hash.update(text.as_bytes());
        }
    }
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
    let question = |asked: Value<'_>| {
        let members = asked.members().filter(|(name, _)| name != "elicitationId");
        let members: Vec<_> =
            members.map(|(name, value)| format!("{}:{}", quote(&name), value.raw())).collect();
        let request = format!(r#""method":"elicitation/create","params":{{{}}}"#, members.join(","));
        Question { id: Id::Number(0), request, elicits: true }
    };
    let questions: Vec<_> = asked.map(question).collect();
    (!questions.is_empty()).then(|| own_round(door_id, &questions, ONCE_MORE))
}

/// What becomes of a call that is taken up again.
pub(crate) enum Resumed<P: Ports> {
    /// It is made once more.
    Anew,
    /// It goes on, in its own session and under the door's old id for it.
    On(Answered<P::Link, P::Events>, i64, Arc<Session<P::Link>>),
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
    let mut call = take(door, exchange, retry)?;
    let answer = |at: usize| retry.answers.iter().find(|(name, _)| **name == *format!("e{at}"));
    let answers: Vec<_> = (0..call.questions.len()).filter_map(answer).collect();
    if answers.len() < call.questions.len() {
        let asked = own_round(exchange.door_id.unwrap_or_default(), &call.questions, &retry.call);
        let kept = door.parked.keep(retry.call.clone(), call);
        return if kept { Ok(Resumed::Asked(asked)) } else { Err(Refusal::new(Reason::Busy)) };
    }
    let limits = &exchange.trail.server.request_limits;
    for (question, (_, said)) in call.questions.iter().zip(&answers) {
        let said = Tree::parse(said.clone(), limits).ok();
        if question.elicits && !said.is_some_and(|said| is_answer(said.root())) {
            // What is no answer is not taken for one: the person may still give theirs.
            let kept = door.parked.keep(retry.call.clone(), call);
            return Err(Refusal::new(if kept { Reason::BadAnswer } else { Reason::Busy }));
        }
    }
    for (_, said) in answers {
        let asked = call.questions.first().map(|question| question.id.clone());
        let Some(asked) = asked else { break };
        post(door, exchange, &call.session, asked, said).await?;
        // Answered: what is left is declined, should this end here.
        call.questions.remove(0);
    }
    let events = call.events.take().ok_or_else(|| Refusal::new(Reason::StateInvalid))?;
    let answered = Answered { link: None, answer: Answer::Stream(events) };
    Ok(Resumed::On(answered, call.door_id, Arc::clone(&call.session)))
}

fn take<P: Ports>(door: &Door<P>, exchange: &Exchange<P>, retry: &Retry) -> Result<Parked<P>, Refusal> {
    let invalid = || Refusal::new(Reason::StateInvalid);
    // Outside the lock: a caller chooses how long it takes.
    let now = exchange.kept.as_ref().map(arguments);
    let mut calls = door.parked.calls();
    let call = calls.get(&retry.call).ok_or_else(invalid)?;
    // INVARIANT: the seal has bound the state to owner, server, method and name. The server goes on with the arguments that
    // were judged when the call was made: others would be answered with something that nobody asked. What the client can
    // do now must be what the session was opened with.
    let fits = call.owner == exchange.caller.owner
        && call.on.server.name == exchange.trail.server.name
        && call.session.capabilities == *exchange.seat.capabilities()
        && Some(call.arguments) == now;
    if !fits {
        return Err(Refusal::because(Reason::StateForeign, "it was made for a call with other arguments"));
    }
    if call.expires <= door.ports.now() || call.session.ended() {
        return Err(invalid());
    }
    calls.remove(&retry.call).ok_or_else(invalid)
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
        // The call itself was asked about.
        asks: false,
        definition: [0; 32],
        passage: None,
        frame,
        seat,
        trail,
    });
    let (cleared, exchange) = inspect(door, permitted).map_err(|refused| refused.refusal)?;
    let (cleared, exchange) =
        record_intent(door, cleared, exchange).await.map_err(|refused| refused.refusal)?;
    let guard = Unfinished { door, exchange: &exchange, place: false, armed: true };
    let sent = door.ports.upstream(cleared).await.map_err(|error| {
        // Nothing is asked once more: the call ran, and what it did is done.
        let fault = match error.fault {
            UpstreamFault::SessionLost => UpstreamFault::Ended,
            other => other,
        };
        Refusal::upstream(UpstreamError { fault, ..error })
    });
    guard.finished();
    let ending =
        sent.as_ref().map_or_else(|refusal| Ending::Failed(refusal.reason.id()), |_| Ending::Accepted);
    record_outcome(door, &exchange, ending, &Tally::default()).await?;
    sent.map(|_| ())
}
