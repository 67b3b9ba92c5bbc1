//! Callers that go on until the door is gone, and remember what they were answered.

use std::net::SocketAddr;

use bytes::BytesMut;
use doorward_testkit::{Client, Connection, Fault, call};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections at once.
pub(crate) const CALLERS: u64 = 16;

/// Callers at work.
pub(crate) struct Load {
    callers: JoinSet<Vec<String>>,
    answers: watch::Receiver<u64>,
}

impl Load {
    /// Lets every caller begin. `round` keeps their trace ids apart from those of other rounds.
    pub(crate) fn begin(address: SocketAddr, tokens: &[String], round: u64) -> Self {
        let (count, answers) = watch::channel(0);
        let mut callers = JoinSet::new();
        for (caller, token) in (0..CALLERS).zip(tokens.iter().cycle()) {
            let client = Client::new(address, "echo").with_token(token);
            callers.spawn(
                Caller { client, number: round << 16 | caller, answered: Vec::new() }.work(count.clone()),
            );
        }
        Self { callers, answers }
    }

    /// Waits until so many calls were answered.
    pub(crate) async fn until_answers(&mut self, count: u64) {
        self.answers
            .wait_for(|answers| *answers >= count)
            .await
            .expect("callers work until the door is gone");
    }

    /// Waits until every caller has noticed that the door is gone; returns the trace ids of the calls that were
    /// answered.
    pub(crate) async fn end(self) -> Vec<String> {
        self.callers.join_all().await.concat()
    }
}

struct Caller {
    client: Client,
    number: u64,
    answered: Vec<String>,
}

impl Caller {
    async fn work(mut self, count: watch::Sender<u64>) -> Vec<String> {
        // The door is killed while callers work: that a call fails is expected, what it is answered before is not free.
        let _gone = self.call_until_refused(&count).await;
        self.answered
    }

    async fn call_until_refused(&mut self, count: &watch::Sender<u64>) -> Result<(), Fault> {
        let legacy = self.number.is_multiple_of(4);
        if legacy {
            self.client.hello().await?;
        }
        let mut connection = Connection::open(self.client.address).await?;
        for n in 1.. {
            let (request, wanted) = match self.number % 4 {
                0 => self.legacy_echo(n),
                1 => self.modern_burst(n),
                _ => self.modern_echo(n),
            };
            let trace = format!("{:016x}{n:016x}", self.number + 1);
            if self.answer(&mut connection, request, &trace, &wanted).await? {
                self.answered.push(trace);
                count.send_modify(|count| *count += 1);
            }
        }
        Ok(())
    }

    fn legacy_echo(&self, n: i64) -> (Request<Full<bytes::Bytes>>, String) {
        let text = format!("text {} {n}", self.number);
        let frame = call(n, "echo", &json!({"text": text, "n": n}));
        (self.client.request(Method::POST, frame.to_string()), text)
    }

    fn modern_echo(&self, n: i64) -> (Request<Full<bytes::Bytes>>, String) {
        let text = format!("text {} {n}", self.number);
        (self.modern(n, "echo", json!({"text": text, "n": n})), text)
    }

    /// An answer on an event stream.
    fn modern_burst(&self, n: i64) -> (Request<Full<bytes::Bytes>>, String) {
        let events = 1 + n % 7;
        (self.modern(n, "burst", json!({"events": events})), format!("\"{events} events\""))
    }

    fn modern(&self, n: i64, tool: &str, arguments: Value) -> Request<Full<bytes::Bytes>> {
        let meta = json!({"progressToken": n});
        self.client.modern(n, "tools/call", json!({"name": tool, "arguments": arguments, "_meta": meta}))
    }

    /// Says whether the answer came: as soon as its last frame is there, even if the connection is cut behind it.
    async fn answer(
        &self,
        connection: &mut Connection,
        mut request: Request<Full<bytes::Bytes>>,
        trace: &str,
        wanted: &str,
    ) -> Result<bool, Fault> {
        let parent = HeaderValue::try_from(format!("00-{trace}-00000000000000ff-01")).unwrap();
        request.headers_mut().insert("traceparent", parent);
        let (head, mut body) = connection.begin(request).await?.into_parts();
        assert_eq!(head.status, StatusCode::OK, "under load nothing else goes wrong");
        let mut heard = BytesMut::new();
        while let Some(Ok(frame)) = body.frame().await {
            heard.extend_from_slice(&frame.into_data().unwrap_or_default());
        }
        Ok(String::from_utf8_lossy(&heard).contains(wanted))
    }
}
