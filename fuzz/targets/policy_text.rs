//! Policy files: never panics; what we take as whole policies Cedar takes as the same ones, so that no text hides one;
//! what compiles decides as its policies say one by one. Input: a file, and after a zero byte another.

use std::collections::BTreeSet;

use cedar_policy::PolicySet;
use doorward_policy::{Ask, Item, PolicyProblem, PolicyText};

use crate::world::{READ, alice, compile, crm, decide, tree};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let files: Vec<(String, String)> = text
        .splitn(2, '\0')
        .zip(["a.cedar", "b.cedar"])
        .map(|(text, name)| (name.to_owned(), text.to_owned()))
        .collect();
    match PolicyText::parse(&files) {
        Err(problems) => sound(&problems, &files),
        Ok(parsed) => {
            let whole = files.iter().map(|(_, text)| text.parse::<PolicySet>().unwrap());
            assert_eq!(whole.map(|set| set.num_of_policies()).sum::<usize>(), parsed.len());
            assert_eq!(parsed.ids().collect::<BTreeSet<_>>().len(), parsed.len());
            ask(&parsed, &files);
        }
    }
}

fn ask(parsed: &PolicyText, files: &[(String, String)]) {
    let schema = tree(READ.as_bytes()).unwrap();
    let policies = match compile(parsed, &[("read", &schema), ("ping", &schema)]) {
        Ok(policies) => policies,
        Err(problems) => return sound(&problems, files),
    };
    let (who, crm) = (alice(&policies), crm());
    let arguments =
        tree(br#"{"user_id":"11111111-1111-4111-8111-111111111111","n":7,"tags":["a"]}"#).unwrap();
    for (tool, arguments) in [("read", Some(arguments.root())), ("ping", None)] {
        decide(&policies, &who, &Ask::CallTool { server: &crm, tool, arguments });
        let seen = policies.sees(&who, &crm, Item::Tool(tool));
        assert_eq!(seen, policies.explain_seeing(&who, &crm, Item::Tool(tool)).answer.is_ok());
    }
    decide(&policies, &who, &Ask::Connect { server: &crm });
    decide(&policies, &who, &Ask::GetPrompt { server: &crm, prompt: "greet", arguments: None });
    decide(&policies, &who, &Ask::ReadResource { server: &crm, uri: "file:///report" });
    decide(&policies, &who, &Ask::ServerRequest { server: &crm, method: "roots/list" });
    decide(&policies, &who, &Ask::Other { server: &crm, method: "vendor/method" });
    sound(&policies.lint(), files);
}

/// Problems and remarks have a sentence, and a place that is in their file.
fn sound(problems: &[PolicyProblem], files: &[(String, String)]) {
    for problem in problems {
        assert!(!problem.what.is_empty());
        assert!(problem.help != "this is a fault of the program", "{problem}");
        let Some((_, text)) = files.iter().find(|(name, _)| *name == problem.file) else {
            assert!(problem.file.is_empty() && problem.line == 0);
            continue;
        };
        let line = text.split('\n').nth((problem.line as usize).saturating_sub(1));
        let width = line.unwrap_or_else(|| panic!("no line {}", problem.line)).chars().count();
        assert!((1..=width + 1).contains(&(problem.column as usize)), "column {} of {width}", problem.column);
    }
}
