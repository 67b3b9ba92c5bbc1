//! The hash-chained, signed record of what happened, which nobody can rewrite unseen.
//!
//! Both doors write to it: an intent before an upstream is called, an outcome before the last byte of the answer is
//! released, a refusal in their place. The command line reads and verifies it. Security engineers read it with `jq`:
//! JSON Lines, one record a line, members always in the same order.
//!
//! It may never hold content or secrets (its record types have no member for them), never let a call go on whose
//! intent is not written, and never sign with a key that lies beside the log.

mod clock;
mod config;
mod encode;
mod error;
mod flood;
mod health;
mod journal;
mod keys;
mod log;
mod open;
mod read;
mod record;
mod scan;
mod sink;
mod storage;
#[cfg(test)]
mod testing;
mod verify;

pub use config::{AuditConfig, Durability, Timer};
pub use error::AuditError;
pub use journal::{Asked, Journal, ending};
pub use keys::{
    AuditKeys, Digest, KeyError, Part, Pseudonym, PublicKey, SigningKey, Subject, SubjectFacts, Who,
    replace_file,
};
pub use log::AuditLog;
pub use read::{Filter, Reader, Record, render, show, tail};
pub use record::{
    Alarm, CallId, Ending, Fault, Finding, Grant, Intent, Outcome, PinAct, RefusedRecord, Step, Target,
};
pub use sink::{CheckpointSink, FileSink, TracingSink};
pub use verify::{Anchor, OpenIntent, Problem, VerifyInputs, VerifyReport, verify};
