//! The traps that Entra sets for MCP, each found before anybody falls in.

use doorward_emulator::Seed;

use super::{CONFIG, House, Odd, PLAIN, found};
use crate::{Run, run_in, write};

/// Words of a finding, Entra's number, and how bad it is.
type Trap = (&'static str, Option<&'static str>, &'static str);

/// Each is found, with the error that Entra would answer with, and with a way out.
#[track_caller]
fn explains(run: &Run, traps: &[Trap]) {
    let bad = traps.iter().any(|(_, _, level)| *level == "bad");
    assert_eq!(run.code, i32::from(bad), "{traps:?}: {}", run.out);
    let report = run.json();
    for (what, code, level) in traps {
        let finding = found(&report, what);
        let told = (finding["aadsts"].as_str(), finding["level"].as_str());
        assert_eq!(told, (*code, Some(*level)), "{finding:#}");
        let fix = finding["fix"].as_str().is_some_and(|fix| fix.len() > 20);
        assert_eq!(fix, *level != "ok", "{finding:#}");
    }
}

/// Asks beside Entra and an open door.
#[track_caller]
fn live(odd: &Odd, traps: &[Trap]) {
    let house = House::open(odd);
    explains(&house.doctor(&["--json"]), traps);
    house.close();
}

/// Asks about the configuration alone.
#[track_caller]
fn told(config: &[(&str, &str)], traps: &[Trap]) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = CONFIG.to_owned();
    let lab = "[insecure_lab]\nauthority = \"{authority}\"\ngraph = \"{graph}\"\nca_file = \"lab/ca.pem\"\n";
    let tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    let client = "11111111-2222-3333-4444-555555555555";
    for (from, to) in [config, &[(lab, "")]].concat() {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    for (from, to) in [("{address}", "127.0.0.1:8443"), ("{tenant}", tenant), ("{client}", client)] {
        text = text.replace(from, to);
    }
    write(folder.path(), "doorward.toml", &text);
    write(folder.path(), "keys/entra", "not a secret");
    explains(&run_in(folder.path(), &["doctor", "entra", "--offline", "--json"]), traps);
}

/// What is said where clients sign in at the door.
const KEPT_AWAY: Trap = ("never reaches Entra", None, "ok");
const OBO: (&str, &str) = ("/mcp\"\n", "/mcp\"\ncredential = { on_behalf_of = \"api://crm/.default\" }\n");

fn door(seed: &mut Seed) -> &mut doorward_emulator::App {
    seed.apps.iter_mut().find(|app| app.name == "door").unwrap()
}

#[test]
fn trap_01_the_resource_parameter() {
    told(&[PLAIN], &[("clients send `resource=", Some("AADSTS9010010"), "warn")]);
    told(&[], &[KEPT_AWAY]);
}

#[test]
fn trap_02_refreshes_without_a_scope() {
    told(&[PLAIN], &[("refresh without naming a scope", Some("AADSTS90009"), "warn")]);
    told(&[], &[KEPT_AWAY]);
}

#[test]
fn trap_03_scopes_that_entra_takes_for_those_of_graph() {
    let odd = Odd {
        config: &[PLAIN],
        seed: Some(|seed| door(seed).scopes = vec!["tools.read".into()]),
        ..Odd::default()
    };
    // Entra's own metadata are seen in the same way: strict clients miss PKCE in them.
    live(
        &odd,
        &[
            ("requires the scope mcp.access", Some("AADSTS650053"), "bad"),
            ("strict clients end here", None, "warn"),
        ],
    );
    told(&[], &[KEPT_AWAY]);
}

#[test]
fn trap_04_entra_registers_no_clients() {
    told(&[PLAIN], &[("must be registered at Entra one by one", Some("AADSTS700016"), "warn")]);
    told(&[], &[("clients become known by their document, by registering", None, "ok")]);
}

#[test]
fn trap_05_prompts_of_clients() {
    told(&[PLAIN], &[("`prompt=consent`", Some("AADSTS90094"), "warn")]);
    told(&[], &[KEPT_AWAY]);
}

#[test]
fn trap_06_addresses_that_entra_does_not_answer_to() {
    told(&[PLAIN], &[("come back to addresses of their own", Some("AADSTS50011"), "warn")]);
    let odd = Odd {
        seed: Some(|seed| door(seed).redirect_uris = vec!["https://mcp.contoso.example/callback".into()]),
        ..Odd::default()
    };
    live(&odd, &[("not one of its redirect addresses", Some("AADSTS50011"), "bad")]);
}

#[test]
fn trap_07_tokens_of_version_one() {
    let odd = Odd { seed: Some(|seed| door(seed).token_version = 1), ..Odd::default() };
    live(&odd, &[("v1 tokens", None, "warn")]);
}

#[test]
fn trap_08_more_groups_than_a_token_holds() {
    let none = ("credential = { kind = \"secret\", secret_file = \"keys/entra\" }\n", "");
    told(&[PLAIN, none], &[("more than 200 groups", None, "warn")]);
    let house = House::open(&Odd { seed: Some(|seed| door(seed).group_claims = false), ..Odd::default() });
    explains(&house.doctor(&["--json"]), &[("no policy speaks of any", None, "ok")]);
    let group =
        "@id(\"g\") permit (principal in Group::\"0b1ec7ed-0000-4000-8000-000000000009\", action, resource);";
    write(house.folder.path(), "policies/group.cedar", group);
    explains(&house.doctor(&["--json"]), &[("list no groups", None, "warn")]);
    house.close();
}

#[test]
fn trap_09_several_tenants() {
    let odd = Odd { config: &[("tenant = \"{tenant}\"", "tenants = [\"{tenant}\"]")], ..Odd::default() };
    live(&odd, &[("for its own only", Some("AADSTS50194"), "bad")]);
}

#[test]
fn trap_10_whom_a_server_sees() {
    told(&[OBO], &[("crm is called on behalf of each person", None, "ok")]);
    let workload = ("/mcp\"\n", "/mcp\"\ncredential = { workload = \"api://crm/.default\" }\n");
    told(&[workload], &[("crm is called as the door, whoever calls", None, "ok")]);
}

#[test]
fn trap_11_steps_of_conditional_access() {
    told(&[OBO], &[("a step that Entra asks for on the way is passed on", None, "ok")]);
    let odd = Odd { seed: Some(|seed| door(seed).optional_claims.clear()), ..Odd::default() };
    live(&odd, &[("further step", Some("AADSTS50076"), "warn")]);
}

#[test]
fn trap_12_applications_that_call_for_themselves() {
    told(
        &[OBO, ("[entra]\n", "[entra]\nallow_app_only = true\n")],
        &[("applications that call for themselves are refused at crm", Some("AADSTS7000114"), "warn")],
    );
}
