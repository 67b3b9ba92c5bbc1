//! The tools, by the names that the official suite calls them.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, text_result};
use crate::json::quoted;

/// The extension, as a client declares it.
pub(super) const TASKS: &str = "/extensions/io.modelcontextprotocol~1tasks";
const ELICITATION: &str = "/elicitation";

/// What a call sets going.
pub(super) struct Job {
    pub(super) takes: Duration,
    /// The keys of what it asks for on the way.
    pub(super) asks: &'static [&'static str],
    pub(super) text: String,
    end: End,
}

enum End {
    Well,
    ToolError,
    ProtocolError,
}

impl Job {
    fn new(takes: Duration, text: String) -> Self {
        Self { takes, asks: &[], text, end: End::Well }
    }

    /// The tool's result, or the JSON-RPC error that it ran into.
    pub(super) fn ends(&self, told: &Map<String, Value>) -> Result<Value, Value> {
        let text = told.iter().fold(self.text.clone(), |text, (key, response)| {
            format!("{text} {key}: {}.", response.get("action").and_then(Value::as_str).unwrap_or("none"))
        });
        let result = |is_error| json!({"content": [{"type": "text", "text": text}], "isError": is_error});
        match self.end {
            End::Well => Ok(result(false)),
            End::ToolError => Ok(result(true)),
            End::ProtocolError => Err(json!({"code": -32603, "message": text})),
        }
    }
}

pub(super) struct Tool {
    /// What the client must have declared, as pointers into its capabilities.
    pub(super) needs: &'static [&'static str],
    /// Asks before it begins.
    pub(super) in_rounds: bool,
    pub(super) job: Job,
}

/// The tools, what they tell of themselves, and their arguments' schemas.
const LIST: [(&str, &str, &str); 7] = [
    ("greet", "Greets at once.", r#"{"name":{"type":"string"}}"#),
    ("slow_compute", "Takes some seconds.", r#"{"seconds":{"type":"number"},"label":{"type":"string"}}"#),
    ("failing_job", "Fails after a while.", "{}"),
    ("protocol_error_job", "Breaks after a while.", "{}"),
    ("confirm_delete", "Asks whether it shall.", r#"{"filename":{"type":"string"}}"#),
    ("multi_input", "Asks for two things at once.", "{}"),
    ("test_tool_with_task", "Asks for a name, then takes a while.", "{}"),
];

pub(super) fn list() -> String {
    let tools = LIST.map(|(name, description, properties)| {
        format!(
            r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object","properties":{properties}}}}}"#
        )
    });
    format!(r#"{{"tools":[{}]}}"#, tools.join(","))
}

pub(super) fn tool(name: &str, arguments: &Value) -> Option<Tool> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let a_while = Duration::from_millis(300);
    let with = |needs, job| Some(Tool { needs, in_rounds: false, job });
    match name {
        "greet" => with(&[], Job::new(Duration::ZERO, format!("Hello, {}!", text("name")))),
        "slow_compute" => {
            let seconds = arguments.get("seconds").and_then(Value::as_f64).unwrap_or_default();
            let takes = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            with(&[], Job::new(takes, format!("{}: done", text("label"))))
        }
        "failing_job" => {
            with(&[TASKS], Job { end: End::ToolError, ..Job::new(a_while, "It failed.".to_owned()) })
        }
        "protocol_error_job" => {
            with(&[TASKS], Job { end: End::ProtocolError, ..Job::new(a_while, "It broke.".to_owned()) })
        }
        "confirm_delete" => with(
            &[TASKS, ELICITATION],
            Job { asks: &["confirm"], ..Job::new(Duration::ZERO, format!("{}.", text("filename"))) },
        ),
        "multi_input" => with(
            &[TASKS, ELICITATION],
            Job { asks: &["first", "second"], ..Job::new(Duration::ZERO, "Both.".to_owned()) },
        ),
        "test_tool_with_task" => Some(Tool {
            needs: &[TASKS, ELICITATION],
            in_rounds: true,
            job: Job::new(a_while, String::new()),
        }),
        _ => None,
    }
}

/// A question, under its key.
pub(super) fn question(key: &str) -> Value {
    let (name, kind) = if key == "confirm" { ("confirm", "boolean") } else { ("name", "string") };
    json!({"method": "elicitation/create", "params": {
        "mode": "form", "message": format!("Please give {key}."),
        "requestedSchema": {"type": "object", "properties": {name: {"type": kind}}, "required": [name]},
    }})
}

/// Says whether a request's client declared something.
pub(super) fn knows(params: &Value, capability: &str) -> bool {
    let declared = params.pointer("/_meta/io.modelcontextprotocol~1clientCapabilities");
    declared.and_then(|declared| declared.pointer(capability)).is_some_and(Value::is_object)
}

/// The client did not declare what this takes.
pub(super) fn missing(capability: &str) -> Answer {
    let required = match capability {
        TASKS => r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
        _ => r#"{"elicitation":{}}"#,
    };
    Answer::Missing(required)
}

/// The answer itself, when it is ready.
pub(super) fn at_once(job: Job) -> Answer {
    if job.takes.is_zero() {
        return Answer::Result(text_result(&quoted(&job.text), false));
    }
    Answer::Later(Box::pin(async move {
        tokio::time::sleep(job.takes).await;
        text_result(&quoted(&job.text), false)
    }))
}
