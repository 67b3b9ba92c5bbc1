//! `doorward wrap` and `doorward unwrap`, in a home of its own.

pub(crate) mod client;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Run, assert_snapshot, command, finished, write};

/// A home with the files of several clients, and a project.
struct Home {
    dir: tempfile::TempDir,
}

/// Where each family keeps a file on this system, a file of it, and where in it the servers stand.
const FILES: [(&str, &str, &str); 13] = [
    ("claude-code", "home/.claude.json", CLAUDE_CODE),
    ("claude-code", "project/.mcp.json", PLAIN),
    ("vscode", "home/.config/Code/User/mcp.json", VSCODE),
    ("vscode", "project/.vscode/mcp.json", VSCODE),
    ("copilot", "home/.copilot/mcp-config.json", PLAIN),
    ("cursor", "home/.cursor/mcp.json", PLAIN),
    ("windsurf", "home/.codeium/windsurf/mcp_config.json", PLAIN),
    ("zed", "home/.config/zed/settings.json", ZED),
    ("codex", "home/.codex/config.toml", CODEX),
    ("continue", "home/.continue/config.yaml", CONTINUE),
    ("cline", "home/.cline/data/settings/cline_mcp_settings.json", PLAIN),
    ("gemini", "home/.gemini/settings.json", PLAIN),
    ("junie", "home/.junie/mcp/mcp.json", PLAIN),
];

const PLAIN: &str = "{\n\t\"mcpServers\": {\n\t\t\"echo\": {\"command\": \"/bin/sh\", \"args\": [\"-c\", \"echo \\\"$A\\\" \\\"$0\\\" \\\"$@\\\"\", \"--\", \"x y\", \"é\"], \"env\": {\"A\": \"a\"}}\n\t}\n}\n";
const CLAUDE_CODE: &str = "{\"projects\":{\"/p\":{\"mcpServers\":{\"echo\":{\"type\":\"stdio\",\"command\":\"/bin/sh\",\"args\":[\"-c\",\"echo \\\"$A\\\" \\\"$0\\\" \\\"$@\\\"\",\"--\",\"x y\",\"é\"],\"env\":{\"A\":\"a\"}}}}}}";
const VSCODE: &str = "\u{feff}// ours\r\n{\r\n  \"servers\": {\r\n    \"echo\": { // local\r\n      \"type\": \"stdio\",\r\n      \"command\": \"/bin/sh\",\r\n      \"args\": [\"-c\", \"echo \\\"$A\\\" \\\"$0\\\" \\\"$@\\\"\", \"--\", \"x y\", \"é\",],\r\n      \"env\": {\"A\": \"a\"},\r\n    },\r\n    \"away\": {\"type\": \"http\", \"url\": \"https://example.com/mcp?key=CANARY\"},\r\n  },\r\n}\r\n";
const ZED: &str = "// Zed\n{\n  \"theme\": \"x\",\n  \"context_servers\": {\n    \"echo\": {\"command\": \"/bin/sh\", \"args\": [\"-c\", \"echo \\\"$A\\\" \\\"$0\\\" \\\"$@\\\"\", \"--\", \"x y\", \"é\"], \"env\": {\"A\": \"a\"},},\n  },\n}\n";
const CODEX: &str = "model = \"o\" # mine\n\n[mcp_servers.echo]\ncommand = '/bin/sh'\nargs = [\"-c\", 'echo \"$A\" \"$0\" \"$@\"', \"--\", \"x y\", \"é\"]\n\n[mcp_servers.echo.env]\nA = \"a\"\n";
const CONTINUE: &str = "name: Mine\nmcpServers:\n  # local\n  - name: echo\n    command: /bin/sh\n    args:\n      - -c\n      - echo \"$A\" \"$0\" \"$@\"\n      - \"--\"\n      - x y\n      - é\n    env:\n      A: a\n";

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir_all(home.path("home")).unwrap();
        std::fs::create_dir_all(home.path("project")).unwrap();
        home
    }

    fn full() -> Self {
        let home = Self::new();
        for (_, path, text) in FILES {
            write(home.dir.path(), path, text);
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, args: &[&str]) -> Run {
        let mut command = command(args);
        command.current_dir(self.path("project")).env("HOME", self.path("home"));
        for name in ["XDG_CONFIG_HOME", "CODEX_HOME", "COPILOT_HOME", "APPDATA"] {
            command.env_remove(name);
        }
        finished(command.output().unwrap())
    }

    /// Everything beside the files that were put there.
    fn backups(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
            entries
                .map(|entry| match entry.file_type().unwrap().is_dir() {
                    true => count(&entry.path()),
                    false => usize::from(entry.file_name().to_string_lossy().contains("doorward-")),
                })
                .sum()
        }
        count(self.dir.path())
    }

    /// A program that stands where the door will: it does with `guard … -- COMMAND` what a door that lets everything pass does.
    fn door(&self) -> PathBuf {
        let door = write(
            self.dir.path(),
            "bin/doorward",
            "#!/bin/sh\n[ \"$1\" = guard ] || exit 64\nwhile [ \"$1\" != -- ]; do shift || exit 64; done\nshift\nprintf 'guarded: '\nexec \"$@\"\n",
        );
        std::fs::set_permissions(&door, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        door
    }
}

#[test]
fn a_file_of_each_family_is_wrapped_driven_and_unwrapped() {
    let home = Home::full();
    let door = home.door();
    let door = door.to_str().unwrap();
    home.run(&["wrap", "--all", "--program", door]).ends(0);
    for (family, path, text) in FILES {
        assert_ne!(home.read(path), text, "{family}");
        assert_eq!(
            client::start(&home.path(path), "echo"),
            "guarded: a -- x y é\n",
            "{family}: {}",
            home.read(path)
        );
    }
    assert_eq!(home.backups(), FILES.len());
    let again = home.run(&["wrap", "--all", "--program", door]).ends(0);
    assert!(again.out.contains("codex/echo is wrapped already"), "{}", again.out);
    assert_eq!(home.backups(), FILES.len(), "nothing was written a second time");
    home.run(&["unwrap", "--all", "--program", door]).ends(0);
    for (family, path, text) in FILES {
        assert_eq!(home.read(path), text, "{family}");
    }
}

/// A server of few words: it lists one tool, which says how the server was started.
pub(crate) const SERVER: &str = r#"while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *'"initialize"'*) said='"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}' ;;
    *'"tools/list"'*) said='"result":{"tools":[{"name":"started","inputSchema":{"type":"object"}}]}' ;;
    *'"tools/call"'*) said="\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"$A $0 $* $SECRET\"}]}" ;;
    *'"id"'*) said='"error":{"code":-32601,"message":"no"}' ;;
    *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$id" "$said"
done
"#;

// control: LOC-10, guard-f: a server of each family's configuration, wrapped by hand of the command, answers its client through the guard, with the variables that the client sets for it and no other
#[test]
fn a_wrapped_server_answers_its_client_through_the_guard() {
    let home = Home::new();
    let server = write(home.dir.path(), "server.sh", SERVER);
    let sourced = format!(". {}", server.display());
    for (family, path, text) in FILES {
        // The same words as each file's own, in its own way of writing.
        let text = text
            .replace(r#"echo \"$A\" \"$0\" \"$@\""#, &sourced)
            .replace(r#"echo "$A" "$0" "$@""#, &sourced);
        write(home.dir.path(), path, &text);
        // Its script lies in a folder of this test's, which a strict sandbox does not show.
        home.run(&["wrap", "--all", "--no-sandbox"]).ends(0);
        assert_ne!(home.read(path), text, "{family}");
        let mut command = client::command(&home.path(path), "echo");
        command
            .env("HOME", home.path("home"))
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("SECRET", "of others");
        let said = client::converse(command);
        assert_eq!(said["result"]["content"][0]["text"], "a -- x y é ", "{family}: {said}");
        // Records know it by the client's name for it, whatever its command is.
        assert!(home.path("home/.local/state/doorward/audit/echo/0").is_dir(), "{family}");
        home.run(&["unwrap", "--all"]).ends(0);
        assert_eq!(home.read(path), text, "{family}");
        std::fs::remove_file(home.path(path)).unwrap();
    }
}

#[test]
fn without_a_choice_everything_is_listed_and_nothing_changed() {
    let home = Home::full();
    write(
        home.dir.path(),
        "home/.cursor/mcp.json",
        "{\"mcpServers\": {\"git\\u001b[2J\": {\"command\": \"npx\", \"args\": [\"-y\", \"server\", \"--token\", \"CANARY\"], \"env\": {\"API_KEY\": \"CANARY\"}}, \"evil\": {\"command\": \"/tmp/doorward\", \"args\": [\"guard\", \"--\", \"x\"]}, \"both\": {\"command\": \"x\", \"url\": \"y\"}}}",
    );
    let listed = home.run(&["wrap"]).ends(0);
    let text = format!("{}-- said beside it\n{}", listed.out, listed.err);
    assert!(!text.contains("CANARY"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where nobody watches, and none of the file's own");
    let text = text.replace(home.dir.path().to_str().unwrap(), "DIR");
    assert_snapshot("wrap-list", &text);
    let json = home.run(&["wrap", "--json"]).ends(0);
    assert!(!json.out.contains("CANARY"), "{}", json.out);
    let json = json.json();
    let files = json.get("files").and_then(Value::as_array).unwrap();
    let cursor = files.iter().find(|file| file.get("family").unwrap() == "cursor").unwrap();
    let servers = cursor.get("servers").and_then(Value::as_array).unwrap();
    let states: Vec<_> =
        servers.iter().map(|server| server.get("state").and_then(Value::as_str).unwrap()).collect();
    assert_eq!(states, ["plain", "foreign", "unclear"]);
    assert_eq!(cursor.pointer("/servers/0/notes/0/code").unwrap(), "secret-written");
    assert_eq!(home.backups(), 0);
}

#[test]
fn one_server_is_chosen_by_its_name_and_a_wrong_name_is_said() {
    let home = Home::full();
    let run = home.run(&["wrap", "cursor/echo", "zed/echo"]).ends(0);
    assert!(run.out.contains("wrapped: cursor/echo in"), "{}", run.out);
    assert_eq!(home.backups(), 2);
    assert_eq!(home.read("home/.gemini/settings.json"), PLAIN);
    home.run(&["wrap", "cursor/nobody"])
        .ends(2)
        .says("no server is called `cursor/nobody`", "doorward wrap lists");
    home.run(&["wrap", "vscode/away"]).ends(1);
    home.run(&["wrap", "cursor/echo", "--all"]).ends(2);
    home.run(&["wrap", "--all", "--program", "doorward"])
        .ends(2)
        .says("not an absolute path", "from the root");
    home.run(&["wrap", "--all", "--program", "/nowhere/doorward"]).ends(2).says("no program at", "--program");
    assert_eq!(home.backups(), 2);
    home.run(&["unwrap", "cursor/echo"]).ends(0);
    assert_eq!(home.read("home/.cursor/mcp.json"), PLAIN);
}

#[test]
fn a_dry_run_shows_the_lines_and_writes_nothing() {
    let home = Home::full();
    let door = home.door();
    let run = home.run(&["wrap", "codex/echo", "--dry-run", "--program", door.to_str().unwrap()]).ends(0);
    let text = run.out.replace(home.dir.path().to_str().unwrap(), "DIR");
    assert_snapshot("wrap-dry-run", &text);
    assert_eq!(home.read("home/.codex/config.toml"), CODEX);
    assert_eq!(home.backups(), 0);
}

#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let home = Home::full();
    write(home.dir.path(), "home/.gemini/settings.json", "{\"mcpServers\": {\n\"a\": {}, \"a\": {}}}");
    let listed = home.run(&["wrap"]).ends(1);
    assert!(listed.err.contains("settings.json: 2:10: a member occurs twice"), "{}", listed.err);
    let run = home.run(&["wrap", "--all"]).ends(1);
    assert!(run.err.contains("left alone:") && run.err.contains("2:10:"), "{}", run.err);
    assert_ne!(home.read("home/.cursor/mcp.json"), PLAIN);
    home.run(&["unwrap", "cursor/echo"]).ends(0);
    home.run(&["unwrap", "gemini/a"]).ends(1);
    write(
        home.dir.path(),
        "home/.gemini/settings.json",
        "{\"mcpServers\": {\"a\": {\"command\": \"x\", \"url\": \"y\"}}}",
    );
    let unclear = home.run(&["wrap", "--all"]).ends(1);
    assert!(unclear.err.contains("gemini/a") && unclear.err.contains("clients differ"), "{}", unclear.err);
    home.run(&["unwrap", "--all"]).ends(0);
    write(home.dir.path(), "home/.gemini/settings.json", "{");
    let json = home.run(&["wrap", "--json"]).ends(1).json();
    assert_eq!(json.pointer("/unreadable/0/family").unwrap(), "gemini");
}

// control: B-09: An entry that some other program called doorward starts is shown, and neither counted as guarded nor edited.
#[test]
fn another_door_is_shown_and_never_trusted() {
    let home = Home::new();
    let text =
        "{\"mcpServers\": {\"a\": {\"command\": \"/tmp/doorward\", \"args\": [\"guard\", \"--\", \"x\"]}}}";
    write(home.dir.path(), "home/.cursor/mcp.json", text);
    let listed = home.run(&["wrap"]).ends(0);
    assert!(
        listed.out.contains("foreign") && listed.out.contains("/tmp/doorward is not this program"),
        "{}",
        listed.out
    );
    assert!(listed.err.contains("0 wrapped"), "{}", listed.err);
    let run = home.run(&["wrap", "--all"]).ends(1);
    assert!(run.err.contains("looks like the door and is not this program"), "{}", run.err);
    home.run(&["unwrap", "cursor/a"]).ends(1);
    assert_eq!(home.read("home/.cursor/mcp.json"), text);
    // This door, told something that nobody asked `wrap` for.
    let told =
        text.replace("/tmp/doorward", env!("CARGO_BIN_EXE_doorward")).replace("\"--\"", "\"--lax\", \"--\"");
    write(home.dir.path(), "home/.gemini/settings.json", &told);
    assert!(home.run(&["wrap"]).ends(0).out.contains("the door is told: --lax"));
    // The server's own name is nothing to tell of; that of another server is.
    for (name, tells) in [("a", false), ("b", true)] {
        let named = told.replace("--lax", &format!("--name={name}"));
        write(home.dir.path(), "home/.gemini/settings.json", &named);
        assert_eq!(home.run(&["wrap"]).ends(0).out.contains("the door is told"), tells, "{name}");
    }
    // To whoever says that it was theirs, it is.
    home.run(&["unwrap", "cursor/a", "--program", "/tmp/doorward"]).ends(0);
    assert!(home.read("home/.cursor/mcp.json").contains("\"command\": \"x\""));
}

#[test]
fn a_file_elsewhere_is_named_and_the_environment_moves_folders() {
    let home = Home::new();
    let file = write(home.dir.path(), "old/profile.json", VSCODE);
    let path = file.to_str().unwrap();
    home.run(&["wrap", "--file", path, "echo"]).ends(0);
    assert!(
        home.read("old/profile.json")
            .contains("\"guard\", \"--name=echo\", \"--env=A\", \"--\", \"/bin/sh\"")
    );
    home.run(&["unwrap", "--file", path, "file/echo"]).ends(0);
    assert_eq!(home.read("old/profile.json"), VSCODE);
    home.run(&["wrap", "--file", "/nowhere.json", "echo"])
        .ends(2)
        .says("there is no file", "name a client's");
    write(home.dir.path(), "moved/config.toml", CODEX);
    let mut moved = command(&["wrap", "--json"]);
    moved
        .current_dir(home.path("project"))
        .env("HOME", home.path("home"))
        .env("CODEX_HOME", home.path("moved"));
    let json = finished(moved.output().unwrap()).ends(0).json();
    assert_eq!(json.pointer("/files/0/family").unwrap(), "codex");
}
