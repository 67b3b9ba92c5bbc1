//! `doorward client-config`.

use crate::{ROOT, assert_snapshot, run, text, write};

const CLIENTS: [&str; 7] = ["vscode", "claude", "claude-code", "cursor", "copilot", "inspector", "codex"];

fn config() -> String {
    format!("{ROOT}/examples/sign-in.toml")
}

#[test]
fn what_to_paste_for_every_client() {
    let mut all = String::new();
    for client in CLIENTS {
        let printed = run(&["client-config", client, "-c", &config()]).ends(0);
        all.push_str(&format!("== {client}\n{}-- said beside it\n{}\n", printed.out, printed.err));
    }
    assert_snapshot("client-config", &all);
}

// control: TOK-07: What is pasted into clients holds no token and no secret.
#[test]
fn nothing_secret_is_pasted() {
    for client in CLIENTS {
        let printed = run(&["client-config", client, "-c", &config()]).ends(0).out.to_lowercase();
        for word in ["bearer", "authorization\"", "token", "secret"] {
            assert!(!printed.contains(word), "{client}: {printed}");
        }
    }
}

#[test]
fn a_configured_client_brings_its_id() {
    let dir = tempfile::tempdir().unwrap();
    for (client, id) in [
        ("vscode", "\"clientId\": \"vscode\""),
        ("claude", "OAuth Client ID: claude"),
        ("claude-code", "--client-id claude-code"),
        ("cursor", "\"CLIENT_ID\": \"cursor\""),
        ("inspector", "Client ID: inspector"),
        ("codex", "client_id = \"codex\""),
    ] {
        let own = format!(
            "[[client]]\nid = \"{client}\"\nname = \"x\"\nredirect_uris = [\"http://127.0.0.1/\"]\nservers = [\"crm\"]\n\n[[server]]"
        );
        let config =
            std::fs::read_to_string(config()).unwrap().replace("id = \"inspector\"", "id = \"other\"");
        let path = write(dir.path(), "doorward.toml", &config.replacen("[[server]]", &own, 1));
        let printed = run(&["client-config", client, "-c", text(&path)]).ends(0);
        assert!(printed.out.contains(id), "{client}: {}", printed.out);
        assert!(printed.err.contains("is not for the server wiki"), "{client}: {}", printed.err);
        let crm = run(&["client-config", client, "-c", text(&path), "--server", "crm"]).ends(0);
        assert!(!crm.err.contains("is not for") && !crm.out.contains("wiki"), "{client}: {}", crm.out);
    }
}

#[test]
fn a_door_without_sign_in_says_so() {
    let config = format!("{ROOT}/examples/many-servers.toml");
    let printed = run(&["client-config", "vscode", "-c", &config]).ends(0);
    assert!(printed.err.contains("registers no clients"), "{}", printed.err);
    let json = run(&["client-config", "codex", "--json", "-c", &config]).ends(0).json();
    assert_eq!((&json["client"], json["lacks"].as_array().unwrap().len()), (&"codex".into(), 1));
    run(&["client-config", "vscode", "-c", &config, "--server", "x"])
        .ends(2)
        .says("no server is called `x`", "payroll");
}
