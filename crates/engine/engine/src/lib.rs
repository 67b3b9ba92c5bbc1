//! The way of a message, composed from the judgements.
//!
//! Both doors, the gateway and the guard, call [`Door::carry`] for every frame and implement [`Ports`], the outside
//! world as this crate may see it. It has no runtime, does no I/O, reads no clock and draws no randomness: all of that
//! is asked of the ports (D-26, D-30). Start reading at `pipeline.rs`.

mod answer;
mod authorize;
mod catalogue;
mod change;
mod door;
mod errand;
mod hear;
mod identify;
mod inspect;
mod pipeline;
mod ports;
mod record;
mod refusal;
mod release;
mod schema;
mod session;
mod sessions;
mod snapshot;
mod stage;
mod stream;

pub use catalogue::{Catalogue, CatalogueKey, Known, Tool};
pub use door::{Door, DoorLimits};
pub use errand::{Errand, ErrandKind};
pub use pipeline::Carried;
pub use ports::{
    Answer, Answered, AuditUnwritable, Events, GroupsUnavailable, More, Ports, RandomUnavailable, ReadError, UpstreamError,
    UpstreamFault,
};
pub use record::{CallId, Ending, IntentFacts, OutcomeFacts, RefusalFacts, StepTimes, Subject};
pub use refusal::{Challenge, Fault, Reason, Refusal, Reply, UnseenKind};
pub use release::Released;
pub use session::Seat;
pub use sessions::{Owner, Session, SessionRules};
pub use snapshot::{EraRule, ServerRules, Snapshot};
pub use stage::{Arrived, Authorization, Caller, Cleared};
pub use stream::ReleasedStream;
