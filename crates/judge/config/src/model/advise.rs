//! `[advise]`, and what servers say of it.

use std::path::PathBuf;
use std::time::Duration;

use crate::net::Origin;

/// `[advise]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advise {
    /// Azure's services, if they are asked. They or the model are.
    pub azure: Option<AdviseAzure>,
    /// A model on this machine, if there is one.
    pub model: Option<AdviseModel>,
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

impl Advise {
    /// Every path in it.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let credential = self.azure.iter_mut().filter_map(|azure| match &mut azure.credential {
            AdviseCredential::KeyFile(file) => Some(file),
            AdviseCredential::Entra => None,
        });
        credential.chain(self.model.iter_mut().flat_map(|model| [&mut model.file, &mut model.tokenizer]))
    }
}

/// Which of Azure's services are asked, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdviseAzure {
    /// Where the services are; `https`.
    pub endpoint: Origin,
    /// With what to ask.
    pub credential: AdviseCredential,
    /// Whether Prompt Shields are asked.
    pub prompt_shields: bool,
    /// What Content Safety is asked, if it is.
    pub content_safety: Option<ContentSafety>,
}

/// `advise.model`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdviseModel {
    /// The model's file, ONNX.
    pub file: PathBuf,
    /// Its `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// The SHA-256 of both, one after the other.
    pub sha256: Option<[u8; 32]>,
    /// The label which says that all is well, counted from 0.
    pub benign: u8,
    /// Tokens that it reads at once.
    pub window: u32,
    /// The percentage from which on it counts.
    pub sure: u8,
    /// Whether walls are put around its process.
    pub sandbox: bool,
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
