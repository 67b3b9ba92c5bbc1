#![expect(clippy::string_slice, reason = "a cut in the wrong place is a failed test")]

use super::*;

mod bound;
mod encodings;
mod honest;
mod numbers;
mod people;
mod shapes;
mod windows;
mod written;

thread_local! {
    static FINDER: Finder = Finder::new();
}

fn find(text: &str) -> Vec<Found> {
    FINDER.with(|finder| finder.find(text, &Place::default()))
}

fn find_member(name: &str, text: &str) -> Vec<Found> {
    FINDER.with(|finder| finder.find(text, &Place { field: Some(name), ..Place::default() }))
}

/// The kinds of secrets in a text, of which nothing is guessed.
fn secrets(text: &str) -> Vec<&'static str> {
    let found = find(text).into_iter().filter(|found| found.class == Class::Secret);
    found.map(|found| found.kind).collect()
}

/// Says whether the one secret of the text is `secret`, and of that kind.
fn is_found(text: &str, kind: &str, secret: &str) -> bool {
    let found = find(text);
    let hit = found.iter().find(|found| found.class == Class::Secret && found.kind == kind);
    hit.is_some_and(|hit| {
        // A rest that gives nothing away may be left: padding, a sign at the end.
        let shown = &text[hit.span.clone()];
        shown.contains(secret) || secret.starts_with(shown) && secret.len() - shown.len() <= 2
    })
}
