//! What servers list: tools, prompts, resources; and lists with items cut out.

use std::borrow::Cow;

use bytes::Bytes;

use crate::edit::Edits;
use crate::frame::Frame;
use crate::json::Value;

/// A tool as `tools/list` describes it. Everything in it is the server's claim.
#[derive(Debug, Clone)]
pub struct ToolDef<'t> {
    /// The name it is called by.
    pub name: Cow<'t, str>,
    /// The schema of its arguments.
    pub input_schema: Option<Value<'t>>,
    /// The schema of its structured results.
    pub output_schema: Option<Value<'t>>,
    /// The whole definition.
    pub value: Value<'t>,
}

/// A prompt as `prompts/list` describes it.
#[derive(Debug, Clone)]
pub struct PromptDef<'t> {
    /// The name it is got by.
    pub name: Cow<'t, str>,
    /// The whole definition.
    pub value: Value<'t>,
}

/// A resource as `resources/list` describes it.
#[derive(Debug, Clone)]
pub struct ResourceDef<'t> {
    /// The URI it is read by.
    pub uri: Cow<'t, str>,
    /// The whole definition.
    pub value: Value<'t>,
}

/// A resource template as `resources/templates/list` describes it.
#[derive(Debug, Clone)]
pub struct ResourceTemplateDef<'t> {
    /// An RFC 6570 template of URIs.
    pub uri_template: Cow<'t, str>,
    /// The whole definition.
    pub value: Value<'t>,
}

/// Iterates over the tools of a `tools/list` result. Items without a name are left out: see [`retain_items`] for
/// keeping them from the client too.
pub fn tools_of<'t>(result: Value<'t>) -> impl Iterator<Item = ToolDef<'t>> {
    identified(result, "tools", "name").map(|(name, value)| ToolDef {
        name,
        input_schema: value.get("inputSchema"),
        output_schema: value.get("outputSchema"),
        value,
    })
}

/// Iterates over the prompts of a `prompts/list` result.
pub fn prompts_of<'t>(result: Value<'t>) -> impl Iterator<Item = PromptDef<'t>> {
    identified(result, "prompts", "name").map(|(name, value)| PromptDef { name, value })
}

/// Iterates over the resources of a `resources/list` result.
pub fn resources_of<'t>(result: Value<'t>) -> impl Iterator<Item = ResourceDef<'t>> {
    identified(result, "resources", "uri").map(|(uri, value)| ResourceDef { uri, value })
}

/// Iterates over the templates of a `resources/templates/list` result.
pub fn resource_templates_of<'t>(result: Value<'t>) -> impl Iterator<Item = ResourceTemplateDef<'t>> {
    identified(result, "resourceTemplates", "uriTemplate")
        .map(|(uri_template, value)| ResourceTemplateDef { uri_template, value })
}

fn identified<'t>(
    result: Value<'t>,
    list: &str,
    member: &'static str,
) -> impl Iterator<Item = (Cow<'t, str>, Value<'t>)> + use<'t> {
    let items = result.get(list).map(|list| list.items());
    items.into_iter().flatten().filter_map(move |item| Some((item.get(member)?.as_str()?, item)))
}

/// Returns the cursor of the next page. Absent or null ends the list; an empty string does not (L-19).
pub fn next_cursor<'t>(result: Value<'t>) -> Option<Cow<'t, str>> {
    result.get("nextCursor")?.as_str()
}

/// Cuts the items that `keep` refuses out of `result.<list_member>`, by span; everything else stays byte for byte.
/// `None` if nothing was cut.
pub fn retain_items(
    frame: &Frame,
    list_member: &str,
    mut keep: impl FnMut(Value<'_>) -> bool,
) -> Option<Bytes> {
    let list = frame.result()?.get(list_member)?;
    let mut edits = Edits::new();
    for (position, item) in list.items().enumerate() {
        if !keep(item) {
            edits.remove_item(list, position);
        }
    }
    if edits.is_empty() {
        return None;
    }
    // Cuts made from this very tree apply; were they ever not to, an empty body is what nobody can read as a list.
    Some(edits.apply(frame.tree()).unwrap_or_default())
}
