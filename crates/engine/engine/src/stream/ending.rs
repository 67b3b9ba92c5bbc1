//! How a stream ends, and what is told of that: the outcome is written before the last byte leaves (D-09).

use bytes::{Bytes, BytesMut};
use doorward_wire::Method;

use super::{ReleasedStream, State};
use crate::answer::JudgedAnswer;
use crate::bridge::errands;
use crate::errand::{Errand, ErrandKind};
use crate::pipe::Framing;
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::record::{Ending, RefusalFacts};
use crate::refusal::Fault;
use crate::release::record_outcome;

impl<P: Ports> ReleasedStream<P> {
    /// Releases a final answer: its outcome is written before the last byte leaves (D-09); if it cannot be, the answer stays.
    pub(super) async fn conclude(&mut self, answer: JudgedAnswer, out: &mut BytesMut) {
        if self.exchange.trail.is_up() && answer.ending == Ending::Asked {
            return self.begin_round(&answer, out).await;
        }
        if self.exchange.wishes().is_some() {
            // The end of a subscription of the door's own: an old client asked for a stream, which ends.
            self.finish(Ending::Result).await;
            return;
        }
        self.tally.count(&answer.bytes);
        if self.finish(answer.ending).await {
            self.write(&answer.bytes, out);
        } else {
            self.shut(out);
        }
    }

    pub(super) fn shut(&mut self, out: &mut BytesMut) {
        if let Some(error) = self.exchange.error_event("the door is shut: its audit log cannot be written") {
            self.write(&error, out);
        }
    }

    /// Writes the outcome; true if it was written.
    pub(super) async fn finish(&mut self, ending: Ending) -> bool {
        let raised = self.exchange.raised(&self.door).await.is_ok();
        self.state = State::Recorded;
        if self.place.is_some() {
            self.events.let_go(self.place.as_ref());
        }
        let written = record_outcome(&self.door, &self.exchange, ending, &self.tally).await.is_ok();
        self.exchange.done();
        self.door.tell_news().await;
        written && raised
    }

    /// Ends a stream that its caller may no longer have. In a conversation nobody sees the end of one of its streams: whoever
    /// waits there is told.
    pub(super) async fn withdraw(&mut self, reason: &'static str) -> Bytes {
        let mut out = BytesMut::new();
        self.finish(Ending::Refused(reason)).await;
        if self.exchange.trail.framing != Framing::Request
            && let Some(error) = self.exchange.error_event("who called may no longer have the answer")
        {
            self.write(&error, &mut out);
        }
        out.freeze()
    }

    pub(super) async fn fail(&mut self, error: UpstreamError, out: &mut BytesMut) {
        self.note(&error).await;
        self.finish(Ending::Failed(error.fault.id())).await;
        let message = match error.fault {
            UpstreamFault::OverBudget => {
                format!("the call was ended on the way to its answer: {}", error.detail)
            }
            _ => "the server behind the door failed before it answered".to_owned(),
        };
        if let Some(event) = self.exchange.error_event(&message) {
            self.write(&event, out);
        }
    }

    /// Records that an event was not released; the first few by name, the rest by count.
    pub(super) async fn drop_event(&mut self, reason: &'static str) {
        self.dropped += 1;
        if self.dropped <= 3 {
            self.tell(reason, "an event of the server was not released", false).await;
        }
    }

    pub(super) async fn note(&self, error: &UpstreamError) {
        let alarm = matches!(error.fault, UpstreamFault::Unasked(_));
        self.tell(error.fault.id(), &error.detail, alarm).await;
    }

    pub(super) async fn tell(&self, reason: &'static str, detail: &str, alarm: bool) {
        let trail = &self.exchange.trail;
        let facts = RefusalFacts {
            identity: Some(&self.exchange.caller.identity),
            source: trail.source,
            server: &trail.server.name,
            method: trail.method,
            subject: &trail.subject,
            reason,
            fault: Fault::Upstream,
            detail,
            policies: &[],
            findings: &[],
            alarm,
            now: self.door.ports.now(),
        };
        let _shut = self.door.ports.refused(facts).await;
    }

    /// Answers a request of the server that goes no further.
    pub(super) async fn answer(&self, kind: ErrandKind) {
        let on = errands(&self.exchange.trail, &self.exchange.caller, &self.exchange.seat);
        let errand = Errand::<P>::new(&on, 0, kind);
        // If it cannot be told, its own timeout ends its wait.
        let _told = self.door.ports.errand(errand).await;
    }
}

impl<P: Ports> Drop for ReleasedStream<P> {
    fn drop(&mut self) {
        self.door.change.leave(&self.watcher);
        self.events.let_go(self.place.as_ref());
        if let (Some(up), Some(watcher)) = (self.exchange.wishes(), &self.bridged.wishes) {
            up.changed.leave(watcher);
        }
        if self.state == State::Open {
            let facts = self.exchange.outcome(&self.door, Ending::Aborted, &self.tally);
            self.door.ports.outcome_detached(facts);
            self.exchange.call_off(&self.door);
        }
        if let (Some(round), Some(session)) = (&self.bridged.round, self.exchange.seat.session()) {
            session.unask(&round.answers);
        }
        if self.state != State::Recorded {
            self.exchange.done();
        }
        if self.exchange.trail.is_down()
            && self.exchange.method == Method::SubscriptionsListen
            && let Some(session) = self.exchange.seat.session()
        {
            self.door.end_session(session);
        }
    }
}
