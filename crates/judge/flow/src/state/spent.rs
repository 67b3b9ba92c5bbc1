//! What was spent of the budgets of an hour. Labels that fall give nothing of it back.

use std::time::Duration;

use doorward_types::Timestamp;

use crate::rules::{Approver, Rules, Then};
use crate::verdict::Over;

const HOUR: Duration = Duration::from_secs(3600);

/// The hour begins with the first call after the last one ended. So two hours that follow each other closely are the
/// most that anybody gets at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) since: Option<Timestamp>,
    pub(crate) calls: u64,
    pub(crate) outward: u64,
}

impl Spent {
    /// Which budget one more call would exceed. The number of calls comes first: nobody is asked about a loop.
    pub(crate) fn over(&mut self, outward: u64, rules: &Rules, now: Timestamp) -> Option<Over> {
        self.turn(now);
        let until = self.since.unwrap_or(now).plus(HOUR);
        if self.calls >= rules.calls {
            return Some(Over::Calls { limit: rules.calls, until });
        }
        let sent = self.outward.saturating_add(outward);
        let over = outward > 0 && sent > rules.outward_bytes;
        over.then_some(Over::OutwardBytes { sent, limit: rules.outward_bytes, until })
    }

    pub(crate) fn spend(&mut self, outward: u64, now: Timestamp) {
        self.since.get_or_insert(now);
        self.calls = self.calls.saturating_add(1);
        self.outward = self.outward.saturating_add(outward);
    }

    /// Joins what two have spent of the same hour: the one that spent more counts, and the later hour.
    pub(crate) fn join(&mut self, other: Self) {
        match (self.since, other.since) {
            (_, None) => {}
            (Some(mine), Some(theirs)) if theirs.since(mine) < HOUR && mine.since(theirs) < HOUR => {
                self.since = Some(mine.min(theirs));
                self.calls = self.calls.max(other.calls);
                self.outward = self.outward.max(other.outward);
            }
            (Some(mine), Some(theirs)) if theirs < mine => {}
            _ => *self = other,
        }
    }

    fn turn(&mut self, now: Timestamp) {
        match self.since {
            Some(since) if now.since(since) >= HOUR => *self = Self::default(),
            // A clock that was set back: the hour begins now, or it would last until the clock is there again.
            Some(since) if now < since => self.since = Some(now),
            _ => {}
        }
    }
}

impl Over {
    pub(crate) fn then(self) -> Then {
        match self {
            Self::Calls { .. } => Then::Refuse,
            Self::OutwardBytes { .. } => Then::Ask(Approver::Person),
        }
    }
}
