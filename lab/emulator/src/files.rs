//! What is kept in the data folder, each file readable by its owner alone.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::SystemTime;

use crate::EmulatorError;
use crate::keys::{SigningKey, VALID_FOR};

/// Makes the folder, closed to others.
pub(crate) fn prepare(folder: &Path) -> Result<(), EmulatorError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| EmulatorError::file(folder, source))
}

/// Writes a file that only its owner may read. It appears whole or not at all.
pub(crate) fn write(folder: &Path, name: &str, content: &[u8]) -> Result<(), EmulatorError> {
    let (path, draft) = (folder.join(name), folder.join(format!("{name}.new")));
    let fail = |source| EmulatorError::file(&path, source);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(fail)?;
    // A draft left behind by a crash keeps the mode it was made with.
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(fail)?;
    file.write_all(content).map_err(fail)?;
    std::fs::rename(&draft, &path).map_err(fail)
}

/// Reads a kept file, or nothing if it is absent, older than the keys may be, or open to others.
pub(crate) fn fresh(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let mut file = std::fs::File::open(folder.join(name)).ok()?;
    let about = file.metadata().ok()?;
    let age = SystemTime::now().duration_since(about.modified().ok()?).unwrap_or_default();
    // A day is left over, so that a run that starts now does not see its certificates expire.
    if age + std::time::Duration::from_secs(24 * 3600) > VALID_FOR || about.permissions().mode() & 0o077 != 0
    {
        return None;
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content).ok()?;
    Some(content)
}

/// Takes up a signing key and its certificate, or makes them and keeps them.
pub(crate) fn signing_key(folder: &Path, name: &str) -> Result<SigningKey, EmulatorError> {
    let (key_file, certificate_file) = (format!("{name}.key.der"), format!("{name}.cert.der"));
    let kept = fresh(folder, &key_file).zip(fresh(folder, &certificate_file));
    if let Some(key) = kept.and_then(|(key, certificate)| SigningKey::restore(key, certificate).ok()) {
        return Ok(key);
    }
    let key = SigningKey::generate(name)?;
    write(folder, &key_file, key.pkcs8())?;
    write(folder, &certificate_file, key.certificate())?;
    Ok(key)
}

/// Takes over the keys that another data folder has.
pub(crate) fn take_keys(from: &Path, folder: &Path) {
    for name in keys_in(from) {
        let _made_anew = copy(&from.join(&name), &folder.join(&name));
    }
}

/// Leaves the keys of a data folder for others, unless there are some that will do.
pub(crate) fn leave_keys(folder: &Path, at: &Path) {
    if fresh(at, "signing.key.der").is_some() {
        return;
    }
    let draft = at.with_extension(std::process::id().to_string());
    if DirBuilder::new().mode(0o700).create(&draft).is_err() {
        return;
    }
    let copied = keys_in(folder).iter().all(|name| copy(&folder.join(name), &draft.join(name)).is_ok());
    // Absent, or too old.
    let _none = std::fs::remove_dir_all(at);
    // All at once: a key with another's certificate is none.
    if !copied || std::fs::rename(&draft, at).is_err() {
        let _gone = std::fs::remove_dir_all(&draft);
    }
}

/// The files of keys and of their certificates.
fn keys_in(folder: &Path) -> Vec<std::ffi::OsString> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "der")).collect()
}

/// Copies a file, and its age with it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let made = std::fs::metadata(from)?.modified()?;
    std::fs::copy(from, to)?;
    OpenOptions::new().write(true).open(to)?.set_modified(made)
}
