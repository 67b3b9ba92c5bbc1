//! Why there is no proof: what, where, why, and what to do. Never what was in a file or an answer.

use std::path::PathBuf;

use crate::credential::identity::IdentityRefusal;

/// Why the door cannot prove that it is its application. Nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// A certificate cannot be used.
    #[error("the certificate cannot be used: {0}")]
    Certificate(String),
    /// The certificate's key cannot be used.
    #[error("the certificate's key cannot be used: {0}")]
    Key(String),
    /// Nothing could be signed.
    #[error("the certificate's key does not sign: {0}")]
    Signing(&'static str),
    /// A token file is not there, or closed to the door.
    #[error(
        "the token file {} cannot be read: {cause}; check that the pod has the label azure.workload.identity/use and its service account the annotation azure.workload.identity/client-id", .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// A token file holds no token.
    #[error("the token file {} is of no use: {why}; its only content is to be one token", .path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No answer from where the machine's identity comes from.
    #[error(
        "{endpoint} cannot be reached: {cause}; check that this machine runs in Azure and that nothing blocks the address, or choose another source in entra.credential"
    )]
    Unreachable {
        /// Who was asked.
        endpoint: String,
        /// Why there was no answer.
        cause: String,
    },
    /// The endpoint gives no token.
    #[error("{endpoint} gives no token: {refusal}")]
    Refused {
        /// Who was asked.
        endpoint: String,
        /// What it said.
        refusal: IdentityRefusal,
    },
    /// The endpoint's answer is not what is promised.
    #[error("an answer of {endpoint} cannot be used: {why}; whatever answers there may not be the platform")]
    BadAnswer {
        /// Who was asked.
        endpoint: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Azure Arc's agent names a file that may not be read for it, or it cannot be.
    #[error("the agent of Azure Arc is not answered: {why}; {fix}")]
    ArcKey {
        /// What is wrong with the file.
        why: String,
        /// What to do.
        fix: &'static str,
    },
    /// The request was ended by the program's end.
    #[error("the request was interrupted")]
    Interrupted,
}
