//! What was found, for people and for machines.

use std::process::ExitCode;

use doorward_clients::{Document, Risk, Server, Starts, State, UNSUPPORTED, guard_name, masked, risks};
use serde_json::{Value, json};

use super::find::Found;
use super::{Way, file};
use crate::out::{BAD, DIM, GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{Cell, Table, cell, clean, count};

/// A server, as it is told of.
struct Line {
    name: String,
    project: Option<String>,
    state: &'static str,
    /// The server's own command, or its address, or why neither is clear.
    command: Vec<String>,
    risks: Vec<Risk>,
    /// What the door is told besides the command: it may be told to let more pass.
    options: Vec<String>,
    /// The program that looks like the door and is not this one.
    foreign: Option<String>,
}

pub(super) fn run(files: &[Found], program: &str, way: Way, out: &Out) -> ExitCode {
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for file in files {
        match lines(file, program) {
            Ok(lines) => found.push((file, lines)),
            Err(error) => failed.push((file, error)),
        }
    }
    if out.json {
        out.line(machine(&found, &failed));
    } else {
        people(&found, &failed, way, out);
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn lines(found: &Found, program: &str) -> Result<Vec<Line>, String> {
    let text = file::read(&found.path)?;
    let document = Document::read(&text, found.format, &found.members).map_err(|error| error.to_string())?;
    Ok(document.servers().iter().map(|server| line(server, program)).collect())
}

fn line(server: &Server, program: &str) -> Line {
    let started = |command: &str, args: &[String]| [vec![command.to_owned()], masked(args)].concat();
    let with = |state, command, risks| Line {
        name: server.name.clone(),
        project: server.project.clone(),
        state,
        command,
        risks,
        options: Vec::new(),
        foreign: None,
    };
    // The name that `wrap` writes says nothing that the line does not.
    let own_name = guard_name(&server.name).map(|name| format!("--name={name}"));
    match (&server.starts, server.state(program)) {
        (_, State::Wrapped { options, command, args }) => Line {
            options: masked(options).into_iter().filter(|option| Some(option) != own_name.as_ref()).collect(),
            ..with("wrapped", started(command, args), risks(server, command, args))
        },
        (Starts::Command { command, args }, State::Foreign { program }) => Line {
            foreign: Some(program.to_owned()),
            ..with("foreign", started(command, args), risks(server, command, args))
        },
        (Starts::Command { command, args }, State::Plain) => {
            with("plain", started(command, args), risks(server, command, args))
        }
        (Starts::Remote { url }, _) => {
            // People put tokens into queries.
            let address = url.split('?').next().unwrap_or_default().to_owned();
            with("remote", masked(&[address]), risks(server, "", &[]))
        }
        (Starts::Unclear(why), _) => with("unclear", vec![(*why).to_owned()], risks(server, "", &[])),
    }
}

fn people(found: &[(&Found, Vec<Line>)], failed: &[(&Found, String)], way: Way, out: &Out) {
    for (file, lines) in found.iter().filter(|(_, lines)| !lines.is_empty()) {
        out.line(format_args!(
            "{} {}",
            paint(STRONG, file.title),
            paint(NAME, clean(&file.path.display().to_string()))
        ));
        let mut table = Table::indented(2);
        for line in lines {
            let style = match line.state {
                "wrapped" => GOOD,
                "foreign" => BAD,
                "unclear" => WARN,
                _ => DIM,
            };
            let project = line.project.as_ref().map(|project| format!(" ({project})")).unwrap_or_default();
            let name = format!("{}/{}{project}", file.family, line.name);
            table.row([Cell::new(style, line.state), cell(name), cell(words(line))]);
            if let Some(program) = &line.foreign {
                table.row([
                    cell(""),
                    cell(""),
                    Cell::new(BAD, format!("{program} is not this program: nothing says that it guards")),
                ]);
            }
            if !line.options.is_empty() {
                let told = format!("the door is told: {}", line.options.join(" "));
                table.row([cell(""), cell(""), Cell::new(WARN, told)]);
            }
            for risk in &line.risks {
                table.row([cell(""), cell(""), Cell::new(WARN, risk)]);
            }
        }
        out.line(table);
    }
    for (file, error) in failed {
        out.note(format_args!(
            "{} {}: {}",
            paint(BAD, "unreadable:"),
            clean(&file.path.display().to_string()),
            clean(error)
        ));
    }
    let state =
        |wanted: &str| found.iter().flat_map(|(_, lines)| lines).filter(|line| line.state == wanted).count();
    let (plain, wrapped) = (state("plain"), state("wrapped"));
    out.note(format_args!(
        "{} in {}: {wrapped} wrapped, {plain} plain",
        count(found.iter().map(|(_, lines)| lines.len()).sum(), "server"),
        count(found.len(), "file")
    ));
    let unsupported: Vec<_> = UNSUPPORTED.iter().map(|client| client.title).collect();
    out.note(format_args!(
        "{} {}; --file names such a file",
        paint(DIM, "not looked for:"),
        unsupported.join(", ")
    ));
    match way {
        Way::Wrap if plain > 0 => out.note(format_args!(
            "{} doorward wrap FAMILY/NAME…, or --all; --dry-run shows what would change",
            paint(NAME, "to wrap:")
        )),
        Way::Unwrap if wrapped > 0 => {
            out.note(format_args!("{} doorward unwrap FAMILY/NAME…, or --all", paint(NAME, "to unwrap:")))
        }
        _ => {}
    }
}

/// The command, with quotes where a word would not be read as one.
fn words(line: &Line) -> String {
    if line.state == "unclear" {
        return line.command.concat();
    }
    let plain = |word: &str| {
        !word.is_empty()
            && !word.chars().any(|c| {
                c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '|' | '&' | ';' | '$')
            })
    };
    let shown = |word: &String| if plain(word) { word.clone() } else { doorward_wire::quote(word) };
    line.command.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn machine(found: &[(&Found, Vec<Line>)], failed: &[(&Found, String)]) -> Value {
    let files = found.iter().map(|(file, lines)| {
        let servers: Vec<_> = lines
            .iter()
            .map(|line| {
                let notes: Vec<_> =
                    line.risks.iter().map(|risk| json!({ "code": risk.code(), "text": risk.to_string() })).collect();
                json!({ "name": line.name, "project": line.project, "state": line.state, "command": line.command, "options": line.options, "foreign": line.foreign, "notes": notes })
            })
            .collect();
        json!({ "family": file.family, "path": file.path.display().to_string(), "servers": servers })
    });
    let failed = failed
        .iter()
        .map(|(file, error)| json!({ "family": file.family, "path": file.path.display().to_string(), "error": error }));
    let unsupported = UNSUPPORTED.iter().map(|client| json!({ "client": client.title, "why": client.why }));
    json!({
        "files": files.collect::<Vec<_>>(),
        "unreadable": failed.collect::<Vec<_>>(),
        "unsupported": unsupported.collect::<Vec<_>>(),
    })
}
