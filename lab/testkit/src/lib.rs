//! Shared fixtures: clients, temporary doors, fault injection.
//!
//! Who calls it: the suites in `tests/`, which run the built `doorward` program against servers and clients, ours and
//! other people's. A suite takes a [`Lab`] (an emulator and a folder), opens a [`DoorProcess`] in it and speaks to it
//! through a [`Client`], which has no manners: it says whatever a test asks it to.
//!
//! Other people's programs come with a [`Kit`], installed at pinned versions; a [`Person`] sits at the browser that they
//! open.
//!
//! What it may never do: depend on a crate of the product above the base. The door is a process that is told a file
//! and a port, as in a deployment, so that nothing a suite shows can lean on the inside.
//!
//! Whatever goes wrong while a fixture is set up fails the test with a panic; what goes wrong between a client and a
//! door is a value ([`Fault`]), because some suites cut connections on purpose.
#![expect(clippy::expect_used, clippy::panic, reason = "a fixture that cannot be set up is a failed test")]

mod client;
mod door;
mod kit;
mod lab;
mod model;
mod person;
mod program;
mod random;
mod run;
mod wait;

pub use client::{Client, Connection, Fault, Heard, call, initialize, modern};
pub use door::{DoorPlan, DoorProcess, free_port, program};
pub use kit::{Kit, bare};
pub use lab::Lab;
pub use model::TinyModel;
pub use person::{Person, Visit};
pub use program::Program;
pub use random::Random;
pub use run::{Ran, command, run};
pub use wait::{Appears, DEADLINE, within};
