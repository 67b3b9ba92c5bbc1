//! What directories, XML trees and document databases make of a value that is pasted into a query.

use super::signs::{Low, of};

/// How sure it is that a value, unescaped and in small letters, would change a directory's filter.
pub(super) fn ldap(low: &Low<'_>, is_filter: bool) -> f32 {
    if !low.has(of(b"()&|*!")) {
        return 0.0;
    }
    let open = low.matches('(').count();
    let close = low.matches(')').count();
    if is_filter {
        // A filter that is one opens and closes.
        return if open != close && any_of!(low, [")(", "*)"]) { 0.8 } else { 0.0 };
    }
    if any_of!(
        low,
        [
            "*)(",
            ")(&",
            ")(|",
            ")(!",
            "*()|",
            "*))%00",
            "*)\0",
            "(|(",
            "(&(",
            "(!(",
            ")(objectclass",
            ")(uid=",
            ")(cn=",
            "*)|",
            "*(|",
        ]
    ) {
        return 0.95;
    }
    if low.len() < 3
        && !low.is_empty()
        && low.bytes().all(|b| matches!(b, b'(' | b')' | b'&' | b'|' | b'*' | b'!'))
    {
        return 0.6;
    }
    if any_of!(low, ["(cn=", "(uid=", "(objectclass=", "(mail=", "(sn=", "(userpassword="]) {
        return 0.8;
    }
    if open != close && low.contains('*') && low.len() < 60 { 0.6 } else { 0.0 }
}

/// How sure it is that a value would change a path expression.
pub(super) fn xpath(low: &Low<'_>) -> f32 {
    if any_of!(
        low,
        [
            "/child::",
            "/descendant::",
            "/parent::",
            "ancestor::",
            "following-sibling::",
            "child::node()",
            "/text()",
            "name(/*",
            "string-length(/",
            "substring(/",
            "count(/",
            "doc('http",
            "doc(concat(",
        ]
    ) {
        0.95
    } else if any_of!(
        low,
        [
            "] | //",
            "]|//",
            "'] | ",
            "|//*",
            "| //",
            "//*[",
            "or name()=",
            "or position()",
            "[position()",
            "last()-1 and",
        ]
    ) {
        0.9
    } else {
        0.0
    }
}

const OPERATORS: [&str; 18] = [
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$or",
    "$and",
    "$not",
    "$nor",
    "$regex",
    "$where",
    "$exists",
    "$expr",
    "$function",
    "$elemmatch",
    "$lookup",
];

/// Whether a member's name is an operator of a document database.
pub(super) fn is_operator(name: &str) -> bool {
    if !name.contains('$') {
        return false;
    }
    let low = name.to_ascii_lowercase();
    OPERATORS.contains(&low.as_str())
        || OPERATORS.iter().any(|operator| low.contains(&format!("[{operator}]")))
}

/// How sure it is that a value holds operators or code of a document database.
pub(super) fn nosql(low: &Low<'_>) -> f32 {
    let mut sure = 0.0_f32;
    for (at, _) in low.match_indices('$').take(64) {
        let rest = low.get(at..).unwrap_or_default();
        let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) else { continue };
        let after = rest.get(operator.len()..).unwrap_or_default().trim_start_matches(['"', '\'', ' ', ']']);
        let before = low.get(..at).unwrap_or_default().trim_end_matches(['"', '\'', ' ', '[']);
        let ruled = after.starts_with([':', '=']);
        sure = sure.max(
            match (ruled, before.is_empty() || before.ends_with(['{', ',', '&', '?']) || low.contains("[$")) {
                (true, true) => 1.0,
                (true, false) => 0.6,
                _ => 0.0,
            },
        );
    }
    if any_of!(
        low,
        [
            "this.password",
            "this.username",
            "return true",
            "return 1",
            ".match(/.*/)",
            "db.getcollection",
            "db.injection",
            "tojson(",
            "||1==1",
            "|| 1==1",
            "|| '1'=='1",
            "||'a'=='a",
            "&& this.",
            "true, $where",
        ]
    ) {
        sure = sure.max(0.9);
    }
    let runs = low.has(of(b"("))
        && (low.contains("sleep(") && low.contains("';")
            || low.contains("while(true)")
            || low.contains("new date()") && low.contains("do{"));
    if runs {
        sure = sure.max(0.9);
    }
    sure
}
