//! Package runners: `npx` fetches a stranger's program and runs it in one go, with the network open. Here that is two
//! commands: a fetch that reaches the registry alone and runs nothing of the package, and the program without network.

use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use doorward_wire::{Limits, Tree};

use crate::confine::Wanted;
use crate::profile::Profile;

/// A package that `npx` was asked to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packaged {
    /// Its name and, where one was asked for, version.
    spec: String,
    name: String,
    args: Vec<String>,
}

impl Packaged {
    /// Recognises a command that is a package runner's; none if it is not.
    ///
    /// # Errors
    /// If it is, and cannot be taken apart; with what to write instead.
    pub fn of(command: &[String]) -> Option<Result<Self, String>> {
        let (program, args) = command.split_first()?;
        match Path::new(program).file_name()?.to_str()? {
            "npx" => Some(npx(args)),
            runner @ ("uvx" | "pipx" | "bunx" | "pnpx") => Some(Err(format!(
                "`{runner}` fetches and runs in one go, which no profile can bound; install the package first and name \
                 its program"
            ))),
            _ => None,
        }
    }

    /// Returns what was asked for: a name, and a version where one was named.
    #[must_use]
    pub fn spec(&self) -> &str {
        &self.spec
    }

    /// Returns a name for a folder of its own.
    #[must_use]
    pub fn folder_name(&self) -> String {
        // No name of a package has this sign.
        self.spec.replace('/', "%")
    }

    /// What to ask, outside of any sandbox, for the registry: the runner's own configuration knows it.
    #[must_use]
    pub fn registry_question(&self) -> [&'static str; 4] {
        ["npm", "config", "get", "registry"]
    }

    /// The fetch: into a folder of its own, from the registry and nowhere else, without running any script.
    ///
    /// # Errors
    /// If the registry cannot be reached through a sandbox.
    pub fn fetch(&self, registry: &str, folder: &Path) -> Result<(Wanted, Profile), String> {
        let registry = registry.trim();
        let host = registry.strip_prefix("https://").and_then(|rest| rest.split('/').next());
        let host = host.filter(|host| !host.is_empty() && !host.contains('@'));
        let host = host.ok_or_else(|| format!("the registry `{registry}` is no https address"))?;
        let mut profile = Profile::parse(&format!("net {host}")).map_err(|error| error.what)?;
        profile.files_write.push(folder.to_owned());
        let place = folder.to_str().ok_or("the folder has a name that is not UTF-8")?;
        let command =
            ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
        let more = ["--prefix", place, "--registry", registry, "--", &self.spec];
        let command = command.into_iter().chain(more).map(str::to_owned).collect();
        let env = vec![("npm_config_cache".to_owned(), format!("{place}/cache"))];
        Ok((Wanted { command, env, ..Wanted::default() }, profile))
    }

    /// What runs in place of the runner, once the package lies in the folder. The folder has to be in the profile's
    /// `files-read`.
    ///
    /// # Errors
    /// If the package has no program that `npx` would run.
    pub fn program(&self, folder: &Path) -> Result<Vec<String>, String> {
        let package = folder.join("node_modules").join(&self.name);
        let about = package.join("package.json");
        let bytes = std::fs::read(&about).map_err(|error| format!("{}: {error}", about.display()))?;
        let entry = self.entry(bytes).map_err(|what| format!("{}: {what}", about.display()))?;
        let program = package.join(entry);
        let program = program.to_str().ok_or("the folder has a name that is not UTF-8")?.to_owned();
        Ok(["node".to_owned(), program].into_iter().chain(self.args.iter().cloned()).collect())
    }

    /// Reads which file `npx` would run: the only one, or the one that is called as the package is.
    fn entry(&self, package: Vec<u8>) -> Result<PathBuf, String> {
        let tree =
            Tree::parse(Bytes::from(package), &Limits::default()).map_err(|error| error.to_string())?;
        let bin = tree.root().get("bin").ok_or("it has no `bin`")?;
        let short = self.name.rsplit('/').next().unwrap_or(&self.name);
        let path = match bin.as_str() {
            Some(path) => path,
            None => {
                let mut members = bin.members();
                let only = members.next().filter(|_| members.next().is_none()).map(|(_, value)| value);
                let value =
                    bin.get(short).or(only).ok_or("it has several programs, and none of its own name")?;
                value.as_str().ok_or("its `bin` names no file")?
            }
        };
        let path = PathBuf::from(path.as_ref());
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.as_os_str().is_empty() || !path.components().all(plain) {
            return Err("its `bin` leads out of the package".to_owned());
        }
        Ok(path)
    }
}

fn npx(args: &[String]) -> Result<Packaged, String> {
    let mut args = args.iter();
    let spec = loop {
        match args.next().map(String::as_str) {
            Some("-y" | "--yes" | "-q" | "--quiet" | "--") => {}
            Some(option) if option.starts_with('-') => {
                return Err(format!("`npx {option}` is not known here; write `npx -y PACKAGE ARGUMENTS`"));
            }
            Some(spec) => break spec,
            None => return Err("`npx` is given no package".to_owned()),
        }
    };
    let (scope, rest) = match spec.strip_prefix('@').and_then(|rest| rest.split_once('/')) {
        Some((scope, rest)) => (Some(scope), rest),
        None => (None, spec),
    };
    let (name, version) = rest.split_once('@').unwrap_or((rest, "latest"));
    let letters = |text: &str| {
        !text.is_empty()
            && !text.starts_with(['.', '-'])
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let range = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.^~<>=+*".contains(&byte))
    };
    // A git address, a file or an alias would come from elsewhere than the registry.
    if !letters(name) || !scope.is_none_or(letters) || !range(version) {
        return Err(format!("`{spec}` is no package of a registry"));
    }
    let name = scope.map_or_else(|| name.to_owned(), |scope| format!("@{scope}/{name}"));
    Ok(Packaged { spec: spec.to_owned(), name, args: args.cloned().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> Option<Result<Packaged, String>> {
        Packaged::of(&command.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn runners_are_recognised_and_taken_apart() {
        let packaged = of("npx -y @scope/server@1.2.x --root /srv").unwrap().unwrap();
        let parts = (packaged.spec.as_str(), packaged.name.as_str(), packaged.args.join(" "));
        assert_eq!(parts, ("@scope/server@1.2.x", "@scope/server", "--root /srv".to_owned()));
        assert_eq!(of("/usr/bin/npx server").unwrap().unwrap().name, "server");
        assert_eq!(of("node npx"), None);
        for (command, what) in [
            ("npx", "is given no package"),
            ("npx -c ls", "`npx -c` is not known here"),
            ("npx --package=evil x", "is not known here"),
            ("npx github:a/b", "no package of a registry"),
            ("npx a/b", "no package of a registry"),
            ("npx server@npm:other", "no package of a registry"),
            ("npx ../server", "no package of a registry"),
            ("npx @scope/../x", "no package of a registry"),
            ("npx @scope/a/b", "no package of a registry"),
            ("uvx server", "install the package first"),
        ] {
            let error = of(command).unwrap().unwrap_err();
            assert!(error.contains(what), "{command}: {error}");
        }
    }

    // control: D-24: A package is fetched from the registry alone, and none of its scripts runs.
    #[test]
    fn a_fetch_reaches_the_registry_and_runs_nothing() {
        let packaged = of("npx server").unwrap().unwrap();
        let (wanted, profile) =
            packaged.fetch("https://registry.example/npm/\n", Path::new("/srv/cache")).unwrap();
        assert!(wanted.command.contains(&"--ignore-scripts".to_owned()));
        let hosts: Vec<_> = profile.net.iter().map(ToString::to_string).collect();
        assert_eq!(
            (hosts, profile.files_write),
            (vec!["registry.example:443".to_owned()], vec!["/srv/cache".into()])
        );
        for registry in
            ["http://registry.example/", "undefined", "https://me:secret@registry.example/", "https:///"]
        {
            assert!(packaged.fetch(registry, Path::new("/srv/cache")).is_err(), "{registry}");
        }
    }

    #[test]
    fn the_program_is_the_one_that_npx_would_run() {
        let packaged = of("npx @scope/server").unwrap().unwrap();
        for (package, entry) in [
            (r#"{"bin":"./dist/main.js"}"#, Ok("./dist/main.js")),
            (r#"{"bin":{"other":"o.js"}}"#, Ok("o.js")),
            (r#"{"bin":{"other":"o.js","server":"s.js"}}"#, Ok("s.js")),
            (r#"{"bin":{"other":"o.js","more":"s.js"}}"#, Err("several programs")),
            (r#"{"bin":"../../other/x.js"}"#, Err("out of the package")),
            (r#"{"bin":"/bin/sh"}"#, Err("out of the package")),
            (r#"{"bin":""}"#, Err("out of the package")),
            (r#"{"bin":"a","bin":"b"}"#, Err("")),
            ("{}", Err("no `bin`")),
        ] {
            match (packaged.entry(package.as_bytes().to_vec()), entry) {
                (Ok(found), Ok(expected)) => assert_eq!(found, Path::new(expected), "{package}"),
                (Err(error), Err(what)) => assert!(error.contains(what), "{package}: {error}"),
                (found, _) => panic!("{package}: {found:?}"),
            }
        }
    }
}
