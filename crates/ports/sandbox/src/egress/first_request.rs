//! The host of the first HTTP/1.1 request of a connection (RFC 9112). Strict: one way to say it.

use super::hello::Heard;

/// The longest head that is read.
const MOST: usize = 16 * 1024;

/// Reads whom a request is for, out of the first bytes of a connection.
///
/// # Errors
/// Why this is no request that names one host.
pub(super) fn host(bytes: &[u8]) -> Result<Heard, String> {
    let malformed = || "its first request is malformed".to_owned();
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() > MOST {
            Err("the head of its first request is too long".to_owned())
        } else {
            Ok(Heard::More)
        };
    };
    let head = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(malformed)?;
    let mut lines = head.split("\r\n");
    let parts: Vec<_> = lines.next().unwrap_or_default().split(' ').collect();
    match parts.as_slice() {
        // A whole address in place of a path would be another place to say the host.
        [_, path, "HTTP/1.1" | "HTTP/1.0"] if path.starts_with('/') => {}
        _ => return Err(malformed()),
    }
    let mut found = None;
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(malformed)?;
        let strange = |byte: u8| byte.is_ascii_whitespace() || byte.is_ascii_control();
        if name.is_empty()
            || name.bytes().any(strange)
            || value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t')
        {
            return Err(malformed());
        }
        if name.eq_ignore_ascii_case("host") && found.replace(value.trim()).is_some() {
            return Err("its first request names two hosts".to_owned());
        }
    }
    let name = found.ok_or("its first request names no host")?;
    let name = name.strip_suffix(":80").unwrap_or(name);
    Ok(Heard::Name(name.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_heard_or_the_request_refused() {
        let heard = |text: &str| host(text.as_bytes());
        let name = |name: &str| Ok(Heard::Name(name.to_owned()));
        assert_eq!(heard("GET / HTTP/1.1\r\nHost: A.example:80\r\nX: y\r\n\r\nbody"), name("a.example"));
        assert_eq!(heard("GET / HTTP/1.1\r\nHost: a.example\r\n"), Ok(Heard::More));
        assert_eq!(heard("GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n"), name("a.example:8080"));
        for text in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
            "GET http://b.example/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT b.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nX: y\r\n Host: a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nX: y\nHost: b\r\nHost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\n",
        ] {
            assert!(heard(text).is_err(), "{text:?}: {:?}", heard(text));
        }
        assert!(host(&[b'a'; MOST + 1]).is_err());
    }
}
