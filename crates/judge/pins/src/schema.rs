//! Two JSON schemas compared: does one let pass, ask for or suggest what the other does not?

use std::collections::BTreeSet;

use doorward_inspect::Place;
use doorward_wire::{Kind, Value};

use crate::compare::{Pair, Walk, pairs, step};
use crate::drift::{Level, Why};

impl Walk {
    /// A tool's schema of what goes in or comes out.
    pub(crate) fn schema_member(&mut self, pair: &Pair<'_>) {
        match (pair.old, pair.new) {
            (Some(old), Some(new)) => self.schema(&pair.pointer, old, new),
            _ => self.other(pair, Why::Schema(pair.name.clone().into_owned())),
        }
    }

    fn schema(&mut self, pointer: &str, old: Value<'_>, new: Value<'_>) {
        if !old.is_object() || !new.is_object() {
            let pair = Pair { name: "".into(), pointer: pointer.to_owned(), old: Some(old), new: Some(new) };
            return self.other(&pair, Why::Schema(last(pointer)));
        }
        for pair in pairs(pointer, old, new) {
            match pair.name.as_ref() {
                "title" | "description" | "$comment" => self.text(Place::Parameter, &pair),
                "properties" => self.properties(&pair, Why::NewParameter, Why::ParameterGone),
                "$defs" | "definitions" | "patternProperties" | "dependentSchemas" => {
                    let why = Why::Schema(pair.name.clone().into_owned());
                    self.properties(&pair, why.clone(), why);
                }
                "required" => self.required(&pair),
                "enum" => self.allowed(&pair, "enum"),
                "type" => self.types(&pair),
                "additionalProperties" => self.additional(&pair),
                "items" | "contains" | "propertyNames" | "unevaluatedProperties" | "unevaluatedItems" => {
                    self.schema_member(&pair);
                }
                "anyOf" | "allOf" => self.alternatives(&pair),
                "maxLength" => self.bound(&pair, "maxLength"),
                "maxItems" => self.bound(&pair, "maxItems"),
                "maxProperties" => self.bound(&pair, "maxProperties"),
                "maximum" => self.bound(&pair, "maximum"),
                "exclusiveMaximum" => self.bound(&pair, "exclusiveMaximum"),
                "pattern" => self.other(&pair, Why::Widened("pattern")),
                "format" => self.other(&pair, Why::Widened("format")),
                "default" => self.other(&pair, Why::NewValue("default")),
                "const" => self.other(&pair, Why::NewValue("const")),
                "examples" => self.other(&pair, Why::NewValue("examples")),
                // A lower bound lets more pass when it sinks, and asks for more when it rises: 500 characters of something.
                // `oneOf`, `not` and `if` turn narrower into wider, so nothing in them is told apart. The rest is not known.
                other => {
                    let why = Why::Schema(other.to_owned());
                    self.other(&pair, why);
                }
            }
        }
    }

    fn properties(&mut self, pair: &Pair<'_>, added: Why, gone: Why) {
        let is_object = |value: Option<Value<'_>>| value.is_none_or(|value| value.is_object());
        if !is_object(pair.old) || !is_object(pair.new) {
            return self.other(pair, Why::Schema(pair.name.clone().into_owned()));
        }
        let members = |value: Option<Value<'_>>| -> BTreeSet<String> {
            value.into_iter().flat_map(|value| value.members()).map(|(name, _)| name.into_owned()).collect()
        };
        // An empty list and none are one.
        self.raise(Level::Cosmetic);
        for name in members(pair.old).union(&members(pair.new)) {
            let old = pair.old.and_then(|value| value.get(name));
            let new = pair.new.and_then(|value| value.get(name));
            let one = Pair { name: name.as_str().into(), pointer: step(&pair.pointer, name), old, new };
            match (old, new) {
                (Some(old), Some(new)) if old.raw() == new.raw() => {}
                (Some(old), Some(new)) => self.schema(&one.pointer, old, new),
                (None, _) => self.other(&one, added.clone()),
                (_, None) => self.other(&one, gone.clone()),
            }
        }
    }

    fn required(&mut self, pair: &Pair<'_>) {
        let (Some(old), Some(new)) = (texts(pair.old), texts(pair.new)) else {
            return self.other(pair, Why::Schema("required".to_owned()));
        };
        if old == new {
            return self.raise(Level::Cosmetic);
        }
        self.shown(pair);
        for name in new.difference(&old) {
            self.meaning(&pair.pointer, Why::NowRequired(name.clone()));
        }
        for name in old.difference(&new) {
            self.meaning(&pair.pointer, Why::NoLongerRequired(name.clone()));
        }
    }

    fn types(&mut self, pair: &Pair<'_>) {
        let (Some(old), Some(new)) = (texts(pair.old), texts(pair.new)) else {
            return self.other(pair, Why::Schema("type".to_owned()));
        };
        if old == new {
            self.raise(Level::Cosmetic);
        } else if new.is_empty() || !old.is_empty() && !new.is_subset(&old) {
            self.other(pair, Why::Widened("type"));
        } else {
            // Where `null` was let pass and is not, something has to be said now.
            self.other(pair, Why::Narrowed("type"));
        }
    }

    /// Values that are let pass, in any order. Fewer of them are a choice less: `apply` without `dry-run`.
    fn allowed(&mut self, pair: &Pair<'_>, what: &'static str) {
        let values = |value: Option<Value<'_>>| -> Option<BTreeSet<String>> {
            let list = value.filter(|value| value.kind() == Kind::Array)?;
            Some(list.items().map(|item| item.raw().to_owned()).collect())
        };
        match (values(pair.old), values(pair.new)) {
            (Some(old), Some(new)) if old == new => self.raise(Level::Cosmetic),
            (Some(old), Some(new)) if new.is_subset(&old) => self.other(pair, Why::Narrowed(what)),
            _ => self.other(pair, Why::Widened(what)),
        }
    }

    fn additional(&mut self, pair: &Pair<'_>) {
        let is_open = |value: Option<Value<'_>>| value.map_or(Some(true), |value| value.as_bool());
        match (is_open(pair.old), is_open(pair.new)) {
            (Some(true), Some(true)) => self.raise(Level::Cosmetic),
            (Some(true) | None, Some(false)) => self.narrowed(pair),
            (None, None) => self.schema_member(pair),
            _ => self.other(pair, Why::Widened("additionalProperties")),
        }
    }

    /// Schemas of which one, or each, has to fit: in any order.
    fn alternatives(&mut self, pair: &Pair<'_>) {
        let sorted = |list: Option<Value<'_>>| {
            let mut raw: Vec<String> = items_of(list).map(|item| item.raw().to_owned()).collect();
            raw.sort();
            raw
        };
        let (old, new) = (pair.old.map_or(0, |list| list.len()), pair.new.map_or(0, |list| list.len()));
        if old != new || old == 0 {
            return self.other(pair, Why::Schema(pair.name.clone().into_owned()));
        }
        if sorted(pair.old) == sorted(pair.new) {
            return self.raise(Level::Cosmetic);
        }
        let both = items_of(pair.old).zip(items_of(pair.new)).enumerate();
        for (n, (old, new)) in both.filter(|(_, (old, new))| old.raw() != new.raw()) {
            self.schema(&step(&pair.pointer, &n.to_string()), old, new);
        }
    }

    /// An upper bound: less passes, more or none does not.
    fn bound(&mut self, pair: &Pair<'_>, what: &'static str) {
        let read = |value: Value<'_>| value.number_text().and_then(|text| text.parse::<f64>().ok());
        let is_narrower = match (pair.old, pair.new.map(read)) {
            (None, Some(Some(_))) => true,
            (Some(old), Some(Some(new))) => read(old).is_some_and(|old| new < old),
            _ => false,
        };
        if is_narrower { self.narrowed(pair) } else { self.other(pair, Why::Widened(what)) }
    }
}

fn items_of<'t>(list: Option<Value<'t>>) -> impl Iterator<Item = Value<'t>> {
    list.into_iter().flat_map(|list| list.items())
}

/// One text or a list of texts, as a set; `None` for anything else.
fn texts(value: Option<Value<'_>>) -> Option<BTreeSet<String>> {
    let Some(value) = value else { return Some(BTreeSet::new()) };
    match value.kind() {
        Kind::String => Some(value.as_str().into_iter().map(|text| text.into_owned()).collect()),
        Kind::Array => value.items().map(|item| Some(item.as_str()?.into_owned())).collect(),
        _ => None,
    }
}

fn last(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().to_owned()
}
