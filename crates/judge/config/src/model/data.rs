//! What is done about secrets and personal data.

use doorward_dlp::Row;
use doorward_types::ServerName;

/// `[data]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// How much text of one message is looked at, in bytes.
    pub read_bytes: usize,
    /// A message with more of it does not go on.
    pub refuses_unread: bool,
    /// What is done about what is found, in the order of the file.
    pub rules: Vec<DataRule>,
}

/// `[[data.rule]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRule {
    /// At which servers; at all if empty.
    pub servers: Vec<ServerName>,
    /// A row for each of what it is about.
    pub rows: Vec<Row>,
}

/// `data` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataUse {
    /// What `[data]` says.
    Rules,
    /// What is found is recorded, and goes on.
    Record,
    /// Nothing is looked for.
    Off,
}
