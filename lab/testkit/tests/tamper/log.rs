//! An audit log as lines, with the tools of a thief: to edit it, to chain it anew, to sign it anew. Written from the
//! format's description, apart from the code that writes it.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// What every checkpoint's signature is made over, before the record itself.
const DOMAIN: &str = "doorward audit checkpoint 1\n";

/// The one segment of a log, and its second sink.
pub(crate) struct Log {
    pub(crate) lines: Vec<String>,
    sink: Vec<String>,
    key: String,
}

impl Log {
    pub(crate) fn read(folder: &Path) -> Self {
        let lines = |path: &str| {
            let text = std::fs::read_to_string(folder.join(path)).unwrap();
            text.lines().map(str::to_owned).collect()
        };
        let key = std::fs::read_to_string(folder.join("keys/audit.pem")).unwrap();
        Self { lines: lines("audit/audit-000001.jsonl"), sink: lines("checkpoints/checkpoints.jsonl"), key }
    }

    pub(crate) fn write(&self, folder: &Path) {
        for (file, lines) in
            [("audit/audit-000001.jsonl", &self.lines), ("checkpoints/checkpoints.jsonl", &self.sink)]
        {
            let path = folder.join(file);
            std::fs::create_dir(path.parent().unwrap()).unwrap();
            std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        }
    }

    /// Where the first record of a kind stands.
    pub(crate) fn find(&self, kind: &str) -> usize {
        self.lines.iter().position(|line| is(line, kind)).unwrap()
    }

    /// How many records stand behind the last checkpoint.
    pub(crate) fn tail(&self) -> usize {
        self.lines.iter().rev().take_while(|line| !is(line, "checkpoint")).count()
    }

    pub(crate) fn edit(&mut self, from: &str, to: &str) {
        let line =
            self.lines.iter_mut().find(|line| line.contains(from)).expect("the log has something to edit");
        *line = line.replacen(from, to, 1);
    }

    pub(crate) fn cut_after_first(&mut self, kind: &str) {
        self.lines.truncate(self.find(kind) + 1);
    }

    pub(crate) fn cut_before_last(&mut self, kind: &str, by: usize) {
        let last = self.lines.iter().rposition(|line| is(line, kind)).unwrap();
        self.lines.truncate(last - by);
    }

    pub(crate) fn swap(&mut self) {
        let first = self.find("intent");
        self.lines.swap(first, first + 1);
    }

    pub(crate) fn put_in_and_renumber(&mut self) {
        self.lines.insert(5, self.lines[4].clone());
        self.renumber();
    }

    pub(crate) fn take_out_and_chain(&mut self) {
        self.lines.remove(self.find("intent"));
        self.renumber();
        self.chain(|_| None);
    }

    pub(crate) fn spoil_signature(&mut self) {
        let at = self.lines.iter().rposition(|line| is(line, "checkpoint")).unwrap();
        let (signed, signature) = self.lines[at].split_once("\"sig\":\"").unwrap();
        let other = if signature.starts_with('A') { "B" } else { "A" };
        self.lines[at] = format!("{signed}\"sig\":\"{other}{}", signature.get(1..).unwrap());
    }

    /// Changes who was served what, and makes every hash fit again.
    pub(crate) fn rewrite(&mut self) {
        self.forge(|_| None);
    }

    pub(crate) fn rewrite_with_new_key(&mut self) {
        let key = Ed25519KeyPair::generate().unwrap();
        let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let first = &mut self.lines[0];
        let (before, rest) = first.split_once("\"public_key\":\"").unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        *first = format!("{before}\"public_key\":\"{public}\"{after}");
        self.forge(|signed| Some(sign(&key, signed)));
    }

    pub(crate) fn rewrite_with_stolen_key(&mut self) {
        let der: String = self.key.lines().filter(|line| !line.starts_with("-----")).collect();
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&STANDARD.decode(der).unwrap()).unwrap();
        self.forge(|signed| Some(sign(&key, signed)));
    }

    pub(crate) fn edit_second_sink(&mut self) {
        self.sink[0] = self.sink[0].replacen("\"epoch\":0", "\"epoch\":7", 1);
    }

    fn forge(&mut self, sign: impl Fn(&str) -> Option<String>) {
        self.lines.remove(self.find("refused"));
        self.edit("\"tool\":\"echo\"", "\"tool\":\"none\"");
        self.renumber();
        self.chain(sign);
    }

    fn renumber(&mut self) {
        for (line, seq) in self.lines.iter_mut().zip(1..) {
            let (_, rest) = line.split_once(',').unwrap();
            *line = format!("{{\"seq\":{seq},{rest}");
        }
    }

    /// Binds each record to the one before it, and signs each checkpoint if there is something to sign with.
    fn chain(&mut self, sign: impl Fn(&str) -> Option<String>) {
        for at in 0..self.lines.len() {
            let mut line = self.lines[at].clone();
            if let Some(before) = at.checked_sub(1) {
                let (start, rest) = line.split_once("\"prev\":\"").unwrap();
                let (_, rest) = rest.split_once('"').unwrap();
                let prev = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.lines[before].as_bytes()));
                line = format!("{start}\"prev\":\"{prev}\"{rest}");
            }
            if is(&line, "checkpoint")
                && let Some((signed, _)) = line.split_once(",\"sig\":\"")
                && let Some(signature) = sign(signed)
            {
                line = format!("{signed},\"sig\":\"{signature}\"}}");
            }
            self.lines[at] = line;
        }
    }
}

fn sign(key: &Ed25519KeyPair, signed: &str) -> String {
    URL_SAFE_NO_PAD.encode(key.sign(format!("{DOMAIN}{signed}").as_bytes()))
}

fn is(line: &str, kind: &str) -> bool {
    line.contains(&format!("\"kind\":\"{kind}\""))
}
