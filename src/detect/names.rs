//! Devices that tell their name in the local network (mDNS): asked by multicast, answered by whoever is there.

use super::{Bus, Findings, Reader};
use crate::report::language::{Language, say};
use ballast_drivers::detect::of_name;
use mdns_sd::{ServiceDaemon, ServiceEvent};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Kinds of service that are looked for, the one that says most first.
const SERVICES: [&str; 5] =
    ["_shelly._tcp", "_enphase-envoy._tcp", "_modbus._tcp", "_mqtt._tcp", "_http._tcp"];
/// Names that are kept, at most.
const NAMES_MAX: usize = 1000;
/// How long one service is listened for before the next one is looked at.
const TURN: Duration = Duration::from_millis(20);

/// A name that was told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    service: usize,
    name: String,
}

/// Asks and listens for so long.
///
/// # Errors
/// A sentence: there is no socket for it.
pub fn hear(lasting: Duration, reader: Reader<'_>) -> Result<Findings, String> {
    let wrong = |error: mdns_sd::Error| format!("mDNS: {error}");
    let daemon = ServiceDaemon::new().map_err(wrong)?;
    let mut ears = Vec::new();
    for service in SERVICES {
        ears.push(daemon.browse(&format!("{service}.local.")).map_err(wrong)?);
    }
    let mut told: BTreeMap<Told, String> = BTreeMap::new();
    let start = Instant::now();
    while start.elapsed() < lasting {
        (reader.progress)("s mDNS", start.elapsed().as_secs() as usize, lasting.as_secs() as usize);
        for (service, ear) in ears.iter().enumerate() {
            while let Ok(event) = ear.recv_timeout(TURN) {
                let ServiceEvent::ServiceResolved(found) = event else { continue };
                let name = found.fullname.split("._").next().unwrap_or_default().to_owned();
                let address = found.get_addresses_v4().into_iter().min();
                if let Some(address) = address.filter(|_| told.len() < NAMES_MAX && !name.is_empty()) {
                    told.insert(Told { service, name }, format!("{address}:{}", found.get_port()));
                }
            }
        }
    }
    // It ends with this program in any case.
    let _ = daemon.shutdown();
    Ok(findings(&told, reader.language))
}

fn findings(told: &BTreeMap<Told, String>, language: Language) -> Findings {
    let mut findings = Findings::default();
    let bus = Bus { name: "web".to_owned(), driver: "http", keys: Vec::new() };
    for (Told { service, name }, address) in told {
        let service = SERVICES.get(*service).copied().unwrap_or_default();
        let plain = address.strip_suffix(":80").unwrap_or(address);
        match (service, of_name(service, name, plain)) {
            (_, Some(found)) => {
                if !findings.devices.iter().any(|(_, known)| known.key == found.key) {
                    findings.devices.push((bus.clone(), found));
                }
            }
            ("_modbus._tcp", None) => {
                findings.remarks.push(format!("{name}: ballast detect --modbus {address}"))
            }
            ("_mqtt._tcp", None) => {
                findings.remarks.push(format!("{name}: ballast detect --mqtt mqtt://{address}"))
            }
            _ => findings.remarks.push(say!(
                language,
                "{name} ({service}) at {address}: no device file is known by its name",
                "{name} ({service}) à {address} : aucun fichier d'appareil n'est connu par son nom"
            )),
        }
    }
    if told.is_empty() {
        let text = language.say("mDNS: nobody tells a name", "mDNS : personne ne donne de nom");
        findings.remarks.push(text.to_owned());
    }
    findings
}
