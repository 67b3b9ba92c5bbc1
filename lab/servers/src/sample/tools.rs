//! The sample server's tools.

use serde_json::{Value, json};

use super::documents::Library;
use super::profiles::Profile;
use super::resources;
use crate::answer::{Answer, INVALID_PARAMS, text_result};
use crate::json::quoted;

/// The result of `tools/list`.
pub(crate) const LIST: &str = r#"{"tools":[
{"name":"list_documents","title":"List documents","description":"Names and titles of all documents.","inputSchema":{"type":"object","properties":{},"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}},
{"name":"read_document","title":"Read a document","description":"The whole text of one document.","inputSchema":{"type":"object","properties":{"name":{"type":"string","description":"The document's name, as list_documents gives it.","minLength":1,"maxLength":200}},"required":["name"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}},
{"name":"search_documents","title":"Search documents","description":"Which documents mention a word, and the line that does.","inputSchema":{"type":"object","properties":{"query":{"type":"string","description":"What to look for; upper and lower case are one.","minLength":1,"maxLength":200}},"required":["query"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}},
{"name":"write_document","title":"Write a document","description":"Creates a document, or replaces its text.","inputSchema":{"type":"object","properties":{"name":{"type":"string","description":"The document's name.","minLength":1,"maxLength":200},"text":{"type":"string","description":"Its whole new text."}},"required":["name","text"],"additionalProperties":false},"annotations":{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":true,"openWorldHint":false}},
{"name":"delete_document","title":"Delete a document","description":"Removes a document for good.","inputSchema":{"type":"object","properties":{"name":{"type":"string","description":"The document's name.","minLength":1,"maxLength":200}},"required":["name"],"additionalProperties":false},"annotations":{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":true,"openWorldHint":false}},
{"name":"get_profile","title":"Get a profile","description":"A member's profile, by the member's user id.","inputSchema":{"type":"object","properties":{"user_id":{"type":"string","description":"Whose profile.","minLength":1,"maxLength":200}},"required":["user_id"],"additionalProperties":false},"outputSchema":{"type":"object","properties":{"user_id":{"type":"string"},"name":{"type":"string"},"role":{"type":"string"},"bed":{"type":"integer","minimum":1}},"required":["user_id","name","role","bed"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":false}}
]}"#;

/// The result of `tools/list`, with the tool that asks Graph if there is a Graph to ask.
pub(crate) fn list_all(graph: Option<&super::graph::Graph>) -> String {
    match (LIST.strip_suffix("\n]}"), graph) {
        (Some(head), Some(graph)) => format!("{head},\n{}\n]}}", graph.tool()),
        _ => LIST.to_owned(),
    }
}

pub(crate) fn call(library: &mut Library, profiles: &[Profile], params: &Value) -> Answer {
    let argument = |name: &str| params.pointer(&format!("/arguments/{name}")).and_then(Value::as_str);
    let outcome = match params.get("name").and_then(Value::as_str) {
        Some("list_documents") => Ok(list(library)),
        Some("read_document") => required("name", argument).and_then(|name| read(library, name)),
        Some("search_documents") => required("query", argument).map(|query| search(library, query)),
        Some("write_document") => required("name", argument)
            .and_then(|name| required("text", argument).map(|text| write(library, name, text))),
        Some("delete_document") => required("name", argument).and_then(|name| delete(library, name)),
        Some("get_profile") => required("user_id", argument).and_then(|id| profile(profiles, id)),
        _ => return Answer::Error { code: INVALID_PARAMS, message: "Unknown tool".to_owned() },
    };
    // A failed call is a result, so that a model can read why and mend it.
    Answer::Result(outcome.unwrap_or_else(|why| text_result(&quoted(&why), true)))
}

fn required<'a>(name: &str, argument: impl Fn(&str) -> Option<&'a str>) -> Result<&'a str, String> {
    argument(name).ok_or_else(|| format!("The argument {name} is missing, or is no text."))
}

fn list(library: &Library) -> String {
    let lines: Vec<String> = library.list().map(|(name, title)| format!("{name}: {title}")).collect();
    text(&lines.join("\n"))
}

fn read(library: &Library, name: &str) -> Result<String, String> {
    let found = library.read(name).ok_or_else(|| absent(name))?;
    let link = json!({"type": "resource_link", "uri": resources::uri(name), "name": name, "mimeType": "text/markdown"});
    Ok(json!({"content": [{"type": "text", "text": found}, link], "isError": false}).to_string())
}

fn search(library: &Library, query: &str) -> String {
    let lines: Vec<String> =
        library.search(query).into_iter().map(|(name, line)| format!("{name}: {line}")).collect();
    if lines.is_empty() { text("No document mentions it.") } else { text(&lines.join("\n")) }
}

fn write(library: &mut Library, name: &str, content: &str) -> String {
    let verb = if library.write(name, content) { "Created" } else { "Replaced" };
    text(&format!("{verb} {name} ({} bytes).", content.len()))
}

fn delete(library: &mut Library, name: &str) -> Result<String, String> {
    if library.delete(name) { Ok(text(&format!("Deleted {name}."))) } else { Err(absent(name)) }
}

fn profile(profiles: &[Profile], user_id: &str) -> Result<String, String> {
    let found = profiles.iter().find(|profile| profile.user_id == user_id);
    let profile = found.ok_or_else(|| format!("Nobody here has the user id {user_id}."))?.json();
    let content = json!([{"type": "text", "text": profile.to_string()}]);
    Ok(json!({"content": content, "structuredContent": profile, "isError": false}).to_string())
}

fn text(text: &str) -> String {
    text_result(&quoted(text), false)
}

fn absent(name: &str) -> String {
    format!("There is no document {name}; list_documents names those there are.")
}
