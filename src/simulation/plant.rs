//! The simulated village, shared between the buses that read and move it and whoever looks on.

use crate::site::{Texts, build};
use ballast_drivers::{Meaning, OpenBus, World};
use ballast_host::Clock;
use ballast_model::diagnostic::Diagnostic;
use ballast_model::{Mono, Span, Unit};
use ballast_plant::commands::{Command, CommandWindow, Wires};
use ballast_plant::faults::{FaultWindow, Faulty, Reading};
use ballast_plant::{InputId, OutputId, PlantError, Quantity, Village, VillageSpec};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The worlds that a bus can name in `plant`.
pub const WORLDS: &[&str] = &["village"];

/// A village and what lies between it and those who look at it.
#[derive(Debug)]
struct Plant {
    village: Village,
    seed: u64,
    faulty: Faulty,
    wires: Wires,
    /// Late readings whose time has come, until their output is asked for.
    arrived: BTreeMap<OutputId, Vec<f64>>,
    scratch: Vec<Reading>,
    /// Commands that arrive now.
    told: Vec<Command>,
    /// The wires of the outputs are cut: commands lead nowhere.
    is_cut: bool,
}

/// A village that several can hold.
#[derive(Clone, Debug)]
pub struct SharedPlant {
    plant: Arc<Mutex<Plant>>,
    /// When its time began.
    start: Mono,
}

impl SharedPlant {
    /// A village whose time begins at `start`.
    ///
    /// # Errors
    /// What the plant refuses of the specification.
    pub fn new(spec: VillageSpec, seed: u64, start: Mono) -> Result<Self, PlantError> {
        let plant = Plant {
            village: Village::new(spec, seed)?,
            seed,
            faulty: Faulty::default(),
            wires: Wires::default(),
            arrived: BTreeMap::new(),
            scratch: Vec::new(),
            told: Vec::new(),
            is_cut: false,
        };
        Ok(Self { plant: Arc::new(Mutex::new(plant)), start })
    }

    /// Disturbs its readings from now on.
    pub fn disturb(&self, faults: Vec<FaultWindow>) {
        let mut plant = self.lock();
        plant.faulty = Faulty::new(faults).seeded(plant.seed);
    }

    /// Disturbs what its outputs are told from now on.
    pub fn interfere(&self, commands: Vec<CommandWindow>) {
        let mut plant = self.lock();
        plant.wires = Wires::new(commands, plant.seed);
    }

    /// Lets its own time pass until `to_ms`, or until a quiet village becomes restless; gives its time then, ms, and
    /// whether it stopped there.
    pub fn advance_to_transient(&self, to_ms: u64) -> (u64, bool) {
        self.lock().pass(to_ms, true)
    }

    /// Cuts the wires of all outputs: what they are told from now on reaches nothing.
    pub fn cut_outputs(&self) {
        self.lock().is_cut = true;
    }

    /// Looks at the village.
    pub fn look<T>(&self, look: impl FnOnce(&Village) -> T) -> T {
        look(&self.lock().village)
    }

    /// Changes something in the village from outside: forgets its extremes, say.
    pub fn touch<T>(&self, touch: impl FnOnce(&mut Village) -> T) -> T {
        touch(&mut self.lock().village)
    }

    /// Its own time at a moment, ms.
    pub fn millis(&self, now: Mono) -> u64 {
        now.since(self.start).millis()
    }

    /// The moment at which its own time is this, ms.
    pub fn moment(&self, millis: u64) -> Mono {
        self.start.after(Span::from_millis(millis))
    }

    /// The same village as a world that a bus can join.
    pub fn world(&self) -> Box<dyn World> {
        let plant = self.lock();
        let outputs = plant.village.outputs().iter();
        let outputs = outputs.filter_map(|named| plant.village.find_output(&named.name)).collect();
        let inputs = plant.village.inputs().iter();
        let inputs = inputs.filter_map(|named| plant.village.find_input(&named.name)).collect();
        Box::new(VillageWorld { shared: self.clone(), outputs, inputs })
    }

    /// Commands that were lost, and late ones that were dropped because too many waited.
    pub fn commands_lost(&self) -> (u64, u64) {
        let plant = self.lock();
        (plant.wires.lost(), plant.wires.dropped())
    }

    fn lock(&self) -> MutexGuard<'_, Plant> {
        // A holder that panicked leaves a village that is as good as any.
        self.plant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plant {
    /// Lets time pass, and carries out what is told late at the instant at which it arrives.
    fn pass(&mut self, to_ms: u64, stops: bool) -> (u64, bool) {
        loop {
            self.wires.due(self.village.now_ms(), &mut self.told);
            self.carry_out();
            let end_ms = self.wires.deadline_ms().map_or(to_ms, |due_ms| due_ms.min(to_ms));
            let is_stopped = if stops {
                self.village.advance_to_transient(end_ms)
            } else {
                self.village.advance(end_ms);
                false
            };
            let now_ms = self.village.now_ms();
            if is_stopped || now_ms >= to_ms {
                self.wires.due(now_ms, &mut self.told);
                self.carry_out();
                return (now_ms, is_stopped);
            }
        }
    }

    fn carry_out(&mut self) {
        for command in self.told.drain(..) {
            // The input exists, and the guard lets no number through that is not finite.
            let _ = self.village.set_input(command.input, command.value);
        }
    }
}

/// A bus may name points and outputs that the world does not have: told before anything runs.
///
/// # Errors
/// Every such name.
pub fn try_world(bus: &mut OpenBus) -> Result<(), Vec<Diagnostic>> {
    match SharedPlant::new(VillageSpec::demo(), 0, Mono::ZERO) {
        Ok(plant) => bus.join(plant.world()),
        Err(_) => Ok(()),
    }
}

/// What a site names on its simulated buses and this village does not have. A site is checked against the village of the
/// demonstration; another one may lack what it names.
pub fn names_missing(spec: &VillageSpec, texts: &Texts) -> Vec<String> {
    // A village that cannot be, and a site with mistakes, are told when they begin.
    let Ok(plant) = SharedPlant::new(spec.clone(), 0, Mono::ZERO) else { return Vec::new() };
    let Ok(mut built) = build(texts, &[]) else { return Vec::new() };
    let joins = built.take_buses(false).into_iter().filter(|(bus, _)| bus.world().is_some());
    joins.filter_map(|(mut bus, _)| bus.join(plant.world()).err()).flatten().map(|one| one.message).collect()
}

/// A village whose sun and people follow the wall clock, for a site that runs on it in real time.
pub fn live(seed: u64, clock: &Clock) -> Option<SharedPlant> {
    let start_unix_s = clock.wall().utc.millis().div_euclid(1000);
    SharedPlant::new(VillageSpec { start_unix_s, ..VillageSpec::demo() }, seed, clock.now()).ok()
}

struct VillageWorld {
    shared: SharedPlant,
    outputs: Vec<OutputId>,
    inputs: Vec<InputId>,
}

impl World for VillageWorld {
    fn reading(&self, name: &str) -> Option<(usize, Meaning)> {
        let plant = self.shared.lock();
        let place = plant.village.outputs().iter().position(|named| named.name == name)?;
        let quantity = plant.village.outputs().get(place)?.quantity;
        Some((place, meaning(quantity)?))
    }

    fn input(&self, name: &str) -> Option<(usize, Meaning)> {
        let plant = self.shared.lock();
        let place = plant.village.inputs().iter().position(|named| named.name == name)?;
        let quantity = plant.village.inputs().get(place)?.quantity;
        Some((place, meaning(quantity)?))
    }

    fn advance(&mut self, now: Mono) {
        let millis = self.shared.millis(now);
        self.shared.lock().pass(millis, false);
    }

    fn read(&mut self, reading: usize) -> Option<f64> {
        let output = *self.outputs.get(reading)?;
        self.shared.lock().village.read(output)
    }

    fn arrivals(&mut self, reading: usize, out: &mut Vec<f64>) {
        let Some(output) = self.outputs.get(reading).copied() else { return };
        let mut plant = self.shared.lock();
        let plant = &mut *plant;
        let taken_ms = plant.village.now_ms();
        let value = plant.village.read(output);
        plant.scratch.clear();
        plant.faulty.due(taken_ms, &mut plant.scratch);
        plant.faulty.pass(Reading { output, value, taken_ms }, &mut plant.scratch);
        for arrived in plant.scratch.drain(..) {
            // A meter that has no value says nothing.
            let Some(value) = arrived.value else { continue };
            plant.arrived.entry(arrived.output).or_default().push(value);
        }
        out.extend(plant.arrived.remove(&output).unwrap_or_default());
    }

    fn set(&mut self, input: usize, value: f64) {
        let Some(input) = self.inputs.get(input).copied() else { return };
        let mut plant = self.shared.lock();
        if !plant.is_cut {
            let plant = &mut *plant;
            let now_ms = plant.village.now_ms();
            plant.wires.pass(Command { input, value }, now_ms, &mut plant.told);
            plant.carry_out();
        }
    }
}

fn meaning(quantity: Quantity) -> Option<Meaning> {
    Some(match quantity {
        Quantity::Contact | Quantity::Truth => Meaning::Flag,
        Quantity::Word(words) => Meaning::Words(words),
        Quantity::Irradiance => Meaning::Number(Unit::parse("W/m²")?),
        number => Meaning::Number(Unit::parse(number.unit())?),
    })
}
