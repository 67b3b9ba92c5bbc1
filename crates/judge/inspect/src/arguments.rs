//! The arguments of a call judged, each by the role of its parameter.
//!
//! `rock & roll; café` is honest as a search and an attack as a file's name, where the server may hand it to a shell. So a
//! value is read without its escapes, each kind of attack says how sure it is of itself, and the role of the parameter says
//! how much that is worth there. Nothing is looked up and nothing fetched; time is linear in the arguments.

/// Whether a text holds any of these signs.
macro_rules! any_of {
    ($text:expr, [$($sign:expr),+ $(,)?]) => {{
        static SIGNS: std::sync::LazyLock<crate::arguments::signs::Signs> =
            std::sync::LazyLock::new(|| crate::arguments::signs::Signs::new([$($sign),+]));
        SIGNS.are_in($text)
    }};
    ($text:expr, $list:ident, $sign:expr) => {{
        static SIGNS: std::sync::LazyLock<crate::arguments::signs::Signs> =
            std::sync::LazyLock::new(|| crate::arguments::signs::Signs::new($list.iter().map($sign)));
        SIGNS.are_in($text)
    }};
}

mod address;
mod expression;
mod lines;
mod markup;
mod path;
mod plain;
mod query;
mod role;
mod shell;
mod signs;
mod sql;
#[cfg(test)]
mod tests;
mod tool;
mod weigh;

use std::borrow::Cow;

use doorward_text::Origin;
use doorward_wire::{Kind, Value};

use crate::finding::{Finding, Severity};
use crate::judge::{Report, line};
use plain::Plain;
use role::{Role, role_of};
use signs::{Low, of};
use tool::Subject;
pub use tool::ToolContext;
use weigh::Weapon;

/// How deep arguments and their schema are followed; the parser's own limit is of that order.
const DEPTH: usize = 64;
/// How often a reference of a schema is followed.
const REFERENCES: usize = 8;
/// What is read of one value: its beginning and its end. Payloads are short, and what is longer is a document.
const LONGEST: usize = 256 * 1024;
/// From this length on a value is a document.
const LONG: usize = 4096;
/// The score from which on arguments are flagged.
const THRESHOLD: f32 = 0.5;
/// What weighs less says nothing.
const LEAST: f32 = 0.2;

/// Judges the arguments of a call. `schema` is the tool's input schema, where one is known.
pub fn arguments(schema: Option<Value<'_>>, arguments: Value<'_>, tool: &ToolContext) -> Report {
    let mut walk = Walk { root: schema, tool, report: Report::default() };
    walk.value("", schema, arguments, Role::Unknown, Pointer(None), 0);
    walk.report
}

/// The roles of the parameters that a tool's schema lists.
fn roles(schema: Value<'_>, tool: &ToolContext) -> Vec<(Box<str>, Role)> {
    let walk = Walk { root: Some(schema), tool, report: Report::default() };
    let listed = walk.resolved(schema).get("properties").into_iter().flat_map(|all| all.members());
    let role = |(name, own): (Cow<'_, str>, Value<'_>)| {
        let own = walk.resolved(walk.alternative(own));
        let role = walk.role(&name, Some(own), Role::Unknown, 1);
        (name.into(), role)
    };
    listed.map(role).collect()
}

/// Where a value stands: a JSON pointer (RFC 6901) that is written out where something is found.
#[derive(Clone, Copy)]
struct Pointer<'p>(Option<(&'p Pointer<'p>, Part<'p>)>);

#[derive(Clone, Copy)]
enum Part<'p> {
    Item(usize),
    Member(&'p str),
}

impl<'p> Pointer<'p> {
    fn then(&'p self, part: Part<'p>) -> Self {
        Self(Some((self, part)))
    }

    /// Depth is bounded, so recursion is too.
    fn write(&self) -> String {
        match self.0 {
            None => String::new(),
            Some((before, Part::Item(n))) => format!("{}/{n}", before.write()),
            Some((before, Part::Member(name))) => {
                format!("{}/{}", before.write(), name.replace('~', "~0").replace('/', "~1"))
            }
        }
    }
}

struct Walk<'a> {
    root: Option<Value<'a>>,
    tool: &'a ToolContext,
    report: Report,
}

impl<'a> Walk<'a> {
    /// Judges one value, called `name`, whose schema is known or not. `around` is the role of what it stands in.
    fn value(
        &mut self,
        name: &str,
        schema: Option<Value<'a>>,
        value: Value<'_>,
        around: Role,
        pointer: Pointer<'_>,
        depth: usize,
    ) {
        if depth > DEPTH {
            return;
        }
        let schema = schema.map(|schema| self.resolved(schema));
        match value.kind() {
            Kind::String => {
                let Some(text) = value.as_str() else { return };
                if !is_listed(schema, &text) {
                    self.text(self.role(name, schema, around, depth), &text, pointer);
                }
            }
            Kind::Array => {
                let items = schema.and_then(|schema| schema.get("items"));
                let role = self.role(name, schema, around, depth);
                for (n, item) in value.items().enumerate() {
                    self.value("", items, item, role, pointer.then(Part::Item(n)), depth + 1);
                }
            }
            Kind::Object => {
                let role = self.role(name, schema, around, depth);
                let scalar =
                    schema.and_then(|schema| schema.get("type")).is_some_and(|kind| kind.is_str("string"));
                for (member, inner) in value.members() {
                    let at = pointer.then(Part::Member(&member));
                    self.name(role, scalar, &member, at, depth);
                    let known = schema.and_then(|schema| self.member(schema, &member));
                    // What stands under an operator is what the operator compares with.
                    let role = if query::is_operator(&member) { Role::Unknown } else { role };
                    self.value(&member, known, inner, role, at, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// The role of what is called `name`. The members of the arguments themselves are the parameters, which the tool knows.
    fn role(&self, name: &str, schema: Option<Value<'a>>, around: Role, depth: usize) -> Role {
        if name.is_empty() {
            return around;
        }
        let known = if depth == 1 && self.root.is_some() { self.tool.role(name) } else { None };
        known.unwrap_or_else(|| role_of(name, schema, around, self.tool))
    }

    /// A member's name is chosen by the caller as well.
    fn name(&mut self, role: Role, scalar: bool, name: &str, pointer: Pointer<'_>, depth: usize) {
        if ["__proto__", "constructor.prototype"].iter().any(|code| name.eq_ignore_ascii_case(code)) {
            self.found(Weapon::Code, Role::Id, 0.9, name, pointer);
        }
        if query::is_operator(name) {
            let honest = matches!(role, Role::Filter | Role::Sql | Role::Code | Role::Data | Role::Search)
                || depth == 0
                || self.tool.is(Subject::Query)
                || self.tool.is(Subject::Sql);
            let sure: f32 = match (scalar, honest) {
                (true, _) => 1.0,
                (false, true) => 0.0,
                (false, false) => {
                    if matches!(role, Role::Unknown) {
                        0.5
                    } else {
                        0.9
                    }
                }
            };
            self.found(
                Weapon::Nosql,
                Role::Id,
                if name.eq_ignore_ascii_case("$where") { sure.max(0.6) } else { sure },
                name,
                pointer,
            );
        }
    }

    fn text(&mut self, role: Role, text: &str, pointer: Pointer<'_>) {
        let parts = if text.len() <= LONGEST {
            [text, ""]
        } else {
            let half = LONGEST / 2;
            let tail = text.get(text.ceil_char_boundary(text.len() - half)..).unwrap_or_default();
            [text.get(..text.floor_char_boundary(half)).unwrap_or_default(), tail]
        };
        for part in parts.into_iter().filter(|part| !is_tame(part, role)) {
            for (weapon, sure) in self.weigh(role, part) {
                self.found(weapon, role, sure, part, pointer);
            }
        }
    }

    /// How sure each kind of attack is of itself, before the role has its say.
    fn weigh(&self, role: Role, text: &str) -> Vec<(Weapon, f32)> {
        let plain = Plain::of(text);
        let low = &Low::of(&plain.low);
        let turned = low.has(of(b"\\")).then(|| low.replace('\\', "/"));
        let slashed = turned.as_deref().map(Low::of);
        let slashed = slashed.as_ref().unwrap_or(low);
        let looks_after = self.tool.is(Subject::System) || self.tool.is(Subject::Shell);
        let at_home = self.tool.is(Subject::Browser) || self.tool.is(Subject::Network);
        // In a long text only what alone is a reason to refuse is worth the time.
        let least = if text.len() > LONG { THRESHOLD } else { LEAST };
        let mut all = Vec::new();
        let mut ask = |weapon: Weapon, how: &dyn Fn() -> f32| {
            if weapon.weight(role) >= least {
                let sure = how();
                if sure > 0.0 {
                    all.push((weapon, sure));
                }
            }
        };
        ask(Weapon::Shell, &|| shell::injected(low));
        ask(Weapon::Command, &|| shell::hostile(low));
        ask(Weapon::Option, &|| shell::option(low));
        ask(Weapon::Sql, &|| if role == Role::Sql { sql::statement(low) } else { sql::injected(low) });
        ask(Weapon::Traversal, &|| path::climbs(slashed, &plain));
        ask(Weapon::System, &|| path::systems(slashed, looks_after));
        ask(Weapon::Address, &|| address::misleads(text, &plain, at_home, role == Role::Host));
        ask(Weapon::Template, &|| expression::template(low));
        ask(Weapon::Code, &|| expression::code(low));
        ask(Weapon::Object, &|| expression::object(low));
        ask(Weapon::Script, &|| {
            markup::script(low).max(if role == Role::Prose { 0.0 } else { markup::document(low) })
        });
        ask(Weapon::Entity, &|| markup::entity(low));
        ask(Weapon::Ldap, &|| query::ldap(low, role == Role::Filter));
        ask(Weapon::Xpath, &|| query::xpath(low));
        ask(Weapon::Nosql, &|| query::nosql(low));
        ask(Weapon::Lines, &|| lines::ends(text, low, plain.passes > 0));
        ask(Weapon::Null, &|| lines::null(low));
        ask(Weapon::Formula, &|| expression::formula(low));
        ask(Weapon::Pattern, &|| expression::pattern(text));
        ask(Weapon::Noise, &|| lines::noise(low));
        all
    }

    fn found(&mut self, weapon: Weapon, role: Role, sure: f32, text: &str, pointer: Pointer<'_>) {
        let score = sure * weapon.weight(role);
        if score < LEAST {
            return;
        }
        let rule = weapon.rule();
        let severity = if score >= THRESHOLD { rule.severity } else { Severity::Low };
        let finding = Finding {
            rule,
            pointer: pointer.write(),
            span: 0..text.len(),
            origin: Origin::Surface,
            severity,
            quote: format!("{}: {}", role.name(), line(text)),
        };
        // Two doubts at one place are more than one.
        let together = 1.0 - (1.0 - self.report.score) * (1.0 - score * 0.5);
        let report = Report {
            findings: vec![finding],
            score: if score >= THRESHOLD {
                score.max(self.report.score)
            } else {
                together.min(THRESHOLD - 0.01).max(self.report.score)
            },
            is_flagged: score >= THRESHOLD,
            ..Report::default()
        };
        self.report.take(report);
    }

    /// A schema, its references followed: those within the document alone.
    fn resolved(&self, schema: Value<'a>) -> Value<'a> {
        let mut schema = schema;
        for _ in 0..REFERENCES {
            let Some(reference) = schema.get("$ref").and_then(|value| value.as_str()) else { break };
            let Some(path) = reference.strip_prefix("#/") else { break };
            let parts: Vec<String> =
                path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
            let names: Vec<&str> = parts.iter().map(String::as_str).collect();
            let Some(target) = self.root.and_then(|root| root.path(&names)) else { break };
            schema = target;
        }
        schema
    }

    /// The schema of a member: its own, or that of one of the alternatives.
    fn member(&self, schema: Value<'a>, name: &str) -> Option<Value<'a>> {
        if let Some(found) = schema.path(&["properties"]).and_then(|all| all.get(name)) {
            return Some(self.alternative(found));
        }
        for list in ["allOf", "anyOf", "oneOf"] {
            for part in schema.get(list).into_iter().flat_map(|list| list.items()).take(16) {
                let part = self.resolved(part);
                if let Some(found) = part.path(&["properties"]).and_then(|all| all.get(name)) {
                    return Some(found);
                }
            }
        }
        schema.get("additionalProperties").filter(Value::is_object)
    }

    /// Of `anyOf: [string, null]` the one that says something, unless the parameter itself does.
    fn alternative(&self, schema: Value<'a>) -> Value<'a> {
        if schema.get("description").is_some() || schema.get("type").is_some() {
            return schema;
        }
        let lists = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|list| schema.get(list));
        let mut parts = lists.flat_map(|list| list.items()).take(16);
        parts.find(|part| !part.get("type").is_some_and(|kind| kind.is_str("null"))).unwrap_or(schema)
    }
}

/// Whether a value is one of those that the schema lists.
fn is_listed(schema: Option<Value<'_>>, text: &str) -> bool {
    let Some(schema) = schema else { return false };
    let listed = schema.get("enum").is_some_and(|list| list.items().any(|item| item.is_str(text)));
    listed || schema.get("const").is_some_and(|only| only.is_str(text))
}

/// Words and numbers: nothing of it means anything to a machine, unless it is an address or a command.
fn is_tame(text: &str, role: Role) -> bool {
    let words =
        text.len() < 200 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_'));
    if !words || matches!(role, Role::Host | Role::Url | Role::Command) {
        return false;
    }
    let low = text.to_ascii_lowercase();
    ![
        "select", " or ", "or ", "order", "0x", "__", "union", "shutdown", "li4v", "ro0ab", "l2v0", "zxrj",
        "which ",
    ]
    .iter()
    .any(|part| low.contains(part))
}
