//! Who says what at a broker: from it comes the access list under which only one client can command the devices of a bus.

use crate::mqtt_settings;
use crate::spec::Mistakes;
use ballast_model::catalog::{Catalog, DeviceId, OutputId};
use ballast_model::device::{BusDefinition, Settings};
use std::collections::{BTreeMap, BTreeSet};

/// What the client of a bus and the devices on it say to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The broker, as the site names it.
    pub url: Box<str>,
    /// The user as which the bus connects; `None`: as nobody.
    pub user: Option<Box<str>>,
    /// Whether the site vouches that nobody else can command.
    pub is_exclusive: bool,
    /// Where the broker keeps whether the client is there.
    pub status: Option<Box<str>>,
    /// The topic on which each output is commanded.
    pub commands: BTreeMap<OutputId, Box<str>>,
    /// What each device says and hears.
    pub devices: BTreeMap<DeviceId, Topics>,
}

/// The topics of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// On which it publishes.
    pub said: BTreeSet<Box<str>>,
    /// On which it is commanded.
    pub heard: BTreeSet<Box<str>>,
}

impl Access {
    /// That of a bus; `None` where it is none to a broker, or its definition has mistakes.
    pub fn of(definition: &BusDefinition, catalog: &Catalog) -> Option<Self> {
        if *definition.driver != *crate::mqtt::SPEC.name {
            return None;
        }
        let mut mistakes = Mistakes(Vec::new());
        let connection = mqtt_settings::read(definition, &catalog.site, &mut mistakes)?;
        let mut access = Self {
            url: definition.settings.get("url")?.into(),
            user: connection.user,
            is_exclusive: definition.settings.says_yes(crate::mqtt::SPEC.exclusive_key),
            status: connection.status,
            ..Self::default()
        };
        for point in &definition.points {
            let topics = access.devices.entry(point.device).or_default();
            topics.said.extend(values(&point.settings, &["topic", "availability"]));
        }
        for output in &definition.outputs {
            let topics = access.devices.entry(output.device).or_default();
            topics.said.extend(values(&output.settings, &["state_topic", "availability"]));
            for topic in values(&output.settings, &["topic"]) {
                topics.heard.insert(topic.clone());
                access.commands.insert(output.output, topic);
            }
        }
        Some(access)
    }

    /// Every topic on which a device publishes.
    pub fn said(&self) -> BTreeSet<&str> {
        self.devices.values().flat_map(|topics| &topics.said).map(|topic| &**topic).collect()
    }
}

fn values<'a>(settings: &'a Settings, keys: &'a [&str]) -> impl Iterator<Item = Box<str>> + 'a {
    keys.iter().filter_map(|key| settings.get(key)).map(Box::from)
}
