//! A bus with points and outputs as a site would define it, for the tests of the corpora and for the fuzzer, which share it.

use ballast_drivers::OpenBus;
use ballast_drivers::readings::Readings;
use ballast_drivers::shape::{Answer, Job, Poller};
use ballast_model::catalog::{DeviceSpec, Kind, Origin, OutputKind, PointSpec};
use ballast_model::device::{BusDefinition, OutputDefinition, PointDefinition, Settings, Unsaid};
use ballast_model::diagnostic::{FileId, Span as Place};
use ballast_model::{Catalog, DeviceId, Finite, Mono, OutputId, Quality, Span, Unit, Value, Wanted};

/// A bus that is ready: its points are named by what they are and how they are read.
pub(crate) fn bus(
    driver: &str,
    keys: &str,
    points: &[(&str, &str)],
    outputs: &[(&str, &str)],
) -> (OpenBus, Vec<OutputId>) {
    let mut catalog = Catalog::default();
    catalog.devices.push(DeviceSpec { name: "it".into(), label: "".into(), outputs: Vec::new() });
    let mut definition = BusDefinition {
        name: "bus".into(),
        driver: driver.into(),
        driver_at: (FileId(0), Place::new(0, 1)),
        settings: settings(keys),
        points: Vec::new(),
        outputs: Vec::new(),
    };
    for (place, (kind, keys)) in points.iter().enumerate() {
        let point = catalog.add_point(point(&format!("it.p{place}"), kind)).expect("a name of its own");
        definition.points.push(PointDefinition {
            point,
            device: DeviceId(0),
            unsaid: Unsaid::Nothing,
            settings: settings(keys),
        });
    }
    let mut ids = Vec::new();
    for (place, (kind, keys)) in outputs.iter().enumerate() {
        let kind = if kind.is_empty() { OutputKind::Contact } else { OutputKind::Setpoint(unit(kind)) };
        let name = format!("it.o{place}");
        let output =
            catalog.add_output(&name, "", DeviceId(0), kind, Wanted::OPEN).expect("a name of its own");
        let (device, settings) = (DeviceId(0), settings(keys));
        definition.outputs.push(OutputDefinition { output, device, reverts_after: None, settings });
        ids.push(output);
    }
    match ballast_drivers::open(&definition, &catalog) {
        Ok(bus) => (bus, ids),
        Err(mistakes) => panic!("{mistakes:#?}"),
    }
}

/// `register: 4, type: f32`.
fn settings(text: &str) -> Settings {
    let pairs = text.split("; ").filter_map(|pair| pair.split_once(": "));
    Settings::at(pairs, FileId(0), Place::new(0, 1))
}

fn unit(symbol: &str) -> Unit {
    Unit::parse(symbol).expect("a unit")
}

/// A flag (`flag`), words (`words a b`) or a number in a unit.
fn point(name: &str, kind: &str) -> PointSpec {
    let kind = match (kind, kind.strip_prefix("words ")) {
        ("flag", _) => Kind::Flag,
        (_, Some(words)) => Kind::Words(words.split(' ').map(Box::from).collect()),
        (symbol, None) => Kind::Number(unit(symbol)),
    };
    PointSpec {
        device: Some(DeviceId(0)),
        period: Some(Span::from_secs(1)),
        is_instantaneous: true,
        ..PointSpec::new(name, kind, Origin::Measured)
    }
}

/// One that answers: a request for what is sent back, and whether it closes then.
pub(crate) type Peer<'a> = dyn FnMut(&[u8]) -> (Vec<u8>, bool) + 'a;

/// Plays a job to its end; `peer` answers each request.
pub(crate) fn play(poller: &mut dyn Poller, job: Job, out: &mut Readings, peer: &mut Peer<'_>) {
    let mut request = Vec::new();
    let mut step = 0;
    while poller.ask(job, &mut request) {
        // As the bus, which then takes it for strange.
        if step == ballast_drivers::limits::STEPS_MAX {
            return;
        }
        step += 1;
        let (answer, is_end) = peer(&std::mem::take(&mut request));
        match poller.answer(job, &answer, is_end, Mono::from_millis(step as u64), out) {
            Answer::GoOn => {}
            Answer::Done { used, .. } | Answer::Refused { used } | Answer::Absent { used } => {
                assert!(used <= answer.len(), "more was used than came");
                return;
            }
            Answer::Strange | Answer::Unfinished => return,
        }
    }
}

/// Everything that may be asked of a poller, and told.
pub(crate) fn jobs(poller: &dyn Poller, outputs: &[OutputId]) -> Vec<Job> {
    let reads = (0..poller.roster().reads.len()).map(Job::Read);
    let level = Wanted::Level(Finite::new(50.0).expect("a number"));
    let writes = outputs.iter().flat_map(|output| {
        [Wanted::OPEN, Wanted::CLOSED, level].map(|wanted| Job::Write { output: *output, wanted })
    });
    reads.chain(writes).collect()
}

/// What came out has a value exactly where it is good, and every number is one. How many values there were.
pub(crate) fn check(out: &mut Readings) -> usize {
    let batch = std::mem::take(out.batch());
    for sample in &batch.samples {
        assert_eq!(sample.value.is_some(), matches!(sample.quality, Quality::Good), "{sample:?}");
        if let Some(Value::Number(number)) = sample.value {
            assert!(number.get().is_finite());
        }
    }
    batch.samples.iter().filter(|sample| sample.value.is_some()).count()
}
