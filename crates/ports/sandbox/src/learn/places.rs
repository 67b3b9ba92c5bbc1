//! Which places are never proposed: too wide, or where secrets are kept. Pure.

use std::path::{Path, PathBuf};

/// Below a home: what signs in, what was typed, and what programs keep for a person. Each with what lies below it.
const SECRET: [&str; 66] = [
    ".ssh",
    ".aws",
    ".gnupg",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".password-store",
    ".vault-token",
    ".terraform.d",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/op",
    ".config/rclone",
    ".config/sops",
    ".config/age",
    ".config/doorward",
    ".config/Claude",
    ".config/Code",
    ".config/Cursor",
    ".claude",
    ".claude.json",
    ".codex",
    ".cursor",
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".config/vivaldi",
    ".config/opera",
    ".var/app",
    "snap",
    ".pki",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/share/fish/fish_history",
    ".local/state/doorward",
    ".zsh_sessions",
    ".lesshst",
    ".viminfo",
    ".wget-hsts",
    ".config/containers/auth.json",
    // People write tokens into these.
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".config/fish",
    ".config/environment.d",
];

/// Below a home: what is written there runs as the person, outside of any sandbox.
const RUNS: [&str; 20] = [
    ".bash_logout",
    ".zlogin",
    ".zlogout",
    ".xprofile",
    ".xsession",
    ".xinitrc",
    ".pam_environment",
    ".gitconfig",
    ".config/git",
    ".config/autostart",
    ".config/systemd",
    ".local/bin",
    ".local/lib",
    ".local/share/applications",
    ".local/share/systemd",
    ".cargo/bin",
    ".nvm",
    ".pyenv",
    "bin",
    "go/bin",
];

/// The machine's own.
const SECRET_OF_MACHINE: [&str; 10] = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/krb5.keytab",
    "/etc/NetworkManager",
    "/run/secrets",
    "/var/run/secrets",
];

/// Folders in which everything of a sort lies: somebody's whole machine, or everybody's.
const WIDE: [&str; 34] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/media",
    "/mnt",
    "/nix",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/run/user",
    "/sbin",
    "/snap",
    "/srv",
    "/sys",
    "/tmp",
    "/Users",
    "/usr",
    "/usr/local",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/opt",
    "/var/run",
    "/var/spool",
    "/var/tmp",
    "/gnu",
];

/// Whose places they are.
pub(super) struct Places<'a> {
    /// The person's home.
    pub(super) home: &'a Path,
    /// The door's own.
    pub(super) private: &'a [PathBuf],
}

impl Places<'_> {
    /// The place of secrets that a path is, or lies in.
    pub(super) fn secret(&self, path: &Path) -> Option<PathBuf> {
        let own = self.private.iter().map(PathBuf::as_path);
        let of_machine = SECRET_OF_MACHINE.into_iter().map(Path::new);
        if let Some(place) = own.chain(of_machine).find(|place| path.starts_with(place)) {
            return Some(place.to_owned());
        }
        let home = self.home_of(path)?;
        let below = path.strip_prefix(&home).ok()?;
        // Every history of what somebody typed is named so.
        let first = below.iter().next()?.to_str().unwrap_or_default();
        if first.starts_with('.') && (first.ends_with("_history") || first.ends_with("-history")) {
            return Some(home.join(first));
        }
        SECRET.iter().find(|secret| below.starts_with(secret)).map(|secret| home.join(secret))
    }

    /// More than one server should be given: a whole home, what homes or secrets lie in, a part of the system.
    pub(super) fn too_wide(&self, path: &Path) -> bool {
        let home = self.home_of(path);
        let below = home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        // Also what is not there yet: a line stays, and a keyring comes later.
        let holds = |below: &Path| SECRET.iter().any(|secret| Path::new(secret).starts_with(below));
        let disk =
            path.parent().is_some_and(|parent| ["/mnt", "/media"].iter().any(|all| parent == Path::new(all)));
        WIDE.iter().any(|wide| path == Path::new(wide))
            || self.home.starts_with(path)
            || disk
            || below.is_some_and(holds)
            || self.private.iter().any(|own| own.starts_with(path))
            || SECRET_OF_MACHINE.iter().any(|secret| Path::new(secret).starts_with(path))
    }

    /// What is written there runs by itself, or in a program's place, or a part of it does.
    pub(super) fn runs(&self, path: &Path) -> bool {
        let home = self.home_of(path);
        let below = home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        below.is_some_and(|below| {
            RUNS.iter().any(|place| below.starts_with(place) || Path::new(place).starts_with(below))
        })
    }

    /// The home that a path is, or lies in: the person's, root's, or another's.
    fn home_of(&self, path: &Path) -> Option<PathBuf> {
        let roots = Path::new("/root");
        if let Some(home) = [self.home, roots].into_iter().find(|home| path.starts_with(home)) {
            return Some(home.to_owned());
        }
        let all = ["/home", "/Users"].into_iter().map(Path::new).find(|all| path.starts_with(all))?;
        let who = path.strip_prefix(all).ok()?.iter().next()?;
        Some(all.join(who))
    }
}

/// What runtimes look for in every home: that it is there says nothing of the server.
pub(super) fn of_a_runtime(below_home: &Path) -> bool {
    const USUAL: [&str; 15] = [
        ".node_modules",
        ".node_libraries",
        ".local/lib",
        ".local/bin",
        ".cache",
        ".npm",
        ".profile",
        ".bash_profile",
        ".bash_login",
        ".bashrc",
        ".zshenv",
        ".zshrc",
        ".inputrc",
        ".terminfo",
        ".pydistutils.cfg",
    ];
    USUAL.iter().any(|usual| below_home.starts_with(usual) || Path::new(usual).starts_with(below_home))
}

/// What libraries and runtimes look for in `/etc`, whatever runs. What they need of it, a sandbox has. Only a folder there
/// may be a server's own.
pub(super) fn of_the_system(path: &Path) -> bool {
    const USUAL: [&str; 8] =
        ["python", "ssl", "pki", "crypto-policies", "ld.so", "gss", "terminfo", "profile.d"];
    let Ok(below) = path.strip_prefix("/etc") else { return false };
    let first = below.iter().next().and_then(|first| first.to_str()).unwrap_or_default();
    below.components().count() < 2 || USUAL.iter().any(|usual| first.starts_with(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(run: impl Fn(&Places<'_>) -> T) -> T {
        let private = [PathBuf::from("/srv/state/doorward")];
        run(&Places { home: Path::new("/home/ada"), private: &private })
    }

    // control: D-28: What is learned never leads to a line for a place of secrets, nor for what holds one.
    #[test]
    fn secrets_are_known_by_their_places() {
        for (path, place) in [
            ("/home/ada/.ssh", Some("/home/ada/.ssh")),
            ("/home/ada/.ssh/id_ed25519", Some("/home/ada/.ssh")),
            ("/home/bob/.aws/credentials", Some("/home/bob/.aws")),
            ("/root/.netrc", Some("/root/.netrc")),
            ("/home/ada/.config/gcloud/x.db", Some("/home/ada/.config/gcloud")),
            ("/home/ada/.bashrc", Some("/home/ada/.bashrc")),
            ("/home/ada/.zsh_history", Some("/home/ada/.zsh_history")),
            ("/home/ada/.mozilla/firefox/p/key4.db", Some("/home/ada/.mozilla")),
            ("/home/ada/.local/share/keyrings/login.keyring", Some("/home/ada/.local/share/keyrings")),
            ("/srv/state/doorward/keys/audit.pem", Some("/srv/state/doorward")),
            ("/etc/shadow", Some("/etc/shadow")),
            ("/home/ada/.sshd", None),
            ("/home/ada/notes/.ssh", None),
            ("/home/ada/.config/notes/config.json", None),
        ] {
            assert_eq!(
                with(|places| places.secret(Path::new(path))).as_deref(),
                place.map(Path::new),
                "{path}"
            );
        }
    }

    // control: D-28: What is learned never leads to a line by which a server could write what the person runs.
    #[test]
    fn what_runs_is_not_written_to() {
        for path in
            ["/home/ada/.local/bin/ls", "/home/ada/bin", "/root/.gitconfig", "/home/ada/.config/systemd/user"]
        {
            assert!(with(|places| places.runs(Path::new(path))), "{path}");
        }
        assert!(!with(|places| places.runs(Path::new("/home/ada/notes/bin"))));
    }

    #[test]
    fn what_holds_more_is_too_wide() {
        for wide in [
            "/",
            "/home",
            "/home/ada",
            "/home/bob",
            "/root",
            "/etc",
            "/proc",
            "/var/lib",
            "/mnt/c",
            "/home/ada/.config",
            "/home/ada/.local",
            "/home/ada/.local/share",
            "/home/bob/.cargo",
            "/srv/state",
            "/etc/ssl",
        ] {
            assert!(with(|places| places.too_wide(Path::new(wide))), "{wide}");
        }
        for fine in [
            "/home/ada/notes",
            "/srv/notes",
            "/data",
            "/home/ada/.config/notes",
            "/etc/notes",
            "/mnt/c/notes",
        ] {
            assert!(!with(|places| places.too_wide(Path::new(fine))), "{fine}");
        }
    }

    #[test]
    fn what_every_runtime_looks_for_is_nobodys_wish() {
        assert!(of_a_runtime(Path::new(".local/lib/python3.13/site-packages")));
        assert!(of_a_runtime(Path::new(".local")));
        assert!(!of_a_runtime(Path::new(".config/notes/config.json")));
        for path in ["/etc", "/etc/gai.conf", "/etc/python3.13/sitecustomize.py", "/etc/ssl/openssl.cnf"] {
            assert!(of_the_system(Path::new(path)), "{path}");
        }
        for path in ["/etc/notes/config.json", "/srv/notes"] {
            assert!(!of_the_system(Path::new(path)), "{path}");
        }
    }
}
