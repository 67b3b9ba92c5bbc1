//! What is asked of tokens that Entra signed.

use std::time::Duration;

use doorward_types::{Person, TenantId, Timestamp};

use crate::claims::Claims;
use crate::cloud::Cloud;
use crate::error::TokenError;
use crate::expect::{EntraTokens, Expectation, MAX_SKEW, Tenants};
use crate::identity::{CallerKind, Judged};
use crate::keys::Key;
use crate::rules::{Opening, judge_caller, judge_purpose, judge_times};

/// The longest life of a token: Entra's longest is 28 hours, for clients that hear of revocations at once.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_secs(28 * 3600);

/// Microsoft Graph's application id: `aud` of its tokens.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// Judges an access token.
pub(crate) fn judge(
    claims: Claims<'_>,
    key: &Key,
    expected: &Expectation,
    now: Timestamp,
) -> Result<Judged, TokenError> {
    // Where callers sign in at this door, a token of Entra's own would walk past its consent and its revocations.
    if expected.entra == EntraTokens::None {
        return Err(TokenError::EntraTokenNotAccepted);
    }
    let (tenant, version) =
        judge_issuer(claims, key, (&expected.cloud, &expected.tenants, expected.accept_v1))?;
    judge_audience(claims, version, expected)?;
    let times = judge_times(claims, expected.skew.min(MAX_SKEW), MAX_LIFETIME, now)?;
    judge_purpose(claims)?;
    // Entra binds tokens in ways of its own, none of which is proven here.
    if claims.has("cnf") {
        return Err(TokenError::BoundToken);
    }
    // An ID token for our own application has our audience and a good signature.
    if !["azp", "appid", "scp", "idtyp"].iter().any(|name| claims.has(name)) {
        return Err(TokenError::IdToken);
    }
    let client = claims.client(version.client_claim())?;
    let person = Person { tenant, object: claims.object()? };
    let caller = judge_caller(
        claims,
        &Opening {
            scopes_in: "scp",
            required_scope: &expected.required_scope,
            required_role: &expected.required_role,
            allow_app_only: expected.allow_app_only,
            told_by_audience: false,
        },
    )?;
    if expected.entra == EntraTokens::Apps && caller.kind != CallerKind::App {
        return Err(TokenError::EntraTokenNotAccepted);
    }
    Ok(Judged {
        person,
        client,
        caller,
        groups: claims.groups()?,
        times,
        answers_challenges: claims.answers_challenges()?,
        token_id: claims.text("uti")?.map(|uti| uti.into()),
        own: None,
        bound_to: None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

impl Version {
    fn client_claim(self) -> &'static str {
        match self {
            Self::V1 => "appid",
            Self::V2 => "azp",
        }
    }
}

/// Judges version, tenant, issuer and whose the key is. In a multi-tenant application anybody's directory issues
/// genuinely signed tokens, so each of these has to agree with each other.
pub(crate) fn judge_issuer(
    claims: Claims<'_>,
    key: &Key,
    (cloud, tenants, accept_v1): (&Cloud, &Tenants, bool),
) -> Result<(TenantId, Version), TokenError> {
    let version = match &*claims.required("ver")? {
        "1.0" if !accept_v1 => return Err(TokenError::V1NotAccepted),
        "1.0" => Version::V1,
        "2.0" => Version::V2,
        _ => return Err(TokenError::UnknownVersion),
    };
    let tenant = claims.tenant()?;
    let (v1, v2) = (cloud.issuer_v1(&tenant), cloud.issuer_v2(&tenant));
    let issuer = if version == Version::V1 { v1 } else { v2.clone() };
    if *claims.required("iss")? != *issuer {
        return Err(TokenError::WrongIssuer);
    }
    if !tenants.allow(&tenant) {
        return Err(TokenError::TenantNotAllowed(tenant));
    }
    match key.issuer_for(&tenant) {
        // Keys name v2 issuers even where they sign v1 tokens.
        Some(owner) if owner == issuer || owner == v2 => {}
        Some(_) => return Err(TokenError::KeyIssuerMismatch),
        None if matches!(tenants, Tenants::Many(_)) => return Err(TokenError::KeyWithoutIssuer),
        None => {}
    }
    Ok((tenant, version))
}

/// Judges whom the token is for.
fn judge_audience(claims: Claims<'_>, version: Version, expected: &Expectation) -> Result<(), TokenError> {
    let audience = claims.audience()?;
    let ours = &expected.audience;
    if *audience == *ours.client_id.as_str()
        || (version == Version::V1 && ours.app_id_uris.iter().any(|uri| *uri == *audience))
    {
        return Ok(());
    }
    let origin = audience.strip_suffix('/').unwrap_or(&audience);
    let graph = *audience == *GRAPH_APP || *origin == *expected.cloud.graph;
    Err(if graph { TokenError::GraphToken } else { TokenError::WrongAudience })
}
