//! What a server says of itself in answer to `initialize` or `server/discover`: a model may be told its instructions, and a
//! person reads its name.

use doorward_pins::{Block, Definition, First, Kind, Pin, Verdict, admit};
use doorward_wire::{Edits, Frame, Limits, Method, Tree, Value, quote};

use bytes::Bytes;

use super::{LARGEST, Learned, ListKey, Pins};
use crate::door::Door;
use crate::ports::Ports;
use crate::snapshot::ServerRules;
use crate::stage::Exchange;

/// Takes a server's words out of its answer. What it can do is between client and server, differs by revision and by what the
/// client declared, and is said to no model.
fn introduction(result: Value<'_>) -> Option<Definition> {
    let info = result.get("serverInfo").or_else(|| result.path(&INFO));
    let parts = [("instructions", result.get("instructions")), ("serverInfo", info)];
    let parts = parts.into_iter().filter_map(|(name, part)| Some(format!("\"{name}\":{}", part?.raw())));
    let text = format!("{{{}}}", parts.collect::<Vec<_>>().join(","));
    if text.len() > LARGEST {
        return None;
    }
    let tree = Tree::parse(Bytes::from(text), &Limits::default()).ok()?;
    Definition::of(Kind::Server, tree.root()).ok()
}

const INFO: [&str; 2] = ["_meta", "io.modelcontextprotocol/serverInfo"];

/// Says whether a server is to be pinned at first use, and has not said anything of itself yet.
pub(crate) fn is_strange<P: Ports>(door: &Door<P>, server: &ServerRules) -> bool {
    let Some(rules) = server.pins.as_ref().filter(|rules| rules.first == First::OnUse) else { return false };
    let Pins::Are(set) = door.ports.pins(&rules.server.name) else { return false };
    !set.knows(ListKey::of(Kind::Server, None)) && set.pin(Kind::Server, "").is_none()
}

/// Remembers what a server says of itself, where it is heard for the first time.
pub(crate) async fn introduced<P: Ports>(door: &Door<P>, server: &ServerRules, result: Option<Value<'_>>) {
    let Some(rules) = server.pins.as_ref().filter(|_| is_strange(door, server)) else { return };
    let list = ListKey::of(Kind::Server, None);
    let Some(definition) = result.and_then(introduction) else { return };
    let pin = Pin::first_use(rules.server.clone(), definition, door.ports.now());
    // If it cannot be kept, it is not shown, and remembered another time.
    let _unkept = door.ports.remember(Learned { server: &rules.server, list, pins: vec![pin] }).await;
}

impl<P: Ports> Exchange<P> {
    /// Takes out of a server's introduction what nobody agreed to: its instructions, and of its name everything but what the
    /// operator calls it.
    pub(crate) fn cut_words(&self, frame: &Frame) -> Option<Bytes> {
        let rules = self.trail.server.pins.as_ref()?;
        let result =
            frame.result().filter(|_| matches!(self.method, Method::Initialize | Method::Discover))?;
        let passes = match (introduction(result), &self.trail.offer) {
            (Some(definition), Some(offer)) => {
                let pin = offer.set.pin(Kind::Server, "");
                let verdict = match pin {
                    None if rules.first == First::OnUse => {
                        Verdict::Blocked(Block::NotApproved, Default::default())
                    }
                    pin => admit(rules.first, pin, &rules.server, &definition, self.trail.now),
                };
                self.eyes.pinned.tell(rules, &offer.set, definition, &verdict);
                matches!(verdict, Verdict::Pass | Verdict::Shown(_))
            }
            _ => false,
        };
        if passes {
            return None;
        }
        let mut edits = Edits::new();
        edits.remove_member(result, "instructions");
        let name = quote(rules.server.name.as_str());
        let plain = format!(r#"{{"name":{name},"version":"0"}}"#);
        for info in [result.get("serverInfo"), result.path(&INFO)].into_iter().flatten() {
            edits.replace(info.span(), plain.clone());
        }
        edits.apply(frame.tree()).ok()
    }
}
