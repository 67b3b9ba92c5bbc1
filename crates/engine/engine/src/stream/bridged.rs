//! What a stream does besides where client and server speak different revisions: it asks an old client what a new server
//! asks by its results, puts calls of new clients aside while they answer an old server, and listens for what an old client
//! subscribed to.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doorward_wire::lens::META_SUBSCRIPTION_ID;
use doorward_wire::{Frame, Method};
use futures_util::future::{Either, select};

use super::{ReleasedStream, State, Tally, Woken};
use crate::UpstreamFault;
use crate::answer::JudgedAnswer;
use crate::bridge::{Sent, again, with_params};
use crate::change::Watcher;
use crate::door::Door;
use crate::down::{self, Question};
use crate::ports::{Answer, Ports, UpstreamError};
use crate::record::Ending;
use crate::release::{record_outcome, record_refusal};
use crate::session::Seat;
use crate::sessions::Bridged;
use crate::stage::Exchange;
use crate::streams::{Place, Source};
use crate::up::{self, Answers, Up};

/// What a stream holds besides where client and server speak different revisions.
#[derive(Default)]
pub(super) struct Bridge {
    /// Goes out before anything else.
    pub(super) first: Option<Bytes>,
    /// An answer that is judged, and not yet released.
    pub(super) judged: Option<JudgedAnswer>,
    /// What an old server asks, until its call is put aside.
    pub(super) questions: Vec<Question>,
    /// When it asked the first of them, by the stopwatch.
    pub(super) asked_at: Option<u64>,
    /// The round that waits for an old client's answers, and how many there were.
    pub(super) round: Option<Round>,
    pub(super) rounds: u8,
    /// Watches whether the client gives its request up, or wants to hear of something else.
    pub(super) given_up: Option<Watcher>,
    pub(super) wishes: Option<Watcher>,
}

pub(super) struct Round {
    pub(super) answers: Arc<Answers>,
    /// When it began, by the stopwatch.
    since: u64,
    /// What the server wants to see again, raw JSON.
    state: Option<Box<str>>,
}

/// A server that asks for several things at once sends one message after the other: after the first, so long is waited for
/// more of them.
const MORE_QUESTIONS: Duration = Duration::from_millis(50);
/// Things that one call may ask for at once.
pub(super) const MOST_QUESTIONS: usize = 16;
/// How long a person may take to answer in one round.
const ROUND: Duration = Duration::from_secs(600);

/// Rounds that one call may take: a server must not keep a client for ever.
const MOST_ROUNDS: u8 = 10;

impl<P: Ports> ReleasedStream<P> {
    /// Asks an old client what a new server asks by its result.
    pub(super) async fn begin_round(&mut self, answer: &JudgedAnswer, out: &mut BytesMut) {
        self.bridged.rounds += 1;
        // As it was edited: with the door's own addresses in the place of the server's.
        let frame = Frame::parse_result(answer.bytes.clone(), &self.exchange.trail.server.answer_limits).ok();
        let frame = frame.as_ref().filter(|_| self.bridged.rounds <= MOST_ROUNDS);
        let result = frame.and_then(|(frame, _)| frame.result());
        let asked = result.zip(self.exchange.seat.session());
        let asked = asked.and_then(|(result, session)| Some((result, up::ask(&self.door, session, result)?)));
        let Some((result, (answers, frames))) = asked else {
            let what = "the server asks for more than a client can be asked";
            return self.fail(UpstreamError::new(UpstreamFault::Malformed, what), out).await;
        };
        frames.iter().for_each(|frame| self.tally.count(frame));
        let state = result.get("requestState").map(|state| state.raw().into());
        if record_outcome(&self.door, &self.exchange, Ending::Asked, &self.tally).await.is_err() {
            self.exchange.seat.session().into_iter().for_each(|session| session.unask(&answers));
            self.state = State::Recorded;
            self.exchange.done();
            return self.shut(out);
        }
        let since = self.door.ports.stopwatch();
        self.bridged.round = Some(Round { answers, since, state });
        self.state = State::Asking;
        self.events = Source::None;
        frames.iter().for_each(|frame| self.write(frame, out));
    }

    /// Waits until an old client has answered everything, and asks the server again with the answers.
    pub(super) async fn await_answers(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        let Some(round) = &self.bridged.round else {
            self.state = State::Recorded;
            return Bytes::new();
        };
        let (answers, since) = (Arc::clone(&round.answers), round.since);
        let mut watcher = answers.answered.watch_all();
        let responses = loop {
            if let Some(all) = answers.all() {
                break all;
            }
            let waited = Duration::from_nanos(self.door.ports.stopwatch().saturating_sub(since));
            let woken = {
                let answered = pin!(answers.answered.next(&mut watcher));
                let changed = pin!(self.door.change.next(&mut self.watcher));
                let given_up = pin!(beside(&self.door, &self.exchange, &mut self.bridged, None));
                let late = pin!(self.door.ports.pause(ROUND.saturating_sub(waited)));
                match select(select(answered, late), select(changed, given_up)).await {
                    Either::Left((Either::Left(_), _)) => continue,
                    Either::Left((Either::Right(_), _)) => {
                        break Err("nobody answered in time what the server asked");
                    }
                    Either::Right((Either::Left(_), _)) => Woken::Change,
                    Either::Right((Either::Right((woken, _)), _)) => woken,
                }
            };
            let over = match woken {
                Woken::Change => self.welcome.still(&self.door, &self.exchange).await.err(),
                _ => Some("given-up"),
            };
            if let Some(reason) = over {
                answers.answered.leave(&watcher);
                self.tell(reason, "the call waited for its client", false).await;
                self.end_round();
                return Bytes::new();
            }
        };
        answers.answered.leave(&watcher);
        match responses {
            Ok(responses) => self.go_on(&responses, &mut out).await,
            Err(why) => self.give_round_up(why, &mut out),
        }
        out.freeze()
    }

    fn give_round_up(&mut self, why: &str, out: &mut BytesMut) {
        self.end_round();
        let error = self.exchange.error_event(why);
        error.into_iter().for_each(|error| self.write(&error, out));
    }

    fn end_round(&mut self) {
        if let (Some(round), Some(session)) = (self.bridged.round.take(), self.exchange.seat.session()) {
            session.unask(&round.answers);
        }
        self.exchange.done();
        self.state = State::Recorded;
    }

    async fn go_on(&mut self, responses: &str, out: &mut BytesMut) {
        let kept = self.exchange.kept.clone();
        let mut members = Vec::new();
        if responses != "{}" {
            members.push(("inputResponses", responses));
        }
        let round = self.bridged.round.take();
        let state = round.as_ref().and_then(|round| round.state.as_deref());
        members.extend(state.map(|state| ("requestState", state)));
        let frame = kept.as_ref().and_then(|kept| with_params(kept, &members));
        let (Some(frame), Some(session)) = (frame, self.exchange.seat.session().map(Arc::clone)) else {
            return self.give_round_up("the answers are more than the door passes on", out);
        };
        // Its id is free for the request that follows from it.
        self.exchange.done();
        self.state = State::Recorded;
        let seat = Seat::Session(session);
        let sent = again(&self.door, &self.exchange, self.welcome.now(), seat, frame, false).await;
        match sent {
            Ok((answered, exchange)) => {
                let (_, answer) = self.takes_over((answered, Exchange { kept, ..exchange }));
                let Some(bytes) = answer else { return };
                match self.exchange.judge_answer(bytes).await {
                    Ok(judged) => self.bridged.judged = Some(judged),
                    Err(error) => self.fail(error, out).await,
                }
            }
            Err(refused) => {
                let reply = record_refusal(&self.door, *refused).await;
                self.write(&reply.body, out);
            }
        }
    }

    /// Goes on as the stream of a request that follows from the first; returns what it was before, and an answer that came
    /// whole.
    fn takes_over(&mut self, (answered, exchange): Sent<P>) -> (Exchange<P>, Option<Bytes>) {
        self.bridged.given_up = exchange.given_up.as_ref().map(|given_up| given_up.watch_all());
        let old = std::mem::replace(&mut self.exchange, exchange);
        self.tally = Tally::default();
        self.state = State::Open;
        let whole = match answered.answer {
            Answer::Stream(events) => {
                self.events = Source::Own(events);
                None
            }
            Answer::Whole(bytes, _) => Some(bytes),
            Answer::Accepted => Some(Bytes::new()),
        };
        (old, whole)
    }

    /// Listens at a new server for what an old client wants to hear of now; what it wanted before is let go after that, so
    /// that nothing is missed in between.
    pub(super) async fn listen_anew(&mut self) -> Bytes {
        let Some(up) = self.exchange.wishes() else { return Bytes::new() };
        if !up.is_newest(self.exchange.trail.listener) {
            // The client listens on another stream by now, and hears everything once.
            self.finish(Ending::Result).await;
            return Bytes::new();
        }
        let (capabilities, limits) =
            (self.exchange.seat.capabilities(), &self.exchange.trail.server.request_limits);
        let filter = |frame: &Frame| {
            frame
                .params()
                .and_then(|params| params.get("notifications"))
                .map(|filter| filter.raw().to_owned())
        };
        let next = up.listening(self.door.next_id(), capabilities, limits);
        let next = next.filter(|next| self.exchange.kept.as_ref().and_then(filter) != filter(next));
        let (Some(frame), Some(session)) = (next, self.exchange.seat.session().map(Arc::clone)) else {
            return Bytes::new();
        };
        let seat = Seat::Session(session);
        let sent = again(&self.door, &self.exchange, self.welcome.now(), seat, frame, false).await;
        let mut out = BytesMut::new();
        match sent {
            Ok(sent) => {
                let tally = std::mem::take(&mut self.tally);
                let (old, refused) = self.takes_over(sent);
                let _shut = record_outcome(&self.door, &old, Ending::Result, &tally).await;
                old.done();
                if refused.is_some() {
                    // Refused, or ended at once: there is nothing to hear.
                    self.finish(Ending::Error).await;
                }
            }
            Err(refused) => {
                let _told = record_refusal(&self.door, *refused).await;
                self.fail(UpstreamError::new(UpstreamFault::Ended, "no subscription"), &mut out).await;
            }
        }
        out.freeze()
    }

    pub(super) fn has_asked_enough(&self) -> bool {
        let waited = |since| Duration::from_nanos(self.door.ports.stopwatch().saturating_sub(since));
        self.bridged.asked_at.is_some_and(|since| waited(since) >= MORE_QUESTIONS)
    }

    /// Puts a call aside that waits for its client, and asks the client.
    pub(super) async fn put_aside(&mut self, out: &mut BytesMut) {
        self.bridged.asked_at = None;
        let questions = std::mem::take(&mut self.bridged.questions);
        let events = self.events.take();
        let parked = events.and_then(|events| down::park(&self.door, &self.exchange, events, questions));
        let Some((name, call, round)) = parked else {
            let error = UpstreamError::new(UpstreamFault::Ended, "the call could not be put aside");
            return self.fail(error, out).await;
        };
        let (snapshot, caller) = &self.welcome.judged_under;
        // Whatever goes wrong from here on, the call is dropped, which lets go of it.
        let answer = match self.exchange.judge_own(round, snapshot, caller).await {
            Ok(answer) => answer,
            Err(error) => return self.fail(error, out).await,
        };
        self.tally.count(&answer.bytes);
        if !self.finish(answer.ending).await {
            return self.shut(out);
        }
        if self.door.parked.keep(name, call) {
            self.write(&answer.bytes, out);
        } else {
            let why = "too many calls wait for answers already";
            let error = self.exchange.error_event(why);
            error.into_iter().for_each(|error| self.write(&error, out));
        }
    }

    /// Ends a new client's subscription as 2026-07-28 has it: with a result.
    pub(super) async fn end_subscription(&mut self, out: &mut BytesMut) {
        let id = self.exchange.trail.id.as_ref().map(|id| id.to_json());
        if self.finish(Ending::Result).await
            && let Some(id) = id
        {
            let end = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","_meta":{{"{META_SUBSCRIPTION_ID}":{id}}}}}}}"#
            );
            self.write(end.as_bytes(), out);
        }
    }
}

/// Waits for what else can wake a stream where the sides speak different revisions.
pub(super) async fn beside<P: Ports>(
    door: &Door<P>,
    exchange: &Exchange<P>,
    bridged: &mut Bridge,
    place: Option<&mut Place>,
) -> Woken {
    let Bridge { given_up, wishes, asked_at, .. } = bridged;
    if let Some(asked_at) = asked_at {
        let waited = Duration::from_nanos(door.ports.stopwatch().saturating_sub(*asked_at));
        door.ports.pause(MORE_QUESTIONS.saturating_sub(waited)).await;
        return Woken::Asked;
    }
    let given_up = async {
        match (&exchange.given_up, given_up) {
            (Some(change), Some(watcher)) => change.next(watcher).await,
            _ => pending().await,
        }
    };
    let wishes = async {
        match (exchange.wishes(), wishes) {
            (Some(up), Some(watcher)) => up.changed.next(watcher).await,
            _ => pending().await,
        }
    };
    let taken = async {
        match place {
            Some(place) if place.ends_when_taken() => place.taken().await,
            _ => pending().await,
        }
    };
    match select(pin!(given_up), select(pin!(wishes), pin!(taken))).await {
        Either::Left(_) => Woken::GivenUp,
        Either::Right((Either::Left(_), _)) => Woken::Wishes,
        Either::Right((Either::Right(_), _)) => Woken::Taken,
    }
}

impl<P: Ports> Exchange<P> {
    /// Returns what an old client wants to hear of, on the stream on which it hears of it.
    pub(super) fn wishes(&self) -> Option<&Up> {
        match &self.seat.session()?.bridged {
            Bridged::Up(up) if self.method == Method::SubscriptionsListen => Some(up),
            _ => None,
        }
    }
}
