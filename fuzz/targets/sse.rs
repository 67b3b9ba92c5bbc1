//! Event streams: never panics; where the chunks are cut changes nothing; what is written is read back.

use bytes::{Bytes, BytesMut};
use doorward_wire::{SseError, SseEvent, SseLimits, SseReader, sse};

pub(crate) fn run(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = read(stream, stream.len().max(1));
    assert_eq!(read(stream, usize::from(*size).max(1)), whole);
    assert_eq!(read(stream, 1), whole);
    let mut out = BytesMut::new();
    sse::write_event(&mut out, stream);
    let written = read(&out, usize::from(*size).max(1));
    // One event, and not a field more, unless it is over the limit.
    match written.as_slice() {
        [Ok(event)] => assert_eq!((event.data.len(), &event.event, &event.id), (stream.len(), &None, &None)),
        [Err(_)] => assert!(stream.len() > LIMITS.max_event),
        other => assert_eq!(other.len(), 1),
    }
}

const LIMITS: SseLimits = SseLimits { max_event: 512, max_line: 600 };

fn read(stream: &[u8], size: usize) -> Vec<Result<SseEvent, SseError>> {
    let mut reader = SseReader::new(LIMITS);
    let mut events = Vec::new();
    for chunk in stream.chunks(size) {
        reader.push_bytes(Bytes::copy_from_slice(chunk));
        for event in reader.by_ref() {
            let failed = event.is_err();
            events.push(event);
            if failed {
                return events;
            }
        }
    }
    events
}
