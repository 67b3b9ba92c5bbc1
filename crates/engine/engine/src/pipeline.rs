//! The way of a message. Every frame of every caller takes it, at both doors; there is no other.

use std::sync::Arc;

use crate::authorize::{Authorized, authorize};
use crate::bridge::bridge;
use crate::door::Door;
use crate::hear::hear;
use crate::identify::identify;
use crate::inspect::inspect;
use crate::onward::onward;
use crate::ports::Ports;
use crate::refusal::Reply;
use crate::release::{Released, leave, listen, record_refusal};
use crate::rounds::rejoin;
use crate::send::record_intent;
use crate::session::session;
use crate::stage::{Arrived, Step};

/// How a message ended: released, or refused with what the caller may know.
pub type Carried<P> = Result<Released<P>, Reply>;

impl<P: Ports> Door<P> {
    /// Carries one message through every check, to its server, and its answer back. Whatever is refused on the way is
    /// recorded, and answered with no more than the caller may know.
    pub async fn carry(self: &Arc<Self>, arrived: Arrived<'_, P>) -> Carried<P> {
        match self.walk(arrived).await {
            Ok(released) => Ok(released),
            Err(refused) => Err(record_refusal(self, *refused).await),
        }
    }

    async fn walk(self: &Arc<Self>, arrived: Arrived<'_, P>) -> Step<Released<P>> {
        let identified = identify(self, arrived).await?;
        let heard = hear(self, identified).await?;
        let seated = bridge(self, rejoin(self, session(self, heard)?)?).await?;
        let permitted = match authorize(self, seated).await? {
            Authorized::Send(permitted) => permitted,
            Authorized::Listen(trail, caller, session, permit) => {
                return listen(self, trail, caller, session, permit).await;
            }
            Authorized::Leave(trail, session) => return Ok(leave(self, &trail, &session)),
            Authorized::Nothing(_) => return Ok(Released::Accepted),
        };
        let (cleared, exchange) = inspect(self, permitted)?;
        let (cleared, exchange) = record_intent(self, cleared, exchange).await?;
        onward(self, cleared, exchange).await
    }
}
