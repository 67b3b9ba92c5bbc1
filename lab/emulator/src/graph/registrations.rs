//! Registrations and service principals: what an administrator's tool reads to say what is wrong with them.

use serde_json::{Value, json};

use super::GraphResult;
use super::refusal::GraphError;
use crate::form::Form;
use crate::lab::Lab;
use crate::random::guid_for;
use crate::seed::{App, Tenant};

/// Reads `$filter=appId eq '…'` and returns the application that is meant, if it is there.
pub(super) fn filtered<'a>(
    lab: &'a Lab,
    tenant: &Tenant,
    query: Option<&str>,
) -> GraphResult<Option<&'a App>> {
    let form =
        Form::parse(query.unwrap_or_default()).map_err(|_| GraphError::bad_request("Invalid query."))?;
    let id = form.get("$filter").and_then(|filter| filter.trim().strip_prefix("appId eq '"));
    let id = id.and_then(|rest| rest.strip_suffix('\''));
    let id =
        id.ok_or_else(|| GraphError::request("Request_UnsupportedQuery", "The lab knows appId eq alone."))?;
    Ok(lab.seed.client(id).filter(|app| app.is_in(tenant)))
}

/// Returns the object id of a registration, which is not its application id.
pub(super) fn object_id(app: &App) -> String {
    guid_for(&["application", &app.id])
}

/// Describes a registration; only its home directory has it.
pub(super) fn application(lab: &Lab, app: &App) -> Value {
    let scopes = app.scopes.iter().map(|name| {
        json!({ "id": guid_for(&["scope", &app.id, name]), "value": name, "type": "User", "isEnabled": true })
    });
    let roles = app.roles.iter().map(|name| {
        let kinds = ["User", "Application"];
        json!({ "id": guid_for(&["role", &app.id, name]), "value": name, "allowedMemberTypes": kinds, "isEnabled": true })
    });
    let preauthorized = app.preauthorized.iter().map(|(client, scopes)| {
        let ids: Vec<String> = scopes.iter().map(|name| guid_for(&["scope", &app.id, name])).collect();
        let client = lab.seed.app(client).map(|app| app.id.as_str());
        json!({ "appId": client, "delegatedPermissionIds": ids })
    });
    let claims = |names: &[String]| -> Vec<Value> {
        names.iter().map(|name| json!({ "name": name, "essential": false, "source": null, "additionalProperties": [] })).collect()
    };
    let secrets = app.secrets.iter().enumerate().map(|(at, secret)| {
        json!({
            "keyId": guid_for(&["secret", &app.id, &at.to_string()]), "displayName": "lab",
            "endDateTime": if secret.expired { "2020-01-01T00:00:00Z" } else { "2099-01-01T00:00:00Z" },
        })
    });
    let (web, public): (Vec<&String>, Vec<&String>) = app.redirect_uris.iter().partition(|_| !app.public);
    json!({
        "id": object_id(app), "appId": app.id, "displayName": app.name,
        "signInAudience": if app.multi_tenant { "AzureADMultipleOrgs" } else { "AzureADMyOrg" },
        "identifierUris": app.identifier_uris,
        "groupMembershipClaims": if app.group_claims { json!("SecurityGroup") } else { Value::Null },
        "isFallbackPublicClient": app.public,
        "api": {
            "requestedAccessTokenVersion": app.token_version, "oauth2PermissionScopes": scopes.collect::<Vec<_>>(),
            "preAuthorizedApplications": preauthorized.collect::<Vec<_>>(), "knownClientApplications": [],
        },
        "appRoles": roles.collect::<Vec<_>>(),
        "optionalClaims": { "accessToken": claims(&app.optional_claims), "idToken": claims(&app.id_token_claims) },
        "web": { "redirectUris": web, "logoutUrl": null },
        "spa": { "redirectUris": app.spa_redirect_uris },
        "publicClient": { "redirectUris": public },
        "passwordCredentials": secrets.collect::<Vec<_>>(),
        "keyCredentials": if app.certificate { json!([{ "type": "AsymmetricX509Cert", "usage": "Verify" }]) } else { json!([]) },
    })
}

/// Lists the federated credentials of a registration.
pub(super) fn federated(app: &App) -> Value {
    let all = app.federated.iter().enumerate().map(|(at, credential)| {
        json!({
            "id": guid_for(&["federated", &app.id, &at.to_string()]), "name": format!("lab-{at}"),
            "issuer": credential.issuer, "subject": credential.subject, "audiences": [credential.audience],
        })
    });
    json!({ "value": all.collect::<Vec<_>>() })
}

/// Describes a service principal: the application as one directory knows it.
pub(super) fn principal(app: &App, tenant: &Tenant) -> Value {
    json!({
        "id": app.principal_in(tenant), "appId": app.id, "displayName": app.name,
        "accountEnabled": !app.disabled, "appRoleAssignmentRequired": app.assignment_required,
        "servicePrincipalType": if app.managed_identity.is_some() { "ManagedIdentity" } else { "Application" },
    })
}
