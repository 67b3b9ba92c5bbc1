//! Looks for secrets wherever the run left something.
//!
//! What Entra answers is in no transcript, so its tokens are known by what they are: a signed token whose issuer is not the
//! door. Everything else that Entra knows is looked for letter by letter, plain and in base64.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use doorward_testkit::Lab;
use serde_json::Value;

use crate::clients::Seen;

/// Folders that are not the door's: Entra's own, the people's browsers, and the clients', which are searched for less.
const OTHERS: [&str; 3] = ["lab", "people", "clients"];

/// Searches everything that the run left in the lab's folder.
pub(crate) fn search(lab: &Lab, issuer: &str, seen: &[Seen]) {
    let entras = of_entra(lab);
    let keys = of_keys(lab);
    let theirs = of_clients(seen);
    // A search for nothing would find nothing.
    let kinds = ["code", "refresh_token", "client_secret", "password"];
    let sent: BTreeSet<&str> = entras.iter().map(|canary| canary.kind.as_str()).collect();
    assert!(kinds.iter().all(|kind| sent.contains(kind)), "Entra was sent {sent:?} only");
    let of: BTreeSet<&str> = keys.iter().filter_map(|canary| canary.kind.strip_prefix("the key ")).collect();
    assert!(["secret", "audit.pem", "vault.key"].iter().all(|name| of.contains(name)), "keys of {of:?} only");
    assert!(theirs.len() >= 8 * 9, "eight clients were given {} tokens and codes only", theirs.len());

    let mut found = Vec::new();
    let files = files(lab.folder());
    for path in &files {
        let name = path.strip_prefix(lab.folder()).expect("it is in the folder");
        let top = name.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let top = top.unwrap_or_default();
        if ["lab", "people"].contains(&top.as_str()) {
            continue;
        }
        let bytes = readable(&std::fs::read(path).expect("it is ours"));
        let of_client = OTHERS.contains(&top.as_str());
        let mut looked: Vec<&Canary> = entras.iter().collect();
        if top != "keys" {
            looked.extend(&keys);
        } else {
            // The one place where Entra's secret may be, as a key.
            looked.retain(|canary| canary.kind != "client_secret");
        }
        if !of_client {
            looked.extend(&theirs);
        }
        found.extend(
            looked
                .iter()
                .filter(|canary| canary.is_in(&bytes))
                .map(|canary| format!("{} in {}", canary.kind, name.display())),
        );
        found.extend(
            foreign_tokens(&bytes, issuer)
                .map(|claims| format!("a foreign token in {}: {claims}", name.display())),
        );
    }
    for one in seen {
        let bytes = one.printed.as_str();
        found.extend(
            entras
                .iter()
                .chain(&keys)
                .filter(|canary| canary.is_in(bytes))
                .map(|canary| format!("{} told to a client", canary.kind)),
        );
        found.extend(
            foreign_tokens(bytes, issuer).map(|claims| format!("a foreign token told to a client: {claims}")),
        );
        let ours = one.tokens.iter().filter_map(|answer| answer["access_token"].as_str());
        let ours = ours.filter(|token| foreign_tokens(token, "nobody").count() == 1).count();
        assert_eq!(ours, one.tokens.len(), "the search knows the door's own tokens when it sees them");
    }
    assert_eq!(found, Vec::<String>::new());
    let needed = ["doorward.db", "door.log", "audit", "checkpoints", "clients"];
    let there = |part: &str| files.iter().any(|path| path.to_string_lossy().contains(part));
    assert!(needed.iter().all(|part| there(part)), "searched only {files:?}");
    println!(
        "searched {} files for {} secrets of Entra's, {} lines of keys and {} tokens and codes of the door's",
        files.len(),
        entras.len(),
        keys.len(),
        theirs.len()
    );
}

/// Something that must not be found.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Canary {
    kind: String,
    text: String,
}

impl Canary {
    fn new(kind: &str, text: &str) -> Self {
        Self { kind: kind.to_owned(), text: text.to_owned() }
    }

    fn is_in(&self, text: &str) -> bool {
        text.contains(&self.text) || encoded(&self.text).iter().any(|code| text.contains(code))
    }
}

/// What stands in base64, of both alphabets, wherever the secret begins within the text that was encoded.
fn encoded(text: &str) -> Vec<String> {
    let shifted = [(0, 0), (1, 2), (2, 3)].map(|(before, mixed)| {
        let bytes = [&b"  "[..before], text.as_bytes()].concat();
        // The last character holds bits of whatever follows.
        let behind = usize::from(bytes.len() % 3 != 0);
        [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
            .map(|code| code.get(mixed..code.len() - behind).expect("longer than that").to_owned())
    });
    shifted.into_iter().flatten().collect()
}

/// Bytes as text that can be searched fast; what is not ASCII does not matter.
fn readable(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// What the door and the people sent to Entra and Graph: codes, refresh tokens, the secret, passwords, tokens.
fn of_entra(lab: &Lab) -> BTreeSet<Canary> {
    let mut all = BTreeSet::new();
    for request in lab.emulator.control().transcript() {
        if let Some(token) =
            request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "))
        {
            all.insert(Canary::new("bearer", token));
        }
        let pairs = url_pairs(&request.body);
        for (name, value) in pairs {
            let secret = [
                "code",
                "code_verifier",
                "refresh_token",
                "client_secret",
                "client_assertion",
                "assertion",
                "password",
            ];
            if secret.contains(&name.as_str()) && value.len() >= 8 {
                all.insert(Canary::new(&name, &value));
            }
        }
    }
    all
}

/// The lines of the door's key files.
fn of_keys(lab: &Lab) -> BTreeSet<Canary> {
    let mut all = BTreeSet::new();
    for path in files(&lab.folder().join("keys")) {
        let bytes = std::fs::read(&path).expect("it is ours");
        let name = format!("the key {}", path.file_name().unwrap_or_default().to_string_lossy());
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let lines = text.lines().filter(|line| line.len() >= 16 && !line.starts_with("-----"));
                all.extend(lines.map(|line| Canary::new(&name, line)));
            }
            Err(_) => {
                all.insert(Canary::new(&name, &STANDARD.encode(&bytes)));
            }
        }
    }
    all
}

/// What the door gave its clients: no file of its own may hold them.
fn of_clients(seen: &[Seen]) -> BTreeSet<Canary> {
    let mut all = BTreeSet::new();
    for one in seen {
        all.extend(one.codes.iter().map(|code| Canary::new("the door's code", code)));
        for answer in &one.tokens {
            for name in ["access_token", "refresh_token"] {
                let token = answer[name].as_str().expect("every answer holds both");
                all.insert(Canary::new(&format!("the door's {name}"), token));
            }
        }
    }
    all
}

/// The claims of every signed token in a text that the door did not sign.
fn foreign_tokens<'a>(text: &'a str, issuer: &'a str) -> impl Iterator<Item = Value> + 'a {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric() && !"-_.".contains(char));
    words.flat_map(claims).filter(move |claims| claims["iss"] != issuer)
}

/// Whatever a word holds that reads as claims with an issuer.
fn claims(word: &str) -> Vec<Value> {
    let parts = word.split('.').filter_map(|part| {
        let json = URL_SAFE_NO_PAD.decode(part.get(part.find("eyJ")?..)?).ok()?;
        serde_json::from_slice::<Value>(&json).ok()
    });
    parts.filter(|json| json.get("iss").is_some()).collect()
}

fn url_pairs(form: &str) -> Vec<(String, String)> {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap_or_default(), bytes.next().unwrap_or_default()];
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).unwrap_or_default()
            }
            other => other,
        });
    }
    String::from_utf8(plain).unwrap_or_default()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn a_planted_secret_is_found_however_it_was_written() {
    let canary = Canary::new("code", "1.Sq-99TJ2CDS1POCR0jEiRQ9YSG8");
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}{} and more", canary.text);
        assert!(canary.is_in(&text) && canary.is_in(&STANDARD.encode(&text)), "{text}");
        assert!(canary.is_in(&URL_SAFE_NO_PAD.encode(&text)), "{text}");
    }
    assert!(!canary.is_in("1.Sq-99TJ2CDS1POCR0jEiRQ9YSG"));
    let token =
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"iss":"https://login.example","sub":"a"}"#));
    assert_eq!(foreign_tokens(&format!("x={token}&y"), "http://door").count(), 1);
    assert_eq!(foreign_tokens(&token, "https://login.example").count(), 0);
}
