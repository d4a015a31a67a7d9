//! Whether floats of a device come in another order of their registers than its file says.
//!
//! A float read in the wrong order is a number all the same, and mostly one that no range excludes: 230.2 V become 0.00000004.
//! One alone says nothing. But where most floats of an answer are of a size that no meter tells, and all of them would be
//! of a usual size in the other order, none of them is believed. It must never doubt an answer of which the other order
//! makes less sense.

use super::plan::{Item, Place};
use super::value::{Form, ORDERS, Order, Registers, Said};

/// Sizes that meters tell, of whatever unit: a microampere to a gigawatt-hour in watt-hours. This project's own choice.
const USUAL: std::ops::Range<f64> = 1e-6..1e9;

/// Fewer floats that are not zero say nothing.
const FLOATS_MIN: usize = 2;

/// The order of an item's float.
fn order(item: &Item) -> Option<Order> {
    match &item.place {
        Place::Field(field) if matches!(field.form, Form::Float(_)) => Some(field.order),
        _ => None,
    }
}

/// Whether an item is a float, which a doubt is about.
pub(super) fn is_about(item: &Item) -> bool {
    order(item).is_some()
}

/// The order that the file gives, and the one in which these floats make sense, where the first makes none.
pub(super) fn other_order(items: &[Item], registers: Registers<'_>) -> Option<(&'static str, &'static str)> {
    let (mut floats, mut strange) = (0, 0);
    let mut said = None;
    for item in items {
        let (Place::Field(field), Some(order)) = (&item.place, order(item)) else { continue };
        let other = Order { is_low_first: !order.is_low_first, ..order };
        let swapped = super::value::Field { order: other, ..field.clone() };
        let (Said::Number(own), Said::Number(swapped)) = (field.read(registers), swapped.read(registers))
        else {
            continue;
        };
        if own == 0.0 {
            continue;
        }
        if !USUAL.contains(&swapped.abs()) {
            return None;
        }
        floats += 1;
        strange += usize::from(!USUAL.contains(&own.abs()));
        said = Some((order, other));
    }
    let (own, other) = said.filter(|_| floats >= FLOATS_MIN && strange * 2 > floats)?;
    let name = |order: Order| ORDERS.iter().find(|(_, known)| *known == order).map(|(name, _)| *name);
    Some((name(own)?, name(other)?))
}

#[cfg(test)]
mod tests {
    use super::super::plan::To;
    use super::super::value::Field;
    use super::*;
    use proptest::prelude::*;

    fn items(count: u16, order: &str) -> Vec<Item> {
        let order = ORDERS.iter().find(|(name, _)| *name == order).unwrap().1;
        let field = |place: u16| Field {
            register: place * 2,
            form: Form::Float(2),
            order,
            no_value: Box::default(),
            scale_register: None,
        };
        (0..count).map(|place| Item { place: Place::Field(field(place)), to: To::Point(0) }).collect()
    }

    /// What a device sends that has the high register first.
    fn sent(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    fn other(values: &[f32], order: &str) -> Option<(&'static str, &'static str)> {
        let bytes = sent(values);
        other_order(&items(values.len() as u16, order), Registers { first: 0, bytes: &bytes })
    }

    #[test]
    fn a_meter_in_the_wrong_order_is_found_out() {
        let meter = [230.2, 5.25, 1208.4, 0.98, 49.98, 0.0, 12_345.678];
        assert_eq!(other(&meter, "CDAB"), Some(("CDAB", "ABCD")));
        assert_eq!(other(&meter, "ABCD"), None);
        // One alone says nothing, and zeros are zeros in every order.
        assert_eq!(other(&meter[..1], "CDAB"), None);
        assert_eq!(other(&[0.0, 0.0, 0.0], "CDAB"), None);
    }

    #[test]
    fn noise_about_zero_is_no_doubt() {
        // The remains of a calculation, as some meters send them, beside one true value and alone.
        assert_eq!(other(&[1.2e-7, -3.1e-8, 230.2], "ABCD"), None);
        assert_eq!(other(&[1e-12, 1e-20, -1e-9], "ABCD"), None);
    }

    proptest! {
        #[test]
        fn usual_values_in_their_own_order_are_never_doubted(
            values in proptest::collection::vec(1e-3_f32..1e6, 1..20),
        ) {
            prop_assert_eq!(other(&values, "ABCD"), None);
        }
    }
}
