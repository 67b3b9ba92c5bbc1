//! What to know about a server before it is started: facts of its command line, none of them a verdict.

use std::fmt;

use crate::read::{Server, Starts};
use crate::secret::{masked, names_secret};

/// Something to know about a server. No value of the file is in it but names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Risk {
    /// A package that is fetched at start, in whatever version is newest then.
    Unpinned(String),
    /// A shell reads the rest of the command line.
    Shell(String),
    /// What is downloaded is run.
    PipeToShell,
    /// A program is written on the command line itself.
    InlineCode(String),
    /// It runs with more rights than the person.
    Elevated(String),
    /// A secret is written into the file, as this variable or header.
    SecretWritten(String),
    /// A secret is on the command line, where every program of the machine sees it; the number of the argument, from 1.
    SecretArgument(usize),
    /// A variable changes what is loaded, or whom is trusted.
    Environment(String),
    /// It reaches an address.
    Address(String),
    /// An address without TLS, beyond this machine.
    PlainHttp(String),
    /// A program or script from a folder where everybody may write.
    Shared(String),
    /// A program found by a path that begins where the client happens to stand.
    Relative(String),
    /// A container sees this of the machine.
    Mount(String),
    /// A container that is not contained.
    Privileged(String),
    /// A whole disk or home is handed over.
    Broad(String),
}

impl Risk {
    /// Returns the word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unpinned(_) => "unpinned",
            Self::Shell(_) => "shell",
            Self::PipeToShell => "pipe-to-shell",
            Self::InlineCode(_) => "inline-code",
            Self::Elevated(_) => "elevated",
            Self::SecretWritten(_) => "secret-written",
            Self::SecretArgument(_) => "secret-argument",
            Self::Environment(_) => "environment",
            Self::Address(_) => "address",
            Self::PlainHttp(_) => "plain-http",
            Self::Shared(_) => "shared-folder",
            Self::Relative(_) => "relative",
            Self::Mount(_) => "mount",
            Self::Privileged(_) => "privileged",
            Self::Broad(_) => "broad",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpinned(what) => write!(f, "{what} is fetched in whatever version is newest"),
            Self::Shell(what) => write!(f, "{what} is a shell: it runs whatever the rest says"),
            Self::PipeToShell => f.write_str("what is downloaded is run unseen"),
            Self::InlineCode(what) => write!(f, "{what} runs code from the command line"),
            Self::Elevated(what) => write!(f, "{what} gives it more rights than you have"),
            Self::SecretWritten(name) => write!(f, "{name} is a secret written into this file"),
            Self::SecretArgument(number) => {
                write!(f, "argument {number} is a secret, which every program of this machine can see")
            }
            Self::Environment(name) => write!(f, "{name} changes what is loaded or trusted"),
            Self::Address(what) => write!(f, "it reaches {what}"),
            Self::PlainHttp(what) => write!(f, "it reaches {what} without TLS"),
            Self::Shared(what) => write!(f, "everybody may write where {what} is"),
            Self::Relative(what) => write!(f, "which {what} is started depends on the folder"),
            Self::Mount(what) => write!(f, "the container sees {what}"),
            Self::Privileged(what) => write!(f, "{what} lets the container out"),
            Self::Broad(what) => write!(f, "it is given all of {what}"),
        }
    }
}

/// Returns what to know about a server that is started as `command` and `args`, which for a wrapped one are those behind
/// the door.
pub fn risks(server: &Server, command: &str, args: &[String]) -> Vec<Risk> {
    let mut risks: Vec<_> =
        server.literals.iter().filter(|name| names_secret(name)).cloned().map(Risk::SecretWritten).collect();
    risks.extend(server.env.iter().filter(|name| steers(name)).cloned().map(Risk::Environment));
    match &server.starts {
        Starts::Command { .. } => of_command(command, args, &mut risks),
        Starts::Remote { url } => risks.push(of_address(url)),
        Starts::Unclear(_) => {}
    }
    risks
}

fn of_command(command: &str, args: &[String], risks: &mut Vec<Risk>) {
    let name = program(command);
    let elevated = matches!(name.as_str(), "sudo" | "doas" | "pkexec" | "runas");
    if elevated {
        risks.push(Risk::Elevated(name.clone()));
        // What it starts is judged as well.
        if let Some((at, inner)) = args.iter().enumerate().find(|(_, arg)| !arg.starts_with('-')) {
            of_command(inner, args.get(at + 1..).unwrap_or_default(), risks);
            return;
        }
    }
    if is_shell(&name) {
        risks.push(Risk::Shell(name.clone()));
    }
    // `cmd /c npx x` starts npx: the words after a shell's flag are looked at as a command of their own.
    if let Some((inner, rest)) = behind_shell(&name, args) {
        of_command(inner, rest, risks);
        return;
    }
    if args.iter().any(|arg| pipes_to_shell(arg)) {
        risks.push(Risk::PipeToShell);
    }
    if let Some(flag) = inline(&name, args) {
        risks.push(Risk::InlineCode(format!("{name} {flag}")));
    }
    if let Some(package) = unpinned(&name, args) {
        risks.push(Risk::Unpinned(package));
    }
    if matches!(name.as_str(), "docker" | "podman" | "nerdctl") {
        of_container(args, risks);
    }
    let shown = masked(args);
    for (number, _) in args.iter().zip(&shown).enumerate().filter(|(_, (arg, shown))| arg != shown) {
        risks.push(Risk::SecretArgument(number + 1));
    }
    risks.extend(shown.iter().filter_map(|arg| address(arg)).map(of_address));
    let paths = std::iter::once(command).chain(args.iter().map(String::as_str));
    risks.extend(paths.filter(|path| is_shared(path)).map(|path| Risk::Shared(path.to_owned())));
    if is_relative(command) {
        risks.push(Risk::Relative(command.to_owned()));
    }
    risks.extend(args.iter().filter(|arg| is_broad(arg)).map(|arg| Risk::Broad(arg.clone())));
}

/// A program's name without folder and ending.
fn program(command: &str) -> String {
    let file = command.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let endings = [".exe", ".cmd", ".bat", ".ps1"];
    endings.iter().find_map(|ending| file.strip_suffix(ending)).unwrap_or(&file).to_owned()
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "zsh" | "dash" | "fish" | "ksh" | "cmd" | "powershell" | "pwsh" | "wsl")
}

fn behind_shell<'a>(name: &str, args: &'a [String]) -> Option<(&'a str, &'a [String])> {
    let [flag, command, rest @ ..] = args else { return None };
    let bare = name == "cmd" && flag.eq_ignore_ascii_case("/c") && !command.contains(' ');
    bare.then_some((command.as_str(), rest))
}

fn pipes_to_shell(arg: &str) -> bool {
    let fetches = ["curl", "wget", "iwr", "invoke-webrequest", "irm", "invoke-restmethod"];
    let mut parts = arg.split('|');
    let words = |part: Option<&str>| -> Vec<String> {
        part.unwrap_or_default().split_whitespace().map(program).collect()
    };
    let fetched = words(parts.next()).iter().any(|word| fetches.contains(&word.as_str()));
    let run = |word: &String| {
        is_shell(word) || matches!(word.as_str(), "python" | "python3" | "node" | "iex" | "invoke-expression")
    };
    let piped = parts.any(|part| part.split_whitespace().map(program).any(|word| run(&word)));
    // `sh <(curl …)`, `$(curl …)`: fetched and run without a pipe.
    let substituted = ["<(", "$(", "`"].iter().any(|open| {
        arg.split(open)
            .skip(1)
            .any(|rest| words(Some(rest)).first().is_some_and(|word| fetches.contains(&word.as_str())))
    });
    fetched && piped || substituted
}

fn inline<'a>(name: &str, args: &'a [String]) -> Option<&'a str> {
    let flags: &[&str] = match name {
        "node" | "bun" | "deno" => &["-e", "--eval", "-p", "--print", "eval"],
        "python" | "python3" | "py" => &["-c"],
        "ruby" | "perl" => &["-e"],
        name if is_shell(name) => &["-c", "-lc", "/c", "/C", "-Command", "-EncodedCommand", "-enc"],
        _ => return None,
    };
    args.iter()
        .map(String::as_str)
        .take_while(|arg| arg.starts_with(['-', '/']) || flags.contains(arg))
        .find(|arg| flags.contains(arg))
}

/// The package that a runner fetches without an exact version.
fn unpinned(name: &str, args: &[String]) -> Option<String> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (rest, python): (&[&str], bool) = match (name, words.as_slice()) {
        ("npx" | "bunx" | "pnpx", rest) => (rest, false),
        ("npm", ["exec" | "x", rest @ ..])
        | ("pnpm" | "yarn", ["dlx", rest @ ..])
        | ("bun", ["x", rest @ ..]) => (rest, false),
        ("uvx", rest) | ("uv", ["tool", "run", rest @ ..]) | ("pipx", ["run", rest @ ..]) => (rest, true),
        ("deno", ["run", rest @ ..]) => {
            let package = rest.iter().find(|arg| !arg.starts_with('-'))?;
            let spec = package.strip_prefix("npm:").or_else(|| package.strip_prefix("jsr:"))?;
            return (!is_exact(version(spec))).then(|| (*package).to_owned());
        }
        _ => return None,
    };
    // `--package X` and `--from X` name the package; the first word that is no flag is then what it runs.
    let named = rest.windows(2).find_map(|pair| match pair {
        ["-p" | "--package" | "--from" | "--spec", package] => Some(*package),
        _ => None,
    });
    let named = named.or_else(|| {
        rest.iter().find_map(|arg| arg.strip_prefix("--package=").or(arg.strip_prefix("--from=")))
    });
    let package = named.or_else(|| rest.iter().copied().find(|arg| !arg.starts_with('-')))?;
    let local = package.starts_with(['.', '/', '~']) || package.get(1..3).is_some_and(|drive| drive == ":\\");
    let exact = if python {
        package.split_once("==").is_some_and(|(_, version)| is_exact(Some(version)))
            || is_exact(version(package))
    } else {
        is_exact(version(package))
    };
    (!local && !exact).then(|| package.to_owned())
}

/// What stands after the `@` of a package, which is not the `@` of its scope.
fn version(package: &str) -> Option<&str> {
    let (name, version) = package.rsplit_once('@')?;
    (!name.is_empty()).then_some(version)
}

/// `1.2.3` and a commit are exact; `latest`, `1`, `^1.2.3` and nothing are not.
fn is_exact(version: Option<&str>) -> bool {
    let Some(version) = version else { return false };
    let commit = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = number.split('.').collect();
    commit
        || parts.len() >= 3
            && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Flags of a container's start that take a value as their next word.
const WITH_VALUE: [&str; 18] = [
    "-e",
    "--env",
    "--env-file",
    "--name",
    "-p",
    "--publish",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "-l",
    "--label",
    "--entrypoint",
    "--memory",
    "-m",
    "--cpus",
    "--platform",
    "--pull",
];

fn of_container(args: &[String], risks: &mut Vec<Risk>) {
    let mut words = args.iter().map(String::as_str).skip_while(|word| !matches!(*word, "run" | "create"));
    words.next();
    while let Some(word) = words.next() {
        let (flag, joined) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
        let mut value = || joined.or_else(|| words.next()).unwrap_or_default();
        match flag {
            "-v" | "--volume" | "--mount" => {
                let mount = value();
                // A named volume is the container's own; a path is the machine's.
                if flag == "--mount" && mount.contains("type=bind")
                    || mount.starts_with(['/', '.', '~', '$'])
                    || mount.get(1..2) == Some(":")
                {
                    risks.push(Risk::Mount(mount.to_owned()));
                }
            }
            "--privileged" => risks.push(Risk::Privileged(flag.to_owned())),
            "--cap-add" | "--device" | "--security-opt" => {
                let value = value();
                risks.push(Risk::Privileged(format!("{flag} {value}")));
            }
            "--network" | "--net" | "--pid" | "--ipc" | "--userns" | "--uts" => {
                let value = value();
                if value == "host" {
                    risks.push(Risk::Privileged(format!("{flag} host")));
                }
            }
            flag if WITH_VALUE.contains(&flag) => {
                value();
            }
            flag if flag.starts_with('-') => {}
            image => {
                let tag = image.rsplit('/').next().unwrap_or_default();
                if !image.contains("@sha256:") {
                    let newest = !tag.contains(':') || tag.ends_with(":latest");
                    risks.push(Risk::Unpinned(if newest {
                        image.to_owned()
                    } else {
                        format!("{image} (a tag can be moved)")
                    }));
                }
                return;
            }
        }
    }
}

/// Variables that load code into a program or switch off what it checks.
fn steers(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("LD_")
        || name.starts_with("DYLD_")
        || matches!(
            name.as_str(),
            "PATH"
                | "NODE_OPTIONS"
                | "NODE_PATH"
                | "NODE_TLS_REJECT_UNAUTHORIZED"
                | "NODE_EXTRA_CA_CERTS"
                | "PYTHONPATH"
                | "PYTHONSTARTUP"
                | "PYTHONHOME"
                | "BASH_ENV"
                | "ENV"
                | "PERL5OPT"
                | "RUBYOPT"
                | "JAVA_TOOL_OPTIONS"
                | "NPM_CONFIG_REGISTRY"
                | "UV_INDEX_URL"
                | "UV_DEFAULT_INDEX"
                | "PIP_INDEX_URL"
                | "SSL_CERT_FILE"
                | "HTTP_PROXY"
                | "HTTPS_PROXY"
                | "ALL_PROXY"
        )
}

fn address(arg: &str) -> Option<&str> {
    let start =
        ["https://", "http://", "wss://", "ws://"].iter().filter_map(|scheme| arg.find(scheme)).min()?;
    arg.get(start..)?.split([' ', '"', '\'', ')', '`', '|']).next()
}

/// Only the address's scheme and host: its path and query are where people put tokens.
fn of_address(url: &str) -> Risk {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let name = if host.starts_with('[') { host.split(']').next() } else { host.split(':').next() }
        .unwrap_or_default();
    let here = matches!(name, "localhost" | "127.0.0.1" | "[::1");
    let shown = format!("{scheme}://{host}");
    if matches!(scheme, "http" | "ws") && !here { Risk::PlainHttp(shown) } else { Risk::Address(shown) }
}

fn is_shared(path: &str) -> bool {
    let path = path.replace('\\', "/").to_ascii_lowercase();
    let path = path.split_once('=').map_or(path.as_str(), |(_, value)| value);
    let folders = [
        "/tmp/",
        "/var/tmp/",
        "/private/tmp/",
        "/dev/shm/",
        "c:/windows/temp/",
        "c:/temp/",
        "c:/users/public/",
        "%temp%/",
        "%public%/",
    ];
    folders.iter().any(|folder| path.starts_with(folder))
}

fn is_relative(command: &str) -> bool {
    let rooted = command.starts_with(['/', '\\', '~', '$', '%']) || command.get(1..2) == Some(":");
    !rooted && command.contains(['/', '\\'])
}

fn is_broad(arg: &str) -> bool {
    let arg = arg.trim_matches('"');
    matches!(
        arg,
        "/" | "~"
            | "~/"
            | "$HOME"
            | "${HOME}"
            | "${userHome}"
            | "%USERPROFILE%"
            | "/home"
            | "/Users"
            | "/etc"
    ) || arg.len() <= 3 && arg.get(1..2) == Some(":") && matches!(arg.get(2..), Some("" | "\\" | "/"))
}
