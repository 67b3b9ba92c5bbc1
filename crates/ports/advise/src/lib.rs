//! Second opinions on a text: Azure Prompt Shields and Content Safety are asked, or a model on this machine, and what they
//! say becomes an [`Opinion`].
//!
//! A door asks [`Advisers`] where a server's configuration wants it, and [`verdict`] says what follows. What may never
//! happen here: that a text, a key or a token stands in an error, a log or the cache; that an answer which was not given
//! counts as a good one; that one tenant's answer, or how fast it came, tells another what was asked; that a slow or
//! failing service holds a call for longer than its deadline.
//!
//! Detectors are second to hard controls: policies, pins and flow rules hold when nobody here answers.

mod advisers;
mod answer;
mod breaker;
mod chunk;
mod credential;
mod local;
mod opinion;
mod pause;
mod service;
mod verdict;

pub use advisers::{
    Advisers, AdvisersConfig, AdvisersError, AzureConfig, ContentSettings, Direction, Question,
};
pub use answer::{Malformed, error_code, read_analysis, read_shields};
pub use chunk::{Pieces, cut};
pub use credential::{AdviserCredential, TokenFuture, Tokens};
pub use local::{Loading, LocalConfig, LocalError, LocalModel, Said, work};
pub use opinion::{Category, Content, Heard, Hit, NoOpinion, Opinion, Service};
pub use verdict::{Act, ByRisk, Reason, Risk, Thresholds, Verdict, verdict};
