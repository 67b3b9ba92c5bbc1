//! Finds control comments and cited ids in source text.

use std::collections::BTreeMap;

use crate::sources::Source;
use crate::tidy::Finding;

/// One control comment and the test below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) ids: Vec<String>,
    pub(crate) sentence: String,
    /// Whether the test shows the attack succeeding without the control.
    pub(crate) off: bool,
    pub(crate) test: String,
    pub(crate) path: String,
}

/// Families of ids: the letters before the hyphen, and how many digits follow.
const FAMILIES: [&str; 30] = [
    "A", "AUD", "AUT", "B", "CDP", "CMP", "CSF", "CTX", "D", "DAT", "EXR", "GOV", "IDC", "INC", "INJ", "L",
    "LOC", "MON", "MSI", "NET", "RAT", "REM", "SES", "SUP", "T", "TOK", "TPO", "TPT", "U", "ZTR",
];

/// Reads a file's control comments; what is malformed or stands above no test is a finding.
pub(crate) fn controls(source: &Source) -> (Vec<Control>, Vec<Finding>) {
    let (mut controls, mut findings) = (Vec::new(), Vec::new());
    let lines: Vec<&str> = source.text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some((off, rest)) = marker(line) else { continue };
        let place = format!("{}:{}", source.path, at + 1);
        match (parse(rest), test_below(lines.iter().skip(at + 1))) {
            (Some((ids, sentence)), Some(test)) => {
                controls.push(Control { ids, sentence, off, test, path: source.path.clone() });
            }
            (None, _) => findings.push(Finding::new(
                place,
                "is no control comment",
                "write `control: ID[, ID…]: One sentence.`",
            )),
            (_, None) => findings.push(Finding::new(
                place,
                "stands above no test",
                "put it directly above the test that proves it",
            )),
        }
    }
    (controls, findings)
}

/// Every id a text cites, with the line of the first place.
pub(crate) fn cited(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        // An id is a comment's or a message's word, never part of a longer one (`ES-256`, `UTF-8`, a GUID).
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_') {
            if is_id(word) {
                found.entry(word.to_owned()).or_insert(at + 1);
            }
        }
    }
    found
}

/// `D-06`, `TOK-02`, `spine-a`, `entra-a`, `eras-a`, `eyes-a`, `guard-a`.
pub(crate) fn is_id(word: &str) -> bool {
    match word.split_once('-') {
        Some(("spine", letter)) => matches!(letter.as_bytes(), [b'a'..=b'm']),
        Some(("entra", letter)) => matches!(letter.as_bytes(), [b'a'..=b'i']),
        Some(("eyes", letter)) => matches!(letter.as_bytes(), [b'a'..=b'k']),
        Some(("eras" | "guard", letter)) => matches!(letter.as_bytes(), [b'a'..=b'h']),
        Some((family, number)) => {
            FAMILIES.contains(&family) && number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    }
}

fn marker(line: &str) -> Option<(bool, &str)> {
    let line = line.trim_start();
    let text = line.strip_prefix("//").or_else(|| line.strip_prefix('#'))?.trim_start();
    match text.strip_prefix("control: ") {
        Some(rest) => Some((false, rest)),
        None => text.strip_prefix("control-off: ").map(|rest| (true, rest)),
    }
}

fn parse(rest: &str) -> Option<(Vec<String>, String)> {
    let (ids, sentence) = rest.split_once(": ")?;
    let ids: Vec<String> = ids.split(", ").map(str::to_owned).collect();
    let whole = sentence.len() > 10 && !sentence.contains('|');
    (whole && ids.iter().all(|id| is_id(id))).then(|| (ids, format!("{}.", sentence.trim_end_matches('.'))))
}

/// The name of the next function or test case; further comments and attributes may stand in between.
fn test_below<'a>(lines: impl Iterator<Item = &'a &'a str>) -> Option<String> {
    for line in lines {
        let line = line.trim();
        let skipped = ["//", "#", "@"].iter().any(|mark| line.starts_with(mark));
        if skipped {
            continue;
        }
        let words = line.split_once("fn ").or_else(|| line.split_once("def "));
        if let Some((before, name)) = words
            && before.split_whitespace().all(|word| ["pub", "async"].contains(&word))
        {
            return name.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
        }
        // node:test and its like: test("name", …)
        let (call, rest) = line.split_once('(')?;
        let quote = rest.chars().next().filter(|c| "\"'`".contains(*c))?;
        return ["test", "it"].contains(&call).then(|| rest.split(quote).nth(1).map(str::to_owned)).flatten();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { path: "a.rs".into(), text: text.into() }
    }

    #[test]
    fn a_comment_belongs_to_the_test_below() {
        let rust = format!(
            "    // {}: D-06, TOK-02: Nothing gets through.\n    // More.\n    #[test]\n    fn nothing() {{}}\n",
            "control"
        );
        let python = format!("# {}: D-06: It gets through.\ndef test_it():\n", "control-off");
        let node = format!("// {}: T-18: It is remade.\ntest(\"is remade\", () => {{}})\n", "control");
        let (found, faults) = controls(&source(&(rust + &python + &node)));
        assert!(faults.is_empty(), "{faults:?}");
        let names: Vec<(&str, bool)> =
            found.iter().map(|control| (control.test.as_str(), control.off)).collect();
        assert_eq!(names, [("nothing", false), ("test_it", true), ("is remade", false)]);
        assert_eq!(found[0].ids, ["D-06", "TOK-02"]);
    }

    #[test]
    fn what_proves_nothing_is_found() {
        for bad in [
            ": D-06: Nothing gets through.\nstruct A;\n",
            ": D-6: Nothing gets through.\nfn a() {}",
            ": D-06\nfn a() {}",
        ] {
            assert_eq!(controls(&source(&format!("// control{bad}"))).1.len(), 1, "{bad}");
        }
    }

    #[test]
    fn ids_are_whole_words() {
        let text = "D-06 (TOK-02), `spine-a`; D-061 XD-06 ES-256 UTF-16 D-06-x spine-ab spine-z REM-1 a-D-06";
        assert_eq!(cited(text).into_keys().collect::<Vec<_>>(), ["D-06", "TOK-02", "spine-a"]);
    }
}
