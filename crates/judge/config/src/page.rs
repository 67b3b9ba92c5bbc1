//! The reference page, made from the key table.

use std::fmt::Write;

use crate::keys::{Group, Key, Kind, Need, ROOT};
use crate::units::{show_size, show_span};
use crate::words::{example, example_text};

const HEAD: &str = "# Configuration

`doorward serve --config doorward.toml` reads one file. `doorward config check` tells everything that is wrong with it,
with line, column and a way out; `doorward config schema` prints a JSON Schema for editors. A file is taken as a whole
or not at all, and unknown keys are errors.

Sizes are a whole number and `B`, `KiB`, `MiB` or `GiB`; durations a whole number and `ms`, `s`, `m`, `h` or `d`.
Relative paths are relative to the file. Nothing secret is written in it: keys that end in `_file`, and `env_files`,
name files that hold secrets. The environment is not read. Complete examples are in [examples](../examples).

This page is made from the table that the program reads the file by; a test keeps the two the same.
";

/// Returns `docs/configuration.md`.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    section(&ROOT, &mut page);
    page
}

fn section(group: &Group, page: &mut String) {
    let title =
        if group.path.is_empty() { "Top of the file".to_owned() } else { format!("`{}`", group.title()) };
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "\n## {title}\n\n{}\n\n| key | type | default | meaning |\n|---|---|---|---|\n",
        group.about
    );
    for key in group.keys.iter().filter(|key| !is_table(key)) {
        let _ = writeln!(page, "| `{}` | {} | {} | {} |", key.name, form(key), default(key), key.about);
    }
    for key in group.keys {
        if let Kind::Group(inner) | Kind::Groups(inner) = key.kind {
            section(inner, page);
        }
    }
}

fn is_table(key: &Key) -> bool {
    matches!(key.kind, Kind::Group(_) | Kind::Groups(_))
}

fn form(key: &Key) -> String {
    match key.kind {
        Kind::Text(form) => format!("{form}, `{}`", example_text(form)),
        Kind::Choice(words) => {
            words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or ")
        }
        Kind::Flag => "`true` or `false`".into(),
        Kind::Count(least, most) => format!("{least} to {most}"),
        Kind::Size(least, most) => format!("size, {} to {}", show_size(least), show_size(most)),
        Kind::Span(least, most) => format!("duration, {} to {}", show_span(least), show_span(most)),
        Kind::List(form) => format!("list of {form}s, `{}`", example(key)),
        Kind::OneOrMore(form) => format!("{form} or list of {form}s, `{}`", example(key)),
        Kind::Map(form) => format!("table of {form}s, `{}`", example(key)),
        Kind::Group(_) | Kind::Groups(_) => "table".into(),
    }
}

fn default(key: &Key) -> String {
    match (key.need, &key.kind) {
        (Need::Always, _) => "**required**".into(),
        (Need::Optional, _) => "none".into(),
        (
            Need::Default(text),
            Kind::Flag | Kind::Count(..) | Kind::List(_) | Kind::OneOrMore(_) | Kind::Map(_),
        ) => format!("`{text}`"),
        (Need::Default(text), _) => format!("`\"{text}\"`"),
    }
}
