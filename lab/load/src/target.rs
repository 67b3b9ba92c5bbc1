//! Where the load goes: `http://HOST:PORT/PATH`.

/// A parsed target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host and port, as a socket is opened to and as the Host header says.
    pub authority: String,
    /// Path and query, never empty.
    pub path: String,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is not plain HTTP with a port.
    pub fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url} does not start with http://"))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !authority.contains(':') {
            return Err(format!("{url} names no port"));
        }
        Ok(Self { authority: authority.to_owned(), path: format!("/{path}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_host_port_and_path() {
        let target = Target::parse("http://127.0.0.1:80/a/mcp?x").unwrap();
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("127.0.0.1:80", "/a/mcp?x"));
        assert_eq!(Target::parse("http://h:1").unwrap().path, "/");
        assert!(Target::parse("https://h:1/").is_err() && Target::parse("http://h/").is_err());
    }
}
