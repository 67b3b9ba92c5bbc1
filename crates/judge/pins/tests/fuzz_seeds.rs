//! Replays every seed and past finding of the fuzz targets (`fuzz/`) on the stable compiler.

#![expect(clippy::disallowed_methods, reason = "the cases stand in files")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a seed that cannot be read is a failed test, and a target that panics has found something"
)]

#[path = "../../../../fuzz/targets/pin_drift.rs"]
mod pin_drift;
#[path = "../../../../fuzz/targets/pin_record.rs"]
mod pin_record;
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn pin_record_seeds() {
    replay("pin_record", 200, pin_record::run);
}

#[test]
fn pin_drift_seeds() {
    replay("pin_drift", 100, pin_drift::run);
}

/// A seed that is not read replays nothing but the refusal.
#[test]
fn the_seeds_of_pins_are_pins() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/seeds/pin_record");
    for entry in std::fs::read_dir(folder).expect("the seeds stand beside the targets") {
        let path = entry.expect("an entry").path();
        let read = doorward_pins::Pin::from_record(&std::fs::read(&path).expect("a seed"));
        assert_eq!(read.is_ok(), !path.ends_with("another-hash"), "{}: {:?}", path.display(), read.err());
    }
}
