//! Blocklists, and how often each caller has asked.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, header};
use serde_json::{Value, json};

use super::{SafetyError, SafetyResult, object, strings};
use crate::random::guid_for;

/// The most items in one call, and the longest text of one.
const AT_ONCE: usize = 100;
const LONGEST_ITEM: usize = 128;
/// The window in which requests are counted, in seconds of the lab's clock.
const WINDOW: i64 = 10;

/// All that changes.
#[derive(Default)]
pub(crate) struct Safety {
    lists: BTreeMap<String, List>,
    /// Caller → the window's beginning, requests in it.
    asked: BTreeMap<String, (i64, u32)>,
}

#[derive(Default)]
struct List {
    description: Option<String>,
    items: Vec<Item>,
}

struct Item {
    id: String,
    description: Option<String>,
    text: String,
}

impl Safety {
    /// Counts a request; returns in how many seconds the next one is welcome if there were too many.
    pub(super) fn count(&mut self, caller: &str, now: i64, rate: u32) -> Option<i64> {
        let (begun, count) = self.asked.entry(caller.to_owned()).or_insert((now, 0));
        if now.saturating_sub(*begun) >= WINDOW {
            (*begun, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        (*count > rate).then(|| WINDOW - now.saturating_sub(*begun))
    }

    pub(super) fn all(&self) -> Value {
        json!({ "value": self.lists.iter().map(|(name, list)| list.json(name)).collect::<Vec<_>>() })
    }

    pub(super) fn items(&self, name: &str) -> SafetyResult<Value> {
        Ok(json!({ "value": self.find(name)?.items.iter().map(Item::json).collect::<Vec<_>>() }))
    }

    pub(super) fn item(&self, name: &str, id: &str) -> SafetyResult<Value> {
        let item = self.find(name)?.items.iter().find(|item| item.id == id);
        item.map(Item::json).ok_or_else(|| SafetyError::not_found("The blocklist item was not found."))
    }

    /// What is done with one list: the last part of a path may name an action after a colon.
    pub(super) fn operate(
        &mut self,
        method: &Method,
        name: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> SafetyResult<(u16, Value)> {
        let (name, action) = name.split_once(':').unwrap_or((name, ""));
        match (method.as_str(), action) {
            ("GET", "") => Ok((200, self.find(name)?.json(name))),
            ("PATCH", "") => self.put(name, headers, body),
            ("DELETE", "") => {
                self.find(name)?;
                self.lists.remove(name);
                Ok((204, Value::Null))
            }
            ("POST", "addOrUpdateBlocklistItems") => self.add(name, body),
            ("POST", "removeBlocklistItems") => self.remove(name, body),
            _ => Err(SafetyError::no_resource()),
        }
    }

    fn put(&mut self, name: &str, headers: &HeaderMap, body: &[u8]) -> SafetyResult<(u16, Value)> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(known) {
            return Err(SafetyError::bad("The blocklist name does not match ^[0-9A-Za-z._~-]+$."));
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().is_none_or(|kind| kind.trim() != "application/merge-patch+json") {
            return Err(SafetyError::media_type());
        }
        let asked = object(body)?;
        let created = !self.lists.contains_key(name);
        let list = self.lists.entry(name.to_owned()).or_default();
        if let Some(description) = asked.get("description") {
            list.description = description.as_str().map(str::to_owned);
        }
        Ok((if created { 201 } else { 200 }, list.json(name)))
    }

    fn add(&mut self, name: &str, body: &[u8]) -> SafetyResult<(u16, Value)> {
        let asked = object(body)?;
        let list = self.lists.get_mut(name).ok_or_else(absent)?;
        let items = asked.get("blocklistItems").and_then(Value::as_array);
        let items = items.filter(|items| (1..=AT_ONCE).contains(&items.len()));
        let items = items.ok_or_else(|| SafetyError::bad("blocklistItems must hold 1 to 100 items."))?;
        let mut added = Vec::new();
        for item in items {
            let text = item.get("text").and_then(Value::as_str).unwrap_or_default();
            if text.is_empty() || text.chars().count() > LONGEST_ITEM {
                return Err(SafetyError::bad("The text of an item must have 1 to 128 characters."));
            }
            if item.get("isRegex").and_then(Value::as_bool) == Some(true) {
                return Err(SafetyError::bad("The lab knows no regular expressions."));
            }
            let description = item.get("description").and_then(Value::as_str).map(str::to_owned);
            let id = guid_for(&["blocklist", name, text]);
            added.push(Item { id, description, text: text.to_owned() });
        }
        let answer = json!({ "blocklistItems": added.iter().map(Item::json).collect::<Vec<_>>() });
        list.items.retain(|known| added.iter().all(|item| item.id != known.id));
        list.items.extend(added);
        Ok((200, answer))
    }

    fn remove(&mut self, name: &str, body: &[u8]) -> SafetyResult<(u16, Value)> {
        let ids = strings(&object(body)?, "blocklistItemIds")?;
        let list = self.lists.get_mut(name).ok_or_else(absent)?;
        if !(1..=AT_ONCE).contains(&ids.len()) {
            return Err(SafetyError::bad("blocklistItemIds must hold 1 to 100 ids."));
        }
        list.items.retain(|item| !ids.contains(&item.id));
        Ok((204, Value::Null))
    }

    /// Returns what of a text stands on the lists, whatever its case (assumed).
    pub(super) fn matches(&self, names: &[String], text: &str) -> SafetyResult<Vec<Value>> {
        let text = text.to_lowercase();
        let mut hits = Vec::new();
        for name in names {
            for item in &self.find(name)?.items {
                if text.contains(&item.text.to_lowercase()) {
                    hits.push(json!({
                        "blocklistName": name, "blocklistItemId": item.id, "blocklistItemText": item.text,
                    }));
                }
            }
        }
        Ok(hits)
    }

    fn find(&self, name: &str) -> SafetyResult<&List> {
        self.lists.get(name).ok_or_else(absent)
    }
}

fn absent() -> SafetyError {
    SafetyError::not_found("The blocklist was not found.")
}

impl List {
    fn json(&self, name: &str) -> Value {
        json!({ "blocklistName": name, "description": self.description })
    }
}

impl Item {
    fn json(&self) -> Value {
        json!({
            "blocklistItemId": self.id, "description": self.description, "text": self.text, "isRegex": false,
        })
    }
}
