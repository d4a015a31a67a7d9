//! How much of what waits for the guard one step of it takes.

use ballast_guard::Input as GuardInput;
use ballast_model::PointId;

/// How many of the inputs fit into one step of the guard: up to the second reading of a point.
pub fn one_step(inputs: &[GuardInput], seen: &mut Vec<PointId>) -> usize {
    seen.clear();
    for (index, input) in inputs.iter().enumerate() {
        if let GuardInput::Sample(sample) = input {
            match seen.binary_search(&sample.point) {
                Ok(_) => return index,
                Err(place) => seen.insert(place, sample.point),
            }
        }
    }
    inputs.len()
}
