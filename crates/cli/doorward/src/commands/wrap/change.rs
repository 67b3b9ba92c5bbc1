//! The chosen servers, wrapped or put back, file by file: one that fails does not stop the others.

use std::path::PathBuf;
use std::process::ExitCode;

use doorward_clients::{Document, EditError, Starts, State, unwrap, wrap};
use serde_json::json;

use super::file::Target;
use super::find::Found;
use super::{Choice, Way};
use crate::failure::Failure;
use crate::out::{BAD, DIM, GOOD, NAME, Out, WARN, paint};
use crate::table::clean;

/// What became of one file.
#[derive(Default)]
struct Outcome {
    /// Servers that were changed.
    changed: Vec<String>,
    /// Servers that were already as wanted.
    already: Vec<String>,
    /// Servers, or the file for an empty name, and why not.
    refused: Vec<(String, String)>,
    /// Lines that change.
    diff: Vec<String>,
    backup: Option<PathBuf>,
    /// Names that were chosen and are here.
    met: Vec<String>,
}

pub(super) fn run(
    choice: &Choice,
    way: Way,
    files: &[Found],
    program: &str,
    out: &Out,
) -> Result<ExitCode, Failure> {
    let outcomes: Vec<_> = files.iter().map(|file| (file, change(choice, way, file, program))).collect();
    let met = |chosen: &String| outcomes.iter().any(|(_, outcome)| outcome.met.contains(chosen));
    let missing: Vec<_> = choice.servers.iter().filter(|chosen| !met(chosen)).collect();
    let unread = outcomes.iter().any(|(_, outcome)| outcome.refused.iter().any(|(name, _)| name.is_empty()));
    if out.json {
        out.line(machine(&outcomes, &missing, way));
    } else {
        for (file, outcome) in &outcomes {
            tell(choice, way, file, outcome, out);
        }
        let any = |list: fn(&Outcome) -> bool| outcomes.iter().any(|(_, outcome)| list(outcome));
        if any(|outcome| outcome.backup.is_some()) {
            out.note(format_args!("{} clients take it up when they are started again", paint(WARN, "note:")));
        } else if choice.all && !any(|outcome| !outcome.changed.is_empty() || !outcome.already.is_empty()) {
            out.note(format_args!("nothing to {}", way.verb()));
        }
    }
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|name| format!("`{}`", clean(name))).collect();
        let help = format!("doorward {} lists what there is; a name is FAMILY/NAME", way.verb());
        let what = format!("no server is called {}", names.join(" or "));
        // A file that could not be read may have held it.
        return Err(if unread { Failure::new(what) } else { Failure::usage(what) }.help(help));
    }
    let refused = outcomes.iter().any(|(_, outcome)| !outcome.refused.is_empty());
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn change(choice: &Choice, way: Way, found: &Found, program: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let failed = |mut outcome: Outcome, error: String| {
        outcome.changed.clear();
        outcome.refused.push((String::new(), error));
        outcome
    };
    // Another client's file is nobody's concern, readable or not, and nothing is locked for one that holds nothing chosen.
    if !choice.concerns(found.family) {
        return outcome;
    }
    let text = match super::file::read(&found.path) {
        Ok(text) => text,
        Err(error) => return failed(outcome, error),
    };
    match Document::read(&text, found.format, &found.members) {
        Ok(document)
            if document.servers().iter().any(|server| choice.includes(found.family, &server.name)) => {}
        Ok(_) => return outcome,
        Err(error) => return failed(outcome, error.to_string()),
    }
    let target = match Target::open(&found.path) {
        Ok(target) => target,
        Err(error) => return failed(outcome, error),
    };
    let text = match edited(choice, way, found, program, &target.text, &mut outcome) {
        Ok(text) => text,
        Err(error) => return failed(outcome, error),
    };
    if !choice.dry_run && text != target.text {
        match target.replace(&text) {
            Ok(backup) => outcome.backup = Some(backup),
            Err(error) => return failed(outcome, error),
        }
    }
    outcome
}

/// The text with every chosen server changed that can be.
fn edited(
    choice: &Choice,
    way: Way,
    found: &Found,
    program: &str,
    text: &str,
    outcome: &mut Outcome,
) -> Result<String, String> {
    let mut now = text.to_owned();
    let mut index = 0;
    loop {
        // Spans hold for one text: it is read again after each edit. Servers keep their order.
        let document =
            Document::read(&now, found.format, &found.members).map_err(|error| error.to_string())?;
        let Some(server) = document.servers().get(index) else { return Ok(now) };
        let at = index;
        index += 1;
        if !choice.includes(found.family, &server.name) {
            continue;
        }
        let meant = choice.servers.iter().filter(|chosen| choice.names(chosen, found.family, &server.name));
        outcome.met.extend(meant.cloned());
        let name = match &server.project {
            Some(project) => format!("{}/{} ({project})", found.family, server.name),
            None => format!("{}/{}", found.family, server.name),
        };
        // Whoever says "all" means all that can be meant; what is unclear may start a program all the same, and is said.
        let passed_over = match (way, &server.starts) {
            (_, Starts::Remote { .. }) => true,
            (Way::Wrap, _) => false,
            (Way::Unwrap, _) => !matches!(server.state(program), State::Wrapped { .. }),
        };
        if choice.all && passed_over {
            continue;
        }
        if let Starts::Unclear(why) = server.starts {
            outcome.refused.push((name, why.to_owned()));
            continue;
        }
        let result = match way {
            Way::Wrap => wrap(&document, at, program, &choice.told),
            Way::Unwrap => unwrap(&document, at, program),
        };
        match result {
            Ok(text) => {
                outcome.changed.push(name);
                outcome.diff.extend(diff(&now, &text));
                now = text;
            }
            Err(EditError::Wrapped | EditError::NotWrapped) => outcome.already.push(name),
            Err(error) => outcome.refused.push((name, error.to_string())),
        }
    }
}

/// The lines that differ, those of the old text first. An edit touches one entry, so they stand together.
fn diff(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()) - same;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
    let part = |sign, lines: &[&str]| -> Vec<String> {
        let changed = lines.iter().take(lines.len() - tail).skip(same);
        changed.map(|line| format!("{sign} {}", line.trim_end_matches('\r'))).collect()
    };
    let head = format!("@ line {}", same + 1);
    [vec![head], part('-', &old), part('+', &new)].concat()
}

fn tell(choice: &Choice, way: Way, found: &Found, outcome: &Outcome, out: &Out) {
    let path = clean(&found.path.display().to_string());
    if choice.dry_run && !outcome.diff.is_empty() {
        out.line(paint(NAME, &path));
        for line in &outcome.diff {
            let style = match line.chars().next() {
                Some('-') => BAD,
                Some('+') => GOOD,
                _ => DIM,
            };
            // Tabs are the file's own; everything else that acts on a terminal is not let through.
            out.line(paint(style, clean(&line.replace('\t', "    "))));
        }
    } else {
        for name in &outcome.changed {
            out.line(format_args!("{} {} in {path}", paint(GOOD, way.done()), clean(name)));
        }
    }
    if let Some(backup) = &outcome.backup {
        out.line(format_args!("  {} {}", paint(DIM, "as it was:"), clean(&backup.display().to_string())));
    }
    // Others of the project have no such path, or another program there.
    if way == Way::Wrap && found.shared && outcome.backup.is_some() {
        let what =
            "this file belongs to the project: whoever shares it starts the door at this machine's path";
        out.note(format_args!("{} {what}", paint(WARN, "note:")));
    }
    for name in &outcome.already {
        let word = if way == Way::Wrap { "is wrapped already" } else { "is not wrapped" };
        out.line(format_args!("{} {word}", clean(name)));
    }
    for (name, error) in &outcome.refused {
        let what = if name.is_empty() { String::new() } else { format!(" {}:", clean(name)) };
        out.note(format_args!("{}{what} {path}: {}", paint(BAD, "left alone:"), clean(error)));
    }
}

fn machine(outcomes: &[(&Found, Outcome)], missing: &[&String], way: Way) -> serde_json::Value {
    let files = outcomes.iter().filter(|(_, outcome)| {
        !outcome.changed.is_empty() || !outcome.already.is_empty() || !outcome.refused.is_empty()
    });
    let files = files.map(|(file, outcome)| {
        let refused: Vec<_> =
            outcome.refused.iter().map(|(name, error)| json!({ "server": name, "error": error })).collect();
        json!({
            "family": file.family, "path": file.path.display().to_string(), "changed": outcome.changed,
            "already": outcome.already, "refused": refused, "diff": outcome.diff,
            "backup": outcome.backup.as_ref().map(|backup| backup.display().to_string()),
        })
    });
    json!({ "way": way.verb(), "files": files.collect::<Vec<_>>(), "missing": missing })
}

impl Way {
    fn verb(self) -> &'static str {
        if self == Self::Wrap { "wrap" } else { "unwrap" }
    }

    fn done(self) -> &'static str {
        if self == Self::Wrap { "wrapped:" } else { "unwrapped:" }
    }
}
