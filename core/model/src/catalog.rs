//! The nouns of a site: every point, output, group and calendar, with dense ids that are given at load.
//!
//! A catalog is built once from the checked configuration and then shared, unchanged, by everyone: names exist only
//! here and in messages.

use crate::almanac::{Place, Zone};
use crate::diagnostic::did_you_mean;
use crate::expr::Steps;
use crate::finite::Finite;
use crate::intent::Wanted;
use crate::names::Names;
use crate::quantity::{Dimension, Unit};
use crate::sample::Value;
use crate::time::{Mono, Span};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub struct $name(pub u32);
        impl $name {
            /// The id as an index.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
id!(
    /// Index of a point in its catalog.
    PointId
);
id!(
    /// Index of an output in its catalog.
    OutputId
);
id!(
    /// Index of a device in its catalog.
    DeviceId
);
id!(
    /// Index of a group in its catalog.
    GroupId
);
id!(
    /// Index of a calendar in its catalog.
    CalendarId
);

/// What the values of a point look like.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Numbers; the unit is the one in which people write and read them.
    Number(Unit),
    /// One of these words; shared by the points that have the same ones.
    Words(Arc<[Box<str>]>),
    /// Yes or no.
    Flag,
}

/// Where a point's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A device measures it.
    Measured,
    /// Computed from other points by an expression of the site.
    Derived,
    /// A setting that people edit.
    Setting,
    /// The site's mode.
    Mode,
    /// Computed by the program: the sun, a generator's `ready` and `wanted`.
    Computed,
    /// What an output was last told, really is, is asked to be; see [`OutputSpec`].
    Output(OutputId, Facet),
}

/// The four things that can be read of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// What the guard last told it to be.
    State,
    /// What it says it is; unknown where it says nothing.
    Actual,
    /// What the engine asks for.
    Wanted,
    /// How long it has been in its state.
    Since,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PointSpec {
    /// Full name without the site: `battery.voltage`.
    pub name: Box<str>,
    /// Free text for people; may be empty.
    pub label: Box<str>,
    /// What its values look like.
    pub kind: Kind,
    /// The device it belongs to, if any.
    pub device: Option<DeviceId>,
    /// Where its values come from.
    pub origin: Origin,
    /// Older than this, a value is unknown. `None`: never (settings, modes).
    pub max_age: Option<Span>,
    /// How often the device reports it, when known.
    pub period: Option<Span>,
    /// The smallest step it can show, base unit.
    pub resolution: Option<Finite>,
    /// Values outside are bad, base unit, inclusive.
    pub valid: Option<(Finite, Finite)>,
    /// Faster changes are held back until confirmed, base unit per second.
    pub max_slew: Option<Finite>,
    /// Not moving for this long means stuck.
    pub stuck_after: Option<Span>,
    /// Whether it counts up (an index): decreasing means a reset, never negative energy.
    pub is_counter: bool,
    /// Whether it measures the moment and not a mean or a count: such a point moves with the load it feeds.
    pub is_instantaneous: bool,
}

impl PointSpec {
    /// Whether a value lies within [`PointSpec::valid`]; what is no number always does.
    pub fn is_valid(&self, value: Value) -> bool {
        match (value, self.valid) {
            (Value::Number(number), Some((low, high))) => (low..=high).contains(&number),
            _ => true,
        }
    }

    /// A point without a device, a label, an age or any bound: what the program makes itself.
    pub fn new(name: &str, kind: Kind, origin: Origin) -> Self {
        Self {
            name: name.into(),
            label: "".into(),
            kind,
            device: None,
            origin,
            max_age: None,
            period: None,
            resolution: None,
            valid: None,
            max_slew: None,
            stuck_after: None,
            is_counter: false,
            is_instantaneous: false,
        }
    }

    /// The unit people use for it; a plain number for words and flags.
    pub fn unit(&self) -> Unit {
        if let Kind::Number(unit) = self.kind { unit } else { Unit::NONE }
    }

    /// What its numbers count.
    pub fn dimension(&self) -> Dimension {
        self.unit().dimension()
    }

    /// The words, when it has words.
    pub fn words(&self) -> &[Box<str>] {
        if let Kind::Words(words) = &self.kind { words } else { &[] }
    }

    /// Whether it tells how long an output has been what it is. Such a point keeps the moment, so that it need not be
    /// written anew all the time; see [`PointSpec::read`].
    pub const fn is_since(&self) -> bool {
        matches!(self.origin, Origin::Output(_, Facet::Since))
    }

    /// The value that somebody reads at a moment, of the one that is kept: the time since the moment of
    /// [`PointSpec::is_since`], and of all other points what is kept.
    pub fn read(&self, kept: Value, now: Mono) -> Value {
        match kept {
            Value::Number(moment) if self.is_since() => {
                Value::Number(Finite::saturating((now.nanos() as f64 / 1e9 - moment.get()).max(0.0)))
            }
            other => other,
        }
    }

    /// A value as people read it: `49.812 Hz`, `off_peak`, `yes`, and of `.since` `3 min 20 s`.
    pub fn show(&self, value: Value) -> String {
        use alloc::string::ToString;
        match value {
            Value::Number(seconds) if self.is_since() => {
                Span::from_secs_f64(seconds.get()).unwrap_or(Span::MAX).to_string()
            }
            Value::Number(base) => crate::quantity::Shown { base, unit: self.unit() }.to_string(),
            Value::Word(word) => self.words().get(usize::from(word)).map_or("?", |word| word).to_string(),
            Value::Flag(true) => "yes".to_string(),
            Value::Flag(false) => "no".to_string(),
        }
    }
}

/// What an output can be told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OutputKind {
    /// Closed or open.
    Contact,
    /// A number in this unit.
    Setpoint(Unit),
}

/// One output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutputSpec {
    /// Full name: `water_heater` where the device has one output, else `genset.contactor`.
    pub name: Box<str>,
    /// Free text for people; may be empty.
    pub label: Box<str>,
    /// The device it belongs to.
    pub device: DeviceId,
    /// What it can be told.
    pub kind: OutputKind,
    /// What it is told when nobody asks.
    pub default: Wanted,
    /// The points `.state`, `.actual`, `.wanted` and `.since`, in the order of [`Facet`].
    pub facets: [PointId; 4],
}

impl OutputSpec {
    /// The point that shows one of the four things.
    pub const fn facet(&self, facet: Facet) -> PointId {
        self.facets[facet as usize]
    }

    /// A state as people read it: `closed`, `open`, `1500 W`.
    pub fn show(&self, wanted: Wanted) -> String {
        use alloc::string::ToString;
        match (wanted, &self.kind) {
            (Wanted::Contact(contact), _) => contact.word().to_string(),
            (Wanted::Level(base), OutputKind::Setpoint(unit)) => {
                crate::quantity::Shown { base, unit: *unit }.to_string()
            }
            (Wanted::Level(base), OutputKind::Contact) => base.to_string(),
        }
    }
}

/// The words of `.state`, `.actual` and `.wanted` of a contact, by their index.
pub const CONTACT_WORDS: [&str; 2] = ["open", "closed"];

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceSpec {
    /// Its name.
    pub name: Box<str>,
    /// Free text for people; may be empty.
    pub label: Box<str>,
    /// Its outputs.
    pub outputs: Vec<OutputId>,
}

/// One group of devices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupSpec {
    /// Its name.
    pub name: Box<str>,
    /// Free text for people; may be empty.
    pub label: Box<str>,
    /// The devices in it, in the order of the file.
    pub members: Vec<DeviceId>,
    /// The outputs of its members that are contacts: what shedding opens.
    pub loads: Vec<OutputId>,
    /// Rated power of each of `loads`, W; what shedding counts with where a load has no live power.
    pub rated: Vec<Finite>,
    /// The point that measures each of `loads`, if there is one.
    pub power: Vec<Option<PointId>>,
}

impl GroupSpec {
    /// The loads of which nobody knows how much cutting them helps: shedding counts them as nothing.
    pub fn loads_of_unknown_size(&self) -> impl Iterator<Item = OutputId> {
        let sizes = self.rated.iter().zip(&self.power);
        let unknown = |(rated, power): (&Finite, &Option<PointId>)| *rated <= Finite::ZERO && power.is_none();
        self.loads.iter().zip(sizes).filter(move |(_, size)| unknown(*size)).map(|(load, _)| *load)
    }
}

/// One named set of days.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CalendarSpec {
    /// Its name.
    pub name: Box<str>,
    /// Its days, sorted, as days since 1970-01-01 (local days).
    pub days: Vec<i32>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Noun {
    /// A point.
    Point(PointId),
    /// An output.
    Output(OutputId),
    /// A device with no output or with several.
    Device(DeviceId),
    /// A group.
    Group(GroupId),
}

/// All nouns of a site.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The site's readable id.
    pub site: Box<str>,
    /// Every point, by id.
    pub points: Vec<PointSpec>,
    /// Every output, by id.
    pub outputs: Vec<OutputSpec>,
    /// Every device, by id.
    pub devices: Vec<DeviceSpec>,
    /// Every group, by id.
    pub groups: Vec<GroupSpec>,
    /// Every calendar, by id.
    pub calendars: Vec<CalendarSpec>,
    /// `role.main_frequency` and what it stands for here.
    pub roles: BTreeMap<Box<str>, Box<str>>,
    /// The site's zone.
    pub zone: Zone,
    /// Where the site is, for the sun.
    pub place: Option<Place>,
    /// The steps of points that are computed from others, which need not lie at multiples of their width. What a point is
    /// to the devices and to the guard does not hang on them.
    pub steps: BTreeMap<PointId, Steps>,
    /// What a setpoint may be by its envelope, lowest first, base unit.
    pub allowed: BTreeMap<OutputId, Vec<(Finite, Finite)>>,
    names: Names,
    lost: BTreeSet<Box<str>>,
    is_partial: bool,
}

impl Catalog {
    /// Gives a name its meaning; returns the earlier meaning when there was one (a mistake of the site).
    pub fn name(&mut self, name: &str, noun: Noun) -> Option<Noun> {
        if let Some(earlier) = self.names.get(name) {
            return Some(earlier);
        }
        self.names.insert(name, noun);
        None
    }

    /// What a full name stands for. Roles are followed once; a device with exactly one output stands for it.
    pub fn resolve(&self, name: &str) -> Option<Noun> {
        self.names.get(name).or_else(|| self.names.get(self.roles.get(name)?))
    }

    /// Notes that a name stands in the site's texts and could not be read: that was said once, and nothing is said about
    /// those who use the name, or one below it.
    pub fn lose(&mut self, name: &str) {
        self.lost.insert(name.into());
    }

    /// Notes that a whole part of the site's texts could not be read: any unknown name may stand there.
    pub fn lose_a_part(&mut self) {
        self.is_partial = true;
    }

    /// Whether nothing may be said about a name, known or not, since the text that explains it could not be read. Never
    /// true in a site that runs.
    pub fn is_lost(&self, name: &str) -> bool {
        let name = self.roles.get(name).map_or(name, |target| target);
        let ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
        let mut beginnings = ends.filter_map(|end| name.get(..end));
        beginnings.any(|beginning| self.lost.contains(beginning))
            || (self.is_partial && self.resolve(name).is_none())
    }

    /// The known name most like this one.
    pub fn suggest(&self, name: &str) -> Option<&str> {
        let names = self.names.iter().map(|(name, _)| name);
        did_you_mean(name, names.chain(self.roles.keys().map(|role| &**role)))
    }

    /// The known point most like this one; where none is, the only one of the device that the name begins with.
    pub fn suggest_point(&self, name: &str) -> Option<&str> {
        let points =
            || self.names.iter().filter(|(_, noun)| matches!(noun, Noun::Point(_))).map(|(name, _)| name);
        let is_point = |role: &&str| matches!(self.resolve(role), Some(Noun::Point(_)));
        let roles = self.roles.keys().map(|role| &**role).filter(is_point);
        did_you_mean(name, points().chain(roles)).or_else(|| {
            let (device, _) = name.split_once('.')?;
            let mut own =
                points().filter(|point| point.strip_prefix(device).is_some_and(|rest| rest.starts_with('.')));
            own.next().filter(|_| own.next().is_none())
        })
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = (&str, Noun)> {
        self.names.iter()
    }

    /// A point by id. Ids are only made for existing points.
    pub fn point(&self, id: PointId) -> Option<&PointSpec> {
        self.points.get(id.index())
    }

    /// An output by id. Ids are only made for existing outputs.
    pub fn output(&self, id: OutputId) -> Option<&OutputSpec> {
        self.outputs.get(id.index())
    }

    /// Adds a point and its name; `Err` with the earlier meaning when the name is taken.
    pub fn add_point(&mut self, spec: PointSpec) -> Result<PointId, Noun> {
        let id = PointId(self.points.len() as u32);
        if let Some(earlier) = self.name(&spec.name.clone(), Noun::Point(id)) {
            return Err(earlier);
        }
        self.points.push(spec);
        Ok(id)
    }

    /// [`CONTACT_WORDS`], one copy for all contacts.
    fn contact_words(&self) -> Arc<[Box<str>]> {
        let earlier = self.outputs.iter().find(|output| output.kind == OutputKind::Contact);
        let earlier = earlier.and_then(|output| self.point(output.facet(Facet::State)));
        match earlier.map(|spec| &spec.kind) {
            Some(Kind::Words(words)) => Arc::clone(words),
            _ => CONTACT_WORDS.iter().map(|word| Box::from(*word)).collect(),
        }
    }

    /// Makes room for so many devices more, of the usual kind: one reading, and one output with its four points. Growing step by
    /// step would move all points several times.
    pub fn reserve(&mut self, devices: usize) {
        self.devices.reserve(devices);
        self.outputs.reserve(devices);
        self.points.reserve(devices.saturating_mul(5));
    }

    /// Gives back the room that was kept for more: a catalog does not change once it is whole.
    pub fn shrink_to_fit(&mut self) {
        self.points.shrink_to_fit();
        self.outputs.shrink_to_fit();
        self.devices.shrink_to_fit();
        self.names.pack();
    }

    /// Adds an output, its name and its four readable points; `Err` with the earlier meaning when the name is taken.
    pub fn add_output(
        &mut self,
        name: &str,
        label: &str,
        device: DeviceId,
        kind: OutputKind,
        default: Wanted,
    ) -> Result<OutputId, Noun> {
        let id = OutputId(self.outputs.len() as u32);
        if let Some(earlier) = self.name(name, Noun::Output(id)) {
            return Err(earlier);
        }
        let value = match kind {
            OutputKind::Contact => Kind::Words(self.contact_words()),
            OutputKind::Setpoint(unit) => Kind::Number(unit),
        };
        let seconds = Kind::Number(Dimension::Duration.base());
        let mut facets = [PointId(0); 4];
        let rows = [
            (Facet::State, "state", value.clone()),
            (Facet::Actual, "actual", value.clone()),
            (Facet::Wanted, "wanted", value),
            (Facet::Since, "since", seconds),
        ];
        for (place, (facet, word, kind)) in facets.iter_mut().zip(rows) {
            *place = self.add_point(PointSpec {
                device: Some(device),
                ..PointSpec::new(&alloc::format!("{name}.{word}"), kind, Origin::Output(id, facet))
            })?;
        }
        self.outputs.push(OutputSpec {
            name: name.into(),
            label: label.into(),
            device,
            kind,
            default,
            facets,
        });
        if let Some(device) = self.devices.get_mut(device.index()) {
            device.outputs.push(id);
        }
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::Contact;

    #[test]
    fn an_output_brings_its_four_points() {
        let mut catalog = Catalog::default();
        catalog.devices.push(DeviceSpec { name: "pump".into(), label: "".into(), outputs: Vec::new() });
        let default = Wanted::Contact(Contact::Open);
        let id = catalog.add_output("pump", "", DeviceId(0), OutputKind::Contact, default).unwrap();
        assert_eq!(catalog.resolve("pump"), Some(Noun::Output(id)));
        let Some(Noun::Point(state)) = catalog.resolve("pump.state") else { panic!("no state") };
        assert_eq!(catalog.point(state).unwrap().show(Value::Word(1)), "closed");
        assert_eq!(catalog.suggest("pump.sate"), Some("pump.state"));
        assert_eq!(catalog.suggest_point("pump.sate"), Some("pump.state"));
        assert_eq!(catalog.suggest("pum"), Some("pump"));
        assert_eq!(catalog.suggest_point("pum"), None, "an output is no point");
        assert!(catalog.add_output("pump", "", DeviceId(0), OutputKind::Contact, default).is_err());
    }

    #[test]
    fn what_could_not_be_read_is_lost_with_all_below_it() {
        let mut catalog = Catalog::default();
        catalog.add_point(PointSpec::new("meter.power", Kind::Flag, Origin::Measured)).unwrap();
        catalog.roles.insert("role.load".into(), "oven.power".into());
        catalog.lose("oven");
        assert!(["oven", "oven.power", "role.load"].iter().all(|name| catalog.is_lost(name)));
        assert!(!["ovens", "meter.power", "meter"].iter().any(|name| catalog.is_lost(name)));
        catalog.lose_a_part();
        assert!(catalog.is_lost("ovens") && !catalog.is_lost("meter.power"));
    }
}
