//! The way of a message, composed from the judgements.
//!
//! Both doors, the gateway and the guard, call [`Door::carry`] for every frame and implement [`Ports`], the outside
//! world as this crate may see it. It has no runtime, does no I/O, reads no clock and draws no randomness: all of that
//! is asked of the ports (D-26, D-30). Start reading at `pipeline.rs`.
//!
//! # No second way
//! A frame leaves for a server as a [`Cleared`], an errand of the door's own as an [`Errand`]. Neither can be made, taken
//! apart or copied outside the steps that judge; nor can a permit, or a caller's identity. None of these compiles:
//!
//! ```compile_fail,E0451
//! // A cleared frame out of thin air.
//! fn forge<P: doorward_engine::Ports>(cleared: doorward_engine::Cleared<P>) -> doorward_engine::Cleared<P> {
//!     doorward_engine::Cleared { era: doorward_wire::Era::Legacy, ..cleared }
//! }
//! ```
//! ```compile_fail,E0599
//! // One permit for two frames.
//! fn twice<P: doorward_engine::Ports>(cleared: doorward_engine::Cleared<P>) -> doorward_engine::Cleared<P> {
//!     cleared.clone()
//! }
//! ```
//! ```compile_fail,E0616
//! // Other bytes under the same permit.
//! fn swap<P: doorward_engine::Ports>(mut cleared: doorward_engine::Cleared<P>) {
//!     cleared.bytes = bytes::Bytes::new();
//! }
//! ```
//! ```compile_fail,E0624
//! // An errand of one's own.
//! fn errand<P: doorward_engine::Ports>() {
//!     let _ = doorward_engine::Errand::<P>::new;
//! }
//! ```
//! ```compile_fail,E0599
//! // A permit without a policy.
//! fn permit() -> doorward_policy::Permit {
//!     doorward_policy::Permit::default()
//! }
//! ```
//! ```compile_fail,E0308
//! // The same permit for another frame.
//! fn copy(permit: &doorward_policy::Permit) -> doorward_policy::Permit {
//!     permit.clone()
//! }
//! ```
//! ```compile_fail,E0451
//! // Another person's identity by changing a member of one's own.
//! fn become_them(me: doorward_oauth::Identity, them: doorward_types::ObjectId) -> doorward_oauth::Identity {
//!     doorward_oauth::Identity { object: them, ..me }
//! }
//! ```
//! ```compile_fail,E0451
//! // A caller who was never identified.
//! fn caller(of: doorward_engine::Caller, owner: doorward_engine::Owner) -> doorward_engine::Caller {
//!     doorward_engine::Caller { owner, ..of }
//! }
//! ```

mod advise;
mod answer;
mod authorize;
mod bridge;
mod catalogue;
mod change;
mod consent;
mod content;
mod door;
mod down;
mod eras;
mod errand;
mod eyes;
mod flows;
mod guard;
mod hear;
mod identify;
mod inspect;
mod leaks;
mod modern;
mod onward;
mod pinned;
mod pipe;
mod pipeline;
mod ports;
mod record;
mod refusal;
mod release;
mod replay;
mod rounds;
mod schema;
mod send;
mod session;
mod sessions;
mod snapshot;
mod stage;
mod stream;
mod streams;
mod tasks;
mod up;

pub use advise::{Advice, AdviseOn, AdviseRules, Advised};
pub use catalogue::{Catalogue, CatalogueKey, Known, Tool};
pub use content::{Budget, Form, Injected, ResultRules, Spotlight};
pub use door::{Door, DoorLimits};
pub use eras::Acquaintance;
pub use errand::{Errand, ErrandKind};
pub use eyes::{Flagged, Found, Suspicion};
pub use flows::{FlowMode, FlowRules};
pub use guard::{ElicitationRules, Pages, Unasked, Urls, Visit};
pub use leaks::DataRules;
pub use pinned::{Drifted, Elsewhere, Learned, ListKey, LookAlikes, PinRules, PinSet, Pins, PinsUnwritable};
pub use pipe::{Carrier, Framing, Pipe};
pub use pipeline::{Carried, Entered};
pub use ports::{
    Answer, Answered, Approval, AuditUnwritable, Consent, Events, Going, GroupsUnavailable, KeptLabels,
    LabelsError, More, Need, Plea, Ports, Question, RandomUnavailable, ReadError, UpstreamError,
    UpstreamFault,
};
pub use record::{CallId, Done, Ending, IntentFacts, Noted, OutcomeFacts, RefusalFacts, StepTimes, Subject};
pub use refusal::{Challenge, Fault, Held, Reason, Refusal, Reply, UnseenKind, Withheld};
pub use release::Released;
pub use replay::{Departure, Detached};
pub use session::Seat;
pub use sessions::{Owner, Session, SessionRules};
pub use snapshot::{EraRule, ServerRules, Snapshot};
pub use stage::{Arrived, Caller, Cleared, Sole};
pub use stream::ReleasedStream;
pub use tasks::NoTask;
