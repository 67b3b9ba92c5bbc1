//! Labels, and the rule about them.

use std::collections::BTreeSet;
use std::time::Duration;

use doorward_flow::{Labels, Rules};
use doorward_types::ServerName;

/// `[flow]`, and every `[[server.flow]]` or `[[label]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// What is done about it.
    pub mode: FlowMode,
    /// What each tool, resource and prompt is.
    pub labels: Labels,
    /// How many rows that are.
    pub rows: usize,
    /// What else the rule is made of.
    pub rules: Rules,
    /// The member of `_meta` that names a conversation.
    pub conversation: Option<String>,
    /// Servers whose definitions may be believed.
    pub definitions_trusted: BTreeSet<ServerName>,
    /// How long a question waits, and its answer for the call.
    pub approval_time: Duration,
    /// The role of those who may answer for others.
    pub approver_role: Option<String>,
}

/// `flow.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowMode {
    /// Calls are asked about, and refused.
    Enforce,
    /// They pass, and it is recorded what would have been done.
    Record,
    /// Nothing is remembered.
    Off,
}
