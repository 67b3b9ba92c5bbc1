//! The sample server's prompts.

use serde_json::{Value, json};

use super::documents::Library;
use crate::answer::{Answer, INVALID_PARAMS};

/// The result of `prompts/list`.
pub(crate) const LIST: &str = r#"{"prompts":[
{"name":"summarize_document","title":"Summarize a document","description":"Asks for a summary of one document.","arguments":[{"name":"name","description":"The document's name.","required":true}]},
{"name":"draft_announcement","title":"Draft an announcement","description":"Asks for a short note to the members.","arguments":[{"name":"topic","description":"What it is about.","required":true},{"name":"tone","description":"How it should sound; friendly if left out."}]}
]}"#;

pub(crate) fn get(library: &Library, params: &Value) -> Answer {
    let argument = |name: &str| params.pointer(&format!("/arguments/{name}")).and_then(Value::as_str);
    match params.get("name").and_then(Value::as_str) {
        Some("summarize_document") => summarize(library, argument("name")),
        Some("draft_announcement") => draft(argument("topic"), argument("tone")),
        _ => unfit("Unknown prompt"),
    }
}

fn summarize(library: &Library, name: Option<&str>) -> Answer {
    match name.and_then(|name| library.read(name)) {
        Some(text) => {
            prompt("A document to summarize", &format!("Summarize this in two sentences:\n\n{text}"))
        }
        None => unfit("The argument name must be the name of a document"),
    }
}

fn draft(topic: Option<&str>, tone: Option<&str>) -> Answer {
    match topic {
        Some(topic) => {
            let tone = tone.unwrap_or("friendly");
            prompt(
                "A note to the members",
                &format!("Write a {tone} note of five lines to the members about: {topic}"),
            )
        }
        None => unfit("The argument topic is missing"),
    }
}

fn prompt(description: &str, text: &str) -> Answer {
    let message = json!({"role": "user", "content": {"type": "text", "text": text}});
    Answer::Result(json!({"description": description, "messages": [message]}).to_string())
}

fn unfit(why: &str) -> Answer {
    Answer::Error { code: INVALID_PARAMS, message: why.to_owned() }
}
