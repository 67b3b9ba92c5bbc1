//! Arguments of calls: honest ones made by a grammar and by the schemas of honest tools, payloads published and written.

use std::path::Path;

use doorward_inspect::{ToolContext, arguments};
use doorward_wire::{Kind, Value, quote};

use crate::corpus::{load, parse};
use crate::figures::Share;
use crate::grammar::{Dice, Grammar};

/// One call, judged.
struct Call {
    group: String,
    kind: String,
    arguments: String,
    score: f32,
    is_flagged: bool,
}

impl Call {
    fn new(group: &str, kind: &str, tool: &ToolContext, schema: &str, arguments_text: String) -> Self {
        let (schema, given) = (parse(schema), parse(&arguments_text));
        let report = arguments(Some(schema.root()), given.root(), tool);
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            arguments: arguments_text,
            score: report.score,
            is_flagged: report.is_flagged,
        }
    }
}

/// Calls of each template of the grammar.
const TIMES: usize = 40;

/// Prints what is found in arguments.
pub(crate) fn run(root: &Path, verbose: bool) {
    let honest = honest(root);
    let attacks = attacks(root);
    println!(
        "\nArguments, by the role of their parameters. Nothing is learned here; honest calls are made with a fixed seed."
    );
    println!(
        "  as shipped: honest calls flagged {}",
        Share::count(honest.iter().map(|call| call.is_flagged)).show(true)
    );
    for share in [0.01, 0.001] {
        let threshold = threshold(&honest, share);
        let alarms =
            Share::count(honest.iter().filter(|call| !half(call)).map(|call| call.score > threshold));
        println!("  at {:4.1} % false alarms (other half {}):", 100.0 * share, alarms.show(true));
        for source in ["published", "written"] {
            let rows = || attacks.iter().filter(|call| call.group == source);
            println!(
                "    payloads {source:9} {}",
                Share::count(rows().map(|call| call.score > threshold)).show(false)
            );
        }
    }
    let mut kinds: Vec<(&str, &str)> =
        attacks.iter().map(|call| (call.group.as_str(), call.kind.as_str())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for (source, kind) in kinds {
        let rows = attacks.iter().filter(|call| call.kind == kind && call.group == source);
        println!(
            "    {source:9} {kind:9} as shipped {}",
            Share::count(rows.map(|call| call.is_flagged)).show(false)
        );
    }
    if verbose {
        for call in honest.iter().filter(|call| call.is_flagged) {
            println!("      honest {:.2} {} {}", call.score, call.group, short(&call.arguments));
        }
        for call in attacks.iter().filter(|call| !call.is_flagged) {
            println!(
                "      missed {:.2} {} {} {}",
                call.score,
                call.group,
                call.kind,
                short(&call.arguments)
            );
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(180).collect()
}

fn half(call: &Call) -> bool {
    crate::corpus::calibrates(&call.arguments)
}

/// The score above which at most this share of one half of the honest calls is.
fn threshold(honest: &[Call], share: f64) -> f32 {
    let mut scores: Vec<f32> = honest.iter().filter(|call| half(call)).map(|call| call.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let allowed = (crate::figures::number(scores.len()) * share) as usize;
    scores.get(allowed).copied().unwrap_or(1.0)
}

/// Texts of the other corpora, for parameters that hold texts.
struct Texts {
    lists: Vec<(&'static str, Vec<String>)>,
}

impl Texts {
    fn load(root: &Path) -> Self {
        let of = |name: &str, category: &str| -> Vec<String> {
            let rows =
                load(root, name).into_iter().filter(|row| !row.is_attack && row.category.contains(category));
            rows.map(|row| row.text).collect()
        };
        Self {
            lists: vec![
                ("{@document}", of("results-benign", "docs")),
                ("{@commit}", of("results-benign", "commit")),
                ("{@prompt}", of("prompts-mixed", "")),
                ("{@pii}", of("results-benign", "advisory")),
                ("{@description}", of("tools-packages", "").iter().map(|text| described(text)).collect()),
            ],
        }
    }

    fn fill(&self, text: String, dice: &mut Dice) -> String {
        let found = self.lists.iter().find(|(name, list)| text.contains(*name) && !list.is_empty());
        let text = unescaped(&text);
        match found {
            Some((name, list)) => {
                let part: String = list[dice.roll(list.len())].chars().take(4000).collect();
                text.replace(*name, &part)
            }
            None => text,
        }
    }
}

/// `\n` is a line's end, `\\` a backslash.
fn unescaped(text: &str) -> String {
    text.replace("\\\\", "\u{1}").replace("\\n", "\n").replace('\u{1}', "\\")
}

fn described(definition: &str) -> String {
    parse(definition)
        .root()
        .get("description")
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .into_owned()
}

fn honest(root: &Path) -> Vec<Call> {
    let grammar = Grammar::load(root, "arguments");
    let texts = Texts::load(root);
    let mut dice = Dice::new(23);
    let mut calls = Vec::new();
    let mut known = Vec::new();
    for n in 0..grammar.len() {
        let parts: Vec<&str> = grammar.template(n).split(" :: ").collect();
        match parts.as_slice() {
            ["?", words, value] => {
                known.push((words.split(' ').map(str::to_owned).collect::<Vec<_>>(), (*value).to_owned()))
            }
            [tool, about, parameter, schema, value] => {
                for _ in 0..TIMES {
                    let text = texts.fill(grammar.value(value, &mut dice), &mut dice);
                    calls.push(call("made", "", (tool, about), parameter, schema, &text));
                }
            }
            other => panic!("{other:?}"),
        }
    }
    for corpus in ["tools-benign", "tools-packages"] {
        for row in load(root, corpus) {
            let tree = parse(&row.text);
            let schema = tree.root().get("inputSchema");
            let Some(properties) = schema.and_then(|schema| schema.get("properties")) else { continue };
            let members: Vec<String> = properties
                .members()
                .filter_map(|(name, schema)| {
                    Some(format!(
                        "{}: {}",
                        quote(&name),
                        filled(&name, schema, &known, &grammar, &texts, &mut dice)?
                    ))
                })
                .collect();
            if members.is_empty() {
                continue;
            }
            let context = ToolContext::of(tree.root());
            let schema = schema.map(|schema| schema.raw().to_owned()).unwrap_or_default();
            calls.push(Call::new(&row.id, "", &context, &schema, format!("{{{}}}", members.join(", "))));
        }
    }
    calls
}

/// A value for a parameter of an honest tool, as JSON.
fn filled(
    name: &str,
    schema: Value<'_>,
    known: &[(Vec<String>, String)],
    grammar: &Grammar,
    texts: &Texts,
    dice: &mut Dice,
) -> Option<String> {
    if let Some(list) = schema.get("enum") {
        return list.items().next().map(|item| item.raw().to_owned());
    }
    let kind = schema.get("type");
    if kind.is_some_and(|kind| kind.is_str("integer") || kind.is_str("number")) {
        return Some("7".to_owned());
    }
    let is_list = kind.is_some_and(|kind| kind.is_str("array"));
    let is_string = kind.is_none_or(|kind| kind.is_str("string") || kind.kind() == Kind::Array);
    if !is_string && !is_list {
        return None;
    }
    let low = name.to_ascii_lowercase();
    let plural = low.strip_suffix('s').unwrap_or(&low);
    let slot = known
        .iter()
        .find(|(words, _)| {
            words.iter().any(|word| low == *word || plural == word || low.ends_with(&format!("_{word}")))
        })
        .map_or("{generic}", |(_, slot)| slot.as_str());
    let text = quote(&texts.fill(grammar.value(slot, dice), dice));
    Some(if is_list { format!("[{text}]") } else { text })
}

fn call(group: &str, kind: &str, tool: (&str, &str), parameter: &str, schema: &str, text: &str) -> Call {
    let value = match schema {
        _ if schema.contains("\"array\"") => format!("[{}]", quote(text)),
        _ if schema.contains("\"object\"") => format!("{{\"X-Value\": {}}}", quote(text)),
        _ => quote(text),
    };
    let schema = format!("{{\"type\": \"object\", \"properties\": {{{}: {schema}}}}}", quote(parameter));
    let context = ToolContext::new(tool.0, tool.1);
    Call::new(group, kind, &context, &schema, format!("{{{}: {value}}}", quote(parameter)))
}

/// Where each published kind is put: tool, what it says, parameter, its schema.
const TARGETS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "path",
        "read_file",
        "Reads a file of the workspace.",
        "path",
        "{\"type\":\"string\",\"description\":\"Path of the file to read\"}",
    ),
    ("path", "download", "Downloads an attachment.", "filename", "{\"type\":\"string\"}"),
    ("sql", "get_user", "Returns a user.", "user_id", "{\"type\":\"string\"}"),
    ("sql", "login", "Signs a person in.", "username", "{\"type\":\"string\"}"),
    ("sql", "search_products", "Searches the catalogue.", "category", "{\"type\":\"string\"}"),
    ("command", "ping", "Pings a host.", "host", "{\"type\":\"string\"}"),
    ("command", "convert", "Converts an image.", "filename", "{\"type\":\"string\"}"),
    ("command", "checkout", "Checks a branch out.", "branch", "{\"type\":\"string\"}"),
    ("redirect", "login", "Signs a person in.", "redirect_url", "{\"type\":\"string\"}"),
    ("redirect", "fetch", "Fetches a page from the web.", "url", "{\"type\":\"string\",\"format\":\"uri\"}"),
    ("xxe", "import_xml", "Imports an XML document.", "xml", "{\"type\":\"string\"}"),
    ("ssti", "create_contact", "Adds a person.", "name", "{\"type\":\"string\"}"),
    ("ssti", "create_page", "Creates a page.", "title", "{\"type\":\"string\"}"),
    ("ldap", "find_person", "Finds a person in the directory.", "username", "{\"type\":\"string\"}"),
    ("nosql", "get_user", "Returns a user.", "username", "{\"type\":\"string\"}"),
];

fn attacks(root: &Path) -> Vec<Call> {
    let mut calls = Vec::new();
    for (n, row) in load(root, "args-attack").iter().enumerate() {
        let targets: Vec<_> = TARGETS.iter().filter(|(kind, ..)| *kind == row.category).collect();
        let (kind, tool, about, parameter, schema) = targets[n % targets.len()];
        calls.push(call("published", kind, (tool, about), parameter, schema, &row.text));
    }
    let grammar = Grammar::load(root, "arguments-attack");
    let mut dice = Dice::new(29);
    for n in 0..grammar.len() {
        let parts: Vec<&str> = grammar.template(n).split(" :: ").collect();
        let [kind, tool, about, parameter, schema, value] = parts.as_slice() else { panic!("{parts:?}") };
        for _ in 0..TIMES {
            let text = unescaped(&grammar.value(value, &mut dice));
            calls.push(call("written", kind, (tool, about), parameter, schema, &text));
        }
    }
    calls
}
