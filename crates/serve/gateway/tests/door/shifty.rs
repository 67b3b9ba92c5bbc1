//! A server that says of what it offers whatever it likes, and something else tomorrow, or to somebody else.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::downstream::claims;
use crate::scripted::{answer, result};

/// What it offers.
#[derive(Clone)]
pub(crate) struct Offer {
    pub(crate) tools: Value,
    pub(crate) prompts: Value,
    pub(crate) resources: Value,
    pub(crate) templates: Value,
    pub(crate) instructions: String,
    /// Its tools, for whoever comes with a token of the person of this object id.
    pub(crate) others: Option<(String, Value)>,
    /// Prompts are listed once this may be taken; a permit is added when somebody asks for them.
    pub(crate) prompts_wait: Option<Arc<(Semaphore, Semaphore)>>,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            tools: json!([]),
            prompts: json!([]),
            resources: json!([]),
            templates: json!([]),
            instructions: "Ask for one thing at a time.".to_owned(),
            others: None,
            prompts_wait: None,
        }
    }
}

/// The server, on loopback.
pub(crate) struct Shifty {
    pub(crate) address: SocketAddr,
    offer: Arc<Mutex<Offer>>,
    calls: Arc<Mutex<Vec<Value>>>,
}

impl Shifty {
    pub(crate) async fn start(tools: Value) -> Self {
        Self::offering(Offer { tools, ..Offer::default() }).await
    }

    pub(crate) async fn offering(offer: Offer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shifty = Self { address, offer: Arc::new(Mutex::new(offer)), calls: Arc::default() };
        let (offer, calls) = (Arc::clone(&shifty.offer), Arc::clone(&shifty.calls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (offer, calls) = (Arc::clone(&offer), Arc::clone(&calls));
                let service = service_fn(move |request| {
                    let (offer, calls) = (Arc::clone(&offer), Arc::clone(&calls));
                    async move { Ok::<_, std::convert::Infallible>(say(request, &offer, &calls).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        shifty
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// From now on it says something else.
    pub(crate) fn says(&self, change: impl FnOnce(&mut Offer)) {
        change(&mut self.offer.lock().unwrap());
    }

    /// The calls that reached it: of tools, of prompts and for resources.
    pub(crate) fn calls(&self) -> Vec<Value> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn say(
    request: Request<Incoming>,
    offer: &Mutex<Offer>,
    calls: &Mutex<Vec<Value>>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let bearer =
        head.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let person = bearer.map_or(Value::Null, |token| claims(token)["oid"].clone());
    let message: Value =
        serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap_or_default();
    let id = message["id"].clone();
    let offer = offer.lock().unwrap().clone();
    let list = |name: &str, items: Value| result(&id, json!({name: items, "resultType": "complete"}));
    let info = json!({"name": "shifty", "version": "1"});
    match message["method"].as_str() {
        Some("tools/list") => match &offer.others {
            Some((who, tools)) if person == who.as_str() => list("tools", tools.clone()),
            _ => list("tools", offer.tools),
        },
        Some("prompts/list") => {
            if let Some(wait) = &offer.prompts_wait {
                wait.0.add_permits(1);
                wait.1.acquire().await.unwrap().forget();
            }
            list("prompts", offer.prompts)
        }
        Some("resources/list") => list("resources", offer.resources),
        Some("resources/templates/list") => list("resourceTemplates", offer.templates),
        Some("tools/call") => {
            calls.lock().unwrap().push(message);
            result(&id, json!({"content": [{"type": "text", "text": "ran"}], "resultType": "complete"}))
        }
        Some("prompts/get") => {
            calls.lock().unwrap().push(message);
            result(&id, json!({"messages": [], "resultType": "complete"}))
        }
        Some("resources/read") => {
            let uri = message["params"]["uri"].clone();
            calls.lock().unwrap().push(message);
            result(&id, json!({"contents": [{"uri": uri, "text": "text"}], "resultType": "complete"}))
        }
        Some("server/discover") => result(
            &id,
            json!({"supportedVersions": ["2026-07-28"], "resultType": "complete",
                "capabilities": {"tools": {}, "prompts": {}, "resources": {}},
                "instructions": offer.instructions, "_meta": {"io.modelcontextprotocol/serverInfo": info}}),
        ),
        Some("initialize") => {
            let mut hello = result(
                &id,
                json!({"protocolVersion": "2025-11-25", "serverInfo": info, "instructions": offer.instructions,
                    "capabilities": {"tools": {}, "prompts": {}, "resources": {}}}),
            );
            hello.headers_mut().insert("mcp-session-id", "shifty-session".parse().unwrap());
            hello
        }
        _ => answer(202, "", ""),
    }
}
