//! `doorward rules`: from a bundle's text to a version that counts, and back.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::{ROOT, Run, run_in};

struct Desk(TempDir);

impl Desk {
    /// A configuration that trusts one key, and a bundle beside it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config =
            std::fs::read_to_string(PathBuf::from(ROOT).join("examples/single-server.toml")).unwrap();
        std::fs::write(folder.path().join("doorward.toml"), config + "\n[rules]\nkeys = [\"house.pub\"]\n")
            .unwrap();
        let bundle = PathBuf::from(ROOT).join("examples/rules.json");
        std::fs::copy(bundle, folder.path().join("rules.json")).unwrap();
        Self(folder)
    }

    fn rules(&self, args: &[&str]) -> Run {
        run_in(self.0.path(), &[&["rules"], args].concat())
    }

    fn sign(&self, version: u64, output: &str) -> Run {
        let path = self.0.path().join("rules.json");
        let mut bundle: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        *bundle.get_mut("version").unwrap() = version.into();
        std::fs::write(&path, bundle.to_string()).unwrap();
        self.rules(&["sign", "rules.json", "--key", "house.pem", "--output", output])
    }
}

#[test]
fn a_bundle_is_signed_installed_enforced_and_taken_back() {
    let desk = Desk::new();
    let tried = desk.rules(&["check", "rules.json"]).ends(0);
    assert!(tried.out.starts_with("as it says: house@1, 2 rules, "), "{}", tried.out);
    let signed = desk.sign(1, "one.json").ends(0);
    assert!(signed.err.contains("made: house.pem; add house.pub to `rules.keys`"), "{}", signed.err);
    assert!(signed.out.starts_with("signed: house@1 by "), "{}", signed.out);
    assert!(desk.rules(&["check", "one.json"]).ends(0).out.contains("house@1"));
    assert_eq!(desk.rules(&["list"]).ends(0).out, "no bundles; the rules that are built in count alone\n");

    let told = desk.rules(&["install", "one.json"]).ends(0).out;
    assert_eq!(told, "in the shadow: house@1; nothing of house counts\n");
    assert_eq!(desk.rules(&["enforce", "house"]).ends(0).out, "enforced: house@1; house@1 counts\n");
    desk.sign(2, "two.json").ends(0);
    desk.rules(&["install", "two.json"]).ends(0);
    assert_eq!(desk.rules(&["list"]).ends(0).out, "house  1 enforced  2 in the shadow\n");
    desk.rules(&["enforce", "house"]).ends(0);
    assert_eq!(desk.rules(&["list"]).ends(0).out, "house  2 enforced    1 before\n");
    assert_eq!(desk.rules(&["rollback", "house"]).ends(0).out, "taken back: house@2; house@1 counts\n");
    let all = desk.rules(&["list", "--json"]).ends(0).json();
    assert_eq!(
        all,
        serde_json::json!([{"name": "house", "enforced": 1, "shadow": null, "before": null, "newest": 2}])
    );
}

#[test]
fn what_cannot_be_done_is_told_with_a_way_out() {
    let desk = Desk::new();
    desk.sign(2, "two.json").ends(0);
    desk.rules(&["install", "two.json"]).ends(0);
    let old = desk.rules(&["install", "two.json"]).ends(1).err;
    assert!(old.contains("house@2 is not newer than house@2") && old.contains("higher version"), "{old}");
    let unknown = desk.rules(&["enforce", "horse"]).ends(1).err;
    assert!(
        unknown.contains("no bundle called horse") && unknown.contains("doorward rules list"),
        "{unknown}"
    );
    let plain = desk.rules(&["install", "rules.json"]).ends(1).err;
    assert!(plain.contains("no signed bundle") && plain.contains("doorward rules sign"), "{plain}");
    // Somebody else's.
    let signed = desk.rules(&["sign", "rules.json", "--key", "other.pem", "--output", "other.json"]).ends(0);
    assert!(signed.out.contains("signed:"));
    let other = desk.rules(&["install", "other.json"]).ends(1).err;
    assert!(other.contains("no key of `rules.keys` signed it"), "{other}");
    // One that does not find what it says.
    let text = std::fs::read_to_string(desk.0.path().join("rules.json")).unwrap();
    std::fs::write(desk.0.path().join("bad.json"), text.replace("pay ..6", "pay ..x6")).unwrap();
    let bad = desk.rules(&["check", "bad.json"]).ends(2).err;
    assert!(bad.contains("/rules/0/when") && bad.contains("docs/rules.md"), "{bad}");
    let config = desk.0.path().join("doorward.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"house.pub\"", "")).unwrap();
    let nobody = desk.rules(&["list"]).ends(1).err;
    assert!(nobody.contains("`rules.keys` is empty") && nobody.contains("public key"), "{nobody}");
}
