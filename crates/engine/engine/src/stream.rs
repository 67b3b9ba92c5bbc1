//! A stream on its way to a caller: every event judged under the snapshot, the clock and the epoch of its own moment.

mod bridged;
mod ending;
mod tally;
mod welcome;

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use doorward_types::Timestamp;
use doorward_wire::sse::write_event;
use doorward_wire::{Era, Frame, FrameKind, LEGACY, Method, write_line};
use futures_util::future::{Either, select};

use bridged::{Bridge, MOST_QUESTIONS, beside};
pub(crate) use tally::Tally;
use welcome::Welcome;

use crate::advise::advise_answer;
use crate::answer::{JudgedAnswer, JudgedEvent};
use crate::change::Watcher;
use crate::door::Door;
use crate::down;
use crate::errand::ErrandKind;
use crate::pipe::Framing;
use crate::ports::{Events, More, Ports, UpstreamError, UpstreamFault};
use crate::record::Ending;
use crate::replay::{Departure, Detached, Read, Reader};
use crate::stage::Exchange;
use crate::streams::{Place, Source};

/// Events taken from a server before they are judged and sent on together.
const BATCH: usize = 1_024;

/// A stream of judged events, as the bytes of server-sent events. Dropping it before its end is recorded as an abort.
pub struct ReleasedStream<P: Ports> {
    door: Arc<Door<P>>,
    exchange: Exchange<P>,
    /// None where the server is silent: a subscription at one that tells nothing, or a call between two rounds.
    events: Source<P::Events>,
    /// Its place among the streams of a session of 2025-11-25.
    place: Option<Place>,
    /// Reads what was released on the stream of a call, for a client that came back for it.
    reader: Option<Reader>,
    /// The client is gone, and the call goes on (T-12).
    _detached: Option<Detached>,
    batch: Vec<Bytes>,
    welcome: Welcome,
    watcher: Watcher,
    tally: Tally,
    /// Bytes of messages on the way, released or not.
    spent: usize,
    dropped: u64,
    /// Questions that must not reach the person: counted apart, so that nothing else uses up their records.
    unasked: u64,
    state: State,
    bridged: Bridge,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The server speaks; the outcome is open.
    Open,
    /// The outcome is written, and the client is asked what the next request needs.
    Asking,
    /// All is written and said.
    Recorded,
}

/// Why a stream woke.
enum Woken {
    Events(Result<More, UpstreamError>),
    /// What it is judged under may have changed.
    Change,
    GivenUp,
    Wishes,
    /// An old server has asked what it has to ask, as far as anybody can tell.
    Asked,
    /// Another stream of the session is served now.
    Taken,
}

impl<P: Ports> ReleasedStream<P> {
    /// Begins a stream; without events where its server has none.
    pub(crate) fn of(door: Arc<Door<P>>, exchange: Exchange<P>, events: Option<P::Events>) -> Self {
        let judged_under = (Arc::clone(&exchange.trail.snapshot), Arc::clone(&exchange.caller));
        let watcher = door.change.watch();
        let welcome = Welcome { judged_under, epoch: None };
        let (batch, tally) = (Vec::new(), Tally::default());
        let place = Self::place_of(&door, &exchange);
        let mut bridged = Bridge::default();
        if exchange.trail.is_up() {
            bridged.given_up = exchange.given_up.as_ref().map(|given_up| given_up.watch_all());
            bridged.wishes = exchange.wishes().map(|up| up.changed.watch());
        } else if exchange.trail.is_down() && exchange.method == Method::SubscriptionsListen {
            bridged.first = down::acknowledged(&exchange);
        }
        Self {
            door,
            exchange,
            events: events.map_or(Source::None, Source::Own),
            place,
            reader: None,
            _detached: None,
            batch,
            welcome,
            watcher,
            tally,
            spent: 0,
            dropped: 0,
            unasked: 0,
            state: State::Open,
            bridged,
        }
    }

    /// Begins a session's stream for what its server says unasked.
    pub(crate) fn listening(
        door: Arc<Door<P>>,
        exchange: Exchange<P>,
        events: Source<P::Events>,
        mut place: Place,
    ) -> Self {
        Self::keep(&door, &exchange, &mut place);
        let mut stream = Self::of(door, exchange, None);
        stream.events = events;
        stream.place = Some(place);
        stream
    }

    /// Goes on with the stream of a call for a client that lost it.
    pub(crate) fn replaying(door: Arc<Door<P>>, exchange: Exchange<P>, reader: Reader) -> Self {
        let mut stream = Self::of(door, exchange, None);
        stream.reader = Some(reader);
        stream
    }

    /// The stream of a request in a session of 2025-11-25 has a place there, where its client can come back for it.
    fn place_of(door: &Door<P>, exchange: &Exchange<P>) -> Option<Place> {
        exchange.door_id.filter(|_| exchange.shelf(door).is_some() && exchange.trail.era == Era::Legacy)?;
        let mut place = Place::of(&exchange.seat.session()?.streams);
        Self::keep(door, exchange, &mut place);
        Some(place)
    }

    /// Keeps what goes out, for those whose revision has it.
    fn keep(door: &Door<P>, exchange: &Exchange<P>, place: &mut Place) {
        let (Some(shelf), Some(session)) = (exchange.shelf(door), exchange.seat.session()) else { return };
        if &*session.version != LEGACY {
            return;
        }
        let resumed = exchange.trail.resumed.as_ref();
        match resumed.and_then(|resumed| Some((resumed, shelf.go_on(session, resumed.stream)?))) {
            Some((resumed, line)) => place.go_on(line, resumed),
            None => {
                let unasked = exchange.door_id.is_none() || exchange.method == Method::SubscriptionsListen;
                place.keep_on(shelf.open(session, unasked, &exchange.trail.subject));
            }
        }
    }

    /// Begins a stream with an answer that asks an old client for input.
    pub(crate) fn of_round(door: Arc<Door<P>>, exchange: Exchange<P>, judged: JudgedAnswer) -> Self {
        let mut stream = Self::of(door, exchange, None);
        stream.bridged.judged = Some(judged);
        stream
    }

    /// Returns when the caller's token expires: the stream must be dropped no later (D-03).
    pub fn expires(&self) -> Timestamp {
        self.exchange.caller.identity.expires()
    }

    /// Reads the door's wall clock.
    pub fn now(&self) -> Timestamp {
        self.door.ports.now()
    }

    /// Says whether this stream only listens for what the server says unasked: a legacy session's, or a subscription.
    pub fn is_unasked(&self) -> bool {
        self.exchange.door_id.is_none() || self.exchange.method == Method::SubscriptionsListen
    }

    /// Says whether the client that is served here has left for another stream.
    pub fn is_taken(&self) -> bool {
        self.place.as_ref().is_some_and(Place::is_taken)
    }

    /// Returns how the stream goes on without its client, which may have lost its connection alone; none if it ends
    /// with it.
    pub fn departure(&self) -> Option<Departure> {
        let (shelf, session) = (self.exchange.shelf(&self.door)?, self.exchange.seat.session()?);
        self.exchange.outlives_its_client().then(|| Departure::new(shelf, &session.streams))
    }

    pub(crate) fn detach(&mut self, detached: Detached) {
        self._detached = Some(detached);
    }

    /// Waits until another stream of the session has taken the place of this one.
    pub async fn taken(&mut self) {
        match &mut self.place {
            Some(place) => place.taken().await,
            None => pending().await,
        }
    }

    /// Waits for the next events and returns those that may be released, in one write; `None` at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        if let Some(place) = &mut self.place {
            if let Some((first, events)) = place.first() {
                if events > 0 {
                    self.tally.count_all(events, &first);
                }
                return Some(first);
            }
            place.caught_up().await;
        }
        if let Some(first) = self.bridged.first.take() {
            let mut out = BytesMut::new();
            self.pass(&first, &mut out);
            return Some(out.freeze());
        }
        loop {
            let out = match self.state {
                State::Open if self.reader.is_some() => self.read_on().await,
                State::Open => self.relay().await,
                State::Asking => self.await_answers().await,
                State::Recorded => return None,
            };
            if out.is_empty() {
                continue;
            }
            if self.place.as_mut().is_none_or(|place| place.keep(&out)) {
                return Some(out);
            }
            // Another goes on with this stream, and writes what comes now.
            if self.state == State::Open {
                self.finish(Ending::Result).await;
            }
            return None;
        }
    }

    /// Reads on in what is kept of a call's stream.
    async fn read_on(&mut self) -> Bytes {
        loop {
            if let Err(reason) = self.welcome.still(&self.door, &self.exchange).await {
                self.finish(Ending::Refused(reason)).await;
                return Bytes::new();
            }
            let Some(reader) = &mut self.reader else { return Bytes::new() };
            match reader.read() {
                Read::Events(text, events) => {
                    self.tally.count_all(events, &text);
                    return text;
                }
                Read::Nothing => {}
                Read::Ended => {
                    self.finish(Ending::Result).await;
                    return Bytes::new();
                }
                Read::Lost => {
                    self.finish(Ending::Aborted).await;
                    return Bytes::new();
                }
            }
            reader.more(&self.door.change, &mut self.watcher).await;
        }
    }

    async fn relay(&mut self) -> Bytes {
        if let Some(judged) = self.bridged.judged.take() {
            let mut out = BytesMut::new();
            self.conclude(judged, &mut out).await;
            return out.freeze();
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        let out = match self.next_batch(&mut batch).await {
            Ok(Woken::Events(more)) => self.judge_batch(&mut batch, more).await,
            Ok(Woken::GivenUp) => {
                // Letting go of the stream is what tells a new server.
                self.events = Source::None;
                self.finish(Ending::Aborted).await;
                Bytes::new()
            }
            Ok(Woken::Taken) => {
                self.finish(Ending::Result).await;
                Bytes::new()
            }
            Ok(Woken::Wishes) => self.listen_anew().await,
            Ok(Woken::Asked) => {
                let mut out = BytesMut::new();
                self.put_aside(&mut out).await;
                out.freeze()
            }
            Ok(Woken::Change) => Bytes::new(),
            Err(reason) => self.withdraw(reason).await,
        };
        self.batch = batch;
        out
    }

    /// Waits for events, and meanwhile for a change of what the stream is judged under: a quiet stream whose permit is
    /// gone ends now, not when its server next speaks.
    async fn next_batch(&mut self, batch: &mut Vec<Bytes>) -> Result<Woken, &'static str> {
        let events = self.events.as_mut();
        let mut events = pin!(async {
            match events {
                Some(events) => events.next_batch(batch, BATCH).await,
                None => pending().await,
            }
        });
        let mut beside = pin!(beside(&self.door, &self.exchange, &mut self.bridged, self.place.as_mut()));
        loop {
            let changed = pin!(self.door.change.next(&mut self.watcher));
            match select(events.as_mut(), select(changed, beside.as_mut())).await {
                Either::Left((more, _)) => return Ok(Woken::Events(more)),
                Either::Right((Either::Left(_), _)) => {
                    self.welcome.still(&self.door, &self.exchange).await?;
                }
                Either::Right((Either::Right((woken, _)), _)) => return Ok(woken),
            }
        }
    }

    async fn judge_batch(&mut self, batch: &mut Vec<Bytes>, more: Result<More, UpstreamError>) -> Bytes {
        let mut out = BytesMut::with_capacity(batch.iter().map(|bytes| bytes.len() + 8).sum());
        if let Err(reason) = self.welcome.still(&self.door, &self.exchange).await {
            return self.withdraw(reason).await;
        }
        // Events are judged at the moment at which they come (D-03).
        self.exchange.trail.now = self.door.ports.now();
        let mut said = Vec::new();
        for bytes in batch.drain(..) {
            let heard = self.exchange.hear_event(bytes).and_then(|frame| self.afforded(frame));
            let door = &self.door;
            let (snapshot, caller) = &self.welcome.judged_under;
            let judged = match heard {
                Ok(frame) if frame.kind() == FrameKind::Notification || said.is_empty() => {
                    self.exchange.judge_event(frame, snapshot, caller, || door.next_id()).await
                }
                // What was said before it is read before it.
                Ok(frame) => match self.release_said(&mut said, &mut out).await {
                    Ok(()) => {
                        let (snapshot, caller) = &self.welcome.judged_under;
                        let door = &self.door;
                        self.exchange.judge_event(frame, snapshot, caller, || door.next_id()).await
                    }
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            match judged {
                Ok(JudgedEvent::Said(frame, bytes)) => said.push((Some(frame), bytes)),
                Ok(JudgedEvent::Pass(bytes)) if !said.is_empty() => said.push((None, bytes)),
                Ok(JudgedEvent::Pass(bytes)) => self.pass(&bytes, &mut out),
                Ok(JudgedEvent::Changed(bytes)) => {
                    self.door.catalogues.forget(&self.exchange.trail.server.name);
                    match bytes {
                        Some(bytes) if said.is_empty() => self.pass(&bytes, &mut out),
                        bytes => said.extend(bytes.map(|bytes| (None, bytes))),
                    }
                }
                Ok(JudgedEvent::Final(answer)) => {
                    match advise_answer(&self.door, &self.exchange, answer).await {
                        Ok(answer) => self.conclude(answer, &mut out).await,
                        Err(error) => self.fail(error, &mut out).await,
                    }
                    return out.freeze();
                }
                Ok(JudgedEvent::Asked(question)) => {
                    if self.bridged.questions.len() < MOST_QUESTIONS {
                        self.bridged.questions.push(question);
                        self.bridged.asked_at.get_or_insert(self.door.ports.stopwatch());
                    } else {
                        self.drop_event("too-many-questions").await;
                        self.answer(ErrandKind::Decline(question.id)).await;
                    }
                }
                Ok(JudgedEvent::Nothing) => {}
                Ok(JudgedEvent::Dropped(reason)) => self.drop_event(reason).await,
                Ok(JudgedEvent::Declined(asked)) => {
                    self.drop_event("server-request-not-permitted").await;
                    self.answer(ErrandKind::Decline(asked)).await;
                }
                Ok(JudgedEvent::Unasked(asked, why)) => {
                    self.unasked += 1;
                    if self.unasked <= 3 {
                        self.note(&UpstreamError::unasked(why)).await;
                    }
                    self.answer(ErrandKind::Decline(asked)).await;
                }
                Ok(JudgedEvent::Pinged(asked)) => self.answer(ErrandKind::Pong(asked)).await,
                Err(error) => {
                    let _second = self.release_said(&mut said, &mut out).await;
                    self.fail(error, &mut out).await;
                    return out.freeze();
                }
            }
        }
        if let Err(error) = self.release_said(&mut said, &mut out).await {
            self.fail(error, &mut out).await;
            return out.freeze();
        }
        match more {
            // However fast it goes on speaking.
            Ok(More::Yes) if self.has_asked_enough() => self.put_aside(&mut out).await,
            Ok(More::Yes) => {}
            // An old server may end its stream when it likes; a new client listens again (L-16).
            Ok(More::No) if self.exchange.is_subscription() && self.exchange.trail.is_down() => {
                self.end_subscription(&mut out).await;
            }
            Ok(More::No) if self.exchange.door_id.is_none() => {
                self.finish(Ending::Result).await;
            }
            Ok(More::No) => {
                let error = UpstreamError::new(UpstreamFault::Ended, "the stream ended without the answer");
                self.fail(error, &mut out).await;
            }
            Err(error) => self.fail(error, &mut out).await,
        }
        out.freeze()
    }

    /// Releases messages in their order, once what they say together is read; where something is found, each by itself.
    async fn release_said(
        &mut self,
        said: &mut Vec<(Option<Frame>, Bytes)>,
        out: &mut BytesMut,
    ) -> Result<(), UpstreamError> {
        let snapshot = Arc::clone(&self.welcome.judged_under.0);
        let frames: Vec<_> = said.iter().filter_map(|(frame, _)| frame.as_ref()).collect();
        let quiet = frames.is_empty() || self.exchange.are_quiet(&frames, &snapshot).await;
        for (frame, bytes) in said.drain(..) {
            match frame.filter(|_| !quiet) {
                None => self.pass(&bytes, out),
                Some(frame) => match self.exchange.regard_event(&frame, bytes, &snapshot).await? {
                    JudgedEvent::Dropped(reason) => self.drop_event(reason).await,
                    JudgedEvent::Pass(bytes) => self.pass(&bytes, out),
                    _ => {}
                },
            }
        }
        Ok(())
    }

    /// Counts a message on the way, and lets the call go on while it may.
    fn afforded(&mut self, frame: Frame) -> Result<Frame, UpstreamError> {
        if frame.kind() != FrameKind::Response {
            self.spent = self.spent.saturating_add(frame.bytes().len());
            self.exchange.still_affords(self.spent)?;
        }
        Ok(frame)
    }

    fn pass(&mut self, bytes: &Bytes, out: &mut BytesMut) {
        self.tally.count(bytes);
        self.write(bytes, out);
    }

    fn write(&mut self, bytes: &[u8], out: &mut BytesMut) {
        match &mut self.place {
            _ if self.exchange.trail.framing == Framing::Lines => {
                write_line(out, bytes);
            }
            Some(place) => place.write(out, bytes),
            None => write_event(out, bytes),
        }
    }
}
