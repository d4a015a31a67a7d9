//! `ballast detect`: who is there? Listens and asks, writes nothing, and prints text for a site.

use super::Exit;
use super::arguments::{Detect, Format};
use super::terminal::{BAD, FAINT, Output, styled, width_of_errors};
use crate::detect::fragment::{Fragment, fragment};
use crate::detect::{Findings, Reader, broker, names, serial, units};
use crate::report::language::{Language, say};
use ballast_model::quantity::parse_span;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

/// Columns of the bar.
const BAR: usize = 20;

/// Runs it.
pub fn run(options: &Detect, output: &Output) -> Exit {
    let (listen, timeout, range) = match settings(options, output) {
        Ok(settings) => settings,
        Err(text) => {
            output.complain(&styled(BAD, &text));
            return Exit::Failed;
        }
    };
    let bar = Bar::new(output);
    let progress = |what: &str, done: usize, all: usize| bar.show(what, done, all);
    let reader = Reader { language: output.language_of_answers(), progress: &progress };
    let mut findings = Findings::default();
    let mut troubles = Vec::new();
    let mut take = |found: Result<Findings, String>| match found {
        Ok(found) => {
            findings.devices.extend(found.devices);
            findings.remarks.extend(found.remarks);
        }
        Err(trouble) => troubles.push(trouble),
    };
    let is_bare =
        options.serial.is_empty() && options.modbus.is_empty() && options.mqtt.is_empty() && !options.mdns;
    let paths = lines(options, is_bare);
    if !paths.is_empty() {
        take(Ok(serial::listen(&paths, listen, reader)));
    } else if options.serial.iter().any(|path| path == "all") || is_bare {
        take(Ok(Findings {
            remarks: vec!["this machine has no serial lines".into()],
            ..Findings::default()
        }));
    }
    for address in &options.modbus {
        take(host_and_port(address, reader.language).and_then(|(host, port)| {
            let scan = units::Scan { host, port, units: range.clone(), timeout };
            units::scan(&scan, reader)
        }));
    }
    for url in &options.mqtt {
        let (user, password_file) = (options.user.as_deref(), options.password_file.as_deref());
        take(broker::hear(&broker::Place { url, user, password_file }, listen, reader));
    }
    if options.mdns || is_bare {
        take(names::hear(listen, reader));
    }
    bar.clear();
    tell(&findings, &fragment(&findings), &troubles, output);
    if troubles.is_empty() { Exit::Done } else { Exit::Failed }
}

/// How long one listens, how long an answer may take, which units are asked.
fn settings(options: &Detect, output: &Output) -> Result<(Duration, Duration, RangeInclusive<u8>), String> {
    let time = |key: &str, text: &str, most: u64| {
        let span = parse_span(text).map(|span| Duration::from_millis(span.millis()));
        let is_fit = |span: &Duration| !span.is_zero() && *span <= Duration::from_secs(most);
        span.filter(is_fit).ok_or_else(|| {
            say!(
                output.language,
                "`{key} {text}` is not a time from 1ms to {most}s",
                "`{key} {text}` n'est pas une durée de 1ms à {most}s"
            )
        })
    };
    let listen = time("--listen", &options.listen, 600)?;
    let timeout = time("--timeout", &options.timeout, 10)?;
    let text = options.units.as_str();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse::<u8>(), last.trim().parse::<u8>()) {
        (Ok(first), Ok(last)) if first <= last && last <= 247 => Ok((listen, timeout, first..=last)),
        _ => Err(say!(
            output.language,
            "`--units {text}` is not one unit or a range from 0 to 247: write 3 or 1-32",
            "`--units {text}` n'est ni une unité ni une plage de 0 à 247 : écrivez 3 ou 1-32"
        )),
    }
}

fn lines(options: &Detect, is_bare: bool) -> Vec<PathBuf> {
    if is_bare || options.serial.iter().any(|path| path == "all") {
        return serial::lines();
    }
    options.serial.iter().map(PathBuf::from).take(serial::LINES_MAX).collect()
}

fn host_and_port(address: &str, language: Language) -> Result<(&str, u16), String> {
    let address = address.strip_prefix("tcp://").unwrap_or(address).trim_end_matches('/');
    let (host, port) = match address.rsplit_once(':') {
        // An address of IPv6 without a port has several colons and no brackets.
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match port.map(str::parse) {
        None => Ok((host, units::PORT)),
        Some(Ok(port)) => Ok((host, port)),
        Some(Err(_)) => Err(say!(
            language,
            "{address}: write `HOST` or `HOST:PORT`",
            "{address} : écrivez `HÔTE` ou `HÔTE:PORT`"
        )),
    }
}

/// Prints what was found: the text for a site on the standard output, everything else behind `#`.
fn tell(findings: &Findings, fragment: &Fragment, troubles: &[String], output: &Output) {
    if output.format == Format::Json {
        let devices = fragment.devices.iter().map(|(name, about)| json!({ "name": name, "about": about }));
        let data = json!({
            "devices": devices.collect::<Vec<_>>(),
            "remarks": findings.remarks,
            "troubles": troubles,
            "site": fragment.site,
            "safety": fragment.safety,
        });
        output.line(&data.to_string());
        return;
    }
    for remark in &findings.remarks {
        output.line(&styled(FAINT, &format!("# {remark}")));
    }
    for trouble in troubles {
        output.complain(&styled(BAD, trouble));
    }
    if fragment.site.is_empty() {
        output.line(output.say("# nothing was found", "# rien n'a été trouvé"));
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

/// A bar on the terminal behind the error output; nothing where there is none.
struct Bar {
    columns: Option<usize>,
    last: Mutex<usize>,
}

impl Bar {
    fn new(output: &Output) -> Self {
        let is_shown = output.format == Format::Text && std::io::stderr().is_terminal();
        Self { columns: width_of_errors().filter(|_| is_shown), last: Mutex::new(usize::MAX) }
    }

    fn show(&self, what: &str, done: usize, all: usize) {
        let Some(columns) = self.columns else { return };
        let full = (done.min(all) * BAR).checked_div(all).unwrap_or(BAR);
        let text = format!("[{}{}] {done}/{all} {what}", "#".repeat(full), " ".repeat(BAR - full));
        let shown: String = text.chars().take(columns.saturating_sub(1)).collect();
        if let Ok(mut last) = self.last.lock() {
            *last = done;
            // A terminal that went away sees no bar.
            let _ = write!(std::io::stderr(), "\r\x1b[K{shown}");
        }
    }

    fn clear(&self) {
        if self.columns.is_some() {
            // The same.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_a_port() {
        for (text, host, port) in [
            ("192.0.2.7", "192.0.2.7", 502),
            ("tcp://gateway:1502", "gateway", 1502),
            ("[2001:db8::7]:503", "2001:db8::7", 503),
            ("2001:db8::7", "2001:db8::7", 502),
        ] {
            assert_eq!(host_and_port(text, Language::En), Ok((host, port)));
        }
        assert!(host_and_port("gateway:x", Language::En).is_err());
    }
}
