//! What changes while the emulator runs: codes, tokens, sessions, consents, revocations.

use std::collections::{BTreeMap, BTreeSet};

use doorward_types::Timestamp;

use crate::AadResult;
use crate::keys::RsaPublic;
use crate::random;
use crate::seed::User;

/// How a person signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignIn {
    /// Object id.
    pub(crate) user: String,
    pub(crate) at: Timestamp,
    pub(crate) mfa: bool,
    /// Authentication contexts that were satisfied then.
    pub(crate) acrs: Vec<String>,
}

/// What a person allowed a client: the ground of codes, refresh tokens and device codes alike.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// Client id.
    pub(crate) client: String,
    pub(crate) sign_in: SignIn,
    /// As the client asked for them.
    pub(crate) scope: String,
    pub(crate) resource: Option<String>,
    pub(crate) nonce: Option<String>,
    /// The `claims` parameter.
    pub(crate) claims: Option<String>,
    /// The client is a single-page application.
    pub(crate) spa: bool,
}

/// An authorization code.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect_uri: String,
    /// Challenge and method.
    pub(crate) challenge: Option<(String, String)>,
    pub(crate) expires: Timestamp,
    pub(crate) used: bool,
}

/// A refresh token. Entra does not take the old one away when it hands out a new one.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    pub(crate) grant: Grant,
    pub(crate) issued: Timestamp,
}

/// A device code and how far it has got.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    /// Client id.
    pub(crate) client: String,
    pub(crate) scope: String,
    /// The first segment of the authority it was asked at.
    pub(crate) authority: String,
    pub(crate) expires: Timestamp,
    pub(crate) state: DeviceState,
}

/// How far a device code has got.
#[derive(Debug, Clone)]
pub(crate) enum DeviceState {
    Pending,
    Declined,
    Approved(SignIn),
    Used,
}

/// A visit to the sign-in page.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// The first segment of the authority.
    pub(crate) authority: String,
    /// The authorization request, as a query.
    pub(crate) request: String,
    /// The session that the person may choose.
    pub(crate) pick: Option<SignIn>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) consented: bool,
}

/// Everything that changes.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) refresh: BTreeMap<String, Refresh>,
    pub(crate) devices: BTreeMap<String, Device>,
    pub(crate) visits: BTreeMap<String, Visit>,
    /// By cookie.
    pub(crate) sessions: BTreeMap<String, SignIn>,
    /// Person, client, resource, scope.
    consents: BTreeSet<(String, String, String, String)>,
    revoked: BTreeMap<String, Timestamp>,
    disabled: BTreeSet<String>,
    /// Public keys registered beside the seed's certificate, by client id, with both thumbprints.
    pub(crate) certificates: Vec<RegisteredCertificate>,
    /// Keys of foreign issuers, by issuer and key id.
    pub(crate) issuers: BTreeMap<(String, String), RsaPublic>,
}

/// A certificate that a client may sign assertions with.
#[derive(Debug, Clone)]
pub(crate) struct RegisteredCertificate {
    pub(crate) client: String,
    /// Base64url of SHA-1 and of SHA-256.
    pub(crate) thumbprints: [String; 2],
    /// DER SubjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
}

impl Store {
    /// Keeps a refresh token and returns its text.
    pub(crate) fn keep_refresh(&mut self, grant: Grant, issued: Timestamp) -> AadResult<String> {
        let text = format!("1.{}", random::opaque()?);
        self.refresh.insert(text.clone(), Refresh { grant, issued });
        Ok(text)
    }

    /// Keeps a code and returns its text.
    pub(crate) fn keep_code(&mut self, code: Code) -> AadResult<String> {
        let text = format!("1.{}", random::opaque()?);
        self.codes.insert(text.clone(), code);
        Ok(text)
    }

    pub(crate) fn consent(&mut self, user: &str, client: &str, resource: &str, scopes: &[String]) {
        for scope in scopes {
            self.consents.insert((user.to_owned(), client.to_owned(), resource.to_owned(), scope.clone()));
        }
    }

    pub(crate) fn has_consented(&self, user: &str, client: &str, resource: &str, scope: &str) -> bool {
        self.consents.contains(&(user.to_owned(), client.to_owned(), resource.to_owned(), scope.to_owned()))
    }

    /// Makes everything a person was given before `at` worthless.
    pub(crate) fn revoke(&mut self, user: &str, at: Timestamp) {
        self.revoked.insert(user.to_owned(), at);
    }

    /// Tells whether something given at `issued` was revoked since. What was given in the same instant counts as
    /// revoked too: under a clock that stands still nothing could be revoked otherwise.
    pub(crate) fn is_revoked(&self, user: &str, issued: Timestamp) -> bool {
        self.revoked.get(user).is_some_and(|at| issued <= *at)
    }

    pub(crate) fn set_disabled(&mut self, user: &str, disabled: bool) {
        if disabled {
            self.disabled.insert(user.to_owned());
        } else {
            self.disabled.remove(user);
        }
    }

    pub(crate) fn is_disabled(&self, user: &User) -> bool {
        user.disabled || self.disabled.contains(&user.id)
    }
}
