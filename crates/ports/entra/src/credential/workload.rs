//! Workload identity: the platform keeps a token of its own issuer in a file, and Entra takes that for a proof.

use std::path::PathBuf;

use doorward_types::Secret;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use super::{CredentialError, is_token};

/// No token of a platform is that large; a wrong path may be (`/dev/zero`).
const MAX_TOKEN: u64 = 64 * 1024;

/// A token file, `AZURE_FEDERATED_TOKEN_FILE` of Kubernetes. It is read anew each time: the platform replaces it long
/// before it expires, and what is never kept never gets old.
pub struct WorkloadIdentity {
    path: PathBuf,
}

impl WorkloadIdentity {
    /// Takes the file's path; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    pub(super) async fn read(&self) -> Result<Secret<String>, CredentialError> {
        let unreadable = |error: std::io::Error| CredentialError::Unreadable {
            path: self.path.clone(),
            cause: error.kind().to_string(),
        };
        let no_token = |why| CredentialError::NoToken { path: self.path.clone(), why };
        let file = tokio::fs::File::open(&self.path).await.map_err(unreadable)?;
        let mut content = Zeroizing::new(Vec::with_capacity(4096));
        file.take(MAX_TOKEN + 1).read_to_end(&mut content).await.map_err(unreadable)?;
        if u64::try_from(content.len()).unwrap_or(u64::MAX) > MAX_TOKEN {
            return Err(no_token("it is larger than any token"));
        }
        let text = std::str::from_utf8(&content).map_err(|_| no_token("it is not text"))?.trim();
        if text.is_empty() {
            return Err(no_token("it is empty"));
        }
        if !is_token(text) || text.split('.').count() != 3 {
            return Err(no_token("it holds no signed token (three parts with dots between them)"));
        }
        Ok(Secret::new(text.to_owned()))
    }
}
