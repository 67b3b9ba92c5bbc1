//! The table of clients: which files they read servers from, and who says so.
//!
//! A path is here because its maker's public documentation names it. What only others report is not guessed: see
//! [`UNSUPPORTED`], and `--file` of the command line.

use std::path::PathBuf;

/// A client, or several that read the same files.
#[derive(Debug)]
pub struct Family {
    /// The word of the command line.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where it keeps its servers.
    pub places: &'static [Place],
}

/// One file that a client reads.
#[derive(Debug)]
pub struct Place {
    /// Where it is so.
    pub os: &'static [Os],
    /// The folder the path begins in.
    pub folder: Folder,
    /// The rest of the path, with `/`; a last part `*.EXT` stands for every such file of the folder.
    pub path: &'static str,
    /// How it is written.
    pub format: Format,
    /// The members that lead to the servers; `*` stands for any.
    pub members: &'static [&'static [&'static str]],
    /// The page of its maker that says so.
    pub source: &'static str,
}

/// An operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// A folder that the environment names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// The person's own.
    Home,
    /// `XDG_CONFIG_HOME`, or `.config` at home.
    Config,
    /// `APPDATA`.
    AppData,
    /// `CODEX_HOME`, or `.codex` at home.
    Codex,
    /// `COPILOT_HOME`, or `.copilot` at home.
    Copilot,
    /// The project that one stands in.
    Project,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON; comments and trailing commas are borne.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// A client that keeps its servers where no public documentation says.
#[derive(Debug)]
pub struct Unsupported {
    /// What people call it.
    pub title: &'static str,
    /// Why it is not supported.
    pub why: &'static str,
}

impl Family {
    /// Returns the family of this id.
    pub fn named(id: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.id == id)
    }
}

impl Place {
    /// Returns the file's path where the environment has its folder.
    pub fn path(&self, os: Os, folder: impl Fn(Folder) -> Option<PathBuf>) -> Option<PathBuf> {
        let start = if self.os.contains(&os) { folder(self.folder)? } else { return None };
        Some(self.path.split('/').fold(start, |path, part| path.join(part)))
    }
}

impl Folder {
    /// Returns how the folder is written for people.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Home => "~",
            Self::Config => "$XDG_CONFIG_HOME",
            Self::AppData => "%APPDATA%",
            Self::Codex => "$CODEX_HOME",
            Self::Copilot => "$COPILOT_HOME",
            Self::Project => "PROJECT",
        }
    }
}

impl Format {
    /// Returns the format that a file's name tells; JSON where it tells none.
    pub fn of(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("toml") => Self::Toml,
            Some("yaml" | "yml") => Self::Yaml,
            _ => Self::Json,
        }
    }

    /// Returns every member that some client of this format keeps its servers in.
    pub fn members(self) -> Vec<&'static [&'static str]> {
        let places = FAMILIES.iter().flat_map(|family| family.places).filter(|place| place.format == self);
        let mut members: Vec<_> = places.flat_map(|place| place.members.iter().copied()).collect();
        members.sort_unstable();
        members.dedup();
        members
    }
}

const ANY: &[Os] = &[Os::Linux, Os::MacOs, Os::Windows];
const MCP_SERVERS: &[&[&str]] = &[&["mcpServers"]];

const fn json(folder: Folder, path: &'static str, source: &'static str) -> Place {
    Place { os: ANY, folder, path, format: Format::Json, members: MCP_SERVERS, source }
}

const fn yaml(folder: Folder, path: &'static str) -> Place {
    Place { format: Format::Yaml, ..json(folder, path, CONTINUE) }
}

const fn codex(folder: Folder, path: &'static str) -> Place {
    Place { format: Format::Toml, members: &[&["mcp_servers"]], ..json(folder, path, CODEX) }
}

const fn vscode(os: &'static [Os], folder: Folder, path: &'static str) -> Place {
    Place { os, members: &[&["servers"]], ..json(folder, path, VSCODE) }
}

const fn zed(os: &'static [Os], folder: Folder, path: &'static str) -> Place {
    Place { os, members: &[&["context_servers"]], ..json(folder, path, ZED) }
}

const CLAUDE_DESKTOP: &str = "https://modelcontextprotocol.io/docs/develop/connect-local-servers";
const CLAUDE_CODE: &str = "https://code.claude.com/docs/en/mcp";
const VSCODE: &str = "https://code.visualstudio.com/docs/agents/reference/mcp-configuration";
const CURSOR: &str = "https://cursor.com/docs/mcp";
const WINDSURF: &str = "https://docs.windsurf.com/windsurf/cascade/mcp";
const ZED: &str = "https://zed.dev/docs/configuring-zed";
const CODEX: &str = "https://developers.openai.com/codex/config-basic";
const CONTINUE: &str = "https://docs.continue.dev/customize/deep-dives/mcp";
const CLINE: &str = "https://docs.cline.bot/getting-started/config";
const GEMINI: &str = "https://geminicli.com/docs/cli/configuration";
const JUNIE: &str = "https://junie.jetbrains.com/docs/junie-cli-mcp-configuration.html";

/// Every client whose files can be found.
pub const FAMILIES: &[Family] = &[
    Family {
        id: "claude-desktop",
        title: "Claude Desktop",
        places: &[
            Place {
                os: &[Os::MacOs],
                ..json(
                    Folder::Home,
                    "Library/Application Support/Claude/claude_desktop_config.json",
                    CLAUDE_DESKTOP,
                )
            },
            Place {
                os: &[Os::Windows],
                ..json(Folder::AppData, "Claude/claude_desktop_config.json", CLAUDE_DESKTOP)
            },
        ],
    },
    Family {
        id: "claude-code",
        title: "Claude Code",
        places: &[
            Place {
                members: &[&["mcpServers"], &["projects", "*", "mcpServers"]],
                ..json(Folder::Home, ".claude.json", CLAUDE_CODE)
            },
            json(Folder::Project, ".mcp.json", CLAUDE_CODE),
        ],
    },
    Family {
        id: "vscode",
        title: "Visual Studio Code",
        places: &[
            vscode(&[Os::Linux], Folder::Config, "Code/User/mcp.json"),
            vscode(&[Os::MacOs], Folder::Home, "Library/Application Support/Code/User/mcp.json"),
            vscode(&[Os::Windows], Folder::AppData, "Code/User/mcp.json"),
            vscode(ANY, Folder::Project, ".vscode/mcp.json"),
        ],
    },
    Family {
        id: "copilot",
        title: "GitHub Copilot CLI",
        places: &[json(Folder::Copilot, "mcp-config.json", VSCODE)],
    },
    Family {
        id: "cursor",
        title: "Cursor",
        places: &[
            json(Folder::Home, ".cursor/mcp.json", CURSOR),
            json(Folder::Project, ".cursor/mcp.json", CURSOR),
        ],
    },
    Family {
        id: "windsurf",
        title: "Windsurf",
        places: &[json(Folder::Home, ".codeium/windsurf/mcp_config.json", WINDSURF)],
    },
    Family {
        id: "zed",
        title: "Zed",
        places: &[
            zed(&[Os::Linux], Folder::Config, "zed/settings.json"),
            zed(&[Os::MacOs], Folder::Home, ".config/zed/settings.json"),
            zed(ANY, Folder::Project, ".zed/settings.json"),
        ],
    },
    Family {
        id: "codex",
        title: "Codex",
        places: &[codex(Folder::Codex, "config.toml"), codex(Folder::Project, ".codex/config.toml")],
    },
    Family {
        id: "continue",
        title: "Continue",
        places: &[
            yaml(Folder::Home, ".continue/config.yaml"),
            yaml(Folder::Project, ".continue/mcpServers/*.yaml"),
            json(Folder::Project, ".continue/mcpServers/*.json", CONTINUE),
        ],
    },
    Family {
        id: "cline",
        title: "Cline",
        places: &[json(Folder::Home, ".cline/data/settings/cline_mcp_settings.json", CLINE)],
    },
    Family {
        id: "gemini",
        title: "Gemini CLI",
        places: &[
            json(Folder::Home, ".gemini/settings.json", GEMINI),
            json(Folder::Project, ".gemini/settings.json", GEMINI),
        ],
    },
    Family {
        id: "junie",
        title: "JetBrains Junie",
        places: &[
            json(Folder::Home, ".junie/mcp/mcp.json", JUNIE),
            json(Folder::Project, ".junie/mcp/mcp.json", JUNIE),
        ],
    },
];

/// Clients that cannot be supported, and why.
pub const UNSUPPORTED: &[Unsupported] = &[
    Unsupported {
        title: "JetBrains AI Assistant",
        why: "its servers are entered in the IDE's settings, and no public page says in which file they are kept",
    },
    Unsupported {
        title: "Claude Desktop on Linux",
        why: "its maker documents the file for macOS and Windows alone; name yours with --file",
    },
    Unsupported {
        title: "Zed on Windows",
        why: "its maker documents the person's file for macOS and Linux alone; name yours with --file",
    },
    Unsupported {
        title: "Cline's own folder inside an editor",
        why: "older versions keep the file in the editor's storage for extensions, which its maker does not document; name it with --file",
    },
    Unsupported {
        title: "Profiles of Visual Studio Code",
        why: "each profile keeps a file under an id that only the editor knows; name it with --file",
    },
];
