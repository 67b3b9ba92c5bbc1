//! A model that does whatever it reads. An order is written as `[[do server/tool {arguments}]]`, in a result or in a
//! description, in plain characters or in ones that nobody sees; `$KNOWN` in it is everything that was read so far.

use std::collections::BTreeMap;

use doorward_testkit::Client;
use serde_json::{Value, json};

/// Orders of one text that are obeyed, and rounds of orders in answers to orders.
const MOST_ORDERS: usize = 8;
const MOST_ROUNDS: usize = 3;

/// One call: `server/tool`, and its arguments as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) tool: String,
    pub(crate) arguments: String,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Came {
    Back,
    /// It was held back, with what was said.
    Held(String),
}

/// A model with its servers: by name, each reached directly or through a door.
pub(crate) struct Model {
    servers: BTreeMap<String, Client>,
    modern: bool,
    /// Everything that was read.
    pub(crate) known: Vec<String>,
    /// Orders that were found, in this order.
    standing: Vec<Order>,
    /// Schemas of tools, by name: defaults are filled in.
    defaults: BTreeMap<String, Value>,
    pub(crate) held: Vec<String>,
    listed: Vec<String>,
}

impl Model {
    pub(crate) fn new(servers: BTreeMap<String, Client>, modern: bool) -> Self {
        Self {
            servers,
            modern,
            known: Vec::new(),
            standing: Vec::new(),
            defaults: BTreeMap::new(),
            held: Vec::new(),
            listed: Vec::new(),
        }
    }

    /// Does what its person wants, and obeys what it reads on the way; and all of that once more at the end, when it knows
    /// everything.
    pub(crate) async fn work(&mut self, steps: &[(&str, &str)]) {
        for (tool, arguments) in steps {
            self.look(tool).await;
            self.obey().await;
            let arguments = self.filled(arguments);
            let order = Order { tool: (*tool).to_owned(), arguments };
            self.does(&order).await;
            self.obey().await;
        }
        for order in self.standing.clone() {
            let arguments = self.filled(&order.arguments);
            self.does(&Order { arguments, ..order }).await;
        }
    }

    /// Reads the list of a server, as a host does before it lets its model call there.
    pub(crate) async fn look(&mut self, tool: &str) {
        let (server, _) = tool.split_once('/').unwrap();
        if self.listed.iter().any(|listed| listed == server) {
            return;
        }
        self.listed.push(server.to_owned());
        self.list(server).await;
    }

    pub(crate) async fn list(&mut self, server: &str) {
        let Some(list) = self.ask(server, "tools/list", json!({})).await else { return };
        for tool in list["tools"].as_array().into_iter().flatten() {
            let name = format!("{server}/{}", tool["name"].as_str().unwrap_or_default());
            self.take(tool["description"].as_str().unwrap_or_default());
            self.defaults.insert(name, tool["inputSchema"]["properties"].clone());
        }
    }

    /// Makes one call and reads the answer.
    pub(crate) async fn does(&mut self, order: &Order) -> Came {
        let (server, name) = order.tool.split_once('/').unwrap();
        let mut arguments: Value = serde_json::from_str(&order.arguments).unwrap_or_default();
        if let (Some(Value::Object(properties)), Some(own)) =
            (self.defaults.get(&order.tool), arguments.as_object_mut())
        {
            for (name, property) in properties {
                if let Some(default) = property.get("default") {
                    let default = self.filled(&default.to_string());
                    own.entry(name.clone()).or_insert(serde_json::from_str(&default).unwrap_or_default());
                }
            }
        }
        let answer = self.ask(server, "tools/call", json!({"name": name, "arguments": arguments})).await;
        let answer = answer.unwrap_or_else(|| json!({"isError": true}));
        let text = answer["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        if answer["isError"] == true || answer["resultType"] == "input_required" {
            self.held.push(format!("{}: {text}", order.tool));
            return Came::Held(text);
        }
        self.take(&text);
        Came::Back
    }

    /// Reads a text, and notes what it orders.
    fn take(&mut self, text: &str) {
        self.known.push(text.to_owned());
        for order in orders(text) {
            if !self.standing.contains(&order) {
                self.standing.push(order);
            }
        }
    }

    async fn obey(&mut self) {
        let mut from = 0;
        for _ in 0..MOST_ROUNDS {
            let new: Vec<_> = self.standing.iter().skip(from).take(MOST_ORDERS).cloned().collect();
            if new.is_empty() {
                return;
            }
            from += new.len();
            for order in new {
                self.look(&order.tool).await;
                let arguments = self.filled(&order.arguments);
                self.does(&Order { arguments, ..order }).await;
            }
        }
    }

    /// Writes what is known into arguments.
    fn filled(&self, arguments: &str) -> String {
        let known: Vec<_> = self.known.iter().filter(|text| text.len() < 4_096).map(String::as_str).collect();
        let known = serde_json::to_string(&known.join(" ").replace("[[do", "[[did")).unwrap();
        arguments.replace("$KNOWN", known.trim_matches('"'))
    }

    async fn ask(&mut self, server: &str, method: &str, params: Value) -> Option<Value> {
        let client = self.servers.get_mut(server)?;
        let heard = if self.modern {
            client.send(client.modern(7, method, params)).await.unwrap()
        } else {
            if client.session.is_none() {
                client.hello().await.unwrap();
            }
            client
                .post(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
                .await
                .unwrap()
        };
        let response = heard.response().unwrap();
        if let Some(error) = response.get("error") {
            self.held.push(format!("{server} {method}: {error}"));
        }
        response.get("result").cloned()
    }
}

/// The orders in a text; characters that nobody sees are read as well.
fn orders(text: &str) -> Vec<Order> {
    let seen: String = text
        .chars()
        .map(|character| match u32::from(character) {
            code @ 0xe0020..=0xe007e => char::from_u32(code - 0xe0000).unwrap_or(character),
            _ => character,
        })
        .collect();
    let mut found = Vec::new();
    for part in seen.split("[[do ").skip(1) {
        let Some((order, _)) = part.split_once("]]") else { continue };
        let Some((tool, arguments)) = order.split_once(' ') else { continue };
        if tool.contains('/') {
            found.push(Order { tool: tool.to_owned(), arguments: arguments.to_owned() });
        }
    }
    found
}
