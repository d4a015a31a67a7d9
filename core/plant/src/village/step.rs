//! How time passes: what is attended to at an instant, and how long the next step is.
//!
//! At every boundary the village attends to its script, contacts, machines and weather. Between boundaries it takes
//! 1 ms steps while it is restless, and one implicit step otherwise. It is restless when the frequency moves faster than
//! [`RESTLESS_HZ_PER_S`] or a source is further than [`RESTLESS_PU`] from where it is going, and calm again after
//! [`CALM_MS`] below the lower pair. The rule reads nothing but the state, so the same calls give the same steps.

use crate::genset::{BusView, Move};
use crate::village::consumer::Moment;
use crate::village::lines;
use crate::village::record::Flows;
use crate::village::script::Event;
use crate::village::{Tie, Village};

/// Longest step and period of attention in quiet times, ms.
const QUIET_MS: u64 = 1_000;

/// Period of attention in transients, ms: the weather and the battery's limits move slowly.
const TRANSIENT_MS: u64 = 100;

/// Step of the integrator in transients, s: 1 ms.
const FAST_STEP_S: f64 = 0.001;

const RESTLESS_HZ_PER_S: f64 = 0.3;
const RESTLESS_PU: f64 = 0.03;
const CALM_HZ_PER_S: f64 = 0.1;
const CALM_PU: f64 = 0.02;
const CALM_MS: u32 = 200;

/// The grid's wander is drawn at knots this far apart and linear between them, ms.
const WANDER_MS: u64 = 10_000;

impl Village {
    /// Lets simulated time pass until `to_ms` since the start. A time that is not in the future does nothing.
    pub fn advance(&mut self, to_ms: u64) {
        self.pass(to_ms, false);
    }

    /// As [`Village::advance`], but stops where a quiet village becomes restless, so that a caller who reads seldom can
    /// begin to read often. True if it stopped there; [`Village::is_transient`] is then true until calm returns.
    pub fn advance_to_transient(&mut self, to_ms: u64) -> bool {
        self.pass(to_ms, true)
    }

    /// The village is in a transient: the frequency or a source is moving fast.
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    fn pass(&mut self, to_ms: u64, stops: bool) -> bool {
        while self.now_ms < to_ms {
            self.attend();
            if self.diverged.is_some() {
                // Nothing that would be computed from here on would mean anything.
                self.now_ms = to_ms;
                return false;
            }
            if stops && self.live && !self.transient && self.is_restless() {
                (self.transient, self.calm_ms) = (true, 0);
                return true;
            }
            let end_ms = self.boundary_ms().min(to_ms);
            if !self.live {
                self.stay_dark(end_ms);
            } else if self.transient || self.is_restless() {
                self.step_fast(end_ms);
            } else {
                self.step_quiet(end_ms);
            }
        }
        self.attend();
        false
    }

    /// Connects what is on line at the start and lets it carry the first load in proportion.
    pub(super) fn begin(&mut self) {
        self.observe();
        let demand_w: f64 = self.consumers.iter().map(|consumer| consumer.demand_w()).sum();
        let on_line = || self.gensets.iter().filter(|genset| genset.is_on_line());
        let rated_va: f64 = on_line().map(|genset| genset.spec().machine.rated_va).sum();
        for (number, genset) in self.gensets.iter().enumerate().filter(|(_, genset)| genset.is_on_line()) {
            let loading = (demand_w / rated_va).min(genset.spec().machine.power_max_pu);
            self.swing.connect_machine(number, loading);
        }
        self.live = self.swing.is_live();
        self.attend();
    }

    fn attend(&mut self) {
        while let Some(event) = self.script.next_event(self.now_ms) {
            self.suffer(event);
        }
        if let Some(storage) = &mut self.storage {
            storage.set_fan(!self.script.is_fan_still(self.now_ms));
        }
        self.attend_contacts();
        self.attend_grid();
        self.attend_gensets();
        self.attend_storage();
        self.attend_ties();
        let period_ms = self.attention_ms();
        if self.observed_ms.is_none_or(|observed_ms| self.now_ms / period_ms > observed_ms / period_ms) {
            self.observe();
            if self.diverged.is_none() {
                self.watch_equations();
            }
        }
        if self.live && !self.swing.is_live() {
            self.collapse();
        }
        self.live = self.swing.is_live();
        self.supply();
        self.flows = self.measure();
    }

    fn suffer(&mut self, event: Event) {
        match event {
            Event::GensetTrip { number, until_ms } => {
                if let Some(genset) = self.gensets.get_mut(number) {
                    genset.trip(until_ms);
                    self.swing.disconnect_machine(number);
                }
            }
            Event::GensetRefuses { number, until_ms } => {
                if let Some(genset) = self.gensets.get_mut(number) {
                    genset.refuse_to_start(until_ms);
                }
            }
            Event::Blackout { until_ms } => {
                if self.live {
                    self.collapse();
                }
                for genset in &mut self.gensets {
                    genset.black_out(until_ms);
                }
                if let Some(storage) = &mut self.storage {
                    storage.black_out(until_ms);
                }
            }
        }
    }

    fn attend_contacts(&mut self) {
        for consumer in &mut self.consumers {
            consumer.contact.step(self.now_ms);
        }
        self.storage_contact.step(self.now_ms);
        self.grid_contact.step(self.now_ms);
    }

    fn attend_grid(&mut self) {
        let Some(grid) = &self.spec.grid else { return };
        let tied = self.grid_contact.is_closed() && !self.script.is_grid_lost(self.now_ms);
        if tied {
            let wander_hz = grid.wander_hz * self.wander();
            let frequency_hz = self.spec.nominal_hz + wander_hz - self.script.grid_dip_hz(self.now_ms);
            self.swing.set_stiff(Some(frequency_hz));
        } else if self.grid_tied {
            self.swing.set_stiff(None);
        }
        self.grid_tied = tied;
    }

    /// A slow random walk around 0 with standard deviation about 1, a function of time.
    fn wander(&self) -> f64 {
        let knot = self.now_ms / WANDER_MS;
        let share = (self.now_ms % WANDER_MS) as f64 / WANDER_MS as f64;
        self.grid_noise.normal(knot) * (1.0 - share) + self.grid_noise.normal(knot + 1) * share
    }

    fn attend_gensets(&mut self) {
        for number in 0..self.gensets.len() {
            let others = self.grid_tied
                || self.storage_on_line
                || self
                    .gensets
                    .iter()
                    .enumerate()
                    .any(|(other, genset)| other != number && genset.is_on_line());
            let bus = BusView { live: self.swing.is_live(), others };
            let Some(genset) = self.gensets.get_mut(number) else { continue };
            match genset.step(self.now_ms, bus) {
                Move::Stay => {}
                Move::Close => self.swing.connect_machine(number, 0.0),
                Move::Unload => self.swing.unload_machine(number, true),
                Move::Reload => self.swing.unload_machine(number, false),
                Move::Open => self.swing.disconnect_machine(number),
            }
        }
    }

    fn attend_storage(&mut self) {
        let Some(storage) = &self.storage else { return };
        let machines = self.gensets.iter().any(|genset| genset.is_on_line());
        let connected = self.storage_on_line || storage.may_connect(self.now_ms, self.swing.is_live());
        self.storage_on_line = self.storage_contact.is_closed() && connected;
        let (lowest_w, highest_w) = storage.limits_w();
        self.swing.connect_inverter(0, self.storage_on_line, !machines && !self.grid_tied);
        self.swing.set_inverter(0, storage.setpoint_w(), lowest_w, highest_w);
    }

    /// Sun and wind, which follow the bus.
    fn attend_ties(&mut self) {
        let (live, frequency_hz, now_ms) = (self.swing.is_live(), self.swing.frequency_hz(), self.now_ms);
        let is_healthy = |trip_hz: (f64, f64)| live && frequency_hz > trip_hz.0 && frequency_hz < trip_hz.1;
        let fed = |is_solar: bool| {
            let of = |line: &lines::Line| if is_solar { line.carries().0 } else { line.carries().1 };
            self.lines.iter().all(|line| !of(line) || line.is_closed(now_ms))
        };
        let (solar_fed, wind_fed) = (fed(true), fed(false));
        if let (Some(solar), Some(spec)) = (&mut self.solar, &self.spec.solar) {
            solar.tie.attend(is_healthy(spec.trip_hz) && solar_fed, now_ms, spec.reconnect_ms);
            self.swing.connect_solar(0, solar.tie.on_line);
        }
        let number = self.turbine_number();
        if let (Some(turbine), Some(spec)) = (&mut self.turbine, &self.spec.wind) {
            turbine.tie.attend(is_healthy(spec.trip_hz) && wind_fed, now_ms, spec.reconnect_ms);
            self.swing.connect_solar(number, turbine.tie.on_line);
        }
    }

    /// Number of the turbine among the inverters that follow the frequency.
    fn turbine_number(&self) -> usize {
        usize::from(self.spec.solar.is_some())
    }

    /// Looks at what moves slowly: people, tanks, sun and clouds.
    fn observe(&mut self) {
        let now_s = self.now_ms as f64 / 1e3;
        let elapsed_s = self.observed_ms.map_or(0.0, |observed_ms| (self.now_ms - observed_ms) as f64 / 1e3);
        let since_midnight_s = self.start_local_s + now_s;
        let (outdoor, local_s) = (&self.spec.outdoor, since_midnight_s % 86_400.0);
        self.air_c = (outdoor.air_c(local_s), outdoor.room_c(local_s));
        let moment = Moment { now_s, since_midnight_s, elapsed_s, room_c: self.air_c.1, live: self.live };
        for (number, consumer) in self.consumers.iter_mut().enumerate() {
            consumer.observe(&moment, self.script.added_w(number, self.now_ms));
        }
        if let (Some(solar), Some(spec)) = (&mut self.solar, &self.spec.solar) {
            let clear_w_m2 = self.spec.place.clear_sky_w_m2(self.spec.start_unix_s as f64 + now_s);
            let passing = self.sky.passing(now_s).min(self.script.light(self.now_ms));
            solar.irradiance_w_m2 = clear_w_m2 * passing;
            let mut available_w = solar.irradiance_w_m2 / 1e3 * spec.peak_w * spec.performance;
            if let Some(heat) = spec.heat {
                let panel_c = self.air_c.0 + heat.k_per_w_m2 * solar.irradiance_w_m2;
                available_w *= (1.0 + heat.per_k * (panel_c - 25.0)).max(0.0);
            }
            solar.available_w = available_w;
            self.swing.set_solar(0, available_w.min(solar.limit_w));
        }
        let number = self.turbine_number();
        if let (Some(turbine), Some(spec)) = (&mut self.turbine, &self.spec.wind) {
            turbine.speed_m_s = turbine.wind.speed_m_s(now_s);
            self.swing.set_solar(number, spec.power_w(turbine.speed_m_s).min(turbine.limit_w));
        }
        self.observed_ms = Some(self.now_ms);
    }

    /// Puts the present demand on the bus, and what the feeders lose on its way.
    fn supply(&mut self) {
        self.sweep();
        let demand_w: f64 = self.consumers.iter().map(|consumer| consumer.demand_w()).sum();
        self.swing.set_load(if self.live { demand_w + self.lost_w } else { 0.0 });
    }

    /// Finds the voltages of the feeders.
    fn sweep(&mut self) {
        let source_v = self.voltage_v();
        self.lost_w = 0.0;
        for (number, line) in self.lines.iter_mut().enumerate() {
            if line.sweep(source_v, self.now_ms, &self.consumers, &self.flows) {
                self.record.feeder_trips += 1;
            }
            let is_closed = line.is_closed(self.now_ms);
            for consumer in &mut self.consumers {
                if consumer.place.is_some_and(|(line, _)| line == number) {
                    consumer.is_fed = is_closed;
                }
            }
            self.lost_w += line.loss_w();
        }
    }

    /// The equation whose numbers are not finite any more.
    fn broken_equation(&self) -> Option<(&'static str, &str)> {
        let of_storage = self.storage.iter().find(|storage| !storage.is_finite());
        let consumers = self.consumers.iter().zip(self.spec.consumer_names());
        let mut broken = consumers.filter_map(|(one, name)| Some((one.broken_equation()?, name)));
        of_storage
            .map(|storage| ("equivalent circuit", storage.spec().name.as_str()))
            .or_else(|| broken.next())
            .or_else(|| (!self.swing.is_finite()).then_some(("swing equation", "bus")))
    }

    /// Where an equation gives no finite number any more, the simulation is over: what comes would mean nothing.
    fn watch_equations(&mut self) {
        let Some((equation, device)) = self.broken_equation() else { return };
        self.diverged = Some(lines::diverged(equation, device, self.now_ms));
        self.collapse();
        self.swing.set_load(0.0);
    }

    fn attention_ms(&self) -> u64 {
        if self.transient { TRANSIENT_MS } else { QUIET_MS }
    }

    /// The next instant at which something has to be attended to, after now.
    fn boundary_ms(&self) -> u64 {
        let period_ms = self.attention_ms();
        let observation_ms = (self.now_ms / period_ms + 1) * period_ms;
        let contacts = self.consumers.iter().filter_map(|consumer| consumer.contact.deadline_ms());
        let gensets = self.gensets.iter().filter_map(|genset| genset.deadline_ms());
        let storage = self.storage.iter().map(|storage| storage.retry_at_ms());
        let solar = self.solar.iter().filter_map(|solar| solar.tie.reconnects_at_ms);
        let turbine = self.turbine.iter().filter_map(|turbine| turbine.tie.reconnects_at_ms);
        let lines = self.lines.iter().map(|line| line.deadline_ms());
        contacts
            .chain(gensets)
            .chain(storage)
            .chain(solar)
            .chain(turbine)
            .chain(lines)
            .chain(self.storage_contact.deadline_ms())
            .chain(self.grid_contact.deadline_ms())
            .chain(self.script.deadline_ms(self.now_ms))
            .filter(|deadline_ms| *deadline_ms > self.now_ms)
            .fold(observation_ms, u64::min)
    }

    fn is_restless(&self) -> bool {
        self.swing.slope_hz_per_s().abs() > RESTLESS_HZ_PER_S || self.swing.mismatch_pu() > RESTLESS_PU
    }

    fn is_calm(&self) -> bool {
        self.swing.slope_hz_per_s().abs() < CALM_HZ_PER_S && self.swing.mismatch_pu() < CALM_PU
    }

    fn stay_dark(&mut self, end_ms: u64) {
        let duration_s = (end_ms - self.now_ms) as f64 / 1e3;
        self.record.dark_s += duration_s;
        self.account(&Flows::default(), 0.0, duration_s);
        self.now_ms = end_ms;
    }

    fn step_quiet(&mut self, end_ms: u64) {
        let duration_s = (end_ms - self.now_ms) as f64 / 1e3;
        self.swing.glide(duration_s);
        self.now_ms = end_ms;
        if !self.swing.is_finite() {
            return self.watch_equations();
        }
        self.flows = self.measure();
        let flows = self.flows;
        self.account(&flows, self.swing.load_factor(), duration_s);
        self.watch_limits();
    }

    fn step_fast(&mut self, end_ms: u64) {
        if !self.transient {
            (self.transient, self.calm_ms) = (true, 0);
        }
        let (low_hz, high_hz) = self.spec.collapse_hz;
        while self.now_ms < end_ms && self.transient {
            let (before, factor) = (self.flows, self.swing.load_factor());
            let progress = self.swing.advance(FAST_STEP_S, FAST_STEP_S, &[low_hz, high_hz]);
            self.now_ms += 1;
            if !self.swing.is_finite() {
                return self.watch_equations();
            }
            self.flows = self.measure();
            let flows = before.mean(&self.flows);
            self.account(&flows, 0.5 * (factor + self.swing.load_factor()), FAST_STEP_S);
            self.record.transient_s += FAST_STEP_S;
            if !self.watch_limits() || progress.crossed {
                return;
            }
            self.calm_ms = if self.is_calm() { self.calm_ms + 1 } else { 0 };
            self.transient = self.calm_ms < CALM_MS;
        }
    }

    /// Books the frequency, and drops what cannot stay on the bus at it; false if something was dropped.
    fn watch_limits(&mut self) -> bool {
        if !self.live {
            return false;
        }
        let frequency_hz = self.swing.frequency_hz();
        self.record.see(frequency_hz);
        let (low_hz, high_hz) = self.spec.collapse_hz;
        if frequency_hz <= low_hz || frequency_hz >= high_hz {
            self.collapse();
            return false;
        }
        let is_out = |trip_hz: (f64, f64)| frequency_hz <= trip_hz.0 || frequency_hz >= trip_hz.1;
        let solar = self.spec.solar.as_ref().zip(self.solar.as_ref());
        let turbine = self.spec.wind.as_ref().zip(self.turbine.as_ref());
        let drops = solar.is_some_and(|(spec, solar)| solar.tie.on_line && is_out(spec.trip_hz))
            || turbine.is_some_and(|(spec, turbine)| turbine.tie.on_line && is_out(spec.trip_hz));
        if drops {
            self.attend_ties();
        }
        !drops
    }

    /// Every source leaves the bus, and each comes back by its own rule.
    fn collapse(&mut self) {
        self.swing.black_out();
        for genset in self.gensets.iter_mut().filter(|genset| genset.is_on_line()) {
            genset.bus_collapsed(self.now_ms);
        }
        if let Some(storage) = self.storage.as_mut().filter(|_| self.storage_on_line) {
            storage.bus_collapsed(self.now_ms);
        }
        if let Some(solar) = &mut self.solar {
            solar.tie = Tie::DROPPED;
        }
        if let Some(turbine) = &mut self.turbine {
            turbine.tie = Tie::DROPPED;
        }
        (self.storage_on_line, self.live, self.transient) = (false, false, false);
        self.record.blackouts += 1;
        self.flows = Flows::default();
    }

    fn account(&mut self, flows: &Flows, load_factor: f64, duration_s: f64) {
        self.record.add(flows, duration_s);
        if let Some(storage) = &mut self.storage {
            storage.settle(flows.storage_w, duration_s, self.air_c.1);
        }
        for consumer in &mut self.consumers {
            consumer.account(load_factor, duration_s);
        }
    }

    fn measure(&self) -> Flows {
        let mut flows = Flows::default();
        if !self.live {
            return flows;
        }
        for (number, (into, _)) in flows.gensets_w.iter_mut().zip(&self.gensets).enumerate() {
            *into = self.swing.machine_power_w(number);
        }
        flows.storage_w = self.swing.inverter_power_w(0);
        if self.solar.is_some() {
            flows.solar_w = self.swing.solar_power_w(0);
        }
        if self.turbine.is_some() {
            flows.wind_w = self.swing.solar_power_w(self.turbine_number());
        }
        flows.load_w = self.swing.load_w();
        flows.lost_w = self.lost_w * self.swing.load_factor();
        if self.grid_tied {
            flows.grid_w = -flows.imbalance_w();
        }
        flows
    }
}
