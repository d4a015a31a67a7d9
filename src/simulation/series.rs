//! What is drawn of a run: means and extremes over equal bins of time, as many as a picture has room for.

use super::lockstep::Simulation;
use super::measures::{Energy, Observer, by_class};
use ballast_model::Span;
use ballast_plant::Village;
use ballast_plant::village::Record;

/// Bins of a run at most.
pub const BINS_MAX: u64 = 720;
/// A shorter bin shows no more.
const SHORTEST_MS: u64 = 10_000;

/// What happened in one bin.
#[derive(Clone, Debug, Default)]
pub struct Bin {
    /// Lowest, mean and highest frequency, Hz; `None` where the bus was dead all the time.
    pub hertz: Option<(f64, f64, f64)>,
    /// Mean power of each class, W, in the order of [`Series::classes`].
    pub classes_w: Vec<f64>,
    /// Mean power of each source, W, into the bus positive, in the order of [`Series::sources`].
    pub sources_w: Vec<f64>,
    /// Charge of the storage at the end, 0..1.
    pub charge: Option<f64>,
    /// Which share of the bin each output was closed, or away from its default.
    pub engaged: Vec<f64>,
}

/// A run in bins.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Length of a bin, ms.
    pub bin_ms: u64,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Names of the sources.
    pub sources: Vec<String>,
    /// In the order of time.
    pub bins: Vec<Bin>,
}

/// Sums of the bin that is not full yet.
#[derive(Default)]
struct Open {
    begin_ms: u64,
    /// Lowest, highest, Hz; then hertz-milliseconds and milliseconds of the live bus.
    hertz: Option<(f64, f64, f64, f64)>,
    engaged_ms: Vec<f64>,
}

/// Fills a series while a simulation runs.
pub struct Plotter {
    series: Series,
    open: Open,
    now_ms: u64,
    /// Energies at the beginning of the bin, Wh.
    classes_wh: Vec<Energy>,
    sources_wh: Vec<f64>,
}

impl Plotter {
    /// For a run of this length that begins now.
    pub fn new(simulation: &Simulation, length: Span) -> Self {
        let (classes_wh, sources, sources_wh, now_ms) = simulation
            .look(|village| (by_class(village), sources(village), sources_wh(village), village.now_ms()));
        let classes = classes_wh.iter().map(|class| class.name.clone()).collect();
        let bin_ms = length.millis().div_ceil(BINS_MAX).max(SHORTEST_MS);
        let series = Series { bin_ms, classes, sources, bins: Vec::new() };
        let open = Open { begin_ms: now_ms, ..Open::default() };
        Self { series, open, now_ms, classes_wh, sources_wh }
    }

    /// Looks; after each step, when the observer has looked.
    pub fn see(&mut self, simulation: &Simulation, observer: &Observer) {
        let (now_ms, hertz) = simulation.look(|village| (village.now_ms(), village.frequency_hz()));
        let passed_ms = now_ms.saturating_sub(self.now_ms) as f64;
        self.now_ms = now_ms;
        if let Some(hertz) = hertz {
            let (low, high, sum, millis) = self.open.hertz.unwrap_or((hertz, hertz, 0.0, 0.0));
            self.open.hertz =
                Some((low.min(hertz), high.max(hertz), sum + hertz * passed_ms, millis + passed_ms));
        }
        for (index, (_, is_engaged)) in observer.outputs().enumerate() {
            if self.open.engaged_ms.len() <= index {
                self.open.engaged_ms.push(0.0);
            }
            if let Some(sum) = self.open.engaged_ms.get_mut(index).filter(|_| is_engaged) {
                *sum += passed_ms;
            }
        }
        if now_ms - self.open.begin_ms >= self.series.bin_ms {
            self.close(simulation);
        }
    }

    /// The series, with what is left in a last, shorter bin.
    pub fn finish(mut self, simulation: &Simulation) -> Series {
        if self.now_ms > self.open.begin_ms {
            self.close(simulation);
        }
        self.series
    }

    fn close(&mut self, simulation: &Simulation) {
        let (classes_wh, sources_wh, charge) =
            simulation.look(|village| (by_class(village), sources_wh(village), charge(village)));
        let millis = (self.now_ms - self.open.begin_ms).max(1) as f64;
        let hours = millis / 3.6e6;
        let open = std::mem::replace(&mut self.open, Open { begin_ms: self.now_ms, ..Open::default() });
        let classes = classes_wh.iter().zip(&self.classes_wh);
        let sources = sources_wh.iter().zip(&self.sources_wh);
        self.series.bins.push(Bin {
            hertz: open.hertz.map(|(low, high, sum, live_ms)| (low, sum / live_ms.max(1.0), high)),
            classes_w: classes.map(|(now, then)| (now.served_wh - then.served_wh) / hours).collect(),
            sources_w: sources.map(|(now, then)| (now - then) / hours).collect(),
            charge,
            engaged: open.engaged_ms.iter().map(|engaged| (engaged / millis).min(1.0)).collect(),
        });
        (self.classes_wh, self.sources_wh) = (classes_wh, sources_wh);
    }
}

/// Names of what gives and takes: each generating set, then what else there is.
fn sources(village: &Village) -> Vec<String> {
    let spec = village.spec();
    let sets = spec.gensets.iter().map(|set| set.name.clone());
    let others = [
        spec.solar.as_ref().map(|solar| solar.name.clone()),
        spec.wind.as_ref().map(|turbine| turbine.name.clone()),
        spec.storage.as_ref().map(|storage| storage.name.clone()),
        spec.grid.as_ref().map(|grid| grid.name.clone()),
    ];
    sets.chain(others.into_iter().flatten()).collect()
}

/// Energy of each of [`sources`] since the start, Wh, into the bus positive.
fn sources_wh(village: &Village) -> Vec<f64> {
    let (spec, record): (_, &Record) = (village.spec(), village.record());
    let sets = record.gensets_wh.iter().copied().take(spec.gensets.len());
    let others = [
        spec.solar.as_ref().map(|_| record.solar_wh),
        spec.wind.as_ref().map(|_| record.wind_wh),
        spec.storage.as_ref().map(|_| record.discharged_wh - record.charged_wh),
        spec.grid.as_ref().map(|_| record.imported_wh - record.exported_wh),
    ];
    sets.chain(others.into_iter().flatten()).collect()
}

/// The name of each source and its energy since the start, Wh, into the bus positive.
pub fn energies(village: &Village) -> Vec<(String, f64)> {
    sources(village).into_iter().zip(sources_wh(village)).collect()
}

fn charge(village: &Village) -> Option<f64> {
    village.spec().storage.as_ref().map(|storage| village.stored_wh() / storage.capacity_wh)
}
