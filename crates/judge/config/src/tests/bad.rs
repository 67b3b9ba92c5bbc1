//! Every wrong file in `bad/` and the message a person gets for it, word by word. A new case is a new file.
use std::fs;
use std::path::Path;

use crate::{Build, load};

#[test]
fn every_bad_file_is_refused_with_its_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/bad");
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 25, "{} cases", cases.len());
    for case in cases {
        let name = case.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&case).unwrap();
        let errors = load("doorward.toml", &text, Build { lab: !name.starts_with("packaged") }).unwrap_err();
        assert!(!errors.problems().is_empty(), "{name}");
        for problem in errors.problems() {
            assert!(!problem.help.is_empty() && !problem.what.ends_with('.'), "{name}: {problem:?}");
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../../cases/messages" }, {
            insta::assert_snapshot!(name, errors);
        });
    }
}
