//! A server that writes down what it hears and says what a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) verb: Method,
    pub(crate) message: Value,
    headers: HeaderMap,
}

impl Heard {
    pub(crate) fn method(&self) -> String {
        self.message["method"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        let header = |value: &http::HeaderValue| value.to_str().is_ok_and(|value| value.contains(text));
        self.headers.values().any(header) || self.message.to_string().contains(text)
    }
}

pub(crate) type Said = Response<Full<Bytes>>;
type Script = dyn Fn(&Heard) -> Said + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    script: Box<Script>,
    heard: Mutex<Vec<Heard>>,
    told: Notify,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&Heard) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inside =
            Arc::new(Inside { script: Box::new(script), heard: Mutex::default(), told: Notify::new() });
        let serving = Arc::clone(&inside);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inside = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    let inside = Arc::clone(&inside);
                    async move { Ok::<_, std::convert::Infallible>(inside.answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, inside }
    }

    pub(crate) fn all(&self) -> Vec<Heard> {
        self.inside.heard.lock().unwrap().clone()
    }

    pub(crate) fn named(&self, method: &str) -> Vec<Heard> {
        self.all().into_iter().filter(|heard| heard.method() == method).collect()
    }

    pub(crate) fn forget(&self) {
        self.inside.heard.lock().unwrap().clear();
    }

    /// Waits until what was heard fits, but not for ever.
    pub(crate) async fn until(&self, fits: impl Fn(&[Heard]) -> bool) {
        let waiting = async {
            loop {
                let told = self.inside.told.notified();
                if fits(&self.all()) {
                    return;
                }
                told.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.expect("heard in time");
    }
}

impl Inside {
    async fn answer(&self, request: Request<Incoming>) -> Said {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let message = serde_json::from_slice(&body).unwrap_or_default();
        let heard = Heard { verb: head.method, message, headers: head.headers };
        self.heard.lock().unwrap().push(heard.clone());
        self.told.notify_waiters();
        (self.script)(&heard)
    }
}

/// What a usual server says: one tool `echo`, and this text to whoever calls one.
pub(crate) fn text(heard: &Heard, text: &str) -> Said {
    match heard.method().as_str() {
        "tools/list" => tools(heard, &["echo"]),
        "prompts/list" => answer(heard, json!({"prompts": [], "resultType": "complete"})),
        "initialize" => {
            let info = json!({"name": "scripted", "version": "1"});
            let mut hello = answer(
                heard,
                json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}),
            );
            hello.headers_mut().insert("mcp-session-id", "scripted".parse().unwrap());
            hello
        }
        "tools/call" => {
            answer(heard, json!({"content": [{"type": "text", "text": text}], "resultType": "complete"}))
        }
        _ => Response::builder().status(202).body(Full::default()).unwrap(),
    }
}

/// A list of tools by name, without arguments.
pub(crate) fn tools(heard: &Heard, names: &[&str]) -> Said {
    let tools: Vec<_> =
        names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect();
    answer(heard, json!({"tools": tools, "resultType": "complete"}))
}

pub(crate) fn answer(heard: &Heard, result: Value) -> Said {
    let body = json!({"jsonrpc": "2.0", "id": heard.message["id"], "result": result}).to_string();
    let response = Response::builder().header("content-type", "application/json");
    response.body(Full::new(Bytes::from(body))).unwrap()
}

pub(crate) fn unauthorized(challenge: &str) -> Said {
    refusing(401, challenge)
}

pub(crate) fn refusing(status: u16, challenge: &str) -> Said {
    let mut response = Response::builder().status(status);
    if !challenge.is_empty() {
        response = response.header("www-authenticate", challenge);
    }
    response.body(Full::default()).unwrap()
}
