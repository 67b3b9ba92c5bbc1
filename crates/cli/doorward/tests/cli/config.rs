//! `doorward config`.

use std::path::Path;

use crate::{ROOT, assert_snapshot, command, finished, run, run_in, text, write};

const BAD: &str = r#"
[gateway]
listen = "0.0.0.0:8080"
public_url = "https://mcp.contoso.com/base"
lisen = 3

[entra]
tenant = "contoso"
client_secret = "hunter2-hunter2"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"
"#;

#[test]
fn a_good_configuration_is_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(format!("{ROOT}/examples/many-servers.toml"), dir.path().join("doorward.toml")).unwrap();
    let checked = run_in(dir.path(), &["config", "check"]).ends(0);
    assert_snapshot("config-check-good", &checked.out);
    assert_eq!(checked.err, "");
}

#[test]
fn what_signing_in_comes_to_is_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(format!("{ROOT}/examples/sign-in.toml"), dir.path().join("doorward.toml")).unwrap();
    assert_snapshot("config-check-sign-in", &run_in(dir.path(), &["config", "check"]).ends(0).out);
}

#[test]
fn a_good_configuration_is_summed_up_for_machines() {
    let checked =
        run(&["config", "check", "--json", "-c", &format!("{ROOT}/examples/stdio.toml")]).ends(0).json();
    assert_eq!(checked["valid"], true);
    assert_eq!(checked["servers"][0]["name"], "files");
    assert_eq!(checked["servers"][0]["resource"], "http://127.0.0.1:8443/files/mcp");
    assert_eq!(checked["servers"][0]["era"], "auto");
    assert_eq!(checked["limits"]["call_timeout_s"], 60.0);
    let missing = checked["missing_files"].as_array().unwrap();
    assert!(missing.iter().any(|file| file.as_str().unwrap().ends_with("/policies")), "{checked}");
}

#[test]
fn every_example_passes() {
    let mut seen = 0;
    for entry in std::fs::read_dir(format!("{ROOT}/examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            run(&["config", "check", "--config", text(&path)]).ends(0);
            seen += 1;
        }
    }
    assert!(seen >= 5);
}

#[test]
fn a_bad_configuration_is_told_whole_with_marks_and_ways_out() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "doorward.toml", BAD);
    let checked = run_in(dir.path(), &["config", "check"]).ends(2);
    assert_eq!(checked.out, "");
    assert_snapshot("config-check-bad", &checked.err);
    assert!(!checked.err.contains("hunter2"), "a secret is never echoed");
}

#[test]
fn a_bad_configuration_is_told_to_machines() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "doorward.toml", BAD);
    let checked = run_in(dir.path(), &["config", "check", "--json"]).ends(2).json();
    assert_eq!(checked["valid"], false);
    let problems = checked["problems"].as_array().unwrap();
    assert!(problems.len() >= 4, "{checked}");
    assert!(
        problems.iter().any(|problem| problem["line"] == 5 && problem["help"] == "did you mean `listen`?"),
        "{checked}"
    );
    assert!(!checked.to_string().contains("hunter2"));
}

#[test]
fn colour_is_for_terminals_and_is_gone_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "doorward.toml", BAD);
    let forced = |args: &[&str]| {
        finished(command(args).env("CLICOLOR_FORCE", "1").current_dir(dir.path()).output().unwrap())
            .ends(2)
            .err
    };
    assert!(forced(&["config", "check"]).contains("\u{1b}["));
    assert!(!forced(&["config", "check", "--no-color"]).contains('\u{1b}'));
    assert!(!run_in(dir.path(), &["config", "check"]).err.contains('\u{1b}'), "a pipe is no terminal");
}

#[test]
fn a_configuration_that_is_not_there_has_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    run_in(dir.path(), &["config", "check"]).ends(2).says("cannot read doorward.toml", "--config FILE");
    let json = run_in(dir.path(), &["config", "check", "--json"]).ends(2);
    let failure: serde_json::Value = serde_json::from_str(&json.err).unwrap();
    assert!(failure["error"].as_str().unwrap().contains("doorward.toml") && failure["help"].is_string());
}

#[test]
fn the_schema_is_json_and_the_reference_is_the_committed_page() {
    let schema = run(&["config", "schema"]).ends(0).json();
    assert_eq!(schema["title"], "doorward.toml");
    assert_eq!(schema["properties"]["gateway"]["type"], "object");
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/configuration.md")).unwrap();
    assert_eq!(run(&["config", "reference"]).ends(0).out.trim_end(), page.trim_end());
}
