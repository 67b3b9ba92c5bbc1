//! The transcript: every request as it arrived, for a test to look at.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// More than any test makes; a forgotten emulator does not fill the memory.
const KEPT_AT_MOST: usize = 10_000;

/// One request as it arrived. It holds secrets of the lab; they are good for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Who was asked: `entra`, `graph`, `identity`, `vault`, `content-safety`, `third-party` or `documents`.
    pub service: String,
    /// The method.
    pub method: String,
    /// The path, still encoded.
    pub path: String,
    /// The query, still encoded, without the question mark; empty if there was none.
    pub query: String,
    /// Headers, names in lower case; a header that came twice is joined with `, `.
    pub headers: BTreeMap<String, String>,
    /// The body, with whatever is not UTF-8 replaced.
    pub body: String,
}

impl Recorded {
    /// Tells whether `needle` occurs anywhere, as it stands or percent-encoded: in path, query, a header or the body.
    pub fn contains(&self, needle: &str) -> bool {
        let encoded = crate::form::encode(&[("", needle)]);
        let encoded = encoded.trim_start_matches('=');
        let texts = [&self.path, &self.query, &self.body].into_iter().chain(self.headers.values());
        texts.into_iter().any(|text| text.contains(needle) || text.contains(encoded))
    }
}

/// The latest requests, oldest first.
#[derive(Default)]
pub(crate) struct Transcript(VecDeque<Recorded>);

impl Transcript {
    pub(crate) fn push(&mut self, entry: Recorded) {
        if self.0.len() == KEPT_AT_MOST {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.0.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
