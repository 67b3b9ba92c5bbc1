//! Policy files: cut into policies, named, parsed.

mod depth;

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy::{Policy, PolicyId, PolicySet, Template, pst};
use miette::Diagnostic;

use crate::problem::{File, PolicyProblem};
use depth::{DEEPEST, depth};

/// Longest id a policy may have: it is written into every record that the policy decides.
const LONGEST_ID: usize = 128;

const TOO_DEEP_HELP: &str = "write several policies for it, or ask a set: `[\"a\", \"b\"].contains(…)`";

/// Policies that parse, each with its name and place. Nothing is known yet of the servers they speak of.
#[derive(Debug, Default)]
pub struct PolicyText {
    pub(crate) policies: Vec<Source>,
}

/// One policy as it was written.
#[derive(Debug)]
pub(crate) struct Source {
    /// The `@id`, or `file#N`.
    pub(crate) name: Arc<str>,
    pub(crate) file: File,
    /// Where `snippet` begins in the file.
    pub(crate) offset: usize,
    /// The policy's text, with what stands before it.
    pub(crate) snippet: String,
    /// Where the policy itself begins in the file.
    pub(crate) start: usize,
    /// Line and column of `start`, from 1.
    pub(crate) place: (u32, u32),
    pub(crate) policy: Policy,
    pub(crate) body: pst::Template,
}

impl PolicyText {
    /// Parses files, each a name for messages and a text.
    ///
    /// No file, or files without a policy, are a set that permits nothing.
    ///
    /// # Errors
    /// Every fault of every file: what Cedar does not parse, templates, ids that are used twice or could be mistaken,
    /// policies so deep that parsing them could overflow the stack.
    pub fn parse(files: &[(String, String)]) -> Result<Self, Vec<PolicyProblem>> {
        let mut policies = Vec::new();
        let mut problems = Vec::new();
        for (name, text) in files {
            read_file(
                &File { name: name.as_str().into(), text: text.as_str().into() },
                &mut policies,
                &mut problems,
            );
        }
        refuse_duplicates(&policies, &mut problems);
        if problems.is_empty() { Ok(Self { policies }) } else { Err(problems) }
    }

    /// Returns how many policies there are.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Returns the policies' ids, in the order they were read.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|source| source.name.as_ref())
    }
}

impl Source {
    /// A fault of this policy, at an offset into its snippet.
    pub(crate) fn problem_at(
        &self,
        offset: Option<usize>,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> PolicyProblem {
        let at = offset.map_or(self.start, |offset| self.offset + offset);
        self.file.problem(at, Some(&self.name), what, help)
    }
}

fn read_file(file: &File, policies: &mut Vec<Source>, problems: &mut Vec<PolicyProblem>) {
    let cut = cut(&file.text);
    // Counted onwards from policy to policy: ten thousand of them must not be counted from the top ten thousand times.
    let (mut counted, mut place) = (0, (1, 1));
    for (number, piece) in cut.pieces.iter().enumerate() {
        place = onwards(place, file.text.get(counted..piece.start).unwrap_or_default());
        counted = piece.start;
        let default_id = format!("{}#{}", file.name, number + 1);
        match read_policy(file, piece, place, default_id) {
            Ok(source) => policies.push(source),
            Err(found) => problems.extend(found),
        }
    }
    // What follows the last policy must be nothing to Cedar too: a comment whose end Cedar sees earlier than we do
    // would otherwise hide a forbid.
    if depth(cut.rest) > DEEPEST {
        problems.push(file.problem(
            cut.rest_at,
            None,
            "the end of the file is nested too deeply",
            TOO_DEEP_HELP,
        ));
    } else if let Err(errors) = cut.rest.parse::<PolicySet>() {
        problems.extend(parse_problems(file, cut.rest_at, None, &errors));
    } else if cut.rest.parse::<PolicySet>().is_ok_and(|set| !set.is_empty()) {
        problems.push(file.problem(cut.rest_at, None, "a policy stands where only a comment should", ""));
    }
}

fn onwards((line, column): (u32, u32), text: &str) -> (u32, u32) {
    text.chars()
        .fold((line, column), |(line, column), c| if c == '\n' { (line + 1, 1) } else { (line, column + 1) })
}

fn read_policy(
    file: &File,
    piece: &Piece<'_>,
    place: (u32, u32),
    default_id: String,
) -> Result<Source, Vec<PolicyProblem>> {
    let fault = |what: String, help: &str| vec![file.problem(piece.start, Some(&default_id), what, help)];
    if depth(piece.text) > DEEPEST {
        return Err(fault("is nested too deeply to be read".into(), TOO_DEEP_HELP));
    }
    let policy = match Policy::parse(Some(PolicyId::new(&default_id)), piece.text) {
        Ok(policy) => policy,
        Err(_)
            if Template::parse(None, piece.text).is_ok_and(|template| template.slots().next().is_some()) =>
        {
            return Err(fault(
                "is a template, and templates are not supported".into(),
                "write one policy for each principal or resource, or a group for them",
            ));
        }
        Err(errors) => return Err(parse_problems(file, piece.at, Some(&default_id), &errors)),
    };
    let name: Arc<str> = match policy.annotation("id") {
        None => default_id.as_str().into(),
        Some(id) => match fault_of_id(id) {
            None => id.into(),
            Some(what) => {
                return Err(fault(format!("the id {what}"), "choose a short, plain and unique `@id(\"…\")`"));
            }
        },
    };
    let body = match policy.to_pst() {
        Ok(read) => read.body().clone(),
        Err(error) => return Err(fault(error.to_string(), "")),
    };
    Ok(Source {
        name,
        file: file.clone(),
        offset: piece.at,
        snippet: piece.text.to_owned(),
        start: piece.start,
        place,
        policy,
        body,
    })
}

/// Ids are printed in logs and answers: nothing in them may look like something else.
fn fault_of_id(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id.len() > LONGEST_ID {
        Some("is longer than 128 bytes")
    } else if id.contains('~') {
        Some("contains `~`, which marks the policies that are derived from others")
    } else if id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Some("contains white space or a control character")
    } else {
        None
    }
}

fn refuse_duplicates(policies: &[Source], problems: &mut Vec<PolicyProblem>) {
    let mut first: BTreeMap<&str, &Source> = BTreeMap::new();
    for source in policies {
        match first.get(source.name.as_ref()) {
            None => {
                first.insert(&source.name, source);
            }
            Some(earlier) => {
                let (line, column) = earlier.place;
                problems.push(source.problem_at(
                    None,
                    "has the id of another policy",
                    format!(
                        "the first one is at {}:{line}:{column}; give each its own `@id(\"…\")`",
                        earlier.file.name
                    ),
                ));
            }
        }
    }
}

/// Turns Cedar's errors into ours, with places in the file. `at` is where the parsed text begins.
fn parse_problems(
    file: &File,
    at: usize,
    policy: Option<&str>,
    errors: &cedar_policy::ParseErrors,
) -> Vec<PolicyProblem> {
    errors
        .iter()
        .map(|error| {
            let offset =
                error.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
            let help = error.help().map(|help| help.to_string()).unwrap_or_default();
            file.problem(at + offset, policy, error.to_string(), help)
        })
        .collect()
}

struct Cut<'a> {
    pieces: Vec<Piece<'a>>,
    rest: &'a str,
    rest_at: usize,
}

struct Piece<'a> {
    /// From the end of the policy before up to and with the semicolon: nothing of the file is dropped.
    text: &'a str,
    /// Where `text` begins.
    at: usize,
    /// Where the first word begins.
    start: usize,
}

/// Cuts a file behind every semicolon that is not in a string or a comment.
fn cut(text: &str) -> Cut<'_> {
    #[derive(PartialEq)]
    enum In {
        Code,
        Text,
        Comment,
    }
    let mut state = In::Code;
    let (mut at, mut start) = (0, None);
    let mut pieces = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((here, c)) = chars.next() {
        match state {
            In::Comment if c == '\n' || c == '\r' => state = In::Code,
            In::Comment => {}
            In::Text if c == '\\' => {
                chars.next();
            }
            In::Text if c == '"' => state = In::Code,
            In::Text => {}
            In::Code if c == '/' && chars.peek().is_some_and(|(_, next)| *next == '/') => state = In::Comment,
            In::Code => {
                if !c.is_whitespace() {
                    start.get_or_insert(here);
                }
                if c == '"' {
                    state = In::Text;
                } else if c == ';' {
                    let end = here + 1;
                    pieces.push(Piece {
                        text: text.get(at..end).unwrap_or_default(),
                        at,
                        start: start.unwrap_or(at),
                    });
                    (at, start) = (end, None);
                }
            }
        }
    }
    Cut { pieces, rest: text.get(at..).unwrap_or_default(), rest_at: at }
}

#[cfg(test)]
mod tests;
