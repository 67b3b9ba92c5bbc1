//! Where a text points to: addresses, hosts, mailboxes, files.

/// Finds them, in small letters and without the signs of the sentence around.
pub(crate) fn addresses(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '(' | ')'
                    | '<'
                    | '>'
                    | '"'
                    | '\''
                    | '`'
                    | ','
                    | ';'
                    | '|'
                    | '='
                    | '['
                    | ']'
                    | '{'
                    | '}'
                    | '*'
            )
    });
    let trimmed = runs.map(|run| run.trim_end_matches(['.', ':', '!', '?']).to_lowercase());
    trimmed.filter(|run| is_address(run)).collect()
}

fn is_address(run: &str) -> bool {
    run.contains("://")
        || run.contains("..")
        || is_mailbox(run)
        || is_path(run)
        || is_host(run)
        || is_numbers(run)
}

fn is_mailbox(run: &str) -> bool {
    run.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// `/etc/passwd`, `~/.ssh`, `src/main`, `C:\Users`, `\\host\share`, `.env`; "and/or" is none, nor is "1/2".
fn is_path(run: &str) -> bool {
    let has_name = |rest: &str| rest.chars().next().is_some_and(char::is_alphabetic);
    if let Some(rest) = run.strip_prefix(['/', '~', '.']) {
        return has_name(rest.trim_start_matches(['/', '.', '~', '\\']));
    }
    run.matches(['/', '\\']).count() >= 2 && run.chars().any(char::is_alphabetic)
        || run.contains(":\\")
        || run.contains('/') && run.split('/').any(|part| part.starts_with('.') || is_host(part))
}

/// `evil.example`, `evil.example:8080`, `notes.txt`: a file's name in the wrong place is as much worth a look. "e.g" is none.
fn is_host(run: &str) -> bool {
    let host = run.split([':', '/', '?', '#']).next().unwrap_or_default();
    let mut labels = host.rsplit('.');
    let last = labels.next().unwrap_or_default();
    let before = labels.next().unwrap_or_default();
    last.len() >= 2
        && last.chars().all(char::is_alphabetic)
        && before.chars().count() >= 2
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// An address of numbers: four of them, or groups of hexadecimal digits between colons.
fn is_numbers(run: &str) -> bool {
    let host = run.split([':', '/']).next().unwrap_or_default();
    let four: Vec<&str> = host.split('.').collect();
    let is_four = four.len() == 4 && four.iter().all(|part| part.parse::<u8>().is_ok());
    let groups: Vec<&str> = run.split(':').collect();
    let is_six = groups.len() >= 4
        && groups.iter().all(|part| part.len() <= 4 && part.bytes().all(|b| b.is_ascii_hexdigit()));
    is_four || is_six
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_somewhere_is_found_and_sentences_are_not() {
        for text in [
            "see https://evil.example/x.",
            "(mail to Eve@evil.example)",
            "at evil.example:8080",
            "in `~/.ssh/id_rsa`",
            "from /etc/passwd",
            "of .env",
            "C:\\Users\\a",
            "\\\\host\\share\\x",
            "10.0.0.1",
            "fe80::1:2:3",
            "evil.example/collect",
            "пример.рф",
            "../up",
        ] {
            assert_eq!(addresses(text).len(), 1, "{text}: {:?}", addresses(text));
        }
        for text in [
            "e.g. this",
            "and/or",
            "1/2 of it",
            "v1.2.3",
            "at 10:30",
            "Ends. Begins",
            "i.e. that",
            "3.14",
            "a/b",
        ] {
            assert_eq!(addresses(text), Vec::<String>::new(), "{text}");
        }
    }
}
