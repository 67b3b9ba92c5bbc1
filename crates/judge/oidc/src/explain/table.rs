//! The rows, in files by what is wrong: the person and their session, the app registration, the request. Each file is in
//! the order of its numbers.

mod apps;
mod people;
mod requests;

use super::Explanation;

/// Returns every row.
pub(super) fn all() -> impl Iterator<Item = &'static Explanation> {
    files().into_iter().flatten()
}

/// Returns the rows by file.
pub(super) fn files() -> [&'static [Explanation]; 3] {
    [people::ROWS, apps::ROWS, requests::ROWS]
}

/// Writes a row on four lines.
const fn row(code: u32, title: &'static str, cause: &'static str, fix: &'static str) -> Explanation {
    Explanation { code, title, cause, fix }
}
