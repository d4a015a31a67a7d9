//! A recorded charger, through a real pseudo-terminal.

use crate::device_file;
use crate::support::Running;
use crate::tic::Line;
use ballast_model::{Quality, Value};
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn a_recorded_charger() {
    // It lies beside the repository.
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/data/telegrams/vedirect_bluesolar_1.23.dump");
    let Ok(recorded) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let line = Line::new("charger");
    let definition = device_file::read(&device_file::all()["victron-vedirect-charger"]);
    let mut site = device_file::site(&definition, &ballast_drivers::vedirect::SPEC, &BTreeMap::new());
    site.definition.settings.set("port", line.path());
    let running = Running::start(site.open());
    running.wait_link(true, 0);
    // Faster than its line, to be done in a second; a pseudo-terminal waits for its reader.
    line.send(&recorded, 921_600);
    running.wait("every block", |_| {
        let counters = running.handle.counters();
        counters.good + counters.bad >= 247
    });
    let counters = running.handle.counters();
    assert_eq!(
        (counters.good, counters.bad),
        (247, 0),
        "seven of them with a frame of the HEX protocol before them"
    );
    let heard = running.wait("everything", |_| true);
    let of = |name: &str| {
        let point = site.point(name);
        heard.samples.iter().filter(move |sample| sample.point == point)
    };
    assert!(heard.samples.iter().all(|sample| sample.quality == Quality::Good));
    // The recording begins behind the end of a block; its first whole block is the second one.
    for (name, expected) in
        [("voltage", 12.53), ("current", 0.64), ("panel_voltage", 31.39), ("energy", 82_720.0)]
    {
        let Some(Value::Number(found)) = of(name).next().unwrap().value else { panic!("{name}") };
        assert!((found.get() - expected).abs() < 1e-9, "{name} {found:?}");
    }
    assert_eq!(of("voltage").count(), 247);
}
