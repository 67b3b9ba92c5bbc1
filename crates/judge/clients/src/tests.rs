//! Texts as people and clients write them, wrapped and put back.

mod generated;
mod risks;

use super::*;

const DOOR: &str = "/opt/door ward/bin/doorward";

fn document<'t>(family: &str, text: &'t str) -> Document<'t> {
    let place = Family::named(family).unwrap().places[0].members;
    let format = Family::named(family).unwrap().places[0].format;
    Document::read(text, format, place).unwrap_or_else(|error| panic!("{family}: {error}\n{text}"))
}

fn command<'d>(document: &'d Document<'_>, index: usize) -> (&'d str, Vec<&'d str>) {
    match &document.servers()[index].starts {
        Starts::Command { command, args } => (command, args.iter().map(String::as_str).collect()),
        _ => panic!("no command"),
    }
}

/// Wraps every server that can be, one after the other, looks at each as its client would, and takes all of them out again.
fn there_and_back(family: &str, text: &str) -> String {
    let mut now = text.to_owned();
    let count = document(family, text).servers().len();
    let mut wrapped = Vec::new();
    for index in 0..count {
        let before = document(family, &now);
        if !matches!(before.servers()[index].starts, Starts::Command { .. }) {
            assert_eq!(wrap(&before, index, DOOR, &[]), Err(EditError::NoCommand));
            continue;
        }
        let (program, args) = command(&before, index);
        let after = wrap(&before, index, DOOR, &[])
            .unwrap_or_else(|error| panic!("{family} {index}: {error}\n{now}"));
        let read = document(family, &after);
        let server = &read.servers()[index];
        let name = guard_name(&server.name).map(|name| format!("--name={name}"));
        let told: Vec<_> =
            name.into_iter().chain(server.env.iter().map(|name| format!("--env={name}"))).collect();
        let told = told.iter().map(String::as_str);
        let expected: Vec<_> =
            std::iter::once("guard").chain(told).chain(["--", program]).chain(args).collect();
        assert_eq!(command(&read, index), (DOOR, expected), "{after}");
        assert_eq!(wrap(&read, index, DOOR, &[]), Err(EditError::Wrapped), "wrapped twice");
        assert_eq!(unwrap(&read, index, DOOR).as_deref(), Ok(now.as_str()), "{after}");
        wrapped.push(index);
        now = after;
    }
    let all = now.clone();
    // In another order than they came.
    for index in wrapped {
        now = unwrap(&document(family, &now), index, DOOR).unwrap();
    }
    assert_eq!(now, text, "{family}");
    all
}

const CLAUDE_DESKTOP: &str = "{\r\n\t\"mcpServers\": {\r\n\t\t\"filesystem\": {\r\n\t\t\t\"command\": \"npx\",\r\n\t\t\t\"args\": [\r\n\t\t\t\t\"-y\",\r\n\t\t\t\t\"@modelcontextprotocol/server-filesystem\",\r\n\t\t\t\t\"C:\\\\Users\\\\Zoë\\\\Docs\"\r\n\t\t\t],\r\n\t\t\t\"env\": { \"KEY\": \"\\u00e9\" }\r\n\t\t},\r\n\t\t\"bare\": { \"command\": \"/opt/server\" },\r\n\t\t\"empty\": { \"args\": [], \"command\": \"/opt/other\" }\r\n\t},\r\n\t\"preferences\": {}\r\n}\r\n";

const CLAUDE_CODE: &str = r#"{
  "numStartups": 41,
  "projects": {
    "/home/me/a": {"mcpServers": {"db": {"type": "stdio", "command": "uvx", "args": ["mcp-server-sqlite", "--db-path", "a.db"], "env": {}}}, "history": ["{\"mcpServers\": 1}"]},
    "/home/me/b": {"mcpServers": {"db": {"type": "stdio", "command": "uvx", "args": []}, "web": {"type": "http", "url": "https://example.com/mcp"}}}
  },
  "mcpServers": {"db": {"command": "db", "args": [   ]}}
}"#;

const VSCODE: &str = "\u{feff}// servers of the team\n{\n  /* inputs: [ */\n  \"inputs\": [{ \"type\": \"promptString\", \"id\": \"key\", \"password\": true, },],\n  \"servers\": {\n    \"a \\\"quoted\\\" // name\": {\n      \"type\": \"stdio\",\n      \"command\": \"node\", // not \"npx\"\n      \"args\": [ /* none? */ \"${workspaceFolder}/x.js\", \"--\", \"guard\", ], // ]\n    },\n    \"bare\": { \"command\": \"a\\\\b\", },\n    \"empty\": { \"command\": \"x\", \"args\": [ // nothing\n    ], },\n    \"away\": { \"type\": \"http\", \"url\": \"https://example.com/mcp\", },\n  },\n}\n";

const ZED: &str = "{\n  // Zed settings\n  \"theme\": \"One Dark\",\n  \"context_servers\": {\n    \"local\": {\n        \"command\": \"some-command\", \"args\": [\"arg-1\", \"arg-2\"], \"env\": {},\n    },\n    \"remote\": { \"url\": \"https://example.com/mcp\" }\n  }\n}\n";

const CODEX: &str = "# mine\nmodel = \"o\"\n\n[mcp_servers.context7]\ncommand = \"npx\" # pinned below\nargs = [\n  \"-y\", # yes\n  '@upstash/context7-mcp@1.0.0',\n]\n\n[mcp_servers.context7.env]\nLOCAL = 'a\\b'\n\n[mcp_servers.\"with space\"]\n  command = 'C:\\Program Files\\x.exe' # literal\n  startup_timeout_sec = 3\n\n[mcp_servers.away]\nurl = \"https://example.com/mcp\"\n\n[mcp_servers.inline]\ncommand = \"\"\"x\"\"\"\nargs = []\n\n[other]\na = 1";

const CODEX_INLINE: &str =
    "mcp_servers = { a = { command = \"x\" }, b = { args = [ \"1\" ], command = 'y' } }\r\n[z]\r\n";

const CONTINUE: &str = "# Zoë's\nname: Mine\nversion: 0.0.1\nschema: v1\nmodels:\n  - name: x\n    prompt: |\n      mcpServers:\n        - command: no\nmcpServers:\n  - name: SQLite MCP\n    command: npx # run\n    args:\n      - \"-y\"\n      - mcp-sqlite\n\n      # the database\n      - /path/to/é.db\n    env:\n      KEY: ${{ secrets.KEY }}\n  - command: 'it''s'\n    name: bare\n  - name: flow\n    command: \"x\\ty\"\n    args: [ -y, 'b' ]\n    cwd: /srv\n  - name: empty\n    command: x\n    args: []\n  - { name: inline, command: y }\n  - name: away\n    type: streamable-http\n    url: https://example.com/mcp\n  -\n    name: indentless\n    command: z\n    args:\n    - a\n    - b";

#[test]
fn a_file_of_each_family_comes_back_byte_for_byte() {
    let plain = "{\"mcpServers\":{\"a\":{\"command\":\"npx\",\"args\":[\"-y\",\"x\"],\"env\":{\"A\":\"b\"}},\"b\":{\"command\":\"y\"}}}";
    for (family, text) in [
        ("claude-desktop", CLAUDE_DESKTOP),
        ("claude-code", CLAUDE_CODE),
        ("vscode", VSCODE),
        ("copilot", plain),
        ("cursor", plain),
        ("windsurf", plain),
        ("zed", ZED),
        ("codex", CODEX),
        ("codex", CODEX_INLINE),
        ("codex", &CODEX.replace('\n', "\r\n")),
        ("continue", CONTINUE),
        ("continue", &CONTINUE.replace('\n', "\r\n")),
        ("continue", &format!("\u{feff}{CONTINUE}")),
        ("codex", &format!("\u{feff}{CODEX}")),
        ("claude-desktop", &format!("\u{feff}{CLAUDE_DESKTOP}")),
        ("cline", plain),
        ("gemini", plain),
        ("junie", plain),
    ] {
        assert!(!document(family, text).servers().is_empty());
        there_and_back(family, text);
    }
    let tested = 12;
    assert_eq!(FAMILIES.len(), tested, "a family without a file here");
}

#[test]
fn what_is_wrapped_reads_as_one_would_write_it() {
    let json = there_and_back(
        "cursor",
        "{\n  \"mcpServers\": { \"a\": { \"command\": \"npx\", \"args\": [\"-y\"] }, \"b\": { \"command\": \"y\" } }\n}\n",
    );
    assert!(
        json.contains(
            r#""command": "/opt/door ward/bin/doorward", "args": ["guard", "--name=a", "--", "npx", "-y"]"#
        ),
        "{json}"
    );
    assert!(json.contains(r#""args": [ "guard", "--name=b", "--", "y" ] }"#), "{json}");
    let toml = there_and_back("codex", CODEX);
    assert!(
        toml.contains("doorward\" # literal\n  args = [ \"guard\", \"--name=with-space\", \"--\", 'C:\\Program Files\\x.exe' ]\n"),
        "{toml}"
    );
    let yaml = there_and_back("continue", CONTINUE);
    assert!(
        yaml.contains(
            "doorward\" # run\n    args:\n      - \"guard\"\n      - \"--name=sqlite-mcp\"\n      - \"--env=KEY\"\n      - \"--\"\n      - npx\n      - \"-y\"\n"
        ),
        "{yaml}"
    );
    assert!(
        yaml.contains(
            "  - command: \"/opt/door ward/bin/doorward\"\n    args: [ \"guard\", \"--name=bare\", \"--\", 'it''s' ]\n"
        ),
        "{yaml}"
    );
}

#[test]
fn a_door_calls_a_server_what_its_client_does() {
    let (long, most, less) = ("x".repeat(70), "x".repeat(64), "x".repeat(63));
    for (name, called) in [
        ("db", Some("db")),
        ("My Files (work)", Some("my-files--work")),
        ("@scope/server_1.2", Some("scope-server-1-2")),
        ("--no-sandbox", Some("no-sandbox")),
        ("a=b --no-sandbox", Some("a-b---no-sandbox")),
        ("Zoë's", Some("zo--s")),
        ("#1", Some("1")),
        (&long, Some(most.as_str())),
        (&format!("{less}-y"), Some(&less)),
        ("日本", None),
        ("", None),
    ] {
        let guarded = guard_name(name);
        assert_eq!(guarded.as_deref(), called, "{name}");
        assert!(guarded.is_none_or(|name| doorward_types::ServerName::parse(&name).is_ok()), "{name}");
    }
    // Two programs of one name are two servers.
    let text = r#"{"mcpServers":{"a":{"command":"node","args":["/a/index.js"]},"b":{"command":"node","args":["/b/index.js"]}}}"#;
    let wrapped = there_and_back("cursor", text);
    assert!(wrapped.contains("--name=a") && wrapped.contains("--name=b"), "{wrapped}");
}

#[test]
fn servers_of_several_projects_are_told_apart() {
    let document = document("claude-code", CLAUDE_CODE);
    let names: Vec<_> =
        document.servers().iter().map(|server| (server.name.as_str(), server.project.as_deref())).collect();
    assert_eq!(
        names,
        [("db", None), ("db", Some("/home/me/a")), ("db", Some("/home/me/b")), ("web", Some("/home/me/b"))]
    );
    assert!(
        matches!(&document.servers()[3].starts, Starts::Remote { url } if url == "https://example.com/mcp")
    );
}

#[test]
fn unwrapping_keeps_what_else_has_changed_since() {
    let text = there_and_back("vscode", VSCODE);
    let changed =
        text.replace("// servers of the team", "// servers of us").replace("\"away\"", "\"far away\"");
    let expected =
        VSCODE.replace("// servers of the team", "// servers of us").replace("\"away\"", "\"far away\"");
    let back = (0..3).fold(changed, |text, index| unwrap(&document("vscode", &text), index, DOOR).unwrap());
    assert_eq!(back, expected);
}

/// Claude Code and others write their files anew; what they then hold means the same.
#[test]
fn a_file_that_its_client_has_written_anew_is_unwrapped_too() {
    let rewritten = "{\n  \"mcpServers\": {\n    \"a\": {\n      \"command\": \"/d/doorward\",\n      \"args\": [\n        \"guard\",\n        \"--policy\",\n        \"x\",\n        \"--\",\n        \"npx\",\n        \"-y\"\n      ]\n    },\n    \"b\": {\n      \"command\": \"/d/doorward\",\n      \"args\": [\n        \"guard\",\n        \"--\",\n        \"y\",\n      ]\n    }\n  }\n}";
    let document = document("claude-code", rewritten);
    let first = unwrap(&document, 0, "/d/doorward").unwrap();
    assert!(first.contains("\"command\": \"npx\",\n      \"args\": [\n        \"-y\"\n      ]"), "{first}");
    let second = unwrap(&document, 1, "/d/doorward").unwrap();
    let read = Document::read(&second, Format::Json, &[&["mcpServers"]]).unwrap();
    assert_eq!(command(&read, 1), ("y", vec![]));
}

#[test]
fn a_door_of_somebody_else_is_shown_and_not_trusted() {
    for (program, foreign) in [
        ("/tmp/doorward", true),
        ("doorward", true),
        ("C:\\x\\Doorward.EXE", true),
        ("/usr/bin/other", false),
    ] {
        let text = format!(
            "{{\"mcpServers\":{{\"a\":{{\"command\":{},\"args\":[\"guard\",\"--\",\"x\"]}}}}}}",
            doorward_wire::quote(program)
        );
        let document = document("cursor", &text);
        assert_eq!(document.servers()[0].state(DOOR) == State::Foreign { program }, foreign, "{program}");
        if foreign {
            assert_eq!(wrap(&document, 0, DOOR, &[]), Err(EditError::Foreign(program.to_owned())));
            assert_eq!(unwrap(&document, 0, DOOR), Err(EditError::Foreign(program.to_owned())));
            assert!(unwrap(&document, 0, program).is_ok(), "to whoever names that program it is wrapped");
        } else {
            assert_eq!(unwrap(&document, 0, DOOR), Err(EditError::NotWrapped));
        }
    }
    // The door itself, without a command behind it: nothing to put back.
    let text = format!("{{\"mcpServers\":{{\"a\":{{\"command\":\"{DOOR}\",\"args\":[\"guard\",\"--\"]}}}}}}");
    assert_eq!(document("cursor", &text).servers()[0].state(DOOR), State::Plain);
}

#[test]
fn what_two_readers_could_take_differently_is_refused_with_its_place() {
    let read = |format, text: &str| {
        let members = Format::members(format);
        Document::read(text, format, &members).err().map(|error| error.to_string())
    };
    let json = |text: &str| read(Format::Json, text).unwrap_or_default();
    assert_eq!(
        json("{\"mcpServers\": {\n \"a\": {\"command\": \"x\", \"command\": \"y\"}}}"),
        "2:24: a member occurs twice in one object: clients differ in which they take"
    );
    assert!(
        json("{\"mcpServers\": {\"é\": {\"a\": 1, \"\\u0061\": 2}}}")
            .starts_with("1:31: a member occurs twice"),
        "escapes"
    );
    assert!(json("{} // x\ry").starts_with("1:8: a comment holds a line break"));
    assert!(json("{} // x\u{2028}y").starts_with("1:8: "));
    assert!(json("{ /* x").ends_with("a comment has no end"));
    for text in [
        "[1,,]",
        "{,}",
        "[,]",
        "{\"a\":,}",
        "{\"a\" 1}",
        "{} {}",
        "{'a': 1}",
        "{a: 1}",
        "\"",
        "{\"a\": \"x\ny\"}",
        "/",
        "{]",
    ] {
        assert!(!json(text).is_empty(), "{text}");
    }
    assert_eq!(json("{\"a\":[1,],\"b\":{\"c\":2,/**/},}"), "");
    assert_eq!(json(" \n"), "");
    let toml = |text: &str| read(Format::Toml, text).unwrap_or_default();
    assert!(
        toml("[mcp_servers.a]\ncommand = \"x\"\ncommand = \"y\"").starts_with("3:1: not TOML"),
        "{}",
        toml("[a]\nb=1\nb=2")
    );
    let yaml = |text: &str| read(Format::Yaml, text).unwrap_or_default();
    assert!(
        yaml("mcpServers:\n  - name: a\n    command: x\n    command: y\n")
            .starts_with("4:5: the member `command` occurs twice")
    );
    for (text, what) in [
        ("a: &x 1\nb: *x\n", "1:4: anchors and tags"),
        ("a: !!str 1\n", "anchors and tags"),
        ("a:\n  <<: {b: 1}\n", "2:3: this key"),
        ("? [a]\n: b\n", "this key"),
        ("a: 1\n---\nb: 2\n", "a second document"),
        ("a: [\n", "not YAML"),
        ("mcpServers: x\n", "1:13: servers are expected here"),
    ] {
        assert!(yaml(text).contains(what), "{text:?}: {}", yaml(text));
    }
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    assert!(json(&deep).contains("too deep") && yaml(&deep).contains("too deep"));
    assert!(json(&" ".repeat((16 << 20) + 1)).is_empty(), "an empty file is empty, however long");
    assert!(json(&format!("{{\"a\":\"{}\"}}", "x".repeat(16 << 20))).contains("too large"));
    assert!(yaml(&format!("a: {}", "x".repeat(2 << 20))).contains("too large"));
}

#[test]
fn entries_that_clients_take_differently_are_left_alone() {
    for entry in [
        r#"{"command": "x", "url": "https://example.com"}"#,
        r#"{"command": "x", "type": "sse"}"#,
        r#"{"command": {"path": "x", "args": []}}"#,
        r#"{"command": "x", "args": "y"}"#,
        r#"{"command": "x", "args": ["y", 1]}"#,
        r#"{"command": ["x"]}"#,
        "{}",
        "7",
    ] {
        let text = format!("{{\"mcpServers\":{{\"a\":{entry}}}}}");
        let document = document("cursor", &text);
        assert!(matches!(document.servers()[0].starts, Starts::Unclear(_)), "{entry}");
        assert_eq!(wrap(&document, 0, DOOR, &[]), Err(EditError::NoCommand), "{entry}");
    }
}

#[test]
fn forms_that_could_not_be_put_back_are_refused() {
    for (family, text) in [
        ("codex", "mcp_servers.a.command = \"x\"\n"),
        ("codex", "[mcp_servers]\na.command = \"x\"\n"),
        ("continue", "mcpServers:\n  - name: a\n    command: >\n      x\n"),
        ("continue", "mcpServers:\n  - name: a\n    command: x,y\n"),
        ("continue", "mcpServers:\n  - name: a\n    command: x\n      y\n    args: [a]\n"),
    ] {
        match wrap(&document(family, text), 0, DOOR, &[]) {
            Err(EditError::Form) => {}
            // What is not refused must come back.
            Ok(_) => drop(there_and_back(family, text)),
            Err(error) => panic!("{text}: {error}"),
        }
    }
    assert_eq!(
        wrap(&document("codex", "mcp_servers.a.command = \"x\"\n"), 0, DOOR, &[]),
        Err(EditError::Form)
    );
    there_and_back("codex", "mcp_servers.a.command = \"x\"\nmcp_servers.a.args = []\n");
}

#[test]
fn odd_names_and_arguments_go_through_as_they_are() {
    let odd = [
        "--",
        "guard",
        "",
        "a\"b",
        "a\nb",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{202e}",
        "{}",
        "//",
        "/*",
        "\\",
        "#",
        "- x",
        "[",
        "é",
    ];
    let list: Vec<_> = odd.iter().map(|arg| doorward_wire::quote(arg)).collect();
    for name in &list {
        let json =
            format!("{{\"mcpServers\":{{{name}:{{\"command\":{name},\"args\":[{}]}}}}}}", list.join(","));
        there_and_back("cursor", &json);
        let toml = format!("[mcp_servers.{name}]\ncommand = {name}\nargs = [{}]\n", list.join(", "));
        there_and_back("codex", &toml);
        let yaml =
            format!("mcpServers:\n- name: {name}\n  command: {name}\n  args:\n  - {}\n", list.join("\n  - "));
        there_and_back("continue", &yaml);
    }
}
