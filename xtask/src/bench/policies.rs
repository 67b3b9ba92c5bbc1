//! Policy sets of any size, of which a handful concern the caller.
//!
//! A real set is mostly about other people, other tools and other servers; what the caller meets must read an argument,
//! or its decision could be remembered and nothing would be measured.

use std::fmt::Write as _;

/// The servers the policies speak of; each stands before the same upstream.
pub(super) const SERVERS: [&str; 5] = ["echo", "crm", "files", "tickets", "wiki"];

/// `count` policies as Cedar text.
pub(super) fn cedar(count: usize) -> String {
    let mut text = OWN.to_owned();
    for index in OWN_COUNT..count {
        let server = SERVERS.get(index % SERVERS.len()).unwrap_or(&"echo");
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "@id(\"bench-{index}\")\n{}\n", foreign(index, server));
    }
    text
}

/// The id of a group, as Entra writes it.
pub(super) fn group(number: usize) -> String {
    format!("60000000-0000-4000-8000-{number:012x}")
}

/// The caller's groups: the first has a policy of its own, the rest have none.
pub(super) fn callers_groups(count: usize) -> Vec<String> {
    (0..count).map(|number| if number == 0 { group(CALLERS) } else { group(NOBODYS + number) }).collect()
}

const CALLERS: usize = 1;
const NOBODYS: usize = 0x0100_0000;
const OTHERS: usize = 0x1000;

const OWN_COUNT: usize = 2;
const OWN: &str = r#"@id("readers-echo-small-numbers")
permit(principal in Role::"Reader", action == Action::"echo/echo", resource) when { context.arguments.n < 1000 };

@id("group-bursts")
permit(principal in Group::"60000000-0000-4000-8000-000000000001", action == Action::"echo/burst", resource);

"#;

/// A policy about somebody else.
fn foreign(index: usize, server: &str) -> String {
    let group = group(OTHERS + index);
    match index % 5 {
        0 => format!(
            "permit(principal in Role::\"Desk-{index}\", action == Action::\"{server}/echo\", resource) when {{ context.arguments.n < {} }};",
            index + 1
        ),
        1 => format!(
            "permit(principal in Group::\"{group}\", action in Action::\"tools/call\", resource in Server::\"{server}\");"
        ),
        2 => format!(
            "forbid(principal in Group::\"{group}\", action == Action::\"{server}/big\", resource) when {{ context.arguments.bytes > 1000000 }};"
        ),
        3 => format!(
            "permit(principal in Group::\"{group}\", action == Action::\"{server}/burst\", resource);"
        ),
        _ => format!(
            "permit(principal in Role::\"Desk-{index}\", action == Action::\"{server}/sleep\", resource) when {{ context.arguments.milliseconds <= 100 }};"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_size_that_was_asked_for() {
        for count in [10, 1_000] {
            let text = cedar(count);
            assert_eq!(text.matches("@id(").count(), count);
            assert_eq!(text.matches(");").count() + text.matches("};").count(), count);
        }
    }

    #[test]
    fn one_of_the_callers_groups_is_spoken_of() {
        let (groups, text) = (callers_groups(200), cedar(10_000));
        assert_eq!(groups.len(), 200);
        let known: Vec<_> = groups.iter().filter(|group| text.contains(group.as_str())).collect();
        assert_eq!(known, [&groups[0]]);
    }
}
