//! `ballast guard acl`: the access list of a broker under which nobody but the guard can command what is on a bus.
//!
//! Written for mosquitto (mosquitto.conf(5), `acl_file`): what no line allows is refused, `topic` lines hold for the user
//! above them. Anybody may subscribe; nobody receives what they may not read.

use crate::cli::Exit;
use crate::cli::terminal::Output;
use crate::report::language::{Language, say};
use crate::site::Texts;
use ballast_config::site::ReceiverKind;
use ballast_drivers::Access;
use ballast_host::link::mirror::NounSet;
use ballast_model::catalog::Catalog;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// The user who stands in the list where site.yaml names none.
const NOBODY: &str = "ballast-guard";

/// Prints the lists of a site.
pub(super) fn print(site: &Path, output: &Output) -> Exit {
    let language = output.language_of_answers();
    // Whatever the rules say: who may command what follows from the nouns.
    let read = match Texts::read(site) {
        Ok(texts) => NounSet::read(texts, &[]).map_err(|report| (report, Exit::Mistakes)),
        Err(error) => Err((output.unreadable(site, &error), Exit::Failed)),
    };
    let set = match read {
        Ok(set) => set,
        Err((text, exit)) => return output.refuse(exit, &text),
    };
    let buses = buses(&set);
    let commanded = || buses.iter().filter(|(_, access)| !access.commands.is_empty());
    if commanded().next().is_none() {
        let text = language.say(
            "no output of this site is commanded through a broker: there is nothing to fence",
            "aucune sortie de ce site n'est commandée par un courtier : il n'y a rien à protéger",
        );
        return output.refuse(Exit::Failed, text);
    }
    let lists: Vec<_> =
        commanded().map(|(name, access)| list(name, access, &buses, &set, language)).collect();
    output.answer(lists.concat().trim_end(), &data(&buses, &set.catalog));
    Exit::Done
}

type Buses<'a> = Vec<(&'a str, Access)>;

fn buses(set: &NounSet) -> Buses<'_> {
    let access = |bus: &'_ ballast_model::device::BusDefinition| Access::of(bus, &set.catalog);
    set.site.buses.iter().filter_map(|bus| Some((&*bus.name, access(bus)?))).collect()
}

/// The list for one bus, with the others to the same broker.
fn list(name: &str, access: &Access, buses: &Buses<'_>, set: &NounSet, language: Language) -> String {
    let (catalog, url) = (&set.catalog, &access.url);
    let (site, user) = (&catalog.site, access.user.as_deref().unwrap_or(NOBODY));
    let mut text = say!(
        language,
        "# {site}, bus {name}: mosquitto at {url}\n\
         # In mosquitto.conf: acl_file THIS_FILE, password_file FILE, allow_anonymous false.\n",
        "# {site}, bus {name} : mosquitto à {url}\n\
         # Dans mosquitto.conf : acl_file CE_FICHIER, password_file FICHIER, allow_anonymous false.\n"
    );
    if !access.is_exclusive {
        text += &say!(
            language,
            "# Once it is in force, say so in site.yaml: {name}: {{ user: {user}, exclusive: yes, ... }}\n",
            "# Une fois la liste en vigueur, dites-le dans site.yaml : {name}: {{ user: {user}, exclusive: yes, ... }}\n"
        );
    }
    let own = section(
        user,
        &access.said(),
        access.commands.values().map(|it| &**it).chain(access.status.as_deref()),
    );
    text += language
        .say("\n# The guard: nobody else commands.\n", "\n# Le gardien : personne d'autre ne commande.\n");
    text += &own;
    text += language.say(
        "\n# The devices, each with a user of its own.\n",
        "\n# Les appareils, chacun avec son utilisateur.\n",
    );
    for (device, topics) in &access.devices {
        let device = catalog.devices.get(device.index()).map_or("?", |device| &*device.name);
        let heard = topics.heard.iter().map(|topic| &**topic).collect();
        text += &section(device, &heard, topics.said.iter().map(|topic| &**topic));
    }
    let others = buses.iter().filter(|(other, it)| *other != name && it.url == *url);
    for (other, it) in others {
        let Some(user) = it.user.as_deref() else { continue };
        text += &say!(
            language,
            "\n# Bus {other}: it commands nothing.\n",
            "\n# Bus {other} : il ne commande rien.\n"
        );
        let letters = letters(other, set);
        let writes = it.status.as_deref().into_iter().chain(letters.iter().map(|topic| &**topic));
        text += &section(user, &it.said(), writes);
    }
    text += language.say(
        "\n# Others: give them lines of their own, and no `topic write` or `readwrite` that covers a command above.\n",
        "\n# Les autres : donnez-leur leurs lignes, sans `topic write` ni `readwrite` qui couvre une commande ci-dessus.\n",
    );
    text
}

/// What a user may read and write.
fn section<'a>(user: &str, reads: &BTreeSet<&str>, writes: impl Iterator<Item = &'a str>) -> String {
    let mut text = format!("user {user}\n");
    reads.iter().for_each(|topic| text += &format!("topic read {topic}\n"));
    writes.collect::<BTreeSet<_>>().iter().for_each(|topic| text += &format!("topic write {topic}\n"));
    text
}

/// The topics on which receivers of the site are told something over a bus.
fn letters(bus: &str, set: &NounSet) -> Vec<String> {
    let of_bus = set.site.receivers.iter().filter(|receiver| *receiver.bus == *bus);
    let site = &set.catalog.site;
    of_bus
        .flat_map(|receiver| {
            let own = format!("ballast/{site}/{}/#", receiver.name);
            match &receiver.kind {
                ReceiverKind::HomeAssistant { prefix } => vec![own, format!("{prefix}/#")],
            }
        })
        .collect()
}

/// For programs.
fn data(buses: &Buses<'_>, catalog: &Catalog) -> Value {
    let bus = |(name, access): &(&str, Access)| {
        let command = |output: &ballast_model::OutputId| {
            let topic = access.commands.get(output);
            let output = catalog.output(*output).map_or("?", |spec| &*spec.name);
            json!({ "output": output, "topic": topic })
        };
        json!({
            "bus": name,
            "url": access.url,
            "user": access.user,
            "exclusive": access.is_exclusive,
            "commands": access.commands.keys().map(command).collect::<Vec<_>>(),
            "reads": access.said(),
        })
    };
    json!({ "buses": buses.iter().map(bus).collect::<Vec<_>>() })
}
