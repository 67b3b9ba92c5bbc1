//! `entry_points.txt` of a Python package: which function each of its programs is. Foreign bytes; pure.

/// A function in a module, both as names with dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The module.
    pub module: String,
    /// The function, by way of the names that lead to it.
    pub function: String,
}

/// Finds a console script. What Python's installers bear is read more strictly here: what two readers could take
/// differently is refused, and so is a name that is no name.
///
/// # Errors
/// If there is no such script, with those that there are; or the text is not what such a file is.
pub fn console_script(text: &str, name: &str) -> Result<Entry, String> {
    let mut sections: Vec<&str> = Vec::new();
    let mut scripts: Vec<(&str, Entry)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let bad = |what: &str| Err(format!("line {}: {what}", number + 1));
        if line.trim().is_empty() || line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            let Some(section) = section.trim_end().strip_suffix(']') else {
                return bad("a section has no end");
            };
            let section = section.trim();
            if sections.contains(&section) {
                return bad("a section occurs twice");
            }
            sections.push(section);
            continue;
        }
        match sections.last() {
            None => return bad("it stands in no section"),
            // What plugins of others are called is theirs.
            Some(section) if *section != "console_scripts" => continue,
            Some(_) => {}
        }
        if line.starts_with(char::is_whitespace) {
            return bad("it goes on from the line before, which not every reader knows");
        }
        let Some((script, entry)) = line.split_once('=') else { return bad("it names no function") };
        let script = script.trim();
        if !is_script(script) {
            return bad("this is no name of a program");
        }
        if scripts.iter().any(|(known, _)| *known == script) {
            return bad("a program occurs twice");
        }
        match parse(entry) {
            Some(entry) => scripts.push((script, entry)),
            None => return bad("it names no function in a module"),
        }
    }
    let found = scripts.iter().find(|(script, _)| *script == name).map(|(_, entry)| entry.clone());
    found.ok_or_else(|| {
        let names: Vec<_> = scripts.iter().take(10).map(|(script, _)| format!("`{script}`")).collect();
        match names.is_empty() {
            true => "it has no program".to_owned(),
            false => format!("it has no program `{name}`; it has {}", names.join(", ")),
        }
    })
}

/// Whether this can be the name of a program.
pub(super) fn is_script(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(letters)
}

/// `module:function`, with extras behind it, which say what else is to be installed and nothing else.
fn parse(entry: &str) -> Option<Entry> {
    let (entry, extras) =
        entry.split_once('[').map_or((entry, None), |(entry, extras)| (entry, Some(extras)));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,  ".contains(c);
    if !extras
        .is_none_or(|extras| extras.trim_end().strip_suffix(']').is_some_and(|list| list.chars().all(plain)))
    {
        return None;
    }
    let (module, function) = entry.split_once(':')?;
    let (module, function) = (module.trim(), function.trim());
    (is_path(module) && is_path(function))
        .then(|| Entry { module: module.to_owned(), function: function.to_owned() })
}

/// Identifiers with dots between them.
fn is_path(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(letters)
    };
    text.len() <= 256 && text.split('.').all(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_of_a_program_is_found() {
        for (text, module, function) in [
            ("[console_scripts]\nserver = notes.server:main\n", "notes.server", "main"),
            ("[console_scripts]\r\nserver=notes:App.run\r\n", "notes", "App.run"),
            (
                "# ours\n\n[gui_scripts]\nserver = other:main\n[ console_scripts ]\na = b:c\nserver = n:m [cli, x]\n",
                "n",
                "m",
            ),
            ("[other]\n  anything goes\n x = y = z\n[console_scripts]\nserver = n : m", "n", "m"),
        ] {
            let entry = Entry { module: module.to_owned(), function: function.to_owned() };
            assert_eq!(console_script(text, "server"), Ok(entry), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (text, what) in [
            ("", "it has no program"),
            ("[gui_scripts]\nserver = a:b", "it has no program"),
            ("[console_scripts]\nother = a:b\nmore = a:c", "it has `other`, `more`"),
            ("server = a:b", "line 1: it stands in no section"),
            ("[console_scripts\nserver = a:b", "line 1: a section has no end"),
            (
                "[console_scripts]\nserver = a:b\n[console_scripts]\nserver = evil:b",
                "line 3: a section occurs twice",
            ),
            ("[console_scripts]\nserver = a:b\nserver = evil:b", "line 3: a program occurs twice"),
            ("[console_scripts]\nserver = a:b\n  evil:c", "line 3: it goes on"),
            ("[console_scripts]\nserver", "line 2: it names no function"),
            ("[console_scripts]\nserver = a", "no function in a module"),
            ("[console_scripts]\nserver = a:b:c", "no function in a module"),
            ("[console_scripts]\nserver = a;import os:b", "no function in a module"),
            ("[console_scripts]\nserver = a:b()", "no function in a module"),
            ("[console_scripts]\nserver = .a:b", "no function in a module"),
            ("[console_scripts]\nserver = a..c:b", "no function in a module"),
            ("[console_scripts]\nserver = 1a:b", "no function in a module"),
            ("[console_scripts]\nserver = a:b [x", "no function in a module"),
            ("[console_scripts]\nserver = a:b [x] y", "no function in a module"),
            ("[console_scripts]\nserver = a:\u{e9}", "no function in a module"),
            ("[console_scripts]\n../server = a:b", "no name of a program"),
            ("[console_scripts]\n--server = a:b", "no name of a program"),
        ] {
            let error = console_script(text, "server").unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
