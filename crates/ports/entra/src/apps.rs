//! App registrations as Microsoft Graph tells them, for a doctor who says what is wrong with the door's own.

use std::sync::Arc;

use bytes::Bytes;
use doorward_oidc::{
    APPLICATION_FIELDS, BadList, FederatedCredential, Principal, Registration, percent, read_federated,
    read_principal, read_registration,
};
use doorward_types::ClientId;
use http::{HeaderValue, Request, StatusCode};

use crate::client::{EntraClient, EntraError};
use doorward_net::Fetch;

/// Reads registrations. The door's application needs the application permission `Application.Read.All` for that, or to be
/// the owner of its registration with `Application.ReadWrite.OwnedBy`; neither is needed to serve.
#[derive(Clone)]
pub struct Apps {
    fetch: Arc<dyn Fetch>,
    entra: EntraClient,
}

/// Why Graph tells nothing of a registration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppsError {
    /// Entra gives the door no token.
    #[error(transparent)]
    Token(#[from] EntraError),
    /// The door may not read registrations.
    #[error(
        "the application may not read registrations: it needs Application.Read.All with an administrator's consent, or look at the registration in the Entra admin center instead"
    )]
    Forbidden,
    /// Graph refuses.
    #[error("Graph answers {0}")]
    Refused(u16),
    /// No answer.
    #[error("cannot reach Graph: {0}")]
    Unreachable(String),
    /// The answer is not what the API promises.
    #[error(transparent)]
    BadList(#[from] BadList),
}

impl Apps {
    /// Makes a reader; nothing is asked yet.
    pub fn new(fetch: Arc<dyn Fetch>, entra: EntraClient) -> Self {
        Self { fetch, entra }
    }

    /// Reads a registration; only its home tenant has it.
    ///
    /// # Errors
    /// An [`AppsError`].
    pub async fn registration(
        &self,
        tenant: &str,
        app: &ClientId,
    ) -> Result<Option<Registration>, AppsError> {
        let path = format!("applications?$filter={}&$select={APPLICATION_FIELDS}", filter(app));
        Ok(read_registration(self.get(tenant, &path).await?, app.as_str())?)
    }

    /// Reads the federated credentials of a registration.
    ///
    /// # Errors
    /// An [`AppsError`].
    pub async fn federated(
        &self,
        tenant: &str,
        registration: &Registration,
    ) -> Result<Vec<FederatedCredential>, AppsError> {
        let id = percent(&registration.object_id);
        Ok(read_federated(
            self.get(tenant, &format!("applications/{id}/federatedIdentityCredentials")).await?,
        )?)
    }

    /// Reads how a tenant knows the application.
    ///
    /// # Errors
    /// An [`AppsError`].
    pub async fn principal(&self, tenant: &str, app: &ClientId) -> Result<Option<Principal>, AppsError> {
        let path = format!("servicePrincipals?$filter={}", filter(app));
        Ok(read_principal(self.get(tenant, &path).await?, app.as_str())?)
    }

    async fn get(&self, tenant: &str, path: &str) -> Result<Bytes, AppsError> {
        let graph = &self.entra.cloud().graph;
        let token = self.entra.app_token(tenant, &format!("{graph}/.default")).await?;
        let unreachable = |error: http::Error| AppsError::Unreachable(error.to_string());
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|error| AppsError::Unreachable(error.to_string()))?;
        bearer.set_sensitive(true);
        let request = Request::get(format!("{graph}/v1.0/{path}"))
            .header("authorization", bearer)
            .header("accept", "application/json")
            .body(Bytes::new())
            .map_err(unreachable)?;
        let answer = self.fetch.fetch(request).await.map_err(|error| AppsError::Unreachable(error.0))?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Err(AppsError::Forbidden),
            other => Err(AppsError::Refused(other.as_u16())),
        }
    }
}

/// Asks for one application. The id is a GUID or was registered here; a quote in it must not end the text.
fn filter(app: &ClientId) -> String {
    percent(&format!("appId eq '{}'", app.as_str().replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use doorward_oauth::Cloud;
    use doorward_types::Secret;

    use super::*;
    use crate::client::EntraConfig;
    use crate::credential::ClientCredential;
    use crate::script::Script;

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    const APP: &str = "11111111-2222-3333-4444-555555555555";
    const TOKEN_URL: &str =
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token";
    const FILTER: &str = "appId%20eq%20%2711111111-2222-3333-4444-555555555555%27";

    fn apps(script: &Script) -> (Apps, ClientId) {
        let id = ClientId::parse(APP).unwrap();
        let config = EntraConfig {
            cloud: Cloud::named("public").unwrap(),
            client_id: id.clone(),
            credential: ClientCredential::Secret(Secret::new("hush-secret".to_owned())),
        };
        script.answer(
            TOKEN_URL,
            200,
            r#"{"token_type":"Bearer","expires_in":3599,"access_token":"hush-token"}"#,
        );
        let fetch: Arc<dyn Fetch> = Arc::new(script.clone());
        (Apps::new(Arc::clone(&fetch), EntraClient::new(fetch, config, script.stopwatch())), id)
    }

    fn url(path: &str) -> String {
        format!("https://graph.microsoft.com/v1.0/{path}")
    }

    #[tokio::test]
    async fn a_registration_and_what_belongs_to_it_are_read() {
        let script = Script::new();
        let (apps, id) = apps(&script);
        let body = format!(
            r#"{{"value":[{{"id":"o-1","appId":"{APP}","api":{{"requestedAccessTokenVersion":2}}}}]}}"#
        );
        script.answer(
            &url(&format!("applications?$filter={FILTER}&$select={APPLICATION_FIELDS}")),
            200,
            body,
        );
        script.answer(
            &url("applications/o-1/federatedIdentityCredentials"),
            200,
            r#"{"value":[{"issuer":"i","subject":"s","audiences":["api://AzureADTokenExchange"]}]}"#,
        );
        let body = format!(r#"{{"value":[{{"appId":"{APP}","accountEnabled":true}}]}}"#);
        script.answer(&url(&format!("servicePrincipals?$filter={FILTER}")), 200, body);
        let registration = apps.registration(TENANT, &id).await.unwrap().unwrap();
        assert_eq!(registration.token_version, Some(2));
        assert_eq!(apps.federated(TENANT, &registration).await.unwrap().len(), 1);
        assert!(apps.principal(TENANT, &id).await.unwrap().unwrap().enabled);
        let seen = script.seen();
        assert_eq!(seen.len(), 4, "one token for all");
        assert_eq!(seen[1].authorization.as_deref(), Some("Bearer hush-token"));
    }

    // control: TOK-07: no refusal of Graph's brings back a token
    #[tokio::test]
    async fn each_refusal_says_what_to_do_and_nothing_secret() {
        let script = Script::new();
        let (apps, id) = apps(&script);
        let at = url(&format!("servicePrincipals?$filter={FILTER}"));
        for (status, body, expected) in [
            (403, "hush", AppsError::Forbidden),
            (401, "hush", AppsError::Forbidden),
            (500, "hush", AppsError::Refused(500)),
            (200, "hush", AppsError::BadList(BadList)),
        ] {
            script.answer(&at, status, body);
            let error = apps.principal(TENANT, &id).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"));
            assert_eq!(error, expected);
        }
    }
}
