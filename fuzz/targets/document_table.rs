//! Tables with separators: never panics; the texts of one message stay within their bound, and each says something.

use doorward_document::{Budget, document, held, read};

pub(crate) fn run(data: &[u8]) {
    let found = document(data, "text/csv", &mut Budget::default());
    assert!(found.parts.iter().map(|part| part.text.len()).sum::<usize>() <= 1 << 20);
    assert!(found.parts.iter().all(|part| !part.text.is_empty()));
    // As a string that is read by itself besides.
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(held) = held(text, "text/csv", false) {
        let again = read(text, held, "text/csv", &mut Budget::default());
        assert!(again.parts.iter().map(|part| part.text.len()).sum::<usize>() <= 1 << 20);
    }
}
