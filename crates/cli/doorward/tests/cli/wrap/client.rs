//! A client: reads a server out of a configuration and starts it. Its readers are of other makes than the product's, or a
//! mistake in those would prove itself right.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Starts a server as the file says, and returns what it wrote until it ended.
pub(super) fn start(path: &Path, server: &str) -> String {
    let output = command(path, server).stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Greets a server that is started so, calls its tool, and returns the answer.
pub(crate) fn converse(mut command: Command) -> Value {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "started", "arguments": {}}});
    let said = format!("{hello}\n{ready}\n{call}\n");
    // What was sent is answered before the end of the input is the end of the server.
    child.stdin.take().unwrap().write_all(said.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answer = lines.into_iter().find(|line| line["id"] == 2);
    answer.unwrap_or_else(|| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

/// The command that the file says, with its environment and no other.
pub(super) fn command(path: &Path, server: &str) -> Command {
    let text = std::fs::read_to_string(path).unwrap();
    let entry = match path.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => toml(&text, server),
        Some("yaml") => yaml(&text, server),
        _ => json(&text, server),
    };
    let member = |name: &str| entry.get(name).unwrap_or_else(|| panic!("no {name} in {entry}"));
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut command = Command::new(word(member("command")));
    command.args(member("args").as_array().unwrap().iter().map(word)).env_clear();
    command.envs(member("env").as_object().unwrap().iter().map(|(name, value)| (name, word(value))));
    command
}

/// JSON as editors bear it: without comments, and without a comma before a bracket.
fn json(text: &str, server: &str) -> Value {
    let mut plain = String::new();
    let mut rest = text.trim_start_matches('\u{feff}').chars().peekable();
    let (mut quoted, mut escaped) = (false, false);
    while let Some(c) = rest.next() {
        if !quoted && c == '/' && rest.peek() == Some(&'/') {
            while rest.next_if(|&c| c != '\n').is_some() {}
            continue;
        }
        if !quoted && matches!(c, ']' | '}') && plain.trim_end().ends_with(',') {
            plain.truncate(plain.trim_end().len() - 1);
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        plain.push(c);
    }
    let value: Value = serde_json::from_str(&plain).unwrap_or_else(|error| panic!("{error}: {plain}"));
    let places = ["/mcpServers", "/servers", "/context_servers", "/projects/~1p/mcpServers"];
    places.iter().find_map(|place| value.pointer(place)?.get(server)).unwrap().clone()
}

fn toml(text: &str, server: &str) -> Value {
    let value: Value = toml::from_str(text).unwrap();
    value.pointer(&format!("/mcp_servers/{server}")).unwrap().clone()
}

/// What a test's file needs of YAML: members, a list of words and a map, each on its line.
fn yaml(text: &str, server: &str) -> Value {
    let scalar = |word: &str| serde_json::from_str(word).unwrap_or_else(|_| Value::from(word));
    let (mut args, mut entry, mut env) = (Vec::new(), serde_json::Map::new(), serde_json::Map::new());
    for line in text.lines().skip_while(|line| !line.ends_with(&format!("name: {server}"))).skip(1) {
        if let Some(word) = line.strip_prefix("      - ") {
            args.push(scalar(word));
        } else if let Some((name, value)) = line.strip_prefix("      ").and_then(|line| line.split_once(": "))
        {
            env.insert(name.to_owned(), scalar(value));
        } else if let Some((name, value)) = line.trim_start().split_once(": ") {
            entry.insert(name.to_owned(), scalar(value));
        }
    }
    entry.insert("args".to_owned(), json!(args));
    entry.insert("env".to_owned(), json!(env));
    Value::Object(entry)
}
