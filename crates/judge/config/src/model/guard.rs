//! The guard's part of the file.

use std::path::{Path, PathBuf};

use doorward_types::{ClientId, ObjectId, TenantId};

use crate::net::Origin;

use super::{Audit, Cloud, Lab, Log, Policy, Rules};

/// `[guard]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The one tenant whose people sign in.
    pub tenant: TenantId,
    /// The public client.
    pub client_id: ClientId,
    /// The national cloud.
    pub cloud: Cloud,
    /// People who may use this machine's servers; with `allowed_groups` empty too, everybody of the tenant may.
    pub allowed_people: Vec<ObjectId>,
    /// Groups whose people may.
    pub allowed_groups: Vec<ObjectId>,
    /// What seals the tokens.
    pub cache: TokenCache,
    /// Where they lie, if not in the person's state folder.
    pub cache_dir: Option<PathBuf>,
    /// Whether the broker of the operating system is asked.
    pub broker: bool,
    /// A gateway's console, for those who decide there.
    pub console: Option<Console>,
}

/// `[guard.console]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// Where it is.
    pub url: Origin,
    /// What its tokens are asked for with.
    pub scope: String,
}

/// `guard.cache`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenCache {
    /// A key in the keychain.
    Keychain,
    /// A key from a passphrase: of this file, or typed.
    Passphrase(Option<PathBuf>),
    /// A key that lies in the file itself.
    InsecureFile,
}

/// What the guard needs of a file, with or without a gateway in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardConfig {
    /// Who signs in.
    pub guard: Guard,
    /// Where the policies are.
    pub policy: Policy,
    /// Rules beside those that are built in.
    pub rules: Rules,
    /// Where the record is kept.
    pub audit: Audit,
    /// Messages for the operator.
    pub log: Log,
    /// An emulator in Entra's place; `None` in every honest use (D-19).
    pub lab: Option<Lab>,
}

impl Guard {
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let passphrase = match &mut self.cache {
            TokenCache::Passphrase(file) => file.as_mut(),
            TokenCache::Keychain | TokenCache::InsecureFile => None,
        };
        self.cache_dir.iter_mut().chain(passphrase)
    }
}

impl GuardConfig {
    /// Takes relative paths as relative to `base`, the folder of the file.
    #[must_use]
    pub fn rebase(mut self, base: &Path) -> Self {
        let audit = [&mut self.audit.dir, &mut self.audit.key_file, &mut self.audit.checkpoint_dir];
        let lab = self.lab.iter_mut().map(|lab| &mut lab.ca_file);
        for path in
            self.guard.paths().chain(self.rules.paths()).chain([&mut self.policy.dir]).chain(audit).chain(lab)
        {
            *path = base.join(&*path);
        }
        self
    }
}
