//! What a browser or a Prometheus asks: metrics and health today, the API and the page later.
//!
//! | module | holds |
//! |---|---|
//! | `exposition` | the text format of the metrics |
//! | `units` | how a unit is called in a metric's name |
//! | `server` | the HTTP server |
//!
//! Nothing here decides or switches anything, and nobody waits for it.

mod exposition;
mod server;
mod units;

pub use exposition::{Exposition, Family, Histogram, Kind};
pub use server::{Health, Status, serve};
pub use units::{MetricUnit, metric_unit};
