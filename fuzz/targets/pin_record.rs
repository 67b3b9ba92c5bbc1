//! Stored pins: what is read is what would be written, byte for byte; what is pinned passes only where it stands.

use doorward_pins::{Drift, First, Pin, Stand, Verdict, admit, judge};
use doorward_types::Timestamp;

pub(crate) fn run(data: &[u8]) {
    let Ok(pin) = Pin::from_record(data) else { return };
    assert_eq!(pin.to_record(), data);
    let pinned = &pin.current().definition;
    assert_eq!(judge(pinned, pinned), Drift::Same);
    let at = Timestamp::from_secs(1_795_176_000);
    let passes = matches!(admit(First::OnUse, Some(&pin), pin.server(), pinned, at), Verdict::Pass);
    assert_eq!(passes, matches!(pin.stand(at), Stand::Approved | Stand::FirstUse));
    for version in pin.rejected() {
        let verdict = admit(First::OnUse, Some(&pin), pin.server(), &version.definition, at);
        let is_pinned = matches!(judge(pinned, &version.definition), Drift::Same | Drift::Cosmetic);
        assert!(is_pinned || matches!(verdict, Verdict::Blocked(..)), "{verdict:?}");
    }
}
