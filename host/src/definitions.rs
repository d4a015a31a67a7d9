//! Whether what is open may go on under texts that were read anew.

use ballast_model::Catalog;
use ballast_model::device::{BusDefinition, Settings};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A number that stands for these buses and for what the ids in them mean: with another one they must be opened anew. It
/// says so within one run of one program only.
pub fn fingerprint<'a>(catalog: &Catalog, buses: impl IntoIterator<Item = &'a BusDefinition>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&catalog.points, &catalog.outputs).hash(&mut hasher);
    for bus in buses {
        (&bus.name, &bus.driver).hash(&mut hasher);
        let settings = std::iter::once(&bus.settings)
            .chain(bus.points.iter().map(|point| &point.settings))
            .chain(bus.outputs.iter().map(|output| &output.settings));
        for setting in settings.flat_map(Settings::iter) {
            (setting.key, setting.value).hash(&mut hasher);
        }
    }
    hasher.finish()
}
