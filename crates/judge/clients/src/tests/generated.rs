//! Texts that nobody would write, wrapped and put back.

use proptest::prelude::*;

use super::{DOOR, there_and_back};
use crate::{Document, Format, unwrap, wrap};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("--".to_owned()),
        Just("guard".to_owned()),
        Just(String::new()),
        "[ -~é\u{2028}\n\t]{0,12}"
    ]
}

/// Space and comments where JSON bears them.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ \t]{0,3}",
        Just("\n  ".to_owned()),
        Just("\r\n".to_owned()),
        Just(" /* , ] */ ".to_owned()),
        Just(" // \" ] }\n".to_owned())
    ]
}

prop_compose! {
    fn entry()(name in word(), command in word(), args in proptest::option::of(proptest::collection::vec(word(), 0..4)),
        first in any::<bool>(), comma in any::<bool>(), gaps in proptest::collection::vec(gap(), 8)) -> (String, String) {
        let quote = doorward_wire::quote;
        let comma = if comma { "," } else { "" };
        let command = format!("\"command\"{}:{}{}", gaps[0], gaps[1], quote(&command));
        let args = args.map(|args| {
            let list: Vec<_> = args.iter().map(|arg| format!("{}{}", gaps[2], quote(arg))).collect();
            let last = if args.is_empty() { "" } else { comma };
            format!("\"args\":{}[{}{}{last}{}]", gaps[3], list.join(","), gaps[4], gaps[5])
        });
        let members = match args {
            None => command,
            Some(args) if first => format!("{args},{}{command}", gaps[6]),
            Some(args) => format!("{command},{}{args}", gaps[6]),
        };
        (name, format!("{{{}{members}{}{comma}{}}}", gaps[7], gaps[6], gaps[0]))
    }
}

/// A text as TOML writes it.
fn toml_text(text: &str, literal: bool) -> String {
    let plain = literal && !text.contains(['\'', '\n', '\t']);
    if plain { format!("'{text}'") } else { doorward_wire::quote(text) }
}

prop_compose! {
    fn toml_entry()(name in word(), command in word(), args in proptest::option::of(proptest::collection::vec(word(), 0..4)),
        style in any::<[bool; 4]>(), space in "[ \t]{0,2}") -> String {
        let [inline, literal, lines, comment] = style;
        let comment = if comment && !inline { " # [x] = \"" } else { "" };
        let list: Vec<_> = args.iter().flatten().map(|arg| toml_text(arg, literal)).collect();
        let (gap, last) = if lines && !inline { ("\n  # c\n", ",") } else { (" ", "") };
        let last = if list.is_empty() { "" } else { last };
        let args = args.map(|_| format!("args{space}=[{gap}{}{last}{gap}]", list.join(&format!(",{gap}"))));
        let command = format!("command ={space}{}", toml_text(&command, literal));
        let name = doorward_wire::quote(&name);
        if inline {
            let members = [Some(command), args].into_iter().flatten().collect::<Vec<_>>().join(", ");
            return format!("[mcp_servers]\n{name} = {{ {members} }}\n");
        }
        let args = args.map_or(String::new(), |args| format!("{space}{args}{comment}\n"));
        format!("[mcp_servers.{name}]{comment}\n{space}{command}{comment}\n{args}")
    }
}

/// A text as YAML writes it.
fn yaml_text(text: &str, style: u8) -> String {
    let simple =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_'));
    match style {
        0 if simple => text.to_owned(),
        1 if !text.contains(['\n', '\t', '\u{2028}']) => format!("'{}'", text.replace('\'', "''")),
        _ => doorward_wire::quote(text),
    }
}

prop_compose! {
    fn yaml_entry()(name in word(), command in word(), args in proptest::option::of(proptest::collection::vec(word(), 0..4)),
        style in 0u8..3, flow in any::<bool>(), first in any::<bool>(), comment in any::<bool>(), wide in 0usize..3) -> String {
        let comment = if comment { " # - x: [" } else { "" };
        let lead = format!("-{}", " ".repeat(wide + 1));
        let indent = " ".repeat(lead.len());
        let list: Vec<_> = args.iter().flatten().map(|arg| yaml_text(arg, style)).collect();
        let args = args.map(|_| match flow || list.is_empty() {
            true => format!("{indent}args: [ {} ]{comment}\n", list.join(", ")),
            false => format!("{indent}args:{comment}\n{}", list.iter().map(|arg| format!("{indent}{}- {arg}{comment}\n", " ".repeat(wide))).collect::<String>()),
        }).unwrap_or_default();
        let name = format!("name: {}", doorward_wire::quote(&name));
        let command = format!("command: {}{comment}", yaml_text(&command, style));
        let (one, two) = if first { (command, name) } else { (name, command) };
        format!("{lead}{one}\n{indent}{two}\n{args}")
    }
}

proptest! {
    #[test]
    fn whatever_is_wrapped_comes_back(entries in proptest::collection::vec(entry(), 1..5), bom in any::<bool>()) {
        let mut named = std::collections::BTreeMap::new();
        for (name, entry) in entries {
            named.insert(name, entry);
        }
        let members: Vec<_> = named.iter().map(|(name, entry)| format!("{}: {entry}", doorward_wire::quote(name))).collect();
        let bom = if bom { "\u{feff}" } else { "" };
        let text = format!("{bom}{{\"mcpServers\": {{{}}}}}", members.join(",\n"));
        there_and_back("cursor", &text);
    }

    #[test]
    fn whatever_is_wrapped_in_toml_comes_back(entry in toml_entry(), end in any::<bool>()) {
        let text = format!("a = 1\n{entry}");
        there_and_back("codex", if end { &text } else { text.trim_end_matches('\n') });
    }

    #[test]
    fn whatever_is_wrapped_in_yaml_comes_back(entries in proptest::collection::vec(yaml_entry(), 1..4), crlf in any::<bool>(), end in any::<bool>()) {
        let text = format!("name: x\nmcpServers:\n{}", entries.concat());
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        there_and_back("continue", if end { &text } else { text.trim_end() });
    }

    #[test]
    fn no_text_brings_it_down(text in "[\\[\\]{}:,\"'/*#&!|>\\- \n\ta-c=.\u{e9}]{0,60}") {
        for format in [Format::Json, Format::Toml, Format::Yaml] {
            let members = Format::members(format);
            if let Ok(document) = Document::read(&text, format, &members) {
                for index in 0..document.servers().len() {
                    let _either = (wrap(&document, index, DOOR, &[]), unwrap(&document, index, DOOR));
                }
            }
        }
    }
}
