//! What the replay tests of all crates share: a target over its seeds, and over what lies next to them.

use std::path::Path;

/// Runs the target over its seeds and past findings, over each cut at every length below `near`, and over each with one
/// byte changed at half as many places.
pub(crate) fn replay(target: &str, near: usize, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/seeds").join(target);
    let mut replayed = 0;
    for entry in std::fs::read_dir(&folder).expect("the seeds stand beside the targets") {
        let seed = std::fs::read(entry.expect("an entry").path()).expect("a seed");
        run(&seed);
        for length in 0..seed.len().min(near) {
            run(&seed[..length]);
        }
        for at in (0..seed.len()).step_by(seed.len() * 2 / near + 1) {
            let mut changed = seed.clone();
            changed[at] ^= 0x41;
            run(&changed);
        }
        replayed += 1;
    }
    assert!(replayed >= 5, "{target} has {replayed} seeds");
}
