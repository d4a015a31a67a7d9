//! Which registers are read, and what they held.

use super::walk::Model;

/// Registers that are read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Block {
    /// The first.
    pub(crate) address: u16,
    /// How many.
    pub(crate) count: u16,
}

/// Registers that one request may ask for: Modbus Application Protocol V1.1b3, section 6.3.
const BLOCK_MAX: u16 = 125;

/// Part of a model: from an offset on, so many registers.
pub(crate) type Part = (Model, u16, u16);

/// The fewest requests for these parts. A request stays within one model; the first one of a model reads its number and
/// length too, so that [`Image::has_moved`] can tell whether it is still there.
pub(crate) fn plan(parts: &[Part]) -> Vec<Block> {
    let mut sorted: Vec<(u16, u16, u16)> = Vec::with_capacity(parts.len() * 2);
    for (model, offset, count) in parts {
        sorted.push((model.address, 0, 2));
        sorted.push((model.address, *offset, *count));
    }
    sorted.sort_unstable();
    let mut blocks: Vec<(u16, Block)> = Vec::new();
    for (model, offset, count) in sorted {
        let Some(address) = model.checked_add(offset) else { continue };
        if let Some((open, block)) = blocks.last_mut() {
            let whole = address.saturating_sub(block.address).saturating_add(count);
            if *open == model && whole <= BLOCK_MAX {
                block.count = block.count.max(whole);
                continue;
            }
        }
        blocks.push((model, Block { address, count }));
    }
    blocks.into_iter().map(|(_, block)| block).collect()
}

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    parts: Vec<(u16, Vec<u16>)>,
}

impl Image {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.parts.clear();
    }

    /// Keeps what a block held.
    pub(crate) fn add(&mut self, block: Block, registers: Vec<u16>) {
        self.parts.push((block.address, registers));
    }

    /// What these registers of a model hold; `None` where they were not read or do not belong to it.
    pub(crate) fn get(&self, model: Model, offset: u16, count: u16) -> Option<&[u16]> {
        if !model.holds(offset, count) {
            return None;
        }
        let address = model.address.checked_add(offset)?;
        self.parts.iter().find_map(|(first, registers)| {
            let from = usize::from(address.checked_sub(*first)?);
            registers.get(from..from + usize::from(count))
        })
    }

    /// Whether another model stands where this one stood.
    pub(crate) fn has_moved(&self, model: Model) -> bool {
        self.get(model, 0, 2).is_some_and(|head| head != [model.id, model.length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MODEL: Model = Model { id: 103, address: 40_070, length: 300 };

    #[test]
    fn what_lies_together_is_read_at_once_and_with_the_head() {
        let block = |address, count| Block { address, count };
        assert_eq!(plan(&[(MODEL, 14, 1), (MODEL, 38, 1), (MODEL, 24, 2)]), [block(40_070, 39)]);
        assert_eq!(plan(&[(MODEL, 123, 2)]), [block(40_070, 125)]);
        assert_eq!(plan(&[(MODEL, 124, 2)]), [block(40_070, 2), block(40_194, 2)]);
        let next = Model { id: 120, address: 40_372, length: 26 };
        assert_eq!(plan(&[(next, 3, 1), (MODEL, 14, 1)]), [block(40_070, 15), block(40_372, 4)]);
    }

    #[test]
    fn a_model_that_is_not_there_any_more_is_noticed() {
        let mut image = Image::default();
        image.add(Block { address: 40_070, count: 4 }, vec![103, 300, 7, 8]);
        assert!(!image.has_moved(MODEL));
        assert_eq!(image.get(MODEL, 2, 2), Some(&[7, 8][..]));
        assert_eq!(image.get(MODEL, 3, 2), None);
        assert_eq!(image.get(Model { length: 1, ..MODEL }, 2, 2), None);
        assert!(
            image.has_moved(Model { id: 101, ..MODEL }) && image.has_moved(Model { length: 50, ..MODEL })
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn every_part_is_read(parts in prop::collection::vec((0u16..3, 0u16..300, 1u16..5), 1..40)) {
            let parts: Vec<Part> = parts
                .into_iter()
                .map(|(model, offset, count)| (Model { id: 1, address: 40_002 + model * 400, length: 398 }, offset, count))
                .collect();
            let mut image = Image::default();
            for block in plan(&parts) {
                prop_assert!(block.count <= BLOCK_MAX);
                image.add(block, (0..block.count).map(|place| block.address + place).collect());
            }
            for (model, offset, count) in parts {
                let expected: Vec<u16> = (0..count).map(|place| model.address + offset + place).collect();
                prop_assert_eq!(image.get(model, offset, count), Some(&expected[..]));
            }
        }
    }
}
