//! A person at a browser: `clients/person.py`, which a client opens as its `$BROWSER` or a suite sends somewhere.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::kit::Kit;
use crate::wait::within;

/// What a willing person presses, the most wanted first: the door's question, then whatever Entra asks.
const WILLING: [&str; 5] = ["allow", "continue", "sign-in", "approve", "accept"];

/// One person with a browser of their own: its cookies last from visit to visit.
#[derive(Debug, Clone)]
pub struct Person {
    script: PathBuf,
    python: PathBuf,
    ca: PathBuf,
    plan: PathBuf,
    visits: PathBuf,
}

/// Where a visit led.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The address that was shown last, with all that stands in its query.
    pub url: String,
    /// The status of that page; none if it could not be loaded.
    pub status: Option<u64>,
    /// Its title.
    pub title: String,
    /// Its words.
    pub text: String,
    /// All of it: `steps` holds each request with its `method`, `url`, `status` and what was `pressed` on the page;
    /// `query` what stands in the last address; `error` why the way broke off.
    pub all: Value,
}

impl Person {
    /// Somebody whom the emulated Entra knows by name, and who allows what is asked. `folder` keeps the cookies and the
    /// visits; `ca` is the file with the emulator's certificate authority.
    ///
    /// # Panics
    /// If the folder cannot be written.
    #[must_use]
    pub fn new(kit: &Kit, folder: &Path, ca: &Path, username: &str, password: &str) -> Self {
        std::fs::create_dir_all(folder).expect("the folder is ours");
        let person = Self {
            script: kit.script("person.py"),
            python: kit.python().parent().expect("a file is in a folder").to_owned(),
            ca: ca.to_owned(),
            plan: folder.join("person.json"),
            visits: folder.join("visits.jsonl"),
        };
        let plan = json!({
            "fields": { "username": username, "password": password },
            "press": WILLING,
            "jar": folder.join("cookies.json"),
            "visits": person.visits,
        });
        std::fs::write(&person.plan, plan.to_string()).expect("the folder is ours");
        person
    }

    /// The same person, who now presses something else. Each word is the value or the label of a button, or the label of
    /// a link.
    ///
    /// # Panics
    /// If the folder cannot be written.
    pub fn presses(&self, words: &[&str]) {
        let text = std::fs::read_to_string(&self.plan).expect("it was written by us");
        let mut plan: Value = serde_json::from_str(&text).expect("it was written by us");
        if let Some(plan) = plan.as_object_mut() {
            plan.insert("press".to_owned(), json!(words));
        }
        std::fs::write(&self.plan, plan.to_string()).expect("the folder is ours");
    }

    /// Sits down before a client: what it opens as a browser is this person's.
    pub fn before(&self, client: &mut Command) {
        // The Python of the kit, whatever the home is that the client was given.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(self.python.clone()).chain(std::env::split_paths(&path));
        client.env("PATH", std::env::join_paths(places).expect("PATH was joined before"));
        client.env("BROWSER", &self.script).env("PERSON", &self.plan).env("SSL_CERT_FILE", &self.ca);
    }

    /// Opens an address and goes on until nothing is left to press.
    ///
    /// # Panics
    /// If the browser does not end in time.
    pub async fn visit(&self, url: &str) -> Visit {
        let mut browser = Command::new(&self.script);
        browser.args(["--stay", url]).stdin(Stdio::null()).kill_on_drop(true);
        self.before(&mut browser);
        let output = within("a person's visit to end", browser.output()).await.expect("python3 is there");
        let said = String::from_utf8_lossy(&output.stdout);
        let told = String::from_utf8_lossy(&output.stderr);
        Visit::of(serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{told}")))
    }

    /// Every visit so far, those that clients began too.
    ///
    /// # Panics
    /// If they are not as the browser writes them.
    #[must_use]
    pub fn visits(&self) -> Vec<Visit> {
        let text = std::fs::read_to_string(&self.visits).unwrap_or_default();
        text.lines().map(|line| Visit::of(serde_json::from_str(line).expect("one JSON a line"))).collect()
    }
}

impl Visit {
    fn of(all: Value) -> Self {
        let word = |name: &str| all.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let status = all.get("status").and_then(Value::as_u64);
        Self { url: word("url"), status, title: word("title"), text: word("text"), all }
    }

    /// A parameter of the last address: `code`, `error`, `state`, `iss`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.all.get("query")?.get(name)?.as_str()
    }

    /// What was pressed, in order.
    #[must_use]
    pub fn pressed(&self) -> Vec<&str> {
        let steps = self.all.get("steps").and_then(Value::as_array);
        steps.into_iter().flatten().filter_map(|step| step.get("pressed")?.as_str()).collect()
    }
}
