//! The release step: an answer is judged like a question, recorded, and only then let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use doorward_policy::Permit;
use doorward_wire::{Era, Frame, FrameKind, Method};
use futures_util::lock::OwnedMutexGuard;

use crate::advise::advise_answer;
use crate::bridge::errands;
use crate::content::Watch;
use crate::door::Door;
use crate::errand::{Errand, ErrandKind, Errands};
use crate::leaks::Watch as LeakWatch;
use crate::pipe::Framing;
use crate::ports::{Answer, Answered, Events, More, Ports, UpstreamError, UpstreamFault};
use crate::record::{Ending, IntentFacts, OutcomeFacts, RefusalFacts};
use crate::refusal::{Asker, Reason, Refusal, Reply};
use crate::replay::{Reader, Shelf};
use crate::rounds::has_rounds;
use crate::session::{Seat, opens_urls};
use crate::sessions::{Bridged, NewSession, Session};
use crate::stage::{Caller, Exchange, Refused, Step, Trail};
use crate::stream::{ReleasedStream, Tally};
use crate::streams::{Place, Source};

/// A server finds that the headers do not say what the body says (2026-07-28, basic/transports).
const HEADER_MISMATCH: i64 = -32020;

/// What goes back to the caller.
pub enum Released<P: Ports> {
    /// Taken: 202, nothing to say.
    Accepted,
    /// One frame, with its HTTP status and, where it opened one, the session's id.
    Whole {
        /// The frame; empty where a verb has nothing to say.
        bytes: Bytes,
        /// The HTTP status.
        status: u16,
        /// The id of a session that this answer opened.
        session: Option<Arc<str>>,
    },
    /// A stream of frames.
    Stream(Box<ReleasedStream<P>>),
}

pub(crate) async fn release<P: Ports>(
    door: &Arc<Door<P>>,
    answered: Answered<P::Link, P::Events>,
    exchange: Exchange<P>,
) -> Step<Released<P>> {
    let Answered { link, answer } = answered;
    let place = matches!(exchange.seat, Seat::Opening(_));
    let guard = Unfinished { door, exchange: &exchange, place, armed: true };
    let raised = exchange.raise(door, matches!(answer, Answer::Stream(_))).await;
    guard.finished();
    if let Err(refusal) = raised {
        return Err(unraised(door, link, exchange, refusal).await);
    }
    if matches!(exchange.seat, Seat::Opening(_)) {
        return open(door, link, answer, exchange).await;
    }
    match answer {
        Answer::Accepted if exchange.door_id.is_none() => {
            let tally = Tally::default();
            record_outcome(door, &exchange, Ending::Accepted, &tally)
                .await
                .map_err(|refusal| exchange.abandon().refused(refusal))?;
            Ok(Released::Accepted)
        }
        // An old server without a stream tells nothing: the subscription is a silent one.
        Answer::Accepted if exchange.method == Method::SubscriptionsListen && exchange.trail.is_down() => {
            Ok(Released::Stream(Box::new(ReleasedStream::of(Arc::clone(door), exchange, None))))
        }
        Answer::Accepted => {
            let error = UpstreamError::new(UpstreamFault::Malformed, "a request was answered with 202");
            Err(failed(door, exchange, Refusal::upstream(error)).await)
        }
        // A notification or a response has no answer; what a server says to one is dropped.
        Answer::Whole(..) | Answer::Stream(_) if exchange.door_id.is_none() => {
            let tally = Tally::default();
            record_outcome(door, &exchange, Ending::Accepted, &tally)
                .await
                .map_err(|refusal| exchange.abandon().refused(refusal))?;
            Ok(Released::Accepted)
        }
        // An old client asked for a stream, and a new server gives it none.
        Answer::Whole(..) if exchange.method == Method::SubscriptionsListen && exchange.trail.is_up() => {
            let error = UpstreamError::new(UpstreamFault::VerbNotServed, "it takes no subscriptions");
            Err(failed(door, exchange, Refusal::upstream(error)).await)
        }
        Answer::Whole(bytes, status) => whole(door, exchange, bytes, status).await,
        Answer::Stream(events) => {
            Ok(Released::Stream(Box::new(ReleasedStream::of(Arc::clone(door), exchange, Some(events)))))
        }
    }
}

/// Ends an exchange whose labels cannot be written down: nothing of its answer leaves.
async fn unraised<P: Ports>(
    door: &Arc<Door<P>>,
    link: Option<Arc<P::Link>>,
    exchange: Exchange<P>,
    refusal: Refusal,
) -> Box<Refused> {
    if matches!(exchange.seat, Seat::Opening(_)) {
        door.sessions.release(&exchange.caller.owner, &exchange.trail.server.name);
        if let Some(link) = link {
            door.ports.close(link);
        }
    }
    failed(door, exchange, refusal).await
}

async fn whole<P: Ports>(
    door: &Arc<Door<P>>,
    exchange: Exchange<P>,
    bytes: Bytes,
    status: u16,
) -> Step<Released<P>> {
    let judged = match exchange.own {
        true => exchange.judge_own(bytes, &exchange.trail.snapshot, &exchange.caller).await,
        false => exchange.judge_answer(bytes).await,
    };
    let judged = match judged {
        Ok(judged) => advise_answer(door, &exchange, judged).await,
        Err(error) => Err(error),
    };
    let judged = match judged {
        Ok(judged) => judged,
        Err(error) => return Err(failed(door, exchange, Refusal::upstream(error)).await),
    };
    let code = judged.frame.error().and_then(|error| error.get("code")).and_then(|code| code.as_i64());
    if code == Some(HEADER_MISMATCH) {
        // The door wrote the headers by the tools as it knows them: what it knows is old. Whoever asked asks again, as the
        // protocol has it (T-20), and is judged by what the server offers now.
        door.catalogues.forget(&exchange.trail.server.name);
    }
    if judged.ending == Ending::Asked && exchange.trail.is_up() {
        // An old client is asked by requests, for which it needs a stream.
        let stream = ReleasedStream::of_round(Arc::clone(door), exchange, judged);
        return Ok(Released::Stream(Box::new(stream)));
    }
    let mut tally = Tally::default();
    tally.count(&judged.bytes);
    match record_outcome(door, &exchange, judged.ending, &tally).await {
        // A legacy client takes a bare 404 for the death of its session: the error is in the body (mcp §2.3).
        Ok(()) => {
            // A modern one reads 400 and 404 as the protocol's own; any other status of the server's is between it and
            // the door: its 401 must not sign the caller out here, nor its 3xx send them elsewhere.
            let status =
                if exchange.trail.era == Era::Modern && matches!(status, 400 | 404) { status } else { 200 };
            exchange.done();
            Ok(Released::Whole { bytes: judged.bytes, status, session: None })
        }
        Err(refusal) => Err(exchange.abandon().refused(refusal)),
    }
}

/// Opens a session: only for a successful `initialize`, and only when its answer has been judged and recorded.
async fn open<P: Ports>(
    door: &Arc<Door<P>>,
    link: Option<Arc<P::Link>>,
    answer: Answer<P::Events>,
    exchange: Exchange<P>,
) -> Step<Released<P>> {
    let guard = Unfinished { door, exchange: &exchange, place: true, armed: true };
    let opened = opened(door, &link, answer, &exchange).await;
    guard.finished();
    let kept = matches!(&opened, Ok((_, Some(_))));
    if !kept {
        door.sessions.release(&exchange.caller.owner, &exchange.trail.server.name);
        if let Some(link) = link {
            door.ports.close(link);
        }
    }
    match opened {
        Ok((bytes, session)) => {
            let session = session.map(|session| Arc::clone(session.id()));
            Ok(Released::Whole { bytes, status: 200, session })
        }
        Err(refusal) => Err(failed(door, exchange, refusal).await),
    }
}

type Opened<P> = (Bytes, Option<Arc<Session<<P as Ports>::Link>>>);

async fn opened<P: Ports>(
    door: &Arc<Door<P>>,
    link: &Option<Arc<P::Link>>,
    answer: Answer<P::Events>,
    exchange: &Exchange<P>,
) -> Result<Opened<P>, Refusal> {
    let bytes = first_response(answer, exchange).await.map_err(Refusal::upstream)?;
    let judged = exchange.judge_answer(bytes).await.map_err(Refusal::upstream)?;
    let mut tally = Tally::default();
    tally.count(&judged.bytes);
    let version =
        judged.frame.result().and_then(|result| result.get("protocolVersion")).and_then(|v| v.as_str());
    let bridged = match (&exchange.greeting, judged.frame.result()) {
        (Some(up), Some(result)) => Bridged::Up(Box::new(up.greeted(result))),
        _ => Bridged::No,
    };
    let session = match version {
        Some(version) if link.is_some() || matches!(bridged, Bridged::Up(_)) => {
            let id = door.ports.random().map_err(|_| Refusal::because(Reason::Busy, "no randomness"))?;
            let new = NewSession {
                owner: exchange.caller.owner.clone(),
                server: exchange.trail.server.name.clone(),
                version: version.as_ref().into(),
                capabilities: Arc::clone(exchange.seat.capabilities()),
                link: link.clone(),
                bridged,
            };
            Some((id, new))
        }
        _ => None,
    };
    record_outcome(door, exchange, judged.ending, &tally).await?;
    let session = session.map(|(id, new)| door.sessions.open(&id, new, exchange.trail.now));
    Ok((judged.bytes, session))
}

/// An `initialize` may be answered on a stream, but its session id leaves in a header, before any event.
async fn first_response<P: Ports>(
    answer: Answer<P::Events>,
    exchange: &Exchange<P>,
) -> Result<Bytes, UpstreamError> {
    match answer {
        Answer::Whole(bytes, _) => Ok(bytes),
        Answer::Accepted => {
            Err(UpstreamError::new(UpstreamFault::Malformed, "initialize was answered with 202"))
        }
        Answer::Stream(mut events) => loop {
            let mut batch = Vec::new();
            let more = events.next_batch(&mut batch, 16).await?;
            for bytes in batch {
                let parsed = Frame::parse_result(bytes.clone(), &exchange.trail.server.answer_limits);
                if parsed.is_ok_and(|(frame, _)| frame.kind() == FrameKind::Response) {
                    return Ok(bytes);
                }
            }
            if more == More::No {
                return Err(UpstreamError::new(UpstreamFault::Ended, "the stream ended without the answer"));
            }
        },
    }
}

/// Opens a legacy session's stream for what its server says unasked.
pub(crate) async fn listen<P: Ports>(
    door: &Arc<Door<P>>,
    trail: Box<Trail>,
    caller: Arc<Caller>,
    session: Arc<Session<P::Link>>,
    permit: Permit,
) -> Step<Released<P>> {
    let seat = Seat::Session(Arc::clone(&session));
    let on = errands(&trail, &caller, &seat);
    let started = door.ports.stopwatch();
    let exchange = Exchange {
        trail,
        caller,
        seat,
        method: Method::Other,
        door_id: None,
        kept: None,
        given_up: None,
        greeting: None,
        own: false,
        rounds: None,
        tasks: Arc::clone(&door.tasks),
        eyes: Arc::clone(&door.eyes),
        passage: None,
        leaks: LeakWatch::new(&door.leaks),
        watch: Watch::default(),
        progress: None,
        call: door.next_call(),
        policies: permit.policies().to_vec(),
        digest: [0; 32],
        started,
        told: AtomicBool::new(false),
    };
    let findings = exchange.trail.notes.take();
    let facts = IntentFacts {
        call: exchange.call,
        trace: exchange.trail.trace,
        identity: &exchange.caller.identity,
        server: &exchange.trail.server.name,
        method: "GET",
        subject: &exchange.trail.subject,
        policies: &exchange.policies,
        digest: &exchange.digest,
        session: exchange.seat.session().map(|session| &**session.id()),
        findings: &findings,
        times: exchange.trail.times,
        now: exchange.trail.now,
    };
    let guard = Unfinished { door, exchange: &exchange, place: false, armed: true };
    let written = door.ports.intent(facts).await.is_ok();
    if let Some(resumed) = exchange.trail.resumed.filter(|resumed| written && !resumed.unasked) {
        guard.finished();
        let reader = Reader::new(&session.streams, resumed);
        return Ok(Released::Stream(Box::new(ReleasedStream::replaying(Arc::clone(door), exchange, reader))));
    }
    let place = Place::newest(&session.streams);
    let held = match written {
        true => Some(unasked(door, &on, &session, &place).await),
        false => None,
    };
    guard.finished();
    match held {
        Some(Ok(held)) => {
            let stream = ReleasedStream::listening(Arc::clone(door), exchange, Source::Shared(held), place);
            Ok(Released::Stream(Box::new(stream)))
        }
        Some(Err(error)) => Err(failed(door, exchange, Refusal::upstream(error)).await),
        None => Err(exchange.abandon().refuse(Reason::AuditUnwritable)),
    }
}

/// Goes on with the stream on which the session's server speaks unasked, or opens it.
async fn unasked<P: Ports>(
    door: &Arc<Door<P>>,
    on: &Errands<P::Link>,
    session: &Session<P::Link>,
    place: &Place,
) -> Result<OwnedMutexGuard<Option<P::Events>>, UpstreamError> {
    let mut held = door.unasked.next(session.id(), place).await;
    if session.ended() {
        door.unasked.forget(session.id());
    }
    // Where yet another has come meanwhile, it is theirs to open.
    if held.is_none() && !place.is_taken() {
        let errand = Errand::<P>::new(on, door.next_id(), ErrandKind::OpenStream);
        match door.ports.errand(errand).await?.answer {
            Answer::Stream(events) => *held = Some(events),
            _ => {
                let what = "a GET was not answered with a stream";
                return Err(UpstreamError::new(UpstreamFault::Malformed, what));
            }
        }
    }
    Ok(held)
}

/// Ends a session for its own owner.
pub(crate) fn leave<P: Ports>(
    door: &Arc<Door<P>>,
    _trail: &Trail,
    session: &Arc<Session<P::Link>>,
) -> Released<P> {
    door.end_session(session);
    Released::Whole { bytes: Bytes::new(), status: 200, session: None }
}

pub(crate) async fn record_outcome<P: Ports>(
    door: &Arc<Door<P>>,
    exchange: &Exchange<P>,
    ending: Ending,
    tally: &Tally,
) -> Result<(), Refusal> {
    let facts = exchange.outcome(door, ending, tally);
    exchange.told.store(true, Ordering::Relaxed);
    let guard = Unfinished { door, exchange, place: false, armed: true };
    let written = door.ports.outcome(facts).await;
    guard.finished();
    written.map_err(|_| Refusal::new(Reason::AuditUnwritable))
}

/// Ends an exchange that came to nothing: its outcome is recorded, and the refusal goes to the caller.
pub(crate) async fn failed<P: Ports>(
    door: &Arc<Door<P>>,
    exchange: Exchange<P>,
    refusal: Refusal,
) -> Box<Refused> {
    // Where even this cannot be written the caller gets no answer of the server's anyway.
    let _shut = record_outcome(door, &exchange, Ending::Failed(refusal.reason.id()), &Tally::default()).await;
    end_if_lost(door, &exchange.seat, &refusal);
    exchange.abandon().refused(refusal)
}

/// A session that its server no longer knows is over: the caller is told so, and the next `initialize` opens a new one.
pub(crate) fn end_if_lost<P: Ports>(door: &Door<P>, seat: &Seat<P>, refusal: &Refusal) {
    if let Reason::Upstream(UpstreamFault::SessionLost) = refusal.reason
        && let Some(session) = seat.session()
    {
        door.end_session(session);
    }
}

/// Records a refusal and makes the caller's answer.
pub(crate) async fn record_refusal<P: Ports>(door: &Arc<Door<P>>, refused: Refused) -> Reply {
    let Refused { trail, refusal } = refused;
    let findings = trail.notes.take();
    let facts = RefusalFacts {
        findings: &findings,
        identity: trail
            .caller
            .as_ref()
            .map(|caller| &caller.identity)
            .or(trail.verified.as_ref())
            .map(|known| &**known),
        source: trail.source,
        server: &trail.server.name,
        method: trail.method,
        subject: &trail.subject,
        reason: refusal.reason.id(),
        fault: refusal.reason.fault(),
        detail: &refusal.detail,
        policies: &refusal.policies,
        alarm: refusal.reason.is_alarming(),
        now: trail.now,
    };
    // The answer is a refusal whether or not it could be written: the door stays shut either way.
    let _shut = door.ports.refused(facts).await;
    let identity = trail.caller.as_ref().map(|caller| &caller.identity);
    refusal.reply(&Asker {
        id: trail.id.as_ref(),
        era: trail.era,
        calls_tool: trail.method == Some("tools/call"),
        has_rounds: trail.method.is_some_and(|name| has_rounds(Method::of(name))),
        answers_challenges: identity.is_some_and(|identity| identity.capable_of_claims_challenge()),
        opens_urls: trail.capabilities.as_deref().is_some_and(opens_urls),
        name: door.next_call(),
    })
}

/// Cleans up after a caller who goes away while something is waited for: the outcome is recorded unless it was, and
/// what the exchange held is free again.
pub(crate) struct Unfinished<'a, P: Ports> {
    pub(crate) door: &'a Arc<Door<P>>,
    pub(crate) exchange: &'a Exchange<P>,
    /// It holds a place for the session that it would have opened.
    pub(crate) place: bool,
    pub(crate) armed: bool,
}

impl<P: Ports> Unfinished<'_, P> {
    pub(crate) fn finished(mut self) {
        self.armed = false;
    }
}

impl<P: Ports> Drop for Unfinished<'_, P> {
    fn drop(&mut self) {
        if self.armed {
            if self.place {
                self.door.sessions.release(&self.exchange.caller.owner, &self.exchange.trail.server.name);
            }
            if !self.exchange.told.load(Ordering::Relaxed) {
                let facts = self.exchange.outcome(self.door, Ending::Aborted, &Tally::default());
                self.door.ports.outcome_detached(facts);
            }
            self.exchange.call_off(self.door);
            self.exchange.done();
        }
    }
}

impl<P: Ports> Exchange<P> {
    pub(crate) fn outcome(&self, door: &Door<P>, ending: Ending, tally: &Tally) -> OutcomeFacts {
        OutcomeFacts {
            call: self.call,
            trace: self.trail.trace,
            identity: Arc::clone(&self.caller.identity),
            server: self.trail.server.name.clone(),
            ending,
            frames: tally.frames,
            bytes: tally.bytes,
            digest: tally.digest(),
            findings: self.trail.notes.take(),
            took: Duration::from_nanos(door.ports.stopwatch().saturating_sub(self.started)),
            now: door.ports.now(),
        }
    }

    /// Says whether it is a request in a session of 2025-11-25, whose client has cancelled nothing by leaving (T-12).
    pub(crate) fn outlives_its_client(&self) -> bool {
        self.door_id.is_some()
            && self.trail.era == Era::Legacy
            && self.method != Method::SubscriptionsListen
            && self.trail.framing == Framing::Request
    }

    /// Returns where what is released to this client is kept, if it can come back for it: a conversation that breaks
    /// is over.
    pub(crate) fn shelf<'d>(&self, door: &'d Door<P>) -> Option<&'d Arc<Shelf>> {
        door.shelf.as_ref().filter(|_| self.trail.framing == Framing::Request)
    }

    /// Tells an old server that a new client, whose leaving is enough to say so, waits no longer (T-10).
    pub(crate) fn call_off(&self, door: &Door<P>) {
        if let Some(id) =
            self.door_id.filter(|_| self.trail.is_down() && self.method != Method::SubscriptionsListen)
        {
            let on = errands(&self.trail, &self.caller, &self.seat);
            door.ports.errand_detached(Errand::<P>::new(&on, 0, ErrandKind::Cancel(id)));
        }
    }

    /// Frees the request's id in its session.
    pub(crate) fn done(&self) {
        if let (Some(session), Some(door_id)) = (self.seat.session(), self.door_id) {
            session.finish(door_id);
        }
    }

    /// Gives up, keeping what the log must know.
    pub(crate) fn abandon(self) -> Box<Trail> {
        self.done();
        self.trail
    }
}
