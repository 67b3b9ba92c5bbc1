//! All the state of one running emulator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

use crate::clock::Clock;
use crate::documents::Document;
use crate::faults::Faults;
use crate::keys::{KeyRing, RsaPublic, SigningKey, thumbprints};
use crate::record::Transcript;
use crate::safety::Safety;
use crate::seed::{App, Seed};
use crate::store::{RegisteredCertificate, Store};
use crate::sync::locked;
use crate::third_party::ThirdParty;
use crate::vault::VaultKey;
use crate::{EmulatorError, files, tokens};

/// Where the services are found.
pub(crate) struct Origins {
    pub(crate) authority: String,
    pub(crate) identity: String,
    pub(crate) vault: String,
    pub(crate) content_safety: String,
    pub(crate) third_party: String,
    pub(crate) documents: String,
}

/// What Entra tells devices.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// What every request handler sees.
pub(crate) struct Lab {
    /// Who and what exists; never changes after the start.
    pub(crate) seed: Seed,
    pub(crate) clock: Clock,
    /// `https://127.0.0.1:PORT`: stands for `https://login.microsoftonline.com`.
    pub(crate) authority: String,
    /// The other services.
    pub(crate) origins: Origins,
    pub(crate) ca_pem: String,
    /// What a caller of the control interface must present.
    pub(crate) control_key: String,
    data_dir: Option<PathBuf>,
    keys: Mutex<KeyRing>,
    faults: Mutex<Faults>,
    transcript: Mutex<Transcript>,
    lifetime: Mutex<Option<Duration>>,
    poll_interval: Mutex<Duration>,
    store: Mutex<Store>,
    client_keys: Mutex<BTreeMap<String, Arc<SigningKey>>>,
    vault_keys: Mutex<BTreeMap<String, Arc<VaultKey>>>,
    safety: Mutex<Safety>,
    arc_challenges: Mutex<BTreeSet<String>>,
    third_party: Mutex<ThirdParty>,
    documents: Mutex<BTreeMap<String, Document>>,
}

impl Lab {
    pub(crate) fn new(
        seed: Seed,
        clock: Clock,
        origins: Origins,
        ca_pem: String,
        control_key: String,
        data_dir: Option<PathBuf>,
        keys: KeyRing,
    ) -> Self {
        Self {
            seed,
            clock,
            authority: origins.authority.clone(),
            origins,
            ca_pem,
            control_key,
            data_dir,
            keys: Mutex::new(keys),
            faults: Mutex::default(),
            transcript: Mutex::default(),
            lifetime: Mutex::default(),
            poll_interval: Mutex::new(POLL_INTERVAL),
            store: Mutex::default(),
            client_keys: Mutex::default(),
            vault_keys: Mutex::default(),
            safety: Mutex::default(),
            arc_challenges: Mutex::default(),
            third_party: Mutex::default(),
            documents: Mutex::default(),
        }
    }

    /// Returns what the third-party authorization server has given out.
    pub(crate) fn third_party(&self) -> MutexGuard<'_, ThirdParty> {
        locked(&self.third_party)
    }

    pub(crate) fn documents(&self) -> MutexGuard<'_, BTreeMap<String, Document>> {
        locked(&self.documents)
    }

    /// Returns the blocklists, and who has asked how often.
    pub(crate) fn safety(&self) -> MutexGuard<'_, Safety> {
        locked(&self.safety)
    }

    /// Returns the answers that Arc expects, each good once.
    pub(crate) fn arc_challenges(&self) -> MutexGuard<'_, BTreeSet<String>> {
        locked(&self.arc_challenges)
    }

    /// Returns the folder for what a caller must be able to read from disk.
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// Returns a key of the vault, made when it is first asked for.
    pub(crate) fn vault_key(&self, name: &str) -> Result<Option<Arc<VaultKey>>, EmulatorError> {
        if !self.seed.key_vault.keys.iter().any(|known| known == name) {
            return Ok(None);
        }
        let mut keys = locked(&self.vault_keys);
        if let Some(key) = keys.get(name) {
            return Ok(Some(Arc::clone(key)));
        }
        let key = Arc::new(match &self.data_dir {
            Some(folder) => VaultKey::kept(folder, name)?,
            None => VaultKey::generate()?,
        });
        keys.insert(name.to_owned(), Arc::clone(&key));
        Ok(Some(key))
    }

    pub(crate) fn keys(&self) -> MutexGuard<'_, KeyRing> {
        locked(&self.keys)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn transcript(&self) -> MutexGuard<'_, Transcript> {
        locked(&self.transcript)
    }

    /// Returns the lifetime that was set for all tokens, if one was.
    pub(crate) fn token_lifetime(&self) -> Option<Duration> {
        *locked(&self.lifetime)
    }

    pub(crate) fn set_token_lifetime(&self, lifetime: Option<Duration>) {
        *locked(&self.lifetime) = lifetime;
    }

    /// Returns how long a device is told to wait between two polls.
    pub(crate) fn poll_interval(&self) -> Duration {
        *locked(&self.poll_interval)
    }

    pub(crate) fn set_poll_interval(&self, interval: Duration) {
        *locked(&self.poll_interval) = interval;
    }

    /// Returns what changes. Hold it for one statement: it is not handed on to functions that take it again.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        locked(&self.store)
    }

    /// Returns the issuer of workload tokens, standing for a cluster's or a pipeline's.
    pub(crate) fn workload_issuer(&self) -> String {
        format!("{}/workload", self.authority)
    }

    /// Finds a key of a foreign issuer. The workload issuer and Entra itself sign with the emulator's own keys.
    pub(crate) fn issuer_key(&self, issuer: &str, kid: &str) -> Option<RsaPublic> {
        let own = self.seed.tenants.iter().any(|tenant| tokens::issuer(self, tenant, 2) == issuer);
        if own || issuer == self.workload_issuer() {
            return self.keys().find(kid).map(|key| key.public());
        }
        self.store().issuers.get(&(issuer.to_owned(), kid.to_owned())).cloned()
    }

    /// Registers a certificate on an application.
    pub(crate) fn register_certificate(&self, client: &App, certificate: &[u8]) -> Result<(), EmulatorError> {
        let der = CertificateDer::from(certificate);
        let parsed = ParsedCertificate::try_from(&der)
            .map_err(|error| EmulatorError::Certificate(error.to_string()))?;
        self.store().certificates.push(RegisteredCertificate {
            client: client.id.clone(),
            thumbprints: thumbprints(certificate),
            spki: parsed.subject_public_key_info().to_vec(),
        });
        Ok(())
    }

    /// Returns the key of an application's certificate. It is made when it is first asked for: few tests need it.
    pub(crate) fn client_key(&self, client: &App) -> Result<Arc<SigningKey>, EmulatorError> {
        if !client.certificate {
            return Err(EmulatorError::unknown("app with a certificate", &client.name));
        }
        let mut keys = locked(&self.client_keys);
        if let Some(key) = keys.get(&client.id) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(match &self.data_dir {
            Some(folder) => kept_or_made(folder, client)?,
            None => SigningKey::generate(&client.name)?,
        });
        self.register_certificate(client, key.certificate())?;
        keys.insert(client.id.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// Returns the base of Microsoft Graph.
    pub(crate) fn graph(&self) -> String {
        format!("{}/graph", self.authority)
    }
}

/// Takes up a client's key from the data folder or makes one, and leaves it there as PEM for the client to use.
fn kept_or_made(folder: &Path, client: &App) -> Result<SigningKey, EmulatorError> {
    let key = files::signing_key(folder, &client.name)?;
    let (certificate, private) = key.pem();
    files::write(folder, &format!("{}.cert.pem", client.name), certificate.as_bytes())?;
    files::write(folder, &format!("{}.key.pem", client.name), private.as_bytes())?;
    Ok(key)
}
