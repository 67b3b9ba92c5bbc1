//! What is kept, what a person's acts do, and what a spoilt row does.

mod acts;
mod spoilt;
mod watched;

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use doorward_engine::{Drifted, Learned, ListKey};
use doorward_pins::{Definition, Kind, Pin, Server};
use doorward_store::{KeyFile, Store, StoreConfig};
use doorward_types::{ServerName, Timestamp};
use doorward_wire::{Limits, Tree};

use crate::{Approver, Pinboard, Waiting, Watch, Which};

const NOW: Timestamp = Timestamp::from_secs(1_795_176_000);

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("data/store.db")
    }

    /// Opens the store as one more process would.
    async fn store(&self) -> Store {
        let key = KeyFile::open_or_create(&self.0.path().join("keys/store.key"), &self.database()).unwrap();
        Store::open(StoreConfig::new(self.database(), 0), Arc::new(key), NOW).await.unwrap()
    }

    async fn board(&self) -> Pinboard {
        Pinboard::new(self.store().await)
    }
}

fn name() -> ServerName {
    ServerName::parse("notes").unwrap()
}

fn server() -> Server {
    Server { name: name(), address: "https://notes.example/mcp".to_owned() }
}

fn tool(name: &str, description: &str) -> Definition {
    let json =
        format!(r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object"}}}}"#);
    let tree = Tree::parse(Bytes::from(json), &Limits::default()).unwrap();
    Definition::of(Kind::Tool, tree.root()).unwrap()
}

fn waiting(definition: &Definition, seconds: i64) -> Waiting {
    Waiting {
        server: server(),
        what: "definition-drifted".to_owned(),
        why: "a new parameter".to_owned(),
        seen: Timestamp::from_secs(1_795_176_000 + seconds),
        definition: definition.clone(),
    }
}

fn drifted(definition: &Definition) -> Drifted {
    Drifted {
        server: server(),
        kind: definition.kind(),
        name: definition.name().to_owned(),
        what: "definition-drifted",
        passes: false,
        why: String::new(),
        is_news: true,
        definition: Some(definition.clone()),
    }
}

fn approver() -> Approver {
    Approver { id: "alice".to_owned(), reason: "read it".to_owned(), expires: None }
}

fn which(name: &str) -> Which {
    Which { name: name.to_owned(), ..Which::default() }
}

/// Pins tools at first use.
async fn pin(board: &Pinboard, definitions: &[Definition]) {
    let server = server();
    let pins = definitions.iter().map(|one| Pin::first_use(server.clone(), one.clone(), NOW)).collect();
    let learned = Learned { server: &server, list: ListKey::of(Kind::Tool, None), pins };
    board.remember(&learned, NOW).await.unwrap();
}

fn hashes(definitions: &[&Definition]) -> BTreeSet<String> {
    definitions.iter().map(|one| one.hash().to_string()).collect()
}
