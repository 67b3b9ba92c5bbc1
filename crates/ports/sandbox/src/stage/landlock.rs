//! Landlock: the same rules of files once more, by another mechanism, and walls that namespaces do not have.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};

use super::{Failure, Step, loopback, tree};
use crate::plan::Plan;
use crate::report::{Line, Mechanism};

/// The newest set of rules that was thought through; an older kernel enforces what it knows of them.
const KNOWN: ABI = ABI::V7;

pub(super) fn apply(plan: &Plan) -> Result<Line, Failure> {
    let doing = "setting Landlock rules";
    let written = plan.binds.iter().filter(|bind| bind.write).map(|bind| bind.path.clone());
    let written: Vec<_> = tree::SCRATCH.iter().map(PathBuf::from).chain(written).collect();
    let devices = tree::DEVICES.map(|name| Path::new("/dev").join(name));
    let asked = plan.learn.then_some(loopback::RESOLVER_PORT);
    let ports = plan.hosts.iter().map(|host| host.port).chain(asked);
    let ports = ports.map(|port| Ok(NetPort::new(port, AccessNet::ConnectTcp)));
    let devices_allow = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(KNOWN)))
        .and_then(|rules| rules.scope(Scope::from_all(KNOWN)))
        .and_then(|rules| rules.create())
        .and_then(|rules| rules.add_rules(path_beneath_rules(["/"], AccessFs::from_read(KNOWN))))
        .and_then(|rules| rules.add_rules(path_beneath_rules(&written, without_devices())))
        .and_then(|rules| rules.add_rules(path_beneath_rules(&devices, devices_allow)))
        .and_then(|rules| rules.add_rules(ports))
        .and_then(|rules| rules.restrict_self())
        .step(doing)?;
    let (enforced, how) = match status.ruleset {
        RulesetStatus::FullyEnforced => (true, "files, ports, signals and abstract sockets".to_owned()),
        RulesetStatus::PartiallyEnforced => (
            false,
            format!(
                "in part only, as this kernel knows it ({:?}); namespaces hold the rest",
                status.landlock
            ),
        ),
        RulesetStatus::NotEnforced => {
            (false, "this kernel has none, or it is off; namespaces hold it all".to_owned())
        }
    };
    Ok(Line { mechanism: Mechanism::Landlock, enforced, how })
}

/// Everything that can be done to a file, but making devices.
fn without_devices() -> landlock::BitFlags<AccessFs> {
    AccessFs::from_all(KNOWN) & !(AccessFs::MakeChar | AccessFs::MakeBlock)
}
