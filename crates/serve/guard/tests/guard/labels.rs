//! Labels at guards: one for each server, and one store for all of a person's (D-20).

use std::sync::{Arc, Mutex};

use doorward_approvals::labels;
use doorward_engine::{Consent, EraRule, FlowMode, FlowRules};
use doorward_flow::{Entry, Item, Labels};
use doorward_guard::{Ask, Asked, Asking};
use doorward_types::{ServerName, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::desk::{Desk, With, call};

/// A page at one server, private things at a second, a way out at the third: each has the tool `add`.
fn rules() -> Arc<FlowRules> {
    let rows = [("web", "untrusted", "public", "none"), ("files", "trusted", "confidential", "none")];
    let names = ["web", "files", "mail", "vault"].map(|name| ServerName::parse(name).unwrap());
    let of = |name: &str| names.iter().find(|server| server.as_str() == name).unwrap();
    let mut entries: Vec<_> = rows
        .iter()
        .map(|(name, integrity, confidentiality, sink)| Entry {
            server: of(name),
            item: None,
            integrity: Some(integrity),
            confidentiality: Some(confidentiality),
            sink: Some(sink),
        })
        .collect();
    entries.push(Entry {
        server: of("mail"),
        item: Some(Item::Tool("add")),
        integrity: Some("trusted"),
        confidentiality: Some("public"),
        sink: Some("outward"),
    });
    entries.push(Entry {
        server: of("vault"),
        item: None,
        integrity: Some("trusted"),
        confidentiality: Some("restricted"),
        sink: Some("none"),
    });
    let labels = Labels::read(&entries).unwrap();
    let definitions_trusted = names.iter().cloned().collect();
    Arc::new(FlowRules { mode: FlowMode::Enforce, labels, definitions_trusted, ..FlowRules::off() })
}

async fn guard(folder: &Arc<TempDir>, name: &'static str, on: bool, asks: Option<Box<dyn Ask>>) -> Desk {
    let flow = on.then(rules);
    let with = With { name, flow, asks, ..With::default() };
    let mut desk = Desk::in_folder(Arc::clone(folder), "consent::destroys", EraRule::Legacy, with).await;
    desk.hello().await;
    desk
}

async fn adds(desk: &mut Desk) -> String {
    desk.say(&call(7, "add", json!({"what": "IBAN"}))).await;
    let answer = desk.heard().await;
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

fn reasons(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .filter(|record| record["kind"] == "refused")
        .filter_map(|record| record["reason"].as_str())
        .collect()
}

// control: D-20: What a person's model read by one guard holds for the next call at another that runs beside it, and at one that is
// started later.
// control-off: D-20, INJ-12: Without labels it leaves.
#[tokio::test]
async fn guards_of_one_person_share_what_was_read() {
    for on in [true, false] {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut mail = guard(&folder, "mail", on, None).await;
        let (mut web, mut files) =
            (guard(&folder, "web", on, None).await, guard(&folder, "files", on, None).await);
        assert_eq!(adds(&mut mail).await, "done", "nothing was read yet");
        assert_eq!(adds(&mut web).await, "done");
        assert_eq!(adds(&mut files).await, "done");
        let told = adds(&mut mail).await;
        if !on {
            assert_eq!(told, "done");
            continue;
        }
        assert!(told.contains("`files/add` gave confidential data"), "{told}");
        assert!(told.contains("`web/add` untrusted text") && told.contains("--ask"), "{told}");
        for desk in [web, files] {
            desk.leave().await;
        }
        let (_, records) = mail.leave().await;
        assert_eq!(reasons(&records), ["approval-nobody-to-ask"]);
        let mut later = guard(&folder, "mail", true, None).await;
        assert!(adds(&mut later).await.starts_with("refused"));
        // The person gives it up, and the guard that runs takes that up with its next call.
        let store = doorward_guard::open_store(folder.path()).await.unwrap();
        let now: Timestamp = std::time::SystemTime::now().into();
        let shown = labels::all(&store, now).await.unwrap();
        assert_eq!(shown.len(), 1, "one for all guards");
        let fallen = labels::reset(&store, &shown[0].key, ("me", "a new topic"), now).await.unwrap().unwrap();
        assert_eq!(fallen.label.integrity.word(), "untrusted");
        assert_eq!(adds(&mut later).await, "done");
        let (_, records) = later.leave().await;
        let fell = records.iter().filter(|record| record["grant"] == "labels-fell").count();
        assert_eq!(fell, 1, "{records:?}");
    }
}

/// Somebody at a screen.
struct Somebody {
    says: Consent,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Ask for Somebody {
    fn ask<'a>(&'a self, asked: &'a Asked) -> Asking<'a> {
        self.asked.lock().unwrap().push(asked.clone());
        Box::pin(std::future::ready(self.says))
    }
}

// control: D-21: Whoever sits there reads why, and what would be sent; what they agree to is sent, and nothing else is.
#[tokio::test]
async fn whoever_sits_there_is_asked() {
    for says in [Consent::Given, Consent::Refused] {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let asked = Arc::default();
        let somebody = Somebody { says, asked: Arc::clone(&asked) };
        let mut mail = guard(&folder, "mail", true, Some(Box::new(somebody))).await;
        for name in ["web", "files"] {
            let mut reads = guard(&folder, name, true, None).await;
            adds(&mut reads).await;
            reads.leave().await;
        }
        let told = adds(&mut mail).await;
        assert_eq!(told == "done", says == Consent::Given, "{told}");
        let first: Asked = asked.lock().unwrap().first().unwrap().clone();
        assert_eq!(first.what, "May `add` of `mail` be called?");
        assert!(first.about.contains("`files/add` gave confidential data"), "{}", first.about);
        assert!(first.about.ends_with(r#"It is called with: {"what":"IBAN"}"#), "{}", first.about);
        // Restricted data asks for a second person, whom a guard does not have.
        let mut vault = guard(&folder, "vault", true, None).await;
        adds(&mut vault).await;
        let told = adds(&mut mail).await;
        assert!(told.starts_with("refused") && told.contains("restricted data"), "{told}");
        assert_eq!(asked.lock().unwrap().len(), 1);
        let (_, records) = mail.leave().await;
        let used = records.iter().any(|record| record["grant"] == "approval-used");
        assert_eq!(used, says == Consent::Given, "{records:?}");
    }
}
