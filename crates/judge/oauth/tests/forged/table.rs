//! The table: forged and unfit tokens, each with the one reason it must be refused for.

use doorward_oauth::{Expectation, TokenError, verify};

use super::forge::{Keys, expectation, now};
use super::{inside, outside};

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) token: String,
    pub(crate) expected: Expectation,
    pub(crate) error: TokenError,
}

/// A token for the usual server.
pub(crate) fn row(name: &'static str, token: String, error: TokenError) -> Row {
    Row { name, token, expected: expectation(), error }
}

/// A token for a server of other expectations.
pub(crate) fn row_for(name: &'static str, expected: Expectation, token: String, error: TokenError) -> Row {
    Row { name, token, expected, error }
}

// control: TOK-01, TOK-02: no forged or unfit token makes an identity, and each is refused for its own reason
#[test]
fn every_unfit_token_is_refused_for_its_own_reason() {
    let keys = Keys::generate();
    let rows: Vec<Row> = outside::rows(&keys).into_iter().chain(inside::rows(&keys)).collect();
    assert!(rows.len() >= 200, "only {} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        match verify(&row.token, &keys.published, &row.expected, now()) {
            Err(error) if error == row.error => {}
            Err(error) => {
                wrong.push(format!("{}: {} instead of {}", row.name, error.reason(), row.error.reason()))
            }
            Ok(_) => wrong.push(format!("{}: LET IN", row.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
