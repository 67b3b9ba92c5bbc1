//! `npx`: npm fetches, without scripts, and node runs what the package's `bin` names.

use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use doorward_wire::{Limits, Tree};

use super::{host, word, words};
use crate::confine::Wanted;
use crate::profile::Profile;

/// A package of npm's registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name and, where one was asked for, version.
    spec: String,
    name: String,
}

impl Package {
    /// Takes apart what stands behind `npx`: the package, and its program's arguments.
    pub(super) fn of(args: &[&str]) -> Result<(Self, Vec<String>), String> {
        let mut args = args.iter().copied();
        let spec = loop {
            match args.next() {
                Some("-y" | "--yes" | "-q" | "--quiet" | "--") => {}
                Some(option) if option.starts_with('-') => {
                    return Err(format!(
                        "`npx {option}` is not known here; write `npx -y PACKAGE ARGUMENTS`"
                    ));
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
        Ok((Self { spec: spec.to_owned(), name }, args.map(str::to_owned).collect()))
    }

    pub(super) fn spec(&self) -> &str {
        &self.spec
    }

    pub(super) fn folder_name(&self) -> String {
        // No name of a package has this sign.
        self.spec.replace('/', "%")
    }

    /// The key of a scope's own registry: who has one means that nobody else's package of that name is taken.
    fn scopes_registry(&self) -> Option<String> {
        let (scope, _) = self.name.split_once('/')?;
        Some(format!("{scope}:registry"))
    }

    pub(super) fn questions(&self) -> Vec<Vec<String>> {
        let keys = std::iter::once("registry".to_owned()).chain(self.scopes_registry());
        keys.map(|key| words(&["npm", "config", "get", &key])).collect()
    }

    /// One step: npm itself, which reaches the registries alone and runs no script.
    pub(super) fn step(
        &self,
        asked: &[String],
        said: &[String],
        folder: &Path,
    ) -> Result<Option<(Wanted, Profile)>, String> {
        if !said.is_empty() {
            return Ok(None);
        }
        let registry = asked.first().map_or("", |answer| answer.trim());
        // What npm answers where a scope has none.
        let own = asked.get(1).map(|answer| answer.trim()).filter(|own| *own != "undefined");
        let mut hosts = format!("net {}", host(registry)?);
        let mut command =
            words(&["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]);
        command.extend(words(&["--prefix", &word(folder)?, "--registry", registry]));
        if let (Some(key), Some(own)) = (self.scopes_registry(), own) {
            hosts = format!("{hosts} {}", host(own)?);
            command.push(format!("--{key}={own}"));
        }
        command.extend(words(&["--", &self.spec]));
        let mut profile = Profile::parse(&hosts).map_err(|error| error.what)?;
        profile.files_write.push(folder.to_owned());
        let env = vec![("npm_config_cache".to_owned(), word(&folder.join("cache"))?)];
        Ok(Some((Wanted { command, env, ..Wanted::default() }, profile)))
    }

    pub(super) fn program(&self, folder: &Path) -> Result<Vec<String>, String> {
        let package = folder.join("node_modules").join(&self.name);
        let about = package.join("package.json");
        let bytes = std::fs::read(&about).map_err(|error| format!("{}: {error}", about.display()))?;
        let entry = self.entry(bytes).map_err(|what| format!("{}: {what}", about.display()))?;
        Ok(vec!["node".to_owned(), word(&package.join(entry))?])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str) -> Result<(Package, Vec<String>), String> {
        Package::of(&command.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>())
    }

    #[test]
    fn what_stands_behind_npx_is_taken_apart() {
        let (package, args) = of("-y @scope/server@1.2.x --root /srv").unwrap();
        let parts = (package.spec.as_str(), package.name.as_str(), args.join(" "));
        assert_eq!(parts, ("@scope/server@1.2.x", "@scope/server", "--root /srv".to_owned()));
        assert_eq!(of("server").unwrap().0.name, "server");
        for (command, what) in [
            ("", "is given no package"),
            ("-c ls", "`npx -c` is not known here"),
            ("--package=evil x", "is not known here"),
            ("github:a/b", "no package of a registry"),
            ("a/b", "no package of a registry"),
            ("server@npm:other", "no package of a registry"),
            ("../server", "no package of a registry"),
            ("@scope/../x", "no package of a registry"),
            ("@scope/a/b", "no package of a registry"),
        ] {
            let error = of(command).unwrap_err();
            assert!(error.contains(what), "{command}: {error}");
        }
    }

    fn step(spec: &str, asked: &[&str]) -> Result<(Wanted, Profile), String> {
        let step = of(spec).unwrap().0.step(&words(asked), &[], Path::new("/srv/cache"))?;
        Ok(step.expect("npm has one step"))
    }

    fn hosts(profile: &Profile) -> Vec<String> {
        profile.net.iter().map(ToString::to_string).collect()
    }

    // control: D-24: A package is fetched from the registry alone, and none of its scripts runs.
    #[test]
    fn a_fetch_reaches_the_registry_and_runs_nothing() {
        let (wanted, profile) = step("server", &["https://registry.example/npm/\n"]).unwrap();
        assert!(wanted.command.contains(&"--ignore-scripts".to_owned()));
        assert_eq!(hosts(&profile), ["registry.example:443"]);
        assert_eq!(profile.files_write, [PathBuf::from("/srv/cache")]);
        for registry in [
            "http://registry.example/",
            "undefined",
            "https://me:secret@registry.example/",
            "http://me:secret@registry.example/",
            "http://registry.example/?token=secret",
            "https:///",
        ] {
            let error = step("server", &[registry]).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    // control: D-24: A scope that has a registry of its own in the person's configuration comes from there, not from whoever took that name elsewhere.
    #[test]
    fn a_scope_with_its_own_registry_is_asked_for_there() {
        let questions = of("@house/server").unwrap().0.questions();
        assert_eq!(questions[1].join(" "), "npm config get @house:registry");
        let asked = ["https://registry.example/\n", "https://npm.house.example/\n"];
        let (wanted, profile) = step("@house/server", &asked).unwrap();
        assert!(wanted.command.contains(&"--@house:registry=https://npm.house.example/".to_owned()));
        assert_eq!(hosts(&profile), ["registry.example:443", "npm.house.example:443"]);
        let (wanted, profile) = step("@house/server", &[asked[0], "undefined\n"]).unwrap();
        assert!(!wanted.command.iter().any(|word| word.contains("@house:registry")));
        assert_eq!(hosts(&profile), ["registry.example:443"]);
        assert!(step("@house/server", &[asked[0], "http://npm.house.example/"]).is_err());
    }

    #[test]
    fn the_program_is_the_one_that_npx_would_run() {
        let scoped = of("@scope/server").unwrap().0;
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
            match (scoped.entry(package.as_bytes().to_vec()), entry) {
                (Ok(found), Ok(expected)) => assert_eq!(found, Path::new(expected), "{package}"),
                (Err(error), Err(what)) => assert!(error.contains(what), "{package}: {error}"),
                (found, _) => panic!("{package}: {found:?}"),
            }
        }
    }
}
