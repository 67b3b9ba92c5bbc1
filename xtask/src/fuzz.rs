//! `fuzz`: runs the fuzz targets by hand. They live outside the workspace and need an instrumenting compiler.

use std::path::Path;
use std::process::Command;

const MINUTES: u64 = 10;

/// Fuzzes the named target, or each in turn, for some minutes each.
pub(crate) fn run(root: &Path, args: &[&str]) -> Result<(), String> {
    let targets = targets(root)?;
    let (target, minutes) = match args {
        [] => (None, MINUTES),
        [word] => word.parse().map_or((Some(*word), MINUTES), |minutes| (None, minutes)),
        [target, minutes] => {
            (Some(*target), minutes.parse().map_err(|_| format!("`{minutes}` is not a number of minutes"))?)
        }
        _ => return Err("cargo xtask fuzz [TARGET] [MINUTES]".into()),
    };
    let chosen: Vec<&String> =
        targets.iter().filter(|name| target.is_none_or(|wanted| wanted == *name)).collect();
    if chosen.is_empty() {
        return Err(format!("there is no such target; the targets are {}", targets.join(", ")));
    }
    let has_fuzz = Command::new("cargo")
        .args(["fuzz", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !has_fuzz {
        return Err("cargo-fuzz is not installed; run: cargo install cargo-fuzz --locked".into());
    }
    for name in chosen {
        println!("fuzz: {name}, {minutes} min");
        // What is found on the way is kept out of the seeds: they are chosen, and named for what they are.
        let corpus = format!("fuzz/corpus/{name}");
        std::fs::create_dir_all(root.join(&corpus)).map_err(|error| format!("{corpus}: {error}"))?;
        let status = Command::new("cargo")
            // No code of ours is unsafe, and without a memory checker several times as many inputs are tried.
            .args(["fuzz", "run", "--sanitizer=none", name, &corpus, &format!("fuzz/seeds/{name}"), "--"])
            .args([&format!("-max_total_time={}", minutes * 60), "-timeout=10", "-rss_limit_mb=2048"])
            // Lets a stable compiler take the flags that instrument the code.
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(root)
            .status()
            .map_err(|error| format!("cargo fuzz: {error}"))?;
        if !status.success() {
            return Err(format!("fuzz: {name}: a finding; the input is in fuzz/artifacts/{name}"));
        }
    }
    Ok(())
}

fn targets(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("fuzz/fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
