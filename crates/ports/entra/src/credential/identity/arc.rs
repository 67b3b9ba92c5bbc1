//! Azure Arc: the agent asks for the content of a file that only it and its group can read.
//!
//! Whatever listens on the agent's port could name any file and be sent what is in it. Only a key file in the agent's
//! own folder is read.

use std::path::{Path, PathBuf};

use http::HeaderMap;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use crate::credential::{CredentialError, is_token};

/// Where the agent leaves its key files.
pub(super) const FOLDER: &str = "/var/opt/azcmagent/tokens";

/// The longest key file.
const MAX_KEY: u64 = 4096;

/// Returns the `Authorization` that answers a challenge.
pub(super) async fn answer_to(
    headers: &HeaderMap,
    folder: &Path,
) -> Result<Zeroizing<String>, CredentialError> {
    let path = key_file(headers, folder)?;
    let key = read(&path).await?;
    Ok(Zeroizing::new(format!("Basic {}", *key)))
}

/// Finds the file that a challenge names, if it is one to be read.
fn key_file(headers: &HeaderMap, folder: &Path) -> Result<PathBuf, CredentialError> {
    let foreign = |why: &str| CredentialError::ArcKey {
        why: why.to_owned(),
        fix: "check what listens on its port: it may not be the agent (azcmagent show)",
    };
    let mut challenges = headers.get_all("www-authenticate").iter();
    let challenge = challenges.next().and_then(|value| value.to_str().ok());
    let realm = challenge.and_then(|text| text.trim().strip_prefix("Basic realm="));
    let (Some(realm), None) = (realm, challenges.next()) else {
        return Err(foreign("its challenge names no file"));
    };
    let name = Path::new(realm.trim().trim_matches('"')).strip_prefix(folder).ok().and_then(Path::to_str);
    let name = name.ok_or_else(|| foreign("it names a file outside of its own folder"))?;
    // One plain name: no folder, no way up, no name that is all ending.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.strip_suffix(".key") {
        Some(stem) if !stem.is_empty() && stem.chars().all(plain) => Ok(folder.join(name)),
        _ => Err(foreign("it names a file that is no key file")),
    }
}

async fn read(path: &Path) -> Result<Zeroizing<String>, CredentialError> {
    let bad = |why: String| CredentialError::ArcKey {
        why: format!("{} {why}", path.display()),
        fix: "add the door's user to the group himds (usermod -aG himds) and start it again",
    };
    let unreadable = |error: std::io::Error| bad(format!("cannot be read: {}", error.kind()));
    // A link in the folder leads elsewhere whatever its own name is.
    let kind = tokio::fs::symlink_metadata(path).await.map_err(unreadable)?;
    if !kind.is_file() {
        return Err(bad("is not a plain file".to_owned()));
    }
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let mut content = Zeroizing::new(Vec::with_capacity(4096));
    file.take(MAX_KEY + 1).read_to_end(&mut content).await.map_err(unreadable)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > MAX_KEY {
        return Err(bad(format!("is larger than {MAX_KEY} bytes")));
    }
    match std::str::from_utf8(&content).map(str::trim) {
        Ok(text) if is_token(text) => Ok(Zeroizing::new(text.to_owned())),
        _ => Err(bad("does not hold one line of text".to_owned())),
    }
}

#[cfg(test)]
mod tests;
