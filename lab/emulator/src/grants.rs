//! The grants of the token endpoint, one file each.

use http::{HeaderMap, header};

use crate::AadResult;
use crate::authority::Authority;
use crate::client_auth::{self, Client};
use crate::errors::AadError;
use crate::form::Form;
use crate::lab::Lab;
use crate::store::Grant;

pub(crate) mod client_credentials;
pub(crate) mod code;
pub(crate) mod device;
pub(crate) mod on_behalf_of;
pub(crate) mod refresh;

/// A token request.
pub(crate) struct Request<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) authority: Authority<'a>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) form: &'a Form,
}

impl<'a> Request<'a> {
    /// Authenticates the client.
    fn client(&self) -> AadResult<Client<'a>> {
        client_auth::authenticate(self.lab, self.authority, self.headers, self.form)
    }

    /// Refuses what an agent identity may not ask for: nobody signs in to an agent.
    fn no_agent(&self, client: &Client<'_>) -> AadResult<()> {
        if client.app.blueprint.is_none() {
            return Ok(());
        }
        Err(AadError::new(
            82_001,
            format!("Agentic application '{}' is not permitted to use this grant type.", client.app.id),
        ))
    }

    /// Refuses a grant of another directory than the authority's.
    fn same_tenant(&self, grant: &Grant, code: u32) -> AadResult<()> {
        let Authority::One(tenant) = self.authority else { return Ok(()) };
        if self.lab.seed.user(&grant.sign_in.user).is_some_and(|user| user.tenant == tenant.name) {
            return Ok(());
        }
        Err(AadError::new(code, "The provided grant is intended to use against another tenant."))
    }

    /// A browser may redeem what was given to a single-page application, and nothing else may (AADSTS9002326, 9002327):
    /// a stolen code of a web application is of no use to a page.
    fn origin_rule(&self, spa: bool) -> AadResult<()> {
        let cross_origin = self.headers.contains_key(header::ORIGIN);
        match (spa, cross_origin) {
            (false, true) => Err(AadError::new(
                9_002_326,
                "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
            )),
            (true, false) => Err(AadError::new(
                9_002_327,
                "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
            )),
            _ => Ok(()),
        }
    }
}

/// Refuses what is unknown or was given to another client; the answer does not tell which.
fn invalid_grant() -> AadError {
    AadError::new(70_000, "Provided grant is invalid or malformed.")
}
