//! What one revision says, in the words of the other. Pure: who may say it is judged elsewhere, on what comes out of here.

#[cfg(test)]
mod tests;

use crate::edit::Edits;
use crate::frame::{Frame, FrameError};
use crate::json::{Value, quote};
use crate::lens::{
    META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL, META_PROTOCOL_VERSION, META_SERVER_INFO,
    META_SUBSCRIPTION_ID,
};
use crate::method::{MODERN, Method};

/// What 2026-07-28 wants to know of the sender of each request; a session of 2025-11-25 said it once. All of it raw JSON.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// What it can do, an object.
    pub capabilities: &'a str,
    /// What it calls itself, an object.
    pub client_info: Option<&'a str>,
    /// The level of log messages it wants, a string.
    pub log_level: Option<&'a str>,
}

/// Members of a request's parameters that belong to rounds (S26/basic/patterns/mrtr) and to tasks of 2025-11-25: a request of
/// the other revision has no business with them, and a client could pass something there that nobody judges.
const ROUNDS: [&str; 2] = ["inputResponses", "requestState"];

/// Gives a request of 2025-11-25 the envelope of 2026-07-28 (S26/basic, `_meta`). Its method, its parameters and whatever
/// else its `_meta` holds stay byte for byte.
///
/// # Errors
/// [`FrameError`] if the outcome is no message.
pub fn to_modern(frame: &Frame, sender: &Sender<'_>) -> Result<Frame, FrameError> {
    let version = quote(MODERN);
    let wanted = [
        (META_PROTOCOL_VERSION, Some(&*version)),
        (META_CLIENT_CAPABILITIES, Some(sender.capabilities)),
        (META_CLIENT_INFO, sender.client_info),
        (META_LOG_LEVEL, sender.log_level),
    ];
    let mut edits = Edits::new();
    let fresh = || {
        let members = wanted.iter().filter_map(|(name, raw)| Some(format!("{}:{}", quote(name), (*raw)?)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    if let Some(params) = frame.params() {
        for name in ROUNDS.into_iter().chain(["task"]) {
            edits.remove_member(params, name);
        }
    }
    match frame.params().map(|params| (params, params.get("_meta"))) {
        None => edits.insert_member(frame.root(), "params", &format!(r#"{{"_meta":{}}}"#, fresh())),
        Some((_, Some(meta))) if meta.is_object() => {
            for (name, raw) in wanted {
                match raw {
                    Some(raw) => edits.set_member(meta, name, raw),
                    // What the client may not say for itself here, it does not say.
                    None => _ = edits.remove_member(meta, name),
                }
            }
        }
        Some((params, _)) => edits.set_member(params, "_meta", &fresh()),
    }
    frame.edited(&edits)
}

/// Takes the envelope of 2026-07-28 from a request, and what belongs to its rounds: a server of 2025-11-25 has no use for
/// either. Progress token, trace context and a vendor's own members of `_meta` stay.
///
/// # Errors
/// [`FrameError`] if the outcome is no message.
pub fn to_legacy(frame: &Frame) -> Result<Frame, FrameError> {
    let mut edits = Edits::new();
    if let Some(params) = frame.params() {
        for name in ROUNDS.into_iter().chain(["task"]) {
            edits.remove_member(params, name);
        }
        if let Some(meta) = params.get("_meta").filter(Value::is_object) {
            let reserved =
                [META_PROTOCOL_VERSION, META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_LOG_LEVEL];
            for name in reserved {
                edits.remove_member(meta, name);
            }
        }
    }
    if edits.is_empty() { Ok(frame.clone()) } else { frame.edited(&edits) }
}

/// Takes out of a result of 2026-07-28 what 2025-11-25 does not have, and what its clients would not take: schemas and
/// contents that are no objects.
pub fn result_to_legacy(result: Value<'_>, method: Method, edits: &mut Edits) {
    for name in ["resultType", "ttlMs", "cacheScope"] {
        edits.remove_member(result, name);
    }
    if let Some(meta) = result.get("_meta").filter(Value::is_object) {
        for name in [META_SERVER_INFO, META_SUBSCRIPTION_ID] {
            edits.remove_member(meta, name);
        }
    }
    if method == Method::ToolsList {
        for tool in result.get("tools").into_iter().flat_map(|tools| tools.items()) {
            let schema = tool.get("outputSchema");
            if schema.is_some_and(|schema| !schema.get("type").is_some_and(|kind| kind.is_str("object"))) {
                edits.remove_member(tool, "outputSchema");
            }
        }
    }
    if method == Method::ToolsCall && result.get("structuredContent").is_some_and(|value| !value.is_object())
    {
        edits.remove_member(result, "structuredContent");
    }
}

/// Writes the result of `initialize` from that of `server/discover`: `version` is what was agreed on, `name` what the
/// server is called where it does not say.
pub fn initialize_of(discovered: Value<'_>, version: &str, name: &str) -> String {
    let info = discovered.path(&["_meta", META_SERVER_INFO]).filter(|info| names_itself(*info));
    let info = info
        .map_or_else(|| format!(r#"{{"name":{},"version":"0"}}"#, quote(name)), |info| info.raw().to_owned());
    format!(
        r#"{{"protocolVersion":{},"capabilities":{},"serverInfo":{info}{}}}"#,
        quote(version),
        without(discovered.get("capabilities"), &["extensions", "tasks"]),
        instructions(discovered)
    )
}

/// Writes the result of `server/discover` from that of `initialize`.
pub fn discover_of(initialized: Value<'_>) -> String {
    let info = initialized.get("serverInfo").filter(|info| names_itself(*info));
    let meta = info.map(|info| format!(r#","_meta":{{{}:{}}}"#, quote(META_SERVER_INFO), info.raw()));
    format!(
        r#"{{"resultType":"complete","supportedVersions":["{MODERN}"],"capabilities":{}{},"ttlMs":0,"cacheScope":"private"{}}}"#,
        without(initialized.get("capabilities"), &["tasks", "extensions"]),
        instructions(initialized),
        meta.unwrap_or_default()
    )
}

fn names_itself(info: Value<'_>) -> bool {
    ["name", "version"].iter().all(|member| info.get(member).is_some_and(|value| value.as_str().is_some()))
}

fn instructions(of: Value<'_>) -> String {
    let text = of.get("instructions").filter(|text| text.as_str().is_some());
    text.map_or_else(String::new, |text| format!(r#","instructions":{}"#, text.raw()))
}

/// Writes an object again, without some of its members.
pub fn without(object: Option<Value<'_>>, names: &[&str]) -> String {
    let members = object.into_iter().filter(Value::is_object).flat_map(|object| object.members());
    let kept = members.filter(|(name, _)| !names.contains(&&**name));
    let kept: Vec<_> = kept.map(|(name, value)| format!("{}:{}", quote(&name), value.raw())).collect();
    format!("{{{}}}", kept.join(","))
}
