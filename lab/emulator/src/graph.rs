//! Microsoft Graph, as far as a gateway needs it: who somebody is and which groups they are in.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::form::Form;
use crate::lab::Lab;
use crate::seed::User;

mod caller;
mod refusal;
mod registrations;

use caller::Caller;
use refusal::GraphError;

type GraphResult<T> = Result<T, GraphError>;

/// What `/me` and `/users/{id}` return unless `$select` says otherwise.
const DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];
/// What `$select` may ask for beyond that.
const FURTHER: [&str; 3] = ["accountEnabled", "userType", "onPremisesSyncEnabled"];

/// What reading registrations takes.
const READS_REGISTRATIONS: &[&str] = &["Application.Read.All", "Directory.Read.All"];

/// Returns the routes.
pub(crate) fn routes() -> Router<Arc<Lab>> {
    Router::new()
        .route("/graph/v1.0/me", get(me))
        .route("/graph/v1.0/users/{id}", get(user))
        .route("/graph/v1.0/me/getMemberObjects", post(my_groups))
        .route("/graph/v1.0/users/{id}/getMemberObjects", post(user_groups))
        .route("/graph/v1.0/applications", get(applications))
        .route("/graph/v1.0/applications/{id}/federatedIdentityCredentials", get(federated))
        .route("/graph/v1.0/servicePrincipals", get(principals))
        .route("/graph/oidc/userinfo", get(userinfo))
        .route("/graph/{*rest}", axum::routing::any(elsewhere))
}

async fn me(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&lab, &headers, |caller| {
        let user = caller.myself(&lab, &["User.Read", "User.ReadBasic.All"])?;
        profile(&lab, user, query.as_deref(), "users/$entity")
    })
}

async fn user(
    State(lab): State<Arc<Lab>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, &headers, |caller| {
        let user = caller.other(&lab, &id, &["User.ReadBasic.All", "User.Read.All", "Directory.Read.All"])?;
        profile(&lab, user, query.as_deref(), "users/$entity")
    })
}

async fn my_groups(State(lab): State<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&lab, &headers, |caller| {
        let user = caller.myself(&lab, &["User.Read", "GroupMember.Read.All", "Directory.Read.All"])?;
        groups(&lab, user, &body)
    })
}

async fn user_groups(
    State(lab): State<Arc<Lab>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&lab, &headers, |caller| {
        let user = caller.other(&lab, &id, &["GroupMember.Read.All", "Directory.Read.All"])?;
        groups(&lab, user, &body)
    })
}

async fn applications(
    State(lab): State<Arc<Lab>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, &headers, |caller| {
        let tenant = caller.administers(&lab, READS_REGISTRATIONS)?;
        let found = registrations::filtered(&lab, tenant, query.as_deref())?;
        let own =
            found.filter(|app| app.tenant == tenant.name).map(|app| registrations::application(&lab, app));
        Ok(json!({ "value": Vec::from_iter(own) }))
    })
}

async fn federated(State(lab): State<Arc<Lab>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answer(&lab, &headers, |caller| {
        let tenant = caller.administers(&lab, READS_REGISTRATIONS)?;
        let own = |app: &&crate::seed::App| app.tenant == tenant.name && registrations::object_id(app) == id;
        let found = lab.seed.apps.iter().find(own).ok_or_else(|| GraphError::not_found(&id))?;
        Ok(registrations::federated(found))
    })
}

async fn principals(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&lab, &headers, |caller| {
        let tenant = caller.administers(&lab, READS_REGISTRATIONS)?;
        let found = registrations::filtered(&lab, tenant, query.as_deref())?;
        Ok(json!({ "value": Vec::from_iter(found.map(|app| registrations::principal(app, tenant))) }))
    })
}

/// OpenID Connect's userinfo, which Entra serves from Graph.
async fn userinfo(State(lab): State<Arc<Lab>>, headers: HeaderMap) -> Response {
    answer(&lab, &headers, |caller| {
        let user = caller.myself(&lab, &["openid", "User.Read"])?;
        let (given, family) = names(user);
        Ok(json!({
            "sub": caller.subject(), "name": user.display_name, "given_name": given, "family_name": family,
            "picture": format!("{}/v1.0/me/photo/$value", lab.graph()), "email": mail(user),
        }))
    })
}

async fn elsewhere(State(lab): State<Arc<Lab>>, headers: HeaderMap) -> Response {
    answer(&lab, &headers, |_| Err(GraphError::bad_request("Resource not found for the segment.")))
}

fn answer(lab: &Lab, headers: &HeaderMap, then: impl FnOnce(&Caller) -> GraphResult<Value>) -> Response {
    let outcome =
        refusal::throttled(lab).and_then(|()| Caller::verify(lab, headers)).and_then(|it| then(&it));
    let mut response = match outcome {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => refusal.response(lab, headers),
    };
    refusal::mark(&mut response, headers);
    response
}

fn profile(lab: &Lab, user: &User, query: Option<&str>, entity: &str) -> GraphResult<Value> {
    let query =
        Form::parse(query.unwrap_or_default()).map_err(|_| GraphError::bad_request("Invalid query."))?;
    let wanted: Vec<&str> = match query.get("$select") {
        Some(list) => list.split(',').map(str::trim).collect(),
        None => DEFAULT.to_vec(),
    };
    let mut answer = Map::new();
    let context = format!("{}/v1.0/$metadata#{entity}", lab.graph());
    answer.insert(String::from("@odata.context"), json!(context));
    for name in wanted {
        if !DEFAULT.contains(&name) && !FURTHER.contains(&name) {
            let message = format!(
                "Could not find a property named '{name}' on type 'Microsoft.DirectoryServices.User'."
            );
            return Err(GraphError::bad_request(&message));
        }
        answer.insert(name.to_owned(), property(lab, user, name));
    }
    Ok(Value::Object(answer))
}

fn property(lab: &Lab, user: &User, name: &str) -> Value {
    let (given, family) = names(user);
    match name {
        "businessPhones" => json!([]),
        "displayName" => json!(user.display_name),
        "givenName" => json!(given),
        "surname" => json!(family),
        "id" => json!(user.id),
        "mail" => mail(user),
        "userPrincipalName" => json!(user.upn),
        "accountEnabled" => json!(!lab.store().is_disabled(user)),
        "userType" => json!(if user.home_tenant.is_some() { "Guest" } else { "Member" }),
        _ => Value::Null,
    }
}

fn mail(user: &User) -> Value {
    if user.mail.is_empty() { Value::Null } else { json!(user.mail) }
}

fn names(user: &User) -> (&str, &str) {
    user.display_name.split_once(' ').unwrap_or((&user.display_name, ""))
}

fn groups(lab: &Lab, user: &User, body: &[u8]) -> GraphResult<Value> {
    let asked: Value = serde_json::from_slice(body)
        .map_err(|_| GraphError::bad_request("Unable to read JSON request payload."))?;
    if !asked.get("securityEnabledOnly").is_some_and(Value::is_boolean) {
        return Err(GraphError::request(
            "Request_BadRequest",
            "A value is required for the parameter 'securityEnabledOnly'.",
        ));
    }
    Ok(json!({
        "@odata.context": format!("{}/v1.0/$metadata#Collection(Edm.String)", lab.graph()),
        "value": user.group_ids(&lab.seed),
    }))
}
