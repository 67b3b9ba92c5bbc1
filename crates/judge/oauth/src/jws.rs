//! The outside of a token: three parts, a header that may ask for nothing unusual, a signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_wire::{Kind, Limits, ParseErrorKind, Tree, Value};

use crate::error::TokenError;
use crate::keys::Key;

/// The longest token that is looked at, in bytes. Entra's stay well below: group lists over 200 become an overage claim.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The longest `kid`, in characters.
const MAX_KID: usize = 128;

/// A token whose header is acceptable and whose payload nobody has looked at: there is no way to read a claim before
/// [`Unverified::verify_with`] has answered.
pub(crate) struct Unverified<'t> {
    pub(crate) kid: String,
    /// The header's `typ`.
    pub(crate) typ: Typ,
    signed: &'t str,
    payload: &'t str,
    signature: Vec<u8>,
}

/// What a header says the token is. The two kinds that are known here must not stand in for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typ {
    /// Nothing, or `JWT`: Entra says so of everything.
    Jwt,
    /// `at+jwt`: an access token, and nothing else (RFC 9068).
    Access,
}

impl<'t> Unverified<'t> {
    /// Takes a token apart and judges its header.
    pub(crate) fn parse(token: &'t str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotAJwt)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotAJwt)?;
        // A fourth dot would let one parser sign what another does not read; five parts are an encrypted JWT.
        if header.is_empty() || payload.is_empty() || payload.contains('.') {
            return Err(TokenError::NotAJwt);
        }
        let (kid, typ) = judge_header(header)?;
        Ok(Self { kid, typ, signed, payload, signature: decode(signature)? })
    }

    /// Checks the signature and only then gives the claims.
    pub(crate) fn verify_with(self, key: &Key) -> Result<Tree, TokenError> {
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(TokenError::BadSignature);
        }
        let payload = decode(self.payload)?;
        object(payload).map_err(|bad| match bad {
            BadObject::Duplicate => TokenError::DuplicateClaim,
            BadObject::Other => TokenError::BadClaims,
        })
    }
}

/// Judges the header and returns its `kid` and `typ`. `x5t` and `x5c` may be there, since Entra sends them, and are never read.
fn judge_header(header: &str) -> Result<(String, Typ), TokenError> {
    let tree = object(decode(header)?).map_err(|bad| match bad {
        BadObject::Duplicate => TokenError::DuplicateHeader,
        BadObject::Other => TokenError::BadHeader,
    })?;
    let header = tree.root();
    // The algorithm is ours to choose, not the token's: HS256 with the public key as the secret, and none, end here.
    if text(header, "alg").as_deref() != Some("RS256") {
        return Err(TokenError::AlgNotRs256);
    }
    if header.get("crit").is_some() {
        return Err(TokenError::CritHeader);
    }
    if ["jwk", "jku", "x5u"].iter().any(|name| header.get(name).is_some()) {
        return Err(TokenError::EmbeddedKey);
    }
    if header.get("b64").is_some() {
        return Err(TokenError::B64Header);
    }
    let typ = match header.get("typ") {
        None => Typ::Jwt,
        Some(typ) => match typ.as_str().ok_or(TokenError::WrongType)? {
            typ if typ.eq_ignore_ascii_case("JWT") => Typ::Jwt,
            typ if typ.eq_ignore_ascii_case("at+jwt") => Typ::Access,
            _ => return Err(TokenError::WrongType),
        },
    };
    if header.get("nonce").is_some() {
        return Err(TokenError::GraphToken);
    }
    let kid = header.get("kid").ok_or(TokenError::MissingKid)?.as_str().ok_or(TokenError::BadKid)?;
    // It is a key of a map, never of a path or a query, and it is printed: keep it printable.
    if kid.is_empty() || kid.len() > MAX_KID || !kid.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TokenError::BadKid);
    }
    Ok((kid.into_owned(), typ))
}

enum BadObject {
    Duplicate,
    Other,
}

fn object(bytes: Vec<u8>) -> Result<Tree, BadObject> {
    let limits = Limits { max_bytes: MAX_TOKEN_BYTES, max_depth: 16, max_nodes: 4096 };
    let tree = Tree::parse(Bytes::from(bytes), &limits).map_err(|error| match error.kind {
        ParseErrorKind::DuplicateMember => BadObject::Duplicate,
        _ => BadObject::Other,
    })?;
    if tree.root().kind() == Kind::Object { Ok(tree) } else { Err(BadObject::Other) }
}

fn text(object: Value<'_>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(std::borrow::Cow::into_owned)
}

/// Decodes the one canonical form: no padding, no line breaks, no leftover bits. With others allowed, one token would
/// have many spellings, and a cache or a revocation list keyed by text would miss.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotBase64)
}
