//! The send step: the intent is written, and then the frame leaves, or the door answers in the server's place.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};

use crate::bridge::{Local, Sent, again, stand_in};
use crate::door::Door;
use crate::down::{Resumed, listen, resume};
use crate::ports::{Answer, Answered, Ports, UpstreamFault};
use crate::record::{Ending, IntentFacts};
use crate::refusal::{Reason, Refusal};
use crate::release::{Unfinished, end_if_lost, failed, record_outcome};
use crate::session::Seat;
use crate::stage::{Cleared, Exchange, Step};
use crate::stream::Tally;

/// Writes the intent. Nothing reaches a server before this returned (D-09).
pub(crate) async fn record_intent<P: Ports>(
    door: &Arc<Door<P>>,
    cleared: Cleared<P>,
    exchange: Exchange<P>,
) -> Step<(Cleared<P>, Exchange<P>)> {
    let findings = exchange.trail.notes.take();
    let facts = IntentFacts {
        call: exchange.call,
        trace: exchange.trail.trace,
        identity: &exchange.caller.identity,
        server: &exchange.trail.server.name,
        method: exchange.trail.method.unwrap_or("?"),
        subject: &exchange.trail.subject,
        policies: &exchange.policies,
        digest: &exchange.digest,
        session: exchange.seat.session().map(|session| &**session.id()),
        findings: &findings,
        times: exchange.trail.times,
        now: exchange.trail.now,
    };
    let guard = Unfinished { door, exchange: &exchange, place: false, armed: true };
    let written = door.ports.intent(facts).await;
    guard.finished();
    match written {
        Ok(()) => Ok((cleared, exchange)),
        Err(_) => Err(exchange.abandon().refuse(Reason::AuditUnwritable)),
    }
}

/// Sends the cleared frame. From here on whatever happens has an outcome.
pub(crate) async fn send<P: Ports>(
    door: &Arc<Door<P>>,
    cleared: Cleared<P>,
    mut exchange: Exchange<P>,
) -> Step<Sent<P>> {
    let opening = matches!(exchange.seat, Seat::Opening(_));
    if opening && let Err(reason) = door.sessions.reserve(&exchange.caller.owner, &exchange.trail.server.name)
    {
        return Err(failed(door, exchange, Refusal::new(reason)).await);
    }
    let local = exchange.trail.local.take();
    let retry = exchange.trail.retry.take();
    let greeting = match &local {
        Some(Local::Greeting { up, .. }) => Some(Arc::clone(up)),
        _ => None,
    };
    // Whoever goes on with a call has its server hear of it.
    if let (Some(_), Some(passage)) = (&retry, &exchange.passage) {
        passage.sent();
    }
    // If the caller goes away while this waits, the guard records it.
    let guard = Unfinished { door, exchange: &exchange, place: opening, armed: true };
    let mut dispatched = false;
    let sent = match (local, retry) {
        (Some(Local::Listen(filter)), _) => match listen(door, &exchange, filter).await {
            Ok((answered, session)) => {
                guard.finished();
                exchange.seat = Seat::Session(session);
                return Ok((answered, exchange));
            }
            Err(refusal) => Err(refusal),
        },
        (Some(local), _) => stand_in(door, local, &exchange).await.map_err(Refusal::upstream),
        (None, Some(retry)) => match resume(door, &exchange, &retry).await {
            Ok(Resumed::Anew) => {
                dispatched = true;
                dispatch(door, cleared, &exchange).await
            }
            Ok(Resumed::On(answered, door_id, session)) => {
                guard.finished();
                exchange.door_id = Some(door_id);
                exchange.seat = Seat::Session(session);
                return Ok((answered, exchange));
            }
            Ok(Resumed::Asked(round)) => {
                guard.finished();
                exchange.own = true;
                let answer = Answer::Whole(round, 200);
                return Ok((Answered { link: None, answer }, exchange));
            }
            Err(refusal) => Err(refusal),
        },
        (None, None) => {
            dispatched = true;
            dispatch(door, cleared, &exchange).await
        }
    };
    guard.finished();
    exchange.greeting = greeting;
    match sent {
        Ok(answered) => {
            // An answer is judged at the moment at which it comes (D-03).
            exchange.trail.now = door.ports.now();
            Ok((answered, exchange))
        }
        Err(refusal) => {
            // Nothing was there to hear it, so nothing was answered. A connection that broke may have been heard.
            if let (Reason::Upstream(UpstreamFault::Capped), Some(passage)) =
                (&refusal.reason, &exchange.passage)
            {
                passage.not_sent();
            }
            if opening {
                door.sessions.release(&exchange.caller.owner, &exchange.trail.server.name);
            }
            if dispatched {
                lost(door, exchange, refusal).await
            } else {
                Err(failed(door, exchange, refusal).await)
            }
        }
    }
}

/// Sends a frame, and waits for its answer no longer than the client does.
async fn dispatch<P: Ports>(
    door: &Arc<Door<P>>,
    cleared: Cleared<P>,
    exchange: &Exchange<P>,
) -> Result<Answered<P::Link, P::Events>, Refusal> {
    if let Some(passage) = &exchange.passage {
        passage.sent();
    }
    let sent = door.ports.upstream(cleared);
    let Some(given_up) = &exchange.given_up else { return sent.await.map_err(Refusal::upstream) };
    let mut watcher = given_up.watch_all();
    match select(pin!(sent), pin!(given_up.next(&mut watcher))).await {
        Either::Left((sent, _)) => sent.map_err(Refusal::upstream),
        Either::Right(_) => Err(Refusal::new(Reason::GivenUp)),
    }
}

/// Ends an exchange that failed; where an old server had merely forgotten the session that the door held there, it is
/// greeted anew, and asked once more: it did nothing, since it knew nothing of whose request it was.
async fn lost<P: Ports>(door: &Arc<Door<P>>, exchange: Exchange<P>, refusal: Refusal) -> Step<Sent<P>> {
    let lost = matches!(refusal.reason, Reason::Upstream(UpstreamFault::SessionLost));
    let Some(frame) =
        exchange.kept.clone().filter(|_| lost && exchange.trail.is_down() && !exchange.trail.retried)
    else {
        return Err(failed(door, exchange, refusal).await);
    };
    let judged_under = (Arc::clone(&exchange.trail.snapshot), Arc::clone(&exchange.caller));
    let seat = Seat::Stateless(Arc::clone(exchange.seat.capabilities()));
    let ending = Ending::Failed(refusal.reason.id());
    let _shut = record_outcome(door, &exchange, ending, &Tally::default()).await;
    end_if_lost(door, &exchange.seat, &refusal);
    again(door, &exchange, judged_under, seat, frame, true).await
}
