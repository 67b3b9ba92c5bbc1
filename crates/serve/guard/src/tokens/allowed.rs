//! Which tokens a server may have: scopes of APIs, grouped by the audience that it asks for. Pure.

use std::collections::BTreeMap;

use doorward_oidc::public::Scopes;
use doorward_types::ClientId;

/// The APIs for which tokens are given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(BTreeMap<String, Scopes>);

/// A text that names no scope of an API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnApi {
    /// There is no API in front of the scope: Entra would take it for one of Graph's.
    #[error(
        "`{0}` names no API: write the scope with its API in front, https://graph.microsoft.com/User.Read for one"
    )]
    NoApi(String),
    /// It belongs to the sign-in, and to nobody else.
    #[error("`{0}` is part of the sign-in itself, which no server gets")]
    SignIn(String),
    /// It is the guard's own application.
    #[error("`{0}` is for the guard's own application: whoever had it could pass for the person here")]
    Own(String),
}

impl Allowed {
    /// Reads scopes, each with its API in front. `own` is the application that people sign in to.
    ///
    /// # Errors
    /// The first that is none, or that no server may have.
    pub fn parse(texts: &[String], own: &ClientId) -> Result<Self, NotAnApi> {
        let mut by_audience = BTreeMap::<String, Vec<String>>::new();
        for text in texts.iter().flat_map(|text| text.split_ascii_whitespace()) {
            if matches!(text, "openid" | "profile" | "email" | "offline_access") {
                return Err(NotAnApi::SignIn(text.to_owned()));
            }
            let parts = text.rsplit_once('/').filter(|(api, scope)| is_api(api) && !scope.is_empty());
            let (api, _) = parts.ok_or_else(|| NotAnApi::NoApi(text.to_owned()))?;
            // A token that names this application could be shown to whatever trusts it (TOK-02: a token is for its audience).
            if api.to_ascii_lowercase().contains(&own.as_str().to_ascii_lowercase()) {
                return Err(NotAnApi::Own(text.to_owned()));
            }
            by_audience.entry(api.trim_end_matches('/').to_owned()).or_default().push(text.to_owned());
        }
        Ok(Self(by_audience.into_iter().map(|(api, scopes)| (api, Scopes::of(scopes))).collect()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the audiences.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns what is asked of Entra for an audience: exactly one that was named, with or without the slash at its end, as
    /// libraries differ in it.
    pub(crate) fn scopes_of(&self, resource: &str) -> Option<(&str, &Scopes)> {
        let resource = resource.strip_suffix('/').unwrap_or(resource);
        self.0.get_key_value(resource).map(|(audience, scopes)| (audience.as_str(), scopes))
    }
}

fn is_api(api: &str) -> bool {
    let rest = api.strip_prefix("https://").or_else(|| api.strip_prefix("api://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@', '\\'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "90a2d000-0000-4000-8000-0000000000c7";

    fn parsed(texts: &[&str]) -> Result<Allowed, NotAnApi> {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        Allowed::parse(&texts, &ClientId::parse(OWN).unwrap())
    }

    // control: TOK-02: A local server gets tokens for the APIs that were named, and for no other.
    #[test]
    fn an_audience_is_one_that_was_named() {
        let allowed = parsed(&[
            "https://graph.microsoft.com/User.Read",
            "https://graph.microsoft.com/Mail.Read api://crm/contacts.read",
        ])
        .unwrap();
        let of = |resource: &str| allowed.scopes_of(resource).map(|(_, scopes)| scopes.as_str());
        let graph = "https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/User.Read";
        assert_eq!(of("https://graph.microsoft.com"), Some(graph));
        assert_eq!(of("https://graph.microsoft.com/"), Some(graph));
        assert_eq!(of("api://crm"), Some("api://crm/contacts.read"));
        for other in [
            "",
            "/",
            "https://graph.microsoft.com//",
            "https://graph.microsoft.com/v1.0",
            "HTTPS://GRAPH.MICROSOFT.COM",
            "https://graph.microsoft.com.evil.example",
            "https://graph.microsoft.com/User.Read",
            "http://graph.microsoft.com",
            "https://vault.azure.net",
            "api://crm/contacts.read",
            OWN,
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    // control: TOK-02: No local server gets a token of the sign-in, or one for the guard's own application.
    #[test]
    fn what_belongs_to_the_sign_in_is_given_to_nobody() {
        for text in ["openid", "offline_access", "https://x.example/a profile"] {
            assert!(matches!(parsed(&[text]), Err(NotAnApi::SignIn(_))), "{text}");
        }
        for text in [format!("api://{OWN}/use"), format!("api://{}/use", OWN.to_uppercase())] {
            assert!(matches!(parsed(&[&text]), Err(NotAnApi::Own(_))), "{text}");
        }
        for text in [
            "User.Read",
            "https://graph.microsoft.com/",
            "https:///x",
            "http://a.example/b",
            "api:///x",
            "https://a@b.example/x",
            "https://a.example/?b/x",
        ] {
            assert!(matches!(parsed(&[text]), Err(NotAnApi::NoApi(_))), "{text}");
        }
    }
}
