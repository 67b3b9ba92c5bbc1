//! What a frame carries to its server, and what stands for it in an approval.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};
use doorward_flow::{Item, Key};
use doorward_wire::{Frame, FrameKind, Kind, Method, Value, lens};

use crate::stage::{Caller, Trail};

/// What of a frame goes to the server, and whose business it is there.
pub(super) struct Carries<'f> {
    pub(super) method: Method,
    name: Cow<'f, str>,
    is: Is,
    pub(super) arguments: Option<Value<'f>>,
    /// What a person answered in a round.
    responses: Option<Value<'f>>,
}

#[derive(Clone, Copy)]
enum Is {
    Tool,
    Resource,
    Prompt,
}

impl<'f> Carries<'f> {
    /// Reads a request that carries what its writer likes; a completion and a subscription do as well as a call.
    pub(super) fn of(frame: &'f Frame, method: Method) -> Option<Self> {
        if frame.kind() != FrameKind::Request {
            return None;
        }
        let params = frame.params();
        let (is, name, arguments) = match method {
            Method::ToolsCall => {
                let call = lens::tool_call(frame)?;
                (Is::Tool, call.name, call.arguments)
            }
            Method::PromptsGet => {
                let get = lens::prompt_get(frame)?;
                (Is::Prompt, get.name, get.arguments)
            }
            Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                (Is::Resource, lens::resource_uri(frame)?, None)
            }
            Method::CompletionComplete => match lens::completion_ref(frame)? {
                lens::CompletionRef::Prompt(name) => (Is::Prompt, name, params),
                lens::CompletionRef::Resource(uri) => (Is::Resource, uri, params),
            },
            // A method of no revision is one more tool, and nobody has labelled it unless by its name.
            Method::Other => (Is::Tool, Cow::Borrowed(frame.method()?), params),
            _ => return None,
        };
        let responses = params.and_then(|params| params.get("inputResponses"));
        Some(Self { method, name, is, arguments, responses })
    }

    pub(super) fn item(&self) -> Item<'_> {
        match self.is {
            Is::Tool => Item::Tool(&self.name),
            Is::Resource => Item::Resource(&self.name),
            Is::Prompt => Item::Prompt(&self.name),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the arguments as they are sent.
    pub(super) fn shown(&self) -> &'f str {
        self.arguments.map_or("{}", |arguments| arguments.raw())
    }
}

/// What an approval is about: who, with which client, at which server, what it is defined as, and with which arguments. A
/// client writes them anew when it calls again, so it is their meaning that counts, not their bytes.
pub(super) fn call_digest(
    key: &Key,
    trail: &Trail,
    caller: &Caller,
    definition: [u8; 32],
    carries: &Carries<'_>,
) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    let owner = &caller.owner;
    let key = key.to_string();
    let kind = carries.item();
    let kind = match kind {
        Item::Tool(_) => "tool",
        Item::Resource(_) => "resource",
        Item::Prompt(_) => "prompt",
    };
    let parts = [
        key.as_str(),
        owner.tenant.as_str(),
        owner.object.as_str(),
        owner.client.as_str(),
        trail.server.name.as_str(),
        carries.method.name(),
        kind,
        carries.name(),
    ];
    for part in parts {
        text(&mut hash, part);
    }
    hash.update(&definition);
    for value in [carries.arguments, carries.responses] {
        match value {
            Some(value) => canonical(&mut hash, value),
            None => hash.update(b"-"),
        }
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

/// Lengths in front, so that no two lists of parts are the same bytes.
fn text(hash: &mut Context, text: &str) {
    hash.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Members in the order of their names, texts without their escapes, numbers as they are written.
fn canonical(hash: &mut Context, value: Value<'_>) {
    let mut count = |sign: &[u8], count: usize| {
        hash.update(sign);
        hash.update(&u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
    };
    match value.kind() {
        Kind::Object => {
            count(b"{", value.len());
            let mut members: Vec<_> = value.members().collect();
            members.sort_by(|(one, _), (two, _)| one.cmp(two));
            for (name, value) in members {
                text(hash, &name);
                canonical(hash, value);
            }
        }
        Kind::Array => {
            count(b"[", value.len());
            value.items().for_each(|item| canonical(hash, item));
        }
        Kind::String => {
            hash.update(b"\"");
            text(hash, &value.as_str().unwrap_or_default());
        }
        Kind::Null | Kind::Bool | Kind::Number => {
            hash.update(b".");
            text(hash, value.raw());
        }
    }
}
