//! The app registration against what the configuration needs of it: pure comparison of what Graph told.

use std::time::Duration;

use doorward_config::{Config, EntraCredential, Tenants};
use doorward_oidc::{Ending, FederatedCredential, Principal, Registration};
use doorward_types::Timestamp;

use super::finding::Finding;
use super::habits::AHEAD;

const AREA: &str = "registration";

/// What Graph told.
pub(crate) struct Seen {
    pub(crate) registration: Option<Registration>,
    pub(crate) federated: Vec<FederatedCredential>,
    pub(crate) principal: Option<Principal>,
}

/// Compares; `groups` says whether policies speak of groups.
pub(crate) fn look(config: &Config, seen: &Seen, groups: bool, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(registration) = &seen.registration else {
        findings.push(Finding::bad(AREA, "there is no such application in this tenant").code(700_016));
        return findings;
    };
    let mut add = |finding: Option<Finding>| findings.extend(finding);
    add(Some(version(config, registration)));
    add(redirects(config, registration));
    add(Some(uris(config, registration)));
    for finding in scopes(config, registration) {
        add(Some(finding));
    }
    for finding in roles(config, registration) {
        add(Some(finding));
    }
    for finding in claims(config, registration, groups) {
        add(Some(finding));
    }
    add(audience(config, registration));
    add(proof(config, registration, &seen.federated, now));
    for finding in principal(seen.principal) {
        add(Some(finding));
    }
    findings
}

fn version(config: &Config, registration: &Registration) -> Finding {
    match (registration.token_version, config.entra.accept_v1) {
        (Some(2), _) => Finding::ok(AREA, "it yields v2 tokens"),
        (_, true) => Finding::warn(AREA, "it yields v1 tokens, which this door still takes")
            .cause("`requestedAccessTokenVersion` is not 2: their issuer is sts.windows.net and their audience a URI")
            .fix("App registrations > the application > Manifest: \"requestedAccessTokenVersion\": 2"),
        (_, false) => Finding::bad(AREA, "it yields v1 tokens, and `accept_v1` is false: every token is refused")
            .fix("App registrations > the application > Manifest: \"requestedAccessTokenVersion\": 2"),
    }
}

fn redirects(config: &Config, registration: &Registration) -> Option<Finding> {
    config.sign_in.as_ref()?;
    let callback = format!("{}/oauth/callback", config.gateway.public_url);
    let has = |list: &[String]| list.iter().any(|uri| same_address(uri, &callback));
    Some(if has(&registration.web_redirects) {
        Finding::ok(AREA, format!("Entra answers to {callback}"))
    } else if has(&registration.spa_redirects) {
        Finding::bad(AREA, format!("{callback} stands under the platform Single-page application"))
            .code(9_002_326)
            .fix(
                "App registrations > the application > Authentication: remove it there, and add it under Web",
            )
    } else if has(&registration.public_redirects) {
        Finding::bad(AREA, format!("{callback} stands under Mobile and desktop applications"))
            .code(700_025)
            .fix(
                "App registrations > the application > Authentication: remove it there, and add it under Web",
            )
    } else {
        let near = registration
            .web_redirects
            .iter()
            .find(|uri| uri.trim_end_matches('/').eq_ignore_ascii_case(&callback));
        let finding =
            Finding::bad(AREA, format!("{callback} is not one of its redirect addresses")).code(50_011);
        match near {
            Some(near) => {
                finding.cause(format!("`{near}` is one, and addresses are compared letter by letter"))
            }
            None => finding,
        }
    })
}

/// Of addresses on this very machine Entra ignores the port, of plain `http` ones alone.
fn same_address(registered: &str, ours: &str) -> bool {
    let bare = |uri: &str| -> Option<String> {
        let rest = uri.strip_prefix("http://")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.split(':').next()?;
        ["localhost", "127.0.0.1"].contains(&host).then(|| format!("{host}/{path}"))
    };
    registered == ours || bare(registered).zip(bare(ours)).is_some_and(|(a, b)| a == b)
}

fn uris(config: &Config, registration: &Registration) -> Finding {
    if let Some(slash) = registration.identifier_uris.iter().find(|uri| uri.ends_with('/')) {
        return Finding::bad(AREA, format!("the App ID URI {slash} ends in a slash")).code(9_010_010);
    }
    let id = config.entra.client_id.as_ref();
    let named = config.servers.iter().filter(|server| Some(&server.access.client_id) == id);
    // Without the façade the first URI is the prefix of every scope that clients are told.
    let told = named.filter_map(|server| server.access.app_id_uris.first());
    let missing = told.into_iter().find(|uri| !registration.identifier_uris.contains(uri));
    match (missing, &config.sign_in) {
        (Some(uri), None) => Finding::bad(AREA, format!("{uri} is not one of its App ID URIs, and clients are told scopes of it"))
            .code(500_011)
            .fix(format!("App registrations > the application > Expose an API: set the Application ID URI to {uri}, or write the one there is in `app_id_uris`")),
        _ if registration.identifier_uris.is_empty() => {
            Finding::warn(AREA, "it has no App ID URI").fix("App registrations > the application > Expose an API > Add")
        }
        _ => Finding::ok(AREA, format!("it is known as {}", registration.identifier_uris.join(", "))),
    }
}

fn scopes(config: &Config, registration: &Registration) -> Vec<Finding> {
    if config.sign_in.is_some() {
        // The door asks for all that it offers itself; without any, Entra's token for it is nobody's.
        return vec![if registration.scopes.is_empty() {
            Finding::bad(AREA, "it offers no scope, so Entra gives no token for it on behalf of a person")
                .code(650_053)
                .fix(
                    "App registrations > the application > Expose an API > Add a scope, `mcp.access` for one",
                )
        } else {
            Finding::ok(AREA, format!("it offers {}", registration.scopes.join(", ")))
        }];
    }
    let id = config.entra.client_id.as_ref();
    let servers = config.servers.iter().filter(|server| Some(&server.access.client_id) == id);
    servers
        .filter_map(|server| {
            let wanted = &server.access.required_scope;
            let missing: Vec<&str> = wanted
                .iter()
                .filter(|scope| !registration.scopes.contains(scope))
                .map(String::as_str)
                .collect();
            (!missing.is_empty()).then(|| {
                Finding::bad(
                    AREA,
                    format!(
                        "{} requires the scope {}, which it does not offer",
                        server.name,
                        missing.join(", ")
                    ),
                )
                .code(650_053)
                .fix("App registrations > the application > Expose an API > Add a scope of that name")
            })
        })
        .collect()
}

fn roles(config: &Config, registration: &Registration) -> Vec<Finding> {
    let id = config.entra.client_id.as_ref();
    let mut findings = Vec::new();
    for server in config.servers.iter().filter(|server| Some(&server.access.client_id) == id) {
        for wanted in &server.access.required_role {
            match registration.roles.iter().find(|role| role.value == *wanted) {
                None => findings.push(
                    Finding::bad(
                        AREA,
                        format!("{} requires the role {wanted}, which nobody can have", server.name),
                    )
                    .fix(
                        "App registrations > the application > App roles > Create app role, with that value",
                    ),
                ),
                Some(role) if config.entra.allow_app_only && !role.applications => findings.push(
                    Finding::warn(AREA, format!("the role {wanted} cannot be given to applications")).fix(
                        "App registrations > the application > App roles: allow \"Both\" as member types",
                    ),
                ),
                Some(_) => {}
            }
        }
    }
    findings
}

fn claims(config: &Config, registration: &Registration, groups: bool) -> Vec<Finding> {
    let has = |name: &str| registration.access_claims.iter().any(|claim| claim == name);
    let fix = |name: &str| {
        format!(
            "App registrations > the application > Token configuration > Add optional claim > Access: {name}"
        )
    };
    let mut findings = Vec::new();
    if config.entra.allow_app_only && !has("idtyp") {
        findings.push(
            Finding::bad(AREA, "tokens of applications cannot be told from others: every one is refused")
                .cause("the optional claim `idtyp` is missing")
                .fix(fix("idtyp")),
        );
    }
    if !has("xms_cc") {
        findings.push(
            Finding::warn(AREA, "a further step that Conditional Access asks for ends in a refusal")
                .code(50_076)
                .cause(
                    "without the optional claim `xms_cc` nobody can see that a client could take that step",
                )
                .fix(fix("xms_cc")),
        );
    }
    findings.push(match registration.group_claims.as_deref() {
        None | Some("" | "None") if !groups => Finding::ok(AREA, "tokens list no groups, and no policy speaks of any"),
        None | Some("" | "None") => Finding::warn(AREA, "tokens list no groups: policies that speak of groups match nobody")
            .fix("App registrations > the application > Token configuration > Add groups claim > Security groups; or use app roles"),
        Some(_) if config.entra.credential.is_some() => {
            Finding::ok(AREA, "tokens list groups; of people in more than 200 the door asks Graph")
        }
        Some(_) => Finding::ok(AREA, "tokens list groups"),
    });
    findings
}

fn audience(config: &Config, registration: &Registration) -> Option<Finding> {
    let many = matches!(
        registration.audience.as_deref(),
        Some("AzureADMultipleOrgs" | "AzureADandPersonalMicrosoftAccount")
    );
    match (&config.entra.tenants, many) {
        (Tenants::Many(_), false) => Some(Finding::bad(AREA, "people of several tenants may come in, and it is for its own only").code(50_194)),
        (Tenants::One(_), true) => Some(
            Finding::warn(AREA, "it is open to every tenant; the door takes people of one")
                .fix("App registrations > the application > Authentication > Supported account types: this directory only"),
        ),
        _ => None,
    }
}

fn proof(
    config: &Config,
    registration: &Registration,
    federated: &[FederatedCredential],
    now: Timestamp,
) -> Option<Finding> {
    let lasting = |endings: &[Ending], span: Duration| {
        endings.iter().any(|ending| ending.ends.is_none_or(|ends| ends > now.plus(span)))
    };
    let finding = match config.entra.credential.as_ref()? {
        EntraCredential::Secret { .. } if registration.secrets.is_empty() => {
            Finding::bad(AREA, "it has no client secret").code(7_000_215)
        }
        EntraCredential::Secret { .. } if !lasting(&registration.secrets, Duration::ZERO) => {
            Finding::bad(AREA, "each of its client secrets has expired").code(7_000_222)
        }
        EntraCredential::Secret { .. } if !lasting(&registration.secrets, AHEAD) => {
            Finding::warn(AREA, "its last client secret expires within 30 days").code(7_000_222)
        }
        EntraCredential::Certificate { .. } if !lasting(&registration.certificates, Duration::ZERO) => {
            Finding::bad(AREA, "it has no certificate that is valid").code(700_027)
        }
        EntraCredential::Certificate { .. } if !lasting(&registration.certificates, AHEAD) => {
            Finding::warn(AREA, "its last certificate expires within 30 days").code(700_027)
        }
        EntraCredential::ManagedIdentity { .. } | EntraCredential::WorkloadIdentity { .. }
            if federated.is_empty() =>
        {
            Finding::bad(
                AREA,
                "it has no federated credential, so the identity of the machine proves nothing",
            )
            .code(70_021)
            .fix("add the one that `doorward entra manifest --az` prints")
        }
        EntraCredential::ManagedIdentity { .. } | EntraCredential::WorkloadIdentity { .. } => {
            let exchange = |credential: &FederatedCredential| {
                credential.audiences.iter().any(|audience| audience.starts_with("api://AzureADTokenExchange"))
            };
            if federated.iter().any(exchange) {
                Finding::ok(AREA, "it trusts a federated credential")
            } else {
                Finding::bad(
                    AREA,
                    "none of its federated credentials has the audience api://AzureADTokenExchange",
                )
                .code(700_212)
            }
        }
        EntraCredential::Secret { .. } => Finding::ok(AREA, "it has a client secret that is valid"),
        EntraCredential::Certificate { .. } => Finding::ok(AREA, "it has a certificate that is valid"),
    };
    Some(finding)
}

fn principal(principal: Option<Principal>) -> Vec<Finding> {
    let Some(principal) = principal else {
        return vec![
            Finding::bad(AREA, "the tenant does not know it: it has no service principal")
                .code(700_016)
                .fix("`az ad sp create --id <client id>`, or let an administrator sign in once"),
        ];
    };
    let mut findings = Vec::new();
    if !principal.enabled {
        findings.push(Finding::bad(AREA, "it is switched off in the tenant").code(7_000_112));
    }
    if principal.assignment_required {
        findings.push(Finding::warn(AREA, "only people who are assigned to it can sign in").code(50_105));
    }
    findings
}

#[cfg(test)]
mod tests;
