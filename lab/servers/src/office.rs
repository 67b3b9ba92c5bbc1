//! An office: the servers that somebody's model works with all day, mail, customers, pages, tickets, notes. What they answer
//! is planted by a test, and they remember what left the house by them.
//!
//! They do nothing on their own and keep no rule: whoever may write a page, a mail or a description decides here what the
//! model reads.

mod tools;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::answer::{About, Answer, INVALID_PARAMS, Service, text_result};
use crate::endpoint::Eras;
use crate::json::quoted;
use crate::message::Call;
use crate::running::Running;
use crate::state::State;

pub use tools::SERVERS;

/// The office. A clone is the same one.
#[derive(Debug, Clone, Default)]
pub struct Office(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    /// What reading answers, by `server/tool`.
    texts: BTreeMap<String, String>,
    /// What a tool is said to be, by `server/tool`, in place of the plain description.
    descriptions: BTreeMap<String, String>,
    /// The schema of a tool's arguments, where it is not any object.
    schemas: BTreeMap<String, Value>,
    notes: Vec<String>,
    outside: Vec<String>,
}

impl Office {
    /// Plants what `server/tool` answers from now on.
    pub fn plant(&self, tool: &str, text: &str) {
        self.inside().texts.insert(tool.to_owned(), text.to_owned());
    }

    /// Describes `server/tool` in other words from now on.
    pub fn describe(&self, tool: &str, text: &str) {
        self.inside().descriptions.insert(tool.to_owned(), text.to_owned());
    }

    /// Gives `server/tool` another schema from now on.
    pub fn define(&self, tool: &str, schema: Value) {
        self.inside().schemas.insert(tool.to_owned(), schema);
    }

    /// Forgets what was planted, kept and sent.
    pub fn clear(&self) {
        *self.inside() = Inside::default();
    }

    /// Returns the arguments of every call that left the house, as JSON.
    #[must_use]
    pub fn outside(&self) -> Vec<String> {
        self.inside().outside.clone()
    }

    /// Opens one of [`SERVERS`] on loopback.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn open(&self, server: &str) -> io::Result<Running> {
        self.open_in(server, Eras::Both).await
    }

    /// Opens one that speaks these revisions, with a transcript.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn open_in(&self, server: &str, eras: Eras) -> io::Result<Running> {
        let service = Desk { office: self.clone(), server: server.to_owned() };
        Running::start(SocketAddr::from(([127, 0, 0, 1], 0)), eras, State::new(true), service).await
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One server of the office.
struct Desk {
    office: Office,
    server: String,
}

impl Desk {
    fn list(&self) -> String {
        let inside = self.office.inside();
        let tools: Vec<_> = tools::of(&self.server)
            .map(|tool| {
                let name = format!("{}/{}", self.server, tool.name);
                let said = inside.descriptions.get(&name).map_or(tool.about, String::as_str);
                let schema = inside.schemas.get(&name).cloned().unwrap_or_else(|| json!({"type": "object"}));
                json!({"name": tool.name, "description": said, "inputSchema": schema})
            })
            .collect();
        json!({ "tools": tools }).to_string()
    }

    fn call(&self, name: &str, arguments: &Value) -> Option<String> {
        let tool = tools::of(&self.server).find(|tool| tool.name == name)?;
        let whole = format!("{}/{name}", self.server);
        let mut inside = self.office.inside();
        if (tool.leaves)(arguments) {
            inside.outside.push(arguments.to_string());
        }
        let text =
            |member: &str| arguments.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(planted) = inside.texts.get(&whole) {
            return Some(planted.clone());
        }
        Some(match whole.as_str() {
            "memory/store" => {
                inside.notes.push(text("text"));
                "kept".to_owned()
            }
            "memory/recall" => inside.notes.join("\n"),
            _ => "done".to_owned(),
        })
    }
}

impl Service for Desk {
    fn about(&self) -> &About {
        &About {
            implementation: r#"{"name":"doorward-office","version":"0.1.0"}"#,
            capabilities: r#"{"tools":{}}"#,
            instructions: "",
        }
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        match call.method {
            "tools/list" => Answer::Result(self.list()),
            "tools/call" => {
                let params = call.tree();
                let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
                let none = Value::Null;
                match self.call(name, params.get("arguments").unwrap_or(&none)) {
                    Some(text) => Answer::Result(text_result(&quoted(&text), false)),
                    None => Answer::Error { code: INVALID_PARAMS, message: "Unknown tool".to_owned() },
                }
            }
            _ => Answer::Unknown,
        }
    }
}
