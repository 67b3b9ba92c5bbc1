//! `doorward rules`: bundles of rules, tried, signed, installed, enforced, and taken back.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorward_audit::{PublicKey, SigningKey};
use doorward_inspect::Bundle;
use doorward_rulebook::{Placed, RulebookError, Shelf, Step, peek, seal};

use crate::commands::serve;
use crate::failure::Failure;
use crate::out::{GOOD, NAME, Out, WARN, paint};
use crate::table::{Cell, Table, cell, clean, count};

/// Read by the side of what is expected of a file.
const HELP: &str = "docs/rules.md describes bundles";

/// Look after rules beside those that are built in.
#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Try a bundle on its own examples.
    Check(Check),
    /// Try a bundle and sign it.
    Sign(Sign),
    /// List the bundles of a door: which version counts, and which is being tried.
    List(List),
    /// Put a signed bundle into the shadow: what it finds is recorded, and has no effect.
    Install(Install),
    /// Have the version in the shadow count.
    Enforce(Of),
    /// Take the last step back: what is in the shadow leaves it; without that, what counted before counts again.
    Rollback(Of),
}

/// Try a bundle on its own examples.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The bundle, signed or not.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Try a bundle and sign it.
#[derive(Debug, Args)]
#[command(after_help = "The envelope is DSSE with Ed25519, which other tools sign and verify too.

Example:
  doorward rules sign house.json --key keys/house.pem --output house-3.json")]
pub(crate) struct Sign {
    /// The bundle.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The private key (Ed25519, PKCS#8 in PEM). It is made if there is none, and its public half beside it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the signed bundle goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// List the bundles of a door: which version counts, and which is being tried.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    at: At,
}

/// Put a signed bundle into the shadow: what it finds is recorded, and has no effect.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// The signed bundle.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    at: At,
}

/// Which bundle.
#[derive(Debug, Args)]
#[command(
    after_help = "A door that runs takes it up within a second; its record says `rules-changed`. A guard takes it up when it starts."
)]
pub(crate) struct Of {
    /// Its name.
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
struct At {
    /// The configuration that the door runs with.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

impl At {
    fn shelf(&self) -> Result<Shelf, Failure> {
        let config = serve::load(&self.config)?;
        if config.rules.keys.is_empty() {
            return Err(Failure::new("`rules.keys` is empty: nobody's bundles are trusted")
                .help("name a public key there, in PEM; `doorward rules sign` makes one"));
        }
        shelf(&config.rules.dir, &config.rules.keys)
    }
}

impl Rules {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::Check(check) => check.run(out)?,
            Self::Sign(sign) => sign.run(out)?,
            Self::List(list) => show(&list.at.shelf()?.load().map_err(unusable)?.placed, out),
            Self::Install(install) => {
                let envelope = read(&install.file)?;
                let step = install.at.shelf()?.install(&envelope).map_err(unusable)?;
                tell("in the shadow:", step.is.shadow, &step, out);
            }
            Self::Enforce(of) => {
                let step = of.at.shelf()?.enforce(&of.name).map_err(unusable)?;
                tell("enforced:", step.is.enforced, &step, out);
            }
            Self::Rollback(of) => {
                let step = of.at.shelf()?.roll_back(&of.name).map_err(unusable)?;
                let was = step.was.as_ref();
                tell("taken back:", was.and_then(|was| was.shadow.or(was.enforced)), &step, out);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    fn run(self, out: &Out) -> Result<(), Failure> {
        let content = read(&self.file)?;
        // Who signed it is not asked here: this is for those who write bundles.
        let bundle = tried(&self.file, &unsigned(&content))?;
        let examples: usize = bundle
            .rules()
            .map(|rule| rule.positives.len() + rule.near_misses.len() + rule.bypasses.len())
            .sum();
        let (name, version, rules) = (bundle.name(), bundle.version(), bundle.rules().count());
        if out.json {
            out.line(
                serde_json::json!({ "name": name, "version": version, "rules": rules, "examples": examples }),
            );
        } else {
            let (rules, examples) = (count(rules, "rule"), count(examples, "example"));
            out.line(format_args!("{} {name}@{version}, {rules}, {examples}", paint(GOOD, "as it says:")));
        }
        Ok(())
    }
}

impl Sign {
    fn run(self, out: &Out) -> Result<(), Failure> {
        let text = unsigned(&read(&self.file)?);
        let bundle = tried(&self.file, &text)?;
        let is_new = !self.key.exists();
        let key = SigningKey::load(&self.key, true).map_err(|error| Failure::new(error.to_string()))?;
        let public = self.key.with_extension("pub");
        if is_new {
            let made = paint(WARN, "made:");
            out.note(format_args!("{made} {}; add {} to `rules.keys`", self.key.display(), public.display()));
        }
        std::fs::write(&self.output, seal(&text, &key))
            .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", self.output.display())))?;
        let (name, version, id) = (bundle.name(), bundle.version(), key.public().id());
        if out.json {
            out.line(serde_json::json!({ "name": name, "version": version, "key": id, "file": self.output }));
        } else {
            let signed = paint(GOOD, "signed:");
            out.line(format_args!("{signed} {name}@{version} by {id}, in {}", self.output.display()));
        }
        Ok(())
    }
}

/// The folder and keys of a door, or of a guard's command line.
pub(crate) fn shelf(dir: &Path, keys: &[PathBuf]) -> Result<Shelf, Failure> {
    let keys: Result<Vec<_>, _> = keys.iter().map(|key| PublicKey::load(key)).collect();
    let keys = keys.map_err(|error| {
        Failure::new(error.to_string()).help("a public key stands beside its private one, as NAME.pub")
    })?;
    Ok(Shelf::new(dir, keys))
}

pub(crate) fn unusable(error: RulebookError) -> Failure {
    Failure::new(clean(&error.to_string()).to_string()).help(HELP)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::new(format!("cannot read `{}`: {error}", file.display())))
}

/// The bundle of an envelope, whoever signed it, or the text itself.
fn unsigned(content: &[u8]) -> String {
    peek(content).unwrap_or_else(|_| String::from_utf8_lossy(content).into_owned())
}

fn tried(file: &Path, text: &str) -> Result<Bundle, Failure> {
    Bundle::read(text).map_err(|problems| {
        let problems: Vec<_> =
            problems.iter().map(|problem| format!("  {}", clean(&problem.to_string()))).collect();
        let many = count(problems.len(), "problem");
        Failure::usage(format!("{}: {many}\n{}", file.display(), problems.join("\n"))).help(HELP)
    })
}

fn show(placed: &[Placed], out: &Out) {
    if out.json {
        let all: Vec<_> = placed.iter().map(as_json).collect();
        out.line(serde_json::json!(all));
        return;
    }
    if placed.is_empty() {
        out.line("no bundles; the rules that are built in count alone");
        return;
    }
    let mut table = Table::indented(0);
    let version = |version: Option<u64>, text: &str| version.map(|version| format!("{version} {text}"));
    for one in placed {
        table.row([
            Cell::new(NAME, &one.name),
            Cell::new(GOOD, version(one.enforced, "enforced").unwrap_or_default()),
            Cell::new(WARN, version(one.shadow, "in the shadow").unwrap_or_default()),
            cell(version(one.before, "before").unwrap_or_default()),
        ]);
    }
    out.line(&table);
}

fn as_json(placed: &Placed) -> serde_json::Value {
    let Placed { name, enforced, before, shadow, newest } = placed;
    serde_json::json!({ "name": name, "enforced": enforced, "shadow": shadow, "before": before, "newest": newest })
}

fn tell(what: &str, version: Option<u64>, step: &Step, out: &Out) {
    let is = &step.is;
    if out.json {
        out.line(as_json(is));
        return;
    }
    let counts = match is.enforced {
        Some(version) => format!("{}@{version} counts", is.name),
        None => format!("nothing of {} counts", is.name),
    };
    let version = version.map_or_else(String::new, |version| format!("@{version}"));
    out.line(format_args!("{} {}{version}; {counts}", paint(GOOD, what), is.name));
}
