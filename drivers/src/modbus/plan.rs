//! Which registers are asked for together.
//!
//! What has the same unit, table and period and lies near enough is one request. A request that the device refuses
//! because of an address is split where its widest gap is; what is refused alone is asked again only now and then.

use super::doubt::Watches;
use super::pdu::{Request, Table};
use super::value::Field;
use ballast_model::Span;

/// Largest number of registers in one read (Modbus Application Protocol V1.1b3, section 6.3).
pub(crate) const REGISTERS_MAX: u16 = 125;
/// Bits for each register that a file allows: 2000 of them are the most (the same, section 6.1).
const BITS_PER_REGISTER: u32 = 16;
/// A request that was refused whole is left out of so many rounds.
const REST: u8 = 60;

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// A point, by its slot.
    Point(usize),
    /// What an output is, by its place.
    Output(usize),
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A coil or a discrete input.
    Bit(u16),
    /// Registers.
    Field(Field),
}

/// One value that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Where it stands.
    pub(crate) place: Place,
    /// Where it goes.
    pub(crate) to: To,
    /// It counts something; else it stands for a word or a state, and any number may.
    pub(crate) is_measured: bool,
}

impl Item {
    /// The first address, and the one behind the last.
    pub(crate) fn range(&self) -> (u32, u32) {
        match &self.place {
            Place::Bit(address) => (u32::from(*address), u32::from(*address) + 1),
            Place::Field(field) => field.range(),
        }
    }
}

/// An item with whom and how often it is asked of.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Of which unit, by its place.
    pub(crate) unit: usize,
    /// In which table.
    pub(crate) table: Table,
    /// How often.
    pub(crate) period: Span,
    /// What.
    pub(crate) item: Item,
}

/// How much a unit lets itself be asked at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manners {
    /// Most registers in one request.
    pub(crate) most: u16,
    /// Registers between two values that are read along rather than asked around.
    pub(crate) gap: u16,
}

/// What is asked in one go, or in several after the device refused that.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Of which unit, by its place.
    pub(crate) unit: usize,
    /// In which table.
    pub(crate) table: Table,
    /// How often.
    pub(crate) period: Span,
    items: Vec<Item>,
    parts: Vec<Part>,
    /// Where the next round begins, after one that was too long.
    resume: usize,
    /// Whether its numbers make sense in the order that the file gives, by their sort.
    pub(crate) watches: Watches,
    /// The unit does not have something of it; said once.
    pub(crate) is_missed: bool,
}

/// Items that are asked for by one request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    from: usize,
    to: usize,
    /// The first address of all, and the one behind the last.
    bounds: (u32, u32),
    /// Rounds that it is left out of.
    rests: u8,
}

impl Part {
    fn new(items: &[Item], from: usize, to: usize) -> Self {
        Self { from, to, bounds: bounds(items.get(from..to).unwrap_or_default()), rests: 0 }
    }
}

/// The requests of a site, each as large as its unit allows.
pub(crate) fn blocks(mut wishes: Vec<Wish>, manners: &[Manners]) -> Vec<Block> {
    wishes.sort_by_key(|wish| (wish.unit, wish.table, wish.period, wish.item.range()));
    let mut blocks: Vec<Block> = Vec::new();
    for wish in wishes {
        let Some(manners) = manners.get(wish.unit) else { continue };
        let factor = if wish.table.is_bits() { BITS_PER_REGISTER } else { 1 };
        let (most, gap) = (u32::from(manners.most) * factor, u32::from(manners.gap) * factor);
        let (start, end) = wish.item.range();
        let fits = |block: &Block| {
            let (first, last) = bounds(&block.items);
            (block.unit, block.table, block.period) == (wish.unit, wish.table, wish.period)
                && start <= last + gap
                && end.max(last) - first <= most
        };
        match blocks.last_mut().filter(|block| fits(block)) {
            Some(block) => block.items.push(wish.item),
            None => blocks.push(Block {
                unit: wish.unit,
                table: wish.table,
                period: wish.period,
                items: vec![wish.item],
                parts: Vec::new(),
                resume: 0,
                watches: Watches::default(),
                is_missed: false,
            }),
        }
    }
    for block in &mut blocks {
        block.parts = vec![Part::new(&block.items, 0, block.items.len())];
    }
    blocks
}

/// The first address of all, and the one behind the last.
fn bounds(items: &[Item]) -> (u32, u32) {
    let join = |(first, end): (u32, u32), (from, to): (u32, u32)| (first.min(from), end.max(to));
    items.iter().map(Item::range).reduce(join).unwrap_or((0, 0))
}

impl Block {
    /// Everything in it.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// The items of one request.
    pub(crate) fn part(&self, part: usize) -> &[Item] {
        self.parts.get(part).and_then(|part| self.items.get(part.from..part.to)).unwrap_or_default()
    }

    /// The part that holds a point.
    pub(crate) fn part_of(&self, slot: usize) -> Option<usize> {
        let place = self.items.iter().position(|item| item.to == To::Point(slot))?;
        self.parts.iter().position(|part| (part.from..part.to).contains(&place))
    }

    /// The request of a part, and its first address.
    pub(crate) fn request(&self, part: usize) -> Option<(Request, u16)> {
        let (first, end) = self.parts.get(part)?.bounds;
        let count = u16::try_from(end - first).ok().filter(|count| *count > 0)?;
        let first = u16::try_from(first).ok()?;
        Some((Request::Read { table: self.table, first, count }, first))
    }

    /// The part with which a round begins.
    pub(crate) fn begin(&self) -> usize {
        self.next(self.resume).or_else(|| self.next(0)).unwrap_or(0)
    }

    /// The first part from `from` on that does not rest.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        (from..self.parts.len()).find(|part| self.parts.get(*part).is_some_and(|part| part.rests == 0))
    }

    /// The device refuses the addresses of a part: it is split and asked again, or rests where it is one item alone.
    /// Whether it was split.
    pub(crate) fn refused(&mut self, part: usize) -> bool {
        let items = self.part(part);
        let count = items.len();
        if count < 2 {
            if let Some(part) = self.parts.get_mut(part) {
                part.rests = REST;
            }
            return false;
        }
        // At the widest gap; among equal ones at the middle.
        let gap = |place: &usize| {
            let (_, end) = bounds(items.get(..*place).unwrap_or_default());
            let start = items.get(*place).map_or(0, |item| item.range().0);
            (start.saturating_sub(end), std::cmp::Reverse(place.abs_diff(count / 2)))
        };
        let cut = (1..count).max_by_key(gap).unwrap_or(1);
        if let Some(old) = self.parts.get_mut(part) {
            let (from, to) = (old.from, old.to);
            *old = Part::new(&self.items, from, from + cut);
            self.parts.insert(part + 1, Part::new(&self.items, from + cut, to));
        }
        true
    }

    /// A round is over, the next one begins at `resume`; the items that rest and were left out of it.
    pub(crate) fn end_round(&mut self, resume: usize) -> Vec<To> {
        self.resume = resume;
        let mut left_out = Vec::new();
        for part in self.parts.iter_mut().filter(|part| part.rests > 0) {
            part.rests -= 1;
            left_out
                .extend(self.items.get(part.from..part.to).unwrap_or_default().iter().map(|item| item.to));
        }
        // With nobody left, all are asked.
        if self.parts.iter().all(|part| part.rests > 0) {
            self.parts.iter_mut().for_each(|part| part.rests = 0);
        }
        left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modbus::value::{Form, Order};
    use proptest::prelude::*;

    fn wish(unit: usize, register: u16, form: Form) -> Wish {
        let field =
            Field { register, form, order: Order::default(), no_value: Box::default(), scale_register: None };
        let to = To::Point(usize::from(register));
        let item = Item { place: Place::Field(field), to, is_measured: true };
        Wish { unit, table: Table::Holding, period: Span::from_secs(1), item }
    }

    fn asked(blocks: &[Block]) -> Vec<(u16, u16)> {
        let of = |block: &Block| {
            let parts: Vec<_> = (0..block.parts.len()).filter_map(|part| block.request(part)).collect();
            parts.into_iter().map(|(request, _)| match request {
                Request::Read { first, count, .. } => (first, count),
                other => panic!("{other:?}"),
            })
        };
        blocks.iter().flat_map(of).collect()
    }

    const MANNERS: Manners = Manners { most: 10, gap: 2 };

    #[test]
    fn what_lies_near_is_asked_together() {
        let wishes = [(0, 20), (0, 0), (0, 4), (0, 2), (0, 9), (1, 2), (0, 7)];
        let wishes: Vec<Wish> = wishes.iter().map(|(unit, at)| wish(*unit, *at, Form::Unsigned(1))).collect();
        let blocks = blocks(wishes, &[MANNERS; 2]);
        assert_eq!(asked(&blocks), [(0, 10), (20, 1), (2, 1)]);
        let wide = [wish(0, 0, Form::Float(2)), wish(0, 8, Form::Float(2)), wish(0, 10, Form::Float(2))];
        let manners = Manners { most: 10, gap: 6 };
        assert_eq!(asked(&super::blocks(wide.to_vec(), &[manners])), [(0, 10), (10, 2)]);
    }

    #[test]
    fn coils_are_counted_in_bits() {
        let bit = |address| Wish {
            table: Table::Coil,
            item: Item { place: Place::Bit(address), to: To::Point(0), is_measured: false },
            ..wish(0, 0, Form::Bit(0))
        };
        let blocks = blocks(vec![bit(0), bit(32), bit(66), bit(161)], &[MANNERS]);
        assert_eq!(asked(&blocks), [(0, 33), (66, 1), (161, 1)]);
    }

    #[test]
    fn a_refused_request_is_split_at_its_gaps_until_who_is_refused_stands_alone() {
        let wishes = [0, 1, 4, 5].map(|at| wish(0, at, Form::Unsigned(1)));
        let mut blocks = blocks(wishes.to_vec(), &[MANNERS]);
        let block = &mut blocks[0];
        assert!(block.refused(0));
        assert_eq!(asked(std::slice::from_ref(block)), [(0, 2), (4, 2)]);
        assert!(block.refused(1));
        assert_eq!(asked(std::slice::from_ref(block)), [(0, 2), (4, 1), (5, 1)]);
        assert!(!block.refused(1));
        assert_eq!((block.next(0), block.next(1)), (Some(0), Some(2)), "register 4 rests");
        for _ in 0..REST {
            assert_eq!(block.next(1), Some(2));
            assert_eq!(block.end_round(0), [To::Point(4)]);
        }
        assert_eq!((block.next(1), block.end_round(0)), (Some(1), vec![]));
    }

    #[test]
    fn where_all_are_refused_all_are_asked_again() {
        let mut blocks = blocks(vec![wish(0, 0, Form::Unsigned(1))], &[MANNERS]);
        assert!(!blocks[0].refused(0));
        assert_eq!((blocks[0].end_round(0), blocks[0].next(0)), (vec![To::Point(0)], Some(0)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn every_item_is_in_exactly_one_request(
            places in proptest::collection::vec((0usize..2, 0u16..300), 1..40),
            most in 4u16..126,
            gap in 0u16..20,
            refusals in proptest::collection::vec(0usize..8, 0..20),
        ) {
            let wishes: Vec<Wish> = places.iter().map(|(unit, at)| wish(*unit, *at, Form::Float(4))).collect();
            let count = wishes.len();
            let mut blocks = blocks(wishes, &[Manners { most, gap }; 2]);
            for (place, part) in refusals.into_iter().enumerate() {
                let which = place % blocks.len();
                blocks[which].refused(part);
            }
            let items: usize = blocks.iter().map(|block| (0..block.parts.len()).map(|part| block.part(part).len()).sum::<usize>()).sum();
            prop_assert_eq!(items, count);
            for (first, registers) in asked(&blocks) {
                prop_assert!(registers <= most && registers > 0, "{} from {}", registers, first);
            }
        }
    }
}
