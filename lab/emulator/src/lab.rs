//! All the state of one running emulator.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::keys::KeyRing;
use crate::record::Transcript;
use crate::seed::Seed;
use crate::sync::locked;

/// What every request handler sees.
pub(crate) struct Lab {
    /// Who and what exists; never changes after the start.
    pub(crate) seed: Seed,
    pub(crate) clock: Clock,
    /// `https://127.0.0.1:PORT`: stands for `https://login.microsoftonline.com`.
    pub(crate) authority: String,
    pub(crate) ca_pem: String,
    /// What a caller of the control interface must present.
    pub(crate) control_key: String,
    keys: Mutex<KeyRing>,
    faults: Mutex<Faults>,
    transcript: Mutex<Transcript>,
    lifetime: Mutex<Option<Duration>>,
}

impl Lab {
    pub(crate) fn new(
        seed: Seed,
        clock: Clock,
        authority: String,
        ca_pem: String,
        control_key: String,
        keys: KeyRing,
    ) -> Self {
        Self {
            seed,
            clock,
            authority,
            ca_pem,
            control_key,
            keys: Mutex::new(keys),
            faults: Mutex::default(),
            transcript: Mutex::default(),
            lifetime: Mutex::default(),
        }
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, KeyRing> {
        locked(&self.keys)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn transcript(&self) -> MutexGuard<'_, Transcript> {
        locked(&self.transcript)
    }

    /// Returns the lifetime that was set for all tokens, if one was.
    pub(crate) fn token_lifetime(&self) -> Option<Duration> {
        *locked(&self.lifetime)
    }

    pub(crate) fn set_token_lifetime(&self, lifetime: Option<Duration>) {
        *locked(&self.lifetime) = lifetime;
    }

    /// Returns the base of Microsoft Graph.
    pub(crate) fn graph(&self) -> String {
        format!("{}/graph", self.authority)
    }
}
