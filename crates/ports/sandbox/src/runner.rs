//! Package runners: `npx` and `uvx` fetch a stranger's program and run it in one go, with the network open. Here that is two
//! things: a fetch that reaches the registry alone and runs nothing of the package, and the program without network.

pub mod entry_points;
mod npm;
mod python;

use std::path::Path;

use crate::confine::Wanted;
use crate::profile::Profile;

/// A package that a runner was asked to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packaged {
    kind: Kind,
    args: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Npm(npm::Package),
    Python(python::Package),
}

impl Packaged {
    /// Recognises a command that is a package runner's; none if it is not.
    ///
    /// # Errors
    /// If it is, and cannot be taken apart; with what to write instead.
    pub fn of(command: &[String]) -> Option<Result<Self, String>> {
        let (program, args) = command.split_first()?;
        let program = Path::new(program).file_name()?.to_str()?;
        let words: Vec<_> = args.iter().map(String::as_str).collect();
        let npm = |(package, args)| Self { kind: Kind::Npm(package), args };
        let python = |(package, args)| Self { kind: Kind::Python(package), args };
        match (program, words.as_slice()) {
            ("npx", words) => Some(npm::Package::of(words).map(npm)),
            ("uvx", words) | ("uv", ["tool", "run", words @ ..]) => {
                Some(python::Package::of(words).map(python))
            }
            ("bunx" | "pnpx", _)
            | ("npm", ["exec" | "x", ..])
            | ("pnpm" | "yarn", ["dlx", ..])
            | ("bun", ["x", ..]) => Some(Err(instead(program, "npx -y PACKAGE ARGUMENTS"))),
            ("pipx", _) => Some(Err(instead(program, "uvx PACKAGE ARGUMENTS"))),
            ("docker" | "podman" | "nerdctl", _) => Some(Err(contained(program))),
            _ => None,
        }
    }

    /// Returns what was asked for: a name, and a version where one was named.
    #[must_use]
    pub fn spec(&self) -> &str {
        match &self.kind {
            Kind::Npm(package) => package.spec(),
            Kind::Python(package) => package.spec(),
        }
    }

    /// Returns a name for a folder of its own.
    #[must_use]
    pub fn folder_name(&self) -> String {
        match &self.kind {
            Kind::Npm(package) => package.folder_name(),
            Kind::Python(package) => package.folder_name(),
        }
    }

    /// What to ask, outside of any sandbox and where no project's configuration counts: the runner's own configuration knows
    /// from where it fetches.
    #[must_use]
    pub fn questions(&self) -> Vec<Vec<String>> {
        match &self.kind {
            Kind::Npm(package) => package.questions(),
            Kind::Python(package) => package.questions(),
        }
    }

    /// The next command of a fetch into a folder of its own, given what the [questions](Self::questions) were answered and
    /// what each command before it has said; none once all are done. None of them runs anything of the package.
    ///
    /// # Errors
    /// If the registry cannot be reached through a sandbox.
    pub fn step(
        &self,
        asked: &[String],
        said: &[String],
        folder: &Path,
    ) -> Result<Option<(Wanted, Profile)>, String> {
        match &self.kind {
            Kind::Npm(package) => package.step(asked, said, folder),
            Kind::Python(package) => package.step(asked, said, folder),
        }
    }

    /// What to do where a command of a fetch failed with these words.
    #[must_use]
    pub fn advice(&self, said: &str) -> Option<&'static str> {
        let built = matches!(self.kind, Kind::Python(_)) && said.contains("no usable wheels");
        built.then_some(
            "what has no wheel is built by its own script, which does not run here: install it yourself and name its program",
        )
    }

    /// What runs in place of the runner, once the package lies in the folder. The folder has to be in the profile's
    /// `files-read`.
    ///
    /// # Errors
    /// If the package has no program that the runner would run.
    pub fn program(&self, folder: &Path) -> Result<Vec<String>, String> {
        let mut program = match &self.kind {
            Kind::Npm(package) => package.program(folder),
            Kind::Python(package) => package.program(folder),
        }?;
        program.extend(self.args.iter().cloned());
        Ok(program)
    }
}

fn instead(runner: &str, other: &str) -> String {
    format!(
        "`{runner}` fetches and runs in one go, which no profile can bound; write `{other}`, which is taken apart here, or \
         install the package first and name its program"
    )
}

/// The engine starts the server, not this command; and whoever reaches an engine's socket can be root.
fn contained(client: &str) -> String {
    format!(
        "`{client}` has an engine start the server, outside of this sandbox, which does not let the engine be reached. A \
         container is walls of its own: give it --no-sandbox (`doorward wrap` lists what such a container sees of this \
         machine), or name the server's program itself"
    )
}

/// The host of a registry's address, as a line of a profile names it.
fn host(registry: &str) -> Result<&str, String> {
    let (scheme, rest) = registry.split_once("://").unwrap_or(("", registry));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // On a command line everybody of the machine would see it.
    if let Some((_, host)) = host.rsplit_once('@') {
        return Err(format!(
            "the address of the registry at {host} holds a password, which is not handed on"
        ));
    }
    match scheme {
        "https" if !host.is_empty() => Ok(host),
        // No more of it is said: people put tokens behind the host as well.
        _ => Err(format!(
            "the registry `{scheme}://{host}` is no https address: without TLS anybody on the way says what the package is"
        )),
    }
}

/// A path as a word of a command.
fn word(path: &Path) -> Result<String, String> {
    Ok(path.to_str().ok_or("the folder has a name that is not UTF-8")?.to_owned())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn of(command: &str) -> Option<Result<Packaged, String>> {
        Packaged::of(&command.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn other_runners_are_refused_with_what_to_write() {
        for (command, what) in [
            ("bunx server", "write `npx -y PACKAGE ARGUMENTS`"),
            ("/usr/bin/pnpx server", "write `npx -y PACKAGE ARGUMENTS`"),
            ("npm exec server", "write `npx -y PACKAGE ARGUMENTS`"),
            ("npm x -- server", "write `npx -y PACKAGE ARGUMENTS`"),
            ("pnpm dlx server", "write `npx -y PACKAGE ARGUMENTS`"),
            ("yarn dlx server", "write `npx -y PACKAGE ARGUMENTS`"),
            ("bun x server", "write `npx -y PACKAGE ARGUMENTS`"),
            ("pipx run server", "write `uvx PACKAGE ARGUMENTS`"),
            ("docker run -i --rm server", "give it --no-sandbox"),
            ("podman run server", "give it --no-sandbox"),
        ] {
            let error = of(command).unwrap().unwrap_err();
            assert!(error.contains(what), "{command}: {error}");
        }
        for command in
            ["node npx", "npm start", "uv run server.py", "bun server.ts", "pnpm start", "docker-mcp"]
        {
            assert_eq!(of(command), None, "{command}");
        }
    }
}
