//! `WWW-Authenticate`: what a server says is missing (RFC 9110 section 11.6.1, RFC 6750, RFC 9728 section 5.1).

use super::{MAX_NAMES, is_scope};

/// The longest header that is read, in bytes.
const MAX_HEADER: usize = 16 * 1024;

/// The Bearer challenge of a server. All of it is foreign; no error text is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where the server's metadata is, as it says. Not yet judged; see
    /// [`resource_metadata_urls`](super::resource_metadata_urls).
    pub resource_metadata: Option<String>,
    /// The scopes that are needed now.
    pub scopes: Option<Vec<String>>,
    /// `invalid_token`, `insufficient_scope` or another word of a list.
    pub error: Option<String>,
    /// `claims`, as it stands; [`claims_of_challenge`](crate::claims_of_challenge) decodes it.
    pub claims: Option<String>,
}

impl Challenge {
    /// Reads the first Bearer challenge of a header. `None` if there is none, or the header is malformed or says
    /// something twice: two readers would believe different halves of it.
    pub fn parse(header: &str) -> Option<Self> {
        if header.len() > MAX_HEADER {
            return None;
        }
        let mut rest = skip(header, |c| matches!(c, ' ' | '\t' | ','));
        let mut found: Option<Vec<(&str, String)>> = None;
        let mut bearer = false;
        while !rest.is_empty() {
            let (word, after) = token(rest)?;
            match skip(after, is_space).strip_prefix('=') {
                Some(value) => {
                    let (value, after) = value_of(skip(value, is_space))?;
                    if let (true, Some(params)) = (bearer, &mut found) {
                        if params.iter().any(|(name, _)| name.eq_ignore_ascii_case(word)) {
                            return None;
                        }
                        params.push((word, value));
                    }
                    rest = end_of_item(after)?;
                }
                None => {
                    // A second Bearer challenge is somebody else's afterthought.
                    bearer = word.eq_ignore_ascii_case("bearer") && found.is_none();
                    if bearer {
                        found = Some(Vec::new());
                    }
                    rest = skip(token68(after), |c| matches!(c, ' ' | '\t' | ','));
                }
            }
        }
        let params = found?;
        let get = |wanted: &str| {
            params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.clone())
        };
        let word = |text: &String| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        let scopes = get("scope").map(|scopes| {
            scopes.split(' ').filter(|scope| is_scope(scope)).take(MAX_NAMES).map(str::to_owned).collect()
        });
        Some(Self {
            resource_metadata: get("resource_metadata"),
            scopes: scopes.filter(|scopes: &Vec<String>| !scopes.is_empty()),
            error: get("error").filter(word),
            claims: get("claims"),
        })
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn skip(text: &str, what: impl Fn(char) -> bool) -> &str {
    text.trim_start_matches(what)
}

fn token(text: &str) -> Option<(&str, &str)> {
    let part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !part(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at_checked(end)).flatten()
}

/// Reads a value: a token, or a quoted string with its escapes undone.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = token(text)?;
        return Some((word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next().filter(|c| !c.is_control())?),
            c if c.is_control() && c != '\t' => return None,
            c => value.push(c),
        }
    }
}

/// After a parameter there is a comma, or the end.
fn end_of_item(text: &str) -> Option<&str> {
    let rest = skip(text, is_space);
    match rest.strip_prefix(',') {
        Some(rest) => Some(skip(rest, |c| matches!(c, ' ' | '\t' | ','))),
        None => rest.is_empty().then_some(rest),
    }
}

/// Passes over what other schemes write behind their name (`Negotiate YII=`).
fn token68(text: &str) -> &str {
    let spaced = skip(text, is_space);
    let rest = skip(spaced, |c| c.is_ascii_alphanumeric() || "-._~+/".contains(c)).trim_start_matches('=');
    let ends = rest.is_empty() || skip(rest, is_space).starts_with(',');
    if ends { rest } else { text }
}
