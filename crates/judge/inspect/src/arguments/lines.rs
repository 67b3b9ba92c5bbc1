//! Characters that end a line or a text.

use super::signs::{Low, of};

/// How sure it is that a line is ended where one is expected, and something follows. `low` is unescaped.
pub(super) fn ends(value: &str, low: &str, was_escaped: bool) -> f32 {
    if was_escaped && !value.contains(['\n', '\r']) && low.trim_end_matches(' ').ends_with(['\n', '\r']) {
        return 0.85;
    }
    let trimmed = low.trim_end_matches(['\r', '\n', ' ', '\t']);
    let Some(at) = trimmed.find(['\r', '\n']) else { return 0.0 };
    let rest = trimmed.get(at..).unwrap_or_default().trim_start();
    let name =
        rest.bytes().take(40).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
    let after = rest.get(name..).unwrap_or_default();
    let header = name > 1 && after.starts_with(':') && !after.starts_with("://");
    let escaped = was_escaped && !value.contains(['\n', '\r']);
    if header {
        return if escaped { 1.0 } else { 0.9 };
    }
    let logged = ["info", "warn", "error", "debug", "http/1", "get /", "post /"]
        .iter()
        .any(|word| rest.starts_with(word))
        || rest.starts_with("20") && rest.get(4..5) == Some("-")
        || rest.starts_with('<');
    if logged {
        0.9
    } else if escaped {
        0.85
    } else {
        0.6
    }
}

/// How sure it is that a character ends the text early. Two bytes a letter, as in `%00a%00b`, are a disguise as well.
pub(super) fn null(low: &str) -> f32 {
    if low.contains('\0') { 1.0 } else { 0.0 }
}

/// How sure it is that a value is a probe and stands for nothing.
pub(super) fn noise(low: &Low<'_>) -> f32 {
    let signs = ["%n", "%x", "%s", "%p", "%d"].into_iter().filter(|_| low.has(of(b"%")));
    let conversions: usize = signs.map(|sign| low.matches(sign).count()).sum();
    if conversions >= 4 && conversions * 4 >= low.len() {
        return 0.8;
    }
    let mut longest = 0;
    let (mut run, mut before) = (0, 0);
    for b in low.bytes() {
        run = if b == before { run + 1 } else { 1 };
        before = b;
        longest = longest.max(run);
    }
    if longest >= 200 && longest * 2 > low.len() { 0.7 } else { 0.0 }
}
