//! Texts that hide things: never panics; every place of every layer lies in the source, on borders of characters; all layers
//! together stay within a multiple of the source.

use doorward_text::{Limits, read, windows};

pub(crate) fn run(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let limits = Limits::default();
    let reading = read(source, &limits);
    let mut all = 0;
    for layer in reading.layers() {
        all += layer.text().len();
        for (at, c) in layer.text().char_indices() {
            let place = layer.source(at..at + c.len_utf8());
            assert!(source.get(place.clone()).is_some(), "{place:?} of {:?}", layer.origin());
        }
    }
    // Folding makes at most six bytes of one: a sign that stands for several letters.
    assert!(all <= (limits.growth + 12) * source.len() + 8192, "{all} of {}", source.len());
    for mark in reading.marks() {
        assert!(source.get(mark.span.clone()).is_some() && mark.count > 0, "{mark:?}");
    }
    let parts = windows(source, 64, 16);
    assert!(parts.iter().all(|part| source.get(part.clone()).is_some()));
    assert_eq!(parts.last().map(|part| part.end), Some(source.len()));
}
