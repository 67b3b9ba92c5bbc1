//! What to paste into clients: an address, with which they sign in by themselves, and a token for those that cannot.

use serde_json::json;

/// One client's configuration.
pub(crate) struct ClientConfig {
    pub(crate) name: &'static str,
    pub(crate) place: &'static str,
    pub(crate) text: String,
}

/// Returns a configuration for each kind of client.
pub(crate) fn all(url: &str, ca: &str) -> Vec<ClientConfig> {
    let server = json!({ "type": "http", "url": url });
    let pretty = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap_or_default();
    vec![
        ClientConfig {
            name: "VS Code",
            place: ".vscode/mcp.json",
            text: pretty(json!({ "servers": { "library": server } })),
        },
        ClientConfig {
            name: "Claude Code, Cursor and others",
            place: ".mcp.json, .cursor/mcp.json",
            text: pretty(json!({ "mcpServers": { "library": server } })),
        },
        ClientConfig {
            name: "MCP Inspector",
            place: "a terminal; then Connect",
            text: format!("npx @modelcontextprotocol/inspector --transport http --server-url {url}"),
        },
        ClientConfig {
            name: "curl",
            place: "a terminal, with a token instead of a browser",
            text: format!(
                "TOKEN=$(doorward lab token --user alice --data {ca})\ncurl {url} -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{}'",
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"8"}}}"#
            ),
        },
    ]
}
