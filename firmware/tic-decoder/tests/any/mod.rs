//! What holds for any bytes on the meter's line, under every setting: for the corpus in the tests and for whatever fuzzing
//! makes up.

use tic_decoder::{Decoder, Event, Mode, Parity, Settings, fields};

/// Nothing panics, what comes out are readable fields or nothing, and the counters agree with the events. `name` says which
/// bytes they are.
pub(crate) fn check(name: &str, bytes: &[u8]) {
    for mode in [None, Some(Mode::Historical), Some(Mode::Standard)] {
        for parity in [Parity::Auto, Parity::Even, Parity::Stripped] {
            let mut decoder = Decoder::new(Settings { mode, parity });
            let (mut good, mut damaged) = (0, 0);
            decoder.decode(bytes, |event| match event {
                Event::Group(group) => {
                    good += 1;
                    let _ = fields::read(&group);
                }
                Event::Damaged { .. } => damaged += 1,
                _ => {}
            });
            let counters = decoder.counters();
            let counted = (counters.groups_good(), counters.groups_damaged(), counters.bytes());
            assert_eq!(counted, (good, damaged, bytes.len() as u64), "{name} {mode:?} {parity:?}");
        }
    }
}
