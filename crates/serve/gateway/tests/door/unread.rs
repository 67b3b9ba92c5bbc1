//! Bodies that nobody reads: a caller that is refused before its body was read still gets the answer.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::House;

async fn answer(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the door hung up: {}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&said).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
            if body.len() >= length {
                return text;
            }
        }
    }
}

fn head(address: std::net::SocketAddr, length: usize) -> String {
    format!(
        "POST /echo/mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\ncontent-length: {length}\r\n\r\n"
    )
}

// control: A-04: a caller without a token gets its 401 whenever its body comes, and may ask again on the same connection
#[tokio::test]
async fn a_body_that_comes_after_the_refusal_costs_nobody_the_answer() {
    let house = House::new().await;
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(house.door.address).await.unwrap();
        for _ in 0..3 {
            stream.write_all(head(house.door.address, body.len()).as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
            stream.write_all(body).await.unwrap();
            assert!(answer(&mut stream).await.starts_with("HTTP/1.1 401"));
        }
    }
}

#[tokio::test]
async fn a_large_body_does_not_hide_the_refusal() {
    let house = House::new().await;
    let body = vec![b' '; 900_000];
    for _ in 0..10 {
        let mut stream = TcpStream::connect(house.door.address).await.unwrap();
        stream.write_all(head(house.door.address, body.len()).as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 401"));
    }
}
