//! The control interface, in process.

use std::sync::Arc;
use std::time::Duration;

use doorward_types::Timestamp;

use crate::EmulatorError;
use crate::broker::{self, Broker};
use crate::documents::{self, Document};
use crate::faults::Fault;
use crate::keys::RsaPublic;
use crate::lab::Lab;
use crate::mint::{self, MintRequest};
use crate::record::Recorded;
use crate::seed::{App, User};
use crate::sign_in::device_page;
use crate::store::SignIn;

/// Moves the clock, arms faults, reads the transcript, rolls keys and makes tokens.
#[derive(Clone)]
pub struct Control(Arc<Lab>);

impl Control {
    pub(crate) fn new(lab: Arc<Lab>) -> Self {
        Self(lab)
    }

    /// Returns the emulator's time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Sets the emulator's clock.
    pub fn set_clock(&self, to: Timestamp) {
        self.0.clock.set(to);
    }

    /// Moves the emulator's clock forward.
    pub fn advance(&self, span: Duration) {
        self.0.clock.advance(span);
    }

    /// Sets the lifetime of access tokens from now on; `None` gives back Entra's 60 to 90 minutes.
    pub fn set_token_lifetime(&self, lifetime: Option<Duration>) {
        self.0.set_token_lifetime(lifetime);
    }

    /// Tells devices to wait so long between two polls, in whole seconds, instead of Entra's five.
    pub fn set_poll_interval(&self, interval: Duration) {
        self.0.set_poll_interval(interval);
    }

    /// Signs with a new key from now on; the old ones stay published. Returns the new key's id.
    ///
    /// # Errors
    /// [`EmulatorError::Crypto`] if no key can be made.
    pub fn rollover(&self) -> Result<String, EmulatorError> {
        let mut ring = self.0.keys();
        ring.roll_over()?;
        Ok(ring.current()?.kid.clone())
    }

    /// Withdraws every key but the one that signs.
    pub fn remove_old_keys(&self) {
        self.0.keys().remove_old();
    }

    /// Returns the id of the key that signs.
    ///
    /// # Errors
    /// [`EmulatorError::Crypto`] never in practice: there is always a key.
    pub fn signing_kid(&self) -> Result<String, EmulatorError> {
        Ok(self.0.keys().current()?.kid.clone())
    }

    /// Arms a fault.
    pub fn fault(&self, fault: Fault) {
        self.0.faults().arm(fault);
    }

    /// Disarms all faults.
    pub fn clear_faults(&self) {
        self.0.faults().clear();
    }

    /// Disarms every fault that is equal to this one, and leaves the others.
    pub fn disarm(&self, fault: &Fault) {
        self.0.faults().disarm(fault);
    }

    /// Takes the vault away, or gives it back.
    pub fn vault_outage(&self, on: bool) {
        self.0.faults().disarm(&Fault::VaultDown);
        if on {
            self.0.faults().arm(Fault::VaultDown);
        }
    }

    /// Serves a document under a name from now on, and returns its URL.
    pub fn put_document(&self, name: &str, document: Document) -> String {
        self.0.documents().insert(name.to_owned(), document);
        documents::url(&self.0, name)
    }

    /// Returns every request since the start or the last clearing, oldest first, the control interface's own left out.
    pub fn transcript(&self) -> Vec<Recorded> {
        self.0.transcript().all()
    }

    /// Forgets the requests so far.
    pub fn clear_transcript(&self) {
        self.0.transcript().clear();
    }

    /// Makes a token to order.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for a name that is not in the seed.
    pub fn mint(&self, request: &MintRequest) -> Result<String, EmulatorError> {
        mint::mint(&self.0, request)
    }

    /// Makes every code, refresh token and session of a person worthless that dates from now or before; Graph refuses
    /// their access tokens too. Under a clock that stands still, advance it before they sign in again.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for a name that is not in the seed.
    pub fn revoke_user(&self, name: &str) -> Result<(), EmulatorError> {
        let user = self.user(name)?;
        self.0.store().revoke(&user.id, self.0.clock.now());
        Ok(())
    }

    /// Blocks a person's sign-in, or allows it again unless the seed blocks it.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for a name that is not in the seed.
    pub fn disable_user(&self, name: &str, disabled: bool) -> Result<(), EmulatorError> {
        let user = self.user(name)?;
        self.0.store().set_disabled(&user.id, disabled);
        Ok(())
    }

    /// Returns certificate and private key of an application that the seed gives one, both PEM.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for an application without one.
    pub fn client_certificate(&self, app: &str) -> Result<(String, String), EmulatorError> {
        Ok(self.0.client_key(self.app(app)?)?.pem())
    }

    /// Starts the identity broker of a machine to which these people are signed in, on the session bus at an address.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for a name that is not in the seed; [`EmulatorError::Bus`] if the bus refuses.
    pub async fn broker(&self, address: &str, people: &[&str]) -> Result<Broker, EmulatorError> {
        for name in people {
            self.user(name)?;
        }
        broker::start(Arc::clone(&self.0), address, people).await
    }

    /// Registers another certificate (DER) on an application.
    ///
    /// # Errors
    /// [`EmulatorError::Certificate`] if it cannot be read; [`EmulatorError::Unknown`] for an unknown application.
    pub fn register_certificate(&self, app: &str, der: &[u8]) -> Result<(), EmulatorError> {
        self.0.register_certificate(self.app(app)?, der)
    }

    /// Registers a key of a foreign issuer by its modulus and exponent, big-endian, for federated credentials.
    pub fn register_issuer_key(&self, issuer: &str, kid: &str, n: &[u8], e: &[u8]) {
        let key = RsaPublic { n: n.to_vec(), e: e.to_vec() };
        self.0.store().issuers.insert((issuer.to_owned(), kid.to_owned()), key);
    }

    /// Returns a token of the workload issuer `{authority}/workload`, as a cluster would mount it in a pod: the client
    /// assertion of the seed's federated credential. `claims` are put over the ordinary ones.
    ///
    /// # Errors
    /// [`EmulatorError::Crypto`] if it cannot be signed.
    pub fn workload_token(
        &self,
        subject: &str,
        claims: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<String, EmulatorError> {
        mint::workload_token(&self.0, subject, claims)
    }

    /// Approves a device code in a person's name, as if they had signed in on the page.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for an unknown person or a code that is not waiting.
    pub fn approve_device(&self, user_code: &str, name: &str) -> Result<(), EmulatorError> {
        let user = self.user(name)?;
        let sign_in = SignIn { user: user.id.clone(), at: self.0.clock.now(), mfa: false, acrs: Vec::new() };
        self.settle_device(user_code, Some(sign_in))
    }

    /// Declines a device code.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for a code that is not waiting.
    pub fn decline_device(&self, user_code: &str) -> Result<(), EmulatorError> {
        self.settle_device(user_code, None)
    }

    /// Records a person's consent: `client` may use `scopes` of `resource`.
    ///
    /// # Errors
    /// [`EmulatorError::Unknown`] for a name that is not in the seed.
    pub fn consent(
        &self,
        user: &str,
        client: &str,
        resource: &str,
        scopes: &[&str],
    ) -> Result<(), EmulatorError> {
        let (user, client, resource) = (self.user(user)?, self.app(client)?, self.app(resource)?);
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.0.store().consent(&user.id, &client.id, &resource.id, &scopes);
        Ok(())
    }

    fn user(&self, name: &str) -> Result<&User, EmulatorError> {
        self.0.seed.user(name).ok_or_else(|| EmulatorError::unknown("user", name))
    }

    fn app(&self, name: &str) -> Result<&App, EmulatorError> {
        self.0.seed.app(name).ok_or_else(|| EmulatorError::unknown("app", name))
    }

    fn settle_device(&self, user_code: &str, sign_in: Option<SignIn>) -> Result<(), EmulatorError> {
        device_page::settle(&self.0, user_code, sign_in)
            .map_err(|_| EmulatorError::unknown("waiting device code", user_code))
    }

    /// Returns what a caller of `/_lab` must send as `x-lab-control-key`.
    pub fn key(&self) -> &str {
        &self.0.control_key
    }
}
