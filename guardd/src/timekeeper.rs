//! Tells the guard of the wall clock and of the sun, which takes reading files: on a thread of its own.

use crate::limits::{SUN_PERIOD, WALL_DRIFT_MS, WALL_PERIOD};
use crate::news::News;
use ballast_host::Clock;
use ballast_model::almanac::{SUN_POINT, sun_elevation_deg};
use ballast_model::catalog::{Catalog, Noun};
use ballast_model::time::Wall;
use ballast_model::{Finite, Sample, Value};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The nouns that are in force; changed by whoever changes the set.
pub type Nouns = Arc<Mutex<Arc<Catalog>>>;

/// Runs until nobody listens any more.
pub fn run(clock: &Clock, nouns: &Nouns, inbox: &SyncSender<News>) {
    let mut known = Wall::UNKNOWN;
    let mut sun_told: Option<Instant> = None;
    loop {
        let wall = clock.wall();
        let drift = wall.utc.millis().abs_diff(known.utc_untrusted(wall.at).millis());
        if wall.trusted != known.trusted || drift > WALL_DRIFT_MS {
            match inbox.try_send(News::Wall(wall)) {
                Ok(()) => (known, sun_told) = (wall, None),
                // Tried again in a moment.
                Err(TrySendError::Full(_)) => {}
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        if sun_told.is_none_or(|told| told.elapsed() >= SUN_PERIOD) {
            let catalog = Arc::clone(&nouns.lock().unwrap_or_else(PoisonError::into_inner));
            if let Some(sample) = sun(&catalog, &known, clock) {
                match inbox.try_send(News::Own(sample)) {
                    Ok(()) => sun_told = Some(Instant::now()),
                    Err(TrySendError::Full(_)) => {}
                    Err(TrySendError::Disconnected(_)) => return,
                }
            }
        }
        std::thread::sleep(WALL_PERIOD);
    }
}

/// The height of the sun, where the site has a place and the wall clock is known.
fn sun(catalog: &Catalog, wall: &Wall, clock: &Clock) -> Option<Sample> {
    let Noun::Point(point) = catalog.resolve(SUN_POINT)? else { return None };
    let now = clock.now();
    let height = sun_elevation_deg(catalog.place?, wall.utc(now)?);
    Some(Sample::good(point, Value::Number(Finite::new(height)?), now, now.nanos()))
}
