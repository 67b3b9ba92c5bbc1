//! The Entra clouds that exist, compiled in: a configuration can name one, never invent one (D-19).

use std::sync::Arc;

use doorward_types::TenantId;

/// An Entra cloud: who issues tokens there and where its Graph is. Origins, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloud {
    /// Origin of the sign-in service, which is also the start of every v2 issuer.
    pub authority: Arc<str>,
    /// Start of every v1 issuer; the tenant and a slash follow.
    pub v1_issuer: Arc<str>,
    /// Origin of Microsoft Graph.
    pub graph: Arc<str>,
}

/// Name, authority, start of v1 issuers, Graph. v1 issuers of the US government cloud begin as the public ones do.
const CLOUDS: [(&str, &str, &str, &str); 3] = [
    ("public", "https://login.microsoftonline.com", "https://sts.windows.net", "https://graph.microsoft.com"),
    ("usgov", "https://login.microsoftonline.us", "https://sts.windows.net", "https://graph.microsoft.us"),
    (
        "china",
        "https://login.partner.microsoftonline.cn",
        "https://sts.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
];

impl Cloud {
    /// Returns the real cloud of that name: `public`, `usgov` or `china`.
    pub fn named(name: &str) -> Option<Self> {
        CLOUDS.iter().find(|cloud| cloud.0 == name).map(|&(_, authority, v1_issuer, graph)| Self {
            authority: authority.into(),
            v1_issuer: v1_issuer.into(),
            graph: graph.into(),
        })
    }

    /// Returns the names that [`Cloud::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        CLOUDS.iter().map(|cloud| cloud.0)
    }

    /// Returns the emulator's cloud. Whoever calls this must hold a permission to do so: `[insecure_lab]` (D-19).
    pub fn lab(origin: &str, graph_origin: &str) -> Self {
        let origin = origin.trim_end_matches('/');
        Self {
            authority: origin.into(),
            v1_issuer: format!("{origin}/sts").into(),
            graph: graph_origin.trim_end_matches('/').into(),
        }
    }

    /// Returns the issuer of a tenant's v2 tokens.
    pub fn issuer_v2(&self, tenant: &TenantId) -> String {
        format!("{}/{tenant}/v2.0", self.authority)
    }

    /// Returns the issuer of a tenant's v1 tokens. The slash at the end belongs to it.
    pub fn issuer_v1(&self, tenant: &TenantId) -> String {
        format!("{}/{tenant}/", self.v1_issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_real_cloud_is_https_and_distinct() {
        let tenant = TenantId::parse("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
        let clouds: Vec<Cloud> = Cloud::names().filter_map(Cloud::named).collect();
        assert_eq!(clouds.len(), 3);
        for cloud in &clouds {
            assert!(cloud.authority.starts_with("https://") && cloud.graph.starts_with("https://"));
            assert!(cloud.issuer_v1(&tenant).ends_with("2d7cd011db47/"));
            assert_eq!(
                clouds.iter().filter(|other| other.issuer_v2(&tenant) == cloud.issuer_v2(&tenant)).count(),
                1
            );
        }
        assert_eq!(Cloud::named("Public"), None);
    }
}
