//! A token of the door's own against one of Entra's, of the same person.

use std::hint::black_box;
use std::time::Instant;

use doorward_emulator::{MintRequest, Running};
use doorward_oauth::verify;

use crate::stage::{Stage, now};

const BLOCKS: usize = 200;
const EACH: u32 = 100;

/// Microseconds for each verification, block by block.
pub(crate) struct Compared {
    pub(crate) door: Vec<f64>,
    pub(crate) entra: Vec<f64>,
}

/// Verifies both in turns, so that a noisy moment hits both.
pub(crate) fn compare(stage: &Stage, emulator: &Running, door: &str) -> Compared {
    let entra = emulator.control().mint(&MintRequest::user("alice")).unwrap();
    let (ring, expected, now) = (stage.ring(), stage.expectation(), now());
    let block = |token: &str| {
        let began = Instant::now();
        for _ in 0..EACH {
            black_box(verify(black_box(token), &ring, &expected, now).expect("the token is good"));
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(EACH)
    };
    let mut compared = Compared { door: Vec::new(), entra: Vec::new() };
    for _ in 0..BLOCKS {
        compared.door.push(block(door));
        compared.entra.push(block(&entra));
    }
    compared
}
