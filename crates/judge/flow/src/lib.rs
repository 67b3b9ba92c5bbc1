//! Which text came from where, and what may leave: labels on sources and sinks, folded over a person's grant.
//!
//! One model reads what all servers answer and writes what all of them are sent. So whoever wrote a page can have it
//! send what another server gave, and no single call looks wrong. What does not depend on recognising the page is
//! arithmetic: private data, untrusted text and a way out, together in one grant, need a person or are refused. It holds
//! with every detector off, and for attacks that nobody has seen.
//!
//! The engine asks [`Flow::before`] before each call and [`Flow::after`] with its answer; one [`Flow`] is kept for each
//! [`Key`]. This crate reads no clock, stores nothing, and never changes what a list shows: a tool that may not be used
//! now may be used later (D-20).

mod key;
mod label;
mod labels;
mod rules;
mod sink;
mod state;
mod verdict;

pub use key::{Key, Thread};
pub use label::{Confidentiality, Integrity, Label};
pub use labels::{Entry, Item, LabelError, Labels, Nature};
pub use rules::{Approver, Rules};
pub use sink::{Audience, Place, Sink, SinkError};
pub use state::{Call, Cause, Fallen, Flow, FormError, Judged, Outcome, Ticket};
pub use verdict::{Approved, Mark, Reason, Source, Verdict};
