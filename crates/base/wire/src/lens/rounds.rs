//! Results of 2026-07-28 that are not the end: what a server asks of the client before it answers (L-08, L-13).

use std::borrow::Cow;

use crate::json::Value;

/// What a result says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultType {
    /// The answer; it says nothing.
    Unsaid,
    /// The answer.
    Complete,
    /// The server asks for input first.
    InputRequired,
    /// The answer will be fetched by the tasks extension.
    Task,
    /// Something that this revision does not know.
    Unknown,
}

/// Reads the type of a result.
pub fn result_type(result: Value<'_>) -> ResultType {
    match result.get("resultType") {
        None => ResultType::Unsaid,
        Some(said) => match said.as_str().as_deref() {
            Some("complete") => ResultType::Complete,
            Some("input_required") => ResultType::InputRequired,
            Some("task") => ResultType::Task,
            _ => ResultType::Unknown,
        },
    }
}

/// What a server asks of the client.
#[derive(Debug, Clone)]
pub struct InputRequest<'t> {
    /// `elicitation/create`, `sampling/createMessage` or `roots/list`; anything else breaks the protocol.
    pub method: Cow<'t, str>,
    /// Its parameters, if it has any.
    pub params: Option<Value<'t>>,
}

/// Reads what an `input_required` result asks for. `None` if that cannot be read, or if there is neither a request nor a
/// state: nobody could go on from there.
pub fn input_requests(result: Value<'_>) -> Option<Vec<InputRequest<'_>>> {
    let state = result.get("requestState");
    if state.is_some_and(|state| state.as_str().is_none()) {
        return None;
    }
    let mut requests = Vec::new();
    if let Some(asked) = result.get("inputRequests") {
        if !asked.is_object() {
            return None;
        }
        for (_, request) in asked.members() {
            let method = request.get("method")?.as_str()?;
            requests.push(InputRequest { method, params: request.get("params") });
        }
    }
    (state.is_some() || !requests.is_empty()).then_some(requests)
}
