//! What a vault's 401 says: `Bearer authorization="https://login…/TENANT", resource="https://vault.azure.net"`.

use doorward_net::{Host, Origin, Scheme};
use http::HeaderMap;

/// Reads for which resource tokens are wanted; without a slash at its end. Of two statements none is believed.
pub(super) fn resource(headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all("www-authenticate").iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (kind, rest) = value.to_str().ok()?.trim().split_once(' ')?;
    if !kind.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut found = [None, None];
    for part in rest.split(',') {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        let slot = match name.trim().to_ascii_lowercase().as_str() {
            "resource" => 0,
            "scope" => 1,
            _ => continue,
        };
        if found.get_mut(slot)?.replace(value).is_some() {
            return None;
        }
    }
    let [resource, scope] = found;
    let named = resource.or_else(|| scope?.strip_suffix("/.default"))?.trim_end_matches('/');
    // A resource of Key Vault's is an origin; a path would be another resource of that host.
    let origin = Origin::parse(named).ok()?;
    (origin.to_string() == named.to_ascii_lowercase()).then(|| named.to_owned())
}

/// Returns whether a vault may ask for tokens for `resource`: `https://vault.azure.net` is the end of the vault's own
/// name, at a dot. The rule of Microsoft's clients.
pub(super) fn bears_out(vault: &Origin, resource: &str) -> bool {
    let Ok(resource) = Origin::parse(resource) else { return false };
    match (vault.host(), resource.host()) {
        (Host::Name(vault), Host::Name(domain)) => {
            resource.scheme() == Scheme::Https
                && domain.contains('.')
                && vault
                    .strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for text in texts {
            headers.append("www-authenticate", text.parse().unwrap());
        }
        resource(&headers)
    }

    #[test]
    fn a_challenge_names_one_resource() {
        let vault = Some("https://vault.azure.net".to_owned());
        for good in [
            r#"Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net""#,
            r#"bearer resource="https://vault.azure.net/""#,
            r#"Bearer authorization="x", scope="https://vault.azure.net/.default""#,
        ] {
            assert_eq!(read(&[good]), vault, "{good}");
        }
        let good = r#"Bearer resource="https://vault.azure.net""#;
        assert_eq!(read(&[good, good]), None, "two challenges");
        for bad in [
            "",
            "Bearer",
            r#"Basic resource="https://vault.azure.net""#,
            "Bearer resource=https://vault.azure.net",
            r#"Bearer resource="https://vault.azure.net", resource="https://graph.microsoft.com""#,
            r#"Bearer resource="https://vault.azure.net/other""#,
            r#"Bearer resource="vault.azure.net""#,
            r#"Bearer resource="https://graph.microsoft.com@vault.azure.net""#,
            r#"Bearer scope="https://vault.azure.net""#,
            r#"Bearer authorization="https://login.microsoftonline.com/t""#,
        ] {
            assert_eq!(read(&[bad]), None, "{bad}");
        }
    }

    // control: MSI-02: a vault gets tokens for the end of its own name and for nothing else
    #[test]
    fn only_the_end_of_its_own_name_bears_a_vault_out() {
        for (vault, resource, expected) in [
            ("https://contoso.vault.azure.net", "https://vault.azure.net", true),
            ("https://contoso.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net", true),
            ("https://contoso.managedhsm.azure.net", "https://managedhsm.azure.net", true),
            ("https://contoso.vault.azure.net", "https://graph.microsoft.com", false),
            ("https://contoso.vault.azure.net", "https://contoso.vault.azure.net", false),
            ("https://contoso.vault.azure.net", "http://vault.azure.net", false),
            ("https://contoso.vault.azure.net", "https://net", false),
            ("https://evilvault.azure.net", "https://vault.azure.net", false),
            ("https://vault.azure.net.evil.example", "https://vault.azure.net", false),
            ("http://127.0.0.1:1234", "https://vault.azure.net", false),
            ("http://127.0.0.1:1234", "https://127.0.0.1", false),
        ] {
            let vault = Origin::parse(vault).unwrap();
            assert_eq!(bears_out(&vault, resource), expected, "{vault} {resource}");
        }
    }
}
