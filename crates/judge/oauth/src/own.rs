//! What is asked of tokens that this door signed (RFC 9068). They are as strict as Entra's: whoever can make the door
//! sign something else with that key must not have an access token by it.

use std::time::Duration;

use doorward_types::{ClientId, GrantId, Person, Timestamp};

use crate::claims::Claims;
use crate::error::TokenError;
use crate::expect::Expectation;
use crate::identity::{CallerKind, Judged, Own};
use crate::jws::Typ;
use crate::rules::{Opening, judge_caller, judge_purpose, judge_times};

/// The longest life of a token of the door's own (TOK-04).
const MAX_LIFETIME: Duration = Duration::from_secs(600);

/// Both clocks are the door's own; several instances of it are kept this close together. It excuses a token from the
/// future, never one whose time is over: clients refresh when they are refused.
const SKEW: Duration = Duration::from_secs(5);

/// Judges an access token.
pub(crate) fn judge(
    claims: Claims<'_>,
    typ: Typ,
    expected: &Expectation,
    now: Timestamp,
) -> Result<Judged, TokenError> {
    let Some(door) = &expected.door else { return Err(TokenError::DoorTokenNotAccepted) };
    // Explicit typing (RFC 9068 section 4): nothing else that this key may ever sign is an access token.
    if typ != Typ::Access {
        return Err(TokenError::WrongType);
    }
    if *claims.required("iss")? != *door.issuer {
        return Err(TokenError::WrongIssuer);
    }
    // One string, one server: a sibling's token is none here (D-12).
    if *claims.audience()? != *door.audience {
        return Err(TokenError::WrongAudience);
    }
    let times = judge_times(claims, SKEW, MAX_LIFETIME, now)?;
    if times.expires <= now {
        return Err(TokenError::Expired);
    }
    judge_purpose(claims)?;
    let bound_to = claims.bound_to()?;
    let person = Person { tenant: claims.tenant()?, object: claims.object()? };
    if *claims.required("sub")? != format!("{}.{}", person.tenant, person.object) {
        return Err(TokenError::MalformedClaim("sub"));
    }
    if !expected.tenants.allow(&person.tenant) {
        return Err(TokenError::TenantNotAllowed(person.tenant));
    }
    // A GUID would be an application of Entra's, with whatever policies name it.
    let client = ClientId::registered(&claims.required("client_id")?)
        .map_err(|_| TokenError::MalformedClaim("client_id"))?;
    let caller = judge_caller(
        claims,
        &Opening {
            scopes_in: "scope",
            required_scope: &door.required_scope,
            required_role: &expected.required_role,
            allow_app_only: expected.allow_app_only,
            told_by_audience: true,
        },
    )?;
    let grant = match claims.text("sid")? {
        Some(sid) => Some(GrantId::parse(&sid).map_err(|_| TokenError::MalformedClaim("sid"))?),
        None => None,
    };
    match (caller.kind, grant) {
        // Without it the token could not be taken back with its sign-in.
        (CallerKind::User, None) => return Err(TokenError::MissingClaim("sid")),
        (CallerKind::App, Some(_)) => return Err(TokenError::MalformedClaim("sid")),
        (CallerKind::User, Some(_)) | (CallerKind::App, None) => {}
    }
    let token_id = claims.required("jti")?;
    if token_id.is_empty() {
        return Err(TokenError::MalformedClaim("jti"));
    }
    Ok(Judged {
        person,
        client,
        caller,
        groups: claims.groups()?,
        times,
        // Its holder never talks to Entra: a challenge of Entra's would mean nothing to it (D-16).
        answers_challenges: false,
        token_id: Some(token_id.into()),
        own: Some(Own { grant, epoch: claims.count("ep")? }),
        bound_to,
    })
}
