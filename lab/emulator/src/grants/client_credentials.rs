//! `client_credentials`: an application stands for itself, by the roles an administrator gave it.

use serde_json::Value;

use super::Request;
use crate::AadResult;
use crate::errors::AadError;
use crate::issue;
use crate::scopes::Asked;
use crate::tokens::ClientProof;

/// Answers a daemon.
pub(crate) fn redeem(request: &Request<'_>) -> AadResult<Value> {
    let tenant = request.authority.tenant()?;
    let client = request.client()?;
    if client.proof == ClientProof::Public {
        return Err(AadError::new(
            7_000_216,
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
        ));
    }
    let scope = request.form.need("scope")?;
    if !scope.ends_with("/.default") || scope.split_ascii_whitespace().count() != 1 {
        return Err(AadError::new(
            1_002_012,
            format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            ),
        ));
    }
    let resource = request.form.get("resource");
    let asked = Asked::parse(request.lab, Some(tenant), client.app, scope, resource)?;
    issue::for_application(request.lab, &client, tenant, asked.single()?)
}
