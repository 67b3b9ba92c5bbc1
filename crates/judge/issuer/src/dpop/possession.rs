//! The door's half of a proof of possession: the nonces it hands out, and the proofs it has seen (RFC 9449 sections 8, 9
//! and 11.1).

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::Timestamp;
use subtle::ConstantTimeEq;

use super::{DpopError, Proof, judge_proof};

/// How long one nonce is handed out. It is good for as long again, so that nobody is refused at the turn.
const PERIOD: Duration = Duration::from_secs(30);

/// Periods that a request may be late by: it read its clock, waited for Entra, and another one came in between. A clock
/// further behind was set back.
const LATE: i64 = 10;

/// Proofs remembered for each nonce and endpoint: 17,000 a second, in at most 18 MB.
const MOST: usize = 1 << 19;

/// What a proof has to prove.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The verb of the request.
    pub method: &'a str,
    /// The address of the endpoint, as the door publishes it: never what the request says of itself.
    pub htu: &'a str,
    /// The access token that came along, and the key it is bound to; `None` at the token endpoint.
    pub token: Option<(&'a str, &'a str)>,
}

/// Judges the proofs of one door. A proof is good once: it carries a nonce of this very process, and what was proven
/// under a nonce is remembered for as long as the nonce is good. So neither a restart nor a clock that jumps makes a
/// proof good again, and nobody can make proofs in advance.
pub struct Possession {
    key: hmac::Key,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By which period of the wall clock the present nonce was made.
    period: i64,
    /// Which nonce it is. It only ever grows, whatever the clock does.
    turn: u64,
    now: Used,
    before: Used,
}

/// What was proven under one nonce: at the token endpoint, where anybody may prove a key, and at servers, where only
/// holders of tokens may. The one cannot fill up the other.
#[derive(Default)]
struct Used {
    for_tokens: HashSet<[u8; 16]>,
    with_tokens: HashSet<[u8; 16]>,
}

impl Seen {
    /// Goes on to the next nonce, or past the next if so much time has passed.
    fn turn(&mut self, now: Timestamp) -> u64 {
        let period = now.as_secs().div_euclid(PERIOD.as_secs().cast_signed());
        match period.saturating_sub(self.period) {
            // Were the late to turn it back, the next in time would turn it on, and nobody's nonce would be good.
            late if (-LATE..=0).contains(&late) => return self.turn,
            1 => {
                self.before = mem::take(&mut self.now);
                self.turn += 1;
            }
            _ => {
                (self.now, self.before) = Default::default();
                self.turn += 2;
            }
        }
        self.period = period;
        self.turn
    }

    /// Remembers a proof.
    fn take(&mut self, turn: u64, with_token: bool, id: [u8; 16]) -> Result<(), DpopError> {
        let used = match self.turn.checked_sub(turn) {
            Some(0) => &mut self.now,
            Some(1) => &mut self.before,
            _ => return Err(DpopError::Nonce),
        };
        let set = if with_token { &mut used.with_tokens } else { &mut used.for_tokens };
        if set.contains(&id) {
            return Err(DpopError::Replayed);
        }
        if set.len() >= MOST {
            return Err(DpopError::Full);
        }
        set.insert(id);
        Ok(())
    }
}

impl Possession {
    /// Begins with a secret of the operating system's, drawn for this process alone.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), seen: Mutex::default() }
    }

    /// Returns the nonce to hand out now.
    pub fn nonce(&self, now: Timestamp) -> String {
        let turn = self.lock().turn(now);
        self.written(turn)
    }

    /// Judges the one proof of a request, and remembers it. Returns the thumbprint of the key that made it.
    ///
    /// # Errors
    /// The one [`DpopError`] that came first. A proof is used up by succeeding, and by nothing else.
    pub fn prove(&self, proof: &str, asked: &Asked<'_>, now: Timestamp) -> Result<String, DpopError> {
        let turn = self.lock().turn(now);
        let mut made_in = None;
        let mut nonce = |given: &str| {
            let good = |turn: &u64| bool::from(self.written(*turn).as_bytes().ct_eq(given.as_bytes()));
            made_in = [turn, turn.wrapping_sub(1)].into_iter().find(good);
            made_in.is_some()
        };
        let token = asked.token.map(|(token, _)| token);
        let Proof { jkt, jti, .. } = judge_proof(proof, asked.method, asked.htu, token, &mut nonce, now)?;
        // Any key proves itself; only the one that the token was given to proves the token.
        if asked.token.is_some_and(|(_, bound)| bound != jkt) {
            return Err(DpopError::OtherKey);
        }
        self.lock().take(made_in.ok_or(DpopError::Nonce)?, token.is_some(), named(&jkt, &jti))?;
        Ok(jkt)
    }

    fn written(&self, turn: u64) -> String {
        let turn = turn.to_be_bytes();
        let tag = hmac::sign(&self.key, &turn);
        let tag: Vec<u8> = turn.iter().chain(tag.as_ref()).copied().take(24).collect();
        URL_SAFE_NO_PAD.encode(tag)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A proof is named by its maker and the name it gave: nobody can use up another's.
fn named(jkt: &str, jti: &str) -> [u8; 16] {
    let mut hash = Context::new(&SHA256);
    hash.update(jkt.as_bytes());
    hash.update(&[0]);
    hash.update(jti.as_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    id
}

#[cfg(test)]
mod tests;
