//! Why a token is refused: one variant a reason, for the log; the caller learns less.

/// Why a token does not make an identity. The caller sees the same 401 for all of them, except for those where
/// [`TokenError::is_insufficient`] holds, which is a 403: the token is genuine, but does not open this server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES).
    #[error("the token is longer than 16 KiB")]
    TooLong,
    /// Not three non-empty parts: nothing, an opaque token, an encrypted JWT.
    #[error("not a compact JWS of three parts")]
    NotAJwt,
    /// A part is not base64url without padding in its one canonical form.
    #[error("a part of the token is not canonical base64url")]
    NotBase64,
    /// The header is not a strict JSON object.
    #[error("the token's header is not a JSON object")]
    BadHeader,
    /// The header has a member twice: two parsers would disagree on its key or algorithm.
    #[error("the token's header has a member twice")]
    DuplicateHeader,
    /// `alg` is missing or anything but `RS256`: none, HMAC with the public key, another family.
    #[error("the token is not signed with RS256")]
    AlgNotRs256,
    /// `crit` asks for an extension; none is understood (RFC 7515 section 4.1.11).
    #[error("the token's header has `crit`")]
    CritHeader,
    /// `jwk`, `jku` or `x5u`: the token wants to bring its own key.
    #[error("the token's header brings its own key")]
    EmbeddedKey,
    /// `b64`: the payload would not be base64 (RFC 7797).
    #[error("the token's header has `b64`")]
    B64Header,
    /// `typ` is there and is not an access token's.
    #[error("the token's `typ` is not that of an access token")]
    WrongType,
    /// A header `nonce`, or Graph's audience: a token for Microsoft Graph, which is nobody else's to read.
    #[error("the token is for Microsoft Graph")]
    GraphToken,
    /// No `kid`.
    #[error("the token names no key")]
    MissingKid,
    /// `kid` is not a string of 1 to 128 visible ASCII characters.
    #[error("the token's `kid` is malformed")]
    BadKid,
    /// No such key now. The caller may refresh the keys, rarely, and judge again (TOK-03).
    #[error("no key `{kid}` is known")]
    UnknownKid {
        /// The key asked for: visible ASCII, at most 128 characters.
        kid: String,
    },
    /// The signature is not that key's over these bytes.
    #[error("the signature does not verify")]
    BadSignature,
    /// The signed payload is not a strict JSON object.
    #[error("the token's claims are not a JSON object")]
    BadClaims,
    /// The signed payload has a member twice.
    #[error("the token has a claim twice")]
    DuplicateClaim,
    /// A claim that Entra always sends is missing.
    #[error("the claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// A claim has the wrong type or form.
    #[error("the claim `{0}` is malformed")]
    MalformedClaim(&'static str),
    /// `ver` is neither 1.0 nor 2.0.
    #[error("the token's `ver` is unknown")]
    UnknownVersion,
    /// A v1 token where v1 is switched off.
    #[error("v1 tokens are not accepted here")]
    V1NotAccepted,
    /// `iss` is not the issuer of this `ver` and `tid` in this cloud, or not this door.
    #[error("the issuer is not the one whose key signed the token")]
    WrongIssuer,
    /// The signing key belongs to another issuer.
    #[error("the signing key belongs to another issuer")]
    KeyIssuerMismatch,
    /// Many tenants are allowed and the key says not whose it is: any of them could have signed for any other.
    #[error("the signing key names no issuer, and more than one tenant is allowed")]
    KeyWithoutIssuer,
    /// The tenant is not allowed.
    #[error("the tenant `{0}` is not allowed")]
    TenantNotAllowed(doorward_types::TenantId),
    /// `aud` is an array or anything else but a string.
    #[error("the audience is not a single string")]
    AudienceNotAString,
    /// The token is for someone else.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` has not come.
    #[error("the token was issued in the future")]
    IssuedInFuture,
    /// `exp` is not after `iat` and `nbf`.
    #[error("the token ends before it begins")]
    EndsBeforeItBegins,
    /// Valid for longer than any token of its issuer's: 28 hours for Entra, ten minutes for this door.
    #[error("the token lives longer than its issuer's tokens do")]
    LifetimeTooLong,
    /// An ID token: it says who signed in, not what may be done.
    #[error("this is an ID token, not an access token")]
    IdToken,
    /// Bound to a key by `cnf`, but presented as a bearer token (D-17).
    #[error("the token is bound to a key and was presented without proof")]
    BoundToken,
    /// Both a person's scopes and `idtyp` = `app`.
    #[error("the token claims to be both a person's and an application's")]
    AppWithScope,
    /// An application's token without a role: anybody's application can get one of those.
    #[error("the application has no role here")]
    AppWithoutRole,
    /// An application's token where only people are served.
    #[error("applications without a user are not served here")]
    AppOnlyNotAllowed,
    /// Neither scopes nor `idtyp` = `app`. The absence of scopes alone does not make an application's token.
    #[error("the token is neither a person's (scopes) nor an application's (`idtyp`)")]
    NeitherUserNorApp,
    /// A token of this door where it is no authorization server.
    #[error("tokens of the door's own are not accepted here")]
    DoorTokenNotAccepted,
    /// A token of Entra's own where callers sign in at this door.
    #[error("tokens of Entra's own are not accepted here: callers sign in at this door")]
    EntraTokenNotAccepted,
    /// Whom it is of, who holds it, or the sign-in it came of was revoked after it was issued.
    #[error("the token was revoked")]
    Revoked,
    /// Another token where an ID token must be.
    #[error("this is not an ID token")]
    NotAnIdToken,
    /// An ID token of another sign-in.
    #[error("the ID token answers another sign-in")]
    WrongNonce,
    /// None of the scopes that open this server.
    #[error("none of the required scopes is granted")]
    MissingScope,
    /// None of the roles that open this server.
    #[error("none of the required roles is granted")]
    MissingRole,
}

impl TokenError {
    /// Returns a stable id for the log and for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::NotAJwt => "not-a-jwt",
            Self::NotBase64 => "not-base64",
            Self::BadHeader => "bad-header",
            Self::DuplicateHeader => "duplicate-header",
            Self::AlgNotRs256 => "alg-not-rs256",
            Self::CritHeader => "crit-header",
            Self::EmbeddedKey => "embedded-key",
            Self::B64Header => "b64-header",
            Self::WrongType => "wrong-type",
            Self::GraphToken => "graph-token",
            Self::MissingKid => "missing-kid",
            Self::BadKid => "bad-kid",
            Self::UnknownKid { .. } => "unknown-kid",
            Self::BadSignature => "bad-signature",
            Self::BadClaims => "bad-claims",
            Self::DuplicateClaim => "duplicate-claim",
            Self::MissingClaim(_) => "missing-claim",
            Self::MalformedClaim(_) => "malformed-claim",
            Self::UnknownVersion => "unknown-version",
            Self::V1NotAccepted => "v1-not-accepted",
            Self::WrongIssuer => "wrong-issuer",
            Self::KeyIssuerMismatch => "key-issuer-mismatch",
            Self::KeyWithoutIssuer => "key-without-issuer",
            Self::TenantNotAllowed(_) => "tenant-not-allowed",
            Self::AudienceNotAString => "audience-not-a-string",
            Self::WrongAudience => "wrong-audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::IssuedInFuture => "issued-in-future",
            Self::EndsBeforeItBegins => "ends-before-it-begins",
            Self::LifetimeTooLong => "lifetime-too-long",
            Self::IdToken => "id-token",
            Self::BoundToken => "bound-token",
            Self::AppWithScope => "app-with-scope",
            Self::AppWithoutRole => "app-without-role",
            Self::AppOnlyNotAllowed => "app-only-not-allowed",
            Self::NeitherUserNorApp => "neither-user-nor-app",
            Self::DoorTokenNotAccepted => "door-token-not-accepted",
            Self::EntraTokenNotAccepted => "entra-token-not-accepted",
            Self::Revoked => "revoked",
            Self::NotAnIdToken => "not-an-id-token",
            Self::WrongNonce => "wrong-nonce",
            Self::MissingScope => "missing-scope",
            Self::MissingRole => "missing-role",
        }
    }

    /// Returns whether the token is genuine and merely not enough: the one case that is a 403 `insufficient_scope`
    /// (RFC 6750 section 3.1) rather than a 401.
    pub fn is_insufficient(&self) -> bool {
        matches!(self, Self::MissingScope | Self::MissingRole)
    }
}
