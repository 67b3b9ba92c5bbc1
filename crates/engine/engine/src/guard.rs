//! What a server may ask a person for, and what a person's client may answer (L-24). A form must not ask for a secret: the
//! client, the server and every model behind them read what is written into it. An address must be one that the
//! operator named, and the one who opens it must be the one who was asked: else a server, or whoever speaks through it,
//! sends people where it likes, or has somebody else sign in for its caller. The door itself opens none.

#[cfg(test)]
mod tests;
mod words;

use std::fmt;
use std::sync::Arc;

use doorward_types::ServerName;
use doorward_wire::{Edits, Era, Frame, Kind, Value, quote};

use crate::ports::Ports;
use crate::sessions::Owner;
use crate::stage::Exchange;
use words::asks_for_secret;

/// Most fields of a form. A person fills it in.
const FIELDS: usize = 64;
/// Most bytes of a form.
const FORM: usize = 64 * 1024;
/// Most bytes of a message.
const MESSAGE: usize = 8 * 1024;
/// Most bytes of an address.
const URL: usize = 2048;
/// What a text field may say of its content.
const FORMATS: [&str; 4] = ["email", "uri", "date", "date-time"];

/// What one server may ask people for.
#[derive(Clone)]
pub struct ElicitationRules {
    /// Forms are read, and those that ask for secrets refused.
    pub forms_guarded: bool,
    /// Hosts that addresses may lead to, with their port unless it is the scheme's own.
    pub url_hosts: Vec<String>,
    /// Addresses may be plain HTTP where they lead to this machine: in a lab (D-19).
    pub plain_loopback: bool,
    /// How an address reaches the person.
    pub urls: Urls,
}

/// How an address that a server asks a person to open reaches them.
#[derive(Clone)]
pub enum Urls {
    /// Not at all: nobody could say who opens it.
    Refused,
    /// As it is, whoever opens it.
    Unproven,
    /// As a page of the door's own, which shows it to the one who was asked and to nobody else.
    Page(Arc<dyn Pages>),
}

/// Makes addresses of the door's own pages.
pub trait Pages: Send + Sync {
    /// Returns the address of the page that shows a visit to its owner; nothing if none can be made.
    fn address(&self, visit: &Visit<'_>) -> Option<String>;
}

/// An address that a server asks somebody to open.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Who was asked.
    pub owner: &'a Owner,
    /// Which server asks.
    pub server: &'a ServerName,
    /// Where to.
    pub url: &'a str,
    /// What for, in the server's words.
    pub message: &'a str,
}

impl fmt::Debug for ElicitationRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { forms_guarded, url_hosts, plain_loopback, urls: _ } = self;
        f.debug_struct("ElicitationRules")
            .field("forms_guarded", forms_guarded)
            .field("url_hosts", url_hosts)
            .field("plain_loopback", plain_loopback)
            .finish_non_exhaustive()
    }
}

/// Why a question does not reach the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// A form that asks for a secret.
    Secret,
    /// An address that is not on the list, or that nobody could be held to.
    Url,
    /// Not a question as the protocol has it.
    Malformed,
    /// It gives orders to the model that reads it.
    Injected,
}

impl Unasked {
    /// Returns the stable name of this reason.
    pub fn id(self) -> &'static str {
        match self {
            Self::Secret => "elicitation-asks-for-secret",
            Self::Url => "elicitation-url-not-allowed",
            Self::Malformed => "elicitation-malformed",
            Self::Injected => "question-injected",
        }
    }
}

/// Judges the parameters of an `elicitation/create`. Returns the address, if the person is asked to open one.
fn judge<'t>(
    params: Option<Value<'t>>,
    rules: &ElicitationRules,
    era: Era,
) -> Result<Option<Value<'t>>, Unasked> {
    let params = params.filter(Value::is_object).ok_or(Unasked::Malformed)?;
    let message =
        text(params, "message").filter(|message| message.len() <= MESSAGE).ok_or(Unasked::Malformed)?;
    match params.get("mode") {
        Some(mode) if mode.is_str("url") => {
            // 2025-11-25 has to know the question again when the server says that it is over; newer revisions ask anew.
            if era == Era::Legacy && text(params, "elicitationId").is_none_or(|id| id.is_empty()) {
                return Err(Unasked::Malformed);
            }
            let url = params.get("url").ok_or(Unasked::Malformed)?;
            if is_allowed(&url.as_str().ok_or(Unasked::Malformed)?, rules) {
                Ok(Some(url))
            } else {
                Err(Unasked::Url)
            }
        }
        mode if mode.is_none_or(|mode| mode.is_str("form")) => {
            let schema = params.get("requestedSchema").ok_or(Unasked::Malformed)?;
            if rules.forms_guarded {
                judge_form(schema, &message)?;
            }
            Ok(None)
        }
        _ => Err(Unasked::Malformed),
    }
}

fn text<'t>(value: Value<'t>, member: &str) -> Option<std::borrow::Cow<'t, str>> {
    value.get(member)?.as_str()
}

/// Says whether a browser would go to a host on the list, and to no other by any reading of the address.
fn is_allowed(url: &str, rules: &ElicitationRules) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !br#"\"<>^`{|}"#.contains(&byte);
    if url.len() > URL || !url.bytes().all(plain) {
        return false;
    }
    let (rest, port, encrypted) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, ":443", true),
        (_, Some(rest)) => (rest, ":80", false),
        _ => return false,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    // Compared whole, so that whatever else could stand here (a user name, `0x7f.1`, an escape) is on no list.
    let authority = authority.strip_suffix(port).unwrap_or(&authority);
    rules.url_hosts.iter().any(|host| host == authority)
        && (encrypted || (rules.plain_loopback && is_loopback(authority)))
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, _)) if !authority.ends_with(']') => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A form has the few kinds of field that the protocol has, and none of it asks for a secret.
fn judge_form(schema: Value<'_>, message: &str) -> Result<(), Unasked> {
    let well_formed = schema.raw().len() <= FORM
        && schema.get("type").is_some_and(|kind| kind.is_str("object"))
        && schema.get("required").is_none_or(is_texts)
        && schema.members().all(|(name, value)| match &*name {
            "properties" => value.is_object() && value.len() <= FIELDS,
            "required" => true,
            // Names a dialect and loads nothing.
            "$schema" => value.as_str().is_some(),
            name => is_plain(name, value),
        });
    let fields = schema.get("properties").filter(|_| well_formed).ok_or(Unasked::Malformed)?;
    let mut takes_anything = false;
    for (_, field) in fields.members() {
        takes_anything |= judge_field(field).ok_or(Unasked::Malformed)?;
    }
    // Where everything is to be chosen from a list there is no place to write a secret: "Reset your password? yes, no".
    if !takes_anything {
        return Ok(());
    }
    let says = |value: Value<'_>, member: &str, label: bool| {
        text(value, member).is_some_and(|text| asks_for_secret(&text, label))
    };
    let asks = |name: &str, field: Value<'_>| {
        asks_for_secret(name, true)
            || says(field, "title", true)
            || says(field, "description", false)
            || says(field, "default", false)
            || field.get("format").is_some_and(|format| format.is_str("password"))
            || field.get("writeOnly").is_some_and(|hidden| hidden.as_bool() == Some(true))
    };
    let asked = asks_for_secret(message, false)
        || says(schema, "title", true)
        || says(schema, "description", false)
        || fields.members().any(|(name, field)| asks(&name, field));
    if asked { Err(Unasked::Secret) } else { Ok(()) }
}

/// Says whether a field takes whatever is written into it; nothing if it is no field of a form.
fn judge_field(field: Value<'_>) -> Option<bool> {
    let kind = text(field, "type")?;
    let several = kind == "array";
    let format = field.get("format").filter(|_| kind == "string");
    let known =
        format.is_none_or(|format| FORMATS.iter().chain(&["password"]).any(|known| format.is_str(known)));
    let well_formed = known
        && matches!(&*kind, "string" | "number" | "integer" | "boolean" | "array")
        && field.get("items").is_some() == several
        && field.members().all(|(name, value)| match &*name {
            "enum" | "enumNames" => kind == "string" && is_texts(value),
            "oneOf" => kind == "string" && is_choices(value),
            "items" => is_items(value),
            "default" if several => is_texts(value),
            name => is_plain(name, value),
        });
    let chosen = several || kind == "boolean" || field.get("enum").is_some() || field.get("oneOf").is_some();
    well_formed.then_some(!chosen)
}

/// What several may be chosen from.
fn is_items(items: Value<'_>) -> bool {
    items.is_object()
        && items.get("type").is_none_or(|kind| kind.is_str("string"))
        && ["enum", "anyOf", "oneOf"].iter().filter(|name| items.get(name).is_some()).count() == 1
        && items.members().all(|(name, value)| match &*name {
            "enum" => is_texts(value),
            "anyOf" | "oneOf" => is_choices(value),
            name => is_plain(name, value),
        })
}

fn is_choices(value: Value<'_>) -> bool {
    value.kind() == Kind::Array
        && value.items().all(|choice| {
            choice.get("const").is_some_and(|value| value.as_str().is_some())
                && choice.members().all(|(name, value)| is_plain(&name, value))
        })
}

fn is_texts(value: Value<'_>) -> bool {
    value.kind() == Kind::Array && value.items().all(|item| item.as_str().is_some())
}

/// A word about a field: nothing is nested, and nothing leads elsewhere as `$ref` does.
fn is_plain(name: &str, value: Value<'_>) -> bool {
    !name.starts_with('$') && !matches!(value.kind(), Kind::Array | Kind::Object)
}

/// Says whether a client's answer to an elicitation is one.
pub(crate) fn is_answer(answer: Value<'_>) -> bool {
    let content = answer.get("content").filter(|content| !content.is_null());
    let filled_in = |content: Value<'_>| {
        content.is_object()
            && content.len() <= FIELDS
            && content.members().all(|(_, value)| {
                value.kind() != Kind::Object && (value.kind() != Kind::Array || is_texts(value))
            })
    };
    match text(answer, "action").as_deref() {
        Some("accept") => content.is_none_or(filled_in),
        // Whoever says no says nothing else.
        Some("decline" | "cancel") => content.is_none_or(|content| content.is_object() && content.is_empty()),
        _ => false,
    }
}

/// Says whether what a request brings for its server's questions can be answers: those to an elicitation name an action.
pub(crate) fn are_answers(frame: &Frame) -> bool {
    let Some(answers) = frame.params().and_then(|params| params.get("inputResponses")) else { return true };
    answers.is_object()
        && answers
            .members()
            .all(|(_, answer)| answer.is_object() && (answer.get("action").is_none() || is_answer(answer)))
}

impl<P: Ports> Exchange<P> {
    /// Judges one elicitation, asked as in `era`, and puts the door's own address in the place of the server's.
    pub(crate) fn guard(
        &self,
        params: Option<Value<'_>>,
        era: Era,
        edits: &mut Edits,
    ) -> Result<(), Unasked> {
        let server = &self.trail.server;
        let Some(url) = judge(params, &server.elicitation, era)? else { return Ok(()) };
        let pages = match &server.elicitation.urls {
            Urls::Unproven => return Ok(()),
            Urls::Refused => return Err(Unasked::Url),
            Urls::Page(pages) => pages,
        };
        let message = params.and_then(|params| text(params, "message")).unwrap_or_default();
        let address = url.as_str().unwrap_or_default();
        let visit =
            Visit { owner: &self.caller.owner, server: &server.name, url: &address, message: &message };
        edits.replace(url.span(), quote(&pages.address(&visit).ok_or(Unasked::Url)?));
        Ok(())
    }
}
