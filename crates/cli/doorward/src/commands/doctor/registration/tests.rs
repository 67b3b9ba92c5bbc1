//! One thing wrong at a time: what it is, the error of Entra's that it causes, and that there is a fix.

use doorward_config::{Build, load};
use doorward_oidc::Role;
use doorward_oidc::explain;

use super::super::finding::Level;
use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_795_132_800);
const CONFIG: &str = r#"
[gateway]
listen = "127.0.0.1:8443"
public_url = "http://127.0.0.1:8443"

[entra]
tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
client_id = "11111111-2222-3333-4444-555555555555"
required_scope = "mcp.access"
required_role = "Mcp.Use"
credential = { kind = "secret", secret_file = "s" }

[sign_in]

[vault]
key_file = "keys/vault.key"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"
"#;

fn good() -> Seen {
    let lasting = || vec![Ending { name: None, ends: Some(NOW.plus(Duration::from_secs(365 * 86_400))) }];
    Seen {
        registration: Some(Registration {
            object_id: "1".into(),
            audience: Some("AzureADMyOrg".into()),
            identifier_uris: vec!["api://11111111-2222-3333-4444-555555555555".into()],
            token_version: Some(2),
            web_redirects: vec!["http://127.0.0.1/oauth/callback".into()],
            spa_redirects: Vec::new(),
            public_redirects: Vec::new(),
            scopes: vec!["mcp.access".into()],
            roles: vec![Role { value: "Mcp.Use".into(), people: true, applications: true }],
            access_claims: vec!["idtyp".into(), "xms_cc".into()],
            id_claims: Vec::new(),
            group_claims: Some("SecurityGroup".into()),
            secrets: lasting(),
            certificates: lasting(),
            preauthorized: Vec::new(),
        }),
        federated: vec![FederatedCredential {
            issuer: "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0".into(),
            subject: "x".into(),
            audiences: vec!["api://AzureADTokenExchange".into()],
        }],
        principal: Some(Principal { enabled: true, assignment_required: false }),
    }
}

fn config(from: &str, to: &str) -> Config {
    assert!(CONFIG.contains(from), "{from}");
    load("doorward.toml", &CONFIG.replace(from, to), Build { lab: true })
        .unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn a_registration_that_fits_has_nothing_wrong() {
    for credential in [
        "{ kind = \"secret\", secret_file = \"s\" }",
        "{ kind = \"certificate\", certificate = \"c\", key = \"k\" }",
        "{ kind = \"workload-identity\", token_file = \"t\" }",
        "{ kind = \"managed-identity\" }",
    ] {
        let config = config("{ kind = \"secret\", secret_file = \"s\" }", credential);
        let wrong: Vec<_> =
            look(&config, &good(), true, NOW).into_iter().filter(|found| found.level != Level::Ok).collect();
        assert_eq!(wrong, [], "{credential}");
    }
}

type Break = fn(&mut Seen);
/// What is otherwise in the configuration and in the registration; how bad it is, Entra's number, and words of it.
type Case = ((&'static str, &'static str), Break, Level, Option<u32>, &'static str);

fn registration(seen: &mut Seen) -> &mut Registration {
    seen.registration.as_mut().unwrap()
}

#[test]
fn each_thing_that_is_wrong_is_named_with_what_entra_answers() {
    const KEEP: (&str, &str) = ("", "");
    const PLAIN: (&str, &str) = ("[sign_in]\n\n[vault]\nkey_file = \"keys/vault.key\"\n", "");
    const CERTIFICATE: (&str, &str) = (
        "{ kind = \"secret\", secret_file = \"s\" }",
        "{ kind = \"certificate\", certificate = \"c\", key = \"k\" }",
    );
    const MACHINE: (&str, &str) =
        ("{ kind = \"secret\", secret_file = \"s\" }", "{ kind = \"managed-identity\" }");
    const MANY: (&str, &str) = (
        "tenant = \"aaaabbbb-0000-cccc-1111-dddd2222eeee\"",
        "tenants = [\"aaaabbbb-0000-cccc-1111-dddd2222eeee\"]",
    );
    const APPS: (&str, &str) = ("[entra]\n", "[entra]\nallow_app_only = true\n");
    const NO_V1: (&str, &str) = ("[entra]\n", "[entra]\naccept_v1 = false\n");
    use Level::{Bad, Warn};
    let cases: &[Case] = &[
        (KEEP, |s| s.registration = None, Bad, Some(700_016), "no such application"),
        (KEEP, |s| registration(s).token_version = None, Warn, None, "v1 tokens"),
        (NO_V1, |s| registration(s).token_version = Some(1), Bad, None, "every token is refused"),
        (
            KEEP,
            |s| registration(s).web_redirects.clear(),
            Bad,
            Some(50_011),
            "not one of its redirect addresses",
        ),
        (
            KEEP,
            |s| registration(s).web_redirects = vec!["http://127.0.0.1:8443/oauth/callback/".into()],
            Bad,
            Some(50_011),
            "not one of its redirect addresses",
        ),
        (
            KEEP,
            |s| {
                let uris = std::mem::take(&mut registration(s).web_redirects);
                registration(s).spa_redirects = uris;
            },
            Bad,
            Some(9_002_326),
            "Single-page",
        ),
        (
            KEEP,
            |s| {
                let uris = std::mem::take(&mut registration(s).web_redirects);
                registration(s).public_redirects = uris;
            },
            Bad,
            Some(700_025),
            "Mobile and desktop",
        ),
        (
            KEEP,
            |s| registration(s).identifier_uris.push("https://mcp/".into()),
            Bad,
            Some(9_010_010),
            "ends in a slash",
        ),
        (
            PLAIN,
            |s| registration(s).identifier_uris.clear(),
            Bad,
            Some(500_011),
            "not one of its App ID URIs",
        ),
        (KEEP, |s| registration(s).identifier_uris.clear(), Warn, None, "no App ID URI"),
        (KEEP, |s| registration(s).scopes.clear(), Bad, Some(650_053), "offers no scope"),
        (
            PLAIN,
            |s| registration(s).scopes = vec!["other".into()],
            Bad,
            Some(650_053),
            "requires the scope mcp.access",
        ),
        (KEEP, |s| registration(s).roles.clear(), Bad, None, "which nobody can have"),
        (
            APPS,
            |s| registration(s).roles[0].applications = false,
            Warn,
            None,
            "cannot be given to applications",
        ),
        (
            APPS,
            |s| registration(s).access_claims = vec!["xms_cc".into()],
            Bad,
            None,
            "cannot be told from others",
        ),
        (KEEP, |s| registration(s).access_claims.clear(), Warn, Some(50_076), "further step"),
        (KEEP, |s| registration(s).group_claims = None, Warn, None, "list no groups"),
        (MANY, |_| {}, Bad, Some(50_194), "its own only"),
        (
            KEEP,
            |s| registration(s).audience = Some("AzureADMultipleOrgs".into()),
            Warn,
            None,
            "open to every tenant",
        ),
        (KEEP, |s| registration(s).secrets.clear(), Bad, Some(7_000_215), "no client secret"),
        (KEEP, |s| registration(s).secrets[0].ends = Some(NOW), Bad, Some(7_000_222), "has expired"),
        (
            KEEP,
            |s| registration(s).secrets[0].ends = Some(NOW.plus(Duration::from_secs(86_400))),
            Warn,
            Some(7_000_222),
            "within 30 days",
        ),
        (CERTIFICATE, |s| registration(s).certificates.clear(), Bad, Some(700_027), "no certificate"),
        (MACHINE, |s| s.federated.clear(), Bad, Some(70_021), "no federated credential"),
        (
            MACHINE,
            |s| s.federated[0].audiences = vec!["api://x".into()],
            Bad,
            Some(700_212),
            "AzureADTokenExchange",
        ),
        (KEEP, |s| s.principal = None, Bad, Some(700_016), "no service principal"),
        (KEEP, |s| s.principal.as_mut().unwrap().enabled = false, Bad, Some(7_000_112), "switched off"),
        (
            KEEP,
            |s| s.principal.as_mut().unwrap().assignment_required = true,
            Warn,
            Some(50_105),
            "assigned to it",
        ),
    ];
    for ((from, to), change, level, code, what) in cases {
        let mut seen = good();
        change(&mut seen);
        let findings = look(&config(from, to), &seen, true, NOW);
        let wrong: Vec<_> = findings.iter().filter(|found| found.level != Level::Ok).collect();
        let [found] = wrong.as_slice() else { panic!("{what}: {wrong:?}") };
        assert_eq!((found.level, found.code), (*level, *code), "{what}: {found:?}");
        assert!(found.what.contains(what), "{what}: {found:?}");
        assert!(found.fix.as_ref().is_some_and(|fix| fix.len() > 20), "{what}: {found:?}");
        if let Some(code) = code {
            assert!(explain(*code).is_some(), "AADSTS{code} has no words");
        }
    }
}

#[test]
fn groups_are_missed_only_where_policies_speak_of_them() {
    let mut seen = good();
    registration(&mut seen).group_claims = None;
    let all = look(&config("", ""), &seen, false, NOW);
    assert!(all.iter().all(|found| found.level == Level::Ok), "{all:?}");
}

#[test]
fn of_addresses_on_this_machine_the_port_may_differ() {
    assert!(same_address("http://localhost/oauth/callback", "http://localhost:8443/oauth/callback"));
    assert!(!same_address("http://localhost/oauth/callback", "http://127.0.0.1:8443/oauth/callback"));
    assert!(!same_address("https://localhost/oauth/callback", "https://localhost:8443/oauth/callback"));
    assert!(!same_address("http://localhost/other", "http://localhost:8443/oauth/callback"));
    assert!(!same_address("http://localhost.evil.example/a", "http://localhost:1/a"));
}
