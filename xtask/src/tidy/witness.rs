//! A witness proves that a check ran, so it is made in one place: where the check is (D-01, D-26).

use super::Finding;
use crate::sources::{Source, braces, code, is_test_file, without_tests};

/// A type that only its check may make.
pub(crate) struct Witness {
    pub(crate) name: &'static str,
    /// Folder of the crate that owns it. Private fields keep other crates out.
    pub(crate) owner: &'static str,
    /// The one file that makes it.
    pub(crate) file: &'static str,
}

pub(crate) const WITNESSES: [Witness; 4] = [
    Witness {
        name: "Identity",
        owner: "crates/judge/oauth/src/",
        file: "crates/judge/oauth/src/identity.rs",
    },
    Witness { name: "Permit", owner: "crates/judge/policy/src/", file: "crates/judge/policy/src/decide.rs" },
    Witness {
        name: "Cleared",
        owner: "crates/engine/engine/src/",
        file: "crates/engine/engine/src/inspect.rs",
    },
    Witness {
        name: "Errand",
        owner: "crates/engine/engine/src/",
        file: "crates/engine/engine/src/errand.rs",
    },
];

pub(crate) fn check(sources: &[Source], witnesses: &[Witness]) -> Vec<Finding> {
    witnesses.iter().flat_map(|witness| one(sources, witness)).collect()
}

fn one(sources: &[Source], witness: &Witness) -> Vec<Finding> {
    let name = witness.name;
    let mut findings = Vec::new();
    let (mut declared, mut made) = (0, 0);
    let inside = |source: &&Source| {
        source.path.starts_with(witness.owner) && source.path.ends_with(".rs") && !is_test_file(&source.path)
    };
    for source in sources.iter().filter(inside) {
        let code = without_tests(&code(&source.text));
        let here = literals(&code, name);
        if here > 0 && source.path != witness.file {
            let what = format!("makes a `{name}`, which only {} may", witness.file);
            findings.push(Finding::new(&source.path, what, "call the function that checks"));
        }
        made += here;
        for (attributes, body) in declarations(&code, name) {
            declared += 1;
            findings.extend(shape(&source.path, name, attributes, body));
        }
        for derived in ["Clone", "Copy", "Default", "Deserialize"] {
            if implements(&code, derived, name) {
                findings.push(Finding::new(
                    &source.path,
                    format!("implements {derived} for `{name}`"),
                    "take it out: a witness is made by its check alone",
                ));
            }
        }
    }
    if declared != 1 || made != 1 {
        let what = format!("`{name}` is declared {declared} times and made {made} times; both must be once");
        findings.push(Finding::new(
            witness.file,
            what,
            "keep one constructor; if the type moved, change xtask/src/tidy/witness.rs",
        ));
    }
    findings
}

/// Public fields or a derived copy would be a second way to make it.
fn shape(path: &str, name: &str, attributes: &str, body: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if words(body).any(|(at, word)| {
        word == "pub" && !body.get(at + 3..).unwrap_or_default().trim_start().starts_with('(')
    }) {
        findings.push(Finding::new(
            path,
            format!("`{name}` has a public field"),
            "make it private and add a reader",
        ));
    }
    for derived in ["Clone", "Copy", "Default", "Deserialize"] {
        if words(attributes).any(|(_, word)| word == derived) {
            let help = "take it out: a witness is used up by the step it permits";
            findings.push(Finding::new(path, format!("`{name}` derives {derived}"), help));
        }
    }
    findings
}

/// `Name { … }` as an expression, and `Self { … }` inside `impl Name`.
fn literals(code: &str, name: &str) -> usize {
    let mut count = 0;
    for (at, word) in words(code) {
        if word == name && is_literal(code, at, word) {
            count += 1;
        }
    }
    for body in impls(code, name) {
        count += words(body).filter(|(at, word)| *word == "Self" && is_literal(body, *at, "Self")).count();
    }
    count
}

/// Whether the word at `at` opens a struct expression: not a declaration, an impl, a return type or a pattern. Generic
/// arguments in between are skipped.
fn is_literal(code: &str, at: usize, word: &str) -> bool {
    let (before, after) = code.split_at(at);
    let after = after.get(word.len()..).unwrap_or_default();
    let after = after.strip_prefix("::").map_or(after, skip_angles);
    let before = before.trim_end();
    let introducer = last_word(before);
    let declares = ["struct", "impl", "for", "let"].contains(&introducer) && before.ends_with(introducer);
    // `-> &'a mut Name {` opens a function's body.
    let type_start = before.trim_end_matches("mut").trim_end();
    let type_start = type_start
        .rsplit_once('&')
        .filter(|(_, tail)| tail.is_empty() || tail.starts_with('\''))
        .map_or(type_start, |(head, _)| head);
    let returns = type_start.trim_end().ends_with("->");
    // `impl<P> Name {` ends in the brackets of the parameters.
    let opens_impl = before.ends_with('>')
        && !before.ends_with("=>")
        && before.rsplit("impl").next().is_some_and(|tail| tail.starts_with('<'));
    after.trim_start().starts_with('{') && !declares && !returns && !opens_impl
}

/// The last identifier.
fn last_word(code: &str) -> &str {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.trim_end_matches(|c| !part(c)).rsplit(|c| !part(c)).next().unwrap_or_default()
}

fn skip_angles(text: &str) -> &str {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(at + c.len_utf8()..).unwrap_or_default();
        }
    }
    ""
}

/// Bodies of `impl … Name … { }`, of inherent impls and of traits.
fn impls<'a>(code: &'a str, name: &str) -> Vec<&'a str> {
    let mut bodies = Vec::new();
    for (at, word) in words(code) {
        let Some(tail) = code.get(at..).filter(|_| word == "impl") else { continue };
        let Some((start, body)) = braces(tail) else { continue };
        let head = tail.get(..start).unwrap_or_default();
        // A return type `impl Trait` opens no impl; its head runs on into the function's body.
        let subject =
            head.split(" for ").last().unwrap_or_default().split("where").next().unwrap_or_default();
        if !head.contains(';') && words(subject).any(|(_, word)| word == name) {
            bodies.push(body);
        }
    }
    bodies
}

fn implements(code: &str, derived: &str, name: &str) -> bool {
    words(code).filter(|(_, word)| *word == "impl").any(|(at, _)| {
        let head = code.get(at..).and_then(|tail| tail.split('{').next()).unwrap_or_default();
        head.split_once(" for ").is_some_and(|(left, right)| {
            words(left).any(|(_, word)| word == derived)
                && words(right).next().is_some_and(|(_, word)| word == name)
        })
    })
}

/// Each `struct Name` with the attributes above it and the fields below.
fn declarations<'a>(code: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    let mut before = "";
    for (at, word) in words(code) {
        if word == name && before == "struct" {
            let (head, tail) = code.split_at(at);
            let attributes = head.rsplit([';', '}']).next().unwrap_or_default();
            found.push((attributes, braces(tail).map_or("", |(_, body)| body)));
        }
        before = word;
    }
    found
}

/// Identifiers with their places.
fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = code.get(at..)?;
        let start = rest.find(part)?;
        let word = rest.get(start..)?.split(|c: char| !part(c)).next()?;
        let place = at + start;
        at = place + word.len();
        Some((place, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
        /// Made by `check` alone: Permit { a } in a comment is none.
        #[derive(Debug)]
        pub struct Permit { a: u8, pub(crate) b: u8 }
        impl Permit { pub fn a(&self) -> u8 { self.a } }
        impl fmt::Display for Permit { fn x() {} }
        pub fn check() -> Result<Permit, No> { if x { Ok(Permit { a, b }) } else { Err(No) } }
        pub fn same() -> Permit { check() }
        #[cfg(test)] mod tests { fn forged() { Permit { a: 1, b: 2 } } }";

    fn findings(text: &str, elsewhere: &str) -> usize {
        let sources =
            [("c/src/decide.rs", text), ("c/src/other.rs", elsewhere), ("c/src/tests.rs", "Permit { a }")]
                .map(|(path, text)| Source { path: path.into(), text: text.into() });
        check(&sources, &[Witness { name: "Permit", owner: "c/src/", file: "c/src/decide.rs" }]).len()
    }

    // control: D-01, D-26: A second constructor of a witness, a public field or a copy of it fails tidy.
    #[test]
    fn a_second_way_to_make_a_witness_is_found() {
        assert_eq!(findings(GOOD, ""), 0);
        assert!(findings(&format!("{GOOD} fn two() {{ Permit {{ a, b }} }}"), "") > 0);
        assert!(
            findings(&format!("{GOOD} impl Permit {{ fn two() -> Self {{ Self {{ a, b }} }} }}"), "") > 0
        );
        assert!(
            findings(
                &format!(
                    "{GOOD} impl From<u8> for Permit {{ fn from(a: u8) -> Self {{ Self {{ a, b }} }} }}"
                ),
                ""
            ) > 0
        );
        assert!(
            findings(
                &format!("{GOOD} impl Clone for Permit {{ fn clone(&self) -> Self {{ check() }} }}"),
                ""
            ) > 0
        );
        assert!(findings(&GOOD.replace("Debug", "Debug, Clone"), "") > 0);
        assert!(findings(&GOOD.replace("a: u8, pub(crate)", "pub a: u8, pub(crate)"), "") > 0);
        for second in [
            "fn two() { return Permit { a, b } }",
            "fn two() { Some(Box::new(Permit { a, b })) }",
            "fn two() -> Held { Held { permit: Permit { a, b } } }",
            "fn two() { take(&Permit { a, b }) }",
            "fn wait_for() { x => Permit { a, b } }",
        ] {
            assert!(findings(GOOD, second) > 0, "{second}");
        }
        for harmless in [
            "struct Held { permit: Permit }",
            "fn a(permit: &Permit) {}",
            "fn a<'a>(&'a self) -> &'a Permit { self.permit }",
            "fn a(self) -> Option<Permit> { None }",
            "fn a(permit: Permit) { let Permit { a, .. } = permit; }",
            "struct PermitLike { a: u8 } fn a() { PermitLike { a } }",
        ] {
            assert_eq!(findings(GOOD, harmless), 0, "{harmless}");
        }
        assert!(findings("", "") > 0);
    }

    #[test]
    fn generic_witnesses_are_understood() {
        let good = "pub struct Permit<P: Ports> { a: P } impl<P: Ports> Permit<P> { fn new(a: P) -> Self { Self { a } } }";
        assert_eq!(findings(good, ""), 0);
        assert!(findings(&format!("{good} fn two() {{ Permit::<u8> {{ a }} }}"), "") > 0);
    }
}
