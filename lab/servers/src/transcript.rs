//! What a server was asked, word for word, so that a test can say what never reached it.

use std::sync::Mutex;

use bytes::Bytes;
use http::request::Parts;

/// One HTTP request as it arrived; header names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The HTTP verb.
    pub verb: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, in the order of arrival, values as text (other bytes replaced).
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Recorded {
    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The JSON-RPC method of the body, or nothing.
    #[must_use]
    pub fn method(&self) -> Option<String> {
        self.json().get("method")?.as_str().map(str::to_owned)
    }

    /// Whether `needle` occurs anywhere: path, header name, header value or body. For canaries and tokens.
    #[must_use]
    pub fn contains(&self, needle: &str) -> bool {
        self.path.contains(needle)
            || self.headers.iter().any(|(name, value)| name.contains(needle) || value.contains(needle))
            || String::from_utf8_lossy(&self.body).contains(needle)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Transcript {
    entries: Mutex<Vec<Recorded>>,
}

impl Transcript {
    pub(crate) fn record(&self, parts: &Parts, body: &Bytes) {
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        self.lock().push(Recorded {
            verb: parts.method.to_string(),
            path: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            headers: parts.headers.iter().map(header).collect(),
            body: body.clone(),
        });
    }

    pub(crate) fn entries(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Recorded>> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
