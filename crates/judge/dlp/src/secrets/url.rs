//! Credentials in addresses: user and password before the host, signatures in the query.

use crate::charset::Charset;
use crate::found::{Confidence, Found};
use crate::look::Look;
use crate::named::words;
use crate::noise::{is_placeholder, is_reference, is_uuid, variety};

/// The longest `user:password@`.
const LONGEST: usize = 300;
/// What ends the part of an address before its path.
const AUTHORITY: Charset = Charset::ALNUM.plus(b"-._~%!$&'*+,;=:@^|#");

/// Looks at an address whose `://` ends at `at`. The password is what is found, not the address.
pub(crate) fn user_info(look: &Look<'_>, at: usize) -> Option<Found> {
    let length = look.run(at, AUTHORITY, LONGEST);
    let authority = look.slice(at..at + length);
    // A hash ends the part before the path as well, unless it belongs to a password that was not encoded.
    let (info, host) = authority.rsplit_once('@')?;
    let (user, password) = info.split_once(':')?;
    if host.is_empty() || host.starts_with(['$', '%']) || user.contains('@') {
        return None;
    }
    let from = at + user.len() + 1;
    let strong = password.len() >= 4
        && password != user
        && !is_weak(password)
        && !is_reference(password)
        && !is_placeholder(password)
        && (variety(password) >= 2 || password.len() >= 10);
    strong.then(|| {
        let span = from..from + password.len();
        Found::secret(
            "password-in-address",
            Confidence::Certain,
            span,
            "it stands before the host of an address",
        )
    })
}

/// Looks at `user:password@tcp(`, as Go writes the address of a database; `at` is where the `@` stands.
pub(crate) fn dsn(look: &Look<'_>, at: usize) -> Option<Found> {
    let length = look.run_back(at, AUTHORITY, LONGEST);
    let info = look.slice(at - length..at);
    let (user, password) = info.split_once(':')?;
    let strong = password.len() >= 4 && password != user && !is_weak(password) && !is_reference(password);
    (strong && !is_placeholder(password)).then(|| {
        let span = at - password.len()..at;
        Found::secret(
            "password-in-address",
            Confidence::Certain,
            span,
            "it stands before the host of a database",
        )
    })
}

/// Looks at an Azure shared access signature whose `sig=` ends at `at`: a MAC, with the other fields around it.
pub(crate) fn shared_access_signature(look: &Look<'_>, at: usize) -> Option<Found> {
    const AROUND: usize = 240;
    // 64 bytes, each sign of them behind a percent sign.
    const LONGEST_MAC: usize = 132;
    let length = look.run(at, Charset::ANY64.plus(b"%="), LONGEST_MAC + 1);
    if !(43..=LONGEST_MAC).contains(&length) {
        return None;
    }
    let text = look.slice(at..at + length);
    if variety(text) < 3 || is_placeholder(text) {
        return None;
    }
    let before = look.near(at, AROUND, &["sv=", "se=", "sr=", "sp=", "srt="]);
    let behind = (at + length + AROUND).min(look.len());
    let fields = before || look.near(behind, AROUND, &["&se=", "&sv=", "&sr=", "&skn="]);
    fields.then(|| {
        let why = "a signature among the fields of a shared access signature";
        Found::secret("azure-shared-access-signature", Confidence::Certain, at..at + length, why)
    })
}

/// Says whether a password is only a word that says that one stands here, perhaps with a number to it (`secret123`), or
/// what everybody writes in its place (`P@ssw0rd`).
pub(crate) fn is_weak(password: &str) -> bool {
    const WEAK: [&str; 52] = [
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "token",
        "key",
        "apikey",
        "admin",
        "root",
        "user",
        "username",
        "test",
        "demo",
        "guest",
        "default",
        "postgres",
        "mysql",
        "mongo",
        "redis",
        "sa",
        "none",
        "null",
        "true",
        "false",
        "empty",
        "string",
        "value",
        "abc",
        "foo",
        "bar",
        "baz",
        "hello",
        "world",
        "me",
        "my",
        "mypassword",
        "mysecret",
        "mytoken",
        "mypass",
        "pw",
        "p@ssw0rd",
        "p@ssword",
        "passw0rd",
        "pa$$word",
        "pa$$w0rd",
        "s3cr3t",
        "s3cret",
        "supersecret",
        "letmein",
        "db",
        "hunter",
    ];
    let is_known = |word: &str| WEAK.iter().any(|weak| weak.eq_ignore_ascii_case(word));
    let word = password.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = password.bytes().filter(u8::is_ascii_alphabetic).count();
    // A number and a sign behind one word are somebody's attempt at a real password; two such words never are one.
    let tried = password.len() > letters + 1 && variety(password) >= 3 && words(password).count() < 2;
    let mut all = words(password).map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    is_known(word) || !tried && all.all(|word| word.is_empty() || is_known(word)) || is_uuid(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_only_says_so_is_weak() {
        for weak in ["password", "secret123", "P@ssw0rd", "P@ssw0rd1", "my-secret-token", "admin", "********"]
        {
            assert!(is_weak(weak), "{weak}");
        }
        for strong in ["Winter2024", "hunter2!", "x9Kq", "correct4horse", "P@ssw0rd123!", "Password123!"] {
            assert!(!is_weak(strong), "{strong}");
        }
    }
}
