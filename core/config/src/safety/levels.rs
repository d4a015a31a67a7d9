//! What a person may ask of a setpoint: the `values` of `safety.yaml`, asked at the door.
//!
//! The guard would move a wish to the nearest allowed value. For a rule that is right; a person is told instead, so that
//! nobody believes to have set what the output cannot be.

use ballast_guard::plan::Envelope;
use ballast_model::catalog::OutputSpec;
use ballast_model::{Finite, Wanted};

/// Why a person may not ask this of an output, with what is allowed; `None` when it may be asked. Contacts take either
/// state. A value between two steps is left to the guard, which rounds it.
pub fn refusal(spec: &OutputSpec, envelope: &Envelope, wanted: Wanted) -> Option<String> {
    let (Wanted::Level(level), Some(allowed)) = (wanted, &envelope.level) else { return None };
    let is_inside = |(low, high): &(Finite, Finite)| (*low..=*high).contains(&level);
    if wanted == envelope.safe || allowed.ranges.iter().any(is_inside) {
        return None;
    }
    let show = |value: Finite| spec.show(Wanted::Level(value));
    let range = |(low, high): &(Finite, Finite)| {
        if low == high { show(*low) } else { format!("{} to {}", show(*low), show(*high)) }
    };
    let ranges: Vec<String> = allowed.ranges.iter().map(range).collect();
    Some(format!("{} cannot be {}: safety.yaml allows {}", spec.name, show(level), ranges.join(", ")))
}

#[cfg(test)]
mod tests {
    use crate::checks::fixture::{DRIVERS, OUTPUTS, SITE};
    use crate::diagnostics::Diagnostics;
    use crate::load::{File, Files, load};
    use crate::sources::Sources;
    use ballast_model::catalog::Noun;
    use ballast_model::{Finite, Wanted};

    #[test]
    fn a_person_hears_what_a_setpoint_may_be() {
        let files = Files {
            site: File::Bytes(SITE.as_bytes()),
            safety: File::Bytes(OUTPUTS.as_bytes()),
            devices: vec![],
        };
        let site = load(&files, DRIVERS, &mut Sources::new(), &mut Diagnostics::new()).unwrap();
        let asked = |name: &str, wanted: Wanted| {
            let Some(Noun::Output(output)) = site.catalog.resolve(name) else { panic!("{name}") };
            let envelope = site.safety.envelopes.get(output.index()).unwrap();
            super::refusal(site.catalog.output(output).unwrap(), envelope, wanted)
        };
        let level = |watts: f64| asked("battery", Wanted::Level(Finite::new(watts).unwrap()));
        for allowed in [0.0, 200.0, 1234.5, 2000.0] {
            assert_eq!(level(allowed), None, "{allowed}");
        }
        let all = "safety.yaml allows 0 W, 200 W to 2000 W";
        assert_eq!(level(100.0), Some(format!("battery cannot be 100 W: {all}")));
        assert_eq!(level(9000.0), Some(format!("battery cannot be 9000 W: {all}")));
        assert_eq!(asked("charger", Wanted::CLOSED), None);
    }
}
