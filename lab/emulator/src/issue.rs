//! The answer of the token endpoint, once a grant has been found good.

use serde_json::{Value, json};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::AadResult;
use crate::claims::ClaimsRequest;
use crate::client_auth::{self, Client};
use crate::errors::AadError;
use crate::form::Form;
use crate::jwt;
use crate::lab::Lab;
use crate::random;
use crate::scopes::{Asked, Target};
use crate::seed::{App, Tenant, User};
use crate::store::{Grant, SignIn};
use crate::tokens::{self, AccessToken, GroupClaim, Subject};

/// Answers a grant that a person stands behind. `scope` and `resource` of the request narrow or move the grant's own.
pub(crate) fn for_person(lab: &Lab, client: &Client<'_>, grant: &Grant, form: &Form) -> AadResult<Value> {
    let (user, tenant) = standing(lab, &grant.sign_in.user)?;
    let scope = form.get("scope").unwrap_or(&grant.scope);
    let resource = form.get("resource").or(grant.resource.as_deref());
    let asked = Asked::parse(lab, Some(tenant), client.app, scope, resource)?;
    let target = asked.single()?;
    let granted = target.granted(lab, user, client.app)?;
    let claims = ClaimsRequest::parse(form.get("claims").or(grant.claims.as_deref()))?;
    allowed(lab, user, target.app, &grant.sign_in, &claims)?;
    in_context(lab, user, target.app, &grant.sign_in)?;

    let lifetime = tokens::lifetime(lab)?;
    let token = AccessToken {
        subject: Subject::User { user, scopes: &granted },
        tenant,
        client: client.app,
        proof: client.proof,
        resource: target.app,
        asked_as: target.audience(),
        version: target.app.token_version,
        roles: user.roles.get(&target.app.name).cloned().unwrap_or_default(),
        groups: groups(lab, user, target.app),
        capable: claims.capable,
        acrs: grant.sign_in.acrs.clone(),
        mfa: grant.sign_in.mfa,
        auth_time: grant.sign_in.at,
        lifetime,
    };
    let mut answer = answer(&token.sign(lab, &token.claims(lab)?)?, lifetime);
    answer.insert(String::from("scope"), json!(scopes_text(&asked, target, &granted)));
    if asked.has("offline_access") {
        let kept = Grant { scope: scope.to_owned(), resource: resource.map(str::to_owned), ..grant.clone() };
        let refresh = lab.store().keep_refresh(kept, lab.clock.now())?;
        answer.insert(String::from("refresh_token"), json!(refresh));
    }
    if asked.has("openid") {
        let nonce = grant.nonce.as_deref();
        let sign_in = Some(&grant.sign_in);
        let claims = tokens::id_token_claims(lab, user, tenant, client.app, nonce, sign_in, lifetime)?;
        let key = lab.keys().current()?;
        answer.insert(
            String::from("id_token"),
            json!(jwt::sign(&jwt::header(&key.kid, false), &claims, &key)?),
        );
    }
    if form.get("client_info") == Some("1") {
        let info = json!({ "uid": user.id, "utid": tenant.id }).to_string();
        answer.insert(String::from("client_info"), json!(URL_SAFE_NO_PAD.encode(info)));
    }
    Ok(Value::Object(answer))
}

/// Answers a client that stands for itself.
pub(crate) fn for_application(
    lab: &Lab,
    client: &Client<'_>,
    tenant: &Tenant,
    target: &Target<'_>,
    agent: Option<&str>,
) -> AadResult<Value> {
    let roles = target.app.app_grants.get(&client.app.name).cloned().unwrap_or_default();
    if target.app.assignment_required && roles.is_empty() {
        return Err(AadError::new(
            501_051,
            format!(
                "Application '{}'({}) is not assigned to a role for the application '{}'({}).",
                client.app.id, client.app.name, target.app.id, target.app.name
            ),
        ));
    }
    let lifetime = tokens::lifetime(lab)?;
    let token = AccessToken {
        subject: Subject::App,
        tenant,
        client: client.app,
        proof: client.proof,
        resource: target.app,
        asked_as: target.audience(),
        version: target.app.token_version,
        roles,
        groups: GroupClaim::Absent,
        capable: false,
        acrs: Vec::new(),
        mfa: false,
        auth_time: lab.clock.now(),
        lifetime,
    };
    let mut claims = token.claims(lab)?;
    if let Some(agent) = agent {
        let subject = client_auth::agent::subject(tenant, client.app, agent);
        tokens::put(&mut claims, "sub", json!(subject));
    }
    Ok(Value::Object(answer(&token.sign(lab, &claims)?, lifetime)))
}

/// Returns a person who may still sign in, and their tenant.
pub(crate) fn standing<'a>(lab: &'a Lab, user: &str) -> AadResult<(&'a User, &'a Tenant)> {
    let gone = || AadError::new(50_034, "The user account does not exist in the directory.");
    let user = lab.seed.user(user).ok_or_else(gone)?;
    if lab.store().is_disabled(user) {
        return Err(AadError::new(50_057, "The user account is disabled."));
    }
    Ok((user, lab.seed.tenant_of(user).ok_or_else(gone)?))
}

/// Checks what the resource and the policies ask of the person.
pub(crate) fn allowed(
    lab: &Lab,
    user: &User,
    resource: &App,
    sign_in: &SignIn,
    claims: &ClaimsRequest,
) -> AadResult<()> {
    if resource.assignment_required && !user.roles.contains_key(&resource.name) {
        return Err(AadError::new(
            50_105,
            format!(
                "Your administrator has configured the application {} ('{}') to block users unless they are specifically granted access to the application.",
                resource.name, resource.id
            ),
        ));
    }
    let needed = claims.policy || lab.faults().mfa_required(&resource.name, &resource.id);
    if let Some(context) = claims.acrs.iter().find(|wanted| !sign_in.acrs.contains(wanted)) {
        return Err(step_up(context));
    }
    if needed && !sign_in.mfa {
        let policy = random::guid_for(&["policy", &resource.id]);
        let claims = json!({ "access_token": { "polids": { "essential": true, "values": [policy] } } });
        let message = "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multifactor authentication to access the resource.";
        return Err(AadError::new(50_079, message).with_claims(claims.to_string()));
    }
    Ok(())
}

/// Checks the contexts that policies ask of a token for a resource. The page does not: a client that was not told to
/// come back with claims gets a code, and the refusal when it redeems it.
fn in_context(lab: &Lab, user: &User, resource: &App, sign_in: &SignIn) -> AadResult<()> {
    let needed = lab.faults().contexts(resource, user);
    match needed.iter().find(|context| !sign_in.acrs.contains(context)) {
        Some(context) => Err(step_up(context)),
        None => Ok(()),
    }
}

fn step_up(context: &str) -> AadError {
    let claims = json!({ "access_token": { "acrs": { "essential": true, "value": context } } });
    let message = "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multifactor authentication to access the resource.";
    AadError::new(50_079, message).with_claims(claims.to_string())
}

fn groups(lab: &Lab, user: &User, resource: &App) -> GroupClaim {
    if resource.group_claims { GroupClaim::of(user.group_ids(&lab.seed)) } else { GroupClaim::Absent }
}

fn scopes_text(asked: &Asked<'_>, target: &Target<'_>, granted: &[String]) -> String {
    let named = granted.iter().map(|name| target.qualified(name));
    // Graph's answer repeats the OpenID Connect scopes, other APIs' do not.
    let oidc = asked.oidc.iter().filter(|name| {
        target.app.id == crate::seed::GRAPH_APP_ID && *name != "offline_access" && !granted.contains(name)
    });
    named.chain(oidc.cloned()).collect::<Vec<_>>().join(" ")
}

fn answer(token: &str, lifetime: std::time::Duration) -> jwt::Object {
    // Entra says one second less than the token says itself.
    let seconds = lifetime.as_secs().saturating_sub(1);
    let mut answer = jwt::Object::from_iter([
        (String::from("token_type"), json!("Bearer")),
        (String::from("expires_in"), json!(seconds)),
        (String::from("ext_expires_in"), json!(seconds)),
        (String::from("access_token"), json!(token)),
    ]);
    if lifetime.as_secs() >= 2 * 3600 {
        answer.insert(String::from("refresh_in"), json!(seconds / 2));
    }
    answer
}
