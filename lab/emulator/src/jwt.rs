//! Compact JWS: writing them, and taking apart those that clients send.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use aws_lc_rs::digest::{SHA256, digest};

use crate::EmulatorError;
use crate::keys::SigningKey;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// A token taken apart; nothing in it is verified yet.
pub(crate) struct Parts {
    pub(crate) header: Object,
    pub(crate) claims: Object,
    pub(crate) signed: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// Signs claims under a header, RS256.
pub(crate) fn sign(header: &Object, claims: &Object, key: &SigningKey) -> Result<String, EmulatorError> {
    let head = encode(header)?;
    let body = encode(claims)?;
    let signature = key.sign(format!("{}.{body}", encode(&as_signed(header))?).as_bytes())?;
    Ok(format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Takes a token apart.
pub(crate) fn parse(token: &str) -> Option<Parts> {
    let mut pieces = token.split('.');
    let (head, body, signature) = (pieces.next()?, pieces.next()?, pieces.next()?);
    if pieces.next().is_some() {
        return None;
    }
    let header = decode(head)?;
    let signed_head =
        if header.contains_key("nonce") { encode(&as_signed(&header)).ok()? } else { head.to_owned() };
    Some(Parts {
        claims: decode(body)?,
        signed: format!("{signed_head}.{body}").into_bytes(),
        signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        header,
    })
}

/// Returns the ordinary header of an access token: v1.0 repeats the `kid` as `x5t`.
pub(crate) fn header(kid: &str, with_x5t: bool) -> Object {
    let mut header = Object::from_iter([
        (String::from("typ"), json!("JWT")),
        (String::from("alg"), json!("RS256")),
        (String::from("kid"), json!(kid)),
    ]);
    if with_x5t {
        header.insert(String::from("x5t"), json!(kid));
    }
    header
}

/// Graph's tokens carry a `nonce` in the header and are signed over its hash, so that nobody but Graph, who knows the
/// trick, verifies them: a resource server that accepts Graph tokens fails here as it fails against Entra.
fn as_signed(header: &Object) -> Object {
    let mut signed = header.clone();
    if let Some(Value::String(nonce)) = signed.get_mut("nonce") {
        *nonce = URL_SAFE_NO_PAD.encode(digest(&SHA256, nonce.as_bytes()));
    }
    signed
}

fn encode(object: &Object) -> Result<String, EmulatorError> {
    let text =
        serde_json::to_vec(object).map_err(|_| EmulatorError::Crypto("the claims cannot be encoded"))?;
    Ok(URL_SAFE_NO_PAD.encode(text))
}

fn decode(part: &str) -> Option<Object> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
