//! `[flow]`, and the rows that say what each tool, resource and prompt is: `[[server.flow]]` of a gateway, `[[label]]` of a
//! guard.

use std::collections::BTreeSet;

use doorward_flow::{Confidentiality, Entry, Item, Labels, Rules};
use doorward_types::{ClientId, ServerName};

use crate::build::values;
use crate::model::{Flow, FlowMode};
use crate::problem::Problems;
use crate::read::Section;
use crate::units::Fault;
use crate::{checks, parse};

/// Every row of the file, as it is read server by server.
#[derive(Default)]
pub(crate) struct Rows<'a> {
    rows: Vec<Row<'a>>,
    trusted: BTreeSet<ServerName>,
}

struct Row<'a> {
    server: ServerName,
    section: Section<'a>,
    item: Option<(&'static str, String)>,
    integrity: Option<&'static str>,
    confidentiality: Option<&'static str>,
    sink: Option<String>,
}

impl<'a> Rows<'a> {
    /// Reads the rows of one server.
    pub(crate) fn of_server(&mut self, of: &Section<'a>, problems: &mut Problems) {
        // What is wrong with the name is told where the server is read.
        let server = of.text("name", &mut Problems::default(), parse::server_name).map(|read| read.value);
        if of.has("flow") {
            for section in of.groups("flow", problems) {
                self.row(server.as_ref(), section, problems);
            }
        }
    }

    fn row(&mut self, server: Option<&ServerName>, section: Section<'a>, problems: &mut Problems) {
        let named: Vec<_> =
            ["tool", "resource", "prompt"].into_iter().filter(|key| section.has(key)).collect();
        let mut item = None;
        for key in &named {
            item = section.text(key, problems, name).map(|read| (*key, read.value));
        }
        if let [_, second, ..] = named.as_slice() {
            let what = format!("a row is about one thing, and this one names `{second}` as well");
            problems.add(section.at(second), what, format!("write a row of its own for `{second}`"));
            return;
        }
        let definitions = section.choice("definitions", problems);
        if definitions.is_some() && !named.is_empty() {
            problems.add(
                section.at("definitions"),
                "`definitions` is about all that the server says of itself, and this row is about one thing of it",
                "write it in the row that has neither `tool`, `resource` nor `prompt`",
            );
        }
        let integrity = section.choice("integrity", problems);
        let confidentiality = section.choice("confidentiality", problems);
        let sink = section.text("sink", problems, |text| Ok(text.to_owned())).map(|read| read.value);
        let says = ["integrity", "confidentiality", "sink"].iter().any(|key| section.has(key));
        let Some(server) = server.cloned() else { return };
        if definitions == Some("trusted") {
            self.trusted.insert(server.clone());
        }
        // A word that is none was told already.
        let wrong = section.has("integrity") && integrity.is_none()
            || section.has("confidentiality") && confidentiality.is_none();
        if !wrong && (says || definitions.is_none()) {
            self.rows.push(Row { server, section, item, integrity, confidentiality, sink });
        }
    }

    fn labels(&self, problems: &mut Problems) -> Option<Labels> {
        let entries: Vec<_> = self.rows.iter().map(Row::entry).collect();
        match Labels::read(&entries) {
            Ok(labels) => Some(labels),
            Err(errors) => {
                for error in errors {
                    let row = self.rows.get(error.entry);
                    let place = row.and_then(|row| match error.member {
                        Some(member) => row.section.at(member),
                        None => row.section.span(),
                    });
                    problems.add(place, error.what, error.help);
                }
                None
            }
        }
    }
}

impl Row<'_> {
    fn entry(&self) -> Entry<'_> {
        let item = self.item.as_ref().map(|(key, name)| match *key {
            "resource" => Item::Resource(name),
            "prompt" => Item::Prompt(name),
            _ => Item::Tool(name),
        });
        Entry {
            server: &self.server,
            item,
            integrity: self.integrity,
            confidentiality: self.confidentiality,
            sink: self.sink.as_deref(),
        }
    }
}

/// Reads `[flow]`, once all rows are read.
pub(crate) fn flow(root: &Section<'_>, rows: &Rows<'_>, problems: &mut Problems) -> Option<Flow> {
    let labels = rows.labels(problems);
    let section = root.group_or_defaults("flow", problems)?;
    let mode = section.choice("mode", problems);
    let private = section.choice("private", problems).and_then(Confidentiality::parse);
    let idle = section.duration("idle", problems);
    let calls = section.count("calls", problems);
    let outward = section.size("outward", problems);
    let clients = section.list("believed_clients", problems, client);
    checks::distinct("client", &clients, problems);
    let conversation = section.text("conversation", problems, name).map(|read| read.value);
    let approval_time = section.duration("approval_time", problems);
    let approver_role = section.text("approver_role", problems, parse::role).map(|read| read.value);
    if conversation.is_some() && clients.is_empty() {
        problems.add(
            section.at("conversation"),
            "`conversation` is of no use: no client is believed",
            "name the clients in `believed_clients`, or take it out",
        );
    }
    Some(Flow {
        // One row says that somebody means it. Without any, everything would be asked about from the second call on.
        mode: match mode {
            Some("record") => FlowMode::Record,
            Some("off") => FlowMode::Off,
            None if rows.rows.is_empty() => FlowMode::Off,
            _ => FlowMode::Enforce,
        },
        labels: labels?,
        rows: rows.rows.len(),
        rules: Rules {
            private: private?,
            idle: idle?.value,
            calls: u64::try_from(calls?).unwrap_or(u64::MAX),
            outward_bytes: outward?,
            narrowing: values(clients).into_iter().collect(),
        },
        conversation,
        definitions_trusted: rows.trusted.clone(),
        approval_time: approval_time?.value,
        approver_role,
    })
}

/// Reads a guard's labels.
pub(crate) fn labels(root: &Section<'_>, problems: &mut Problems) -> Option<Flow> {
    let mut rows = Rows::default();
    if root.has("label") {
        for section in root.groups("label", problems) {
            let server = section.text("server", problems, parse::server_name).map(|read| read.value);
            rows.row(server.as_ref(), section, problems);
        }
    }
    flow(root, &rows, problems)
}

fn name(text: &str) -> Result<String, Fault> {
    if text.is_empty() || text.len() > 1024 || text.chars().any(char::is_control) {
        return Err(Fault::new("this names nothing", "write the name as the server lists it"));
    }
    Ok(text.to_owned())
}

fn client(text: &str) -> Result<ClientId, Fault> {
    ClientId::parse(text)
        .or_else(|_| ClientId::registered(text))
        .map_err(|why| Fault::new(format!("`{text}` is {why}"), "write the client's id as the log has it"))
}
