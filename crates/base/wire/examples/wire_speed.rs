//! What the parser and the stream reader cost: `cargo run --release -p doorward-wire --example wire_speed`.

#![expect(clippy::print_stdout, reason = "a report for the person who runs it")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock; the crate does not")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use doorward_wire::{
    Frame, Id, Limits, RoutingHeaders, SseLimits, SseReader, Tree, classify, rewrite_id, sse, stdio,
};

/// Rounds of which the median is reported.
const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let call = Bytes::from_static(
        br#"{"jsonrpc":"2.0","id":41,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Oslo","unit":"celsius","days":3,"detail":true},"_meta":{"progressToken":"p-1"}}}"#,
    );
    let modern = Bytes::from_static(
        br#"{"jsonrpc":"2.0","id":41,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Oslo"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}}}}"#,
    );
    println!("tools/call of {} bytes", call.len());
    report("  tree", call.len(), 200_000, || Tree::parse(call.clone(), &limits).is_ok());
    report("  frame", call.len(), 200_000, || Frame::parse(call.clone(), &limits).is_ok());
    let frame = Frame::parse(call.clone(), &limits)?;
    let id = Id::Number(1_000_001);
    report("  rewrite id", call.len(), 200_000, || !rewrite_id(&frame, &id).is_empty());
    let headers = RoutingHeaders {
        protocol_version: Some(b"2026-07-28"),
        method: Some(b"tools/call"),
        name: Some(b"get_weather"),
        ..RoutingHeaders::default()
    };
    println!("modern tools/call of {} bytes", modern.len());
    report("  classify", modern.len(), 200_000, || {
        let accept = b"application/json, text/event-stream";
        classify(Some(b"application/json"), Some(accept), &headers, modern.clone(), &limits).is_ok()
    });
    for (name, body) in [("records", records()), ("one long string", text()), ("numbers", numbers())] {
        println!("16 KiB of {name} ({} bytes)", body.len());
        report("  tree", body.len(), 5_000, || Tree::parse(body.clone(), &limits).is_ok());
    }
    let mut stream = BytesMut::new();
    for _ in 0..1_000 {
        sse::write_event(&mut stream, call.get(..120).unwrap_or_default());
    }
    let stream = stream.freeze();
    println!("1,000 events of 120 bytes ({} bytes)", stream.len());
    for size in [stream.len(), 8192] {
        report(&format!("  read in chunks of {size}"), stream.len(), 500, || {
            let mut reader = SseReader::new(SseLimits::default());
            let mut events = 0;
            let mut rest = stream.clone();
            while !rest.is_empty() {
                reader.push_bytes(rest.split_to(size.min(rest.len())));
                events += reader.by_ref().count();
            }
            events == 1_000
        });
    }
    report("  write", stream.len(), 500, || {
        let mut out = BytesMut::with_capacity(stream.len());
        for _ in 0..1_000 {
            sse::write_event(&mut out, call.get(..120).unwrap_or_default());
        }
        !out.is_empty()
    });
    report("stdio, one line of 16 KiB", records().len(), 5_000, {
        let body = records();
        move || !stdio::one_line(&body).is_empty()
    });
    Ok(())
}

fn report(name: &str, bytes: usize, times: u32, mut work: impl FnMut() -> bool) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..times {
                assert!(black_box(work()));
            }
            start.elapsed().as_secs_f64() / f64::from(times)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let seconds = rounds.get(ROUNDS / 2).copied().unwrap_or(f64::NAN);
    let rate = bytes as f64 / seconds / 1e6;
    println!("{name:<28} {:>10.0} ns {rate:>8.0} MB/s", seconds * 1e9);
}

/// Objects as a tool returns them: short names, short values.
fn records() -> Bytes {
    let record = r#"{"id":1234567,"name":"Ada Lovelace","mail":"ada@example.com","roles":["reader","editor"],"active":true,"score":98.25}"#;
    fill(record)
}

fn numbers() -> Bytes {
    fill("1234567")
}

fn fill(item: &str) -> Bytes {
    let mut out = String::from("[");
    while out.len() < 16 << 10 {
        out.push_str(item);
        out.push(',');
    }
    out.push_str("null]");
    Bytes::from(out)
}

fn text() -> Bytes {
    let line = "The quick brown fox jumps over the lazy dog.\\n";
    Bytes::from(format!("{{\"content\":[{{\"type\":\"text\",\"text\":\"{}\"}}]}}", line.repeat(364)))
}
