//! The safety layer as a sans-IO machine; the only maker of a permit.
