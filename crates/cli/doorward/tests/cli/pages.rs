//! `doorward version`, `completions` and `man`.

use crate::{run, run_in, text};

#[test]
fn the_version_says_what_it_was_built_with() {
    let version = run(&["version"]).ends(0).out;
    assert!(version.starts_with(concat!("doorward ", env!("CARGO_PKG_VERSION"), "\n")), "{version}");
    assert!(version.contains("rustls with aws-lc-rs") && version.contains("2026-07-28"), "{version}");
    let json = run(&["version", "--json"]).ends(0).json();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["lab"], cfg!(feature = "lab"));
    assert_eq!(json["protocol_versions"][0], "2026-07-28");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).ends(0).out;
        for word in ["serve", "policy", "explain", "audit", "verify", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let unknown = run(&["completions", "tcsh"]).ends(2);
    assert!(unknown.err.contains("bash"), "{}", unknown.err);
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("man/man1");
    let json = run(&["man", text(&made), "--json"]).ends(0).json();
    let pages: Vec<&str> =
        json["pages"].as_array().unwrap().iter().map(|page| page.as_str().unwrap()).collect();
    for name in ["doorward.1", "doorward-serve.1", "doorward-policy-explain.1", "doorward-audit-verify.1"] {
        assert!(pages.contains(&name), "{name} is not among {pages:?}");
        assert!(std::fs::read_to_string(made.join(name)).unwrap().contains(".TH"));
    }
    let told = run_in(dir.path(), &["man", "man/man1"]).ends(0).out;
    assert_eq!(told, format!("{} pages in man/man1\n", pages.len()));
}

#[test]
fn manual_pages_that_cannot_be_written_have_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = crate::write(dir.path(), "taken", "");
    run(&["man", text(&file)]).ends(1).says("cannot be written", "a folder that you may write to");
}
