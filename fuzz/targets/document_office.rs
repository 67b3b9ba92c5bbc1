//! Archives and the XML of office files: never panics; the texts of one message stay within their bound, and each says something.

use doorward_document::{Budget, document};

pub(crate) fn run(data: &[u8]) {
    let found = document(data, "application/zip", &mut Budget::default());
    assert!(found.parts.iter().map(|part| part.text.len()).sum::<usize>() <= 1 << 20);
    assert!(found.parts.iter().all(|part| !part.text.is_empty()));
}
