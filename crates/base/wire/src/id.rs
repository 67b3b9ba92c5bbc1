//! JSON-RPC ids, which are progress tokens' type too.

use std::fmt;
use std::sync::Arc;

use crate::json::{Value, quote};

/// A request id or a progress token: a 64-bit integer or a string (L-07).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// An integer written without fraction and exponent.
    Number(i64),
    /// A string; `"1"` is not `1`.
    String(Arc<str>),
}

impl Id {
    /// Reads an id. `None` for null, fractions, exponents, integers beyond 64 bits and every other kind: two readers
    /// could take `1.0`, `1e0` or `18446744073709551617` for different ids and answer the wrong request.
    pub fn of(value: Value<'_>) -> Option<Self> {
        match value.as_i64() {
            Some(number) => Some(Self::Number(number)),
            None => value.as_str().map(|text| Self::String(text.into())),
        }
    }

    /// Writes the id as JSON.
    pub fn to_json(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::String(text) => quote(text),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}
