//! What a shell makes of a value, and what no honest command says.

use super::signs::{Low, of};
use std::sync::LazyLock;

/// Programs that a planted command begins with, most of which are no word of prose.
const PROGRAMS: &str = " cat ls id whoami uname pwd curl wget nc ncat netcat bash sh zsh ksh dash cmd powershell pwsh python python3 perl ruby \
    php node ping nslookup dig host ifconfig ipconfig ip netstat ss ps env printenv set echo printf touch rm mv cp chmod chown kill \
    sleep dir type more less head tail find grep awk sed tee xxd base64 tftp ftp scp ssh telnet systeminfo tasklist net reg \
    certutil bitsadmin mshta rundll32 regsvr32 wmic schtasks crontab at useradd adduser passwd sudo su mkfifo mknod dd tar zip unzip \
    lua gcc make docker kubectl shutdown reboot halt timeout which hostname arp route export source eval exec xargs yes true open start copy del \
    phpinfo system passthru calc notepad netsh ";

/// Of those the ones that people write in sentences as well.
const WORDS: &str = " cat id ip host find type more less head tail kill sleep set echo net at open start copy make sort time which true yes \
    export source shutdown timeout zip touch python ruby node go php perl env calc exec reg route system printf docker dir su ps ss tee dash ";

/// Both lists in order, so that a value of nothing but separators is not compared with every name.
static SORTED: LazyLock<[Vec<&str>; 2]> = LazyLock::new(|| {
    [PROGRAMS, WORDS].map(|list| {
        let mut words: Vec<&str> = list.split_ascii_whitespace().collect();
        words.sort_unstable();
        words
    })
});

fn is_program(word: &str) -> bool {
    !word.is_empty()
        && word.len() < 14
        && SORTED.first().is_some_and(|list| list.binary_search(&word).is_ok())
}

fn is_word(word: &str) -> bool {
    SORTED.get(1).is_some_and(|list| list.binary_search(&word).is_ok())
}

/// What is found in no value that is honest.
const FIXED: &[&str] = &[
    "${ifs}",
    "$ifs",
    "/dev/tcp/",
    "() { :",
    "(){ :",
    "(){:",
    "<(cat",
    "{cat,",
    "{curl,",
    "{ls,",
    "{wget,",
    "{id,",
    "{nc,",
    "{echo,",
    "/bin/sh",
    "/bin/bash",
    "/bin/cat",
    "/usr/bin/id",
    "cmd.exe",
    "powershell -",
    "nc -e",
    "| sh",
    "|sh",
    "| bash",
    "|bash",
];

/// How sure it is that the value, unescaped and in small letters, holds a command of its own.
pub(super) fn injected(low: &Low<'_>) -> f32 {
    let mut sure = 0.0_f32;
    if any_of!(low, FIXED, |fixed| *fixed) {
        let found = FIXED.iter().filter(|fixed| low.contains(**fixed));
        sure = found.map(|fixed| if fixed.contains("bin/") { 0.75 } else { 1.0 }).fold(sure, f32::max);
    }
    let begins = |b: &u8| matches!(b, b';' | b'|' | b'&' | b'\n' | b'\r' | b'$' | b'`');
    let begun = low.as_bytes().iter().enumerate().filter(|(_, b)| begins(b));
    for (at, b) in begun.filter(|_| low.has(of(b";|&\n\r$`"))) {
        let rest = low.get(at + 1..).unwrap_or_default();
        sure = sure.max(match b {
            // Of several in a row the last one counts.
            b';' | b'|' | b'&' | b'\n' | b'\r' if !rest.starts_with([';', '|', '&', '\n', '\r']) => {
                separated(low.get(..at).unwrap_or_default(), *b, rest)
            }
            b'$' if rest.starts_with('(') => substituted(rest.get(1..).unwrap_or_default(), ')'),
            b'`' => substituted(rest, '`') * 0.95,
            _ => 0.0,
        });
        if sure >= 1.0 {
            return 1.0;
        }
    }
    sure.max(bare(low))
}

/// What follows a separator: a program, perhaps by its path, perhaps behind more separators.
fn separated(before: &str, by: u8, rest: &str) -> f32 {
    let rest = rest.get(..rest.floor_char_boundary(200)).unwrap_or(rest);
    let command = rest.trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '|' | '&' | ';' | '"' | '\'' | '(' | '{' | '@' | '!')
    });
    let quoted = command.trim_start_matches(['\\', '^']);
    let first: String = word(quoted).chars().filter(|c| !matches!(c, '\'' | '"' | '\\' | '^')).collect();
    let name = first.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let absolute =
        first.starts_with('/') && first.len() > 4 && first.get(1..).is_some_and(|path| path.contains('/'));
    if !is_program(name) {
        // A path to a program, as in `;/opt/x/y`, is still none of prose.
        return if absolute && first.contains("bin/") { 1.0 } else { 0.0 };
    }
    let tail = quoted.get(word(quoted).len()..).unwrap_or_default();
    let tail = tail.trim_start();
    let ends =
        tail.is_empty() || tail.starts_with([';', '|', '&', '\'', '"', ')', '#', '`', '\n', '\\', '<', '>']);
    let argued =
        tail.starts_with(['-', '/', '~', '.', '$', '*']) || tail.starts_with("http") || tail.contains("://");
    let tight = before.is_empty() || !before.ends_with(' ');
    if absolute || argued {
        1.0
    } else if !is_word(name) {
        if ends || tight { 0.95 } else { 0.75 }
    } else if ends {
        if tight { 0.9 } else { 0.7 }
    } else if matches!(name, "sleep" | "ping" | "kill" | "timeout")
        && tail.starts_with(|c: char| c.is_ascii_digit())
    {
        0.65
    } else if by == b'\n' {
        0.2
    } else if tight && by != b';' {
        0.6
    } else {
        0.3
    }
}

/// What stands in a substitution.
fn substituted(rest: &str, end: char) -> f32 {
    let rest = rest.get(..rest.floor_char_boundary(200)).unwrap_or(rest);
    let closed = rest.split_once(end);
    let inner = closed.map_or(rest, |(inner, _)| inner);
    let inner = inner.trim_start_matches([' ', '`', '(']);
    let first = word(inner);
    let name = first.rsplit('/').next().unwrap_or_default();
    let has_more = inner.len() > first.len();
    if is_program(name) && closed.is_none() {
        if is_word(name) && !has_more { 0.0 } else { 0.6 }
    } else if is_program(name) {
        if end == ')' || has_more || first.contains('/') || !is_word(name) { 1.0 } else { 0.6 }
    } else if end == ')' && !inner.is_empty() && closed.is_some() {
        0.6
    } else {
        0.0
    }
}

/// A command from the first word on, where a value is expected.
fn bare(low: &str) -> f32 {
    let low = low.trim_start_matches([' ', '\'', '"', '(']);
    let first = word(low);
    let name = first.rsplit('/').next().unwrap_or_default();
    let tail = low.get(first.len()..).unwrap_or_default();
    if !is_program(name) || !tail.starts_with(' ') {
        return 0.0;
    }
    let tail = tail.trim_start();
    let argued = tail.starts_with('-') && tail.len() > 1 && !tail.starts_with("- ")
        || tail.starts_with(['/', '~'])
        || tail.starts_with("http")
        || tail.get(1..3) == Some(":\\");
    let asks = matches!(name, "which" | "type" | "cat" | "man")
        && (is_program(tail.trim()) && !is_word(tail.trim()) || tail.starts_with('%'));
    if argued {
        0.75
    } else if asks || name == "netsh" || tail.contains("/dev/") {
        0.6
    } else {
        0.0
    }
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| {
        c.is_whitespace() || matches!(c, ';' | '|' | '&' | ')' | '`' | '<' | '>' | '#' | '(' | ',' | '}')
    });
    let text = text.get(..end.unwrap_or(text.len()).min(64)).unwrap_or_default();
    // `id\\n`: an escape that a careless reader undoes.
    text.split("\\n").next().unwrap_or_default()
}

/// How sure it is that a whole command, unescaped and in small letters, is no honest one.
pub(super) fn hostile(low: &Low<'_>) -> f32 {
    let trimmed = low.trim();
    let mut sure = 0.0_f32;
    let mut is = |found: bool, how: f32| sure = if found { sure.max(how) } else { sure };
    // A part of a command that waits for another before it.
    let begins = trimmed.starts_with([';', '|', '&', ')', '\'', '`', '"'])
        || trimmed.starts_with("$(")
        || trimmed.starts_with("a)");
    is(begins && trimmed.len() > 1 && injected(low) > 0.0, 1.0);
    is(low.starts_with(['\n', '\r']) && injected(low) > 0.5, 0.9);
    is(
        any_of!(
            low,
            [
                "/dev/tcp/",
                "/dev/udp/",
                "nc -e",
                "nc -l",
                "-e /bin/",
                "-e /usr/bin",
                "-c /bin/sh",
                "bash -i",
                "sh -i",
                "mkfifo /tmp",
                "socat exec",
                "pty.spawn",
                "socket.socket",
            ]
        ),
        1.0,
    );
    is(
        any_of!(
            low,
            [
                ":(){",
                "rm -rf /*",
                "rm -rf ~",
                "--no-preserve-root",
                "mkfs.",
                "of=/dev/sd",
                "> /dev/sd",
                "of=/dev/nvme",
                "chmod -r 777 /",
                "chmod 777 /",
            ]
        ),
        1.0,
    );
    is(trimmed.ends_with("rm -rf /") || any_of!(low, ["rm -rf / ", "del /f /s /q c:\\"]), 1.0);
    let fetches = any_of!(
        low,
        ["curl ", "wget ", "iwr ", "invoke-webrequest", "fetch ", "downloadstring", "downloadfile"]
    );
    let runs = any_of!(
        low,
        [
            "| sh", "|sh", "| bash", "|bash", "| sudo", "| python", "|python", "| perl", "| node", "| zsh",
            "iex", "sh <(", "bash <(",
        ]
    );
    is(fetches && runs, 0.95);
    is(fetches && any_of!(low, ["&& chmod +x", "; chmod +x", "&& sh ", "&& bash ", "; bash ", "; sh "]), 0.8);
    is(any_of!(low, ["base64 -d", "base64 --decode", "xxd -r", "openssl enc -d"]) && runs, 1.0);
    let secret = any_of!(
        low,
        [
            "/etc/shadow",
            "id_rsa",
            "id_ed25519",
            ".aws/credentials",
            "/.env",
            " .env",
            ".netrc",
            ".git-credentials",
            ".kube/config",
            ".pgpass",
            "/proc/self/environ",
            "wallet.dat",
            ".npmrc",
            "cookies.sqlite",
            "login data",
            "repair\\sam",
            "config\\sam",
            "ntds.dit",
        ]
    );
    let leaves = fetches
        || any_of!(
            low,
            ["nc ", "scp ", "rsync ", "ftp ", "http://", "https://", "mail ", "dns", "nslookup", "dig "]
        );
    is(secret, 0.7);
    is(secret && leaves, 1.0);
    is(any_of!(low, ["/etc/passwd", "win.ini", "boot.ini", "\\winnt\\"]), 0.75);
    is(
        leaves
            && any_of!(
                low,
                [
                    "printenv",
                    "$(env",
                    "env |",
                    "env|",
                    "$(whoami",
                    "$(hostname",
                    "$(cat",
                    "`cat",
                    "-d @",
                    "-t /",
                    "--upload-file",
                    "--data-binary @/",
                    "--post-file",
                    "-f file=@/",
                ]
            ),
        0.85,
    );
    is(
        any_of!(
            low,
            [
                "nopasswd",
                "/etc/sudoers",
                "authorized_keys",
                "/etc/cron",
                "crontab -",
                "net user ",
                "net localgroup",
                "reg add",
                "schtasks /create",
                "useradd ",
                "setenforce 0",
                "iptables -f",
                "ufw disable",
            ]
        ),
        0.7,
    );
    is(
        any_of!(
            low,
            [
                "-enc ",
                "-encodedcommand",
                "-executionpolicy bypass",
                "-ep bypass",
                "hidden -c",
                "frombase64string",
                "certutil -urlcache",
                "bitsadmin /transfer",
                "mshta http",
                "regsvr32 /s /n",
                "rundll32 javascript",
            ]
        ),
        0.9,
    );
    is(any_of!(low, ["history -c", "> ~/.bash_history", "unset histfile", "ld_preload="]), 0.75);
    is(
        any_of!(
            low,
            [
                "${ifs}",
                "$ifs",
                "$'\\x",
                "{cat,",
                "{curl,",
                "${path:",
                "() { :",
                "${hhh",
                "\\n/usr/bin",
                "<?php",
                "xmrig",
                "stratum+tcp",
                "shellshock",
                "${@}",
                "$@",
            ]
        ) && !low.contains("\"$@\""),
        0.9,
    );
    is(is_quoted_apart(trimmed), 0.9);
    is(any_of!(low, ["/bin/cat", "<!--#exec", "phpinfo()", "system('", "exec('sleep"]), 0.7);
    sure
}

/// `w'h'o'am'i`, `c\at`: a name in pieces that only a shell puts together.
fn is_quoted_apart(text: &str) -> bool {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    let quotes = first.bytes().filter(|b| matches!(b, b'\'' | b'"' | b'\\')).count();
    let name: String = first.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
    quotes >= 2
        && first.starts_with(|c: char| c.is_ascii_alphabetic())
        && is_program(name.rsplit('/').next().unwrap_or_default())
        || quotes == 1 && first.contains('\\') && !first.contains(":\\") && is_program(&name)
}

/// Options that run something, write somewhere or choose whom to talk to.
const DANGEROUS: [&str; 24] = [
    "--upload-pack",
    "--receive-pack",
    "-oproxycommand",
    "-o proxycommand",
    "--exec",
    "--checkpoint-action",
    "--checkpoint=",
    "--use-compress-program",
    "--to-command",
    "--rsh",
    "--config",
    "-c core.",
    "--use-askpass",
    "--post-file",
    "--output",
    "--open-files-in-pager",
    "--pre",
    "--upload-file",
    "--preview",
    "-exec",
    "--eval",
    "--require",
    "--init-file",
    "--load-extension",
];

/// How sure it is that the value would be taken for an option.
pub(super) fn option(low: &str) -> f32 {
    let value = low.trim_start();
    let mut bytes = value.bytes();
    if bytes.next() != Some(b'-') {
        return 0.0;
    }
    if DANGEROUS.iter().any(|known| value.starts_with(known)) {
        return 1.0;
    }
    match (bytes.next(), bytes.next()) {
        (Some(b'-'), Some(b'a'..=b'z')) => 0.9,
        (Some(b'a'..=b'z'), None) => 0.7,
        (Some(b'a'..=b'z'), Some(b' ' | b'=' | b'/' | b'"')) => 0.8,
        (Some(b'a'..=b'z'), Some(_)) => 0.55,
        _ => 0.0,
    }
}
