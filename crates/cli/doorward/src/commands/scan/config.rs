//! Clients' configurations: what is known of each server by its entry alone. Nothing is started.

use std::path::Path;

use doorward_clients::{Document, Risk, Server, Starts, State, risks};
use doorward_inspect::Severity;

use super::{Line, Scanned};
use crate::commands::wrap::{Found, files_here, named, text_of};

/// Looks at the files of this machine's clients.
pub(super) fn machine(scanned: &mut Scanned) {
    for found in files_here() {
        one(&found, scanned)
            .unwrap_or_else(|why| scanned.unread.push((found.path.display().to_string(), why)));
    }
}

/// Looks at one file; none if it is not a client's.
pub(super) fn file(path: &Path, scanned: &mut Scanned) -> Option<()> {
    one(&named(path).ok()?, scanned).ok()
}

fn one(found: &Found, scanned: &mut Scanned) -> Result<(), String> {
    let text = text_of(&found.path)?;
    let document = Document::read(&text, found.format, &found.members).map_err(|error| error.to_string())?;
    if document.servers().is_empty() {
        return Err("holds no tools, prompts or resources, and no servers".to_owned());
    }
    let source = found.path.display().to_string();
    for server in document.servers() {
        scanned.items.push((source.clone(), "server", server.name.clone()));
        scanned.lines.extend(of(server).iter().map(|risk| line(&source, server, risk)));
    }
    Ok(())
}

fn of(server: &Server) -> Vec<Risk> {
    // Any program that looks like the door is one here: whether it is this one, `wrap` says.
    match (&server.starts, server.state("doorward")) {
        (_, State::Wrapped { command, args, .. }) => risks(server, command, args),
        (Starts::Command { command, args }, _) => risks(server, command, args),
        _ => risks(server, "", &[]),
    }
}

fn line(source: &str, server: &Server, risk: &Risk) -> Line {
    let (severity, advice) = weighed(risk);
    Line {
        source: source.to_owned(),
        kind: "server",
        name: server.name.clone(),
        pointer: String::new(),
        at: None,
        rule: format!("config.{}", risk.code()),
        severity,
        reason: risk.to_string(),
        advice: advice.to_owned(),
        tags: vec!["owasp-mcp/MCP04".to_owned()],
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
