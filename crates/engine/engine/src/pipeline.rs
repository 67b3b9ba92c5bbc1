//! The way of a message. Every frame of every caller takes it, at both doors; there is no other.

use std::sync::Arc;

use doorward_wire::{Era, FrameKind, Id, Method, RoutingHeaders, lens};

use crate::advise::advise_call;
use crate::authorize::{Authorized, authorize};
use crate::bridge::bridge;
use crate::consent::consent;
use crate::door::Door;
use crate::flows::flow;
use crate::hear::hear;
use crate::identify::identify;
use crate::inspect::inspect;
use crate::onward::onward;
use crate::pipe::{Carrier, Pipe};
use crate::ports::Ports;
use crate::refusal::Reply;
use crate::release::{Released, leave, listen, record_refusal};
use crate::rounds::rejoin;
use crate::send::record_intent;
use crate::session::session;
use crate::stage::{Arrived, Asked, InSession, Step};

/// How a message ended: released, or refused with what the caller may know.
pub type Carried<P> = Result<Released<P>, Reply>;

/// A message in its seat: who says it is known, and in which session.
pub struct Entered<'a, P: Ports> {
    seated: InSession<'a, P>,
    pipe: Option<Arc<Pipe>>,
}

impl<'a, P: Ports> Entered<'a, P> {
    pub(crate) fn of(seated: InSession<'a, P>) -> Self {
        Self { seated, pipe: None }
    }

    /// Lets go of the request that it came by: in a conversation nothing of its headers counts.
    pub fn detached(self) -> Entered<'static, P> {
        let InSession { trail, caller, seat, asked, headers: _ } = self.seated;
        let seated = InSession { trail, caller, seat, asked, headers: RoutingHeaders::default() };
        Entered { seated, pipe: self.pipe }
    }

    /// Returns what it is, if it is a message at all.
    pub fn method(&self) -> Option<Method> {
        match &self.seated.asked {
            Asked::Frame { method, .. } => Some(*method),
            Asked::Listen | Asked::Resume | Asked::Leave => None,
        }
    }

    /// Returns the id of the request that it is.
    pub fn id(&self) -> Option<&Id> {
        match &self.seated.asked {
            Asked::Frame { frame, .. } if frame.kind() == FrameKind::Request => frame.id(),
            _ => None,
        }
    }

    /// Returns the request that a client of 2026-07-28 gives up by it: in that revision nothing but the end of whatever
    /// waits tells the engine so.
    pub fn gives_up(&self) -> Option<Id> {
        match &self.seated.asked {
            Asked::Frame { frame, method: Method::Cancelled } if self.seated.trail.era == Era::Modern => {
                lens::cancelled_id(frame)
            }
            _ => None,
        }
    }
}

impl<P: Ports> Door<P> {
    /// Carries one message through every check, to its server, and its answer back. Whatever is refused on the way is
    /// recorded, and answered with no more than the caller may know.
    pub async fn carry(self: &Arc<Self>, arrived: Arrived<'_, P>) -> Carried<P> {
        let entered = self.enter(arrived).await?;
        self.go_on(entered).await
    }

    /// Carries a message to where it is known who says what, and in which session; the rest of the way is
    /// [`go_on`](Self::go_on). In a conversation nobody waits for it on the connection that the message came by.
    pub async fn enter<'a>(self: &Arc<Self>, arrived: Arrived<'a, P>) -> Result<Entered<'a, P>, Reply> {
        match self.come_in(arrived).await {
            Ok(entered) => Ok(entered),
            Err(refused) => Err(record_refusal(self, *refused).await),
        }
    }

    /// Carries a message that has entered to its server, and its answer back.
    pub async fn go_on(self: &Arc<Self>, entered: Entered<'_, P>) -> Carried<P> {
        let pipe = entered.pipe;
        let walked = self.walk(entered.seated).await;
        self.tell_news().await;
        let released = match walked {
            Ok(released) => released,
            Err(refused) => return Err(record_refusal(self, *refused).await),
        };
        if let (Some(pipe), Released::Whole { session: Some(id), .. }) = (&pipe, &released)
            && let Some(before) = pipe.sit(id)
        {
            // One conversation, one session.
            self.sessions.get(&before).iter().for_each(|before| self.end_session(before));
        }
        Ok(released)
    }

    async fn come_in<'a>(&self, arrived: Arrived<'a, P>) -> Step<Entered<'a, P>> {
        let pipe = match &arrived.carrier {
            Carrier::Pipe(pipe) => Some(Arc::clone(pipe)),
            Carrier::Request | Carrier::NoPipe | Carrier::Stdio => None,
        };
        let identified = identify(self, arrived).await?;
        let heard = hear(self, identified).await?;
        Ok(Entered { seated: session(self, heard)?, pipe })
    }

    async fn walk(self: &Arc<Self>, seated: InSession<'_, P>) -> Step<Released<P>> {
        let seated = bridge(self, rejoin(self, seated)?).await?;
        let permitted = match authorize(self, seated).await? {
            Authorized::Send(permitted) => permitted,
            Authorized::Listen(trail, caller, session, permit) => {
                return listen(self, trail, caller, session, permit).await;
            }
            Authorized::Leave(trail, session) => return Ok(leave(self, &trail, &session)),
            Authorized::Nothing(_) => return Ok(Released::Accepted),
        };
        let permitted = advise_call(self, flow(self, permitted).await?).await?;
        let permitted = consent(self, permitted).await?;
        let (cleared, exchange) = inspect(self, permitted)?;
        let (cleared, exchange) = record_intent(self, cleared, exchange).await?;
        onward(self, cleared, exchange).await
    }
}
