//! One JSON-RPC message, read just far enough to be answered.

use http::StatusCode;

use crate::answer;
use crate::json;

/// The `_meta` key whose presence makes a request modern (2026-07-28, basic/index).
pub(crate) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// A message's parts, raw, as they stand in the body.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) method: Option<&'a str>,
    pub(crate) params: &'a [u8],
    pub(crate) meta: Option<&'a [u8]>,
    /// The revision named in `params._meta`; its presence is what makes a request modern.
    pub(crate) version: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Refusal> {
        let body = body.trim_ascii();
        if body.starts_with(b"[") {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, -32600, "Batches are not supported"));
        }
        let Some([id, method, params, result, error]) =
            json::members(body, ["id", "method", "params", "result", "error"])
        else {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, -32700, "Parse error"));
        };
        let method = match method.map(json::text) {
            Some(Some(std::borrow::Cow::Borrowed(method))) => Some(method),
            Some(_) => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    -32600,
                    "The method must be a plain string",
                ));
            }
            None if result.or(error).is_some() => None,
            None => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    -32600,
                    "Neither a request nor a response",
                ));
            }
        };
        let params = params.unwrap_or(b"{}");
        let meta = json::member(params, "_meta");
        let version = meta.and_then(|meta| json::member(meta, VERSION_KEY));
        Ok(Self { id, method, params, meta, version })
    }
}

/// A request to be answered.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) modern: bool,
    pub(crate) id: &'a [u8],
    pub(crate) method: &'a str,
    pub(crate) params: &'a [u8],
    /// The `Authorization` header it came with; a pipe has none.
    pub(crate) authorization: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// The token under which the caller wants to hear of progress, raw.
    pub(crate) fn progress_token(&self) -> Option<&'a [u8]> {
        json::member(json::member(self.params, "_meta")?, "progressToken")
    }

    /// The parameters as a tree; null if they are none.
    pub(crate) fn tree(&self) -> serde_json::Value {
        serde_json::from_slice(self.params).unwrap_or_default()
    }
}

/// A request this server will not take: an HTTP status and a JSON-RPC error.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: i64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), data: None }
    }

    pub(crate) fn frame(&self, id: Option<&[u8]>) -> bytes::Bytes {
        answer::error(id, self.code, &self.message, self.data.as_deref())
    }
}
