//! What is trained on and what is measured.

use std::path::Path;

use doorward_inspect::training::{
    Learned, Seen as Sentence, Topic, sentences_of, sentences_of_tool, topic_of,
};
use doorward_inspect::{Names, Place};

use crate::corpus::{Row, load, parse};
use crate::grammar::{Dice, Grammar};
use crate::train::{Bag, train};

/// Parts that honest rows are split into, by author; each is judged by a model that saw none of it.
pub(crate) const FOLDS: usize = 5;

/// Everything, with what the model sees of it.
pub(crate) struct Sets {
    /// Honest tools.
    pub(crate) honest: Vec<Row>,
    /// Poisoned tools.
    pub(crate) poisoned: Vec<Row>,
    /// Poisoned tools written by hand, in words of many kinds; nothing is trained on them.
    pub(crate) own: Vec<Row>,
    /// Honest documents, commits, advisories.
    pub(crate) documents: Vec<Row>,
    /// Results of tools with planted orders.
    pub(crate) injected: Vec<Row>,
    /// Documents with indirect injections.
    pub(crate) indirect: Vec<Row>,
    /// Honest prompts, some of which use the words of attacks.
    pub(crate) prompts: Vec<Row>,
    /// Results written by hand by somebody who saw no rule and no corpus, honest and not; only what is shipped learns from them.
    pub(crate) blind: Vec<Row>,
    /// The same for definitions.
    pub(crate) blind_tools: Vec<Row>,
    /// Lists of tools, written blind too: attacks that show beside a sibling alone, and lists whose tools speak of each other.
    pub(crate) lists: Vec<Row>,
    seen: Seen,
}

/// The sentences of each row, for either model.
struct Seen {
    honest: Vec<Vec<Vec<u16>>>,
    documents: [Vec<Vec<Vec<u16>>>; 2],
    planted: Vec<Vec<Vec<u16>>>,
    generated: [Vec<Bag>; 2],
    /// Results written by hand for training.
    written: [Vec<Bag>; 2],
    /// What only the shipped models learn from.
    blind: [Vec<Bag>; 2],
}

/// Which of the two models.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Definition,
    Content,
}

impl Kind {
    pub(crate) fn place(self) -> Place {
        match self {
            Self::Definition => Place::Description,
            Self::Content => Place::Content,
        }
    }
}

impl Sets {
    pub(crate) fn load(root: &Path) -> Self {
        let mut honest = load(root, "tools-benign");
        honest.extend(load(root, "tools-packages"));
        let mut prompts = load(root, "prompts-mixed");
        prompts.retain(|row| !row.is_attack);
        let documents = load(root, "results-benign");
        let poisoned = load(root, "tools-poisoned");
        let of = |place: Place, text: &str| -> Vec<Vec<u16>> {
            sentences_of(place, text, &Topic::of(text), &Names::default())
                .into_iter()
                .map(|seen| seen.features)
                .collect()
        };
        let all = |place: Place| documents.iter().map(|row| of(place, &row.text)).collect();
        let hosts: Vec<Topic> = honest.iter().map(|row| topic_of(parse(&row.text).root())).collect();
        let (blind, blind_tools) = (load(root, "results-blind"), load(root, "tools-blind"));
        let lists = load(root, "lists-blind");
        let seen = Seen {
            written: [
                load(root, "tools-written")
                    .iter()
                    .flat_map(definition)
                    .chain(load(root, "lists-written").iter().flat_map(tools))
                    .collect(),
                load(root, "results-written").iter().flat_map(result).collect(),
            ],
            blind: [
                blind_tools.iter().flat_map(definition).chain(lists.iter().flat_map(tools)).collect(),
                blind.iter().flat_map(result).collect(),
            ],
            honest: honest
                .iter()
                .map(|row| {
                    sentences_of_tool(parse(&row.text).root(), &names(row))
                        .into_iter()
                        .map(|seen| seen.features)
                        .collect()
                })
                .collect(),
            documents: [all(Place::Description), all(Place::Content)],
            planted: poisoned
                .iter()
                .map(|row| {
                    let topic = topic_of(parse(&row.text).root());
                    sentences_of(Place::Description, &row.span, &topic, &Names::default())
                        .into_iter()
                        .map(|seen| seen.features)
                        .collect()
                })
                .collect(),
            generated: [generated(root, Kind::Definition, &hosts), generated(root, Kind::Content, &hosts)],
        };
        Self {
            injected: load(root, "results-injected"),
            indirect: load(root, "results-indirect"),
            own: load(root, "tools-own"),
            honest,
            poisoned,
            documents,
            prompts,
            blind,
            blind_tools,
            lists,
            seen,
        }
    }

    /// A model that saw no honest row of `fold`, nor a planted text of it; of those only what `planted` allows.
    pub(crate) fn train(&self, kind: Kind, fold: Option<usize>, planted: bool) -> Learned {
        let is_seen = |row: &&Row| Some(part(&row.group)) != fold;
        let mut bags = self.seen.generated[kind as usize].clone();
        let bag = |sentences: &Vec<Vec<u16>>, is_attack, weight| Bag {
            sentences: sentences.clone(),
            is_attack,
            weight,
        };
        let honest = self.honest.iter().zip(&self.seen.honest).filter(|(row, _)| is_seen(row));
        let weight = if kind == Kind::Definition { 4.0 } else { 0.3 };
        bags.extend(honest.map(|(_, sentences)| bag(sentences, false, weight)));
        let documents = self.documents.iter().zip(&self.seen.documents[kind as usize]);
        let weight = if kind == Kind::Definition { 0.3 } else { 1.0 };
        bags.extend(
            documents.filter(|(row, _)| is_seen(row)).map(|(_, sentences)| bag(sentences, false, weight)),
        );
        bags.extend(self.seen.written[kind as usize].iter().cloned());
        // Measured on them are models that have not seen them.
        if fold.is_none() {
            bags.extend(self.seen.blind[kind as usize].iter().cloned());
        }
        if planted && kind == Kind::Definition {
            let planted = self.poisoned.iter().zip(&self.seen.planted).filter(|(row, _)| is_seen(row));
            bags.extend(planted.flat_map(|(_, sentences)| std::iter::repeat_n(bag(sentences, true, 1.0), 4)));
        }
        train(&bags, TRUST[kind as usize])
    }
}

/// A result written by hand: what was planted in it, and the rest, which is honest.
fn result(row: &Row) -> Vec<Bag> {
    let all = sentences_of(Place::Content, &row.text, &Topic::of(&row.text), &Names::default());
    parts(row, all)
}

/// A definition written by hand.
fn definition(row: &Row) -> Vec<Bag> {
    let mut bags = parts(row, sentences_of_tool(parse(&row.text).root(), &names(row)));
    // As rare as it is beside all that is honest.
    bags.iter_mut().for_each(|bag| bag.weight = 1.5);
    bags
}

/// A list written by hand, each tool beside its siblings.
fn tools(row: &Row) -> Vec<Bag> {
    let tree = parse(&row.text);
    let tools = tree.root().items().zip(siblings(row));
    let mut bags: Vec<Bag> =
        tools.flat_map(|(tool, names)| parts(row, sentences_of_tool(tool, &names))).collect();
    bags.iter_mut().for_each(|bag| bag.weight = 1.5);
    bags
}

/// For each tool of a list the names that it stands beside: those of its server, and those of others where the row says whose a
/// tool is.
pub(crate) fn siblings(row: &Row) -> Vec<Names> {
    let tree = parse(&row.text);
    let member = |name: &str| -> Vec<String> {
        let of = |tool: doorward_wire::Value<'_>| Some(tool.get(name)?.as_str()?.into_owned());
        tree.root().items().map(|tool| of(tool).unwrap_or_default()).collect()
    };
    let (names, said) = (member("name"), member("description"));
    // A row that does not say whose a tool is has one server.
    let mut servers: Vec<&str> = row.servers.iter().map(String::as_str).collect();
    servers.dedup();
    let server = |n: usize| {
        let own = row.servers.get(n).map_or("", String::as_str);
        servers.iter().position(|server| *server == own).unwrap_or_default()
    };
    let tools = names.iter().zip(&said).enumerate();
    let all = Names::of(tools.map(|(n, (name, said))| (server(n), name.as_str(), said.as_str())));
    (0..names.len()).map(|n| all.seen_from(server(n), false)).collect()
}

fn parts(row: &Row, all: Vec<Sentence>) -> Vec<Bag> {
    // Sentences are read folded, and so is what was planted.
    let plain = |text: &str| -> String {
        let reading = doorward_text::read(text, &doorward_text::Limits::default());
        let folded = reading.layers().first().map_or(text, |layer| layer.text());
        folded.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let spans: Vec<String> = row.spans.iter().map(|span| plain(span)).collect();
    let is_planted = |sentence: &Sentence| {
        let text = plain(&sentence.text);
        row.is_attack && spans.iter().any(|span| span.contains(&text) || text.contains(span))
    };
    let (planted, honest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_planted);
    let bag = |sentences: Vec<Sentence>, is_attack, weight| Bag {
        sentences: sentences.into_iter().map(|seen| seen.features).collect(),
        is_attack,
        weight,
    };
    [bag(planted, true, 3.0), bag(honest, false, 3.0)]
        .into_iter()
        .filter(|bag| !bag.sentences.is_empty())
        .collect()
}

/// The part that a group of rows belongs to.
pub(crate) fn part(group: &str) -> usize {
    let hash = group
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 40) as usize % FOLDS
}

/// The names of the tools of a row's server.
pub(crate) fn names(row: &Row) -> Names {
    Names::new(row.siblings.iter().map(String::as_str))
}

/// Tools that the grammars name; in every other sentence they are known to be tools of the same list.
const NAMED: [&str; 20] = [
    "send_email",
    "read_file",
    "execute_command",
    "write_file",
    "transfer_funds",
    "create_issue",
    "get_weather",
    "post_message",
    "list_accounts",
    "get_project",
    "search_issues",
    "resolve_id",
    "list_files",
    "describe_table",
    "get_user",
    "create_page",
    "validate_template",
    "list_clusters",
    "get_schema",
    "delete_file",
];

/// What one sentence of a grammar counts: there are many of each template, so that no choice of words weighs much.
const SHARE: [f32; 2] = [0.4, 0.1];
/// How much training trusts what it reads.
const TRUST: [f32; 2] = [0.2, 0.1];

/// Sentences of the grammars, a number of each template.
fn generated(root: &Path, kind: Kind, hosts: &[Topic]) -> Vec<Bag> {
    let mut bags = Vec::new();
    let mut dice = Dice::new(11);
    let (named, nobody) = (Names::new(NAMED), Names::default());
    let records = Grammar::load(root, "records");
    let mut add = |name: &str, times: usize, is_attack: bool| {
        let grammar = Grammar::load(root, name);
        for n in 0..grammar.len() * times {
            let text = grammar.sentence(n, &mut dice);
            let text = if kind == Kind::Content { within(&records, &text, &mut dice) } else { text };
            // Planted in a tool, it does not share its words; now and then it stands alone.
            let mut topic = if n % 8 == 0 { Topic::new() } else { hosts[dice.roll(hosts.len())].clone() };
            topic.add(&text);
            let place = match kind {
                Kind::Definition if name == "names" => Place::Name,
                Kind::Definition if n % 3 == 0 => Place::Parameter,
                _ => kind.place(),
            };
            let sentences = sentences_of(place, &text, &topic, if n % 2 == 0 { &named } else { &nobody })
                .into_iter()
                .map(|seen| seen.features)
                .collect();
            bags.push(Bag { sentences, is_attack, weight: SHARE[kind as usize] });
        }
    };
    match kind {
        Kind::Definition => {
            add("attacks", 90, true);
            add("names", 36, false);
        }
        Kind::Content => {
            add("attacks", 30, true);
            add("results", 200, true);
            add("letters", 60, false);
        }
    }
    add("honest", 36, false);
    bags.extend(examples(kind.place()));
    bags
}

/// What each rule must find, and what it must not.
fn examples(place: Place) -> Vec<Bag> {
    let of = |texts: &'static [&'static str], is_attack: bool| {
        texts.iter().map(move |text| {
            let all = sentences_of(place, text, &Topic::of(text), &Names::new(["send_email"]));
            Bag {
                sentences: all.into_iter().map(|seen| seen.features).collect(),
                is_attack,
                weight: if place.is_definition() { 4.0 } else { 1.0 },
            }
        })
    };
    let patterns = doorward_inspect::rules().filter(|rule| !rule.when.is_empty());
    patterns.flat_map(|rule| of(rule.positives, true).chain(of(rule.near_misses, false))).collect()
}

/// A text as it stands in what a tool returns.
fn within(records: &Grammar, text: &str, dice: &mut Dice) -> String {
    let record = records.value(records.template(dice.roll(records.len())), dice);
    let text = if record.contains("\"{text}\"") { text.replace('"', "\\\"") } else { text.to_owned() };
    record.replace("\\n", "\n").replace("\\t", "\t").replace("{text}", &text)
}
