//! Cookies of the door's own pages: read one by one, written with every restriction there is (SES-05).

use http::header::{COOKIE, HeaderMap, HeaderValue};

/// The names of the door's cookies. `__Host-` makes a browser refuse them from subdomains and plain HTTP; over plain
/// HTTP, which is for loopback alone, browsers would refuse the prefix too, so there it is left out.
#[derive(Debug, Clone, Copy)]
pub struct Jar {
    /// Whether clients reach the door by HTTPS.
    pub secure: bool,
}

/// A cookie of the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie<'a> {
    /// Tells one browser from another, before anybody is known.
    Browser,
    /// Who signed in to the door's own pages.
    Session,
    /// Who came to the console.
    Console,
    /// Which browser is on its way to the console.
    Way,
    /// A sign-in on its way, by the beginning of its state.
    Transaction(&'a str),
}

impl Jar {
    /// Returns the name of a cookie here.
    pub fn name(self, cookie: Cookie<'_>) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        match cookie {
            Cookie::Browser => format!("{prefix}doorward-browser"),
            Cookie::Session => format!("{prefix}doorward-session"),
            Cookie::Console => format!("{prefix}doorward-console"),
            Cookie::Way => format!("{prefix}doorward-console-way"),
            Cookie::Transaction(part) => format!("{prefix}doorward-sign-in-{part}"),
        }
    }

    /// Returns a cookie's value, if it came exactly once. Two of one name mean that somebody planted one beside ours,
    /// from a sibling domain for one, and nobody can say which the browser was given by us.
    pub fn read<'h>(self, headers: &'h HeaderMap, cookie: Cookie<'_>) -> Option<&'h str> {
        let name = self.name(cookie);
        let mut found = None;
        for (_, value) in pairs(headers).filter(|(key, _)| *key == name) {
            if found.replace(value).is_some() {
                return None;
            }
        }
        found
    }

    /// Returns the names of all sign-ins on their way that a browser sent.
    pub fn transactions(self, headers: &HeaderMap) -> Vec<&str> {
        let prefix = self.name(Cookie::Transaction(""));
        pairs(headers).filter_map(|(key, _)| key.strip_prefix(prefix.as_str())).collect()
    }

    /// Writes `Set-Cookie`; `None` as the value removes the cookie.
    pub fn write(self, cookie: Cookie<'_>, value: Option<(&str, u64)>) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let (value, age) = value.unwrap_or(("", 0));
        // Lax: a cookie must come along when Entra sends the browser back, and never with a form of another site.
        HeaderValue::from_str(&format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}",
            self.name(cookie)
        ))
        .ok()
    }
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_matches(' ').split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    // control: SES-05: cookies are bound to the host, hidden from scripts, and not sent with other sites' forms
    #[test]
    fn a_cookie_has_every_restriction() {
        let jar = Jar { secure: true };
        let written = jar.write(Cookie::Session, Some(("v", 60))).unwrap();
        assert_eq!(
            written.to_str().unwrap(),
            "__Host-doorward-session=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure"
        );
        let removed = jar.write(Cookie::Transaction("abc"), None).unwrap();
        assert!(removed.to_str().unwrap().starts_with("__Host-doorward-sign-in-abc=; "));
    }

    // control: CDP-02: a cookie that came twice is nobody's: one of the two was planted
    #[test]
    fn two_cookies_of_one_name_are_none() {
        let jar = Jar { secure: true };
        let one = sent(&["a=b; __Host-doorward-session=mine"]);
        assert_eq!(jar.read(&one, Cookie::Session), Some("mine"));
        let two = sent(&["__Host-doorward-session=planted", "__Host-doorward-session=mine"]);
        assert_eq!(jar.read(&two, Cookie::Session), None);
        // A reader that takes the first is what the attack counts on.
        assert_eq!(pairs(&two).next().map(|(_, value)| value), Some("planted"));
    }

    #[test]
    fn sign_ins_on_their_way_are_found() {
        let jar = Jar { secure: false };
        let headers = sent(&["doorward-sign-in-aa=1; other=2; doorward-sign-in-bb=3"]);
        assert_eq!(jar.transactions(&headers), ["aa", "bb"]);
    }
}
