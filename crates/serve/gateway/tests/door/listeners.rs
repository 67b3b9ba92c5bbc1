//! Several streams of one session for what its server says unasked (T-28).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, EventStream};
use crate::support::{House, within};

async fn listening(client: &Client) -> EventStream {
    let stream = client.stream(client.request(Method::GET, "")).await;
    assert_eq!(stream.status, StatusCode::OK);
    stream
}

async fn session(house: &House, user: &str) -> (Client, String) {
    let before = house.echo.sessions();
    let mut client = house.client(user);
    client.hello().await;
    let upstream = house.echo.sessions().into_iter().find(|session| !before.contains(session)).unwrap();
    (client, upstream)
}

fn message(data: u64) -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": data}})
        .to_string()
}

fn gets(house: &House) -> usize {
    house.echo.transcript().iter().filter(|request| request.verb == "GET").count()
}

// control: T-28: of many streams that a client opens to listen the newest goes on with the one at the server; each message goes out once
#[tokio::test]
async fn the_newest_listener_hears_everything_once() {
    let house = House::new().await.acquainted().await;
    let (alice, upstream) = session(&house, "alice").await;
    let mut streams = vec![listening(&alice).await];
    for data in 0..4 {
        assert!(house.echo.push(&upstream, message(data)).await);
        let heard = streams.last_mut().unwrap().next().await.unwrap();
        assert_eq!(heard["params"]["data"], json!(data));
        streams.push(listening(&alice).await);
    }
    let newest = streams.pop().unwrap();
    for old in streams {
        assert_eq!(old.rest().await, [] as [Value; 0], "what a newer one hears an older one does not");
    }
    assert_eq!(gets(&house), 1, "the server was asked for one stream");
    drop(newest);
    within("the server's stream is freed", house.echo.until_streams(0)).await;
    let mut again = listening(&alice).await;
    assert!(house.echo.push(&upstream, message(9)).await);
    assert_eq!(again.next().await.unwrap()["params"]["data"], json!(9));
}

// control: T-28: who opens many at once has one at the end, and who does not read does not keep it from the next
#[tokio::test]
async fn a_listener_that_does_not_read_is_no_obstacle() {
    let house = House::new().await.acquainted().await;
    let (alice, upstream) = session(&house, "alice").await;
    let stuck = listening(&alice).await;
    // More than its connection takes: the door waits with the next message for a reader who is not there.
    let filler = "x".repeat(256 << 10);
    let large = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": filler}});
    let flood = async {
        for _ in 0..64 {
            assert!(house.echo.push(&upstream, large.to_string()).await);
        }
    };
    let mut next = None;
    let heard = async {
        let mut newest = listening(&alice).await;
        while newest.next().await.unwrap()["params"]["data"] != json!(7) {}
        next = Some(newest);
    };
    let last = async {
        flood.await;
        assert!(house.echo.push(&upstream, message(7)).await);
    };
    within("the newest hears the last", async { tokio::join!(heard, last) }).await;
    drop((stuck, next));
    let opened = tokio::join!(listening(&alice), listening(&alice), listening(&alice));
    assert!(house.echo.push(&upstream, message(8)).await);
    let (one, two, three) = opened;
    assert_eq!(alice.send(alice.request(Method::DELETE, "")).await.status, StatusCode::OK);
    let (one, two, three) = (one.rest().await, two.rest().await, three.rest().await);
    let all: Vec<_> = one.into_iter().chain(two).chain(three).collect();
    assert!(all.len() <= 1, "{all:?}");
    within("the server's stream is freed", house.echo.until_streams(0)).await;
}

// control-off: T-28: the server itself has one stream a session, and turns the second away
#[tokio::test]
async fn without_the_door_a_second_listener_is_turned_away() {
    let house = House::new().await.acquainted().await;
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    let _first = listening(&direct).await;
    let second = direct.send(direct.request(Method::GET, "")).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
}
