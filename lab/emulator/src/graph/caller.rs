//! Who calls Graph: the bearer token, checked as a resource server must.

use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use doorward_types::Timestamp;
use http::{HeaderMap, header};
use serde_json::Value;

use super::GraphResult;
use super::refusal::GraphError;
use crate::jwt::{self, Object};
use crate::lab::Lab;
use crate::seed::{GRAPH_APP_ID, Tenant, User};
use crate::tokens;

/// The claims of a token that Graph accepts.
pub(super) struct Caller(Object);

impl Caller {
    /// Checks the token of a request.
    pub(super) fn verify(lab: &Lab, headers: &HeaderMap) -> GraphResult<Self> {
        let value =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => "",
        };
        if token.is_empty() {
            return Err(GraphError::unauthenticated("Access token is empty."));
        }
        let parts = jwt::parse(token).ok_or_else(|| {
            GraphError::unauthenticated("IDX14100: JWT is not well formed, there are no dots (.).")
        })?;
        let header = |name: &str| parts.header.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = lab.keys().find(header("kid"));
        let verified = header("alg") == "RS256"
            && key.is_some_and(|key| {
                key.public().verifies(&RSA_PKCS1_2048_8192_SHA256, &parts.signed, &parts.signature)
            });
        if !verified {
            return Err(GraphError::unauthenticated("Invalid JWT access token."));
        }
        let caller = Self(parts.claims);
        caller.fits(lab)?;
        Ok(caller)
    }

    /// Returns the person the token speaks for, if it holds one of `scopes`.
    pub(super) fn myself<'a>(&self, lab: &'a Lab, scopes: &[&str]) -> GraphResult<&'a User> {
        if self.is_application() {
            return Err(GraphError::request(
                "BadRequest",
                "/me request is only valid with delegated authentication flow.",
            ));
        }
        self.needs(scopes)?;
        self.find(lab, self.text("oid"))
    }

    /// Returns somebody of the caller's directory, if the token holds one of `permissions`. A person may always look
    /// at themselves with `User.Read`.
    pub(super) fn other<'a>(&self, lab: &'a Lab, id: &str, permissions: &[&str]) -> GraphResult<&'a User> {
        let own = self.text("oid").eq_ignore_ascii_case(id) && !self.is_application();
        if !(own && self.needs(&["User.Read"]).is_ok()) {
            self.needs(permissions)?;
        }
        self.find(lab, id)
    }

    /// Returns the caller's directory, if the token holds one of `permissions`.
    pub(super) fn administers<'a>(&self, lab: &'a Lab, permissions: &[&str]) -> GraphResult<&'a Tenant> {
        self.needs(permissions)?;
        self.tenant(lab)
    }

    /// Returns the token's `sub`.
    pub(super) fn subject(&self) -> &str {
        self.text("sub")
    }

    fn fits(&self, lab: &Lab) -> GraphResult<()> {
        let audience = self.text("aud").trim_end_matches('/');
        if audience != GRAPH_APP_ID && audience != "https://graph.microsoft.com" && audience != lab.graph() {
            return Err(GraphError::unauthenticated("Access token validation failure. Invalid audience."));
        }
        let tenant = self.tenant(lab)?;
        if ![1, 2].iter().any(|version| tokens::issuer(lab, tenant, *version) == self.text("iss")) {
            return Err(GraphError::unauthenticated("Access token validation failure. Invalid issuer."));
        }
        let now = lab.clock.now().as_secs();
        let number = |name: &str| self.0.get(name).and_then(Value::as_i64);
        if number("exp").is_none_or(|exp| exp <= now) || number("nbf").is_some_and(|nbf| nbf > now) {
            return Err(GraphError::unauthenticated("Lifetime validation failed, the token is expired."));
        }
        // Continuous access evaluation: Graph hears of a revocation at once, other resources when the token expires.
        let made = Timestamp::from_secs(tokens::made_at(number("iat").unwrap_or(0)));
        if !self.is_application() && lab.store().is_revoked(self.text("oid"), made) {
            return Err(GraphError::revoked(lab.clock.now().as_secs()));
        }
        Ok(())
    }

    fn needs(&self, permissions: &[&str]) -> GraphResult<()> {
        let held: Vec<&str> = if self.is_application() {
            self.0
                .get("roles")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect()
        } else {
            self.text("scp").split(' ').collect()
        };
        if permissions.iter().any(|permission| held.contains(permission)) {
            return Ok(());
        }
        Err(GraphError::denied())
    }

    fn find<'a>(&self, lab: &'a Lab, id: &str) -> GraphResult<&'a User> {
        let tenant = self.tenant(lab)?;
        let named = |user: &&User| {
            user.tenant == tenant.name
                && (user.id.eq_ignore_ascii_case(id) || user.upn.eq_ignore_ascii_case(id))
        };
        lab.seed.users.iter().find(named).ok_or_else(|| GraphError::not_found(id))
    }

    fn tenant<'a>(&self, lab: &'a Lab) -> GraphResult<&'a Tenant> {
        let tid = self.text("tid");
        let known = lab.seed.tenants.iter().find(|tenant| tenant.id.eq_ignore_ascii_case(tid));
        known.ok_or_else(|| GraphError::unauthenticated("Access token validation failure. Unknown tenant."))
    }

    fn is_application(&self) -> bool {
        !self.0.contains_key("scp")
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}
