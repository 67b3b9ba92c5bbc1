//! Programs that are not ours. A missing one is installed where that is possible without asking (root on a Debian), and
//! else named with the line that installs it.

use std::process::Command;

/// A program and how to get it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    program: &'static str,
    args: &'static [&'static str],
    get: Get,
}

#[derive(Debug, Clone, Copy)]
enum Get {
    Apt(&'static str),
    Rustup(&'static str),
}

pub(crate) const NODE: Tool = Tool { program: "npx", args: &["--version"], get: Get::Apt("nodejs npm") };
pub(crate) const PYTHON: Tool =
    Tool { program: "python3", args: &["-m", "venv", "--help"], get: Get::Apt("python3 python3-venv") };
pub(crate) const CHROMIUM: Tool =
    Tool { program: "chromium", args: &["--version"], get: Get::Apt("chromium") };

/// What every run needs: a C compiler for the cryptography, two parts of the toolchain, and a keychain on a bus.
pub(crate) const ALWAYS: [Tool; 5] = [
    Tool { program: "cc", args: &["--version"], get: Get::Apt("build-essential") },
    Tool { program: "cargo", args: &["fmt", "--version"], get: Get::Rustup("rustfmt") },
    Tool { program: "cargo", args: &["clippy", "--version"], get: Get::Rustup("clippy") },
    Tool { program: "dbus-daemon", args: &["--version"], get: Get::Apt("dbus") },
    Tool { program: "gnome-keyring-daemon", args: &["--version"], get: Get::Apt("gnome-keyring") },
];

/// Whether the program runs.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// Makes sure that each tool is there.
pub(crate) fn require(tools: &[Tool]) -> Result<(), String> {
    let missing = tools.iter().filter(|tool| !answers(tool.program, tool.args));
    let failed: Vec<String> = missing.filter_map(|tool| install(tool).err()).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

fn install(tool: &Tool) -> Result<(), String> {
    let (line, allowed) = match tool.get {
        Get::Apt(packages) => (format!("apt-get install -y {packages}"), is_root()),
        Get::Rustup(component) => (format!("rustup component add {component}"), true),
    };
    let name = [tool.program, tool.args.first().filter(|_| tool.program == "cargo").unwrap_or(&"")].join(" ");
    if allowed {
        println!("{} is missing: {line}", name.trim());
        let done = Command::new("sh").args(["-c", &line]).status().is_ok_and(|status| status.success());
        if done && answers(tool.program, tool.args) {
            return Ok(());
        }
    }
    let sudo = if matches!(tool.get, Get::Apt(_)) && !allowed { "sudo " } else { "" };
    Err(format!("{} is missing; run: {sudo}{line}", name.trim()))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
