//! What Entra's token endpoint answers.

use std::time::Duration;

use bytes::Bytes;
use doorward_types::Secret;
use doorward_wire::{Kind, Limits, Tree, Value};

/// Tokens as Entra gave them. What they say is judged elsewhere, by their signature.
pub struct TokenAnswer {
    /// The access token.
    pub access: Secret<String>,
    /// The refresh token, if one was asked for.
    pub refresh: Option<Secret<String>>,
    /// The ID token, if one was asked for.
    pub id: Option<Secret<String>>,
    /// How long the access token is good.
    pub expires_in: Duration,
    /// After how long Entra wants it refreshed, if it says so.
    pub refresh_in: Option<Duration>,
}

/// An answer that is neither tokens nor an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is not strict JSON.
    #[error("the answer of the token endpoint is not valid JSON")]
    NotJson,
    /// It has no bearer token with a lifetime.
    #[error("the answer of the token endpoint has no bearer token with a lifetime")]
    NoToken,
}

/// Why Entra gave no tokens. Its own words are not kept: they hold names and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraRefusal {
    /// HTTP status.
    pub status: u16,
    /// `error`.
    pub error: Option<String>,
    /// `error_codes`: the numbers behind `AADSTS`.
    pub codes: Vec<u32>,
    /// `suberror`.
    pub suberror: Option<String>,
    /// The claims that Entra asks for first, as JSON.
    pub claims: Option<String>,
    /// Entra's id of the exchange, for its sign-in log.
    pub correlation: Option<String>,
}

impl EntraRefusal {
    /// Returns the first AADSTS number.
    pub fn code(&self) -> Option<u32> {
        self.codes.first().copied()
    }

    /// Says whether the grant is over: the person must sign in again, or may not come in any more.
    pub fn is_invalid_grant(&self) -> bool {
        self.error.as_deref() == Some("invalid_grant")
    }

    /// Says whether Entra wants to see the person.
    pub fn is_interaction_required(&self) -> bool {
        matches!(self.error.as_deref(), Some("interaction_required" | "login_required" | "consent_required"))
    }
}

const MOST: usize = 256 * 1024;
const MOST_TOKEN: usize = 64 * 1024;

fn tree(body: Bytes) -> Option<Tree> {
    let limits = Limits { max_bytes: MOST, max_depth: 16, max_nodes: 2048 };
    Tree::parse(body, &limits).ok().filter(|tree| tree.root().kind() == Kind::Object)
}

/// Reads a successful answer.
///
/// # Errors
/// An [`AnswerError`].
pub fn read_tokens(body: Bytes) -> Result<TokenAnswer, AnswerError> {
    let tree = tree(body).ok_or(AnswerError::NotJson)?;
    let root = tree.root();
    let bearer = text(root, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    let secs = |name: &str| {
        root.get(name).and_then(|value| value.as_i64()).and_then(|secs| u64::try_from(secs).ok())
    };
    match (token(root, "access_token"), secs("expires_in"), bearer) {
        (Some(access), Some(lives @ 1..=200_000), true) => Ok(TokenAnswer {
            access,
            refresh: token(root, "refresh_token"),
            id: token(root, "id_token"),
            expires_in: Duration::from_secs(lives),
            refresh_in: secs("refresh_in").filter(|secs| *secs < lives).map(Duration::from_secs),
        }),
        _ => Err(AnswerError::NoToken),
    }
}

/// Reads an error. Whatever it is, it is a refusal; what cannot be read of it is left out.
pub fn read_refusal(status: u16, body: Bytes) -> EntraRefusal {
    let tree = tree(body);
    let root = tree.as_ref().map(Tree::root);
    let word = |name: &str| root.and_then(|root| text(root, name)).filter(|text| is_word(text));
    let codes = root.and_then(|root| root.get("error_codes"));
    EntraRefusal {
        status,
        error: word("error"),
        codes: codes
            .into_iter()
            .flat_map(|codes| codes.items().take(8))
            .filter_map(|code| u32::try_from(code.as_i64()?).ok())
            .collect(),
        suberror: word("suberror"),
        claims: root
            .and_then(|root| text(root, "claims"))
            .filter(|claims| !claims.is_empty() && claims.len() <= 8192),
        correlation: word("correlation_id"),
    }
}

fn text(object: Value<'_>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(std::borrow::Cow::into_owned)
}

fn token(object: Value<'_>, name: &str) -> Option<Secret<String>> {
    let fit = |token: &String| {
        !token.is_empty() && token.len() <= MOST_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic())
    };
    text(object, name).filter(fit).map(Secret::new)
}

/// Says whether a text is a code of a list, and nothing to be afraid of in a log.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_and_nothing_less() {
        let good = br#"{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ","refresh_token":"0.A","id_token":"eyI"}"#;
        let answer = read_tokens(Bytes::from_static(good)).unwrap();
        assert_eq!((answer.access.expose().as_str(), answer.expires_in.as_secs()), ("eyJ", 3599));
        assert!(answer.refresh.is_some() && answer.id.is_some());
        for bad in [
            "",
            "[]",
            r#"{"token_type":"Bearer","expires_in":3599}"#,
            r#"{"token_type":"mac","expires_in":3599,"access_token":"a"}"#,
            r#"{"token_type":"Bearer","expires_in":-1,"access_token":"a"}"#,
            r#"{"token_type":"Bearer","access_token":"a"}"#,
            r#"{"token_type":"Bearer","expires_in":1,"access_token":"a\nb"}"#,
            r#"{"token_type":"Bearer","expires_in":1,"access_token":"a","access_token":"b"}"#,
        ] {
            assert!(read_tokens(Bytes::from_static(bad.as_bytes())).is_err(), "{bad}");
        }
    }

    // control: NET-05: of a refusal of Entra's the code is kept, and never the words, which name people
    #[test]
    fn a_refusal_keeps_codes_and_no_words() {
        let body = br#"{"error":"interaction_required","error_description":"AADSTS50079: alice@contoso.com must","error_codes":[50079],"suberror":"basic_action","claims":"{\"access_token\":{}}","correlation_id":"1-2"}"#;
        let refusal = read_refusal(400, Bytes::from_static(body));
        assert_eq!((refusal.code(), refusal.is_interaction_required()), (Some(50079), true));
        assert_eq!(refusal.claims.as_deref(), Some(r#"{"access_token":{}}"#));
        assert!(!format!("{refusal:?}").contains("alice"));
        let odd = read_refusal(502, Bytes::from_static(b"<html>alice@contoso.com</html>"));
        assert_eq!(
            odd,
            EntraRefusal {
                status: 502,
                error: None,
                codes: vec![],
                suberror: None,
                claims: None,
                correlation: None
            }
        );
    }
}
