//! Configurations: never panics; the same text means the same; every problem has a sentence, a way out and, where it
//! has a place, one that is in the file; no message steers a terminal.

use doorward_config::{Build, ConfigErrors, load};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lab = load("doorward.toml", text, Build { lab: true });
    let plain = load("doorward.toml", text, Build { lab: false });
    assert_eq!(load("doorward.toml", text, Build { lab: true }), lab);
    for answer in [&lab, &plain] {
        if let Err(errors) = answer {
            sound(errors, text);
        }
    }
    if let Ok(config) = &plain {
        assert!(config.lab.is_none(), "a build without the lab has one");
        assert_eq!(lab.as_ref(), Ok(config));
    }
}

fn sound(errors: &ConfigErrors, text: &str) {
    let shown = errors.to_string();
    let steers = shown.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(steers, None, "{shown:?}");
    assert!(!errors.problems().is_empty(), "refused for no reason");
    let lines = text.split('\n').count();
    let mut before = (0, 0);
    for problem in errors.problems() {
        assert!(!problem.what.is_empty() && !problem.help.is_empty());
        assert!(!problem.what.contains('\n') && !problem.help.contains('\n'), "{:?}", problem.what);
        let Some(place) = &problem.place else { continue };
        assert!((1..=lines).contains(&place.line), "line {} of {lines}", place.line);
        let line = text.split('\n').nth(place.line - 1).unwrap_or_default();
        assert!(
            (1..=line.chars().count() + 1).contains(&place.column),
            "column {} of {line:?}",
            place.column
        );
        assert!(place.marked >= 1 && place.before <= place.text.chars().count());
        assert!(before <= (place.line, place.column), "not in the order of the file");
        before = (place.line, place.column);
    }
}
