//! `doorward entra`.

use serde_json::{Value, json};

use crate::{ROOT, assert_snapshot, run, text, write};

fn example(name: &str) -> String {
    format!("{ROOT}/examples/{name}.toml")
}

fn manifest(name: &str, more: &[&str]) -> Value {
    let config = example(name);
    run(&[&["entra", "manifest", "-c", &config], more].concat()).ends(0).json()
}

#[test]
fn the_registration_of_a_door_that_signs_people_in() {
    let printed = run(&["entra", "manifest", "-c", &example("sign-in")]).ends(0);
    assert_snapshot("entra-manifest", &printed.out);
    // What is no part of that request stands beside it.
    for part in
        ["federatedIdentityCredentials", "api://AzureADTokenExchange", "crm is called with tokens for"]
    {
        assert!(printed.err.contains(part), "{part}: {}", printed.err);
    }
}

// control: REM-02: The script gives the registration a proof without a secret, where the configuration has one.
#[test]
fn the_script_for_a_shell() {
    let script = run(&["entra", "manifest", "--az", "-c", &example("sign-in")]).ends(0).out;
    assert_snapshot("entra-manifest-az", &script);
    assert!(!script.contains("--query password"));
}

/// AADSTS50011, AADSTS9002326, AADSTS9010010, and v1 tokens: the registration does not cause them.
#[test]
fn what_entra_would_refuse_is_not_in_a_registration() {
    let app = manifest("sign-in", &[]);
    assert_eq!(app["api"]["requestedAccessTokenVersion"], 2);
    assert_eq!(app["web"]["redirectUris"], json!(["https://mcp.contoso.com/oauth/callback"]));
    for platform in ["spa", "publicClient"] {
        assert_eq!(app[platform]["redirectUris"], json!([]), "{platform}");
    }
    let claims = app["optionalClaims"]["accessToken"].as_array().unwrap();
    assert!(["idtyp", "xms_cc"].iter().all(|name| claims.iter().any(|claim| claim["name"] == *name)));
    let uris = app["identifierUris"].as_array().unwrap();
    assert!(uris.iter().all(|uri| !uri.as_str().unwrap().ends_with('/')));
}

#[test]
fn ids_stay_the_same_and_differ_by_name() {
    let (one, two) = (manifest("sign-in", &[]), manifest("sign-in", &[]));
    assert_eq!(one, two);
    let ids: Vec<&str> = one["api"]["oauth2PermissionScopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| scope["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'8'));
}

#[test]
fn a_door_that_signs_nobody_in_needs_no_address_and_no_permission() {
    let app = manifest("single-server", &[]);
    assert_eq!((&app["web"]["redirectUris"], &app["requiredResourceAccess"]), (&json!([]), &json!([])));
    assert_eq!(app["api"]["oauth2PermissionScopes"][0]["value"], "mcp.access");
    assert_eq!(manifest("multi-tenant", &[])["signInAudience"], "AzureADMultipleOrgs");
    let roles = &manifest("multi-tenant", &[])["appRoles"];
    assert_eq!(roles[0]["value"], "Orders.Use");
    assert_eq!(roles[0]["allowedMemberTypes"], json!(["User", "Application"]));
}

#[test]
fn roles_and_groups_are_those_that_policies_speak_of() {
    let dir = tempfile::tempdir().unwrap();
    let config = std::fs::read_to_string(example("sign-in")).unwrap();
    let path = write(dir.path(), "doorward.toml", &config);
    let policy = "permit (principal in Role::\"Buyer\", action, resource);";
    write(dir.path(), "policies/p.cedar", policy);
    let app = || run(&["entra", "manifest", "-c", text(&path)]).ends(0).json();
    assert_eq!(
        (&app()["appRoles"][0]["value"], app()["appRoles"].as_array().unwrap().len()),
        (&json!("Buyer"), 1)
    );
    // Without need no group of anybody's is in a token.
    assert_eq!(app()["groupMembershipClaims"], "None");
    write(dir.path(), "policies/p.cedar", &policy.replace("Role", "Group"));
    assert_eq!(app()["groupMembershipClaims"], "SecurityGroup");
}

#[test]
fn a_server_with_a_registration_of_its_own_is_named() {
    let config = example("many-servers");
    let door = run(&["entra", "manifest", "-c", &config]).ends(0);
    assert!(door.err.contains("payroll has an app registration of its own"), "{}", door.err);
    assert!(!door.out.contains("Payroll.Use"));
    let own = manifest("many-servers", &["--server", "payroll"]);
    assert_eq!(own["appRoles"][0]["value"], "Payroll.Use");
    assert_eq!(own["requiredResourceAccess"], json!([]));
    run(&["entra", "manifest", "-c", &config, "--server", "pay"])
        .ends(2)
        .says("no server is called `pay`", "crm, wiki, payroll");
}

#[test]
fn nothing_of_a_configuration_runs_in_the_shell() {
    let dir = tempfile::tempdir().unwrap();
    let config = std::fs::read_to_string(example("sign-in"))
        .unwrap()
        .replace("Read the wiki as you", "Read `touch pwned` $(touch pwned) the wiki's pages");
    let config = config.replace(
        "credential = { kind = \"managed-identity\" }",
        "credential = { kind = \"certificate\", certificate = \"a b;$(touch pwned)\", key = \"k\" }",
    );
    let path = write(dir.path(), "doorward.toml", &config.replace("$(touch pwned)\"", "touch pwned'\""));
    let script = run(&["entra", "manifest", "--az", "-c", text(&path)]).ends(0).out;
    // Every program of the script but `az` and the shell's own is missing, and whatever it would do happens here.
    write(dir.path(), "bin/az", "#!/bin/sh\ncat > /dev/null\n");
    let path = write(dir.path(), "script.sh", &script);
    let az = dir.path().join("bin/az");
    let run = std::process::Command::new("sh")
        .args([
            "-c",
            &format!(
                "chmod +x {} && PATH={}:$PATH sh {}",
                text(&az),
                text(az.parent().unwrap()),
                text(&path)
            ),
        ])
        .stdin(std::process::Stdio::null())
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(!dir.path().join("pwned").exists());
}
