//! Long texts in pieces that overlap, so that an attack across a border is whole in one of them (D-22).

use std::ops::Range;

/// Returns the byte ranges of windows of about `size` bytes, each of which begins `overlap` bytes before the last one ended.
/// Borders lie between characters.
pub fn windows(text: &str, size: usize, overlap: usize) -> Vec<Range<usize>> {
    let size = size.max(16);
    let step = size - overlap.min(size / 2);
    let mut found = Vec::new();
    let mut start = 0;
    loop {
        let end = text.floor_char_boundary((start + size).min(text.len()));
        found.push(start..end);
        if end == text.len() {
            return found;
        }
        start = text.floor_char_boundary(start + step);
    }
}
