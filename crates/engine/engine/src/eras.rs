//! Telling revisions apart: what the server behind the door speaks, and so how a client's own revision is carried to it.
//!
//! A server's words are asked for, not guessed: `server/discover` is answered by servers of 2026-07-28 alone, `initialize`
//! by those of 2025-11-25 and older alone, and many answer both. What a failure means is not read out of it: a server
//! that does not answer is out of order, not old.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use doorward_wire::{Era, LEGACY, MODERN, Value};
use futures_util::lock::Mutex as AsyncMutex;

use crate::catalogue::single;
use crate::door::Door;
use crate::errand::{Errand, ErrandKind, Errands};
use crate::pinned::introduced;
use crate::ports::{Ports, UpstreamError, UpstreamFault};
use crate::snapshot::{EraRule, ServerRules};
use crate::stage::Caller;

/// A server that was found to speak the older revision alone is asked again after ten minutes, in nanoseconds of the
/// stopwatch: it may have been upgraded, and an old verdict never fails loudly.
const LEGACY_FOR: u64 = 600 * 1_000_000_000;

/// The revision families a server speaks: one of them at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) legacy: bool,
    pub(crate) modern: bool,
}

impl Spoken {
    /// Says in which revision the server is spoken to, for a client of `era`: in the client's own where it can be, since
    /// whatever is bridged loses something.
    pub(crate) fn behind(self, era: Era) -> Era {
        match era {
            Era::Legacy if !self.legacy => Era::Modern,
            Era::Modern if !self.modern => Era::Legacy,
            same => same,
        }
    }
}

/// What the door knows of a server before any caller's frame is judged for it.
#[derive(Debug, Default)]
pub struct Acquaintance {
    /// Held while the door asks the server what it offers: a thousand first callers cost one question.
    pub(crate) asking: AsyncMutex<()>,
    /// 0 for nothing yet, else 1 for legacy, 2 for modern and 4 for "whether legacy too was not asked", added up.
    found: AtomicU8,
    since: AtomicU64,
}

impl Acquaintance {
    /// Returns what was found, and whether it is time to ask again.
    fn found(&self, now: u64) -> Option<(Spoken, bool)> {
        let found = self.found.load(Ordering::Acquire);
        let stale = found == 1 && now.saturating_sub(self.since.load(Ordering::Relaxed)) >= LEGACY_FOR;
        (found != 0).then_some((Spoken { legacy: found & 1 != 0, modern: found & 2 != 0 }, stale))
    }

    fn note(&self, spoken: Spoken, unasked: bool, now: u64) {
        self.since.store(now, Ordering::Relaxed);
        let found = u8::from(spoken.legacy) | u8::from(spoken.modern) << 1 | u8::from(unasked) << 2;
        self.found.store(found, Ordering::Release);
    }

    /// Says whether what was found is enough for a client of this era: for one of 2026-07-28 a server that speaks it was not
    /// asked for more.
    pub(crate) fn suits(&self, era: Era) -> bool {
        era == Era::Modern || self.found.load(Ordering::Acquire) & 4 == 0
    }

    /// Forgets what was found, because the server no longer behaves so.
    pub(crate) fn forget(&self) {
        self.found.store(0, Ordering::Release);
    }
}

impl ServerRules {
    /// Returns what the server speaks, as it is configured or was found, and whether it is time to ask again.
    pub(crate) fn spoken(&self, now: impl FnOnce() -> u64) -> Option<(Spoken, bool)> {
        match self.era {
            EraRule::Legacy => Some((Spoken { legacy: true, modern: false }, false)),
            EraRule::Modern => Some((Spoken { legacy: false, modern: true }, false)),
            EraRule::Both => Some((Spoken { legacy: true, modern: true }, false)),
            EraRule::Auto => self.acquaintance.found(now()),
        }
    }
}

/// Asks a server which revisions it speaks, as far as a client of this era has to know, and remembers what it said: a child is
/// started for each question.
pub(crate) async fn tell_apart<P: Ports>(
    door: &Door<P>,
    server: &Arc<ServerRules>,
    caller: Option<&Arc<Caller>>,
    era: Era,
) -> Result<Spoken, UpstreamError> {
    let (found, suits) = (server.spoken(|| door.ports.stopwatch()), server.acquaintance.suits(era));
    if let Some((spoken, false)) = found
        && suits
    {
        return Ok(spoken);
    }
    let modern = !suits || discovers(door, server, caller).await?;
    if modern && era == Era::Modern {
        let spoken = Spoken { legacy: false, modern };
        server.acquaintance.note(spoken, true, door.ports.stopwatch());
        return Ok(spoken);
    }
    let (legacy, why) = match shakes_hands(door, server, caller).await {
        Ok(legacy) => (legacy, None),
        // It speaks the newer one, and has nothing to say to the older: what exactly it did does not matter.
        Err(_) if modern => (false, None),
        Err(error) => (false, Some(error)),
    };
    let spoken = Spoken { legacy, modern };
    if !legacy && !modern {
        let what = "it answers neither `server/discover` nor `initialize`";
        return Err(why.unwrap_or_else(|| UpstreamError::new(UpstreamFault::Refused, what)));
    }
    server.acquaintance.note(spoken, false, door.ports.stopwatch());
    Ok(spoken)
}

/// On behalf of whom, and over what, the door asks such things: over no link, with nothing declared.
pub(crate) fn bare<L>(server: &Arc<ServerRules>, caller: Option<&Arc<Caller>>, era: Era) -> Errands<L> {
    Errands {
        server: Arc::clone(server),
        link: None,
        caller: caller.map(Arc::clone),
        era,
        version: if era == Era::Modern { MODERN } else { LEGACY }.into(),
        capabilities: "{}".into(),
    }
}

pub(crate) async fn discovers<P: Ports>(
    door: &Door<P>,
    server: &Arc<ServerRules>,
    caller: Option<&Arc<Caller>>,
) -> Result<bool, UpstreamError> {
    let (on, id) = (bare(server, caller, Era::Modern), door.next_id());
    let answered = match door.ports.errand(Errand::<P>::new(&on, id, ErrandKind::Discover)).await {
        Ok(answered) => answered,
        // A person has to do something first, or there is nobody to ask: that says nothing of a revision.
        Err(error) if error.need.is_some() => return Err(error),
        Err(error) => match error.fault {
            UpstreamFault::Unreachable | UpstreamFault::Capped => return Err(error),
            // An old server may end, or say nothing, when it is asked before it was greeted: whether it is there at all
            // is for the greeting to find out.
            _ => return Ok(false),
        },
    };
    let Ok(frame) = single(answered, id, &server.answer_limits).await else { return Ok(false) };
    let lists = |versions: Option<Value<'_>>| {
        versions.is_some_and(|versions| versions.items().any(|version| version.is_str(MODERN)))
    };
    let speaks = lists(frame.result().and_then(|result| result.get("supportedVersions")));
    if speaks {
        introduced(door, server, frame.result()).await;
    }
    // A server that wants another version says which it has (L-05).
    let supported =
        frame.error().filter(|error| error.get("code").and_then(|code| code.as_i64()) == Some(-32022));
    let supported = supported.and_then(|error| error.path(&["data", "supported"]));
    Ok(speaks || lists(supported))
}

async fn shakes_hands<P: Ports>(
    door: &Door<P>,
    server: &Arc<ServerRules>,
    caller: Option<&Arc<Caller>>,
) -> Result<bool, UpstreamError> {
    let (on, id) = (bare(server, caller, Era::Legacy), door.next_id());
    let mut answered = door.ports.errand(Errand::<P>::new(&on, id, ErrandKind::Initialize)).await?;
    let link = answered.link.take();
    let hello = single(answered, id, &server.answer_limits).await;
    if let Some(link) = link {
        door.ports.close(link);
    }
    let hello = hello?;
    introduced(door, server, hello.result()).await;
    let version = hello.result().and_then(|result| result.get("protocolVersion"));
    // One that agrees to speak the newer revision in a handshake does not know that it has none.
    Ok(version.and_then(|version| version.as_str()).is_some_and(|version| version != MODERN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_carried_in_its_own_revision_wherever_the_server_speaks_it() {
        let (old, new) = (Spoken { legacy: true, modern: false }, Spoken { legacy: false, modern: true });
        let both = Spoken { legacy: true, modern: true };
        for (spoken, legacy, modern) in [
            (old, Era::Legacy, Era::Legacy),
            (new, Era::Modern, Era::Modern),
            (both, Era::Legacy, Era::Modern),
        ] {
            assert_eq!((spoken.behind(Era::Legacy), spoken.behind(Era::Modern)), (legacy, modern));
        }
    }

    // control: eras-c: a server that was found to be old is asked again in time, since it may have been upgraded
    #[test]
    fn a_verdict_that_a_server_is_old_does_not_last() {
        let known = Acquaintance::default();
        assert_eq!(known.found(5), None);
        known.note(Spoken { legacy: true, modern: false }, false, 10);
        assert_eq!(known.found(LEGACY_FOR + 9), Some((Spoken { legacy: true, modern: false }, false)));
        assert_eq!(known.found(LEGACY_FOR + 10), Some((Spoken { legacy: true, modern: false }, true)));
        known.note(Spoken { legacy: true, modern: true }, false, 10);
        assert_eq!(known.found(u64::MAX), Some((Spoken { legacy: true, modern: true }, false)));
        known.forget();
        assert_eq!(known.found(10), None);
    }
}
