//! Permits from a real guard, which is their only maker.

use ballast_guard::plan::{Envelope, OnSilence, OutsideChange, SafetySet, Strength};
use ballast_guard::{Guard, Input, Output, Permit};
use ballast_model::catalog::OutputKind;
use ballast_model::frame::{Frame, Message};
use ballast_model::{Authority, Catalog, Finite, Intent, Mono, OutputId, Span, Wanted};
use std::sync::Arc;

/// The lease of every output, and so the longest life of a permit.
pub(crate) const LEASE: Span = Span::from_secs(60);

/// A guard that lets everything through.
pub(crate) struct Leaves {
    guard: Guard,
    counter: u64,
    out: Vec<Output>,
}

impl Leaves {
    pub(crate) fn new(catalog: &Catalog, now: Mono) -> Self {
        let envelopes = catalog.outputs.iter().enumerate().map(|(place, spec)| {
            let idle = match spec.kind {
                OutputKind::Contact => Wanted::OPEN,
                OutputKind::Setpoint(_) => Wanted::Level(Finite::ZERO),
            };
            let level = matches!(spec.kind, OutputKind::Setpoint(_)).then(|| ballast_guard::plan::Level {
                ranges: vec![(Finite::ZERO, Finite::saturating(1e6))],
                step: None,
                min_interval: Span::ZERO,
                ramp_away: None,
            });
            Envelope {
                output: OutputId(place as u32),
                default: idle,
                safe: idle,
                at_start: idle,
                on_silence: OnSilence::Safe,
                lease: LEASE,
                min_closed: Span::ZERO,
                min_open: Span::ZERO,
                max_closed: None,
                max_switches: Vec::new(),
                outside_change: OutsideChange::Alarm,
                effect: None,
                level: level.map(Box::new),
                strength: Strength::Soft,
                refresh: None,
                by_hand: false,
            }
        });
        let set = SafetySet { envelopes: envelopes.collect(), ..SafetySet::default() };
        let guard = Guard::new(Arc::new(catalog.clone()), set, now);
        let mut leaves = Self { out: Vec::with_capacity(guard.output_capacity()), guard, counter: 0 };
        let tables = leaves.guard.table_hash();
        leaves.say(now, Message::Hello { tables });
        leaves
    }

    /// Leave for an output to be this; it must not have been the last answer already.
    pub(crate) fn permit(&mut self, now: Mono, output: OutputId, wanted: Wanted) -> Permit {
        let request = self.counter;
        let intent =
            Intent { output, wanted, authority: Authority::Operator, request, is_restoration: false };
        self.say(now, Message::Intent(intent));
        let place = self
            .out
            .iter()
            .position(|said| matches!(said, Output::Permit(permit) if permit.output() == output));
        let said = place.map(|place| self.out.remove(place));
        let Some(Output::Permit(permit)) = said else { panic!("no permit: {:?}", self.out) };
        assert_eq!(permit.wanted(), wanted);
        let written = Input::Written { output, counter: permit.counter(), ok: true };
        self.out.clear();
        self.guard.step(now, &[written], &mut self.out);
        permit
    }

    fn say(&mut self, now: Mono, message: Message) {
        self.counter += 1;
        let frame = Frame { session: 1, counter: self.counter, lease_ms: LEASE.millis() as u32, message };
        self.out.clear();
        self.guard.step(now, &[Input::Frame(frame)], &mut self.out);
    }
}
