//! Changes of a definition that nobody reads otherwise, drawn. The same seed draws the same ones.

use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// `SplitMix64`: a generator of five lines, so that the draws are the same everywhere and for good.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound.max(1) as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.draw() & 1 == 1
    }

    pub(super) fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(super) fn pick(&mut self, list: &[&'static str]) -> &'static str {
        list[self.below(list.len())]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for n in (1..list.len()).rev() {
            list.swap(n, self.below(n + 1));
        }
    }
}

/// Lays a definition out anew: the order of members and of lists that have none, blanks, escapes, spellings of numbers and
/// of characters, and what counts anyway said or left out.
pub(super) fn cosmetic(tool: &Value, dice: &mut Dice) -> String {
    let mut tool = tool.clone();
    respell(&mut tool, dice, false);
    if dice.coin() {
        let mut notes = tool["annotations"].as_object().cloned().unwrap_or_default();
        for (name, counts) in [
            ("readOnlyHint", false),
            ("destructiveHint", true),
            ("idempotentHint", false),
            ("openWorldHint", true),
        ] {
            if dice.coin() && !notes.contains_key(name) {
                notes.insert(name.to_owned(), json!(counts));
            }
        }
        tool["annotations"] = Value::Object(notes);
    }
    if let Some(schema) = tool["inputSchema"].as_object_mut()
        && !schema.contains_key("additionalProperties")
        && dice.coin()
    {
        schema.insert("additionalProperties".to_owned(), json!(true));
    }
    let mut out = String::new();
    print(&tool, dice, &mut out);
    out
}

fn respell(value: &mut Value, dice: &mut Dice, is_map: bool) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    // A tool's title is a name, in which blanks count.
                    Value::String(text) if !is_map && name == "description" => *text = blanks(text, dice),
                    Value::Array(list)
                        if !is_map && matches!(name.as_str(), "required" | "enum" | "type") =>
                    {
                        dice.shuffle(list);
                    }
                    other => {
                        respell(other, dice, matches!(name.as_str(), "properties" | "$defs" | "definitions"))
                    }
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| respell(item, dice, false)),
        _ => {}
    }
}

fn blanks(text: &str, dice: &mut Dice) -> String {
    let text: String = match dice.below(3) {
        0 => text.nfd().collect(),
        1 => text.nfc().collect(),
        _ => text.to_owned(),
    };
    let mut out = String::from(dice.pick(&["", "", " ", "\n"]));
    for c in text.chars() {
        match c {
            ' ' if dice.below(4) == 0 => {
                out.push_str(dice.pick(&["  ", "\n", "\t", "\u{a0}", "\r\n", " \n    "]))
            }
            '\n' if dice.below(3) == 0 => out.push_str(dice.pick(&["\r\n", "\n\n", " ", "\n    "])),
            other => out.push(other),
        }
    }
    out.push_str(dice.pick(&["", "", "\n", "  "]));
    out
}

/// Writes JSON with its members in any order, blanks anywhere, and strings and numbers spelt in any way.
fn print(value: &Value, dice: &mut Dice, out: &mut String) {
    let blank = |dice: &mut Dice, out: &mut String| out.push_str(dice.pick(&["", "", " ", "\n  "]));
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            dice.shuffle(&mut members);
            out.push('{');
            for (n, (name, member)) in members.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                blank(dice, out);
                quote(name, dice, out);
                blank(dice, out);
                out.push(':');
                blank(dice, out);
                print(member, dice, out);
            }
            blank(dice, out);
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                blank(dice, out);
                print(item, dice, out);
            }
            out.push(']');
        }
        Value::String(text) => quote(text, dice, out),
        Value::Number(number) => match number.as_i64() {
            Some(integer) if integer.abs() < 1 << 50 => match dice.below(3) {
                0 => out.push_str(&format!("{integer}.0")),
                1 => out.push_str(&format!("{integer}e0")),
                _ => out.push_str(&integer.to_string()),
            },
            _ => out.push_str(&number.to_string()),
        },
        other => out.push_str(&other.to_string()),
    }
}

fn quote(text: &str, dice: &mut Dice, out: &mut String) {
    if dice.below(4) > 0 {
        out.push_str(&serde_json::to_string(text).unwrap());
        return;
    }
    out.push('"');
    for unit in text.encode_utf16() {
        out.push_str(&format!("\\u{unit:04x}"));
    }
    out.push('"');
}
