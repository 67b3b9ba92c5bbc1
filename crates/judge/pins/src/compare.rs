//! Two definitions of one thing compared, member by member.

use std::borrow::Cow;
use std::collections::BTreeSet;

use doorward_inspect::Place;
use doorward_wire::{Kind as Json, Value};

use crate::definition::{Definition, Kind};
use crate::diff::{Diff, Field};
use crate::drift::{Changes, Drift, Level, Reason, Why};
use crate::visible::visible;
use crate::words;

/// Judges what a server says now against what was pinned. The two are of one kind; where their names differ, that is a
/// change like any other.
pub fn judge(pinned: &Definition, now: &Definition) -> Drift {
    if pinned.hash() == now.hash() && pinned.kind() == now.kind() {
        return Drift::Same;
    }
    let mut walk = Walk::default();
    if pinned.kind() != now.kind() {
        walk.meaning("", Why::Member);
    }
    walk.definition(now.kind(), pinned.root(), now.root());
    walk.drift()
}

/// What was found on the way.
#[derive(Default)]
pub(crate) struct Walk {
    level: Option<Level>,
    reasons: Vec<Reason>,
    fields: Vec<Field>,
    /// Words that came, in all texts together.
    added: usize,
}

/// One member in two objects, of which one may lack it.
pub(crate) struct Pair<'t> {
    pub(crate) name: Cow<'t, str>,
    pub(crate) pointer: String,
    pub(crate) old: Option<Value<'t>>,
    pub(crate) new: Option<Value<'t>>,
}

impl Walk {
    fn drift(mut self) -> Drift {
        // A sentence may be cut into pieces, one for each parameter.
        if self.added > words::MOST_IN_ALL {
            self.meaning("", Why::MuchText(self.added));
        }
        // What stands in front is read first: what is asked for before the one word too many.
        self.reasons
            .sort_by_key(|reason| matches!(reason.why, Why::Demand(_) | Why::Negation(_) | Why::MuchText(_)));
        // A page has an end, and nothing that matters may stand behind it because of forty commas in front.
        let weighty: BTreeSet<&str> = self.reasons.iter().map(|reason| reason.pointer.as_str()).collect();
        self.fields.sort_by_key(|field| !weighty.contains(field.pointer.as_str()));
        let changes = Changes { reasons: self.reasons, diff: Diff { fields: self.fields } };
        match self.level {
            Some(Level::Meaning) => Drift::Meaning(changes),
            Some(Level::Wording) => Drift::Wording(changes),
            Some(Level::Cosmetic) => Drift::Cosmetic,
            // The canonical forms differ, and nothing here says where: that must not pass for the same.
            None => Drift::Meaning(Changes {
                reasons: vec![Reason { pointer: String::new(), why: Why::Member }],
                diff: changes.diff,
            }),
        }
    }

    fn definition(&mut self, kind: Kind, old: Value<'_>, new: Value<'_>) {
        for pair in pairs("", old, new) {
            match (kind, pair.name.as_ref()) {
                (_, "description") => self.text(Place::Description, &pair),
                (Kind::Server, "instructions") => self.text(Place::Instructions, &pair),
                (Kind::Server, "serverInfo") => self.server_info(&pair),
                (_, "name" | "title") => self.other(&pair, Why::Renamed),
                (Kind::Tool, "inputSchema" | "outputSchema") => self.schema_member(&pair),
                (Kind::Tool, "annotations") => self.claims(&pair),
                (Kind::Prompt, "arguments") => self.arguments(&pair),
                // How large a resource is, says nothing about what it is; words in that place do.
                (Kind::Resource, "size") if is_one_of(&pair, Json::Number) => self.raise(Level::Cosmetic),
                (Kind::Resource | Kind::Template, "annotations") => self.resource_notes(&pair),
                (_, "_meta") => self.other(&pair, Why::Meta),
                _ => self.other(&pair, Why::Member),
            }
        }
    }

    fn server_info(&mut self, pair: &Pair<'_>) {
        for inner in inner(pair) {
            match inner.name.as_ref() {
                // A server that is brought up to date says so; what it offers is compared by itself.
                "version" if inner.old.is_some() && inner.new.is_some() => self.text(Place::Value, &inner),
                "description" => self.text(Place::Description, &inner),
                "name" | "title" => self.other(&inner, Why::Renamed),
                _ => self.other(&inner, Why::Member),
            }
        }
    }

    /// What a tool claims of itself. Clients ask a person or do not, by these; so each that changes counts, whichever way:
    /// a tool that now calls itself harmless wants to be asked about less.
    fn claims(&mut self, pair: &Pair<'_>) {
        const CLAIMS: [(&str, bool); 4] = [
            ("readOnlyHint", false),
            ("destructiveHint", true),
            ("idempotentHint", false),
            ("openWorldHint", true),
        ];
        // None and an empty object are one.
        self.raise(Level::Cosmetic);
        for inner in inner(pair) {
            let Some((name, default)) = CLAIMS.into_iter().find(|(name, _)| *name == inner.name) else {
                self.other(&inner, if inner.name == "title" { Why::Renamed } else { Why::Member });
                continue;
            };
            // Said or left out is one where it says what counts anyway.
            let claim = |value: Option<Value<'_>>| value.map_or(Some(default), |value| value.as_bool());
            match (claim(inner.old), claim(inner.new)) {
                (Some(was), Some(now)) if was == now => self.raise(Level::Cosmetic),
                (_, Some(now)) => self.other(&inner, Why::Claim { name, now }),
                (_, None) => self.other(&inner, Why::Member),
            }
        }
    }

    fn resource_notes(&mut self, pair: &Pair<'_>) {
        self.raise(Level::Cosmetic);
        for inner in inner(pair) {
            match inner.name.as_ref() {
                "lastModified" if is_one_of(&inner, Json::String) && is_time(&inner) => {
                    self.raise(Level::Cosmetic);
                }
                _ => self.other(&inner, Why::Member),
            }
        }
    }

    /// A prompt's arguments are a list; each is known by its name.
    fn arguments(&mut self, pair: &Pair<'_>) {
        let all = |list: Option<Value<'_>>| list.map_or(0, |list| list.len());
        let distinct = |list: Option<Value<'_>>| names(list).len();
        if all(pair.old) != distinct(pair.old) || all(pair.new) != distinct(pair.new) {
            return self.other(pair, Why::Member);
        }
        self.raise(Level::Cosmetic);
        for name in names(pair.old).union(&names(pair.new)) {
            let (old, new) = (named(pair.old, name), named(pair.new, name));
            let one =
                Pair { name: name.as_str().into(), pointer: step(&pair.pointer, name), old: None, new: None };
            match (old, new) {
                (Some(old), Some(new)) => self.argument(&one.pointer, old, new),
                (None, new) => self.other(&Pair { new, ..one }, Why::NewParameter),
                (old, None) => self.other(&Pair { old, ..one }, Why::ParameterGone),
            }
        }
    }

    fn argument(&mut self, pointer: &str, old: Value<'_>, new: Value<'_>) {
        for pair in pairs(pointer, old, new) {
            let is = |value: Option<Value<'_>>| value.map_or(Some(false), |value| value.as_bool());
            match pair.name.as_ref() {
                "description" | "title" => self.text(Place::Parameter, &pair),
                "required" => match (is(pair.old), is(pair.new)) {
                    (Some(was), Some(now)) if was == now => self.raise(Level::Cosmetic),
                    (_, Some(true)) => self.other(&pair, Why::NowRequired(pointer.to_owned())),
                    _ => self.other(&pair, Why::NoLongerRequired(pointer.to_owned())),
                },
                _ => self.other(&pair, Why::Member),
            }
        }
    }

    /// Two texts, or one and none. What is no text is no wording either.
    pub(crate) fn text(&mut self, place: Place, pair: &Pair<'_>) {
        let read = |value: Option<Value<'_>>| {
            value.map_or(Some(String::new()), |value| Some(value.as_str()?.into_owned()))
        };
        let (Some(old), Some(new)) = (read(pair.old), read(pair.new)) else {
            return self.other(pair, Why::Member);
        };
        let (level, why, added) = words::compare(place, &old, &new);
        self.raise(level);
        self.added += added;
        if level > Level::Cosmetic {
            self.fields.push(Field::of_texts(&pair.pointer, &old, &new));
        }
        let pointer = visible(&pair.pointer);
        self.reasons.extend(why.into_iter().map(|why| Reason { pointer: pointer.clone(), why }));
    }

    /// A change that is a meaning by its place alone.
    pub(crate) fn other(&mut self, pair: &Pair<'_>, why: Why) {
        self.shown(pair);
        self.meaning(&pair.pointer, why);
    }

    pub(crate) fn meaning(&mut self, pointer: &str, why: Why) {
        self.raise(Level::Meaning);
        self.reasons.push(Reason { pointer: visible(pointer), why });
    }

    /// A change that takes something away from what is let pass.
    pub(crate) fn narrowed(&mut self, pair: &Pair<'_>) {
        self.raise(Level::Wording);
        self.shown(pair);
    }

    pub(crate) fn raise(&mut self, level: Level) {
        self.level = self.level.max(Some(level));
    }

    pub(crate) fn shown(&mut self, pair: &Pair<'_>) {
        self.fields.push(Field::of_values(&pair.pointer, pair.old, pair.new));
    }
}

/// Whether what is there of a pair is of this kind.
fn is_one_of(pair: &Pair<'_>, kind: Json) -> bool {
    [pair.old, pair.new].into_iter().flatten().all(|value| value.kind() == kind)
}

/// Whether what is there of a pair could be a time, and nothing else.
fn is_time(pair: &Pair<'_>) -> bool {
    let is_sign = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | '+' | 'T' | 'Z');
    let texts = [pair.old, pair.new].into_iter().flatten().filter_map(|value| value.as_str());
    texts.into_iter().all(|text| text.len() <= 40 && text.chars().all(is_sign))
}

fn named<'t>(list: Option<Value<'t>>, name: &str) -> Option<Value<'t>> {
    list?.items().find(|item| item.get("name").is_some_and(|other| other.is_str(name)))
}

fn names(list: Option<Value<'_>>) -> BTreeSet<String> {
    let items = list.into_iter().flat_map(|list| list.items());
    items.filter_map(|item| Some(item.get("name")?.as_str()?.into_owned())).collect()
}

/// The members of two objects that differ, by name.
pub(crate) fn pairs<'t>(pointer: &str, old: Value<'t>, new: Value<'t>) -> Vec<Pair<'t>> {
    let names: BTreeSet<Cow<'t, str>> = old.members().chain(new.members()).map(|(name, _)| name).collect();
    let both = names.into_iter().map(|name| (old.get(&name), new.get(&name), name));
    both.filter(|(old, new, _)| old.map(|value| value.raw()) != new.map(|value| value.raw()))
        .map(|(old, new, name)| Pair { pointer: step(pointer, &name), name, old, new })
        .collect()
}

/// The members of what may be no object, or not there: all that the other has is then new, or gone.
fn inner<'t>(pair: &Pair<'t>) -> Vec<Pair<'t>> {
    let is_object = |value: Option<Value<'t>>| value.is_none_or(|value| value.kind() == Json::Object);
    if !is_object(pair.old) || !is_object(pair.new) {
        let whole = Pair { name: "".into(), pointer: pair.pointer.clone(), old: pair.old, new: pair.new };
        return vec![whole];
    }
    match (pair.old, pair.new) {
        (Some(old), Some(new)) => pairs(&pair.pointer, old, new),
        (old, new) => {
            let is_old = old.is_some();
            let members = old.or(new).into_iter().flat_map(|object| object.members());
            members
                .map(|(name, value)| Pair {
                    pointer: step(&pair.pointer, &name),
                    name,
                    old: is_old.then_some(value),
                    new: (!is_old).then_some(value),
                })
                .collect()
        }
    }
}

/// A JSON pointer one step further (RFC 6901).
pub(crate) fn step(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}
