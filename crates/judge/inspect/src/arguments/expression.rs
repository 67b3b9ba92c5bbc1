//! What is evaluated: templates, program code, formulas, and patterns that never end.

use super::signs::{Low, of};

/// How sure it is that a value, unescaped and in small letters, holds a template's expression.
pub(super) fn template(low: &Low<'_>) -> f32 {
    let mut sure = 0.0_f32;
    if !low.has(of(b"{$#<[@*~")) {
        return sure;
    }
    // Where the last expression ended: what stands in it was looked at with it.
    let mut done = 0;
    for (at, b) in low.bytes().enumerate() {
        if at < done || !matches!(b, b'{' | b'$' | b'#' | b'<' | b'[' | b'@' | b'*' | b'~') {
            continue;
        }
        let rest = low.get(at..).unwrap_or_default();
        let (open, close) = match b {
            b'{' if rest.starts_with("{{") => ("{{", "}}"),
            b'{' if rest.starts_with("{%") => ("{%", "%}"),
            b'{' if rest.starts_with("{php") => return 0.9,
            b'{' if rest.starts_with("{$") => ("{$", "}"),
            b'$' if rest.starts_with("${") => ("${", "}"),
            b'#' if rest.starts_with("#{") => ("#{", "}"),
            b'*' if rest.starts_with("*{") => ("*{", "}"),
            b'~' if rest.starts_with("~{") => ("~{", "}"),
            b'@' if rest.starts_with("@{") => ("@{", "}"),
            b'@' if rest.starts_with("@(") => ("@(", ")"),
            b'<' if rest.starts_with("<%") => ("<%", "%>"),
            b'<' if rest.starts_with("<#") => ("<#", ">"),
            b'[' if rest.starts_with("[[${") => ("[[${", "}]]"),
            b'#' if rest.starts_with("#set(") || rest.starts_with("#set (") => return 0.9,
            _ => continue,
        };
        let inner = rest.get(open.len()..).unwrap_or_default();
        let inner = inner.get(..inner.floor_char_boundary(160)).unwrap_or(inner);
        let closed = inner.contains(close) || close.len() == 2 && inner.contains('}');
        let inner = inner.split(close).next().unwrap_or_default();
        let base: f32 = match open {
            "<%" => 0.85,
            "{%" => 0.75,
            "<#" if ["assign", "list", "if", "include", "attempt"]
                .iter()
                .any(|word| inner.starts_with(word)) =>
            {
                0.9
            }
            "<#" => 0.0,
            "{{" => 0.15,
            "${" => 0.12,
            _ => 0.0,
        };
        if !closed {
            sure = sure.max(base * 0.6);
            continue;
        }
        done = at + open.len() + inner.len();
        let how = base.max(computes(inner));
        // `@(…)` and `{$…}` stand in prose and names as well.
        sure = sure.max(if matches!(open, "@(" | "@{") { how * 0.3 } else { how });
        if sure >= 1.0 {
            return 1.0;
        }
    }
    sure
}

/// Whether an expression does more than name a value.
fn computes(inner: &str) -> f32 {
    if any_of!(
        &Low::of(inner),
        [
            "__",
            "jndi",
            ".getclass",
            "class.",
            "forname",
            "runtime",
            "system(",
            "exec(",
            "popen",
            "java.lang",
            "config.items",
            "constructor",
            "subclasses",
            "mro",
            "lipsum",
            "cycler",
            "joiner",
            "request.",
            "request|",
            "self.",
            "env:",
            "lower:",
            "upper:",
            "::-",
            "sleep(",
            "phpinfo",
            "freemarker",
            "t(java",
            "process.",
            "require(",
            "import ",
            "|attr",
            "|filter",
            "|map",
            "registerundefined",
            "new(",
            "getenv",
            "file.open",
            "`",
            "debug",
            "settings.",
            "dump(",
            "print(",
        ]
    ) {
        return 1.0;
    }
    let bytes = inner.as_bytes();
    let around = |at: usize, is: fn(&u8) -> bool| {
        let before = bytes.get(..at).unwrap_or_default().iter().rev().find(|b| **b != b' ').is_some_and(is);
        let after = bytes.get(at + 1..).unwrap_or_default().iter().find(|b| **b != b' ').is_some_and(is);
        before && after
    };
    let operates = bytes.iter().enumerate().any(|(at, b)| {
        matches!(b, b'*' | b'+' | b'-' | b'/')
            && around(at, |b| b.is_ascii_digit() || matches!(b, b'\'' | b'"' | b'{' | b'}' | b'$'))
    });
    if operates {
        1.0
    } else if inner.trim() == "self"
        || inner.trim() == "config"
        || inner.trim() == "request"
        || inner.contains("{7")
    {
        0.9
    } else if inner.contains('(') && inner.contains(')')
        || inner.contains("['")
        || inner.contains("[\"")
        || inner.contains('|')
    {
        0.7
    } else {
        0.0
    }
}

const CODE: &[(&str, f32)] = &[
    ("<?php", 1.0),
    ("<?=", 0.95),
    ("phpinfo(", 0.95),
    ("shell_exec(", 1.0),
    ("passthru(", 1.0),
    ("proc_open(", 1.0),
    ("call_user_func", 0.9),
    ("base64_decode(", 0.8),
    ("__import__(", 1.0),
    ("os.system(", 1.0),
    ("os.popen(", 1.0),
    ("subprocess.", 0.85),
    ("importlib", 0.6),
    ("child_process", 1.0),
    ("process.mainmodule", 1.0),
    ("process.env", 0.6),
    ("getruntime()", 1.0),
    ("processbuilder", 0.9),
    ("scriptenginemanager", 1.0),
    ("__proto__", 0.95),
    ("constructor.prototype", 0.95),
    ("constructor[prototype]", 0.95),
    ("__globals__", 1.0),
    ("__subclasses__", 1.0),
    ("__class__", 0.9),
    ("__builtins__", 1.0),
    ("<!--#exec", 1.0),
    ("<!--#include", 0.9),
    ("<!--#echo", 0.9),
    ("<esi:", 0.9),
    ("allow_url_include", 0.9),
    ("auto_prepend_file", 0.9),
];

const CALLS: &[&str] = &[
    "system(",
    "eval(",
    "exec(",
    "assert(",
    "include(",
    "require(",
    "popen(",
    "sleep(",
    "print(md5(",
    "echo(",
    "die(",
    "call(",
];

/// How sure it is that a value is program code.
pub(super) fn code(low: &Low<'_>) -> f32 {
    let mut sure = match any_of!(low, CODE, |(sign, _)| *sign) {
        true => CODE.iter().filter(|(sign, _)| low.contains(sign)).map(|(_, how)| *how).fold(0.0, f32::max),
        false => 0.0,
    };
    for call in CALLS.iter().filter(|_| low.has(of(b"("))) {
        for (at, _) in low.match_indices(call).take(16) {
            let before = low.get(..at).unwrap_or_default();
            let inner = low.get(at + call.len()..).unwrap_or_default();
            let begins = before.trim_end().is_empty()
                || before.ends_with([';', '@', '{', '$', '(', '|', '&', '\'', '"', '=']);
            let spaced = before.ends_with(' ') && (before.trim_end().ends_with([';', '&', '|']));
            let quoted = inner.starts_with(['\'', '"', '$', '`'])
                || inner.starts_with(|c: char| c.is_ascii_digit())
                || inner.starts_with("chr(");
            sure = sure.max(match (begins || spaced, quoted) {
                (true, true) => 0.95,
                (true, false) => 0.6,
                (false, true) => 0.45,
                (false, false) => 0.0,
            });
        }
    }
    sure
}

/// How sure it is that a value is an object which runs something when it is read.
pub(super) fn object(low: &Low<'_>) -> f32 {
    const OBJECTS: [(&str, f32); 9] = [
        ("!!python/", 1.0),
        ("!!javax.", 1.0),
        ("!!com.sun.", 1.0),
        ("!ruby/object", 1.0),
        ("ro0ab", 0.9),
        ("aced0005", 0.9),
        ("__reduce__", 1.0),
        ("cos\nsystem", 1.0),
        ("objectdataprovider", 0.9),
    ];
    let sure = match any_of!(low, OBJECTS, |(sign, _)| *sign) {
        true => {
            OBJECTS.iter().filter(|(sign, _)| low.contains(sign)).map(|(_, how)| *how).fold(0.0, f32::max)
        }
        false => 0.0,
    };
    // PHP writes `O:8:"`.
    let is_php = low.has(of(b"\""))
        && low.match_indices("o:").take(8).any(|(at, _)| {
            let rest = low.get(at + 2..).unwrap_or_default();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            digits > 0 && rest.get(digits..).is_some_and(|rest| rest.starts_with(":\""))
        });
    if is_php { sure.max(0.95) } else { sure }
}

/// How sure it is that a sheet would calculate a value.
pub(super) fn formula(low: &str) -> f32 {
    let value = low.trim_start();
    let Some(rest) = value.strip_prefix(['=', '+', '-', '@', '\t', '\r']) else { return 0.0 };
    let rest = rest.trim_start_matches(['+', '-', '=', '@', ' ']);
    if rest.contains("cmd|")
        || rest.contains("|'") && rest.contains("'!")
        || rest.contains("dde(")
        || rest.contains("msexcel|")
        || rest.contains("rundll32|")
    {
        return 1.0;
    }
    let call = rest.split('(').next().unwrap_or_default();
    let is_call = rest.contains('(')
        && !call.is_empty()
        && call.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_');
    const REACHES: &str = " hyperlink webservice importxml importhtml importdata importfeed importrange image filterxml call register.id exec rtd encodeurl ";
    match is_call {
        true if REACHES.split_ascii_whitespace().any(|name| name == call) => 1.0,
        true if value.starts_with(['=', '@']) => 0.75,
        true => 0.6,
        false => 0.0,
    }
}

/// How sure it is that a pattern needs exponential time: what is repeated repeats within itself, and nothing parts the rounds.
pub(super) fn pattern(text: &str) -> f32 {
    let bytes = text.as_bytes();
    let repeats = |b: Option<&u8>| matches!(b, Some(b'+' | b'*' | b'{'));
    let mut open = Vec::new();
    let mut escaped = false;
    for (at, b) in bytes.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match b {
            b'\\' => escaped = true,
            b'(' if open.len() < 64 => open.push(at),
            b')' => {
                let Some(start) = open.pop() else { continue };
                let inner = text.get(start + 1..at).unwrap_or_default();
                let inner = inner.strip_prefix("?:").unwrap_or(inner);
                let core = inner.trim_end_matches(['+', '*', ')', '?']);
                let atom = core.len() <= 2
                    || core.starts_with('[') && core.ends_with(']') && core.matches('[').count() == 1
                    || core.starts_with('(');
                if repeats(bytes.get(at + 1))
                    && inner.len() < 64
                    && (inner.ends_with('+') || inner.ends_with('*'))
                    && atom
                {
                    return 0.7;
                }
            }
            _ => {}
        }
    }
    0.0
}
