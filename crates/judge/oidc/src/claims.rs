//! The `claims` parameter: what a token must say, asked for in JSON (OpenID Connect Core section 5.5).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use doorward_wire::{Kind, Limits, Tree};

use crate::third_party::Challenge;

/// Says that this client can be told to come back for more: Entra then ends access at once when something changes
/// (continuous access evaluation), and names what is missing when a step is.
const CAPABLE: &str = r#""xms_cc":{"values":["cp1"]}"#;

/// The claims that were asked for cannot be sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claims are no JSON object of claims")]
pub struct BadClaims;

/// Writes the claims to ask Entra for: the door's own capability, and what a challenge asks for besides. The challenge is
/// foreign JSON: its members for access tokens are taken over as they stand, after they were read strictly.
///
/// # Errors
/// [`BadClaims`].
pub fn merge_claims(challenge: Option<&str>) -> Result<String, BadClaims> {
    let Some(challenge) = challenge else { return Ok(format!(r#"{{"access_token":{{{CAPABLE}}}}}"#)) };
    let limits = Limits { max_bytes: 8 * 1024, max_depth: 16, max_nodes: 512 };
    let tree = Tree::parse(Bytes::copy_from_slice(challenge.as_bytes()), &limits).map_err(|_| BadClaims)?;
    if tree.root().kind() != Kind::Object {
        return Err(BadClaims);
    }
    let mut members = vec![CAPABLE.to_owned()];
    if let Some(wanted) = tree.root().get("access_token") {
        if wanted.kind() != Kind::Object {
            return Err(BadClaims);
        }
        for (name, value) in wanted.members().filter(|(name, _)| name != "xms_cc") {
            members.push(format!("{}:{}", doorward_wire::quote(&name), value.raw()));
        }
    }
    Ok(format!(r#"{{"access_token":{{{}}}}}"#, members.join(",")))
}

/// Reads the claims that an API of Entra's asks for with its 401: `error="insufficient_claims"` and base64 of their JSON.
pub fn claims_of_challenge(header: &str) -> Option<String> {
    let challenge = Challenge::parse(header)?;
    if challenge.error.as_deref() != Some("insufficient_claims") {
        return None;
    }
    let text = challenge.claims.filter(|text| text.len() <= 8192)?;
    let bytes = STANDARD.decode(&text).or_else(|_| URL_SAFE_NO_PAD.decode(&text)).ok()?;
    let claims = String::from_utf8(bytes).ok()?;
    // What cannot be sent on is no challenge.
    merge_claims(Some(&claims)).ok().map(|_| claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: D-16: a step that Entra asks for is asked for again as it was named, beside the door's own capability
    #[test]
    fn a_challenge_is_carried_as_it_stands() {
        assert_eq!(merge_claims(None).unwrap(), r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
        let challenge = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":[]}},"id_token":{"x":null}}"#;
        assert_eq!(
            merge_claims(Some(challenge)).unwrap(),
            r#"{"access_token":{"xms_cc":{"values":["cp1"]},"acrs":{"essential":true,"value":"c1"}}}"#
        );
        for bad in ["", "[]", "{", r#"{"access_token":1}"#, r#"{"a":1,"a":2}"#] {
            assert_eq!(merge_claims(Some(bad)), Err(BadClaims), "{bad}");
        }
    }

    #[test]
    fn the_claims_of_a_challenge_are_read_whole_or_not_at_all() {
        let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
        let text = STANDARD.encode(claims);
        let read = |header: String| claims_of_challenge(&header);
        let header = format!(
            r#"Bearer realm="", authorization_uri="https://a/b", error="insufficient_claims", claims="{text}""#
        );
        assert_eq!(read(header.clone()).as_deref(), Some(claims));
        assert_eq!(read(header.replace("Bearer", "PoP nonce=\"1\", bearer")).as_deref(), Some(claims));
        for bad in [
            header.replace("Bearer", "Basic"),
            header.replace("insufficient_claims", "invalid_token"),
            // What stands inside of another value is not said.
            format!(r#"Bearer realm="error=\"insufficient_claims\"", claims="{text}""#),
            format!(r#"Bearer x_error="insufficient_claims", claims="{text}""#),
            header.replace(&text, "%%%"),
            header.replace(&text, &STANDARD.encode("[]")),
            header.replace(&text, &STANDARD.encode(" ".repeat(8000))),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
