//! `[data]`: what is done about secrets and personal data.

use doorward_dlp::{Class, Confidence, Direction, Purpose, Row, Treatment, What, kinds};
use doorward_types::ServerName;

use crate::build::values;
use crate::model::{Data, DataRule, Server};
use crate::near::nearest;
use crate::parse;
use crate::problem::Problems;
use crate::read::Section;
use crate::units::Fault;

/// Reads the table, or its defaults.
pub(crate) fn data(section: &Section<'_>, servers: &[Server], problems: &mut Problems) -> Option<Data> {
    let read = section.size("read", problems).and_then(|bytes| usize::try_from(bytes).ok());
    let unread = section.choice("unread", problems);
    let rules = match section.has("rule") {
        true => section.groups("rule", problems),
        false => Vec::new(),
    };
    let rules = rules.iter().filter_map(|section| rule(section, servers, problems)).collect();
    Some(Data { read_bytes: read?, refuses_unread: unread? == "refuse", rules })
}

fn rule(section: &Section<'_>, servers: &[Server], problems: &mut Problems) -> Option<DataRule> {
    let find = section.list("find", problems, what);
    let treatment = section.choice("do", problems).map(|word| match word {
        "allow" => Treatment::Allow,
        "mask" => Treatment::Mask,
        "redact" => Treatment::Redact,
        "tokenise" => Treatment::Tokenise,
        _ => Treatment::Block,
    });
    let direction = section.choice("direction", problems).map(|word| match word {
        "arguments" => Direction::Arguments,
        _ => Direction::Result,
    });
    let purpose = section.choice("place", problems).map(|word| match word {
        "contact" => Purpose::Contact,
        "credential" => Purpose::Credential,
        _ => Purpose::Content,
    });
    let at_least = section.choice("sure", problems).map(|word| match word {
        "possible" => Confidence::Possible,
        "certain" => Confidence::Certain,
        _ => Confidence::Likely,
    });
    let named = section.list("servers", problems, parse::server_name);
    for name in &named {
        if !servers.iter().any(|server| server.name == name.value) {
            let known = servers.iter().map(|server| server.name.as_str());
            let help = match nearest(name.value.as_str(), known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "name a server of this file, or leave `servers` out for all".to_owned(),
            };
            problems.add(name.span.clone(), format!("there is no server `{}`", name.value), help);
        }
    }
    let mut texts = |key| values(section.list(key, problems, any));
    let (tools, labels) = (texts("tools"), texts("labels"));
    let fields = texts("fields").iter().map(|field| field.to_ascii_lowercase()).collect::<Vec<_>>();
    let roles = values(section.list("roles", problems, parse::role));
    if section.has("find") && find.is_empty() && problems.is_empty() {
        problems.add(
            section.at("find"),
            "a rule about nothing",
            "name what it is about, `find = \"secrets\"` for one",
        );
    }
    // The server would hold placeholders that the model hands back to it as the text that they stand for.
    let direction = match (treatment?, direction) {
        (Treatment::Tokenise, Some(Direction::Arguments)) => {
            problems.add(
                section.at("do"),
                "`tokenise` is of answers alone: what a server is to get without knowing it cannot come back from it",
                "write \"redact\", \"mask\" or \"block\", or `direction = \"answers\"`",
            );
            return None;
        }
        (Treatment::Tokenise, None) => Some(Direction::Result),
        (_, direction) => direction,
    };
    let treatment = treatment?;
    let row = |what| {
        let (tools, fields, labels, roles) = (tools.clone(), fields.clone(), labels.clone(), roles.clone());
        let at_least = at_least.unwrap_or(Confidence::Likely);
        Row { at_least, direction, purpose, tools, fields, labels, roles, ..Row::new(what, treatment) }
    };
    let rows = values(find).into_iter().map(row).collect();
    Some(DataRule { servers: values(named), rows })
}

fn what(text: &str) -> Result<What, Fault> {
    match text {
        "everything" => return Ok(What::Any),
        "secrets" => return Ok(What::Class(Class::Secret)),
        "personal" => return Ok(What::Class(Class::Personal)),
        _ => {}
    }
    let kinds = kinds();
    if kinds.iter().any(|(kind, _)| *kind == text) {
        return Ok(What::Kind(text.to_owned()));
    }
    let words = ["everything", "secrets", "personal"].into_iter();
    let help = match nearest(text, words.chain(kinds.iter().map(|(kind, _)| *kind))) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => {
            "write \"secrets\", \"personal\", \"everything\", or a kind that docs/data.md lists".to_owned()
        }
    };
    Err(Fault::new(format!("`{text}` is no kind of data"), help))
}

/// Any text that is one.
pub(crate) fn any(text: &str) -> Result<String, Fault> {
    match text.is_empty() {
        true => Err(Fault::new("an empty text", "leave it out")),
        false => Ok(text.to_owned()),
    }
}

impl Data {
    /// Returns the rows for one server, in the order of the file.
    pub fn rows_for(&self, server: &ServerName) -> Vec<Row> {
        let meant = |rule: &&DataRule| rule.servers.is_empty() || rule.servers.contains(server);
        self.rules.iter().filter(meant).flat_map(|rule| rule.rows.iter().cloned()).collect()
    }
}
