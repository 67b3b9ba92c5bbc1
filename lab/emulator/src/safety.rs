//! Azure AI Content Safety: Prompt Shields, the analysis of texts, blocklists, and the refusals in between. What it finds
//! is what a few lists of words say: the same text always gets the same answer.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::lab::Lab;

mod classify;
mod lists;
mod refusal;

pub(crate) use lists::Safety;
use refusal::SafetyError;

type SafetyResult<T> = Result<T, SafetyError>;

/// The most characters of a prompt, of all documents together, and of a text.
const LONGEST: usize = 10_000;
/// The most documents.
const DOCUMENTS: usize = 5;

/// Returns the routes.
pub(crate) fn routes() -> Router<Arc<Lab>> {
    Router::new()
        .route("/contentsafety/text:shieldPrompt", post(shield))
        .route("/contentsafety/text:analyze", post(analyze))
        .route("/contentsafety/text/blocklists", get(all_lists))
        .route("/contentsafety/text/blocklists/{name}", get(list).patch(list).delete(list).post(list))
        .route("/contentsafety/text/blocklists/{name}/blocklistItems", get(items))
        .route("/contentsafety/text/blocklists/{name}/blocklistItems/{id}", get(item))
        .fallback(elsewhere)
}

async fn shield(
    State(lab): State<Arc<Lab>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&lab, query, &headers, || {
        refusal::garbled(&lab, &body, shielded)?.map_or_else(|| shielded(&body), |garbled| Ok((200, garbled)))
    })
}

async fn analyze(
    State(lab): State<Arc<Lab>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let plain = |body: &[u8]| analyzed(&lab, body);
    answer(&lab, query, &headers, || {
        refusal::garbled(&lab, &body, plain)?.map_or_else(|| plain(&body), |garbled| Ok((200, garbled)))
    })
}

async fn all_lists(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&lab, query, &headers, || Ok((200, lab.safety().all().to_string())))
}

async fn list(
    State(lab): State<Arc<Lab>>,
    method: Method,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&lab, query, &headers, || {
        let (status, value) = lab.safety().operate(&method, &name, &headers, &body)?;
        Ok((status, if value.is_null() { String::new() } else { value.to_string() }))
    })
}

async fn items(
    State(lab): State<Arc<Lab>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, query, &headers, || Ok((200, lab.safety().items(&name)?.to_string())))
}

async fn item(
    State(lab): State<Arc<Lab>>,
    Path((name, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(&lab, query, &headers, || Ok((200, lab.safety().item(&name, &id)?.to_string())))
}

async fn elsewhere(State(lab): State<Arc<Lab>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&lab, query, &headers, || Err(SafetyError::no_resource()))
}

/// Everything that stands before the answer, in the order in which the service's front and the service itself look at it
/// (assumed).
fn answer(
    lab: &Lab,
    query: Option<String>,
    headers: &HeaderMap,
    then: impl FnOnce() -> SafetyResult<(u16, String)>,
) -> Response {
    let outcome = refusal::broken(lab)
        .and_then(|()| refusal::admitted(lab, headers))
        .and_then(|caller| refusal::within_rate(lab, &caller))
        .and_then(|()| refusal::versioned(query.as_deref()))
        .and_then(|()| then());
    match outcome {
        Ok((status, body)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            (status, [(http::header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
        }
        Err(refusal) => refusal.response(),
    }
}

fn shielded(body: &[u8]) -> SafetyResult<(u16, String)> {
    let asked = object(body)?;
    let prompt = match asked.get("userPrompt") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return Err(SafetyError::bad("The field userPrompt must be a string.")),
    };
    let documents = match asked.get("documents") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list
            .iter()
            .map(|document| document.as_str().ok_or(()))
            .collect::<Result<Vec<_>, ()>>()
            .map_err(|()| SafetyError::bad("The field documents must be a list of strings."))?,
        Some(_) => return Err(SafetyError::bad("The field documents must be a list of strings.")),
    };
    if prompt.is_empty() && documents.is_empty() {
        return Err(SafetyError::bad("Either userPrompt or documents must be provided."));
    }
    // Assumed: counted as .NET counts, in UTF-16 units, which is the stricter way.
    let length = |text: &str| text.encode_utf16().count();
    if length(prompt) > LONGEST {
        return Err(SafetyError::bad("The length of userPrompt exceeds the limit of 10000 characters."));
    }
    if documents.len() > DOCUMENTS {
        return Err(SafetyError::bad("The number of documents exceeds the limit of 5."));
    }
    if documents.iter().map(|document| length(document)).sum::<usize>() > LONGEST {
        return Err(SafetyError::bad("The total length of documents exceeds the limit of 10000 characters."));
    }
    let documents: Vec<Value> = documents
        .iter()
        .map(|document| json!({ "attackDetected": classify::is_document_attack(document) }))
        .collect();
    // Assumed: of what was not there nothing is said.
    let prompt = match prompt {
        "" => Value::Null,
        prompt => json!({ "attackDetected": classify::is_prompt_attack(prompt) }),
    };
    Ok((200, json!({ "userPromptAnalysis": prompt, "documentsAnalysis": documents }).to_string()))
}

fn analyzed(lab: &Lab, body: &[u8]) -> SafetyResult<(u16, String)> {
    let asked = object(body)?;
    let text = asked.get("text").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| SafetyError::bad("The field text is required."))?;
    if text.chars().count() > LONGEST {
        return Err(SafetyError::bad("The length of text exceeds the limit of 10000 characters."));
    }
    let eight = match asked.get("outputType") {
        None | Some(Value::Null) => false,
        Some(kind) if kind == "FourSeverityLevels" => false,
        Some(kind) if kind == "EightSeverityLevels" => true,
        Some(_) => return Err(SafetyError::bad("The field outputType has no such value.")),
    };
    let categories = strings(&asked, "categories")?;
    let unknown = categories.iter().any(|name| !classify::CATEGORIES.contains(&name.as_str()));
    if unknown {
        return Err(SafetyError::bad("The field categories holds a category that there is not."));
    }
    let halt = asked.get("haltOnBlocklistHit").and_then(Value::as_bool).unwrap_or(false);
    let hits = lab.safety().matches(&strings(&asked, "blocklistNames")?, text)?;
    let analysis: Vec<Value> = classify::CATEGORIES
        .iter()
        .filter(|_| !halt || hits.is_empty())
        .filter(|category| categories.is_empty() || categories.iter().any(|name| name == *category))
        .map(|category| {
            let severity = classify::severity(category, text);
            let severity = if eight { severity } else { severity / 2 * 2 };
            json!({ "category": category, "severity": severity })
        })
        .collect();
    Ok((200, json!({ "blocklistsMatch": hits, "categoriesAnalysis": analysis }).to_string()))
}

fn object(body: &[u8]) -> SafetyResult<Value> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    value
        .filter(Value::is_object)
        .ok_or_else(|| SafetyError::bad("The request body could not be read as JSON."))
}

fn strings(asked: &Value, member: &str) -> SafetyResult<Vec<String>> {
    let bad = || SafetyError::bad(&format!("The field {member} must be a list of strings."));
    match asked.get(member) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(bad)).collect()
        }
        Some(_) => Err(bad()),
    }
}
