//! What clients do that Entra refuses, and whether this door keeps it from them: known from the configuration alone.

use std::time::Duration;

use doorward_config::{Config, EntraCredential, EntraTokens, ServerCredential, Tenants};
use doorward_types::Timestamp;

use super::finding::Finding;

const AREA: &str = "configuration";
/// From this long before its end a secret is spoken of.
pub(super) const AHEAD: Duration = Duration::from_secs(30 * 86_400);

/// Looks at a configuration that is valid.
pub(crate) fn look(config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &config.sign_in {
        Some(sign_in) => {
            findings.push(Finding::ok(AREA, "clients sign in at the door: what they add for it (`resource`, `prompt=consent`, scopes without their application, refreshes without scopes) never reaches Entra"));
            let ways: Vec<&str> = [
                sign_in.client_documents.then_some("by their document"),
                sign_in.registration.then_some("by registering"),
                (!config.clients.is_empty()).then_some("by the configuration"),
            ]
            .into_iter()
            .flatten()
            .collect();
            findings.push(if ways.is_empty() {
                Finding::bad(
                    AREA,
                    "no client can become known: documents and registration are off, and none is configured",
                )
                .fix("write `client_documents = true` in [sign_in], or add a `[[client]]`")
            } else {
                Finding::ok(AREA, format!("clients become known {}", ways.join(", ")))
            });
            if sign_in.entra_tokens == EntraTokens::All {
                findings.push(
                    Finding::warn(AREA, "people may come past the sign-in, with tokens that Entra issues to other applications")
                        .cause("`entra_tokens` is \"all\": revocations and consents of the door do not hold for those")
                        .fix("write `entra_tokens = \"none\"` or \"apps\" unless a client needs it"),
                );
            }
        }
        None => findings.extend(without_sign_in(config)),
    }
    credential(config, now, &mut findings);
    tenants(config, &mut findings);
    callers(config, &mut findings);
    findings
}

/// Where clients sign in at Entra themselves, each of these waits for some of them.
fn without_sign_in(config: &Config) -> Vec<Finding> {
    const FIX: &str = "add `[sign_in]`: the door then takes this from clients and asks Entra properly";
    let resource =
        config.servers.first().map(|server| format!("{}{}", config.gateway.public_url, server.path()));
    vec![
        Finding::warn(AREA, "clients must be registered at Entra one by one, and given their id by hand")
            .code(700_016)
            .cause("Entra registers no clients by itself, and there is no `[sign_in]`")
            .fix(FIX),
        Finding::warn(AREA, "clients that refresh without naming a scope are signed out after an hour")
            .code(90_009)
            .fix(FIX),
        Finding::warn(AREA, "clients that send `prompt=consent` fail where people may not consent")
            .code(90_094)
            .fix(FIX),
        Finding::warn(
            AREA,
            "clients come back to addresses of their own, each of which must be in their registration",
        )
        .code(50_011)
        .fix(FIX),
        Finding::warn(
            AREA,
            format!("clients send `resource={}`, as MCP asks of them", resource.unwrap_or_default()),
        )
        .code(9_010_010)
        .fix("add `[sign_in]`, or make that address an App ID URI of the registration and of its scopes"),
        Finding::ok(
            AREA,
            "scopes told to clients name their application: Entra would take bare ones for Microsoft Graph's",
        ),
    ]
}

fn credential(config: &Config, now: Timestamp, findings: &mut Vec<Finding>) {
    match &config.entra.credential {
        Some(EntraCredential::Secret { expires, .. }) => {
            let left = expires.map(|expires| (expires, expires - now.as_secs()));
            findings.push(match left {
                Some((_, left)) if left <= 0 => Finding::bad(AREA, "the client secret has expired, by its date here").code(7_000_222),
                Some((_, left)) if left <= i64::try_from(AHEAD.as_secs()).unwrap_or(0) => {
                    Finding::warn(AREA, format!("the client secret expires in {} days", left / 86_400)).code(7_000_222)
                }
                Some(_) => Finding::warn(AREA, "the door proves itself with a secret, which can be copied")
                    .fix("use a managed identity, a workload identity or a certificate (docs/sign-in.md)"),
                None => Finding::warn(AREA, "the door proves itself with a secret, and nobody knows when it expires")
                    .fix("write `secret_expires = \"<day>\"`; better, use a kind without a secret (docs/sign-in.md)"),
            });
        }
        Some(_) => findings.push(Finding::ok(AREA, "the door proves itself to Entra without a secret")),
        None => findings.push(
            Finding::warn(
                AREA,
                "people in more than 200 groups are refused wherever a policy speaks of groups",
            )
            .cause("their tokens list no groups, and without a credential the door cannot ask Graph for them")
            .fix("add `credential` to [entra]"),
        ),
    }
}

fn tenants(config: &Config, findings: &mut Vec<Finding>) {
    findings.push(match &config.entra.tenants {
        Tenants::One(tenant) => {
            Finding::ok(AREA, format!("people of the tenant {tenant} may come in, its guests among them"))
        }
        Tenants::Many(list) => Finding::ok(
            AREA,
            format!(
                "people of {} tenants may come in, each token checked against its own issuer",
                list.len()
            ),
        ),
    });
}

/// Whom servers can be called for.
fn callers(config: &Config, findings: &mut Vec<Finding>) {
    let apps = config.entra.allow_app_only
        || config.sign_in.as_ref().is_some_and(|sign_in| sign_in.entra_tokens == EntraTokens::Apps)
        || config.clients.iter().any(|client| !client.roles.is_empty());
    for server in &config.servers {
        match &server.credential {
            Some(ServerCredential::OnBehalfOf { .. }) => {
                findings.push(Finding::ok(AREA, format!("{} is called on behalf of each person; a step that Entra asks for on the way is passed on to them", server.name)));
                if apps {
                    findings.push(
                        Finding::warn(
                            AREA,
                            format!("applications that call for themselves are refused at {}", server.name),
                        )
                        .code(7_000_114)
                        .fix("give them a server of their own with the credential `workload`"),
                    );
                }
            }
            Some(
                ServerCredential::Workload { .. }
                | ServerCredential::SecretFile { .. }
                | ServerCredential::KeyVaultSecret { .. },
            ) => {
                findings.push(Finding::ok(
                    AREA,
                    format!(
                        "{} is called as the door, whoever calls: only policies tell people apart there",
                        server.name
                    ),
                ));
            }
            Some(ServerCredential::UserGrant(_)) | None => {}
        }
    }
}
