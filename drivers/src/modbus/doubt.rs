//! Whether numbers of a device come in another order of their registers than its file says.
//!
//! A number read in the wrong order is a number all the same, and mostly one that no range excludes: 230.2 V become
//! 0.00000004, and 1225 W become 80281600. One alone says little. But where most floats of an answer are of a size that no
//! meter tells, and all of them would be of a usual size in the other order; or where all whole numbers would be small in the
//! other order, none of them is believed. A number that stands alone is held back, and not believed once it was so three times
//! in a row. It must never doubt an answer of which the other order makes less sense.

use super::plan::{Item, Place};
use super::value::{Field, Form, ORDERS, Order, Registers, Said};

/// Sizes that meters tell, of whatever unit: a microampere to a gigawatt-hour in watt-hours. This project's own choice.
const USUAL: std::ops::Range<f64> = 1e-6..1e9;

/// Fewer numbers that are not zero say little.
const NUMBERS_MIN: usize = 2;

/// So often in a row a number that stands alone must say the contrary of what is believed.
const TIMES: u8 = 3;

/// What is looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// Floats.
    Float,
    /// Whole numbers of several registers.
    Whole,
}

/// The order of a file, and the one in which the numbers make sense.
pub(super) type Orders = (&'static str, &'static str);

/// What the numbers of one answer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// None of them is there, or all are zero: that is the same in every order.
    Nothing,
    /// They make sense. It is certain where the other order makes none, or where there are several.
    Sound { is_certain: bool },
    /// They make none, and would in the other order. It is certain where there are several.
    Odd { orders: Orders, is_certain: bool },
}

/// What is done with the numbers of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are passed on.
    Trust,
    /// They are not passed on, and nothing is said of them yet.
    Hold,
    /// They are no values.
    Doubt(Orders),
}

/// What was seen of the numbers of one sort that are asked for together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Watch {
    doubt: Option<Orders>,
    /// How often in a row the contrary was said.
    contrary: u8,
}

/// What was seen of everything that is asked for together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watches {
    floats: Watch,
    wholes: Watch,
}

/// What is done with everything of one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdicts {
    floats: Verdict,
    wholes: Verdict,
}

impl Watches {
    /// What is doubted of a sort.
    pub(super) fn doubt(&self, sort: Sort) -> Option<Orders> {
        match sort {
            Sort::Float => self.floats.doubt,
            Sort::Whole => self.wholes.doubt,
        }
    }

    /// Takes an answer. `changed` is told what is doubted now and was not, and what no longer is.
    pub(super) fn judge(
        &mut self,
        items: &[Item],
        registers: Registers<'_>,
        mut changed: impl FnMut(Sort, Option<Orders>),
    ) -> Verdicts {
        let mut judge = |watch: &mut Watch, sort| {
            let before = watch.doubt;
            let verdict = watch.judge(sort, items, registers);
            if watch.doubt != before {
                changed(sort, watch.doubt);
            }
            verdict
        };
        Verdicts {
            floats: judge(&mut self.floats, Sort::Float),
            wholes: judge(&mut self.wholes, Sort::Whole),
        }
    }
}

impl Verdicts {
    /// What is done with an item.
    pub(super) fn of(self, item: &Item) -> Verdict {
        if Sort::Float.holds(item) {
            self.floats
        } else if Sort::Whole.holds(item) {
            self.wholes
        } else {
            Verdict::Trust
        }
    }
}

/// What is said of a unit when its numbers are doubted, and when they no longer are.
pub(super) fn words(name: &str, sort: Sort, doubt: Option<Orders>) -> String {
    let what = match sort {
        Sort::Float => "floats",
        Sort::Whole => "whole numbers",
    };
    match doubt {
        Some((own, other)) => {
            format!(
                "{name} tells {what} that make sense in the order {other} and not in {own}: see its `order`"
            )
        }
        None => format!("{name} tells {what} in their order"),
    }
}

impl Sort {
    fn of(form: Form) -> Option<Self> {
        match form {
            Form::Float(_) => Some(Self::Float),
            Form::Unsigned(2..) | Form::Signed(2..) => Some(Self::Whole),
            _ => None,
        }
    }

    /// Whether an item is one of these.
    pub(super) fn holds(self, item: &Item) -> bool {
        item.is_measured && matches!(&item.place, Place::Field(field) if Self::of(field.form) == Some(self))
    }
}

impl Watch {
    /// Takes an answer.
    fn judge(&mut self, sort: Sort, items: &[Item], registers: Registers<'_>) -> Verdict {
        let (change, is_certain) = match (view(sort, items, registers), self.doubt) {
            (View::Nothing, _) => return Verdict::Trust,
            (View::Odd { orders, is_certain }, None) => (Some(Some(orders)), is_certain),
            (View::Sound { is_certain }, Some(_)) => (Some(None), is_certain),
            (View::Odd { .. }, Some(_)) | (View::Sound { .. }, None) => (None, false),
        };
        self.contrary = if change.is_some() { self.contrary.saturating_add(1) } else { 0 };
        match change {
            Some(other) if is_certain || self.contrary >= TIMES => (self.doubt, self.contrary) = (other, 0),
            Some(Some(_)) => return Verdict::Hold,
            _ => {}
        }
        self.doubt.map_or(Verdict::Trust, Verdict::Doubt)
    }
}

fn view(sort: Sort, items: &[Item], registers: Registers<'_>) -> View {
    let (mut numbers, mut odd) = (0, 0);
    let mut said = None;
    for item in items.iter().filter(|item| sort.holds(item)) {
        let Place::Field(field) = &item.place else { continue };
        let other = Order { is_low_first: !field.order.is_low_first, ..field.order };
        let swapped = Field { order: other, ..field.clone() };
        let (Said::Number(own), Said::Number(swapped)) =
            (plain(field).read(registers), plain(&swapped).read(registers))
        else {
            continue;
        };
        // The same in both orders.
        if own.to_bits() == swapped.to_bits() {
            continue;
        }
        numbers += 1;
        let (is_usual, is_odd) = match sort {
            Sort::Float => (USUAL.contains(&swapped.abs()), !USUAL.contains(&own.abs())),
            Sort::Whole => (is_small(swapped, field.form), true),
        };
        if !is_usual {
            return View::Sound { is_certain: true };
        }
        odd += usize::from(is_odd);
        said = Some((field.order, other));
    }
    let is_certain = numbers >= NUMBERS_MIN;
    let name = |order: Order| ORDERS.iter().find(|(_, known)| *known == order).map(|(name, _)| *name);
    match said.and_then(|(own, other)| Some((name(own)?, name(other)?))) {
        None => View::Nothing,
        Some(orders) if odd * 2 > numbers => View::Odd { orders, is_certain },
        Some(_) => View::Sound { is_certain },
    }
}

/// What stands in the registers themselves: a power of ten beside them says nothing of their order.
fn plain(field: &Field) -> Field {
    Field { scale_register: None, ..field.clone() }
}

/// Whether one register would do for a whole number.
fn is_small(number: f64, form: Form) -> bool {
    match form {
        Form::Signed(_) => (f64::from(i16::MIN)..=f64::from(i16::MAX)).contains(&number),
        _ => number <= f64::from(u16::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::To;
    use super::*;
    use proptest::prelude::*;

    fn items(count: u16, form: Form, order: &str) -> Vec<Item> {
        let order = ORDERS.iter().find(|(name, _)| *name == order).unwrap().1;
        let field = |place: u16| Field {
            register: place * 2,
            form,
            order,
            no_value: Box::default(),
            scale_register: None,
        };
        let item = |place| Item { place: Place::Field(field(place)), to: To::Point(0), is_measured: true };
        (0..count).map(item).collect()
    }

    /// What becomes of answers of a device that has the high register first.
    fn floats(watch: &mut Watch, values: &[f32], order: &str) -> Verdict {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        let items = items(values.len() as u16, Form::Float(2), order);
        watch.judge(Sort::Float, &items, Registers { first: 0, bytes: &bytes })
    }

    fn wholes(watch: &mut Watch, values: &[i32], form: Form, order: &str) -> Verdict {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        let items = items(values.len() as u16, form, order);
        watch.judge(Sort::Whole, &items, Registers { first: 0, bytes: &bytes })
    }

    const DOUBT: Verdict = Verdict::Doubt(("CDAB", "ABCD"));

    #[test]
    fn a_meter_in_the_wrong_order_is_found_out() {
        let meter = [230.2, 5.25, 1208.4, 0.98, 49.98, 0.0, 12_345.678];
        let mut watch = Watch::default();
        assert_eq!(floats(&mut watch, &meter, "CDAB"), DOUBT);
        // Zeros are zeros in every order, and say nothing of it.
        assert_eq!(floats(&mut watch, &[0.0, 0.0, 0.0], "CDAB"), Verdict::Trust);
        assert_eq!(floats(&mut watch, &meter, "CDAB"), DOUBT);
        assert_eq!(floats(&mut watch, &meter, "ABCD"), Verdict::Trust, "it was set right");
        let powers = [1225, -1225, 0, 40_000];
        for form in [Form::Signed(2), Form::Unsigned(2)] {
            let mut watch = Watch::default();
            let values = if form == Form::Signed(2) { &powers[..3] } else { &[1225, 40_000, 0][..] };
            assert_eq!(wholes(&mut watch, values, form, "CDAB"), DOUBT, "{form:?}");
            assert_eq!(wholes(&mut watch, values, form, "ABCD"), Verdict::Trust, "{form:?}");
        }
        // 40000 as a signed number needs its second register.
        assert_eq!(wholes(&mut Watch::default(), &powers, Form::Signed(2), "CDAB"), Verdict::Trust);
    }

    #[test]
    fn one_that_stands_alone_is_held_back_until_it_is_certain() {
        for is_float in [true, false] {
            let mut watch = Watch::default();
            let mut take = |value: i16, order: &str| match is_float {
                true => floats(&mut watch, &[f32::from(value) + 0.2], order),
                false => wholes(&mut watch, &[i32::from(value)], Form::Signed(2), order),
            };
            let verdicts: Vec<Verdict> = [230, 231, 229, 230].map(|value| take(value, "CDAB")).into();
            assert_eq!(verdicts, [Verdict::Hold, Verdict::Hold, DOUBT, DOUBT], "{is_float}");
            // In the right order the other one makes no sense.
            assert_eq!(take(231, "ABCD"), Verdict::Trust, "{is_float}");
            // Once is chance: it is held back, and the next one comes.
            assert_eq!(take(230, "CDAB"), Verdict::Hold);
            for _ in 0..5 {
                assert_eq!(take(230, "ABCD"), Verdict::Trust);
            }
        }
    }

    #[test]
    fn a_float_that_makes_sense_in_both_orders_does_not_end_a_doubt_at_once() {
        let mut watch = Watch::default();
        for value in [230.2, 231.2, 229.2] {
            floats(&mut watch, &[value], "CDAB");
        }
        // 0x43664366 is 230.26 in both orders, and this is 229 in one and 231 in the other.
        let both = f32::from_bits(0x4365_4367);
        let verdicts: Vec<Verdict> = (0..4).map(|_| floats(&mut watch, &[both], "CDAB")).collect();
        assert_eq!(verdicts, [DOUBT, DOUBT, Verdict::Trust, Verdict::Trust]);
    }

    #[test]
    fn noise_about_zero_is_no_doubt() {
        // The remains of a calculation, as some meters send them, beside one true value and alone.
        for noise in [&[1.2e-7, -3.1e-8, 230.2][..], &[1e-12, 1e-20, -1e-9]] {
            assert_eq!(floats(&mut Watch::default(), noise, "ABCD"), Verdict::Trust);
        }
    }

    proptest! {
        #[test]
        fn usual_values_in_their_own_order_are_never_doubted(
            values in proptest::collection::vec(1e-3_f32..1e6, 1..20),
            numbers in proptest::collection::vec(1..65_536_i32, 1..20),
        ) {
            prop_assert_eq!(floats(&mut Watch::default(), &values, "ABCD"), Verdict::Trust);
            prop_assert_eq!(wholes(&mut Watch::default(), &numbers, Form::Unsigned(2), "ABCD"), Verdict::Trust);
        }
    }
}
