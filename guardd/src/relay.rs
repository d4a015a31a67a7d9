//! What buses tell, on to the program: as it comes, and to a program that comes later what was told last.

use crate::field::Forward;
use crate::link::{Current, Outbox};
use ballast_drivers::{Batch, Report};
use ballast_host::link::packet::pieces;
use ballast_model::{OutputId, PointId, Sample};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The way from the buses to the program.
#[derive(Debug, Default)]
pub struct Relay {
    /// The program that is connected.
    current: Current,
    latest: Mutex<Latest>,
}

/// What was told last; bounded by the points and outputs of the site.
#[derive(Debug, Default)]
struct Latest {
    /// Which definitions ids mean.
    definitions: u64,
    buses: BTreeMap<Box<str>, OfBus>,
}

#[derive(Debug, Default)]
struct OfBus {
    link: Option<Report>,
    samples: BTreeMap<PointId, Sample>,
    reaches: BTreeMap<OutputId, Report>,
    actuals: BTreeMap<OutputId, Report>,
}

impl Relay {
    /// For a program that is the current one of these.
    pub fn new(current: Current) -> Self {
        Self { current, latest: Mutex::default() }
    }

    /// From now on a program is told what buses tell whose ids mean this, and at once what they told last.
    pub fn begin(&self, outbox: &Outbox, definitions: u64) {
        // Held meanwhile, so that nothing is told between the two and lost.
        let latest = self.latest();
        if latest.definitions == definitions {
            for (bus, of_bus) in &latest.buses {
                pieces(bus, of_bus.batch()).iter().for_each(|piece| outbox.send(piece));
            }
        }
        outbox.tell_of(definitions);
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forward for Relay {
    fn opened(&self, definitions: u64) {
        *self.latest() = Latest { definitions, buses: BTreeMap::new() };
    }

    fn tell(&self, definitions: u64, bus: &str, batch: Batch) {
        let mut latest = self.latest();
        // A bus of another set that had not heard yet that it is closed.
        if latest.definitions != definitions {
            return;
        }
        latest.remember(bus, &batch);
        let outbox = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(outbox) = outbox.filter(|outbox| outbox.tells_of(definitions)) {
            pieces(bus, batch).iter().for_each(|piece| outbox.send(piece));
        }
    }
}

impl Latest {
    fn remember(&mut self, bus: &str, batch: &Batch) {
        if !self.buses.contains_key(bus) {
            self.buses.insert(bus.into(), OfBus::default());
        }
        let Some(of_bus) = self.buses.get_mut(bus) else { return };
        of_bus.samples.extend(batch.samples.iter().map(|sample| (sample.point, *sample)));
        for report in &batch.reports {
            match report {
                Report::Link { .. } => of_bus.link = Some(report.clone()),
                Report::Reach { output, .. } => _ = of_bus.reaches.insert(*output, report.clone()),
                Report::Actual { output, .. } => _ = of_bus.actuals.insert(*output, report.clone()),
                // It happened once.
                Report::Written { .. }
                | Report::Misheard { .. }
                | Report::Unclear { .. }
                | Report::WallClock { .. } => {}
            }
        }
    }
}

impl OfBus {
    fn batch(&self) -> Batch {
        let reports = self.link.iter().chain(self.reaches.values()).chain(self.actuals.values());
        Batch { samples: self.samples.values().copied().collect(), reports: reports.cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_host::link::packet::{PIECE_BYTES_MAX, Packet};
    use ballast_host::link::socket::Socket;
    use ballast_model::{Finite, Mono, Value};
    use std::sync::Arc;

    fn batch(point: u32, value: f64, sequence: u64) -> Batch {
        let value = Value::Number(Finite::saturating(value));
        let samples = vec![Sample::good(PointId(point), value, Mono::from_millis(sequence), sequence)];
        Batch { samples, reports: vec![Report::Link { is_up: true, text: "up".into(), at: Mono::ZERO }] }
    }

    #[test]
    fn who_comes_later_is_told_what_was_told_last_and_then_everything() {
        let relay = Relay::default();
        relay.opened(7);
        relay.tell(7, "wire", batch(1, 1.0, 1));
        relay.tell(7, "wire", batch(1, 2.0, 2));
        relay.tell(7, "wire", batch(2, 3.0, 3));
        let (own, other) = Socket::pair().unwrap();
        let outbox = Arc::new(Outbox::new(1, own));
        *relay.current.lock().unwrap() = Some(Arc::clone(&outbox));
        relay.tell(7, "wire", batch(3, 4.0, 4));
        relay.begin(&outbox, 7);
        relay.tell(7, "wire", batch(1, 5.0, 5));
        // Ids of another set mean something else.
        relay.tell(8, "wire", batch(1, 6.0, 6));
        outbox.finish();
        outbox.write_all();
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        let mut told = Vec::new();
        while let Ok(length @ 1..) = other.receive(&mut buffer) {
            let Ok(Packet::Field { batch, .. }) = Packet::read(&buffer[..length]) else {
                panic!("not a field")
            };
            told.push(
                batch.samples.iter().map(|sample| (sample.point.0, sample.sequence)).collect::<Vec<_>>(),
            );
        }
        assert_eq!(told, [vec![(1, 2), (2, 3), (3, 4)], vec![(1, 5)]]);
    }
}
