use doorward_servers::echo;

use super::*;
use crate::idle::handshake;
use crate::request::Request;
use crate::target::Target;
use crate::wire::Wire;

#[tokio::test]
async fn everything_passes_unchanged() {
    let options = echo::Options { transcript: true, ..echo::Options::default() };
    let server = echo::start_with(options).await.unwrap();
    let upstream = Authority::try_from(server.addr.to_string()).unwrap();
    let proxy = Yardstick::bind(SocketAddr::from(([127, 0, 0, 1], 0)), upstream).await.unwrap();
    let target = Target::parse(&format!("http://{}/mcp", proxy.addr)).unwrap();
    tokio::spawn(proxy.run());

    let mut wire = Wire::connect(&target).await.unwrap();
    let mut headers = vec![("x-canary".to_owned(), "tweet".to_owned())];
    handshake(&mut wire, &target, &mut headers).await.unwrap();
    let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"burst","arguments":{"events":3}}}"#;
    let (head, answer) = wire.exchange(Request::post(&target, &headers, body, 0).bytes()).await.unwrap();
    assert!(head.status == 200 && head.events);
    assert_eq!(answer.windows(6).filter(|window| window == b"\ndata:").count(), 4);

    let seen = server.transcript();
    let last = seen.last().unwrap();
    assert_eq!(last.body, body);
    assert_eq!(last.header("x-canary"), Some("tweet"));
    assert_eq!(last.header("host"), Some(server.addr.to_string().as_str()), "the host is the upstream's");
}
