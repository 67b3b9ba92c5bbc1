//! `client_credentials`: an application stands for itself, by the roles an administrator gave it.

use serde_json::Value;

use super::Request;
use crate::AadResult;
use crate::errors::AadError;
use crate::issue;
use crate::scopes::Asked;
use crate::seed::TOKEN_EXCHANGE_APP_ID;
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
    let target = asked.single()?;
    let exchange = target.app.id == TOKEN_EXCHANGE_APP_ID;
    let is_blueprint =
        request.lab.seed.apps.iter().any(|app| app.blueprint.as_ref() == Some(&client.app.name));
    if is_blueprint && !exchange {
        return Err(AadError::new(
            82_001,
            format!(
                "Agentic application '{}' is not permitted to request app-only tokens for resource '{}'.",
                client.app.id, target.app.id
            ),
        ));
    }
    let agent = request.form.get("fmi_path");
    if let Some(path) = agent {
        let own =
            request.lab.seed.client(path).is_some_and(|app| app.blueprint.as_ref() == Some(&client.app.name));
        if !exchange || !own {
            // Assumed: the number.
            return Err(AadError::new(
                82_001,
                format!("The fmi_path '{path}' is not an agent of this blueprint."),
            ));
        }
    }
    issue::for_application(request.lab, &client, tenant, target, agent)
}
