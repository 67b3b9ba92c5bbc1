//! The office, before it a door with labels, and people who work there.

use std::collections::BTreeMap;

use doorward_emulator::MintRequest;
use doorward_servers::Running;
use doorward_servers::office::{Office, SERVERS};
use doorward_testkit::{Client, DoorPlan, DoorProcess, Lab, run};
use serde_json::{Value, json};

use crate::model::{Came, Model, Order};

const POLICIES: &str = r#"permit (principal in Role::"Reader", action, resource);"#;

const MAIL: &str = r#"outward unless args.to, args.cc ends with "@contoso.com" beside args.subject, args.body, args.id then internal for team"#;
const FETCH: &str =
    r#"outward unless args.url host is one of "docs.contoso.com", "learn.microsoft.com" then none"#;
const CHAT: &str =
    r#"outward unless args.channel is one of "sales", "dev" beside args.text then internal for team"#;
const INVITE: &str = r#"outward unless args.attendees ends with "@contoso.com" beside args.title, args.day then internal for team"#;
const REPOSITORY: &str =
    r#"outward unless args.repo is "contoso/private" beside args.text then internal for team"#;

/// Tool, integrity, confidentiality, sink. Nobody has labelled `gadget`.
const LABELS: [(&str, &str, &str, &str); 28] = [
    ("crm/read_customer", "user", "confidential", "none"),
    ("crm/read_ticket", "untrusted", "confidential", "none"),
    ("crm/update", "trusted", "public", "internal for team"),
    ("hr/salary", "trusted", "restricted", "none"),
    ("hr/draft", "trusted", "restricted", "internal for self"),
    ("mail/read", "untrusted", "confidential", "none"),
    ("mail/send", "trusted", "public", MAIL),
    ("mail/forward", "trusted", "confidential", MAIL),
    ("web/fetch", "untrusted", "public", FETCH),
    ("web/search", "untrusted", "public", "internal for team"),
    ("web/post", "trusted", "public", "outward"),
    ("docs/read", "user", "internal", "none"),
    ("docs/read_shared", "untrusted", "confidential", "none"),
    ("docs/write", "trusted", "public", "internal for company"),
    ("tickets/create", "trusted", "public", "internal for team"),
    ("tickets/list", "untrusted", "confidential", "none"),
    ("chat/read", "user", "confidential", "none"),
    ("chat/post", "trusted", "public", CHAT),
    ("calendar/read", "untrusted", "confidential", "none"),
    ("calendar/add", "trusted", "public", INVITE),
    ("github/read_issue", "untrusted", "public", "none"),
    ("github/read_code", "user", "confidential", "none"),
    ("github/comment", "trusted", "public", REPOSITORY),
    ("files/read", "user", "confidential", "none"),
    ("files/keys", "user", "restricted", "none"),
    ("memory/store", "trusted", "public", "internal for self"),
    ("memory/recall", "untrusted", "confidential", "none"),
    ("math/add", "trusted", "public", "outward"),
];

/// Servers whose descriptions nobody approved.
const UNAPPROVED: [&str; 3] = ["calendar", "gadget", "math"];

/// What stands before the office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    /// A door whose labels are off.
    Unlabelled,
    /// Labels, and everything that reads content besides.
    Labels,
    /// Labels alone: nothing else looks at what is said.
    LabelsAlone,
}

pub(crate) struct House {
    pub(crate) office: Office,
    pub(crate) lab: Lab,
    servers: BTreeMap<String, Running>,
    door: Option<DoorProcess>,
    people: usize,
}

impl House {
    pub(crate) async fn open(before: Before) -> Self {
        let (office, lab) = (Office::default(), Lab::start().await);
        let mut servers = BTreeMap::new();
        for name in SERVERS {
            servers.insert(name.to_owned(), office.open(name).await.unwrap());
        }
        let door = match before {
            Before::Nothing => None,
            _ => Some(DoorProcess::open(&lab, &plan(&servers, before)).await),
        };
        Self { office, lab, servers, door, people: 0 }
    }

    /// Somebody new, with a model of their own that has read nothing; and who they are.
    pub(crate) fn somebody(&mut self, modern: bool) -> (Model, String) {
        self.people += 1;
        let id = format!("0e090000-0000-4000-8000-{:012x}", self.people);
        (self.again(modern, &id), format!("c0175050-0000-4000-8000-000000000001/{id}"))
    }

    /// A new model of somebody who was here before.
    pub(crate) fn again(&self, modern: bool, id: &str) -> Model {
        let claim = |request: MintRequest, name: &str, value: &str| request.claim(name, json!(value));
        let request = claim(MintRequest::user("alice"), "oid", id);
        let token = self.lab.mint(&claim(request, "sub", &format!("sub-{id}")));
        let client = |(name, server): (&String, &Running)| {
            let client = match &self.door {
                Some(door) => door.client(name).with_token(token.clone()),
                None => Client { path: "/mcp".to_owned(), ..Client::new(server.addr, name) },
            };
            (name.clone(), client)
        };
        Model::new(self.servers.iter().map(client).collect(), modern)
    }

    /// A second actor looks at what waits for an approval of this person, and approves it; then the call is made again.
    pub(crate) async fn approved(&self, model: &mut Model, person: &str, by: &str, order: &Order) -> Came {
        let reference = self.waiting(person).await;
        let answered = self.command(&["approvals", "approve", &reference, "--as", by]).await;
        assert_eq!(answered.code, Some(0), "{}{}", answered.out, answered.err);
        model.does(order).await
    }

    /// The one question of this person that waits.
    pub(crate) async fn waiting(&self, person: &str) -> String {
        let listed = self.command(&["--json", "approvals", "list", "--user", person]).await;
        assert_eq!(listed.code, Some(0), "{}{}", listed.out, listed.err);
        let listed: Value = serde_json::from_str(&listed.out).unwrap();
        let [question] = listed.as_array().unwrap().as_slice() else { panic!("{person}: {listed}") };
        question["reference"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn command(&self, words: &[&str]) -> doorward_testkit::Ran {
        run(self.lab.folder(), words.iter().copied()).await
    }

    /// Kills the door where it stands, and opens it again on what it kept.
    pub(crate) async fn killed(&mut self, before: Before) {
        if let Some(door) = self.door.take() {
            door.kill().await;
        }
        self.door = Some(DoorProcess::open(&self.lab, &plan(&self.servers, before)).await);
    }

    pub(crate) async fn close(self) {
        if let Some(door) = self.door {
            assert!(door.stop().await.success());
        }
    }
}

/// Nothing reads a word, and nothing is held against what was agreed to.
const DETECTORS_OFF: &str = r#"
flagged_definitions = "pass"
flagged_results = "pass"
flagged_arguments = "pass"
spotlight = "off"
data = "off"
pins = "off"
"#;

fn plan(servers: &BTreeMap<String, Running>, before: Before) -> DoorPlan {
    let mut text = String::new();
    for (name, server) in servers {
        text.push_str(&format!("[[server]]\nname = \"{name}\"\nurl = \"{}\"\n", server.url()));
        if before != Before::Labels {
            text.push_str(DETECTORS_OFF);
        }
        if !UNAPPROVED.contains(&name.as_str()) {
            text.push_str("[[server.flow]]\ndefinitions = \"trusted\"\n");
        }
        for (tool, integrity, confidentiality, sink) in LABELS {
            if let Some(tool) = tool.strip_prefix(&format!("{name}/")) {
                text.push_str(&format!(
                    "[[server.flow]]\ntool = \"{tool}\"\nintegrity = \"{integrity}\"\nconfidentiality = \"{confidentiality}\"\nsink = '{sink}'\n"
                ));
            }
        }
    }
    let mode = if before == Before::Unlabelled { "off" } else { "enforce" };
    DoorPlan {
        policies: POLICIES.to_owned(),
        top: "shared_audience = true".to_owned(),
        servers: text,
        origins: servers.values().map(|server| format!("http://{}", server.addr)).collect(),
        tables: format!(
            "[flow]\nmode = \"{mode}\"\n[vault]\npath = \"vault/doorward.db\"\nkey_file = \"keys/vault.key\"\n"
        ),
        ..DoorPlan::default()
    }
}
