//! The shape of a driver that asks, with a device in memory that answers late, wrongly or not at all.

use ballast_drivers::point::{PointReader, Raw};
use ballast_drivers::readings::{Freshness, Readings};
use ballast_drivers::shape::{Ask, Heed, Poller};
use ballast_model::{Dimension, Mono, PointId, Quality, Reason, Span};

const PERIOD: Span = Span::from_secs(1);
const TIMEOUT: Span = Span::from_millis(100);

/// Asks for two registers in turn: `R0` is answered with `R0=230.5`.
#[derive(Default)]
struct Registers {
    next: usize,
    due: Mono,
}

impl Poller for Registers {
    fn ask(&mut self, now: Mono, request: &mut Vec<u8>) -> Ask {
        if now < self.due {
            return Ask::Idle { until: self.due };
        }
        request.extend_from_slice(format!("R{}", self.next).as_bytes());
        Ask::Send { timeout: TIMEOUT }
    }

    fn answer(&mut self, answer: Option<&[u8]>, now: Mono, out: &mut Readings) -> Heed {
        let register = self.next;
        self.next = (self.next + 1) % 2;
        if self.next == 0 {
            self.due = now.after(PERIOD);
        }
        let head = format!("R{register}=");
        let value = answer.and_then(|answer| answer.strip_prefix(head.as_bytes()));
        let is_good = match (answer, value) {
            (_, Some(value)) => out.put(register, Raw::Text(value), Freshness::Live, now),
            (Some(_), None) => {
                out.bad(register, Reason::Damaged, now);
                false
            }
            (None, None) => {
                out.bad(register, Reason::Offline, now);
                false
            }
        };
        Heed { good: u32::from(is_good), bad: u32::from(!is_good), unknown: 0 }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Plays a conversation: every request and what comes back, `None` for nothing in time.
fn converse(script: &[(&str, Option<&str>)]) -> (Vec<(u32, Quality)>, Mono) {
    let reader = || PointReader::of_unit(Dimension::Voltage.base());
    let mut out = Readings::new([(PointId(0), reader()), (PointId(1), reader())]);
    let mut poller = Registers::default();
    let mut now = Mono::ZERO;
    for (expected, answer) in script {
        let mut request = Vec::new();
        let timeout = loop {
            match poller.ask(now, &mut request) {
                Ask::Idle { until } => now = until,
                Ask::Send { timeout } => break timeout,
            }
        };
        assert_eq!(request, expected.as_bytes());
        now = now.after(if answer.is_some() { Span::from_millis(5) } else { timeout });
        poller.answer(answer.map(str::as_bytes), now, &mut out);
    }
    (out.batch().samples.iter().map(|sample| (sample.point.0, sample.quality)).collect(), now)
}

#[test]
fn registers_are_asked_in_turn_and_each_answer_is_of_its_request() {
    let (told, now) = converse(&[
        ("R0", Some("R0=230.5")),
        ("R1", Some("R1=nan")),
        ("R0", None),
        // The late answer to the request before: never taken for this one.
        ("R1", Some("R0=230.5")),
        ("R0", Some("R0=231")),
    ]);
    let bad = Quality::Bad;
    let expected = [
        (0, Quality::Good),
        (1, bad(Reason::NotAValue)),
        (0, bad(Reason::Offline)),
        (1, bad(Reason::Damaged)),
        (0, Quality::Good),
    ];
    assert_eq!(told, expected);
    // Two rounds of a second, five answers of 5 ms with one time-out among them.
    assert_eq!(now, Mono::from_millis(2000 + 4 * 5 + 100));
}
