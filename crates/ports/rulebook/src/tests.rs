//! Whose bundles count, and which.

use std::path::Path;

use doorward_audit::{PublicKey, SigningKey};
use doorward_inspect::{Names, Place, text_with};

use crate::{RulebookError, Shelf, open, seal};

fn bundle(version: u64, host: &str) -> String {
    format!(
        r#"{{"name":"house","version":{version},"rules":[{{"id":"house.host","owasp":"MCP10","atlas":"AML.T0025",
        "severity":"critical","reason":"names a host","advice":"refuse it","contains":["{host}"],
        "positives":["See https://{host}/x."],"near_misses":["See https://other.example/x."]}}]}}"#
    )
}

struct Keeper {
    folder: tempfile::TempDir,
    key: SigningKey,
}

impl Keeper {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::load(&folder.path().join("rules.key"), true).unwrap();
        Self { folder, key }
    }

    fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join("rules")
    }

    fn shelf(&self) -> Shelf {
        Shelf::new(self.dir(), vec![*self.key.public()])
    }

    fn install(&self, version: u64, host: &str) {
        self.shelf().install(seal(&bundle(version, host), &self.key).as_bytes()).unwrap();
    }

    /// Whether a text is flagged, and whether something in the shadow found it.
    fn finds(&self, host: &str) -> (bool, bool) {
        let loaded = self.shelf().load().unwrap();
        let said = format!("Details are at https://{host}/x as agreed.");
        let report = text_with(Place::Content, &said, &Names::default(), &loaded.bundles);
        (report.is_flagged, !report.shadow.is_empty())
    }
}

// control: INJ-07: A bundle is tried in the shadow, counts when its keeper says so, and goes back to the one before.
#[test]
fn a_bundle_goes_through_its_stages_and_back() {
    let keeper = Keeper::new();
    assert_eq!(keeper.finds("a.evil.example"), (false, false));
    keeper.install(1, "a.evil.example");
    assert_eq!(keeper.finds("a.evil.example"), (false, true));
    keeper.shelf().enforce("house").unwrap();
    assert_eq!(keeper.finds("a.evil.example"), (true, false));
    keeper.install(2, "b.evil.example");
    assert_eq!(
        (keeper.finds("a.evil.example"), keeper.finds("b.evil.example")),
        ((true, false), (false, true))
    );
    keeper.shelf().enforce("house").unwrap();
    assert_eq!(
        (keeper.finds("a.evil.example"), keeper.finds("b.evil.example")),
        ((false, false), (true, false))
    );
    keeper.shelf().roll_back("house").unwrap();
    assert_eq!(
        (keeper.finds("a.evil.example"), keeper.finds("b.evil.example")),
        ((true, false), (false, false))
    );
    keeper.install(3, "c.evil.example");
    let step = keeper.shelf().roll_back("house").unwrap();
    assert_eq!((step.was.unwrap().shadow, step.is.shadow, step.is.enforced), (Some(3), None, Some(1)));
    keeper.shelf().roll_back("house").unwrap();
    assert_eq!(keeper.finds("a.evil.example"), (false, false));
    let nothing = keeper.shelf().roll_back("house").unwrap_err().to_string();
    assert!(nothing.contains("nothing to take back"), "{nothing}");
}

// control: INJ-07: What no trusted key signed is no bundle, wherever it lies, nor is one that was changed or renamed.
#[test]
fn what_is_not_signed_does_not_count() {
    let (keeper, other) = (Keeper::new(), Keeper::new());
    let foreign = seal(&bundle(1, "a.evil.example"), &other.key);
    assert!(matches!(keeper.shelf().install(foreign.as_bytes()), Err(RulebookError::Unsigned)));
    let good = seal(&bundle(1, "a.evil.example"), &keeper.key);
    let changed = good.replacen("\"payload\":\"e", "\"payload\":\"f", 1);
    assert_ne!(good, changed);
    assert!(keeper.shelf().install(changed.as_bytes()).is_err());
    let unknown = good.replace("vnd.doorward.rules+json", "vnd.in-toto+json");
    assert!(matches!(keeper.shelf().install(unknown.as_bytes()), Err(RulebookError::Malformed(_))));

    keeper.install(1, "a.evil.example");
    keeper.shelf().enforce("house").unwrap();
    keeper.install(2, "b.evil.example");
    let at = |version: u64| keeper.dir().join(format!("house-{version}.json"));
    let (first, second) = (std::fs::read(at(1)).unwrap(), std::fs::read(at(2)).unwrap());
    // Each write of a stranger to the folder: nothing is taken up, and the door says which file.
    std::fs::write(at(2), &first).unwrap();
    let error = keeper.shelf().load().unwrap_err().to_string();
    assert!(error.contains("house-2.json") && error.contains("holds house@1"), "{error}");
    std::fs::write(at(2), seal(&bundle(2, "b.evil.example"), &other.key)).unwrap();
    let error = keeper.shelf().load().unwrap_err().to_string();
    assert!(error.contains("house-2.json") && error.contains("no key of"), "{error}");
    std::fs::remove_file(at(2)).unwrap();
    assert!(keeper.shelf().load().unwrap_err().to_string().contains("house-2.json"));
    std::fs::write(at(2), &second).unwrap();
    assert!(keeper.shelf().load().is_ok());
    assert!(Shelf::new(keeper.dir(), Vec::new()).load().is_err(), "without keys nothing is signed");
}

// control: INJ-07: An old bundle that is sent again does not take away what was learned since.
#[test]
fn an_old_bundle_is_not_installed_again() {
    let keeper = Keeper::new();
    let first = seal(&bundle(1, "a.evil.example"), &keeper.key);
    keeper.install(2, "b.evil.example");
    keeper.shelf().roll_back("house").unwrap();
    for envelope in [&first, &seal(&bundle(2, "b.evil.example"), &keeper.key)] {
        let error = keeper.shelf().install(envelope.as_bytes()).unwrap_err();
        assert!(matches!(error, RulebookError::Old { known: 2, .. }), "{error}");
    }
}

#[test]
fn a_bundle_that_does_not_do_what_it_says_is_not_installed() {
    let keeper = Keeper::new();
    let wrong = bundle(1, "a.evil.example").replace("https://other", "https://a.evil.example/other");
    let error = keeper.shelf().install(seal(&wrong, &keeper.key).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("finds what is honest"), "{error}");
    assert!(keeper.shelf().placed().unwrap().is_empty());
}

#[test]
fn the_file_of_stages_is_read_strictly() {
    let keeper = Keeper::new();
    keeper.install(1, "a.evil.example");
    let stages = keeper.dir().join("stages.json");
    for (text, told) in [
        ("{", "no strict JSON"),
        ("{}", "no `bundles`"),
        (r#"{"bundles":[{"name":"house"}]}"#, "lacks"),
        (r#"{"bundles":[{"name":"../keys/x","newest":1,"shadow":1}]}"#, "lacks"),
        (r#"{"bundles":[{"name":"house","newest":1,"shadow":-1}]}"#, "lacks"),
        (r#"{"bundles":[{"name":"a","newest":1},{"name":"a","newest":1}]}"#, "twice"),
    ] {
        std::fs::write(&stages, text).unwrap();
        let error = keeper.shelf().load().unwrap_err().to_string();
        assert!(error.contains(told) && error.contains("stages.json"), "{text}: {error}");
    }
    std::fs::remove_file(&stages).unwrap();
    assert!(keeper.shelf().load().unwrap().placed.is_empty());
    assert!(keeper.shelf().enforce("house").unwrap_err().to_string().contains("no bundle called house"));
}

/// What is signed, written out: the tools of others make envelopes that are read here, and read those that are made here.
#[test]
fn what_is_signed_is_the_encoding_of_the_protocol() {
    let keeper = Keeper::new();
    let key = |path: &Path| PublicKey::load(path).unwrap();
    let message = b"DSSEv1 35 application/vnd.doorward.rules+json 2 {}";
    let signature = keeper.key.sign_message(message);
    assert!(key(&keeper.folder.path().join("rules.pub")).verifies_message(message, &signature));
    let (text, id) = open(seal("{}", &keeper.key).as_bytes(), &[*keeper.key.public()]).unwrap();
    assert_eq!((text.as_str(), id), ("{}", keeper.key.public().id()));
    let own = seal("{}", &keeper.key);
    use base64::Engine as _;
    assert!(own.contains(&base64::engine::general_purpose::STANDARD.encode(signature)));
}
