//! What the services answer, read strictly: members that nobody knows are passed over, and one that is missing or of
//! another form makes the whole answer none.

use bytes::Bytes;
use doorward_wire::{Kind, Limits, Tree, Value};

use crate::opinion::{Category, Content, Hit};

/// An answer is a few hundred bytes; with a list of thousands of hits it must be readable too, or whoever hits that often
/// gets none.
const LIMITS: Limits = Limits { max_bytes: 1024 * 1024, max_depth: 16, max_nodes: 64 * 1024 };
/// The highest severity there is.
const WORST: i64 = 7;
/// The longest id of an item that is kept.
const LONGEST_ID: usize = 128;

/// An answer cannot be used; the text says what is wrong with it, in words of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Reads an answer of `text:shieldPrompt`: is one of the texts an attack? What was asked about must be answered for.
///
/// # Errors
/// [`Malformed`].
pub fn read_shields(body: Bytes, prompt: bool, documents: usize) -> Result<bool, Malformed> {
    let tree = parse(body)?;
    let root = tree.root();
    let said = match root.get("userPromptAnalysis").filter(|value| !value.is_null()) {
        Some(analysis) => detected(analysis)?,
        None if prompt => return Err(Malformed("it says nothing of the prompt")),
        None => false,
    };
    let analyses = root.get("documentsAnalysis").filter(|value| !value.is_null());
    let list = match analyses {
        Some(list) if list.kind() == Kind::Array => list.len(),
        Some(_) => return Err(Malformed("documentsAnalysis is no list")),
        None => 0,
    };
    // One for each: with fewer, nobody knows which document was not looked at.
    if list != documents {
        return Err(Malformed("it does not say as much of documents as there were"));
    }
    let mut attack = said;
    for analysis in analyses.iter().flat_map(Value::items) {
        attack |= detected(analysis)?;
    }
    Ok(attack)
}

fn detected(analysis: Value<'_>) -> Result<bool, Malformed> {
    let said = analysis.get("attackDetected").and_then(|value| value.as_bool());
    said.ok_or(Malformed("attackDetected is not there, or neither true nor false"))
}

/// Reads an answer of `text:analyze` for these categories and lists.
///
/// # Errors
/// [`Malformed`].
pub fn read_analysis(body: Bytes, categories: &[Category], lists: &[String]) -> Result<Content, Malformed> {
    let tree = parse(body)?;
    let root = tree.root();
    let mut content = Content::default();
    let analyses = root.get("categoriesAnalysis").filter(|value| value.kind() == Kind::Array);
    if analyses.is_none() && !categories.is_empty() {
        return Err(Malformed("categoriesAnalysis is not there, or no list"));
    }
    for analysis in analyses.iter().flat_map(Value::items) {
        let name = analysis.get("category").filter(|name| name.kind() == Kind::String);
        let name = name.ok_or(Malformed("a category has no name"))?;
        let Some(category) = categories.iter().find(|category| name.is_str(category.as_str())) else {
            continue;
        };
        let severity = analysis.get("severity").and_then(|value| value.as_i64());
        let severity = severity.filter(|severity| (0..=WORST).contains(severity));
        let severity = severity.and_then(|severity| u8::try_from(severity).ok());
        let severity = severity.ok_or(Malformed("a severity is not there, or not 0 to 7"))?;
        if content.severities.insert(*category, severity).is_some() {
            return Err(Malformed("a category is there twice"));
        }
    }
    if content.severities.len() != categories.len() {
        return Err(Malformed("a category that was asked for is missing"));
    }
    if lists.is_empty() {
        return Ok(content);
    }
    let matches = root.get("blocklistsMatch").filter(|value| value.kind() == Kind::Array);
    let matches = matches.ok_or(Malformed("blocklistsMatch is not there, or no list"))?;
    for found in matches.items() {
        let list = found.get("blocklistName");
        let list = list.and_then(|list| lists.iter().find(|name| list.is_str(name)));
        let list = list.ok_or(Malformed("a hit is on no list that was asked for"))?;
        let item = found.get("blocklistItemId").and_then(|item| item.as_str());
        let plain = |item: &str| item.len() <= LONGEST_ID && item.bytes().all(|byte| byte.is_ascii_graphic());
        let item = item.filter(|item| plain(item)).ok_or(Malformed("a hit has no item"))?;
        let hit = Hit { list: list.clone(), item: item.into_owned() };
        content.add(&Content { hits: vec![hit], ..Content::default() });
    }
    Ok(content)
}

/// Reads the code of a refusal, if it is one of those that the services have: a service that repeats the text in its
/// message must not bring it into a log.
pub fn error_code(body: Bytes) -> &'static str {
    const CODES: [&str; 11] = [
        "InvalidRequestBody",
        "InvalidRequest",
        "InvalidApiVersion",
        "NotFound",
        "BlocklistNotFound",
        "PermissionDenied",
        "TooManyRequests",
        "ServerBusy",
        "InternalError",
        "401",
        "404",
    ];
    let Ok(tree) = Tree::parse(body, &LIMITS) else { return "unknown" };
    let code = tree.root().path(&["error", "code"]);
    code.and_then(|code| CODES.into_iter().find(|known| code.is_str(known))).unwrap_or("unknown")
}

fn parse(body: Bytes) -> Result<Tree, Malformed> {
    let tree = Tree::parse(body, &LIMITS).map_err(|_| Malformed("it is not valid JSON"))?;
    if tree.root().is_object() { Ok(tree) } else { Err(Malformed("it is no object")) }
}

#[cfg(test)]
mod tests;
