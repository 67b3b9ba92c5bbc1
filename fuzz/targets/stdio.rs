//! Lines: never panics; where the chunks are cut changes nothing; no line is longer than allowed.

use bytes::Bytes;
use doorward_wire::{LineError, LineReader, one_line};

pub(crate) fn run(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = read(stream, stream.len().max(1));
    assert_eq!(read(stream, usize::from(*size).max(1)), whole);
    assert_eq!(read(stream, 1), whole);
    for line in whole.iter().flatten() {
        assert!(line.len() <= MAX_LINE && !line.contains(&b'\n'));
    }
    let line = one_line(&Bytes::copy_from_slice(stream));
    assert!(line.len() == stream.len() && !line.contains(&b'\n') && !line.contains(&b'\r'));
}

const MAX_LINE: usize = 256;

fn read(stream: &[u8], size: usize) -> Vec<Result<Bytes, LineError>> {
    let mut reader = LineReader::new(MAX_LINE);
    let mut lines = Vec::new();
    for chunk in stream.chunks(size) {
        reader.push(chunk);
        while let Some(line) = reader.next_line() {
            lines.push(line);
        }
    }
    lines
}
