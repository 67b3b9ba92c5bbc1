//! The address that a browser is sent to, to sign in.

use doorward_oauth::Cloud;
use doorward_types::ClientId;

use crate::form::Form;

/// What Entra is asked to show first. `consent` is not among it: clients like to send it, and it locks people out of every
/// tenant in which only administrators may consent (AADSTS90094).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// The choice of an account.
    SelectAccount,
    /// The password, whoever is signed in already.
    Login,
}

/// A request to Entra's authorize endpoint. There is no place in it for `resource`, which Entra matches byte for byte with
/// App ID URIs and refuses for every address of a door (AADSTS9010010): whom the token is for is said by the scopes.
pub struct AuthorizeUrl<'a> {
    /// Where Entra is.
    pub cloud: &'a Cloud,
    /// A tenant, or `organizations`.
    pub tenant: &'a str,
    /// The door's application.
    pub client_id: &'a ClientId,
    /// Where the answer goes.
    pub redirect_uri: &'a str,
    /// What is asked for, each scope with its resource in front.
    pub scopes: &'a [String],
    /// Random; comes back.
    pub state: &'a str,
    /// Random; comes back in the ID token.
    pub nonce: &'a str,
    /// S256 of the verifier.
    pub challenge: &'a str,
    /// What to show first.
    pub prompt: Option<Prompt>,
    /// How long ago they may have signed in at Entra, in seconds: 0 has them prove again who they are. Whether they did
    /// stands in the ID token's `auth_time` alone, for the address passes through the browser.
    pub max_age: Option<u32>,
    /// Who is expected to sign in.
    pub login_hint: Option<&'a str>,
    /// The claims that the tokens must have, as JSON; see [`merge_claims`](crate::merge_claims).
    pub claims: Option<&'a str>,
}

impl AuthorizeUrl<'_> {
    /// Writes the address.
    pub fn build(&self) -> String {
        let query = Form::new()
            .with("client_id", self.client_id.as_str())
            .with("response_type", "code")
            .with("redirect_uri", self.redirect_uri)
            .with("response_mode", "query")
            .with("scope", &self.scopes.join(" "))
            .with("state", self.state)
            .with("nonce", self.nonce)
            .with("code_challenge", self.challenge)
            .with("code_challenge_method", "S256")
            .with_some(
                "prompt",
                self.prompt.map(|prompt| match prompt {
                    Prompt::SelectAccount => "select_account",
                    Prompt::Login => "login",
                }),
            )
            .with_some("max_age", self.max_age.map(|seconds| seconds.to_string()).as_deref())
            .with_some("login_hint", self.login_hint)
            .with_some("claims", self.claims);
        format!("{}/{}/oauth2/v2.0/authorize?{}", self.cloud.authority, self.tenant, query.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // control: REM-04: what clients send never reaches Entra: no resource, no prompt=consent, PKCE of the door's own
    #[test]
    fn the_address_holds_what_entra_takes_and_nothing_else() {
        let cloud = Cloud::named("public").unwrap();
        let client_id = ClientId::parse("11111111-2222-3333-4444-555555555555").unwrap();
        let scopes = [format!("{client_id}/.default"), "openid".to_owned()];
        let url = AuthorizeUrl {
            cloud: &cloud,
            tenant: "organizations",
            client_id: &client_id,
            redirect_uri: "https://mcp.contoso.com/oauth/callback",
            scopes: &scopes,
            state: "s",
            nonce: "n",
            challenge: "c",
            prompt: Some(Prompt::SelectAccount),
            max_age: None,
            login_hint: Some("alice@contoso.com&resource=x"),
            claims: None,
        };
        let url = url.build();
        assert_eq!(
            url,
            "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?client_id=11111111-2222-3333-4444-555555555555&response_type=code&redirect_uri=https%3A%2F%2Fmcp.contoso.com%2Foauth%2Fcallback&response_mode=query&scope=11111111-2222-3333-4444-555555555555%2F.default%20openid&state=s&nonce=n&code_challenge=c&code_challenge_method=S256&prompt=select_account&login_hint=alice%40contoso.com%26resource%3Dx"
        );
        assert!(!url.contains("&resource=") && !url.contains("prompt=consent"));
    }
}
