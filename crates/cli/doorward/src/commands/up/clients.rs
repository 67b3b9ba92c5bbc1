//! What to paste into clients, with a token that works now.

use serde_json::json;

/// One client's configuration.
pub(crate) struct ClientConfig {
    pub(crate) name: &'static str,
    pub(crate) place: &'static str,
    pub(crate) text: String,
}

/// Returns a configuration for each kind of client.
pub(crate) fn all(url: &str, token: &str) -> Vec<ClientConfig> {
    let bearer = format!("Bearer {token}");
    let server = json!({ "type": "http", "url": url, "headers": { "Authorization": bearer } });
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
            place: "a terminal",
            text: format!(
                "mcp-inspector --cli {url} --transport http --stored-auth-only --method tools/list --header \"Authorization: {bearer}\""
            ),
        },
        ClientConfig {
            name: "curl",
            place: "a terminal",
            text: format!(
                "curl {url} -H 'Authorization: {bearer}' -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{}'",
                r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"8"}}}"#
            ),
        },
    ]
}
