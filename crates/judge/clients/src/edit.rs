//! A server's entry, made to start behind the door, and put back.
//!
//! `command: npx, args: [-y, x]` becomes `command: /path/doorward, args: [guard, --name=NAME, --, npx, -y, x]`, with the name
//! under which the client knows the server, and `--env=NAME` for each variable that the client sets. The original literal
//! moves as it was written, so that the wrapped entry holds all that is needed to put it back byte for byte, whatever else
//! has changed in the file since. No edit is returned that was not read back: it must change this one server and nothing
//! else, and a wrapped text must unwrap to exactly what it was.

use std::ops::Range;

use doorward_wire::quote;

use crate::families::Format;
use crate::node::Layout;
use crate::read::{Args, Document, Server, Spots, Starts};

/// Says to the door's program that a command follows.
const GUARD: [&str; 2] = ["guard", "--"];

/// How a server stands to the door.
#[derive(Debug, PartialEq, Eq)]
pub enum State<'s> {
    /// It is started as it is.
    Plain,
    /// It is started by this very program.
    Wrapped {
        /// What the door is told besides: the server's name and the variables that it hands on to it, as `wrap` has it.
        options: &'s [String],
        /// The server's own program.
        command: &'s str,
        /// Its arguments.
        args: &'s [String],
    },
    /// It looks wrapped, by a program that only has the door's name: nothing says that it guards anything.
    Foreign {
        /// That program.
        program: &'s str,
    },
}

/// Why an entry was not edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such server, or it is reached by address, or it is unclear.
    #[error("it is not started by a command")]
    NoCommand,
    /// It is wrapped already.
    #[error("it is wrapped already")]
    Wrapped,
    /// It is not wrapped.
    #[error("it is not wrapped")]
    NotWrapped,
    /// It looks wrapped by another program.
    #[error("it starts `{0}`, which looks like the door and is not this program")]
    Foreign(String),
    /// What was made is not what was meant: this way of writing is not supported.
    #[error("it is written in a way that could not be put back exactly")]
    Form,
}

impl Server {
    /// Returns how the server stands to the door at `program`.
    pub fn state(&self, program: &str) -> State<'_> {
        let Starts::Command { command, args } = &self.starts else { return State::Plain };
        let [verb, rest @ ..] = args.as_slice() else { return State::Plain };
        if verb != GUARD[0] {
            return State::Plain;
        }
        if command != program {
            return if has_the_doors_name(command) {
                State::Foreign { program: command }
            } else {
                State::Plain
            };
        }
        let end = rest.iter().position(|arg| arg == GUARD[1]);
        match end.and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?))) {
            Some((options, [command, args @ ..])) => State::Wrapped { options, command, args },
            _ => State::Plain,
        }
    }
}

fn has_the_doors_name(command: &str) -> bool {
    let file = command.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    file.strip_suffix(".exe").unwrap_or(&file) == "doorward"
}

/// What stands before the command: the server's name, and of its own environment the door hands on what the client sets for
/// this server.
fn words(server: &Server, told: &[String]) -> Vec<String> {
    let name = guard_name(&server.name).map(|name| format!("--name={name}"));
    let env = server.env.iter().map(|name| format!("--env={name}"));
    std::iter::once(GUARD[0].to_owned())
        .chain(told.iter().cloned())
        .chain(name)
        .chain(env)
        .chain([GUARD[1].to_owned()])
        .collect()
}

/// What a door may call a server that is called `name` elsewhere: small letters, digits and hyphens. None where nothing of the
/// name is left; the door then goes by the command, and two servers can have one name there (`index` of two `index.js`).
pub fn guard_name(name: &str) -> Option<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String =
        name.trim_matches(|c: char| !c.is_ascii_alphanumeric()).chars().map(plain).take(64).collect();
    let name = name.trim_end_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Returns the text in which the server at `index` starts as `PROGRAM guard --name=NAME --env=NAME… -- COMMAND ARGS…`, with
/// the server's name as far as the door can have it and a word for each of its environment variables; what the door is told
/// besides comes first.
///
/// # Errors
/// [`EditError`]; the text is then to be left as it is.
pub fn wrap(
    document: &Document<'_>,
    index: usize,
    program: &str,
    told: &[String],
) -> Result<String, EditError> {
    let server = document.servers().get(index).ok_or(EditError::NoCommand)?;
    let (Starts::Command { command, args }, Some(spots)) = (&server.starts, &server.spots) else {
        return Err(EditError::NoCommand);
    };
    match server.state(program) {
        State::Plain => {}
        State::Wrapped { .. } => return Err(EditError::Wrapped),
        State::Foreign { program } => return Err(EditError::Foreign(program.to_owned())),
    }
    let words = words(server, told);
    let text = put_in(document, spots, &words, program).ok_or(EditError::Form)?;
    let guarded = words.iter().chain([command]).chain(args).cloned().collect();
    let now = Starts::Command { command: program.to_owned(), args: guarded };
    let edited = read_back(document, &text, index, &now)?;
    // The promise of `unwrap`, kept before anything is written.
    let spots =
        edited.servers().get(index).and_then(|server| server.spots.as_ref()).ok_or(EditError::Form)?;
    match take_out(&edited, spots, words.len()) {
        Some(back) if back == document.text => Ok(text),
        _ => Err(EditError::Form),
    }
}

/// Returns the text in which the server at `index`, wrapped by `program`, starts as it did before.
///
/// # Errors
/// [`EditError`]; the text is then to be left as it is.
pub fn unwrap(document: &Document<'_>, index: usize, program: &str) -> Result<String, EditError> {
    let server = document.servers().get(index).ok_or(EditError::NoCommand)?;
    let (Starts::Command { args: all, .. }, Some(spots)) = (&server.starts, &server.spots) else {
        return Err(EditError::NoCommand);
    };
    let (command, args) = match server.state(program) {
        State::Wrapped { command, args, .. } => (command, args),
        State::Plain => return Err(EditError::NotWrapped),
        State::Foreign { program } => return Err(EditError::Foreign(program.to_owned())),
    };
    let text = take_out(document, spots, all.len() - args.len() - 1).ok_or(EditError::Form)?;
    let now = Starts::Command { command: command.to_owned(), args: args.to_vec() };
    read_back(document, &text, index, &now)?;
    Ok(text)
}

/// Reads an edited text and makes sure that the one server is now as meant and every other one as it was.
fn read_back<'t>(
    before: &Document<'t>,
    text: &'t str,
    index: usize,
    now: &Starts,
) -> Result<Document<'t>, EditError> {
    let after = Document::read(text, before.format, before.members).map_err(|_| EditError::Form)?;
    let same = before.servers().len() == after.servers().len()
        && before.servers().iter().zip(after.servers()).enumerate().all(|(at, (before, after))| {
            let starts = if at == index { now } else { &before.starts };
            (&after.name, &after.project, &after.starts, &after.env, &after.literals)
                == (&before.name, &before.project, starts, &before.env, &before.literals)
        });
    if same { Ok(after) } else { Err(EditError::Form) }
}

/// The text with the door's program before the command.
fn put_in(document: &Document<'_>, spots: &Spots, words: &[String], program: &str) -> Option<String> {
    let text = document.text;
    let raw = text.get(spots.command.clone())?;
    let words: Vec<_> = words.iter().map(|word| quote(word)).collect();
    let in_a_row = words.join(", ");
    let insert = match &spots.args {
        Some(Args { items, layout: Layout::Block, .. }) => {
            let first = items.first()?.from;
            let next = format!("{}{}", break_of(text), text.get(line_start(text, first)?..first)?);
            let above: String = words.iter().map(|word| format!("- {word}{next}")).collect();
            (first..first, format!("{above}- {raw}{next}"))
        }
        Some(Args { items, span, .. }) => match items.first() {
            Some(first) => (first.from..first.from, format!("{in_a_row}, {raw}, ")),
            None => (span.start + 1..span.start + 1, format!("{in_a_row}, {raw}")),
        },
        None => {
            let (at, before) = missing(document, spots)?;
            (at..at, format!("{before}[ {in_a_row}, {raw} ]"))
        }
    };
    spliced(text, vec![(spots.command.clone(), quote(program)), insert])
}

/// The text without the first `options` arguments and the command after them, which goes back to its place.
fn take_out(document: &Document<'_>, spots: &Spots, options: usize) -> Option<String> {
    let text = document.text;
    let args = spots.args.as_ref()?;
    let first = args.items.first()?;
    let command = args.items.get(options)?;
    let raw = text.get(command.span.clone())?;
    let cut = match (args.items.get(options + 1), args.layout) {
        (Some(next), _) => (first.from..next.from, ""),
        (None, Layout::Block) => (first.from..command.span.end, "[]"),
        (None, Layout::Flow) => match made_by_wrap(document, spots, args) {
            Some(made) => (made, ""),
            None => {
                let rest = text.get(command.span.end..args.span.end.checked_sub(1)?)?;
                let comma = if rest.trim() == "," { rest.len() } else { 0 };
                (first.from..command.span.end + comma, "")
            }
        },
    };
    spliced(text, vec![(spots.command.clone(), raw.to_owned()), (cut.0, cut.1.to_owned())])
}

/// The whole member `args`, if [`put_in`] made it. Where there was an empty list before, no space stands after its bracket.
fn made_by_wrap(document: &Document<'_>, spots: &Spots, args: &Args) -> Option<Range<usize>> {
    let raw = document.text.get(args.span.clone())?;
    let (at, before) = missing(document, spots)?;
    let lead = document.text.get(at..args.span.start)?;
    (raw.starts_with("[ \"") && raw.ends_with(" ]") && lead == before).then_some(at..args.span.end)
}

/// Where a member `args` goes that is not there, and what stands before its value.
fn missing(document: &Document<'_>, spots: &Spots) -> Option<(usize, String)> {
    let text = document.text;
    let name = match document.format {
        Format::Json => "\"args\": ",
        Format::Toml => "args = ",
        Format::Yaml => "args: ",
    };
    if spots.layout == Layout::Flow {
        return Some((spots.command.end, format!(", {name}")));
    }
    let lead = text.get(line_start(text, spots.key)?..spots.key)?;
    // `server.command = …` would need the same words before it; a dash before the first member of an item does not.
    if !lead.chars().all(|c| matches!(c, ' ' | '\t' | '-')) {
        return None;
    }
    let rest = text.get(spots.command.end..)?;
    let line = rest.split('\n').next()?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    Some((spots.command.end + line.len(), format!("{}{}{name}", break_of(text), lead.replace('-', " "))))
}

fn line_start(text: &str, at: usize) -> Option<usize> {
    Some(text.get(..at)?.rfind('\n').map_or(0, |line| line + 1))
}

/// The line break of a text: that of its first line.
fn break_of(text: &str) -> &'static str {
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    if first.ends_with("\r\n") { "\r\n" } else { "\n" }
}

/// The text with its ranges replaced; `None` if they overlap or lie outside.
fn spliced(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len() + 128);
    let mut at = 0;
    for (range, new) in edits {
        out.push_str(text.get(at..range.start)?);
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}
