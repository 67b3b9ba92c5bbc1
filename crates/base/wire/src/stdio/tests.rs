use proptest::prelude::*;

use super::*;

fn read(chunks: &[&[u8]], max_line: usize) -> Vec<Result<Bytes, LineError>> {
    let mut reader = LineReader::new(max_line);
    let mut lines = Vec::new();
    for chunk in chunks {
        reader.push(chunk);
        lines.extend(std::iter::from_fn(|| reader.next_line()));
    }
    lines
}

fn line(text: &'static str) -> Result<Bytes, LineError> {
    Ok(Bytes::from_static(text.as_bytes()))
}

#[test]
fn lines_end_where_line_feeds_are() {
    for (stream, expected) in [
        ("{}\n", vec![line("{}")]),
        ("{}\r\n[]\n", vec![line("{}"), line("[]")]),
        ("\n\r\n  \n{}\n", vec![line("{}")]),
        ("a\rb\n", vec![line("a\rb")]),
        ("{}", vec![]),
        ("12345678\n", vec![line("12345678")]),
        ("12345678\r\nx\n", vec![line("12345678"), line("x")]),
        ("123456789\nx\n", vec![Err(LineError::TooLong), line("x")]),
    ] {
        let stream = stream.as_bytes();
        assert_eq!(read(&[stream], 8), expected);
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            assert_eq!(read(&[head, tail], 8), expected, "split at {at}");
        }
    }
}

#[test]
fn an_endless_line_is_reported_once_and_skipped() {
    let mut reader = LineReader::new(8);
    let mut faults = 0;
    for _ in 0..1000 {
        reader.push(b"xxxxxxxxxxxxxxxx");
        faults += std::iter::from_fn(|| reader.next_line()).count();
    }
    assert_eq!(faults, 1);
    assert!(reader.is_mid_line());
    reader.push(b"\n{}\n");
    assert_eq!(reader.next_line(), Some(line("{}")));
    assert!(!reader.is_mid_line());
}

#[test]
fn a_message_becomes_one_line_of_the_same_length() {
    let source = Bytes::from_static(b"{\r\n \"a\": \"x\\ny\",\n\"b\":[\n]}\n");
    let line = one_line(&source);
    assert_eq!(line.as_ref(), b"{   \"a\": \"x\\ny\", \"b\":[ ]} ");
    let already = Bytes::from_static(b"{}");
    assert_eq!(one_line(&already).as_ptr(), already.as_ptr());
}

proptest! {
    #[test]
    fn splits_do_not_matter(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x')], 0..60), size in 1_usize..9) {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(read(&chunks, 6), read(&[&bytes], 6));
    }
}

#[test]
fn a_frame_of_several_lines_is_written_as_one() {
    let mut out = BytesMut::from("before\n");
    write_line(&mut out, b"{\r\n\"a\":\"\\n\"}");
    assert_eq!(&out[..], b"before\n{  \"a\":\"\\n\"}\n");
}
