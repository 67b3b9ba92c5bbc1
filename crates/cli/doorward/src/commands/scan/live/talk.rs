//! A client of 2025-11-25 that asks for lists and calls nothing. How much it takes is bounded: a server may be hostile, which is
//! why it is scanned.

use bytes::Bytes;
use doorward_wire::{Frame, FrameKind, Id, Kind, Value};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};

use crate::commands::scan::read;

/// Pages of a list that are asked for.
const MOST_PAGES: usize = 64;
/// JSON-RPC 2.0, section 5.1.
const METHOD_NOT_FOUND: i64 = -32601;

/// What a server offers.
pub(super) struct Told {
    /// One JSON object with its lists.
    pub(super) json: String,
    /// What it did not tell, and why.
    pub(super) left: Vec<String>,
}

pub(super) struct Talk {
    input: DuplexStream,
    output: Lines<BufReader<DuplexStream>>,
    id: i64,
    told: Told,
}

/// Why a question has no answer.
enum Stop {
    /// The server does not know the question.
    Unknown,
    Failed(String),
}

impl Talk {
    pub(super) fn new(input: DuplexStream, output: DuplexStream) -> Self {
        let told = Told { json: String::new(), left: Vec::new() };
        Self { input, output: BufReader::new(output).lines(), id: 0, told }
    }

    /// Everything that the server offers.
    ///
    /// # Errors
    /// Why there is no talking to it.
    pub(super) async fn all(&mut self) -> Result<Told, String> {
        let client = json!({ "name": "doorward-scan", "version": env!("CARGO_PKG_VERSION") });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let hello = self.ask("initialize", hello).await.map_err(|stop| match stop {
            Stop::Unknown => "it does not know how to greet".to_owned(),
            Stop::Failed(why) => why,
        })?;
        let hello = hello.result().ok_or("it did not greet")?;
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        let instructions = hello.get("instructions").map_or("\"\"", |told| told.raw());
        self.told.json = format!("{{\"instructions\":{instructions}");
        for (capability, method, list) in [
            ("tools", "tools/list", "tools"),
            ("prompts", "prompts/list", "prompts"),
            ("resources", "resources/list", "resources"),
            ("resources", "resources/templates/list", "resourceTemplates"),
        ] {
            if hello.path(&["capabilities", capability]).is_some() {
                self.told.json.push_str(&format!(",\"{list}\":["));
                match self.pages(method, list).await {
                    Ok(()) | Err(Stop::Unknown) => {}
                    Err(Stop::Failed(why)) => self.told.left.push(format!("was not read to its end: {why}")),
                }
                self.told.json.push(']');
            }
        }
        self.told.json.push('}');
        Ok(std::mem::replace(&mut self.told, Told { json: String::new(), left: Vec::new() }))
    }

    /// Takes the items of a list, as they were sent.
    async fn pages(&mut self, method: &str, list: &str) -> Result<(), Stop> {
        let (mut params, mut first) = (json!({}), true);
        for _ in 0..MOST_PAGES {
            let page = self.ask(method, params).await?;
            let Some(result) = page.result() else { return Ok(()) };
            let listed = result.get(list).filter(|listed| listed.kind() == Kind::Array);
            for item in listed.iter().flat_map(Value::items) {
                // With room for what closes it.
                if self.told.json.len() + item.raw().len() + 64 > read::MOST {
                    return Err(Stop::Failed(format!("it lists more than {} MiB", read::MOST >> 20)));
                }
                if !std::mem::take(&mut first) {
                    self.told.json.push(',');
                }
                self.told.json.push_str(item.raw());
            }
            match result.get("nextCursor").and_then(|cursor| cursor.as_str()) {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(()),
            }
        }
        Err(Stop::Failed(format!("{method} goes on after {MOST_PAGES} pages")))
    }

    async fn say(&mut self, message: &serde_json::Value) -> Result<(), String> {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.map_err(|error| error.to_string())
    }

    async fn ask(&mut self, method: &str, params: serde_json::Value) -> Result<Frame, Stop> {
        self.id += 1;
        let message = json!({ "jsonrpc": "2.0", "id": self.id, "method": method, "params": params });
        self.say(&message).await.map_err(Stop::Failed)?;
        loop {
            let line = self.output.next_line().await.map_err(|error| Stop::Failed(error.to_string()))?;
            let line = line.ok_or_else(|| Stop::Failed("it ended before it answered".to_owned()))?;
            let answer = Frame::parse(Bytes::from(line), &read::limits());
            let answer = answer.map_err(|_| Stop::Failed(format!("{method}: the answer is no message")))?;
            if answer.kind() != FrameKind::Response || answer.id() != Some(&Id::Number(self.id)) {
                continue;
            }
            let Some(error) = answer.error() else { return Ok(answer) };
            if error.get("code").and_then(|code| code.as_i64()) == Some(METHOD_NOT_FOUND) {
                return Err(Stop::Unknown);
            }
            let told = error.get("message").and_then(|told| told.as_str()).unwrap_or_default();
            return Err(Stop::Failed(format!("{method}: {told}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each question about resources with `page`, and offers nothing else.
    async fn server(input: DuplexStream, mut output: DuplexStream, page: serde_json::Value) {
        let mut lines = BufReader::new(input).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let asked: serde_json::Value = serde_json::from_str(&line).unwrap();
            let result = match asked["method"].as_str() {
                Some("initialize") => json!({ "capabilities": { "resources": {} }, "instructions": "i" }),
                Some("resources/list") => page.clone(),
                Some(_) if asked["id"].is_number() => {
                    let error = json!({ "code": METHOD_NOT_FOUND, "message": "no" });
                    let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error });
                    output.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
                    continue;
                }
                _ => continue,
            };
            let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
            if output.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
                return;
            }
        }
    }

    async fn told(page: serde_json::Value) -> Told {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (writes, reads) = tokio::io::duplex(1 << 16);
        let answering = tokio::spawn(server(theirs, writes, page));
        let told = Talk::new(ours, reads).all().await.unwrap();
        answering.abort();
        told
    }

    // control: eras-g: A list without end is read to a bound, what was read is kept, and the rest is said to be unread.
    #[tokio::test]
    async fn a_list_without_end_has_one() {
        let page =
            |more: serde_json::Value| json!({ "resources": [{ "uri": "file:///r" }], "nextCursor": more });
        let whole = told(page(serde_json::Value::Null)).await;
        assert_eq!(
            whole.json,
            r#"{"instructions":"i","resources":[{"uri":"file:///r"}],"resourceTemplates":[]}"#
        );
        assert_eq!(whole.left, Vec::<String>::new());
        let endless = told(page(json!("on"))).await;
        assert_eq!(endless.json.matches("file:///r").count(), MOST_PAGES);
        assert!(endless.left[0].contains("goes on after 64 pages"), "{:?}", endless.left);
        let long = "x".repeat(4 << 20);
        let large =
            told(json!({ "resources": [{ "uri": "file:///r", "description": long }], "nextCursor": "on" }))
                .await;
        assert!(
            large.json.len() <= read::MOST && large.left[0].contains("more than 64 MiB"),
            "{:?}",
            large.left
        );
    }
}
