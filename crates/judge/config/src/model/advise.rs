//! `[advise]`, and what servers say of it.

use std::path::PathBuf;
use std::time::Duration;

use crate::net::Origin;

/// `[advise]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advise {
    /// Where the services are; `https`.
    pub endpoint: Origin,
    /// With what to ask.
    pub credential: AdviseCredential,
    /// Whether Prompt Shields are asked.
    pub prompt_shields: bool,
    /// What Content Safety is asked, if it is.
    pub content_safety: Option<ContentSafety>,
    /// How long a call may wait.
    pub deadline: Duration,
    /// The most pieces of one text.
    pub pieces: usize,
    /// How long an answer is kept.
    pub keep: Duration,
    /// What follows where something was found.
    pub on_finding: AdviseByRisk,
    /// What follows where an opinion is missing.
    pub on_failure: AdviseByRisk,
}

/// With what the advisers are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdviseCredential {
    /// Tokens of the door's own identity.
    Entra,
    /// A key of a file.
    KeyFile(PathBuf),
}

/// What Content Safety is asked: the severity from which on each category counts, and lists. At least one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentSafety {
    /// Hate and unfairness.
    pub hate: Option<u8>,
    /// Harm to oneself.
    pub self_harm: Option<u8>,
    /// Sexual content.
    pub sexual: Option<u8>,
    /// Violence.
    pub violence: Option<u8>,
    /// Lists of the resource, none twice.
    pub blocklists: Vec<String>,
}

/// What follows, by risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdviseByRisk {
    /// For servers of high risk.
    pub high: AdviseAct,
    /// For servers of low risk.
    pub low: AdviseAct,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviseAct {
    /// The text does not go on.
    Refuse,
    /// It goes on, and is recorded.
    Flag,
}

/// What the advisers are asked about of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviseScope {
    /// Nothing.
    Off,
    /// What it answers.
    Results,
    /// What it answers, and what it is sent.
    Both,
}

/// What a server can do at the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Much: a missing opinion refuses, unless `[advise]` says otherwise.
    High,
    /// Little.
    Low,
}
