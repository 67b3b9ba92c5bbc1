//! What a process is after it was hardened.

use doorward_accounts::harden;
use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

// control: LOC-09: after hardening no other process of the user can attach, and a crash leaves no core file
#[test]
fn a_hardened_process_keeps_its_memory_to_itself() {
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::Dumpable, "as a process starts");
    let hardened = harden();
    assert!(hardened.no_attach && hardened.no_core);
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    let core = getrlimit(Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
    let open = getrlimit(Resource::Memlock).current.is_none();
    assert!(!hardened.locked || open, "memory is locked only where the limit is open");
    assert_eq!(harden(), hardened, "and once more changes nothing");
}
