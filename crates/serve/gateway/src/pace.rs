//! How fast the door does what it does unasked.

use std::time::Duration;

/// Times of the door's own that no configuration names: handed in, so that a test need not wait for them.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often sessions, children and keys are looked after.
    pub round: Duration,
    /// How long a client of HTTP+SSE may read nothing while something waits for it.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { round: Duration::from_secs(5), patience: Duration::from_secs(60) }
    }
}
