//! What a browser or an XML reader makes of a value.

use super::signs::{Low, of};

/// How sure it is that a value, unescaped and in small letters, would run in a browser.
pub(super) fn script(low: &Low<'_>) -> f32 {
    let mut sure = 0.0_f32;
    let mut is = |found: bool, how: f32| sure = if found { sure.max(how) } else { sure };
    is(any_of!(low, ["<script", "<scr<script", "</script"]), 0.95);
    is(
        any_of!(
            low,
            [
                "javascript:",
                "vbscript:",
                "data:text/html",
                "srcdoc=",
                "expression(",
                "-moz-binding",
                "<?import",
                "<xss",
            ]
        ),
        0.9,
    );
    is(
        any_of!(
            low,
            [
                "<iframe",
                "<object",
                "<embed",
                "<applet",
                "<base href",
                "<meta http",
                "<svg",
                "<math",
                "<link rel",
                "<isindex",
                "<form action",
                "<body on",
                "<input on",
                "<details on",
                "<video",
                "<audio",
                "<marquee",
                "<style",
            ]
        ),
        0.75,
    );
    is(
        any_of!(
            low,
            [
                "document.cookie",
                "document.domain",
                "document.location",
                "window.location",
                "localstorage",
                "string.fromcharcode",
                "alert(1)",
                "alert`1`",
                "alert('xss",
                "alert(\"xss",
                "prompt(1)",
                "confirm(1)",
                "prompt(8)",
                "alert(document",
                "eval(atob",
            ]
        ),
        0.85,
    );
    let (tagged, quoted) = (low.has(of(b"<")), low.has(of(b"'\"")));
    let handles = low.has(of(b"=")) && (tagged || quoted) && handles(low);
    is(tagged && handles, 1.0);
    is(quoted && handles, 0.8);
    is(tagged && quoted && (low.contains("\">") || low.contains("'>")), 0.6);
    is(any_of!(low, ["-alert(", "\"alert(", "'alert(", ";alert(", "(alert)(", "+alert("]), 0.9);
    is(tagged && low.contains("<!--") && low.len() < 200, 0.3);
    is(
        any_of!(
            low,
            [
                "<b>",
                "<i>",
                "<h1",
                "<a href",
                "<img",
                "<div",
                "<p>",
                "<font",
                "<u>",
                "<marquee>",
                "<test",
                "<html",
                "<xml",
            ]
        ) && low.len() < 400,
        0.5,
    );
    sure
}

/// `onerror=`, after a blank, a slash or a quote.
fn handles(low: &str) -> bool {
    low.match_indices("on").take(256).any(|(at, _)| {
        let before = low.get(..at).and_then(|text| text.chars().next_back());
        let rest = low.get(at + 2..).unwrap_or_default();
        let name = rest.bytes().take(24).take_while(u8::is_ascii_lowercase).count();
        let after = rest.get(name..).unwrap_or_default().trim_start();
        name >= 3
            && after.starts_with('=')
            && !after.starts_with("==")
            && before.is_some_and(|c| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '\0'))
    })
}

/// How sure it is that an XML reader would fetch or expand something.
pub(super) fn entity(low: &Low<'_>) -> f32 {
    let mut sure = 0.0_f32;
    if !low.has(of(b"</")) {
        return sure;
    }
    if low.contains("<!entity") {
        sure = 1.0;
    }
    if let Some(at) = low.find("<!doctype") {
        let rest = low.get(at + 9..).unwrap_or_default();
        let rest = rest.get(..rest.floor_char_boundary(300)).unwrap_or(rest);
        let head = rest.split('>').next().unwrap_or_default();
        let page = head.trim_start().starts_with("html");
        if head.contains('[') || head.contains("system") && !page {
            sure = sure.max(1.0);
        } else if head.contains("public") && !page {
            sure = sure.max(0.5);
        }
    }
    if low.contains("<xi:include")
        || low.contains("2001/xinclude")
        || low.contains("<?xml-stylesheet")
        || low.contains("php.net/xsl")
        || low.contains("xslt-extension")
    {
        sure = sure.max(0.9);
    }
    if low.contains("<xsl:")
        && (low.contains("document(") || low.contains("system-property") || low.contains("php:function"))
    {
        sure = sure.max(0.9);
    }
    sure
}

/// How sure it is that a whole XML document stands where a value is expected.
pub(super) fn document(low: &str) -> f32 {
    let low = low.trim_start();
    if low.starts_with("<?xml") || low.starts_with("<xml") || low.starts_with("<![cdata[") {
        0.7
    } else {
        0.0
    }
}
