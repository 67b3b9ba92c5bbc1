//! Where MCP clients keep their servers, what those start, and how to start them behind the door instead.
//!
//! The CLI's `wrap` and `unwrap` call it: they find and write the files, this crate reads texts and makes texts. A text is
//! somebody else's: it is read strictly, members that two readers could take differently are refused, and what is not
//! edited stays byte for byte. It never opens a file, never starts anything, and never keeps the value of an environment
//! variable, which is where these files hold their secrets.

mod edit;
mod families;
mod json;
mod node;
mod read;
mod risk;
mod secret;
#[cfg(test)]
mod tests;
mod toml;
mod yaml;

pub use edit::{EditError, State, guard_name, unwrap, wrap};
pub use families::{FAMILIES, Family, Folder, Format, Os, Place, UNSUPPORTED, Unsupported};
pub use node::ReadError;
pub use read::{Document, Server, Starts};
pub use risk::{Risk, risks};
pub use secret::masked;
