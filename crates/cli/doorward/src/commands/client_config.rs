//! `doorward client-config`: what to paste into a client so that people sign in through this door. No token is in it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use doorward_clients::Family;
use doorward_config::{Config, RegisteredClient};
use serde_json::{Map, Value, json};

use crate::commands::serve;
use crate::failure::Failure;
use crate::out::{NAME, Out, STRONG, WARN, paint};

/// Print what to paste into a client; people then sign in through the door.
#[derive(Debug, Args)]
#[command(
    after_help = "What the door itself needs before this client can sign people in is said on standard error."
)]
pub(crate) struct ClientConfig {
    /// The client.
    #[arg(value_enum)]
    client: Client,
    /// Only this server; without it all of the configuration.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// The configuration that the door runs with.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Visual Studio Code.
    Vscode,
    /// Claude on the web, on telephones and on the desktop.
    Claude,
    /// Claude Code.
    ClaudeCode,
    /// Cursor.
    Cursor,
    /// GitHub Copilot CLI.
    Copilot,
    /// MCP Inspector.
    Inspector,
    /// Codex.
    Codex,
}

/// How a client becomes known to an authorization server by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// By a document at its own address, and by registering where those are not taken.
    Document,
    /// By registering.
    Registers,
}

/// Something the door lacks.
struct Lack {
    what: String,
    help: String,
}

impl ClientConfig {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = serve::load(&self.config)?;
        let servers = self.servers(&config)?;
        let id = self.client.id();
        // A client of this name in the configuration is meant for this program.
        let configured =
            config.clients.iter().find(|client| client.id.as_str() == id && !client.redirect_uris.is_empty());
        let text = self.client.text(&servers, configured);
        let lacks = self.client.lacks(&config, &servers, configured);
        if out.json {
            let lacks: Vec<Value> =
                lacks.iter().map(|lack| json!({ "what": lack.what, "help": lack.help })).collect();
            out.line(json!({ "client": id, "place": self.client.place(), "text": text, "lacks": lacks }));
            return Ok(ExitCode::SUCCESS);
        }
        let title = format!("{}:", self.client.title());
        out.note(format_args!("{} {}", paint(STRONG, title), paint(NAME, self.client.place())));
        out.line(text);
        for lack in &lacks {
            out.note(format_args!(
                "{} {}\n {} {}",
                paint(WARN, "note:"),
                lack.what,
                paint(NAME, "help:"),
                lack.help
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn servers(&self, config: &Config) -> Result<Vec<(String, String)>, Failure> {
        let base = config.gateway.public_url.as_str();
        let all = config.servers.iter();
        let servers: Vec<_> = all
            .filter(|server| self.server.as_deref().is_none_or(|name| server.name.as_str() == name))
            .map(|server| (server.name.to_string(), format!("{base}{}", server.path())))
            .collect();
        if servers.is_empty() {
            let names: Vec<_> = config.servers.iter().map(|server| server.name.as_str()).collect();
            let wanted = crate::table::clean(self.server.as_deref().unwrap_or_default());
            return Err(Failure::usage(format!("no server is called `{wanted}`"))
                .help(format!("name one of {}", names.join(", "))));
        }
        Ok(servers)
    }
}

impl Client {
    /// Every client there is.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// Whether it describes itself by a document at an address of its maker's.
    pub(crate) fn has_document(self) -> bool {
        self.known() == Known::Document
    }

    /// The word of the command line; a `[[client]]` of this id is meant for the program.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Vscode => "vscode",
            Self::Claude => "claude",
            Self::ClaudeCode => "claude-code",
            Self::Cursor => "cursor",
            Self::Copilot => "copilot",
            Self::Inspector => "inspector",
            Self::Codex => "codex",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Claude => "Claude",
            Self::Inspector => "MCP Inspector",
            // The same clients as `doorward wrap` knows, by the same names.
            _ => Family::named(self.id()).map_or(self.id(), |family| family.title),
        }
    }

    fn place(self) -> &'static str {
        match self {
            Self::Vscode => ".vscode/mcp.json, or the user's by \"MCP: Open User Configuration\"",
            Self::Claude => "Settings > Connectors > Add custom connector",
            Self::ClaudeCode => "a terminal",
            Self::Cursor => ".cursor/mcp.json, or ~/.cursor/mcp.json",
            Self::Copilot => "~/.copilot/mcp-config.json",
            Self::Inspector => "a terminal",
            Self::Codex => "~/.codex/config.toml",
        }
    }

    fn known(self) -> Known {
        match self {
            Self::Vscode | Self::ClaudeCode | Self::Codex => Known::Document,
            Self::Claude | Self::Cursor | Self::Copilot | Self::Inspector => Known::Registers,
        }
    }

    /// Where it may be answered, for its `[[client]]`.
    fn redirects(self) -> &'static [&'static str] {
        match self {
            Self::Vscode => &["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
            Self::Claude => &["https://claude.ai/api/mcp/auth_callback"],
            Self::ClaudeCode => &["http://localhost/callback"],
            Self::Cursor => &["cursor://anysphere.cursor-mcp/oauth/callback"],
            Self::Copilot => &["http://127.0.0.1/"],
            Self::Inspector => &["http://localhost:6274/oauth/callback"],
            Self::Codex => &["http://127.0.0.1/callback"],
        }
    }

    fn text(self, servers: &[(String, String)], configured: Option<&RegisteredClient>) -> String {
        let id = configured.map(|client| client.id.as_str());
        let secret = configured.is_some_and(|client| client.secret_file.is_some());
        let each = |entry: &dyn Fn(&str) -> Value| -> Value {
            Value::Object(servers.iter().map(|(name, url)| (name.clone(), entry(url))).collect::<Map<_, _>>())
        };
        let with = |mut entry: Value, name: &str, value: Option<Value>| {
            if let (Value::Object(members), Some(value)) = (&mut entry, value) {
                members.insert(name.to_owned(), value);
            }
            entry
        };
        let lines = |line: &dyn Fn(&str, &str) -> String| {
            servers.iter().map(|(name, url)| line(name, url)).collect::<Vec<_>>().join("\n")
        };
        match self {
            Self::Vscode => {
                let oauth = || id.map(|id| json!({ "clientId": id }));
                let entry = |url: &str| with(json!({ "type": "http", "url": url }), "oauth", oauth());
                pretty(&json!({ "servers": each(&entry) }))
            }
            Self::Claude => lines(&|name, url| match id {
                Some(id) => format!(
                    "Name: {name}\nRemote MCP server URL: {url}\nAdvanced settings > OAuth Client ID: {id}"
                ),
                None => format!("Name: {name}\nRemote MCP server URL: {url}"),
            }),
            Self::ClaudeCode => lines(&|name, url| match id {
                Some(id) => {
                    let ask = if secret { " --client-secret" } else { "" };
                    format!(
                        "claude mcp add --transport http --client-id {id}{ask} --callback-port 8080 {name} {url}"
                    )
                }
                None => format!("claude mcp add --transport http {name} {url}"),
            }),
            Self::Cursor => {
                let auth = || {
                    let id = id?;
                    let auth = json!({ "CLIENT_ID": id });
                    Some(with(auth, "CLIENT_SECRET", secret.then(|| json!("${env:DOORWARD_CLIENT_SECRET}"))))
                };
                let entry = |url: &str| with(json!({ "url": url }), "auth", auth());
                pretty(&json!({ "mcpServers": each(&entry) }))
            }
            Self::Copilot => {
                let entry = |url: &str| json!({ "type": "http", "url": url, "tools": ["*"] });
                pretty(&json!({ "mcpServers": each(&entry) }))
            }
            Self::Inspector => lines(&|_, url| {
                let start =
                    format!("npx @modelcontextprotocol/inspector --transport http --server-url {url}");
                match id {
                    Some(id) => format!("{start}\n# then: Authentication > OAuth 2.0 Flow > Client ID: {id}"),
                    None => start,
                }
            }),
            Self::Codex => {
                let table = |name: &str, url: &str| match id {
                    Some(id) => format!(
                        "[mcp_servers.{name}]\nurl = \"{url}\"\n\n[mcp_servers.{name}.oauth]\nclient_id = \"{id}\"\n"
                    ),
                    None => format!("[mcp_servers.{name}]\nurl = \"{url}\"\n"),
                };
                format!(
                    "{}\n# then: {}",
                    lines(&table),
                    lines(&|name, _| format!("codex mcp login {name}")).replace('\n', "; ")
                )
            }
        }
    }

    /// What this client needs and the door does not have.
    fn lacks(
        self,
        config: &Config,
        servers: &[(String, String)],
        configured: Option<&RegisteredClient>,
    ) -> Vec<Lack> {
        let title = self.title();
        let mut lacks = Vec::new();
        let mut lack = |what: String, help: String| lacks.push(Lack { what, help });
        let Some(sign_in) = &config.sign_in else {
            lack(
                format!(
                    "this door has no `[sign_in]`: {title} would be sent to Entra, which registers no clients"
                ),
                "add `[sign_in]`, or give the client an app registration of its own at Entra".to_owned(),
            );
            return lacks;
        };
        if let Some(client) = configured {
            let may_use = |name: &str| {
                client.servers.is_empty() || client.servers.iter().any(|may| may.as_str() == name)
            };
            for (name, _) in servers.iter().filter(|(name, _)| !may_use(name)) {
                lack(
                    format!("the `[[client]]` {} is not for the server {name}", client.id),
                    format!("add \"{name}\" to its `servers`, or leave the server out with --server"),
                );
            }
        } else {
            let by_document = self.known() == Known::Document && sign_in.client_documents;
            if !by_document && !sign_in.registration {
                let redirects: Vec<_> = self.redirects().iter().map(|uri| format!("\"{uri}\"")).collect();
                lack(
                    format!("{title} would register itself, and `registration` in [sign_in] is off"),
                    format!(
                        "turn it on, or configure it: [[client]] id = \"{}\", name = \"{title}\", redirect_uris = [{}]",
                        self.id(),
                        redirects.join(", ")
                    ),
                );
            }
        }
        if self == Self::Cursor && !sign_in.redirect_schemes.iter().any(|scheme| scheme == "cursor") {
            lack(
                "Cursor is answered at cursor://anysphere.cursor-mcp/oauth/callback, and that scheme is not allowed".to_owned(),
                "write `redirect_schemes = [\"cursor\"]` in [sign_in]".to_owned(),
            );
        }
        if self == Self::Claude && config.gateway.public_url.is_loopback() {
            lack(
                "Claude connects from its maker's machines, which cannot reach a loopback address".to_owned(),
                "open the door at an address of the internet, or use Claude Code".to_owned(),
            );
        }
        lacks
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
