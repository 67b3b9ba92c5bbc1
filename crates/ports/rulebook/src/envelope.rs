//! The form in which a bundle travels: DSSE, the envelope of in-toto, which other tools sign and verify too.
//! <https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md>

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};
use bytes::Bytes;
use doorward_audit::{PublicKey, SigningKey};
use doorward_wire::{Limits, Tree, Value};

use crate::error::RulebookError;

/// What is in it. It is signed too, so that an envelope of another kind is no bundle.
const KIND: &str = "application/vnd.doorward.rules+json";
/// More signatures than this are made by nobody.
const MOST_SIGNATURES: usize = 16;

/// Opens an envelope that one of `keys` has signed, and returns the bundle's text and the id of that key.
///
/// # Errors
/// [`RulebookError::Malformed`] where it is no envelope, [`RulebookError::Unsigned`] where no key fits.
pub fn open(envelope: &[u8], keys: &[PublicKey]) -> Result<(String, String), RulebookError> {
    let tree = Tree::parse(Bytes::copy_from_slice(envelope), &Limits::default())
        .map_err(|_| malformed("strict JSON"))?;
    let payload = payload(tree.root())?;
    let signatures = tree.root().get("signatures").ok_or(malformed("with `signatures`"))?;
    let message = encode(&payload);
    // The key's name in the envelope is a hint that its sender wrote: each key is tried.
    let signed = signatures.items().take(MOST_SIGNATURES).find_map(|signature| {
        let signature = decode(&signature.get("sig")?.as_str()?)?;
        keys.iter().find(|key| key.verifies_message(&message, &signature))
    });
    let key = signed.ok_or(RulebookError::Unsigned)?;
    // Read only now: nobody's bytes but a keeper's reach the parser of bundles.
    let text = String::from_utf8(payload).map_err(|_| malformed("with a text in UTF-8"))?;
    Ok((text, key.id()))
}

/// Returns the bundle's text of an envelope, whoever signed it: for those who look at bundles, never for a door.
///
/// # Errors
/// [`RulebookError::Malformed`].
pub fn peek(envelope: &[u8]) -> Result<String, RulebookError> {
    let tree = Tree::parse(Bytes::copy_from_slice(envelope), &Limits::default())
        .map_err(|_| malformed("strict JSON"))?;
    String::from_utf8(payload(tree.root())?).map_err(|_| malformed("with a text in UTF-8"))
}

fn payload(root: Value<'_>) -> Result<Vec<u8>, RulebookError> {
    if !root.get("payloadType").is_some_and(|kind| kind.is_str(KIND)) {
        return Err(malformed("of the type `application/vnd.doorward.rules+json`"));
    }
    let payload = root.get("payload").and_then(|payload| payload.as_str()).and_then(|text| decode(&text));
    payload.ok_or(malformed("with a `payload` in base64"))
}

fn malformed(what: &'static str) -> RulebookError {
    RulebookError::Malformed(what)
}

/// Puts a bundle's text into an envelope that `key` signs.
pub fn seal(bundle: &str, key: &SigningKey) -> String {
    let signature = STANDARD.encode(key.sign_message(&encode(bundle.as_bytes())));
    format!(
        "{{\"payloadType\":\"{KIND}\",\"payload\":\"{}\",\"signatures\":[{{\"keyid\":\"{}\",\"sig\":\"{signature}\"}}]}}\n",
        STANDARD.encode(bundle),
        key.public().id(),
    )
}

/// What is signed: the pre-authentication encoding. Lengths go first, so that no two contents read the same.
fn encode(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {KIND} {} ", KIND.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Either alphabet, as the protocol has it.
fn decode(text: &str) -> Option<Vec<u8>> {
    let alphabets: [&GeneralPurpose; 2] = [&STANDARD, &URL_SAFE];
    alphabets.iter().find_map(|alphabet| alphabet.decode(text).ok())
}
