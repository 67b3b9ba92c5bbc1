//! Two things that outlive a restart for the sake of labels: what each sign-in has read ([`labels`]), and what people were
//! asked about single calls and said ([`Approvals`]).
//!
//! Both doors and the command line use it, on one store, several processes at once: every write is a compare-and-swap. It
//! may never let one approval open two calls, let somebody approve who may not, or take a row that cannot be read for one
//! that says nothing.

mod approvals;
pub mod labels;
mod question;

pub use approvals::{AnswerError, Approvals, By, Taken};
pub use question::{Answer, Question, State};
