//! The whole judged: tables, the state machine, what a person sees, and rug pulls drawn over the honest corpus.

mod edits;
mod lists;
mod meanings;
mod rug_pulls;
mod shown;
mod state;
mod tables;

use bytes::Bytes;
use doorward_types::{ServerName, Timestamp};
use doorward_wire::{Limits, Tree};

use crate::{Act, Decision, Definition, Drift, Kind, Server, judge};

fn define(kind: Kind, json: &str) -> Definition {
    let tree = Tree::parse(Bytes::copy_from_slice(json.as_bytes()), &Limits::default()).expect("JSON");
    Definition::of(kind, tree.root()).expect("a definition")
}

fn tool(json: &str) -> Definition {
    define(Kind::Tool, json)
}

fn server(name: &str) -> Server {
    Server { name: ServerName::parse(name).unwrap(), address: format!("https://{name}.example/mcp") }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn decision(act: Act, secs: i64, expires: Option<i64>) -> Decision {
    Decision {
        act,
        by: "11/22".to_owned(),
        at: at(secs),
        reason: "read it".to_owned(),
        expires: expires.map(at),
    }
}

/// The level of a change in a word.
fn level(drift: &Drift) -> &'static str {
    match drift {
        Drift::Same => "same",
        Drift::Cosmetic => "cosmetic",
        Drift::Wording(_) => "wording",
        Drift::Meaning(_) => "meaning",
    }
}

fn judged(old: &str, new: &str) -> &'static str {
    level(&judge(&tool(old), &tool(new)))
}
