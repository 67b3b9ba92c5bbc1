//! Who signs in on one person's machine, and where their tokens lie: Entra asked as a public client.
//!
//! The guard and the command line ask [`Accounts`] for a token. It looks in the cache, redeems the refresh token, asks the
//! identity broker of the operating system, and shows a sign-in page only where Entra says that the person is needed and
//! the caller permits it. It may never hold a secret of its own (a public client has none), show a page for an error that
//! no person can mend, put a token into an argument, an environment, a log or a file that is not sealed, or take one
//! person's token for another's.

mod accounts;
mod broker;
mod browser;
mod cache;
mod device;
mod error;
mod harden;
mod key;
mod lock;
mod random;

pub use accounts::{Account, Accounts, AccountsConfig, Ask, Interactive, Refused, Screen, Source, Token};
pub use broker::{Broker, BrokerAsk, BrokerError, BrokerToken, Brokering, LinuxBroker};
pub use cache::{Cache, CacheError};
pub use device::Shown;
pub use error::{AccountsError, Needed};
pub use harden::{Hardened, harden};
pub use key::{InsecureKeyBeside, Key, KeyError, KeyId, KeySource, Keying, Passphrase, SecretService};
