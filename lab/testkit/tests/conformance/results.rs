//! What the runner wrote: a folder for each scenario, named after it and ending in a date, with its checks.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

/// One scenario, as it went.
pub(crate) struct Scenario {
    /// Its folder.
    pub(crate) name: String,
    checks: Vec<Value>,
}

impl Scenario {
    /// What is wrong, one line each. A warning is as bad as a failure: the suite counts it as one.
    pub(crate) fn faults(&self) -> Vec<String> {
        let bad = |check: &&Value| !["SUCCESS", "INFO", "SKIPPED"].contains(&status(check));
        let told = |check: &Value| format!("{} {}: {}", status(check), check["id"], check["errorMessage"]);
        self.checks.iter().filter(bad).map(told).collect()
    }

    /// Says whether it is the scenario of a name: its folder has the runner's kind in front and a date behind.
    pub(crate) fn is(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix("server-").and_then(|rest| rest.strip_prefix(name));
        rest.and_then(|rest| rest.strip_prefix('-')).is_some_and(|date| date.starts_with("20"))
    }

    /// Says whether it went as it must.
    pub(crate) fn is_good(&self) -> bool {
        self.is_shown() && self.faults().is_empty()
    }

    /// Says whether anything was found right: a scenario that checks nothing shows nothing.
    pub(crate) fn is_shown(&self) -> bool {
        self.checks.iter().any(|check| status(check) == "SUCCESS")
    }
}

fn status(check: &Value) -> &str {
    check["status"].as_str().unwrap_or_default()
}

/// Reads all scenarios, by name.
pub(crate) fn read(results: &Path) -> Vec<Scenario> {
    let mut all = Vec::new();
    for folder in std::fs::read_dir(results).expect("the runner wrote its results").flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(folder.path().join("checks.json")) else {
            // A name with a slash in it is a folder in a folder.
            all.extend(
                read(&folder.path())
                    .into_iter()
                    .map(|one| Scenario { name: format!("{name}/{}", one.name), ..one }),
            );
            continue;
        };
        let Ok(Value::Array(checks)) = serde_json::from_str(&text) else {
            panic!("no list of checks: {text}")
        };
        all.push(Scenario { name, checks });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Writes down every fault.
pub(crate) fn told(all: &[Scenario]) -> String {
    let mut text = String::new();
    for scenario in all {
        for fault in scenario.faults() {
            let _ = writeln!(text, "{}: {fault}", scenario.name);
        }
    }
    text
}
