//! Access tokens of the door (RFC 9068): for one resource, for minutes.

use std::time::Duration;

use doorward_oauth::{CallerKind, Groups};
use doorward_types::{ClientId, GrantId, ObjectId, Person, Secret, Timestamp};
use doorward_wire::quote;

use crate::jws::b64;
use crate::record::list;

/// The longest life of an access token (TOK-04). What was revoked elsewhere is noticed at the next one.
pub const MAX_LIFETIME: Duration = Duration::from_secs(600);

/// What an access token says.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Who issues it: the door's public address, byte for byte as in the metadata.
    pub issuer: &'a str,
    /// Whom it is of: a person, or the service principal of an application.
    pub person: &'a Person,
    /// Which client holds it.
    pub client: &'a ClientId,
    /// The one resource it is for (D-12).
    pub resource: &'a str,
    /// How much of it.
    pub scopes: &'a [String],
    /// The roles.
    pub roles: &'a [String],
    /// The groups.
    pub groups: &'a Groups,
    /// The sign-in it came of; an application on its own behalf has none.
    pub grant: Option<GrantId>,
    /// The revocation epoch it is issued in.
    pub epoch: u64,
    /// Its id.
    pub jti: &'a str,
    /// Whether a person or an application calls.
    pub kind: CallerKind,
    /// The key it is bound to.
    pub jkt: Option<&'a str>,
    /// When the person signed in at Entra.
    pub auth_time: Option<Timestamp>,
}

/// Holds the key that signs access tokens.
pub trait Sign {
    /// Returns the key's id.
    fn kid(&self) -> &str;

    /// Signs with RS256.
    ///
    /// # Errors
    /// [`SignFailed`] if the key cannot be used now.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignFailed>;
}

/// A token was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing key could not be used")]
pub struct SignFailed;

/// Writes the claims of an access token that lives for `lifetime`, or for [`MAX_LIFETIME`] if that is shorter.
pub fn claims(access: &Access<'_>, now: Timestamp, lifetime: Duration) -> String {
    let Person { tenant, object } = access.person;
    let expires = now.plus(lifetime.min(MAX_LIFETIME));
    let mut text = format!(
        r#"{{"iss":{},"sub":{},"aud":{},"exp":{},"iat":{now},"nbf":{now},"jti":{},"client_id":{},"tid":{},"oid":{},"ep":{}"#,
        quote(access.issuer),
        quote(&format!("{tenant}.{object}")),
        quote(access.resource),
        expires.as_secs(),
        quote(access.jti),
        quote(access.client.as_str()),
        quote(tenant.as_str()),
        quote(object.as_str()),
        access.epoch,
        now = now.as_secs(),
    );
    let mut add = |name: &str, json: String| text.push_str(&format!(r#","{name}":{json}"#));
    if !access.scopes.is_empty() {
        add("scope", quote(&access.scopes.join(" ")));
    }
    if let Some(grant) = access.grant {
        add("sid", quote(&grant.to_string()));
    }
    if access.kind == CallerKind::App {
        add("idtyp", quote("app"));
    }
    if !access.roles.is_empty() {
        add("roles", list(access.roles.iter().map(String::as_str)));
    }
    match access.groups {
        Groups::Listed(ids) => add("groups", list(ids.iter().map(ObjectId::as_str))),
        Groups::Overage => add("hasgroups", "true".to_owned()),
        Groups::Absent => {}
    }
    if let Some(jkt) = access.jkt {
        add("cnf", format!(r#"{{"jkt":{}}}"#, quote(jkt)));
    }
    if let Some(at) = access.auth_time {
        add("auth_time", at.as_secs().to_string());
    }
    text.push('}');
    text
}

/// Signs claims: the access token.
///
/// # Errors
/// [`SignFailed`].
pub fn access_token(sign: &dyn Sign, claims: &str) -> Result<Secret<String>, SignFailed> {
    let header = format!(r#"{{"typ":"at+jwt","alg":"RS256","kid":{}}}"#, quote(sign.kid()));
    let signed = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
    let signature = sign.sign(signed.as_bytes())?;
    Ok(Secret::new(format!("{signed}.{}", b64(&signature))))
}

/// Returns the body of a 200 of the token endpoint. It must go out with `Cache-Control: no-store`.
pub fn token_answer(
    access: &Secret<String>,
    expires_in: u64,
    refresh: Option<&Secret<String>>,
    scope: &str,
    token_type: &str,
) -> Secret<String> {
    let refresh = refresh.map(|token| format!(r#","refresh_token":{}"#, quote(token.expose())));
    // RFC 6749 section 3.3 knows no empty scope; an application has roles instead.
    let scope = (!scope.is_empty()).then(|| format!(r#","scope":{}"#, quote(scope)));
    Secret::new(format!(
        r#"{{"access_token":{},"token_type":{},"expires_in":{expires_in}{}{}}}"#,
        quote(access.expose()),
        quote(token_type),
        refresh.unwrap_or_default(),
        scope.unwrap_or_default(),
    ))
}
