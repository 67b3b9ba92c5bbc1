//! What a kernel enforced around one command, and what it did not.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mechanism of the kernel that a profile may require.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mechanism {
    /// User, mount, pid, network, IPC, host name and cgroup namespaces, with a file tree built for the command.
    Namespaces,
    /// A list of system calls, and of arguments to some.
    Seccomp,
    /// Rules of files, ports, signals and abstract sockets that hold without namespaces.
    Landlock,
    /// A control group: the kernel itself bounds memory and processes.
    Cgroup,
}

impl Mechanism {
    const ALL: [Self; 4] = [Self::Namespaces, Self::Seccomp, Self::Landlock, Self::Cgroup];

    /// Its name in a profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Seccomp => "seccomp",
            Self::Landlock => "landlock",
            Self::Cgroup => "cgroup",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// How one mechanism fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which.
    pub mechanism: Mechanism,
    /// It holds in full.
    pub enforced: bool,
    /// How it holds, or why it does not and what stands in for it.
    pub how: String,
}

/// What was enforced around one command. `Display` prints one line for each mechanism; serialised, it goes into a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One line for each mechanism.
    pub lines: Vec<Line>,
}

impl Report {
    /// The line of a mechanism that a profile requires and that does not hold.
    pub(crate) fn lacking(&self, required: &[Mechanism]) -> Option<Line> {
        let holds =
            |wanted: &Mechanism| self.lines.iter().any(|line| line.mechanism == *wanted && line.enforced);
        let lacking = *required.iter().find(|wanted| !holds(wanted))?;
        let line = self.lines.iter().find(|line| line.mechanism == lacking).cloned();
        let missing = || Line { mechanism: lacking, enforced: false, how: "nothing was tried".to_owned() };
        Some(line.unwrap_or_else(missing))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            let state = if line.enforced { "enforced" } else { "not here" };
            write!(f, "{end}{:<10} {state}: {}", line.mechanism.name(), line.how)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_what_is_lacking() {
        let line = |mechanism, enforced| Line { mechanism, enforced, how: "so".to_owned() };
        let report = Report { lines: vec![line(Mechanism::Seccomp, true), line(Mechanism::Cgroup, false)] };
        assert_eq!(report.to_string(), "seccomp    enforced: so\ncgroup     not here: so");
        assert_eq!(report.lacking(&[Mechanism::Seccomp]), None);
        assert_eq!(
            report.lacking(&[Mechanism::Seccomp, Mechanism::Cgroup]),
            Some(line(Mechanism::Cgroup, false))
        );
        // What was never tried does not hold.
        assert_eq!(report.lacking(&[Mechanism::Landlock]).map(|line| line.enforced), Some(false));
    }
}
