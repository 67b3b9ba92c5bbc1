//! From an authority to its key document, believing nothing on the way that was not asked for.

use std::sync::Arc;

use bytes::Bytes;
use doorward_net::{Fetch, Origin};
use doorward_oauth::{Cloud, KeySet, Tenants};
use doorward_wire::{Limits, Tree};
use http::{Request, StatusCode};

use crate::keys::KeysError;

/// Where the keys of the allowed tenants are published: one tenant's own document, or the one for all organizations,
/// whose issuers hold `{tenantid}` instead of a tenant.
pub(crate) struct Authority {
    discovery: String,
    issuer: String,
    origin: Arc<str>,
}

impl Authority {
    pub(crate) fn of(cloud: &Cloud, tenants: &Tenants) -> Self {
        let authority = &cloud.authority;
        let (segment, issuer) = match tenants {
            Tenants::One(tenant) => (tenant.as_str(), cloud.issuer_v2(tenant)),
            Tenants::Many(_) => ("organizations", format!("{authority}/{{tenantid}}/v2.0")),
        };
        Self {
            discovery: format!("{authority}/{segment}/v2.0/.well-known/openid-configuration"),
            issuer,
            origin: authority.clone(),
        }
    }

    /// Fetches the key set: the discovery document, then the document it names. v1 tokens are signed with the same
    /// keys, so that one document serves both versions.
    pub(crate) async fn keys(&self, fetch: &dyn Fetch) -> Result<KeySet, KeysError> {
        let document = get(fetch, &self.discovery).await?;
        let jwks_uri = self.jwks_uri(document)?;
        let keys = get(fetch, &jwks_uri).await?;
        KeySet::parse(keys).map_err(|cause| KeysError::BadKeys { url: jwks_uri, cause })
    }

    fn jwks_uri(&self, document: Bytes) -> Result<String, KeysError> {
        let limits = Limits { max_bytes: 256 * 1024, max_depth: 16, max_nodes: 8192 };
        let unusable = |what| KeysError::BadDiscovery { url: self.discovery.clone(), what };
        let tree = Tree::parse(document, &limits).map_err(|_| unusable("not valid JSON"))?;
        let text = |name: &str| tree.root().get(name).and_then(|value| value.as_str());
        // A document of another issuer, however it came here, must not bring its keys.
        let issuer = text("issuer").ok_or_else(|| unusable("it has no `issuer`"))?;
        if *issuer != *self.issuer {
            return Err(KeysError::WrongIssuer { expected: self.issuer.clone(), found: issuer.into_owned() });
        }
        let uri = text("jwks_uri").ok_or_else(|| unusable("it has no `jwks_uri`"))?;
        let same = matches!((Origin::parse(&uri), Origin::parse(&self.origin)), (Ok(keys), Ok(ours)) if keys == ours);
        if same { Ok(uri.into_owned()) } else { Err(KeysError::ForeignKeys(uri.into_owned())) }
    }
}

async fn get(fetch: &dyn Fetch, url: &str) -> Result<Bytes, KeysError> {
    let unreachable = |cause: String| KeysError::Unreachable { url: url.to_owned(), cause };
    let request = Request::get(url)
        .header("accept", "application/json")
        .body(Bytes::new())
        .map_err(|error| unreachable(error.to_string()))?;
    let answer = fetch.fetch(request).await.map_err(|error| unreachable(error.0))?;
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        status => Err(unreachable(format!("it answered {status}"))),
    }
}
