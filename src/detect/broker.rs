//! Devices that announce themselves at an MQTT broker. One connection that subscribes and publishes nothing, made as that of
//! an MQTT bus and from its keys.

use super::{Bus, Findings, Reader, short};
use crate::report::language::{Language, say};
use ballast_drivers::bus::Listening;
use ballast_drivers::detect::{ANNOUNCEMENTS, Announced, Found, Heard, LeftOut, Why, announced};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long a connection and its acceptance may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two strokes of the bar.
const TURN: Duration = Duration::from_millis(100);
/// Messages that are looked at, at most.
const MESSAGES_MAX: usize = 20_000;
/// Devices that are kept, at most; and so many sensors that are left out.
const DEVICES_MAX: usize = 2000;
/// Sensors that are named for one reason.
const NAMED_MAX: usize = 8;
/// Reasons that are told.
const REASONS_MAX: usize = 30;

/// Where one listens, and as whom: the keys of an MQTT bus, of which `url` is one.
#[derive(Clone, Debug)]
pub struct Place {
    /// The keys.
    pub keys: Vec<(&'static str, String)>,
}

/// What came.
#[derive(Default)]
struct Ears {
    found: BTreeMap<String, Found>,
    left_out: BTreeSet<LeftOut>,
    /// Topics of messages too long to be announcements.
    too_long: BTreeSet<String>,
    messages: usize,
    /// Filters to which the broker does not let us listen.
    refused: Vec<&'static str>,
    /// Why the connection ended before its time.
    broken: Option<String>,
}

/// Listens for so long.
///
/// # Errors
/// A sentence: the address, the connection, the refusal.
pub fn hear(place: &Place, lasting: Duration, reader: Reader<'_>) -> Result<Findings, String> {
    let url = place.url();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("{url}: {error}"))?;
    let ears = runtime.block_on(listen(place, lasting, reader)).map_err(|error| format!("{url}: {error}"))?;
    Ok(ears.findings(place, reader.language))
}

impl Place {
    fn url(&self) -> &str {
        self.keys.iter().find(|(key, _)| *key == "url").map_or("", |(_, url)| url)
    }
}

async fn listen(place: &Place, lasting: Duration, reader: Reader<'_>) -> Result<Ears, String> {
    let language = reader.language;
    let mut keys = place.keys.clone();
    keys.push(("client", format!("ballast-detect-{}", std::process::id())));
    let connecting = tokio::time::timeout(CONNECT, Listening::connect(&keys)).await;
    let mut listening = connecting.unwrap_or_else(|_| {
        Err(language.say("the broker does not answer", "le courtier ne répond pas").to_owned())
    })?;
    listening.subscribe(&ANNOUNCEMENTS).await?;
    let (start, mut ears) = (Instant::now(), Ears::default());
    let (what, total) = (format!("s {}", place.url()), lasting.as_secs() as usize);
    loop {
        let gone = start.elapsed();
        (reader.progress)(&what, (gone.as_secs() as usize).min(total), total);
        if gone >= lasting || ears.messages >= MESSAGES_MAX {
            break;
        }
        let moment = TURN.min(lasting.saturating_sub(gone));
        if let Ok(heard) = tokio::time::timeout(moment, listening.hear()).await {
            match heard {
                Ok(heard) => ears.take(heard),
                // What was heard until then is worth telling.
                Err(error) => {
                    ears.broken = Some(error);
                    break;
                }
            }
        }
    }
    listening.leave().await;
    Ok(ears)
}

impl Ears {
    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Message(topic, payload) => {
                self.messages += 1;
                let Announced { devices, left_out } = announced(&topic, &payload);
                devices.into_iter().for_each(|device| add(&mut self.found, device));
                let room = DEVICES_MAX.saturating_sub(self.left_out.len());
                self.left_out.extend(left_out.into_iter().take(room));
            }
            Heard::TooLong(topic) => {
                self.messages += 1;
                if self.too_long.len() < DEVICES_MAX {
                    self.too_long.insert(topic);
                }
            }
            Heard::Subscribed(refused) => {
                self.refused =
                    refused.into_iter().filter_map(|place| ANNOUNCEMENTS.get(place).copied()).collect();
            }
            Heard::Other => {}
        }
    }

    fn findings(self, place: &Place, language: Language) -> Findings {
        let url = place.url();
        let mut findings = Findings::default();
        let bus = Bus { name: "broker".to_owned(), driver: "mqtt", keys: place.keys.clone() };
        let (announced, own): (Vec<Found>, Vec<Found>) =
            self.found.into_values().partition(|device| device.key.starts_with("ha:"));
        // What a device announces to Home Assistant beside its own way is not a second device.
        let is_known = |device: &Found| {
            let covers = |topic: &String| {
                own.iter().flat_map(|known| &known.topics).any(|begin| topic.starts_with(begin))
            };
            !device.topics.is_empty() && device.topics.iter().all(covers)
        };
        let others: Vec<Found> = announced.into_iter().filter(|device| !is_known(device)).collect();
        findings.devices = own.into_iter().chain(others).map(|device| (bus.clone(), device)).collect();
        findings.seen = findings.devices.len() + self.left_out.len();
        findings.troubles.extend(self.broken.map(|error| format!("{url}: {error}")));
        if !self.refused.is_empty() {
            let topics = self.refused.join(", ");
            findings.remarks.push(say!(
                language,
                "{url}: the broker does not let us listen to {topics}: give a `--user` who may",
                "{url} : le courtier ne nous laisse pas écouter {topics} : donnez un `--user` qui en a le droit"
            ));
        }
        if findings.seen == 0 {
            let messages = self.messages;
            findings.remarks.push(say!(
                language,
                "{url}: {messages} announcements, none that a site could use; devices that announce themselves only when they start may need a restart",
                "{url} : {messages} annonces, aucune utilisable par un site ; redémarrez les appareils qui ne s'annoncent qu'au démarrage"
            ));
        }
        if !self.too_long.is_empty() {
            let names = named(self.too_long.iter(), language);
            findings.remarks.push(say!(
                language,
                "{url}: passed over: {names}: longer than any announcement; nobody else is hidden by it",
                "{url} : ignoré : {names} : plus long que toute annonce ; cela n'en cache aucune autre"
            ));
        }
        findings.remarks.extend(left_out(url, self.left_out, language));
        findings
    }
}

/// Some names as a sentence holds them.
fn named<'a>(names: impl ExactSizeIterator<Item = &'a String>, language: Language) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let mut shown: Vec<String> = names.take(NAMED_MAX).map(|name| format!("\"{}\"", short(name))).collect();
    if more > 0 {
        shown.push(say!(language, "and {more} more", "et {more} autres"));
    }
    shown.join(", ")
}

/// A reason with what people can read of its words.
fn shown(why: Why) -> Why {
    match why {
        Why::Unit(unit) => Why::Unit(short(&unit)),
        Why::Template(template) => Why::Template(short(&template)),
        Why::Shelly | Why::Broken => why,
    }
}

/// A remark for each reason, with the sensors.
fn left_out(url: &str, sensors: BTreeSet<LeftOut>, language: Language) -> Vec<String> {
    let mut reasons: BTreeMap<Why, Vec<String>> = BTreeMap::new();
    for LeftOut { sensor, why } in sensors {
        reasons.entry(why).or_default().push(sensor);
    }
    let count = reasons.len();
    let remark = |(why, sensors): (Why, Vec<String>)| {
        let names = named(sensors.iter(), language);
        match shown(why) {
            Why::Broken => say!(
                language,
                "{url}: left out: {names}: what is announced there is not JSON; whoever announces it has to be mended, or its retained message deleted",
                "{url} : laissé de côté : {names} : ce qui y est annoncé n'est pas du JSON ; réparez qui l'annonce, ou effacez son message retenu"
            ),
            Why::Unit(unit) => say!(
                language,
                "{url}: left out: {names}: the unit `{unit}` is not known here; where you need it write the point yourself, with a unit that is and a `scale`",
                "{url} : laissé de côté : {names} : l'unité `{unit}` n'est pas connue ici ; si vous en avez besoin, écrivez le point vous-même, avec une unité connue et un `scale`"
            ),
            Why::Shelly => say!(
                language,
                "{url}: left out: {names}: no device file is known for that model; a file of your own makes one (docs/manual/en/add-a-device.md)",
                "{url} : laissé de côté : {names} : aucun fichier d'appareil n'est connu pour ce modèle ; un fichier à vous en fait un (docs/manual/fr/ajouter-un-appareil.md)"
            ),
            Why::Template(template) => say!(
                language,
                "{url}: left out: {names}: `{template}` computes the value; where you need it write the point yourself, with a `pointer` and a `scale`",
                "{url} : laissé de côté : {names} : `{template}` calcule la valeur ; si vous en avez besoin, écrivez le point vous-même, avec un `pointer` et un `scale`"
            ),
        }
    };
    let mut remarks: Vec<String> = reasons.into_iter().take(REASONS_MAX).map(remark).collect();
    if let Some(more @ 1..) = count.checked_sub(REASONS_MAX) {
        remarks.push(say!(
            language,
            "{url}: sensors are left out for {more} reasons more",
            "{url} : des capteurs sont laissés de côté pour {more} raisons de plus"
        ));
    }
    remarks
}

/// A device that was found before is the same one, with more points.
fn add(found: &mut BTreeMap<String, Found>, device: Found) {
    if let Some(known) = found.get_mut(&device.key) {
        for (name, keys) in device.points {
            if !known.points.iter().any(|(_, before)| *before == keys) {
                known.points.push((name, keys));
            }
        }
        for topic in device.topics.into_iter().filter(|_| device.key.starts_with("ha:")) {
            if !known.topics.contains(&topic) {
                known.topics.push(topic);
            }
        }
    } else if found.len() < DEVICES_MAX {
        found.insert(device.key.clone(), device);
    }
}
