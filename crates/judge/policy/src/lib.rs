//! Cedar policies: a request becomes a [`Permit`] or a [`Denial`] with reasons.
//!
//! The engine calls [`Policies::decide`] for every frame and [`Policies::sees`] for every item of a list; the command
//! line calls [`Policies::explain`], [`Policies::lint`] and [`cases`]. Policies are compiled once per snapshot, against
//! a schema that is generated from what the servers' tools declare, and cut into slices, so that a decision costs the
//! same under ten policies and under ten thousand (D-07).
//!
//! What this crate may never do: permit where no policy permits, where a policy failed to evaluate, or where the
//! servers' tools are not known; hand foreign JSON to Cedar's own JSON reader (D-06); make a [`Permit`] anywhere but in
//! [`Policies::decide`]; read a clock, a file or a random number.
//!
//! | entity | id | parents |
//! |---|---|---|
//! | `User`, `App` | `tid/oid` | its `Group`s, `Role`s and `Tenant` |
//! | `Group`, `Role`, `Tenant` | object id, app role value, `tid` | |
//! | `Tool`, `Prompt`, `Resource` | `server/name`, `server/name`, `server/uri` | `Server` |
//!
//! Actions: one per tool (`Action::"server/tool"`) in the group `Action::"tools/call"`, and `see`, `connect`,
//! `prompts/get`, `resources/read`, `sampling/createMessage`, `elicitation/create`, `roots/list`, `other`.

mod ask;
pub mod cases;
mod catalogue;
mod check;
mod compile;
mod context;
mod decide;
mod derive;
mod explain;
#[cfg(test)]
mod fixture;
mod index;
mod lint;
mod names;
mod principal;
mod problem;
mod rule;
mod schema;
mod shape;
mod slice;
mod target;
mod text;
mod validate;

pub use ask::{Ask, Item};
pub use catalogue::{PromptShape, ServerShape, ToolShape};
pub use compile::{Pending, Policies};
pub use decide::{Denial, Permit, PolicyError};
pub use explain::{Considered, Explanation, Outcome};
pub use principal::{Principal, PrincipalFacts, PrincipalKind};
pub use problem::PolicyProblem;
pub use text::PolicyText;
