//! Why pins cannot be read or an act not be done.

use doorward_pins::{PinError, RecordError};
use doorward_store::StoreError;
use doorward_types::ServerName;

/// Why pins cannot be read, or an act not be done. None of these texts is for a caller of the door.
#[derive(Debug, thiserror::Error)]
pub enum PinboardError {
    /// The store does not answer, or a row was altered.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rows do not fit each other.
    #[error(
        "the pins of `{server}` are not what a door wrote: {what}; keep a copy of the store as evidence, then restore a backup"
    )]
    Spoilt {
        /// Whose.
        server: ServerName,
        /// What does not fit.
        what: &'static str,
    },
    /// A pin cannot be read.
    #[error(
        "a pin of `{server}` cannot be read: {cause}; restore a backup of the store, or start the newer program again"
    )]
    Record {
        /// Whose.
        server: ServerName,
        /// Why not.
        cause: RecordError,
    },
    /// The act does not fit what is there.
    #[error(transparent)]
    Act(#[from] PinError),
    /// Nothing of that name.
    #[error(
        "nothing is pinned and nothing waits under the name `{0}`; `doorward pin list` shows what there is"
    )]
    Nothing(String),
    /// Several things of that name.
    #[error("`{name}` is the name of several: {}; say which with --server, --kind or --hash", .of.join(", "))]
    Several {
        /// The name.
        name: String,
        /// What has it.
        of: Vec<String>,
    },
    /// There is nothing to go back to.
    #[error("`{0}` has no earlier definition to go back to")]
    NoEarlier(String),
    /// Others write all the time.
    #[error("others change the pins of `{0}` at the same time; try again")]
    Busy(ServerName),
    /// Too many acts wait for the audit log.
    #[error("{0} acts wait to be written into the audit log; start the door, which does so")]
    Unrecorded(usize),
}
