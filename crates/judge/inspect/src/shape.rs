//! What a run of signs is by its shape: an address, a path where secrets lie, a command.

use std::ops::Range;
use std::sync::LazyLock;

use doorward_text::Literals;

use crate::concept::{Concept, Concepts};

/// Where a shape stands in a text, and what it is. In order of their ends.
pub(crate) fn shapes(text: &str) -> Vec<(Range<usize>, Concept)> {
    let mut found = Vec::new();
    SEARCH.find(text, |number, start| {
        let shape =
            LISTS.iter().flat_map(|(list, concept)| list.iter().map(move |literal| (literal, *concept)));
        found.extend(
            shape.skip(number).take(1).map(|(literal, concept)| (start..start + literal.len(), concept)),
        );
    });
    found
}

static SEARCH: LazyLock<Literals> =
    LazyLock::new(|| Literals::new(LISTS.iter().flat_map(|(list, _)| list.iter().copied()), usize::MAX));

const LISTS: [(&[&str], Concept); 7] = [
    (&VAULTS, Concept::Vault),
    (&INSIDE, Concept::Inside),
    (&SHELL, Concept::Shell),
    (&SCRIPT, Concept::Script),
    (&DELIMITERS, Concept::Delimiter),
    (&["../..", "..\\.."], Concept::Traversal),
    (&["://"], Concept::Address),
];

/// Judges a run without blanks that holds signs or digits, in small letters.
pub(crate) fn shape(run: &str) -> Concepts {
    let mut found = Concepts::NONE;
    let mut add = |concept| found = found.and(Concepts::of(concept));
    if is_dot_env(run) {
        add(Concept::Vault);
    }
    if is_mail(run) || is_host_path(run) {
        add(Concept::Address);
    }
    if is_name(run) {
        add(Concept::Name);
    }
    // Who speaks, in a transcript that somebody made up.
    if matches!(run, "system:" | "developer:" | "root:" | "operator:" | "supervisor:") {
        add(Concept::Delimiter);
    }
    let digits = run.trim_end_matches(|c: char| !c.is_ascii_digit());
    if digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit() || b == b',')
        || run.ends_with("mb") && run.len() <= 6 && run.starts_with(|c: char| c.is_ascii_digit())
    {
        add(Concept::Many);
    }
    found
}

/// Whether a run and the one that begins with `next` may be a pair: where both begin with letters, the first must be one of few words.
/// Nearly all runs are done with here.
pub(crate) fn may_be_pair(run: &[u8], next: Option<u8>) -> bool {
    match run {
        [first, second, ..]
            if first.is_ascii_alphabetic() && next.is_some_and(|b| b.is_ascii_alphabetic()) =>
        {
            matches!([first | 0x20, second | 0x20], [b'u', b'n'] | [b'd', b'r'] | [b'o', b'r'])
        }
        _ => true,
    }
}

/// Judges two runs that follow each other, in small letters.
pub(crate) fn pair(first: &str, second: &str) -> Concepts {
    let trim = |run| str::trim_matches(run, ['\'', '"', '`', '(', ')', ',', '.']);
    let a = trim(first);
    let b = trim(second);
    // A program without an argument that only a program has is a word.
    let argued = b.starts_with(['-', '/', '~', '7']);
    if !argued && !matches!(a, "union" | "drop" | "or" | "|" | "&&" | "||" | ";") {
        return Concepts::NONE;
    }
    let concept = match a {
        "union" if b == "select" || b == "all" => Concept::Sql,
        "drop" if matches!(b, "table" | "database") => Concept::Sql,
        "or" if b.starts_with("1=1")
            || b.starts_with("'1'='1")
            || b.starts_with("1'='1")
            || b.starts_with("true--") =>
        {
            Concept::Sql
        }
        "rm" | "chmod" | "chown" | "nc" | "bash" | "sh" | "sudo" | "cat" | "kill" | "mkfs" | "dd"
        | "base64" | "curl" | "wget" | "powershell"
            if b.starts_with('-')
                || b.starts_with('/')
                || b.starts_with('~')
                || b.starts_with("777")
                || a == "sudo" && b.starts_with('-') =>
        {
            Concept::Shell
        }
        "|" | "&&" | "||" | ";"
            if matches!(
                b,
                "sh" | "bash" | "curl" | "nc" | "wget" | "rm" | "cat" | "id" | "whoami" | "sudo"
            ) =>
        {
            Concept::Shell
        }
        _ => return Concepts::NONE,
    };
    Concepts::of(concept)
}

fn is_dot_env(run: &str) -> bool {
    let run = run.trim_matches(|c: char| {
        matches!(c, '`' | '\'' | '"' | '(' | ')' | ',' | ':' | '*' | '.' | ';') && c != '.'
    });
    run == ".env"
        || run.ends_with("/.env")
        || run.starts_with(".env.")
        || run == "*.env"
        || run == ".env's"
        || run == ".envrc"
        || run == ".env."
        || run == ".env*"
}

fn is_mail(run: &str) -> bool {
    let Some((name, host)) = run.split_once('@') else { return false };
    name.bytes().next_back().is_some_and(|b| b.is_ascii_alphanumeric())
        && host.split('.').count() >= 2
        && !host.starts_with('.')
        && host.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

/// `evil.example/collect`, an address without its scheme.
fn is_host_path(run: &str) -> bool {
    let run = run.trim_matches(['"', '\'', '`', '(', ')', ',']);
    let Some((host, _)) = run.split_once('/') else { return false };
    const ENDS: [&str; 14] = [
        ".com", ".net", ".org", ".io", ".example", ".xyz", ".ru", ".site", ".dev", ".app", ".info", ".co",
        ".me", ".sh",
    ];
    ENDS.iter().any(|end| host.ends_with(end)) && !host.starts_with('.')
}

/// A name as programs have them: `send_email`, `tools/list`.
fn is_name(run: &str) -> bool {
    let run = run.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let mut parts = run.split(['_', '-']);
    let is_word = |part: &str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_lowercase());
    run.contains('_') && parts.clone().count() >= 2 && parts.all(is_word)
}

/// Where secrets lie on a person's machine or a server.
const VAULTS: [&str; 44] = [
    ".ssh/",
    "~/.ssh",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    ".aws/",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    "mcp.json",
    ".kube/config",
    ".docker/config",
    "bash_history",
    "zsh_history",
    "authorized_keys",
    "known_hosts",
    "wallet.dat",
    "login data",
    "claude_desktop_config",
    ".cursor/",
    "credentials.json",
    "secrets.y",
    "/proc/self",
    ".pgpass",
    ".gnupg",
    ".config/gcloud",
    "application_default_credentials",
    ".azure/",
    "cookies.sqlite",
    "keystore",
    ".htpasswd",
    "service-account",
    "service_account.json",
    ".vault-token",
    "private_key",
    "/root/",
    "security/sam",
    "ntds.dit",
    "keychain-db",
    ".mozilla/",
];

/// Addresses that only the machine itself, or its cloud, should ask.
const INSIDE: [&str; 14] = [
    "169.254.169.254",
    "metadata.google",
    "127.0.0.1:",
    "localhost:2375",
    "[::1]",
    "gopher://",
    "file:///",
    "dict://",
    "100.100.100.200",
    "0.0.0.0",
    "/latest/meta-data",
    "ldap://",
    "metadata.azure",
    "10.0.0.0/8",
];

/// What a shell would run.
const SHELL: [&str; 22] = [
    "$(",
    "/bin/sh",
    "/bin/bash",
    "os.system",
    "subprocess",
    "shell=true",
    "eval(",
    "exec(",
    "/dev/tcp",
    "child_process",
    "nopasswd",
    "&&curl",
    ";curl",
    "|sh",
    "|bash",
    "cron.d",
    "rm-rf",
    "${ifs}",
    "popen(",
    "runtime.exec",
    "`curl",
    "powershell",
];

/// What a browser would run.
const SCRIPT: [&str; 10] = [
    "<script",
    "javascript:",
    "onerror=",
    "onload=",
    "document.cookie",
    "onclick=",
    "<iframe",
    "data:text/html",
    "vbscript:",
    "document.location",
];

/// What passes for the border between speakers, or for a message of the protocol.
const DELIMITERS: [&str; 84] = [
    "[agent_control",
    "[operator",
    "[/operator",
    "[developer",
    "### instruction",
    "### system",
    "### response",
    "###instruction",
    "role: system",
    "\"role\":\"system",
    "\"role\": \"system",
    "</context",
    "</document",
    "<prompt",
    "<context>",
    "begin new instructions",
    "new instructions:",
    "end of document",
    "begin privileged",
    "end privileged",
    "context window reset",
    "end of transcript",
    "end of context",
    "end of user input",
    "<tool_result",
    "#override",
    "[control]",
    "[/system",
    "[[system",
    "<root",
    "<developer",
    "[end of",
    "system message:",
    "system prompt:",
    "system note:",
    "system update:",
    "<agent",
    "&lt;system",
    "<|end",
    "[assistant]",
    "[new task",
    "[task override",
    "<system",
    "</system",
    "<important",
    "</important",
    "[inst]",
    "[/inst]",
    "<|im_start|>",
    "<|im_end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<<sys>>",
    "<</sys>>",
    "[system]",
    "<instruction",
    "</instruction",
    "<critical",
    "</tool",
    "<tool_call",
    "<assistant",
    "<secret",
    "<hidden",
    "<|endoftext|>",
    "<s>[",
    "[admin",
    "[system",
    "[override",
    "<admin",
    "<priority",
    "###system",
    "<user_query",
    "</user_query",
    "<function_call",
    "\"jsonrpc\"",
    "sampling/createmessage",
    "elicitation/create",
    "<mandatory",
    "<policy",
    "</description",
    "<urgent",
    "<override",
    "<prompt",
];
