//! Lists of a Python package's programs (first line: which one): what is found is names with dots, stands in the text, and is
//! the only one of its name.

use doorward_sandbox::entry_points::console_script;

pub(crate) fn run(data: &[u8]) {
    let Ok(data) = std::str::from_utf8(data) else { return };
    let (name, text) = data.split_once('\n').unwrap_or(("server", data));
    let Ok(entry) = console_script(text, name) else { return };
    let path = |path: &str| {
        path.split('.').all(|name| {
            name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic())
                && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        })
    };
    assert!(path(&entry.module) && path(&entry.function), "{entry:?}");
    assert!(text.contains(&entry.module) && text.contains(&entry.function), "{entry:?}");
    // A second one of its name, before or behind it, is never taken for it.
    let line = format!("[console_scripts]\n{name} = other:main\n");
    assert!(console_script(&format!("{line}{text}"), name).is_err());
    assert!(console_script(&format!("{text}\n{line}"), name).is_err());
}
