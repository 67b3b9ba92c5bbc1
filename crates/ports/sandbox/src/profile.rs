//! What a command may do, from a few lines of text. Pure.

use std::path::{Component, Path, PathBuf};

use thiserror::Error;

use crate::report::Mechanism;

/// What a sandboxed command may do beyond nothing. [`Profile::default`] is `strict`: it reads the system's programs and
/// libraries and its own folder, writes to a scratch of its own, and reaches nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Folders or files it may read, with what is below them.
    pub files_read: Vec<PathBuf>,
    /// Folders or files it may read and write.
    pub files_write: Vec<PathBuf>,
    /// Hosts it may reach over TLS, or over HTTP on port 80.
    pub net: Vec<HostPort>,
    /// Variables of the caller's environment that it gets besides the short list of harmless ones.
    pub env: Vec<String>,
    /// Bounds.
    pub limits: Bounds,
    /// Mechanisms without which the command does not start. Namespaces and seccomp are always among them.
    pub require: Vec<Mechanism>,
}

/// Bounds of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bounds {
    /// Bytes of memory of all of its processes together.
    pub memory: u64,
    /// Processes and threads at once.
    pub processes: u64,
    /// Bytes of one file.
    pub file_size: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Bytes in its scratch (`/tmp`, its home and `/dev/shm` together), which is memory too.
    pub scratch: u64,
}

/// A host by name, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct HostPort {
    /// Lower-case name, never an address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

const MIB: u64 = 1024 * 1024;

impl Default for Profile {
    fn default() -> Self {
        let limits = Bounds {
            memory: 1024 * MIB,
            processes: 256,
            file_size: 256 * MIB,
            open_files: 1024,
            scratch: 256 * MIB,
        };
        let require = vec![Mechanism::Namespaces, Mechanism::Seccomp];
        Self { files_read: vec![], files_write: vec![], net: vec![], env: vec![], limits, require }
    }
}

/// A line that says nothing we can do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line} of the profile, `{text}`: {what}")]
pub struct ProfileError {
    /// Counted from 1.
    pub line: usize,
    /// The line.
    pub text: String,
    /// What is wrong with it, and what to write.
    pub what: String,
}

impl Profile {
    /// Reads a profile: one word and its value a line, `#` starts a remark. The words are `files-read`, `files-write`,
    /// `net`, `env`, `memory`, `processes`, `file-size`, `open-files`, `scratch`, `require`, and `strict`, which may
    /// stand for an empty profile.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let mut profile = Self::default();
        for (at, text) in text.lines().enumerate() {
            let line = text.split_once('#').map_or(text, |(before, _)| before).trim();
            if line.is_empty() {
                continue;
            }
            profile.take(line).map_err(|what| ProfileError { line: at + 1, text: line.to_owned(), what })?;
        }
        Ok(profile)
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        let (word, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let value = value.trim();
        if word == "strict" {
            return if value.is_empty() { Ok(()) } else { Err("`strict` stands alone".to_owned()) };
        }
        if value.is_empty() {
            return Err(format!("`{word}` needs a value"));
        }
        match word {
            "files-read" => self.files_read.push(path(value)?),
            "files-write" => self.files_write.push(path(value)?),
            "net" => {
                for name in value.split_whitespace() {
                    let host = host(name)?;
                    if !self.net.contains(&host) {
                        self.net.push(host);
                    }
                    if self.net.len() > MOST_HOSTS {
                        return Err(format!("more than {MOST_HOSTS} hosts are more than a server needs"));
                    }
                }
            }
            "env" => {
                for name in value.split_whitespace() {
                    self.env.push(variable(name)?);
                }
            }
            "memory" => self.limits.memory = bytes(value, 16 * MIB)?,
            "file-size" => self.limits.file_size = bytes(value, 1)?,
            "scratch" => self.limits.scratch = bytes(value, MIB)?,
            "processes" => self.limits.processes = count(value, 2)?,
            "open-files" => self.limits.open_files = count(value, 16)?,
            "require" => {
                for name in value.split_whitespace() {
                    let mechanism = Mechanism::named(name).ok_or_else(|| {
                        format!("`{name}` is no mechanism; there are {}", Mechanism::names())
                    })?;
                    if !self.require.contains(&mechanism) {
                        self.require.push(mechanism);
                    }
                }
            }
            _ => return Err(format!("`{word}` is not known; {WORDS}")),
        }
        Ok(())
    }
}

/// Hosts of one profile; the descriptors of their sockets travel in one message.
const MOST_HOSTS: usize = 60;

const WORDS: &str = "lines begin with files-read, files-write, net, env, memory, processes, file-size, open-files, \
                     scratch, require or strict";

/// What is never bound into a sandbox, nor anything below it: devices, and the kernel's own views of the machine.
const NEVER: [&str; 3] = ["/proc", "/sys", "/dev"];

fn path(value: &str) -> Result<PathBuf, String> {
    let path = Path::new(value);
    if !path.is_absolute() {
        return Err("write the whole path, from `/` on".to_owned());
    }
    // `..` would make what is written and what is bound two things.
    if path.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err("write the path without `..`".to_owned());
    }
    let path: PathBuf = path.components().collect();
    if path == Path::new("/") {
        return Err("the whole machine is no folder to share; name what is needed".to_owned());
    }
    if let Some(never) = NEVER.iter().find(|never| path.starts_with(never)) {
        return Err(format!("nothing in {never} is ever shared; a sandbox has one of its own"));
    }
    Ok(path)
}

fn host(text: &str) -> Result<HostPort, String> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => {
            let port = port.parse::<u16>().ok().filter(|port| *port != 0);
            (name, port.ok_or_else(|| format!("`{text}` has no port between 1 and 65535"))?)
        }
        None => (text, 443),
    };
    if name.contains('*') {
        return Err("hosts are named one by one: a pattern has no address to resolve to".to_owned());
    }
    let name = name.to_ascii_lowercase();
    if !is_host_name(&name) {
        return Err(format!("`{name}` is no host name"));
    }
    // A name that is an address would be dialled past the hosts file; and `localhost` is the sandbox itself.
    if name.parse::<std::net::IpAddr>().is_ok() || name.split('.').next_back().is_none_or(all_digits) {
        return Err(format!("`{name}` is an address; write the name of the host"));
    }
    if name == "localhost" || name.ends_with(".localhost") {
        return Err("`localhost` is the sandbox itself".to_owned());
    }
    Ok(HostPort { host: name, port })
}

fn all_digits(label: &str) -> bool {
    label.bytes().all(|byte| byte.is_ascii_digit())
}

/// A name as DNS and certificates have it: labels of letters, digits, `-` and `_`, in lower case.
pub(crate) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
            })
    };
    name.len() <= 253 && name.split('.').all(label)
}

fn variable(name: &str) -> Result<String, String> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.bytes().all(letters) || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("`{name}` is no name of a variable; its value is taken from the environment"));
    }
    Ok(name.to_owned())
}

fn bytes(value: &str, least: u64) -> Result<u64, String> {
    let digits = value.trim_end_matches(['K', 'M', 'G']);
    let shift = match value.strip_prefix(digits) {
        Some("") => 0,
        Some("K") => 10,
        Some("M") => 20,
        Some("G") => 30,
        _ => return Err("write bytes as a number with K, M or G behind it, as in `512M`".to_owned()),
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    let number = number.ok_or("write bytes as a number with K, M or G behind it, as in `512M`")?;
    if number < least { Err(format!("less than {least} bytes is too little to start")) } else { Ok(number) }
}

fn count(value: &str, least: u64) -> Result<u64, String> {
    let number = value.parse::<u64>().map_err(|_| format!("`{value}` is no number"))?;
    if number < least { Err(format!("less than {least} is too little to start")) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_line_by_line() {
        let text = "strict\n# what the notes server needs\nfiles-read /srv/notes//in # trailing\nfiles-write /srv/out\n\
                    net API.example.com api.example.com:443 other.example:8443\nenv NOTES_KEY\nmemory 512M\n\
                    processes 32\nfile-size 10K\nopen-files 64\nscratch 1G\nrequire landlock cgroup landlock\n";
        let profile = Profile::parse(text).unwrap();
        assert_eq!(profile.files_read, [PathBuf::from("/srv/notes/in")]);
        assert_eq!(profile.files_write, [PathBuf::from("/srv/out")]);
        let hosts: Vec<_> = profile.net.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["api.example.com:443", "other.example:8443"]);
        assert_eq!(profile.env, ["NOTES_KEY"]);
        let limits = Bounds {
            memory: 512 << 20,
            processes: 32,
            file_size: 10 << 10,
            open_files: 64,
            scratch: 1 << 30,
        };
        assert_eq!(profile.limits, limits);
        use Mechanism::{Cgroup, Landlock, Namespaces, Seccomp};
        assert_eq!(profile.require, [Namespaces, Seccomp, Landlock, Cgroup]);
        assert_eq!(Profile::parse("").unwrap(), Profile::default());
    }

    #[test]
    fn a_wrong_line_is_named_with_what_to_write() {
        for (text, line, what) in [
            ("strict\nfiles-read", 2, "`files-read` needs a value"),
            ("strict please", 1, "`strict` stands alone"),
            ("files-raed /srv", 1, "`files-raed` is not known"),
            ("files-read srv/data", 1, "write the whole path, from `/` on"),
            ("files-write /srv/../etc", 1, "write the path without `..`"),
            ("files-read //", 1, "the whole machine"),
            ("files-read /proc/1", 1, "nothing in /proc is ever shared"),
            ("files-write /dev/", 1, "nothing in /dev is ever shared"),
            ("net *.example.com", 1, "named one by one"),
            ("net 169.254.169.254", 1, "is an address"),
            ("net 2852039166", 1, "is an address"),
            ("net [::1]:80", 1, "is no host name"),
            ("net localhost:80", 1, "the sandbox itself"),
            ("net api.example.com:0", 1, "has no port"),
            ("net a b..c", 1, "is no host name"),
            ("net a\u{308}.example", 1, "is no host name"),
            ("env TOKEN=secret", 1, "is no name of a variable"),
            ("env 1A", 1, "is no name of a variable"),
            ("memory 12Q", 1, "as in `512M`"),
            ("memory 5MM", 1, "as in `512M`"),
            ("memory 1K", 1, "too little to start"),
            ("memory 99999999999G", 1, "as in `512M`"),
            ("processes -1", 1, "is no number"),
            ("open-files 3", 1, "too little to start"),
            ("require selinux", 1, "is no mechanism; there are namespaces, seccomp, landlock, cgroup"),
        ] {
            let error = Profile::parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.what.contains(what), "{text}: {error}");
        }
    }
}
