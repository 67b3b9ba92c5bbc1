//! Each rule finds its positives, lets its near-misses pass, and is known not to find its bypasses; roles decide.

use bytes::Bytes;
use doorward_wire::{Limits, Tree, quote};

use super::{ToolContext, arguments};
use crate::Report;
use crate::rules::argument::RULES;

fn parse(text: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

/// `parameter: value`, without a schema, in a tool that says nothing of itself.
fn judge(case: &str) -> Report {
    let (name, value) = case.split_once(": ").unwrap();
    let value = if value.starts_with('{') && (name == "filter" || name == "username") {
        value.to_owned()
    } else {
        quote(value)
    };
    let tree = parse(&format!("{{{}: {value}}}", quote(name)));
    arguments(None, tree.root(), &ToolContext::default())
}

// control: eyes-g: Each kind of payload is found where its parameter's role makes it dangerous.
#[test]
fn positives_are_found() {
    let mut missed = Vec::new();
    for rule in RULES {
        for positive in rule.positives {
            let report = judge(positive);
            let named = report.findings.iter().any(|finding| finding.rule.id == rule.id);
            if !named || !report.is_flagged {
                missed.push(format!("{} {:.2} named {named}: {positive}", rule.id, report.score));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

// control: eyes-g: Prose, code, statements and patterns pass where they are what is expected.
#[test]
fn near_misses_pass() {
    let mut flagged = Vec::new();
    for rule in RULES {
        for honest in rule.near_misses {
            let report = judge(honest);
            if report.is_flagged {
                let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule.id).collect();
                flagged.push(format!("{} {:.2} {rules:?}: {honest}", rule.id, report.score));
            }
        }
    }
    assert!(flagged.is_empty(), "{}", flagged.join("\n"));
}

#[test]
fn bypasses_are_known() {
    let mut found = Vec::new();
    for rule in RULES {
        assert!(
            !rule.positives.is_empty() && !rule.near_misses.is_empty() && !rule.bypasses.is_empty(),
            "{}",
            rule.id
        );
        for bypass in rule.bypasses {
            if judge(bypass).findings.iter().any(|finding| finding.rule.id == rule.id) {
                found.push(format!("{}: {bypass}", rule.id));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_rule_says_what_and_why() {
    for rule in RULES {
        assert!(
            rule.owasp.starts_with("MCP")
                && rule.atlas.starts_with("AML.T")
                && rule.weakness.starts_with("CWE-")
        );
        assert!(!rule.reason.is_empty() && !rule.advice.is_empty(), "{}", rule.id);
    }
}

fn call(schema: &str, given: &str, tool: &ToolContext) -> Report {
    let (schema, given) = (parse(schema), parse(given));
    arguments(Some(schema.root()), given.root(), tool)
}

// control: eyes-g: The same value is honest in one parameter and an attack in another, by what the schema says of them.
#[test]
fn the_role_decides() {
    let tool = ToolContext::new("export", "Exports something.");
    let as_a = |description: &str, value: &str| {
        let schema =
            format!(r#"{{"properties":{{"x":{{"type":"string","description":{}}}}}}}"#, quote(description));
        call(&schema, &format!(r#"{{"x":{}}}"#, quote(value)), &tool).is_flagged
    };
    for (value, honest, attacked) in [
        ("a; id", "Text of the message", "Path to the file"),
        ("SELECT * FROM t WHERE a = 1 OR b = 2", "SQL query to run", "Identifier"),
        ("../../x/y", "Python code to run", "Absolute path"),
        ("<script>go()</script>", "HTML content of the page", "Name of the person"),
        ("{{ a | upper }}{{ b() }}", "Text of the message", "Title of the page"),
        ("^(a|b)+$", "Regular expression", "Identifier"),
    ] {
        assert!(!as_a(honest, value), "{honest}: {value}");
        if value != "^(a|b)+$" {
            assert!(as_a(attacked, value), "{attacked}: {value}");
        }
    }
}

// control-off: eyes-g: A check of types alone lets every payload pass.
#[test]
fn payloads_fit_their_types() {
    for rule in RULES {
        for positive in rule.positives {
            let (_, value) = positive.split_once(": ").unwrap();
            assert_eq!(parse(&quote(value)).root().kind(), doorward_wire::Kind::String);
        }
    }
}

#[test]
fn schemas_are_followed() {
    let tool = ToolContext::default();
    let schema = r##"{"properties":{"a":{"$ref":"#/$defs/f"},"b":{"type":"array","items":{"$ref":"#/$defs/f"}},
        "c":{"anyOf":[{"type":"null"},{"type":"string","format":"uri"}]},"d":{"enum":["../../x"]},
        "e":{"type":"object","properties":{"g":{"type":"string","format":"path"}}}},
        "$defs":{"f":{"type":"string","description":"Path to the file"}}}"##;
    for (given, place) in [
        (r#"{"a":"../../x"}"#, "/a"),
        (r#"{"b":["x","../../x"]}"#, "/b/1"),
        (r#"{"c":"gopher://x/"}"#, "/c"),
        (r#"{"e":{"g":"../../x"}}"#, "/e/g"),
        (r#"{"h":{"file_path":["/etc/shadow"]}}"#, "/h/file_path/0"),
    ] {
        let report = call(schema, given, &tool);
        assert!(report.is_flagged && report.findings[0].pointer == place, "{given}: {report:?}");
    }
    assert!(!call(schema, r#"{"d":"../../x"}"#, &tool).is_flagged, "what the schema lists is no attack");
}

#[test]
fn operators_are_found_where_a_string_belongs() {
    let schema = r#"{"properties":{"username":{"type":"string"},"filter":{"type":"object"}}}"#;
    let tool = ToolContext::new("find_user", "Finds a user.");
    assert!(call(schema, r#"{"username":{"$ne":null}}"#, &tool).is_flagged);
    assert!(!call(schema, r#"{"filter":{"age":{"$gt":21}}}"#, &tool).is_flagged);
}

#[test]
fn a_finding_names_what_is_attacked() {
    let report = judge("path: ../../etc/shadow");
    assert_eq!(
        report.findings[0].to_string(),
        "high argument.traversal (MCP05, AML.T0053, CWE-22) at /path, bytes 0-16: it climbs out of the folder that the tool \
         works in; read from the text: `a path: ../../etc/shadow`; refuse the call; name the file by its path below the folder"
    );
}

/// Texts that make a careless reader slow. Were any step a square, this would take minutes.
#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    for unit in [
        "'", "' or ", ";", "$(", "{{", "../", "%25", "(", "$ne:", "on=", "union ", "`", "=", "http://@", "\n",
    ] {
        for name in ["name", "path", "command", "pattern", "sql", "url", "filter"] {
            let given = format!("{{{}:{}}}", quote(name), quote(&unit.repeat(6_000 / unit.len())));
            let tree = parse(&given);
            let report = arguments(None, tree.root(), &ToolContext::default());
            assert!(report.findings.len() <= 64);
        }
    }
}
