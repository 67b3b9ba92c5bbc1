//! Entra itself: is it where it should be, does it publish keys, does it take the door's proof?

use std::sync::Arc;

use doorward_config::{Config, ServerCredential};
use doorward_entra::{EntraClient, EntraError, Keys, KeysError, Refreshed, Stopwatch};
use doorward_gateway::Outside;
use doorward_oauth::KeySet;

use super::finding::Finding;
use crate::table::count;

const AREA: &str = "service";

/// Fetches the keys as a door does, and says how it went.
pub(crate) async fn keys(config: &Config, outside: &Outside, findings: &mut Vec<Finding>) -> Arc<KeySet> {
    let keys =
        Keys::new(Arc::new(outside.connector.clone()), &outside.cloud, &outside.tenants, Stopwatch::system());
    let authority = &outside.cloud.authority;
    findings.push(match keys.refresh_due().await {
        Refreshed::Failed(error) => {
            let finding = Finding::bad(AREA, error.to_string());
            match error {
                KeysError::Unreachable { .. } if config.lab.is_none() => finding.cause(
                    "the address answers nothing, or the tenant does not exist in this cloud (AADSTS90002)",
                ).fix("let this machine reach that address on port 443, and compare `tenant` and `cloud` in [entra] with the Entra admin center"),
                KeysError::Unreachable { .. } => finding.fix("start the lab: doorward lab"),
                KeysError::WrongIssuer { .. } => finding.fix("write the tenant's id in [entra], and the cloud it is in"),
                _ => finding.fix("something between this machine and Entra answers in its place: look for a proxy that opens TLS"),
            }
        }
        _ => Finding::ok(AREA, format!("{authority} names itself as it should and publishes {}", count(keys.current().len(), "key"))),
    });
    keys.current()
}

/// Asks for a token of the door's own. Returns whether Entra took the proof.
pub(crate) async fn credential(config: &Config, entra: &EntraClient, findings: &mut Vec<Finding>) -> bool {
    let Some(tenant) = config.entra.tenants.as_slice().first() else { return false };
    let scope = format!("{}/.default", entra.cloud().graph);
    match entra.app_token(tenant.as_str(), &scope).await {
        Ok(_) => {
            findings.push(Finding::ok("credential", "Entra takes the door's proof"));
            true
        }
        Err(error) => {
            findings.push(refused("credential", "Entra does not take the door's proof", &error));
            false
        }
    }
}

/// Asks for the tokens that servers are called with, as far as no person is needed for it.
pub(crate) async fn downstream(config: &Config, entra: &EntraClient, findings: &mut Vec<Finding>) {
    let Some(tenant) = config.entra.tenants.as_slice().first() else { return };
    for server in &config.servers {
        let Some(ServerCredential::Workload { scope }) = &server.credential else { continue };
        findings.push(match entra.app_token(tenant.as_str(), scope).await {
            Ok(_) => Finding::ok(
                "credential",
                format!("Entra gives a token for {scope}, with which {} is called", server.name),
            ),
            Err(error) => refused(
                "credential",
                &format!("{} cannot be called: no token for {scope}", server.name),
                &error,
            ),
        });
    }
}

/// Says why Entra gave no token.
pub(super) fn refused(area: &'static str, what: &str, error: &EntraError) -> Finding {
    let finding = Finding::bad(area, what);
    match error.code() {
        Some(code) => finding.cause(error.to_string()).code(code),
        None => finding.cause(error.to_string()).fix("see `[entra.credential]` in docs/configuration.md"),
    }
}
