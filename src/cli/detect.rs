//! `ballast detect`: who is there? Listens and asks, writes nothing, and prints text for a site.

use super::Exit;
use super::arguments::{Access, Detect, Format};
use super::bar::Bar;
use super::terminal::{BAD, FAINT, Output, styled};
use super::times;
use crate::detect::fragment::{Fragment, fragment};
use crate::detect::line::{self, Parity, Setting};
use crate::detect::wire::Place;
use crate::detect::{Findings, Reader, broker, names, serial, units};
use crate::report::language::{Language, say};
use ballast_drivers::detect::Framing;
use ballast_model::Span;
use serde_json::json;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Speeds that are tried on a line where the person names none: those of most Modbus devices as they are delivered.
const SPEEDS: [u32; 2] = [9600, 19_200];
/// The same for parities: none is what most are set to, even is what the standard asks for.
const PARITIES: [Parity; 2] = [Parity::None, Parity::Even];

/// Runs it.
pub fn run(options: &Detect, output: &Output) -> Exit {
    let asked = match Asked::read(options, output.language_of_answers()) {
        Ok(asked) => asked,
        Err(text) => return output.refuse(Exit::Failed, &text),
    };
    let bar = Bar::new(output);
    let progress = |what: &str, done: usize, all: usize| bar.show(what, done, all);
    let reader = Reader { language: output.language_of_answers(), progress: &progress };
    let mut findings = Findings::default();
    let is_bare =
        options.serial.is_empty() && options.modbus.is_empty() && options.mqtt.is_empty() && !options.mdns;
    let paths = lines(options, is_bare);
    if !paths.is_empty() {
        let mut heard = serial::listen(&paths, asked.listen, reader);
        if is_bare || options.serial.iter().any(|path| path == "all") {
            // Nobody named a line: one that cannot be opened is worth a word, and no failure.
            heard.remarks.append(&mut heard.troubles);
        }
        findings.add(heard);
    } else if options.serial.iter().any(|path| path == "all") || is_bare {
        let text =
            reader.language.say("this machine has no serial lines", "cette machine n'a pas de ligne série");
        findings.remarks.push(text.to_owned());
    }
    for place in &asked.modbus {
        let scan = units::Scan {
            place: *place,
            units: asked.units.clone(),
            timeout: asked.timeout,
            settings: asked.settings.clone(),
        };
        findings.add(units::scan(&scan, reader));
    }
    for url in &options.mqtt {
        let broker = broker::Place { keys: keys(url, &options.access) };
        findings.add(broker::hear(&broker, asked.listen, reader).unwrap_or_else(Findings::trouble));
    }
    if options.mdns || is_bare {
        findings.add(names::hear(asked.listen, reader).unwrap_or_else(Findings::trouble));
    }
    bar.clear();
    let fragment = fragment(&findings);
    for (about, why) in &fragment.left_out {
        findings.remarks.push(say!(
            reader.language,
            "left out: {about}: no site can use what it says of itself: {why}",
            "laissé de côté : {about} : aucun site ne peut utiliser ce qu'il dit de lui-même : {why}"
        ));
    }
    tell(&findings, &fragment, output);
    if findings.troubles.is_empty() { Exit::Done } else { Exit::Failed }
}

/// What the person asks for.
struct Asked<'a> {
    /// How long one listens.
    listen: Duration,
    /// How long an answer may take.
    timeout: Duration,
    /// Which units are asked.
    units: RangeInclusive<u8>,
    /// Where Modbus units are.
    modbus: Vec<Place<'a>>,
    /// How a line may be set.
    settings: Vec<Setting>,
}

impl<'a> Asked<'a> {
    fn read(options: &'a Detect, language: Language) -> Result<Self, String> {
        let time = |key: &str, text: &str, most: u64| {
            let span = times::span(key, text, Span::from_millis(1), Span::from_secs(most), language)?;
            Ok::<_, String>(Duration::from_millis(span.millis()))
        };
        let modbus = options.modbus.iter().map(|text| place(text, language)).collect::<Result<_, _>>()?;
        let parities: Vec<Parity> = options.parity.iter().map(|word| word.parity()).collect();
        let speeds = if options.baud.is_empty() { &SPEEDS[..] } else { &options.baud };
        let parities = if parities.is_empty() { &PARITIES[..] } else { &parities };
        let with = |speed: &u32| {
            parities.iter().map(|parity| Setting { speed: *speed, parity: *parity }).collect::<Vec<_>>()
        };
        Ok(Self {
            listen: time("--listen", &options.listen, 600)?,
            timeout: time("--timeout", &options.timeout, 10)?,
            units: range(&options.units, language)?,
            modbus,
            settings: speeds.iter().flat_map(with).collect(),
        })
    }
}

/// The keys of an MQTT bus. Files are named in full: a site looks for them from where it runs.
fn keys(url: &str, access: &Access) -> Vec<(&'static str, String)> {
    let file = |path: &Option<PathBuf>| {
        let path = path.as_ref()?;
        Some(std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string())
    };
    let keys = [
        ("url", Some(url.to_owned())),
        ("user", access.user.clone()),
        ("password_file", file(&access.password_file)),
        ("password_credential", access.password_credential.clone()),
        ("password_env", access.password_env.clone()),
        ("ca", file(&access.ca)),
        ("certificate", file(&access.certificate)),
        ("key", file(&access.key)),
    ];
    keys.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn range(text: &str, language: Language) -> Result<RangeInclusive<u8>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse::<u8>(), last.trim().parse::<u8>()) {
        (Ok(first), Ok(last)) if first <= last && last <= 247 => Ok(first..=last),
        _ => Err(say!(
            language,
            "`--units {text}` is not one unit or a range from 0 to 247: write 3 or 1-32",
            "`--units {text}` n'est ni une unité ni une plage de 0 à 247 : écrivez 3 ou 1-32"
        )),
    }
}

fn lines(options: &Detect, is_bare: bool) -> Vec<PathBuf> {
    if is_bare || options.serial.iter().any(|path| path == "all") {
        return line::lines();
    }
    options.serial.iter().map(PathBuf::from).take(line::LINES_MAX).collect()
}

/// A path is a line; everything else is a host, whose frames are those of Modbus TCP unless `rtu://` is before it.
fn place(text: &str, language: Language) -> Result<Place<'_>, String> {
    let wrong = || {
        say!(
            language,
            "`--modbus {text}`: write `HOST`, `HOST:PORT`, `rtu://HOST:PORT` for the frames of a serial line over TCP, or the path of a serial line",
            "`--modbus {text}` : écrivez `HÔTE`, `HÔTE:PORT`, `rtu://HÔTE:PORT` pour les trames d'une ligne série sur TCP, ou le chemin d'une ligne série"
        )
    };
    if text.starts_with(['/', '.']) {
        return Ok(Place::Line(Path::new(text)));
    }
    let (framing, address) = match text.split_once("://") {
        None => (Framing::Tcp, text),
        Some(("tcp", address)) => (Framing::Tcp, address),
        Some(("rtu", address)) => (Framing::Rtu, address),
        Some(_) => return Err(wrong()),
    };
    let address = address.trim_end_matches('/');
    let (host, port) = match address.rsplit_once(':') {
        // An address of IPv6 without a port has several colons and no brackets.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // Converters have no usual port.
    let usual = (framing == Framing::Tcp).then_some(units::PORT);
    let port = port.map_or(usual, |port| port.parse().ok().filter(|port| *port != 0));
    match port {
        Some(port) if !host.is_empty() && !host.contains('/') => Ok(Place::Host { host, port, framing }),
        _ => Err(wrong()),
    }
}

/// Prints what was found: the text for a site on the standard output, everything else behind `#`.
fn tell(findings: &Findings, fragment: &Fragment, output: &Output) {
    if output.format == Format::Json {
        let devices = fragment.devices.iter().map(|(name, about)| json!({ "name": name, "about": about }));
        let data = json!({
            "devices": devices.collect::<Vec<_>>(),
            "remarks": findings.remarks,
            "troubles": findings.troubles,
            "site": fragment.site,
            "safety": fragment.safety,
        });
        output.line(&data.to_string());
        return;
    }
    for remark in &findings.remarks {
        output.line(&styled(FAINT, &format!("# {}", plain(remark))));
    }
    for trouble in &findings.troubles {
        output.complain(&styled(BAD, &plain(trouble)));
    }
    if fragment.site.is_empty() {
        output.line(nothing(findings, output.language));
        return;
    }
    output.line(output.say(
        "# site.yaml: nothing was told to any device; read it, then `ballast check`",
        "# site.yaml : aucun ordre n'a été donné ; relisez, puis `ballast check`",
    ));
    output.line(fragment.site.trim_end());
    if !fragment.safety.is_empty() {
        output.line(output.say(
            "# safety.yaml: what is safe is yours to judge; nothing is told to these before `ballast arm`",
            "# safety.yaml : c'est à vous de juger ce qui est sûr ; aucun ordre avant `ballast arm`",
        ));
        output.line(fragment.safety.trim_end());
    }
    if !fragment.mistakes.is_empty() {
        output.complain(
            output.say("This text is not accepted as it stands:", "Ce texte n'est pas accepté tel quel :"),
        );
        output.complain(fragment.mistakes.trim_end());
    }
}

/// On one line, and without what a terminal would obey: names come from devices.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Why there is no text for a site.
fn nothing(findings: &Findings, language: Language) -> &'static str {
    match (findings.seen, findings.troubles.is_empty()) {
        (1.., _) => language.say(
            "# nothing for site.yaml: no device file is known for what answers; the lines above say what it is and what to do",
            "# rien pour site.yaml : aucun fichier d'appareil n'est connu pour ce qui répond ; les lignes ci-dessus disent ce que c'est et que faire",
        ),
        (0, false) => language.say(
            "# nothing was found, and not everything could be looked at: see above",
            "# rien n'a été trouvé, et tout n'a pas pu être regardé : voir plus haut",
        ),
        (0, true) => language.say("# nothing was found", "# rien n'a été trouvé"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        let host = |host, port, framing| Ok(Place::Host { host, port, framing });
        for (text, expected) in [
            ("192.0.2.7", host("192.0.2.7", 502, Framing::Tcp)),
            ("tcp://gateway:1502", host("gateway", 1502, Framing::Tcp)),
            ("[2001:db8::7]:503", host("2001:db8::7", 503, Framing::Tcp)),
            ("2001:db8::7", host("2001:db8::7", 502, Framing::Tcp)),
            ("rtu://converter:4001", host("converter", 4001, Framing::Rtu)),
            ("/dev/ttyUSB0", Ok(Place::Line(Path::new("/dev/ttyUSB0")))),
            ("./line", Ok(Place::Line(Path::new("./line")))),
        ] {
            assert_eq!(place(text, Language::En), expected);
        }
        for text in ["gateway:x", "gateway:0", "rtu://converter", "http://gateway", "", "tcp://", "a/b"] {
            let wrong = place(text, Language::En).unwrap_err();
            assert!(wrong.contains("rtu://HOST:PORT") && wrong.contains(text), "{wrong}");
        }
    }
}
