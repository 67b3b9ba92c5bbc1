//! A classifier in ONNX small enough to be understood: it knows a few words, and what it thinks of a text is what it thinks of
//! its worst word. Written here byte by byte, so that no test leans on a file that nobody can read.

use std::collections::BTreeMap;

/// What a tiny model is made from.
pub struct TinyModel {
    /// What it thinks of each word: the logit of an attack. Other words have -4.
    pub words: BTreeMap<&'static str, f32>,
    /// How many labels it has. The first says that all is well; all others share what the words say.
    pub labels: usize,
}

impl Default for TinyModel {
    /// It takes `betray` for an attack for sure, and is not sure of `perhaps`.
    fn default() -> Self {
        Self { words: BTreeMap::from([("betray", 6.0), ("perhaps", 0.0)]), labels: 2 }
    }
}

/// What it thinks of a word that it does not know, and of its own marks.
const UNKNOWN: f32 = -4.0;
/// What stands for unknown words, and around a text.
const MARKS: [&str; 3] = ["[UNK]", "[CLS]", "[SEP]"];
const FLOAT: u64 = 1;
const INT64: u64 = 7;

impl TinyModel {
    /// The model's file: `logits[label] = max over words of table[word][label] × attention`.
    pub fn onnx(&self) -> Vec<u8> {
        let mut table = Vec::new();
        for logit in [UNKNOWN; MARKS.len()].iter().chain(self.words.values()) {
            table.extend(0_f32.to_le_bytes());
            table.extend((1..self.labels).flat_map(|_| logit.to_le_bytes()));
        }
        let rows = (MARKS.len() + self.words.len()) as u64;
        let nodes = [
            node("Gather", &["table", "input_ids"], "each", &[]),
            node("Cast", &["attention_mask"], "mask", &[message(5, &int_attribute("to", FLOAT))]),
            node("Unsqueeze", &["mask", "last"], "wide", &[]),
            node("Mul", &["each", "wide"], "seen", &[]),
            node(
                "ReduceMax",
                &["seen"],
                "logits",
                &[message(5, &ints_attribute("axes", 1)), message(5, &int_attribute("keepdims", 0))],
            ),
        ];
        let mut graph: Vec<u8> = nodes.iter().flat_map(|node| message(1, node)).collect();
        graph.extend(text(2, "tiny"));
        graph.extend(message(5, &tensor("table", FLOAT, &[rows, self.labels as u64], &table)));
        graph.extend(message(5, &tensor("last", INT64, &[1], &(-1_i64).to_le_bytes())));
        graph.extend(message(11, &value("input_ids", INT64, &["batch", "tokens"])));
        graph.extend(message(11, &value("attention_mask", INT64, &["batch", "tokens"])));
        graph.extend(message(12, &value("logits", FLOAT, &["batch", "labels"])));
        let mut model = number(1, 7);
        model.extend(message(8, &number(2, 13)));
        model.extend(message(7, &graph));
        model
    }

    /// The tokenizer's file: words between blanks, in small letters.
    pub fn tokenizer(&self) -> String {
        let words = MARKS.iter().chain(self.words.keys()).zip(0..);
        let vocabulary: serde_json::Map<_, _> =
            words.map(|(word, id): (_, u32)| ((*word).to_owned(), id.into())).collect();
        let mark = |mark: &str| serde_json::json!({"SpecialToken": {"id": mark, "type_id": 0}});
        let of = |mark: &str, id| serde_json::json!({"id": mark, "ids": [id], "tokens": [mark]});
        let text = serde_json::json!({"Sequence": {"id": "A", "type_id": 0}});
        serde_json::json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": [],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [mark("[CLS]"), text, mark("[SEP]")],
                "pair": [],
                "special_tokens": {"[CLS]": of("[CLS]", 1), "[SEP]": of("[SEP]", 2)},
            },
            "decoder": null,
            "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
        })
        .to_string()
    }
}

// Protocol buffers, as far as onnx.proto3 needs them here.

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn message(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn text(field: u64, text: &str) -> Vec<u8> {
    message(field, text.as_bytes())
}

fn node(kind: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node: Vec<u8> = inputs.iter().flat_map(|input| text(1, input)).collect();
    node.extend([text(2, output), text(3, output), text(4, kind)].concat());
    node.extend(attributes.concat());
    node
}

fn int_attribute(name: &str, value: u64) -> Vec<u8> {
    [text(1, name), number(3, value), number(20, 2)].concat()
}

fn ints_attribute(name: &str, value: u64) -> Vec<u8> {
    [text(1, name), number(8, value), number(20, 7)].concat()
}

fn tensor(name: &str, kind: u64, dims: &[u64], raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|dim| number(1, *dim)).collect();
    [dims, number(2, kind), text(8, name), message(9, raw)].concat()
}

fn value(name: &str, kind: u64, dims: &[&str]) -> Vec<u8> {
    let shape: Vec<u8> = dims.iter().flat_map(|dim| message(1, &text(2, dim))).collect();
    let kind = [number(1, kind), message(2, &shape)].concat();
    [text(1, name), message(2, &message(1, &kind))].concat()
}
