//! The names of what can be commanded and read, and where each leads.

use crate::village::devices::FeederSpec;
use crate::village::spec::VillageSpec;

/// Number of one input of one village.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputId(pub(crate) usize);

/// Number of one output of one village.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OutputId(pub(crate) usize);

/// What a number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Hz.
    Frequency,
    /// V.
    Voltage,
    /// W.
    Power,
    /// kWh.
    Energy,
    /// State of charge, %.
    Charge,
    /// W/m2.
    Irradiance,
    /// Degrees Celsius.
    Temperature,
    /// m/s.
    Speed,
    /// 1: closed, the circuit is connected; 0: open.
    Contact,
    /// 1: true; 0: false.
    Truth,
    /// The index of a word.
    Word(&'static [&'static str]),
}

impl Quantity {
    /// The unit as a site file writes it; empty for contacts, truths and words.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Frequency => "Hz",
            Self::Voltage => "V",
            Self::Power => "W",
            Self::Energy => "kWh",
            Self::Charge => "%",
            Self::Irradiance => "W/m2",
            Self::Temperature => "°C",
            Self::Speed => "m/s",
            Self::Contact | Self::Truth | Self::Word(_) => "",
        }
    }
}

/// The words of `grid.mode`, in the order of their indexes.
pub const GRID_MODES: &[&str] = &["unknown", "island", "connected"];

/// One input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Full name, `device.quantity`.
    pub name: String,
    /// What the number means.
    pub quantity: Quantity,
    /// One sentence with the sign convention.
    pub doc: &'static str,
    /// Least and greatest value; an input is cut to them.
    pub range: (f64, f64),
    /// An input's value at the start; 0 for an output.
    pub at_start: f64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum InputRoute {
    Consumer(usize),
    GensetRun(usize),
    GensetContactor(usize),
    StorageContactor,
    Charge,
    Discharge,
    SolarLimit,
    WindLimit,
    GridContactor,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum OutputRoute {
    FeederFrequency,
    InverterFrequency,
    FeederVoltage,
    FeederPower,
    GensetRunning(usize),
    GensetReady(usize),
    GensetFailed(usize),
    GensetContact(usize),
    GensetPower(usize),
    GensetEnergy(usize),
    StorageSoc,
    StorageContact,
    StoragePower,
    StorageCharge,
    StorageDischarge,
    SolarPower,
    SolarEnergy,
    Irradiance,
    WindPower,
    WindEnergy,
    WindSpeed,
    GridMode,
    GridVoltage,
    GridContact,
    GridPower,
    GridImport,
    GridExport,
    ConsumerContact(usize),
    ConsumerPower(usize),
    ConsumerEnergy(usize),
    ConsumerTemperature(usize),
    ConsumerVoltage(usize),
    StorageVoltage,
    StorageTemperature,
    VehicleCharge(usize),
    VehicleHere(usize),
    LineVoltage(usize),
    LinePower(usize),
    GensetFrequency,
}

/// Both tables, each with its routes at the same indexes.
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    pub(super) inputs: Vec<Named>,
    pub(super) input_routes: Vec<InputRoute>,
    pub(super) outputs: Vec<Named>,
    pub(super) output_routes: Vec<OutputRoute>,
}

const POWERS: (f64, f64) = (-1e9, 1e9);
const NOT_NEGATIVE: (f64, f64) = (0.0, 1e9);
const BITS: (f64, f64) = (0.0, 1.0);
const TEMPERATURES: (f64, f64) = (-50.0, 150.0);

impl Points {
    pub(super) fn new(spec: &VillageSpec) -> Self {
        let mut points = Self::default();
        points.add_meters();
        for (number, genset) in spec.gensets.iter().enumerate() {
            points.add_genset(&genset.name, number, genset.on_line_at_start);
        }
        if let Some(storage) = &spec.storage {
            points.add_storage(&storage.name, storage.charge_max_w, storage.discharge_max_w);
        }
        if let Some(solar) = &spec.solar {
            points.add_solar(&solar.name, solar.peak_w);
        }
        points.add_grid(spec);
        for (number, load) in spec.loads.iter().enumerate() {
            points.add_consumer(&load.name, number, load.closed_at_start);
        }
        for (number, tank) in spec.tanks.iter().enumerate() {
            let number = spec.loads.len() + number;
            points.add_consumer(&tank.name, number, tank.closed_at_start);
            let doc = "Water temperature.";
            let route = OutputRoute::ConsumerTemperature(number);
            points.output(
                format!("{}.temperature", tank.name),
                Quantity::Temperature,
                (-50.0, 150.0),
                doc,
                route,
            );
        }
        points.add_more(spec);
        points
    }

    /// What came later stands behind what was there: the noise of a meter goes by its number.
    fn add_more(&mut self, spec: &VillageSpec) {
        if let Some((name, _)) =
            spec.storage.as_ref().and_then(|storage| Some((&storage.name, storage.cells.as_ref()?)))
        {
            let doc = "Voltage of the cells in series.";
            let route = OutputRoute::StorageVoltage;
            self.output(format!("{name}.voltage"), Quantity::Voltage, NOT_NEGATIVE, doc, route);
            let doc = "Temperature of the cells.";
            let route = OutputRoute::StorageTemperature;
            self.output(format!("{name}.temperature"), Quantity::Temperature, TEMPERATURES, doc, route);
        }
        if let Some(turbine) = &spec.wind {
            self.add_wind(&turbine.name, turbine.rated_w);
        }
        let mut number = spec.loads.len() + spec.tanks.len();
        for fridges in &spec.fridges {
            self.add_consumer(&fridges.name, number, fridges.closed_at_start);
            let doc = "Air in the warmest refrigerator.";
            let route = OutputRoute::ConsumerTemperature(number);
            let name = format!("{}.temperature", fridges.name);
            self.output(name, Quantity::Temperature, TEMPERATURES, doc, route);
            number += 1;
        }
        for vehicle in &spec.vehicles {
            self.add_consumer(&vehicle.name, number, vehicle.closed_at_start);
            let (doc, route) = ("State of charge of its battery.", OutputRoute::VehicleCharge(number));
            self.output(format!("{}.soc", vehicle.name), Quantity::Charge, (0.0, 100.0), doc, route);
            let (doc, route) = ("It is at home, plugged in.", OutputRoute::VehicleHere(number));
            self.output(format!("{}.here", vehicle.name), Quantity::Truth, BITS, doc, route);
            number += 1;
        }
        for (number, feeder) in spec.feeders.iter().enumerate() {
            let doc = "Lowest voltage on the feeder, phase to neutral; 0 while it is dead.";
            let route = OutputRoute::LineVoltage(number);
            self.output(format!("{}.voltage", feeder.name), Quantity::Voltage, NOT_NEGATIVE, doc, route);
            let doc = "Power into the feeder at its beginning, losses included; negative where more is fed in than taken.";
            let route = OutputRoute::LinePower(number);
            self.output(format!("{}.power", feeder.name), Quantity::Power, POWERS, doc, route);
        }
        for (number, name) in spec.consumer_names().enumerate() {
            let hangs = |feeder: &FeederSpec| {
                feeder.points.iter().any(|point| point.devices.iter().any(|device| device == name))
            };
            if spec.feeders.iter().any(hangs) {
                let doc = "Voltage where it is connected, phase to neutral; 0 while its feeder is dead.";
                let route = OutputRoute::ConsumerVoltage(number);
                self.output(format!("{name}.voltage"), Quantity::Voltage, NOT_NEGATIVE, doc, route);
            }
        }
        for genset in &spec.gensets {
            let doc = "Frequency of the bus as the set's controller measures it; nothing on a dead bus.";
            let route = OutputRoute::GensetFrequency;
            self.output(format!("{}.frequency", genset.name), Quantity::Frequency, (0.0, 100.0), doc, route);
        }
    }

    fn add_wind(&mut self, name: &str, rated_w: f64) {
        let doc = "The turbine delivers at most this, >= 0.";
        let range = ((0.0, rated_w), rated_w);
        self.input(format!("{name}.limit"), Quantity::Power, range, doc, InputRoute::WindLimit);
        let doc = "Power of the turbine, into the bus positive.";
        self.output(format!("{name}.power"), Quantity::Power, POWERS, doc, OutputRoute::WindPower);
        let doc = "Energy given to the bus since the start.";
        self.output(format!("{name}.energy"), Quantity::Energy, NOT_NEGATIVE, doc, OutputRoute::WindEnergy);
        let (doc, range) = ("Speed of the wind at the hub.", (0.0, 100.0));
        self.output(format!("{name}.wind"), Quantity::Speed, range, doc, OutputRoute::WindSpeed);
    }

    fn input(
        &mut self,
        name: String,
        quantity: Quantity,
        (range, at_start): ((f64, f64), f64),
        doc: &'static str,
        route: InputRoute,
    ) {
        self.inputs.push(Named { name, quantity, doc, range, at_start });
        self.input_routes.push(route);
    }

    fn output(
        &mut self,
        name: String,
        quantity: Quantity,
        range: (f64, f64),
        doc: &'static str,
        route: OutputRoute,
    ) {
        self.outputs.push(Named { name, quantity, doc, range, at_start: 0.0 });
        self.output_routes.push(route);
    }

    fn add_meters(&mut self) {
        let (hertz, name) = ((0.0, 100.0), "feeder_meter");
        let doc = "Frequency of the bus at the feeder meter; nothing on a dead bus.";
        self.output(
            format!("{name}.frequency"),
            Quantity::Frequency,
            hertz,
            doc,
            OutputRoute::FeederFrequency,
        );
        let doc = "Voltage of the bus, phase to neutral; 0 on a dead bus.";
        self.output(
            format!("{name}.voltage"),
            Quantity::Voltage,
            NOT_NEGATIVE,
            doc,
            OutputRoute::FeederVoltage,
        );
        let doc = "Power of all loads together, >= 0.";
        self.output(format!("{name}.power"), Quantity::Power, NOT_NEGATIVE, doc, OutputRoute::FeederPower);
        let doc = "Frequency of the bus as the storage inverter measures it; nothing on a dead bus.";
        let route = OutputRoute::InverterFrequency;
        self.output("inverter.frequency".into(), Quantity::Frequency, hertz, doc, route);
    }

    fn add_genset(&mut self, name: &str, number: usize, on_line: bool) {
        let at_start = (BITS, f64::from(u8::from(on_line)));
        let doc = "The engine runs while this is closed: start, warm-up, cool-down are the set's own.";
        self.input(format!("{name}.run"), Quantity::Contact, at_start, doc, InputRoute::GensetRun(number));
        let doc =
            "The set takes load while this is closed and it is ready; it synchronises and unloads by itself.";
        self.input(
            format!("{name}.contactor"),
            Quantity::Contact,
            at_start,
            doc,
            InputRoute::GensetContactor(number),
        );
        let doc = "The engine turns.";
        self.output(
            format!("{name}.running"),
            Quantity::Truth,
            BITS,
            doc,
            OutputRoute::GensetRunning(number),
        );
        let doc = "The set is warm and may take load.";
        self.output(format!("{name}.ready"), Quantity::Truth, BITS, doc, OutputRoute::GensetReady(number));
        let doc = "The set is broken.";
        self.output(format!("{name}.failed"), Quantity::Truth, BITS, doc, OutputRoute::GensetFailed(number));
        let doc = "Where the set's contactor is.";
        self.output(
            format!("{name}.contact"),
            Quantity::Contact,
            BITS,
            doc,
            OutputRoute::GensetContact(number),
        );
        let doc = "Power of the set, into the bus positive.";
        self.output(format!("{name}.power"), Quantity::Power, POWERS, doc, OutputRoute::GensetPower(number));
        let doc = "Energy given to the bus since the start.";
        self.output(
            format!("{name}.energy"),
            Quantity::Energy,
            POWERS,
            doc,
            OutputRoute::GensetEnergy(number),
        );
    }

    fn add_storage(&mut self, name: &str, charge_max_w: f64, discharge_max_w: f64) {
        let doc = "The inverter is connected while this is closed.";
        let route = InputRoute::StorageContactor;
        self.input(format!("{name}.contactor"), Quantity::Contact, (BITS, 1.0), doc, route);
        let doc = "Charging power asked of the inverter at nominal frequency, >= 0; frequency support comes on top.";
        let range = ((0.0, charge_max_w), 0.0);
        self.input(format!("{name}.charge_power"), Quantity::Power, range, doc, InputRoute::Charge);
        let doc = "Discharging power asked of the inverter at nominal frequency, >= 0; frequency support comes on top.";
        let range = ((0.0, discharge_max_w), 0.0);
        self.input(format!("{name}.discharge_power"), Quantity::Power, range, doc, InputRoute::Discharge);
        let doc = "State of charge.";
        self.output(format!("{name}.soc"), Quantity::Charge, (0.0, 100.0), doc, OutputRoute::StorageSoc);
        let doc = "Whether the inverter is connected.";
        self.output(format!("{name}.contact"), Quantity::Contact, BITS, doc, OutputRoute::StorageContact);
        let doc = "Power of the inverter, into the bus positive.";
        self.output(format!("{name}.power"), Quantity::Power, POWERS, doc, OutputRoute::StoragePower);
        let doc = "Charging power, >= 0.";
        self.output(format!("{name}.charge"), Quantity::Power, NOT_NEGATIVE, doc, OutputRoute::StorageCharge);
        let doc = "Discharging power, >= 0.";
        self.output(
            format!("{name}.discharge"),
            Quantity::Power,
            NOT_NEGATIVE,
            doc,
            OutputRoute::StorageDischarge,
        );
    }

    fn add_solar(&mut self, name: &str, peak_w: f64) {
        let doc = "The inverter delivers at most this, >= 0.";
        let range = ((0.0, peak_w), peak_w);
        self.input(format!("{name}.limit"), Quantity::Power, range, doc, InputRoute::SolarLimit);
        let doc = "Power of the solar field, into the bus positive.";
        self.output(format!("{name}.power"), Quantity::Power, POWERS, doc, OutputRoute::SolarPower);
        let doc = "Energy given to the bus since the start.";
        self.output(format!("{name}.energy"), Quantity::Energy, NOT_NEGATIVE, doc, OutputRoute::SolarEnergy);
        let doc = "Irradiance on the horizontal plane, clouds included.";
        self.output(
            format!("{name}.irradiance"),
            Quantity::Irradiance,
            NOT_NEGATIVE,
            doc,
            OutputRoute::Irradiance,
        );
    }

    fn add_grid(&mut self, spec: &VillageSpec) {
        let name = spec.grid.as_ref().map_or("grid", |grid| &grid.name);
        let doc = "Whether the bus is an island or connected to the grid; unknown while it is dead.";
        let quantity = Quantity::Word(GRID_MODES);
        self.output(format!("{name}.mode"), quantity, (0.0, 2.0), doc, OutputRoute::GridMode);
        let Some(grid) = &spec.grid else { return };
        let at_start = (BITS, f64::from(u8::from(grid.connected_at_start)));
        let doc = "The bus is connected to the grid while this is closed and the grid is there.";
        self.input(format!("{name}.contactor"), Quantity::Contact, at_start, doc, InputRoute::GridContactor);
        let doc = "Voltage on the grid's side of the contactor; 0 while the grid is lost.";
        self.output(
            format!("{name}.voltage"),
            Quantity::Voltage,
            NOT_NEGATIVE,
            doc,
            OutputRoute::GridVoltage,
        );
        let doc = "Where the contactor is.";
        self.output(format!("{name}.contact"), Quantity::Contact, BITS, doc, OutputRoute::GridContact);
        let doc = "Power from the grid, into the bus positive.";
        self.output(format!("{name}.power"), Quantity::Power, POWERS, doc, OutputRoute::GridPower);
        let doc = "Power taken from the grid, >= 0.";
        self.output(format!("{name}.import"), Quantity::Power, NOT_NEGATIVE, doc, OutputRoute::GridImport);
        let doc = "Power given to the grid, >= 0.";
        self.output(format!("{name}.export"), Quantity::Power, NOT_NEGATIVE, doc, OutputRoute::GridExport);
    }

    fn add_consumer(&mut self, name: &str, number: usize, closed: bool) {
        let at_start = (BITS, f64::from(u8::from(closed)));
        let doc = "The load is supplied while this is closed.";
        self.input(format!("{name}.closed"), Quantity::Contact, at_start, doc, InputRoute::Consumer(number));
        let doc = "Where the contact is.";
        self.output(
            format!("{name}.contact"),
            Quantity::Contact,
            BITS,
            doc,
            OutputRoute::ConsumerContact(number),
        );
        let doc = "Power that the load takes, >= 0.";
        self.output(
            format!("{name}.power"),
            Quantity::Power,
            NOT_NEGATIVE,
            doc,
            OutputRoute::ConsumerPower(number),
        );
        let doc = "Energy that the load took since the start.";
        self.output(
            format!("{name}.energy"),
            Quantity::Energy,
            NOT_NEGATIVE,
            doc,
            OutputRoute::ConsumerEnergy(number),
        );
    }
}
