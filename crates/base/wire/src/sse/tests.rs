use proptest::prelude::*;

use super::*;

fn read(chunks: &[&[u8]]) -> Vec<SseEvent> {
    let mut reader = SseReader::new(SseLimits::default());
    let mut events = Vec::new();
    for chunk in chunks {
        reader.push(chunk);
        events.extend(reader.by_ref().map(Result::unwrap));
    }
    events
}

fn data(text: &str) -> SseEvent {
    SseEvent { data: Bytes::copy_from_slice(text.as_bytes()), ..SseEvent::default() }
}

#[test]
fn events_as_the_standard_reads_them() {
    for (stream, expected) in [
        ("data: a\n\n", vec![data("a")]),
        ("data:a\r\n\r\n", vec![data("a")]),
        ("data: a\r\rdata: b\r\r", vec![data("a"), data("b")]),
        ("data:  a\n\n", vec![data(" a")]),
        ("data: a\ndata: b\ndata:\n\n", vec![data("a\nb\n")]),
        ("data\ndata\n\n", vec![data("\n")]),
        ("\u{feff}data: a\n\n", vec![data("a")]),
        (": comment\n\n:\n\ndata: a\n:x\n\n", vec![data("a")]),
        ("event: message\ndata: a\n\n", vec![data("a")]),
        ("event: ping\ndata: a\n\n", vec![SseEvent { event: Some("ping".into()), ..data("a") }]),
        ("id: 7\ndata:\n\n", vec![SseEvent { id: Some("7".into()), ..data("") }]),
        ("id: 7\u{0}\ndata: a\n\n", vec![data("a")]),
        ("retry: 1500\n\n", vec![SseEvent { retry_ms: Some(1500), ..data("") }]),
        ("retry: 15s\n\nretry: -1\n\n", vec![]),
        ("unknown: x\ndatax: y\n data: z\n\n", vec![]),
        ("event: end\n\ndata: a\n\n", vec![data("a")]),
        ("data: a: b\n\n", vec![data("a: b")]),
        ("data: cut off\n", vec![]),
        ("\n\n\n", vec![]),
    ] {
        assert_eq!(read(&[stream.as_bytes()]), expected, "{stream:?}");
    }
}

#[test]
fn a_stream_split_anywhere_gives_the_same_events() {
    let stream = "\u{feff}data: é1\r\n\r\nid: 3\nevent: x\ndata: a\r\ndata: b\n\n: c\n\nretry: 9\rdata: z\r\r\n\ndata: last\n\n".as_bytes();
    let whole = read(&[stream]);
    assert_eq!(whole.len(), 4);
    for at in 0..=stream.len() {
        let (head, tail) = stream.split_at(at);
        assert_eq!(read(&[head, tail]), whole, "split at {at}");
    }
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read(&bytes), whole);
}

#[test]
fn one_line_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: {\"a\":1}\n\n");
    let mut reader = SseReader::new(SseLimits::default());
    reader.push_bytes(chunk.clone());
    let event = reader.next().unwrap().unwrap();
    assert_eq!(event.data.as_ptr(), chunk[6..].as_ptr());
}

#[test]
fn endless_lines_and_events_end_the_stream() {
    let limits = SseLimits { max_event: 8, max_line: 16 };
    for (stream, fault) in [
        ("data: 123456789\n\n", SseError::EventTooLarge),
        ("data: 1234\ndata: 5678\n\n", SseError::EventTooLarge),
        (&"data\n".repeat(20), SseError::EventTooLarge),
        (&"x".repeat(17), SseError::LineTooLong),
        (&format!("{}\n", "x".repeat(17)), SseError::LineTooLong),
    ] {
        for size in [1, 3, 1000] {
            let mut reader = SseReader::new(limits);
            let mut seen = None;
            for chunk in stream.as_bytes().chunks(size) {
                reader.push(chunk);
                seen = seen.or(reader.next());
            }
            assert_eq!(seen, Some(Err(fault)), "{stream}");
            reader.push(b"data: a\n\n");
            assert_eq!(reader.next(), Some(Err(fault)), "dead for good");
        }
    }
    let mut reader = SseReader::new(SseLimits::default());
    reader.push(b"event: \xff\n\n");
    assert_eq!(reader.next(), Some(Err(SseError::InvalidUtf8)));
}

#[test]
fn a_cut_event_is_noticed() {
    let mut reader = SseReader::new(SseLimits::default());
    reader.push(b"data: a\n\n");
    assert!(reader.next().is_some() && reader.next().is_none());
    assert!(!reader.is_mid_event());
    reader.push(b"data: b\n");
    assert!(reader.next().is_none());
    assert!(reader.is_mid_event());
}

// control: T-10: nothing inside a message can begin a field or an event of its own
#[test]
fn writing_cannot_be_injected_into() {
    let mut out = BytesMut::new();
    write_event(&mut out, b"{\n\"a\":1,\r\n\"b\":2}\n\ndata: evil\n\n");
    write_comment(&mut out, "x\ndata: evil\n\n");
    out.extend_from_slice(KEEP_ALIVE);
    let events = read(&[&out]);
    assert_eq!(events, [data("{ \"a\":1,  \"b\":2}  data: evil  ")]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(messages in prop::collection::vec("[^\r\n]{0,40}", 0..6), size in 1_usize..20) {
        let mut out = BytesMut::new();
        for message in &messages {
            write_event(&mut out, message.as_bytes());
        }
        let chunks: Vec<&[u8]> = out.chunks(size).collect();
        let expected: Vec<_> = messages.iter().map(|message| data(message)).collect();
        prop_assert_eq!(read(&chunks), expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_splits_do_not_matter(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..80),
        size in 1_usize..9,
    ) {
        let all = |chunks: &[&[u8]]| {
            let mut reader = SseReader::new(SseLimits { max_event: 16, max_line: 24 });
            let mut events = Vec::new();
            for chunk in chunks {
                reader.push(chunk);
                for event in reader.by_ref() {
                    let failed = event.is_err();
                    events.push(event);
                    if failed {
                        return events;
                    }
                }
            }
            events
        };
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(all(&chunks), all(&[&bytes]));
    }
}
