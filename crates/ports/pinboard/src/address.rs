//! What a local server is known by.

/// Programs that run another, which is what the server is.
const RUNNERS: [&str; 10] = ["npx", "uvx", "uv", "node", "python", "python3", "deno", "bun", "bunx", "pipx"];

/// Says by what a server on stdio is known: its program, and what a runner is told to run, without a version. What it is told
/// besides, a folder more or another level of its log, does not make it another server; nor does a newer version, whose
/// definitions are compared. A value of an option could be a secret, and is not in it.
pub fn of_command(command: &[String]) -> String {
    let mut words = command.iter().map(String::as_str);
    let program = words.next().unwrap_or_default();
    let base = program.rsplit(['/', '\\']).next().unwrap_or_default();
    if !RUNNERS.contains(&base.strip_suffix(".exe").unwrap_or(base)) {
        return format!("stdio:{program}");
    }
    let is_told = |word: &&str| {
        let is_option = word.starts_with('-') || word.contains(['=', ':']);
        let is_of_uv = base == "uv" && matches!(*word, "tool" | "run");
        !is_option && !is_of_uv
    };
    match words.find(is_told) {
        Some(told) => format!("stdio:{program} {}", unversioned(told)),
        None => format!("stdio:{program}"),
    }
}

/// A package without its version: `@scope/name@1.2` is `@scope/name`.
fn unversioned(package: &str) -> &str {
    match package.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => package.get(..at).unwrap_or(package),
        None => package,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_what_runs() {
        for (command, address) in [
            ("npx -y @scope/server-files@2026.8.31 /srv", "stdio:npx @scope/server-files"),
            ("npx -y @scope/server-files@2026.9.1 /srv /more", "stdio:npx @scope/server-files"),
            ("npx -y other-server@1", "stdio:npx other-server"),
            ("uv tool run mcp-server-git", "stdio:uv mcp-server-git"),
            ("node --env=KEY=secret index.js", "stdio:node index.js"),
            ("/usr/bin/notes --key secret", "stdio:/usr/bin/notes"),
            ("python3 -m notes", "stdio:python3 notes"),
        ] {
            let words: Vec<_> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(of_command(&words), address, "{command}");
        }
    }
}
