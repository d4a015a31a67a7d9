//! Files, ports and signals, through Landlock.

use super::{Confined, Needs};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use std::path::PathBuf;

/// The newest kernel interface whose meaning we know: with it came scopes for signals and abstract sockets.
const KNOWN: ABI = ABI::V6;
/// What a process of any kind reads: the loader, names of hosts and users, certificates, its own numbers, the clocks.
const READS: &[&str] = &[
    "/etc",
    "/lib",
    "/lib64",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self",
    "/proc/stat",
    "/proc/sys",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/systemd",
    "/sys",
    "/usr",
];
/// Device files that are none.
const HARMLESS: &[&str] = &["/dev/null", "/dev/urandom"];

pub(super) fn give_up(needs: &Needs, confined: &mut Confined) {
    match restrict(needs) {
        Ok(abi) => {
            confined.files = abi >= ABI::V1;
            confined.ports = abi >= ABI::V4 && needs.connects.is_some();
            confined.signals = abi >= ABI::V6;
            if abi < ABI::V6 {
                confined
                    .lacks
                    .push(format!("this kernel has version {} of Landlock, 6 has it all", abi as i32));
            }
            if needs.connects.is_none() {
                confined.lacks.push("the ports that it needs are not known".to_owned());
            }
        }
        Err(error) => confined.lacks.push(format!("Landlock: {error}")),
    }
}

fn restrict(needs: &Needs) -> Result<ABI, RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(KNOWN))?;
    let ports = needs.ports();
    if ports.is_some() {
        ruleset = ruleset.handle_access(AccessNet::ConnectTcp)?;
    }
    let created = ruleset.create()?;
    let created = add_files(created, needs)?;
    let created = add_ports(created, needs, ports.into_iter().flatten())?;
    let status = created.restrict_self()?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => effective_abi,
        _ => ABI::Unsupported,
    })
}

fn add_files(created: RulesetCreated, needs: &Needs) -> Result<RulesetCreated, RulesetError> {
    let reads = AccessFs::from_read(KNOWN) & !BitFlags::from(AccessFs::Execute);
    let writes = AccessFs::from_all(KNOWN)
        & !(AccessFs::Execute | AccessFs::MakeBlock | AccessFs::MakeChar | AccessFs::IoctlDev);
    let devices = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::WriteFile | AccessFs::IoctlDev;
    let always = READS.iter().map(PathBuf::from).chain(needs.reads.iter().cloned());
    let harmless = HARMLESS.iter().map(PathBuf::from);
    // Files that are not there are left out: they cannot be opened in any case.
    created
        .add_rules(path_beneath_rules(always, reads))?
        .add_rules(path_beneath_rules(&needs.writes, writes))?
        .add_rules(path_beneath_rules(needs.devices.iter().cloned().chain(harmless), devices))
}

fn add_ports(
    created: RulesetCreated,
    needs: &Needs,
    connects: impl Iterator<Item = u16>,
) -> Result<RulesetCreated, RulesetError> {
    let connects = connects.map(|port| Ok::<_, RulesetError>(NetPort::new(port, AccessNet::ConnectTcp)));
    let listens =
        needs.listens.iter().map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::BindTcp)));
    created.add_rules(connects)?.add_rules(listens)
}
