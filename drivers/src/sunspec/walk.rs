//! Which models a device has: from the marker over the head of each model to the end.
//!
//! Source: SunSpec Device Information Model Specification: the marker `SunS` stands at register 40000, 50000 or 0, behind it
//! one model after the other with number and length, at the end the number 0xFFFF. A device that lies about a length leads
//! neither in a circle nor past the last register.

/// A model of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    /// Its number.
    pub(crate) id: u16,
    /// The register with its number.
    pub(crate) address: u16,
    /// Registers behind number and length.
    pub(crate) length: u16,
}

impl Model {
    /// Whether so many registers from an offset on belong to it.
    pub(crate) fn holds(self, offset: u16, count: u16) -> bool {
        u32::from(offset) + u32::from(count) <= u32::from(self.length) + 2
    }
}

/// Where the marker can stand, the usual place first.
const BASES: [u16; 3] = [40_000, 50_000, 0];
/// `SunS`.
const MARKER: [u16; 2] = [0x5375, 0x6E53];
/// The number behind the last model.
const END: u16 = 0xFFFF;
/// Models of one device; what comes behind is not looked at. The largest device known to us has a third of it.
pub(crate) const MODELS_MAX: usize = 64;

/// A way through the models of one device.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    at: At,
    models: Vec<Model>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Marker(usize),
    Head(u16),
    End,
}

impl Walk {
    /// A new one.
    pub(crate) fn new() -> Self {
        Self { at: At::Marker(0), models: Vec::new() }
    }

    /// The two registers that are to be read next, by the first; `None` at the end.
    pub(crate) fn next(&self) -> Option<u16> {
        match self.at {
            At::Marker(base) => BASES.get(base).copied(),
            At::Head(address) => Some(address),
            At::End => None,
        }
    }

    /// What they hold; `None`: the device does not have them.
    pub(crate) fn hear(&mut self, registers: Option<[u16; 2]>) {
        self.at = match (self.at, registers) {
            (At::Marker(base), Some(MARKER)) => {
                BASES.get(base).and_then(|base| base.checked_add(2)).map_or(At::End, At::Head)
            }
            (At::Marker(base), _) if base + 1 < BASES.len() => At::Marker(base + 1),
            (At::Head(address), Some([id, length])) => self.model(Model { id, address, length }),
            _ => At::End,
        };
    }

    /// Notes a model; tells what comes behind it.
    fn model(&mut self, model: Model) -> At {
        let behind = u32::from(model.address) + 2 + u32::from(model.length);
        if matches!(model.id, 0 | END) || behind > u32::from(u16::MAX) + 1 || self.models.len() >= MODELS_MAX
        {
            return At::End;
        }
        self.models.push(model);
        match u16::try_from(behind) {
            // Both registers of the next head must be there.
            Ok(next) if next < u16::MAX => At::Head(next),
            _ => At::End,
        }
    }

    /// The models, in their order; none where there is no marker.
    pub(crate) fn models(&self) -> &[Model] {
        &self.models
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Walks through an image; tells how often it read.
    fn walk(mut read: impl FnMut(u16) -> Option<[u16; 2]>) -> (Vec<Model>, usize) {
        let mut walk = Walk::new();
        let mut count = 0;
        while let Some(address) = walk.next() {
            assert!(address < u16::MAX);
            walk.hear(read(address));
            count += 1;
            assert!(count <= MODELS_MAX + BASES.len() + 1, "does not end");
        }
        (walk.models().to_vec(), count)
    }

    fn image(base: u16, models: &[[u16; 2]]) -> impl Fn(u16) -> Option<[u16; 2]> {
        let mut found = vec![(base, MARKER)];
        let mut at = base + 2;
        for model in models {
            found.push((at, *model));
            at = at.wrapping_add(model[1]).wrapping_add(2);
        }
        move |address| found.iter().find(|(place, _)| *place == address).map(|(_, registers)| *registers)
    }

    #[test]
    fn models_are_found_at_each_of_the_three_places() {
        for base in BASES {
            let (models, _) = walk(image(base, &[[1, 66], [103, 50], [END, 0]]));
            let expected = [(1, base + 2, 66), (103, base + 70, 50)];
            assert_eq!(models, expected.map(|(id, address, length)| Model { id, address, length }), "{base}");
        }
        assert_eq!(walk(|_| None), (vec![], 3));
        assert_eq!(walk(|_| Some([1, 2])), (vec![], 3));
    }

    #[test]
    fn a_length_that_lies_ends_the_walk() {
        let (models, _) = walk(image(40_000, &[[1, 66], [103, 0xFFFF]]));
        assert_eq!(models.len(), 1);
        let (models, _) = walk(image(40_000, &[[1, 65535 - 40_004]]));
        assert_eq!(models.len(), 1);
        // Always the same model, without an end.
        let (models, count) = walk(|address| Some(if address == 40_000 { MARKER } else { [103, 0] }));
        assert_eq!((models.len(), count), (MODELS_MAX, MODELS_MAX + 2));
        let model = Model { id: 103, address: 40_070, length: 50 };
        assert!(model.holds(0, 52) && !model.holds(0, 53) && !model.holds(u16::MAX, u16::MAX));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn any_registers_end(registers in prop::collection::vec(prop::option::weighted(0.95, any::<[u16; 2]>()), 1..80)) {
            let mut place = 0;
            let (models, _) = walk(|address| {
                place += 1;
                if address == 40_000 { Some(MARKER) } else { registers[place % registers.len()] }
            });
            for pair in models.windows(2) {
                prop_assert!(pair[0].address < pair[1].address);
            }
        }
    }
}
