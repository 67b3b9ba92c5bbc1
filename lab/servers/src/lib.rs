//! MCP servers, good and evil, to stand behind the door.
//!
//! Tests, the bench and the first run start them on loopback: [`echo`] is as cheap as a server can be and remembers
//! what it was asked, [`sample`] is the one people meet first, [`protected`] is that one behind a lock of its own,
//! [`tasks`] takes its time over some answers, [`evil`] misbehaves in one chosen way, [`old`] speaks HTTP+SSE, [`office`] answers what a test planted. All of them but `tasks`, which is of
//! 2026-07-28, speak both protocol revisions unless told otherwise.
//! [`naive`] is no server but a door: one with all the holes that ours must not have, for attacks to succeed against.
//!
//! All but `protected` never ask who calls: standing behind the door unguarded is their part. They must never be reachable from
//! another machine, and never be linked into a door built for packages.

pub mod echo;
pub mod evil;
pub mod naive;
pub mod office;
pub mod old;
pub mod protected;
pub mod sample;
pub mod tasks;

mod answer;
mod body;
mod dispatch;
mod endpoint;
mod json;
mod listen;
mod message;
mod modern;
mod outbound;
mod running;
mod sse;
mod state;
mod stdio;
mod transcript;

#[cfg(test)]
mod lab_tests;
#[cfg(test)]
mod testing;

pub use endpoint::Eras;
pub use running::Running;
pub use transcript::Recorded;
