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

/// Says whether a client could go on from an `input_required` result: it has requests, a state, or both, as they must be.
pub fn is_round(result: Value<'_>) -> bool {
    let state = result.get("requestState");
    let asked = result.get("inputRequests");
    let requests = asked.is_some_and(|asked| asked.members().next().is_some());
    state.is_none_or(|state| state.as_str().is_some())
        && asked.is_none_or(|asked| asked.is_object())
        && (state.is_some() || requests)
}

/// Reads `inputRequests`. `None` if they cannot be read.
pub fn input_requests(asked: Value<'_>) -> Option<Vec<InputRequest<'_>>> {
    if !asked.is_object() {
        return None;
    }
    let mut requests = Vec::new();
    for (_, request) in asked.members() {
        requests
            .push(InputRequest { method: request.get("method")?.as_str()?, params: request.get("params") });
    }
    Some(requests)
}
