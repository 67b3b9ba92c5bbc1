//! Whether a stream may still be had: asked before each batch, and whenever what it is judged under changes (D-03).

use std::sync::Arc;

use crate::authorize::sees;
use crate::door::Door;
use crate::identify::{renew, still_at_home};
use crate::pipe::Framing;
use crate::ports::Ports;
use crate::snapshot::Snapshot;
use crate::stage::{Caller, Exchange};

/// What the caller's right to this stream was last judged under.
pub(super) struct Welcome {
    pub(super) judged_under: (Arc<Snapshot>, Arc<Caller>),
    /// None before the first look: the caller was let in some time ago, and may have been revoked while the server
    /// made up its mind to stream.
    pub(super) epoch: Option<u64>,
}

impl Welcome {
    pub(super) fn now(&self) -> (Arc<Snapshot>, Arc<Caller>) {
        (Arc::clone(&self.judged_under.0), Arc::clone(&self.judged_under.1))
    }

    /// Says whether the caller may still have this stream: the token has not expired, the session has not ended, no
    /// revocation has come, and the policies of now still let them in (D-03).
    pub(super) async fn still<P: Ports>(
        &mut self,
        door: &Door<P>,
        exchange: &Exchange<P>,
    ) -> Result<(), &'static str> {
        let identity = &exchange.caller.identity;
        let expires = match exchange.trail.framing {
            // Whoever sits here is said anew while streams are open: the newest token counts, not the one of then.
            Framing::Lines => still_at_home(door, identity).ok_or("signed-out")?.expires(),
            Framing::Request | Framing::Events => identity.expires(),
        };
        if door.ports.now() >= expires {
            return Err("token-expired");
        }
        if exchange.seat.session().is_some_and(|session| session.ended()) {
            return Err("session-ended");
        }
        let epoch = door.epoch();
        if Some(epoch) != self.epoch {
            // Something was revoked, or a key withdrawn: whose stream it is not goes on.
            if exchange.trail.framing != Framing::Lines && !door.ports.keys().has(identity.kid()) {
                return Err("key-withdrawn");
            }
            if !door.ports.revocations().admits(identity) {
                return Err("revoked");
            }
            self.epoch = Some(epoch);
        }
        let snapshot = door.snapshot();
        if snapshot.id() == self.judged_under.0.id() {
            return Ok(());
        }
        let caller = renew(door, &snapshot, &exchange.caller).await.map_err(|refusal| refusal.reason.id())?;
        let ask = doorward_policy::Ask::Connect { server: &exchange.trail.server.name };
        if snapshot.policies().decide(&caller.principal, &ask).is_err() {
            return Err("not-connected");
        }
        if !sees(&snapshot, &caller, &exchange.trail.server.name, &exchange.trail.subject) {
            return Err("not-permitted");
        }
        self.judged_under = (snapshot, Arc::new(caller));
        Ok(())
    }
}
