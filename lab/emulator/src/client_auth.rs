//! Who is asking at the token endpoint: public clients by name, confidential ones by secret or assertion.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

use crate::AadResult;
use crate::authority::Authority;
use crate::errors::AadError;
use crate::form::{self, Form};
use crate::lab::Lab;
use crate::seed::App;
use crate::tokens::ClientProof;

pub(crate) mod agent;
mod certificate;
mod federated;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client and how it proved itself.
pub(crate) struct Client<'a> {
    pub(crate) app: &'a App,
    pub(crate) proof: ClientProof,
}

/// Authenticates the client of a request.
pub(crate) fn authenticate<'a>(
    lab: &'a Lab,
    authority: Authority<'_>,
    headers: &HeaderMap,
    form: &Form,
) -> AadResult<Client<'a>> {
    let basic = basic(headers);
    let id = match &basic {
        Some((id, _)) => id.as_str(),
        None => form.need("client_id")?,
    };
    let app = known(lab, authority, id)?;
    let secret = basic.as_ref().map(|(_, secret)| secret.as_str()).or_else(|| form.get("client_secret"));
    let assertion = form.get("client_assertion");
    if app.public && (secret.is_some() || assertion.is_some()) {
        return Err(AadError::new(
            700_025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        ));
    }
    let proof = match (secret, assertion) {
        (None, None) if app.public => ClientProof::Public,
        (None, None) => {
            return Err(AadError::new(
                7_000_218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(AadError::new(
                9_002_313,
                "Invalid request. Only one client credential may be presented.",
            ));
        }
        (Some(secret), None) => by_secret(app, secret)?,
        (None, Some(assertion)) => by_assertion(lab, authority, app, form, assertion)?,
    };
    Ok(Client { app, proof })
}

/// Finds the client in the authority's directory.
pub(crate) fn known<'a>(lab: &'a Lab, authority: Authority<'_>, id: &str) -> AadResult<&'a App> {
    let there = lab.seed.client(id).filter(|app| match authority {
        Authority::One(tenant) => app.is_in(tenant),
        Authority::Any => true,
    });
    let Some(app) = there else {
        return Err(AadError::new(
            700_016,
            format!(
                "Application with identifier '{id}' was not found in the directory '{}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
                authority.name()
            ),
        ));
    };
    if app.disabled {
        return Err(AadError::new(7_000_112, format!("Application '{}'({}) is disabled.", app.id, app.name)));
    }
    Ok(app)
}

fn by_secret(app: &App, secret: &str) -> AadResult<ClientProof> {
    let same = |known: &&crate::seed::ClientSecret| {
        verify_slices_are_equal(known.value.as_bytes(), secret.as_bytes()).is_ok()
    };
    match app.secrets.iter().find(same) {
        Some(known) if known.expired => Err(AadError::new(
            7_000_222,
            format!("The provided client secret keys for app '{}' are expired.", app.id),
        )),
        Some(_) => Ok(ClientProof::Secret),
        None => Err(AadError::new(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{}'.",
                app.id
            ),
        )),
    }
}

fn by_assertion(
    lab: &Lab,
    authority: Authority<'_>,
    app: &App,
    form: &Form,
    assertion: &str,
) -> AadResult<ClientProof> {
    if form.need("client_assertion_type")? != ASSERTION_TYPE {
        return Err(AadError::new(
            90_023,
            format!("The client_assertion_type parameter must be '{ASSERTION_TYPE}'."),
        ));
    }
    let parts = crate::jwt::parse(assertion).ok_or_else(|| {
        AadError::new(50_027, "JWT token is invalid or malformed.").with_error("invalid_client")
    })?;
    // Entra tells the two kinds apart by who says to have made them.
    if let Some(blueprint) = &app.blueprint {
        agent::check(lab, app, blueprint, &parts)?;
    } else if parts.claims.get("iss").and_then(serde_json::Value::as_str) == Some(app.id.as_str()) {
        certificate::check(lab, authority, app, &parts)?;
    } else {
        federated::check(lab, app, &parts)?;
    }
    Ok(ClientProof::Certificate)
}

/// Reads HTTP Basic, whose two halves are form-encoded (RFC 6749 section 2.3.1).
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((form::decode(id)?, form::decode(secret)?))
}
