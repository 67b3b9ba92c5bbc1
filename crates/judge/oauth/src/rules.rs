//! What is asked of every access token, whoever issued it: its times, its purpose, and who calls with it.

use std::sync::Arc;
use std::time::Duration;

use doorward_types::Timestamp;

use crate::claims::Claims;
use crate::error::TokenError;
use crate::identity::CallerKind;

/// When a token was issued and when it ends, as it says.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
}

/// Judges `exp`, `nbf` and `iat`, all of which must be there.
pub(crate) fn judge_times(
    claims: Claims<'_>,
    skew: Duration,
    longest: Duration,
    now: Timestamp,
) -> Result<Times, TokenError> {
    let (expires, begins, issued) = (claims.time("exp")?, claims.time("nbf")?, claims.time("iat")?);
    if expires <= begins || expires <= issued {
        return Err(TokenError::EndsBeforeItBegins);
    }
    if expires.plus(skew) <= now {
        return Err(TokenError::Expired);
    }
    if begins > now.plus(skew) {
        return Err(TokenError::NotYetValid);
    }
    if issued > now.plus(skew) {
        return Err(TokenError::IssuedInFuture);
    }
    if expires.since(issued.min(begins)) > longest + skew {
        return Err(TokenError::LifetimeTooLong);
    }
    Ok(Times { issued, expires })
}

/// Refuses what an ID token has and an access token has not.
pub(crate) fn judge_purpose(claims: Claims<'_>) -> Result<(), TokenError> {
    if ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.has(name)) {
        return Err(TokenError::IdToken);
    }
    Ok(())
}

/// Who calls, and what they were given.
pub(crate) struct Caller {
    pub(crate) kind: CallerKind,
    pub(crate) scopes: Vec<Arc<str>>,
    pub(crate) roles: Vec<Arc<str>>,
}

/// What opens one server.
pub(crate) struct Opening<'e> {
    /// The claim that holds the scopes.
    pub(crate) scopes_in: &'static str,
    pub(crate) required_scope: &'e [String],
    pub(crate) required_role: &'e [String],
    pub(crate) allow_app_only: bool,
    /// Whether the audience alone tells this server from every other.
    pub(crate) told_by_audience: bool,
}

/// Tells people from applications and asks of each what opens this server. Tenant and object alone would let any
/// service principal of the tenant in.
pub(crate) fn judge_caller(claims: Claims<'_>, opening: &Opening<'_>) -> Result<Caller, TokenError> {
    let (scopes, roles) = (claims.scopes(opening.scopes_in)?, claims.roles()?);
    let role_opens = opens(opening.required_role, &roles);
    match (claims.text("idtyp")?.as_deref(), scopes) {
        (Some("app"), Some(_)) => Err(TokenError::AppWithScope),
        (Some("app"), None) => {
            if roles.is_empty() {
                return Err(TokenError::AppWithoutRole);
            }
            if !opening.allow_app_only {
                return Err(TokenError::AppOnlyNotAllowed);
            }
            // A server told from its siblings by a scope alone has nothing that an application could show.
            let told_by_scope_alone = !opening.told_by_audience
                && opening.required_role.is_empty()
                && !opening.required_scope.is_empty();
            if told_by_scope_alone || !role_opens {
                return Err(TokenError::MissingRole);
            }
            Ok(Caller { kind: CallerKind::App, scopes: Vec::new(), roles })
        }
        (None | Some("user"), Some(scopes)) => {
            if !opens(opening.required_scope, &scopes) {
                return Err(TokenError::MissingScope);
            }
            if !role_opens {
                return Err(TokenError::MissingRole);
            }
            Ok(Caller { kind: CallerKind::User, scopes, roles })
        }
        (None | Some("user"), None) => Err(TokenError::NeitherUserNorApp),
        (Some(_), _) => Err(TokenError::MalformedClaim("idtyp")),
    }
}

fn opens(required: &[String], granted: &[Arc<str>]) -> bool {
    required.is_empty() || granted.iter().any(|have| required.iter().any(|want| **want == **have))
}
