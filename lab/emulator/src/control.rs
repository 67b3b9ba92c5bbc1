//! The control interface, in process.

use std::sync::Arc;
use std::time::Duration;

use doorward_types::Timestamp;

use crate::EmulatorError;
use crate::faults::Fault;
use crate::lab::Lab;
use crate::mint::{self, MintRequest};
use crate::record::Recorded;

/// Moves the clock, arms faults, reads the transcript, rolls keys and makes tokens.
#[derive(Clone)]
pub struct Control(Arc<Lab>);

impl Control {
    pub(crate) fn new(lab: Arc<Lab>) -> Self {
        Self(lab)
    }

    /// Returns the emulator's time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Sets the emulator's clock.
    pub fn set_clock(&self, to: Timestamp) {
        self.0.clock.set(to);
    }

    /// Moves the emulator's clock forward.
    pub fn advance(&self, span: Duration) {
        self.0.clock.advance(span);
    }

    /// Sets the lifetime of access tokens from now on; `None` gives back Entra's 60 to 90 minutes.
    pub fn set_token_lifetime(&self, lifetime: Option<Duration>) {
        self.0.set_token_lifetime(lifetime);
    }

    /// Signs with a new key from now on; the old ones stay published. Returns the new key's id.
    ///
    /// # Errors
    /// [`EmulatorError::Crypto`] if no key can be made.
    pub fn rollover(&self) -> Result<String, EmulatorError> {
        let mut ring = self.0.keys();
        ring.roll_over()?;
        Ok(ring.current()?.kid.clone())
    }

    /// Withdraws every key but the one that signs.
    pub fn remove_old_keys(&self) {
        self.0.keys().remove_old();
    }

    /// Returns the id of the key that signs.
    ///
    /// # Errors
    /// [`EmulatorError::Crypto`] never in practice: there is always a key.
    pub fn signing_kid(&self) -> Result<String, EmulatorError> {
        Ok(self.0.keys().current()?.kid.clone())
    }

    /// Arms a fault.
    pub fn fault(&self, fault: Fault) {
        self.0.faults().arm(fault);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.0.faults().clear();
    }

    /// Returns every request since the start or the last clearing, oldest first, the control interface's own left out.
    pub fn transcript(&self) -> Vec<Recorded> {
        self.0.transcript().all()
    }

    /// Forgets the requests so far.
    pub fn clear_transcript(&self) {
        self.0.transcript().clear();
    }

    /// Makes a token to order.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for a name that is not in the seed.
    pub fn mint(&self, request: &MintRequest) -> Result<String, EmulatorError> {
        mint::mint(&self.0, request)
    }

    /// Returns what a caller of `/_lab` must send as `x-lab-control-key`.
    pub fn key(&self) -> &str {
        &self.0.control_key
    }
}
