use tokio::io::DuplexStream;

use super::*;

/// Feeds `answer` in pieces of `step` bytes.
async fn receive(answer: &str, step: usize) -> io::Result<(Head, Bytes)> {
    let (near, mut far): (DuplexStream, DuplexStream) = tokio::io::duplex(64);
    let answer = answer.to_owned();
    let server = async move {
        let mut asked = [0; 4];
        far.read_exact(&mut asked).await?;
        for piece in answer.as_bytes().chunks(step) {
            far.write_all(piece).await?;
            tokio::task::yield_now().await;
        }
        drop(far);
        Ok::<_, io::Error>(())
    };
    let mut wire = Wire::over(near);
    let (answer, served) = tokio::join!(wire.exchange(b"ask!"), server);
    served.unwrap();
    answer
}

#[tokio::test]
async fn lengths_chunks_and_closing_end_a_body() {
    let table = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nMCP-Session-ID: s1\r\n\r\nhello", "hello"),
        ("HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", ""),
        ("HTTP/1.1 204 No Content\r\n\r\n", ""),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
            "hello",
        ),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello", "hello"),
    ];
    for (answer, expected) in table {
        for step in [1, 3, 1000] {
            let (_, body) = receive(answer, step).await.unwrap();
            assert_eq!(body, expected, "{answer:?} in steps of {step}");
        }
    }
    let (head, _) = receive(table[0].0, 7).await.unwrap();
    assert_eq!((head.status, head.session.as_deref()), (200, Some("s1")));
}

#[tokio::test]
async fn broken_responses_are_errors() {
    for answer in [
        "",
        "SSH-2.0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        assert!(receive(answer, 5).await.is_err(), "{answer:?}");
    }
}

#[test]
fn a_needle_is_found_where_it_first_stands() {
    assert_eq!(find(b"aab aabc", b"aabc"), Some(4));
    assert_eq!(find(b"abc", b"abcd"), None);
    assert_eq!(find(b"", b"a"), None);
}
