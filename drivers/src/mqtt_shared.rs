//! What two of a broker must not share: a client id, and the words by which an output is told.

use crate::mqtt_settings;
use crate::spec::Mistakes;
use ballast_model::catalog::{Catalog, OutputKind};
use ballast_model::device::{BusDefinition, OutputDefinition};
use ballast_model::diagnostic::Diagnostic;
use std::collections::HashMap;

/// Mistakes of the buses of a site beside each other. A bus that has mistakes of its own is left out.
pub fn shared(buses: &[BusDefinition], catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut clients: HashMap<(Broker, Box<str>), &BusDefinition> = HashMap::new();
    let mut told: HashMap<(Broker, &str), Vec<&OutputDefinition>> = HashMap::new();
    for bus in buses.iter().filter(|bus| *bus.driver == *crate::mqtt::SPEC.name) {
        let mut ignored = Mistakes(Vec::new());
        let Some(connection) = mqtt_settings::read(bus, &catalog.site, &mut ignored) else { continue };
        let broker = (connection.host, connection.port);
        if let Some(first) = clients.get(&(broker.clone(), connection.client.clone())) {
            found.push(same_client(first, bus, &connection.client));
        }
        clients.entry((broker.clone(), connection.client)).or_insert(bus);
        for output in &bus.outputs {
            let Some(topic) = output.settings.get("topic") else { continue };
            let others = told.entry((broker.clone(), topic)).or_default();
            if let Some(first) = others.iter().find(|other| is_told_alike(other, output, catalog)) {
                found.extend(same_words(first, output, topic, catalog));
            }
            others.push(output);
        }
    }
    found
}

type Broker = (Box<str>, u16);

fn same_client(first: &BusDefinition, second: &BusDefinition, client: &str) -> Diagnostic {
    let (file, span) = second.settings.place("client");
    let (first_file, first_span) = first.settings.place("client");
    let message = format!("`{}` and `{}` come to one broker as `{client}`", first.name, second.name);
    Diagnostic::mistake("device::shared", file, span, message)
        .also(first_file, first_span, "the first one")
        .help("a broker throws out who comes with a name that is taken: give one bus another `client`, or let both be one bus")
}

/// Whether a message to one output is one to the other as well. Several relays of one device may have a topic in common, and
/// tell themselves apart by what is said.
fn is_told_alike(first: &OutputDefinition, second: &OutputDefinition, catalog: &Catalog) -> bool {
    let kind = |output: &OutputDefinition| catalog.output(output.output).map(|spec| &spec.kind);
    let same = |key: &str, usual: &str| {
        let word = |output: &OutputDefinition| output.settings.get(key).unwrap_or(usual).to_owned();
        word(first) == word(second)
    };
    match (kind(first), kind(second)) {
        (Some(OutputKind::Contact), Some(OutputKind::Contact)) => same("closed", "ON") || same("open", "OFF"),
        (Some(OutputKind::Setpoint(_)), Some(OutputKind::Setpoint(_))) => same("payload", "{}"),
        _ => false,
    }
}

fn same_words(
    first: &OutputDefinition,
    second: &OutputDefinition,
    topic: &str,
    catalog: &Catalog,
) -> Option<Diagnostic> {
    let (file, span) = second.settings.place("topic");
    let (first_file, first_span) = first.settings.place("topic");
    let (one, other) = (catalog.output(first.output)?, catalog.output(second.output)?);
    let message = format!("`{}` and `{}` are told by the same words on `{topic}`", one.name, other.name);
    let found = Diagnostic::mistake("device::shared", file, span, message)
        .also(first_file, first_span, "the first one")
        .help("each would undo what the other one is told: make them one output, or correct the topic");
    Some(found)
}
