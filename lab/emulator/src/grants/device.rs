//! The device code: asked for here, approved on a page, polled at the token endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Value, json};

use super::{Request, invalid_grant};
use crate::AadResult;
use crate::authority::Authority;
use crate::client_auth;
use crate::errors::{AadError, Trace};
use crate::faults::Place;
use crate::issue;
use crate::lab::Lab;
use crate::random;
use crate::scopes::Asked;
use crate::store::{Device, DeviceState, Grant};
use crate::token::read;

const LIVES: Duration = Duration::from_secs(900);
/// No vowels and nothing that looks like something else, as Entra's codes.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// `POST /{tenant}/oauth2/v2.0/devicecode`
pub(crate) async fn begin(
    State(lab): State<Arc<Lab>>,
    Path(segment): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trace = Trace::begin(&lab, &headers);
    match begun(&lab, &segment, &headers, &body) {
        Ok(answer) => {
            let mut response = Json(answer).into_response();
            trace.mark(&mut response);
            response
        }
        Err(refusal) => refusal.json(&lab, &trace),
    }
}

/// Answers a poll.
pub(crate) fn redeem(request: &Request<'_>) -> AadResult<Value> {
    let client = request.client()?;
    request.no_agent(&client)?;
    let text = request.form.need("device_code")?;
    if request.lab.faults().strike(Place::DevicePoll).is_some() {
        return Err(AadError::new(70_016, "The device polls too fast.").with_error("slow_down"));
    }
    let device = request.lab.store().devices.get(text).cloned().ok_or_else(|| {
        AadError::new(
            70_018,
            "Invalid verification code due to user typing in wrong user code for device code flow.",
        )
    })?;
    if device.client != client.app.id {
        return Err(invalid_grant());
    }
    let sign_in = match device.state {
        DeviceState::Used => return Err(AadError::new(54_005, "The device code was already redeemed.")),
        DeviceState::Declined => {
            let refusal = AadError::new(70_017, "The end user denied the authorization request.");
            return Err(refusal.with_error("authorization_declined"));
        }
        _ if request.lab.clock.now() >= device.expires => {
            return Err(AadError::new(
                70_020,
                "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
            ));
        }
        DeviceState::Pending => {
            return Err(AadError::new(
                70_016,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            ));
        }
        DeviceState::Approved(sign_in) => sign_in,
    };
    let grant = Grant {
        client: device.client,
        sign_in,
        scope: device.scope,
        resource: None,
        nonce: None,
        claims: None,
        spa: false,
    };
    request.same_tenant(&grant, 700_005)?;
    let answer = issue::for_person(request.lab, &client, &grant, request.form)?;
    if let Some(device) = request.lab.store().devices.get_mut(text) {
        device.state = DeviceState::Used;
    }
    Ok(answer)
}

fn begun(lab: &Lab, segment: &str, headers: &HeaderMap, body: &[u8]) -> AadResult<Value> {
    let authority = Authority::parse(lab, segment)?;
    let form = read(headers, body)?;
    let client = client_auth::known(lab, authority, form.need("client_id")?)?;
    authority.admits(client)?;
    let scope = form.need("scope")?;
    let tenant = authority.tenant().ok();
    Asked::parse(lab, tenant, client, scope, None)?.single()?;
    let (device_code, user_code) = (random::opaque()?, user_code()?);
    lab.store().devices.insert(
        device_code.clone(),
        Device {
            user_code: user_code.clone(),
            client: client.id.clone(),
            scope: scope.to_owned(),
            authority: segment.to_owned(),
            expires: lab.clock.now().plus(LIVES),
            state: DeviceState::Pending,
        },
    );
    let page = format!("{}/devicelogin", lab.authority);
    Ok(json!({
        "user_code": user_code, "device_code": device_code, "verification_uri": page,
        "expires_in": LIVES.as_secs(), "interval": lab.poll_interval().as_secs(),
        "message": format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."),
    }))
}

fn user_code() -> AadResult<String> {
    let letter = |byte: u8| LETTERS.get(usize::from(byte) % LETTERS.len()).copied().map_or('B', char::from);
    Ok(random::bytes::<9>()?.into_iter().map(letter).collect())
}
