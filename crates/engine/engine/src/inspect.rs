//! The inspect step: the last look at what leaves for the server, and the one place where [`Cleared`] is made.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use doorward_wire::{Era, Frame, FrameKind, Id, Method, rewrite_ids};

use crate::content::Watch;
use crate::door::Door;
use crate::leaks::Watch as LeakWatch;
use crate::ports::Ports;
use crate::refusal::Reason;
use crate::rounds::has_rounds;
use crate::sessions::Asker;
use crate::stage::{Cleared, Exchange, Permitted, Step};

pub(crate) fn inspect<P: Ports>(
    door: &Door<P>,
    permitted: Box<Permitted<P>>,
) -> Step<(Cleared<P>, Exchange<P>)> {
    let Permitted {
        mut trail,
        caller,
        seat,
        permit,
        frame,
        judged,
        digest,
        method,
        headers,
        answers,
        asks: _,
        definition: _,
        passage,
    } = *permitted;
    // INVARIANT: the frame that leaves is the frame that was judged (D-02). A step that edits arguments must have it
    // judged again, which gives a new digest; forgetting that ends here.
    // Bytes are immutable, so the very same ones need no second digest.
    let same = frame.bytes().as_ptr() == judged.as_ptr() && frame.bytes().len() == judged.len();
    if !same && judged_digest(&frame) != digest {
        return Err(trail.refuse(Reason::NotTheJudgedFrame));
    }
    let watch = match Watch::of(door, &trail.server, &caller) {
        Ok(watch) => watch,
        Err(reason) => return Err(trail.refuse(reason)),
    };
    let door_id = (frame.kind() == FrameKind::Request).then(|| door.next_id());
    let progress = frame.progress_token().filter(|_| door_id.is_some());
    // Ids and progress tokens are names, not content: the server gets the door's own, so that no two callers' names
    // can meet behind it (L-07, L-18). A response goes back under the id the server asked with.
    let own = door_id.map(Id::Number);
    let asked_as = match &answers {
        Some(Asker::Server(id)) => Some(id),
        _ => None,
    };
    let bytes = rewrite_ids(&frame, own.as_ref().or(asked_as), own.as_ref().filter(|_| progress.is_some()));
    let given_up = (trail.is_up() && door_id.is_some()).then(Arc::default);
    // The ids of a client without sessions, and of the door's own subscriptions, are no names in a session.
    if let (Some(session), Some(id), Some(door_id)) = (seat.session(), frame.id(), door_id)
        && trail.era == Era::Legacy
        && method != Method::SubscriptionsListen
        && let Err(reason) = session.begin(id, door_id, given_up.clone())
    {
        return Err(trail.refuse(reason));
    }
    trail.times.inspect = trail.lap(&door.ports);
    let call = door.next_call();
    let exchange = Exchange {
        door_id,
        kept: (trail.era != trail.behind).then(|| frame.clone()),
        given_up,
        greeting: None,
        own: false,
        rounds: (trail.era == Era::Modern && has_rounds(method)).then(|| Arc::clone(&door.rounds)),
        tasks: Arc::clone(&door.tasks),
        eyes: Arc::clone(&door.eyes),
        passage,
        leaks: LeakWatch::new(&door.leaks),
        watch,
        progress: progress.map(|value| value.raw().into()),
        policies: permit.policies().to_vec(),
        started: trail.lap,
        caller: caller.clone(),
        method,
        call,
        digest,
        told: AtomicBool::new(false),
        trail,
        seat,
    };
    let cleared = Cleared {
        server: exchange.trail.server.clone(),
        link: exchange.seat.session().and_then(|session| session.link.clone()),
        caller,
        era: exchange.trail.behind,
        capabilities: Arc::clone(exchange.seat.capabilities()),
        method,
        door_id,
        bytes,
        headers,
        call,
        trace: exchange.trail.trace,
        permit,
    };
    Ok((cleared, exchange))
}

/// Digests what the judgements read of a frame: its method and its parameters, or its result.
pub(crate) fn judged_digest(frame: &Frame) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(frame.method().unwrap_or("response").as_bytes());
    context.update(&[0]);
    for content in [frame.params(), frame.result(), frame.error()].into_iter().flatten() {
        context.update(content.raw().as_bytes());
    }
    let digest = context.finish();
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

/// Reads the id a frame carries as the door's own.
pub(crate) fn is_door_id(frame: &Frame, door_id: Option<i64>) -> bool {
    match (frame.id(), door_id) {
        (Some(Id::Number(id)), Some(door_id)) => *id == door_id,
        _ => false,
    }
}
