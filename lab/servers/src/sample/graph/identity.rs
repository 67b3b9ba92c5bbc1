//! Where a server that runs beside its person gets a token: an endpoint of a managed identity, as App Service has one
//! (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`), behind which the guard stands.

use http::Uri;
use serde_json::Value;

use crate::outbound::Outbound;

/// The endpoint.
#[derive(Clone)]
pub struct Identity {
    endpoint: String,
    header: String,
}

impl Identity {
    /// Reads the two variables from an environment; none where there is no endpoint.
    ///
    /// # Errors
    /// If the endpoint is no address in the clear, as those of this machine are.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let (Some(endpoint), Some(header)) = (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER"))
        else {
            return Ok(None);
        };
        let uri: Uri = endpoint.parse().map_err(|why| format!("IDENTITY_ENDPOINT is no address: {why}"))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() || uri.query().is_some() {
            return Err(format!("IDENTITY_ENDPOINT is no address of this machine: {endpoint}"));
        }
        Ok(Some(Self { endpoint, header }))
    }

    /// Asks for a token; `claims` are those that the API demanded when it refused the last one.
    pub(super) async fn token(
        &self,
        outbound: &Outbound,
        resource: &str,
        claims: Option<&str>,
    ) -> Result<String, String> {
        let mut url = format!("{}?api-version=2019-08-01&resource={}", self.endpoint, percent(resource));
        if let Some(claims) = claims {
            url.push_str("&claims=");
            url.push_str(&percent(claims));
        }
        let headers = [("x-identity-header", self.header.as_str()), ("accept", "application/json")];
        let heard = outbound.send("GET", &url, &headers, "").await;
        let heard = heard.map_err(|_| String::from("Nobody answers who could vouch for you."))?;
        let body: Value = serde_json::from_slice(&heard.body).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        match (heard.status, text("access_token"), text("error")) {
            (200, Some(token), _) => Ok(token.to_owned()),
            (_, _, Some("sign-in-needed")) => {
                Err(String::from("You have to sign in again: run doorward login."))
            }
            (_, _, Some("audience-not-allowed")) => Err(String::from(
                "The guard gives no token for Microsoft Graph: it is started without --token for it.",
            )),
            _ => Err(String::from("There is no token for Microsoft Graph now; try again later.")),
        }
    }
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
