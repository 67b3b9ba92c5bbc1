//! A plain client for the tests of these servers.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub(crate) type Response = hyper::Response<hyper::body::Incoming>;

/// What came back, the body as text.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|why| panic!("{why} in {:?}", self.text))
    }

    /// The frames of an event stream.
    pub(crate) fn events(&self) -> Vec<Value> {
        frames(&self.text)
    }
}

/// The frames of the events in `text`.
pub(crate) fn frames(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

/// Sends one request and waits for the head of the answer.
pub(crate) async fn send(verb: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = Request::builder().method(verb).uri(url).header("content-type", "application/json");
    if !headers.iter().any(|(name, _)| *name == "accept") {
        request = request.header("accept", "application/json, text/event-stream");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    client.request(request.body(Full::from(body.to_owned())).unwrap()).await.unwrap()
}

pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    Reply::read(send("POST", url, headers, body).await).await
}

/// Performs the legacy handshake; the session id.
pub(crate) async fn initialize(url: &str) -> String {
    let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let reply = post(url, &[], body).await;
    assert_eq!(reply.json()["result"]["protocolVersion"], "2025-11-25");
    let session = reply.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    assert_eq!(post(url, &[("mcp-session-id", &session)], initialized).await.status, 202);
    session
}

/// A modern request, headers and envelope in agreement, of a client that can do nothing but what is there already.
pub(crate) async fn modern(url: &str, method: &str, mut params: Value) -> Reply {
    let meta = &mut params["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    let declared = &mut meta["io.modelcontextprotocol/clientCapabilities"];
    if declared.is_null() {
        *declared = serde_json::json!({});
    }
    let name = ["name", "uri", "taskId"]
        .iter()
        .find_map(|member| params[*member].as_str())
        .unwrap_or_default()
        .to_owned();
    let body =
        serde_json::json!({"jsonrpc": "2.0", "id": "m1", "method": method, "params": params}).to_string();
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method), ("mcp-name", name.as_str())];
    post(url, &headers, &body).await
}
