//! Clients' configurations: what is known of each server by its entry alone, and which servers can be asked for more.

use std::path::Path;

use doorward_clients::{Document, Risk, Server, Starts, State, risks};
use doorward_inspect::Severity;

use super::live::{self, Asked};
use super::{Line, Scanned, Unasked, Unread};
use crate::commands::wrap::{Found, files_here, named, text_of};

/// Reads configurations, and has their servers asked if that is wanted.
pub(super) struct Configs<'a> {
    pub(super) scanned: &'a mut Scanned,
    /// Where servers that are to be asked are noted; none, and nobody is.
    pub(super) live: Option<&'a mut Vec<Asked>>,
}

impl Configs<'_> {
    /// Looks at the files of this machine's clients.
    pub(super) fn machine(&mut self) {
        for found in files_here() {
            self.one(&found).unwrap_or_else(|why| {
                let help = "the client that it belongs to may not read it either".to_owned();
                self.scanned.unread.push(Unread { place: found.path.display().to_string(), why, help });
            });
        }
    }

    /// Looks at one file; none if it is not a client's.
    pub(super) fn file(&mut self, path: &Path) -> Option<()> {
        self.one(&named(path).ok()?).ok()
    }

    fn one(&mut self, found: &Found) -> Result<(), String> {
        let text = text_of(&found.path)?;
        let document =
            Document::read(&text, found.format, &found.members).map_err(|error| error.to_string())?;
        if document.servers().is_empty() {
            return Err("holds no tools, prompts or resources, and no servers".to_owned());
        }
        let source = found.path.display().to_string();
        for server in document.servers() {
            let item = self.scanned.items.len();
            self.scanned.items.push((source.clone(), "server", server.name.clone()));
            self.scanned.lines.extend(of(server).iter().map(|risk| line(&source, item, server, risk)));
            self.ask(&source, server);
        }
        Ok(())
    }

    /// Has a server asked, or says that it was not. The values of its variables and headers are not known here: it is asked
    /// as a stranger would ask it.
    fn ask(&mut self, source: &str, server: &Server) {
        let name = format!("{source}: {}", server.name);
        match (&mut self.live, started(server), &server.starts) {
            (Some(live), Some((command, args)), _) => {
                let command = [&[command.to_owned()], args].concat();
                live.extend(Asked::program(name, command, &[]).ok());
            }
            (Some(live), None, Starts::Remote { url }) => {
                live.push(Asked::address(name, url.clone(), Vec::new()));
            }
            (None, None, Starts::Remote { url }) => self.scanned.unasked.push(Unasked {
                source: source.to_owned(),
                name: server.name.clone(),
                url: live::shown(url),
            }),
            _ => {}
        }
    }
}

/// The server's own program and its arguments.
fn started(server: &Server) -> Option<(&str, &[String])> {
    // Any program that looks like the door is one here: whether it is this one, `wrap` says.
    match (&server.starts, server.state("doorward")) {
        (_, State::Wrapped { command, args, .. }) => Some((command, args)),
        (Starts::Command { command, args }, _) => Some((command, args)),
        _ => None,
    }
}

fn of(server: &Server) -> Vec<Risk> {
    match started(server) {
        Some((command, args)) => risks(server, command, args),
        None => risks(server, "", &[]),
    }
}

fn line(source: &str, item: usize, server: &Server, risk: &Risk) -> Line {
    let (severity, advice) = weighed(risk);
    Line {
        source: source.to_owned(),
        item,
        kind: "server",
        name: server.name.clone(),
        pointer: String::new(),
        at: None,
        rule: format!("config.{}", risk.code()),
        severity,
        reason: risk.to_string(),
        advice: advice.to_owned(),
        tags: vec!["owasp-mcp/MCP04".to_owned(), format!("external/cwe/cwe-{}", weakness(risk))],
        quote: String::new(),
        hidden: None,
        score: None,
    }
}

fn weighed(risk: &Risk) -> (Severity, &'static str) {
    match risk {
        Risk::PipeToShell => (Severity::Critical, "install what it downloads, look at it, and start that"),
        Risk::SecretWritten(_) | Risk::SecretArgument(_) => (
            Severity::High,
            "take the secret out of the file and give it to the server by a reference or a keychain",
        ),
        Risk::Elevated(_) | Risk::Privileged(_) => {
            (Severity::High, "start it with your own rights, in a sandbox: doorward wrap")
        }
        Risk::PlainHttp(_) => (Severity::High, "use https"),
        Risk::Shared(_) => (Severity::High, "move it to a folder that only you may write to"),
        Risk::Unpinned(_) => (Severity::Medium, "name a version, and put it behind the guard: doorward wrap"),
        Risk::Shell(_) | Risk::InlineCode(_) => {
            (Severity::Medium, "name the program itself and its arguments")
        }
        Risk::Environment(_) | Risk::Mount(_) | Risk::Broad(_) | Risk::Relative(_) => {
            (Severity::Medium, "give it no more than it needs: doorward wrap")
        }
        Risk::Address(_) => (Severity::Low, "see that you know who answers there"),
    }
}

/// The weakness of MITRE's CWE that it is.
fn weakness(risk: &Risk) -> u16 {
    match risk {
        // Download of code without integrity check.
        Risk::PipeToShell | Risk::Unpinned(_) => 494,
        // Credentials in plain text, in a file; and on a command line.
        Risk::SecretWritten(_) => 312,
        Risk::SecretArgument(_) => 214,
        // More privileges than needed.
        Risk::Elevated(_) | Risk::Privileged(_) | Risk::Mount(_) | Risk::Broad(_) => 250,
        Risk::PlainHttp(_) => 319,
        // Wrong permissions of what matters.
        Risk::Shared(_) => 732,
        // A program that others may put in its place: by path, by environment.
        Risk::Relative(_) => 426,
        Risk::Environment(_) => 15,
        // Commands made of text.
        Risk::Shell(_) | Risk::InlineCode(_) => 78,
        // Functions of another sphere of control.
        Risk::Address(_) => 829,
    }
}
