//! The local door: around one server on stdio, for the person whose machine it is.
//!
//! A client starts it in the server's place. It starts the server (or reaches it, where it runs elsewhere), hands every message to the engine, and writes out what
//! comes back: the same way, policies and records as at the remote door. It judges nothing itself. Its standard output
//! carries MCP and nothing else; who speaks on its standard input is known without a token, since only the person
//! themselves could have started it.

mod asks;
mod front;
mod open;
mod ports;
mod tokens;

pub use asks::{Ask, Asked, Asking, Desktop, Terminal};
pub use front::Ended;
pub use open::{Behind, Guard, OpenError, Plan, Program, Seat, Trouble, local_user, open_log, open_store};
pub use ports::GuardPorts;
pub use tokens::{Allowed, NotAnApi, Tokens};
