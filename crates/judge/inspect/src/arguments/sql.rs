//! What SQL makes of a value that is pasted into a statement, and of a whole statement.

use super::signs::{Low, of};

/// Signs of a payload, each with how sure it makes. Searched for as they stand, in small letters.
const WHOLE: &[(&str, f32)] = &[
    ("waitfor delay", 1.0),
    ("waitfor+delay", 1.0),
    ("pg_sleep(", 1.0),
    ("benchmark(", 0.9),
    ("dbms_pipe.receive_message", 1.0),
    ("dbms_lock.sleep", 1.0),
    ("randomblob(", 0.85),
    ("extractvalue(", 1.0),
    ("updatexml(", 1.0),
    ("utl_inaddr.", 1.0),
    ("utl_http.", 1.0),
    ("ctxsys.", 1.0),
    ("xp_cmdshell", 1.0),
    ("xp_dirtree", 1.0),
    ("xp_regread", 1.0),
    ("sp_oacreate", 1.0),
    ("sp_executesql", 0.8),
    ("load_file(", 1.0),
    ("into outfile", 1.0),
    ("into dumpfile", 1.0),
    ("to program '", 1.0),
    ("from program '", 1.0),
    ("information_schema.", 0.9),
    ("information_schema where", 0.9),
    ("sqlite_master", 0.9),
    ("sysobjects", 0.9),
    ("syscolumns", 0.9),
    ("sys.tables", 0.8),
    ("all_tables", 0.7),
    ("user_tables", 0.6),
    ("pg_shadow", 0.9),
    ("pg_catalog", 0.7),
    ("pg_user", 0.7),
    ("mysql.user", 0.9),
    ("v$version", 0.9),
    ("@@version", 0.95),
    ("@@servername", 0.9),
    ("@@datadir", 0.9),
    ("group_concat(", 0.85),
    ("procedure analyse", 0.95),
    ("rlike (", 0.7),
    ("rlike sleep", 0.9),
    ("having 1=1", 0.95),
    ("convert(int,", 0.85),
    ("concat(0x", 0.95),
    ("chr(", 0.3),
    ("char(", 0.3),
    ("/*!", 0.9),
    ("elt(", 0.4),
    ("make_set(", 0.8),
    ("from dual", 0.7),
    ("bulk insert", 0.8),
    ("openrowset(", 0.95),
];

/// How sure it is that a value, unescaped and in small letters, would change a statement.
pub(super) fn injected(low: &Low<'_>) -> f32 {
    let mut sure = 0.0_f32;
    if any_of!(low, WHOLE, |(sign, _)| *sign) {
        for (sign, how) in WHOLE {
            if *how > sure && low.contains(sign) {
                sure = *how;
            }
        }
    }
    let is_quoted = low.has(of(b"'\"`|&"));
    if low.has(of(b"(")) {
        sure = sure.max(sleeps(low));
    }
    let low = low.trim_start();
    let mut words = Words { text: low, at: 0 };
    while let Some((start, end)) = words.next() {
        let word = low.get(start..end).unwrap_or_default();
        let rest = || low.get(end..).unwrap_or_default();
        let before = || low.get(..start).unwrap_or_default();
        sure = sure.max(match word {
            "or" | "and" | "xor" | "like" | "having" => condition(before(), rest()),
            "union" => union(rest()),
            "order" | "group" => ordered(before(), rest()),
            "select" | "insert" | "update" | "delete" | "drop" | "exec" | "execute" | "shutdown"
            | "alter" | "create" | "truncate" | "declare" | "backup" | "begin" | "set" | "use" | "grant"
            | "replace" | "call" | "copy" => stacked(before(), word, rest()),
            _ => continue,
        });
        if sure >= 1.0 {
            return 1.0;
        }
    }
    // Whether a quote of either kind is open.
    let mut open = [false; 2];
    let is_sign = |b: &u8| matches!(b, b'\'' | b'"' | b'`' | b'|' | b'&');
    let signs = low.as_bytes().iter().enumerate().filter(|(_, b)| is_quoted && is_sign(b));
    for (at, b) in signs {
        let rest = low.get(at + 1..).unwrap_or_default();
        let closes = match b {
            b'\'' => Some(0),
            b'"' => Some(1),
            _ => None,
        };
        let closes = closes
            .and_then(|kind: usize| open.get_mut(kind))
            .is_some_and(|open| std::mem::replace(open, !*open));
        sure = sure.max(match b {
            b'\'' | b'"' | b'`' => broken(low.get(..at).unwrap_or_default(), rest, closes),
            b'|' | b'&' if rest.as_bytes().first() == Some(b) => {
                condition(low.get(..at).unwrap_or_default(), rest.get(1..).unwrap_or_default())
            }
            _ => 0.0,
        });
        if sure >= 1.0 {
            return 1.0;
        }
    }
    sure.max(listed(low))
}

/// How sure it is that a whole statement is no honest one.
pub(super) fn statement(low: &Low<'_>) -> f32 {
    let text = low.trim().trim_start_matches('(');
    let first = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    const VERBS: &str = " select with insert update delete create alter drop explain show describe desc pragma truncate merge call exec \
        execute begin commit rollback set use values grant revoke analyze vacuum copy declare replace refresh optimize list attach \
        from summarize load unload put get export import table lock unlock comment reindex cluster if ";
    let is_whole = VERBS.split_ascii_whitespace().any(|verb| verb == first)
        || text.starts_with("--")
        || text.starts_with("/*")
        || text.starts_with('\\');
    if !is_whole {
        // A part of a statement where a whole one is meant: it is going to be pasted, or somebody thinks so.
        return injected(low);
    }
    let mut sure = 0.0_f32;
    let mut is = |found: bool, how: f32| sure = if found { sure.max(how) } else { sure };
    is(
        any_of!(
            low,
            [
                "xp_cmdshell",
                "into outfile",
                "into dumpfile",
                "load_file(",
                "to program '",
                "from program '",
                "sp_oacreate",
                "xp_dirtree",
                "utl_http.",
            ]
        ),
        0.95,
    );
    is(
        any_of!(
            low,
            ["waitfor delay", "benchmark(", "dbms_pipe.receive_message", "extractvalue(", "updatexml("]
        ) || sleeps(low) > 0.8,
        0.9,
    );
    is(any_of!(low, ["pg_shadow", "mysql.user", "pg_authid", "sys.sql_logins"]), 0.75);
    is(any_of!(low, ["or 1=1", "or '1'='1", "or 1 = 1", "or true--", "or ''='"]), 0.8);
    is(low.contains("union") && any_of!(low, ["null,null", "null, null,", "select 1,2,3"]), 0.8);
    is(any_of!(low, ["@@version", "@@datadir"]) && low.contains("union"), 0.8);
    let later =
        low.match_indices(';').take(64).map(|(at, _)| low.get(at + 1..).unwrap_or_default().trim_start());
    let mut destroys = false;
    for rest in later {
        destroys |=
            ["drop ", "truncate ", "shutdown", "exec ", "alter user", "grant all", "delete from", "update "]
                .iter()
                .any(|verb| rest.starts_with(verb));
    }
    is(destroys && matches!(first, "select" | "with" | "show" | "explain"), 0.8);
    sure
}

/// `sleep(5)`, where a number stands inside.
fn sleeps(low: &str) -> f32 {
    let found = low.match_indices("sleep(").take(16).any(|(at, call)| {
        let inner = low.get(at + call.len()..).unwrap_or_default().trim_start_matches([' ', '\'', '(']);
        inner.starts_with(|c: char| c.is_ascii_digit())
    });
    if found { 0.95 } else { 0.0 }
}

/// `or 1=1`, `and 'a'='a`, `or true --`: what follows is a comparison of two things that are both known.
fn condition(before: &str, rest: &str) -> f32 {
    let rest = rest.get(..rest.floor_char_boundary(160)).unwrap_or(rest);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '(' | '+' | '/' | '*'));
    let (left, tail) = operand(rest);
    let breaks = before.trim_end().ends_with(['\'', '"', ')', '`', '/', '+']);
    let numbered = before.trim_end().ends_with(|c: char| c.is_ascii_digit()) || before.trim().is_empty();
    if left == Operand::None {
        return if rest.starts_with("exists(")
            || rest.starts_with("exists (select")
            || rest.starts_with("not ") && breaks
        {
            0.6
        } else {
            0.0
        };
    }
    let tail = tail.trim_start_matches([' ', ')']);
    let sign = tail.trim_start_matches(['=', '<', '>', '!']);
    let compares = sign.len() < tail.len()
        || tail.starts_with("like ")
        || tail.starts_with("between ")
        || tail.starts_with("in (");
    if compares {
        let (right, _) = operand(sign.trim_start_matches(|c: char| c.is_whitespace() || c == '('));
        return match (left, right) {
            (Operand::Name | Operand::Call, Operand::Name) => {
                if breaks {
                    0.7
                } else {
                    0.0
                }
            }
            (Operand::Name, _) => {
                if breaks {
                    0.85
                } else {
                    0.15
                }
            }
            (Operand::Call, _) => {
                if breaks || numbered {
                    0.9
                } else {
                    0.6
                }
            }
            (_, Operand::None) => {
                if breaks {
                    0.9
                } else {
                    0.3
                }
            }
            _ if breaks => 1.0,
            _ if numbered => 0.9,
            _ => 0.75,
        };
    }
    if breaks && (tail.starts_with("is null") || tail.starts_with("is not null")) {
        return 0.9;
    }
    let ends = tail.is_empty()
        || tail.starts_with("--")
        || tail.starts_with('#')
        || tail.starts_with("/*")
        || tail.starts_with(';');
    match left {
        Operand::Quoted | Operand::Number | Operand::True if breaks && ends => 0.95,
        Operand::True if ends && !tail.is_empty() => 0.9,
        Operand::Call if breaks => 0.9,
        _ => 0.0,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operand {
    None,
    Number,
    Quoted,
    True,
    Name,
    Call,
}

/// The value that a condition begins with, and what follows.
fn operand(text: &str) -> (Operand, &str) {
    let text = text.trim_start();
    let after = |at: usize| text.get(at..).unwrap_or_default();
    match text.bytes().next() {
        Some(quote @ (b'\'' | b'"')) => {
            let inner = text.get(1..).unwrap_or_default();
            match inner.bytes().take(40).position(|b| b == quote) {
                Some(end) => (Operand::Quoted, after(end + 2)),
                None => (Operand::Quoted, ""),
            }
        }
        Some(b) if b.is_ascii_digit() => {
            let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(text.len());
            (Operand::Number, after(end))
        }
        Some(b) if b.is_ascii_alphabetic() || b == b'@' || b == b'_' => {
            let end = text
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '.')))
                .unwrap_or(text.len());
            let word = text.get(..end).unwrap_or_default();
            if matches!(word, "true" | "null" | "false") {
                (Operand::True, after(end))
            } else if after(end).starts_with('(') {
                let mut depth = 0;
                let close = after(end).bytes().position(|b| {
                    depth += i32::from(b == b'(') - i32::from(b == b')');
                    depth == 0
                });
                let close = close.unwrap_or(0);
                (Operand::Call, after(end + close + 1))
            } else {
                (Operand::Name, after(end))
            }
        }
        _ => (Operand::None, text),
    }
}

fn union(rest: &str) -> f32 {
    let rest = rest.get(..rest.floor_char_boundary(80)).unwrap_or(rest);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '+' | '/' | '*' | '('));
    let rest = rest.strip_prefix("all").or_else(|| rest.strip_prefix("distinct")).unwrap_or(rest);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '+' | '/' | '*' | '('));
    let Some(columns) = rest.strip_prefix("select") else { return 0.0 };
    let columns = columns.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '+' | '('));
    match columns.bytes().next() {
        Some(b'0'..=b'9' | b'\'' | b'"' | b'@' | b'*' | b'#' | b'-') => 1.0,
        _ if columns.starts_with("null")
            || columns.contains(',')
            || columns.contains('(')
            || columns.contains(" from ") =>
        {
            1.0
        }
        None => 0.8,
        _ => 0.45,
    }
}

/// `order by 12-- `: columns are counted.
fn ordered(before: &str, rest: &str) -> f32 {
    let Some(list) = rest.trim_start().strip_prefix("by ") else { return 0.0 };
    let list = list.trim();
    let numbers = list.find(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | ' '))).unwrap_or(list.len());
    let tail = list.get(numbers..).unwrap_or_default();
    let ends = tail.starts_with("--") || tail.starts_with('#') || tail.starts_with("/*");
    let alone = before.trim().is_empty() || before.trim_end().ends_with(['\'', '"', ')']);
    match (numbers > 0, ends, alone) {
        (true, true, _) => 0.95,
        (true, false, true) if tail.is_empty() => 0.75,
        (true, false, true) if tail.starts_with("sleep") => 0.9,
        _ => 0.0,
    }
}

/// A second statement, or a whole one where a value is expected.
fn stacked(before: &str, verb: &str, rest: &str) -> f32 {
    let rest = rest.get(..rest.floor_char_boundary(120)).unwrap_or(rest);
    let next = rest.trim_start();
    if next.len() == rest.len() && !rest.is_empty() && !rest.starts_with(['(', '*', '+', '/', '@', ';', '\''])
    {
        return 0.0;
    }
    let fits = match verb {
        "select" => {
            let columns = next.split(" from ").next().unwrap_or_default();
            let source = next.split(" from ").nth(1).unwrap_or_default();
            let source = source.split_ascii_whitespace().next().unwrap_or_default();
            let is_named =
                !matches!(source, "" | "the" | "a" | "an" | "my" | "this" | "your" | "our" | "all" | "each");
            let plain = is_named
                && (columns.contains(['*', '(', ',', '@', '_'])
                    || !columns.trim().contains(' ')
                        && (next.contains([';', '=', '-', '\''])
                            || next.split(" from ").nth(1).is_some_and(|tail| {
                                tail.trim().split_ascii_whitespace().count() == 1 || tail.contains(" where ")
                            })));
            next.starts_with(['*', '@'])
                || plain
                || next.starts_with("version")
                || next.starts_with(|c: char| c.is_ascii_digit())
                || next.starts_with("sleep")
                || next.starts_with("pg_")
                || next.starts_with("user()")
                || next.starts_with("case when")
                || next.starts_with("if(")
                || next.split('(').next().is_some_and(|call| {
                    next.len() > call.len()
                        && call.len() > 3
                        && call.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                })
        }
        "insert" => next.starts_with("into "),
        "update" => next.contains(" set ") && next.contains('='),
        "delete" => next.starts_with("from ") && !next.contains(" the "),
        "drop" | "truncate" if names_only(next) == Some(false) => false,
        "drop" => {
            next.starts_with("table ")
                || next.starts_with("database ")
                || next.starts_with("user ")
                || next.starts_with("schema ")
        }
        "alter" | "create" => ["table ", "user ", "login ", "database ", "function ", "procedure "]
            .iter()
            .any(|what| next.starts_with(what)),
        "truncate" => next.starts_with("table "),
        "exec" | "execute" => ["xp_", "sp_", "master", "('", "(char", "immediate", "@"]
            .iter()
            .any(|what| next.starts_with(what)),
        "shutdown" => next.is_empty() || next.starts_with("--") || next.starts_with("with nowait"),
        "declare" => next.starts_with('@'),
        "backup" => next.starts_with("database ") || next.starts_with("log "),
        "grant" => next.starts_with("all ") || next.contains(" to ") && next.contains(" on "),
        "copy" => next.contains(" from ") && next.contains("program"),
        _ => false,
    };
    let before = before.trim_end();
    if !fits {
        // Behind an end, any verb begins another statement.
        return if before.ends_with("';") || before.ends_with("\";") || before.ends_with(");") {
            0.6
        } else {
            0.0
        };
    }
    if before.ends_with([';', '\'', '"', ')', '(']) {
        1.0
    } else if before.is_empty() {
        if verb == "select" && !next.contains(['*', '(', '@', '_', ';', ',']) { 0.6 } else { 0.8 }
    } else if before.ends_with(|c: char| c.is_ascii_digit()) {
        0.7
    } else {
        0.3
    }
}

/// What a quote that does not belong to a word is followed by.
fn broken(before: &str, rest: &str, closes: bool) -> f32 {
    let rest = rest.get(..rest.floor_char_boundary(200)).unwrap_or(rest);
    let closed = rest.trim_start_matches([')', ' ', '\'', '"', '`']);
    let parens = rest.get(..rest.len() - closed.len()).unwrap_or_default();
    let in_word = before.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphabetic);
    if in_word {
        return 0.0;
    }
    let bytes = closed.as_bytes();
    let dashes = closed.starts_with("--") && !closed.starts_with("---");
    if dashes
        || closed.starts_with("/*")
        || bytes.first() == Some(&b'#') && (bytes.len() == 1 || bytes.get(1) == Some(&b' '))
    {
        // `'90s -- and later` is prose: there a blank stands before the dashes and words after them.
        let prose = parens.is_empty() && before.ends_with(char::is_alphanumeric) && closed.len() > 12;
        let spaced = parens.starts_with(' ') && (closes || before.ends_with(char::is_whitespace));
        return if prose || spaced { 0.45 } else { 0.95 };
    }
    if closed.starts_with("–") && closed.len() < 5 {
        return 0.8;
    }
    if closed.starts_with("+(")
        || closed.starts_with("+if")
        || closed.starts_with("||(")
        || closed.starts_with("+convert")
        || closed.starts_with("||utl")
    {
        return 0.9;
    }
    if closed.starts_with(';') && closed.len() < 3 && (before.is_empty() || !before.contains(['\'', '"'])) {
        return 0.75;
    }
    if closed.starts_with(",null") || closed.starts_with("),(select") || closed.starts_with(",(select") {
        return 0.95;
    }
    if closed.starts_with("union")
        || closed.starts_with("union/*")
        || closed.starts_with("&&")
        || closed.starts_with("^") && closed.len() < 8
    {
        return 0.8;
    }
    if closed.starts_with("=") && before.is_empty() || closed.starts_with("='") {
        return 0.7;
    }
    if closed.is_empty() && parens.contains(')') && before.is_empty() {
        return 0.7;
    }
    if closed.is_empty()
        && (before.is_empty() || before.len() < 8 && before.bytes().all(|b| b.is_ascii_digit()))
    {
        return 0.6;
    }
    0.0
}

/// `,null,null,null)`: columns are guessed.
fn listed(low: &str) -> f32 {
    let starts = low.trim_start().starts_with([',', '\'', '"', '+', ')']);
    if starts && low.contains("null,null") { 0.9 } else { 0.0 }
}

/// Words of letters, one after another.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let inside = |b: &u8| b.is_ascii_alphabetic() || *b == b'_';
        let start = self.at + bytes.get(self.at..)?.iter().position(inside)?;
        let end = start + bytes.get(start..)?.iter().position(|b| !inside(b)).unwrap_or(bytes.len() - start);
        self.at = end;
        Some((start, end))
    }
}

/// Whether `table x` is all there is, or all before the next statement: `None` where it is no table.
fn names_only(text: &str) -> Option<bool> {
    let rest = ["table ", "database "].iter().find_map(|kind| text.strip_prefix(kind))?;
    let rest = rest.trim_start().trim_start_matches("if exists ");
    let tail = rest.get(
        rest.find(|c: char| c.is_whitespace() || matches!(c, ';' | '-' | '(')).unwrap_or(rest.len())..,
    )?;
    Some(
        tail.trim_start().is_empty()
            || tail.trim_start().starts_with([';', '-', '#', '/', '(', ')'])
            || tail.trim_start().starts_with("cascade"),
    )
}
