//! `ballast check`: all mistakes of a site at once; `ballast schema`.

use super::Exit;
use super::arguments::{Check, Format, SchemaFile};
use super::terminal::{BAD, GOOD, Output, styled, width_of_errors, width_of_output};
use crate::egress::term::Standing;
use crate::report::language::{Language, Noun, say};
use crate::report::{causes, egress_words, output_words};
use crate::site::{Running, Texts, build};
use ballast_host::Clock;
use ballast_host::nouns::Given;
use ballast_model::quantity::Shown;
use ballast_words::process;
use serde_json::json;
use std::borrow::Cow;

/// Checks a site, or explains a code.
pub fn run(options: &Check, output: &Output) -> Exit {
    if let Some(code) = &options.code {
        return explain(code, output);
    }
    let texts = match Texts::read(&options.site) {
        Ok(texts) => texts,
        Err(error) => return output.refuse(Exit::Mistakes, &output.unreadable(&options.site, &error)),
    };
    if !texts.has_site() {
        let text = process::no_site(&options.site.display().to_string(), output.language_of_answers());
        return output.refuse(Exit::Mistakes, &text);
    }
    match build(&texts, Given::at(&options.site, &[])) {
        Ok(built) => {
            if output.format == Format::Json {
                output.line(&json!({ "ok": true, "found": built.data, "notes": built.notes }).to_string());
                return Exit::Done;
            }
            if !built.warnings.is_empty() {
                output.line(built.drawing.coloured(width_of_output()).trim_end());
            }
            let running = &built.running;
            let catalog = running.catalog();
            let language = output.language;
            let summary = format!(
                "{}{} {}, {}, {}",
                catalog.site,
                language.colon(),
                language.counted(catalog.points.len(), Noun::Point),
                language.counted(catalog.outputs.len(), Noun::Output),
                language.counted(running.plan.rules.len(), Noun::Rule)
            );
            let good = language.say("no mistakes.", "aucune erreur.");
            output.line(&format!("{} {summary}", styled(GOOD, good)));
            if options.explain {
                tell(running, &built.notes, output);
            }
            Exit::Done
        }
        Err(refused) => output.mistakes(Some(&refused.drawing.coloured(width_of_errors())), &refused.data),
    }
}

/// What was understood.
fn tell(running: &Running, notes: &[String], output: &Output) {
    let language = output.language;
    for note in notes {
        output.line(&note_in(note, language));
    }
    output.line(language.say("outputs:", "sorties :"));
    for envelope in &running.safety.envelopes {
        let Some(spec) = running.catalog().output(envelope.output) else { continue };
        let (default, safe) = (spec.show(envelope.default), spec.show(envelope.safe));
        let (default, safe) = (causes::state(&default, language), causes::state(&safe, language));
        let (name, lease) = (&spec.name, envelope.lease);
        let strength = output_words::strength(envelope.strength, language);
        let told = match envelope.by_hand {
            true => language.say("; told nothing until `ballast arm`", " ; sans ordre jusqu'à `ballast arm`"),
            false => "",
        };
        output.line(&say!(
            language,
            "  {name:<28} nobody asks: {default}; safe: {safe}; must be renewed every {lease}; strength: {strength}{told}",
            "  {name:<28} sans demande : {default} ; sûr : {safe} ; à renouveler toutes les {lease} ; sans le programme : {strength}{told}"
        ));
    }
    output.line(language.say("points:", "points :"));
    for spec in &running.catalog().points {
        let every = spec
            .period
            .map_or_else(String::new, |period| say!(language, "every {period}, ", "toutes les {period}, "));
        let age = match spec.max_age {
            Some(age) => say!(language, "unknown after {age}", "inconnu après {age}"),
            None => language.say("never grows old", "ne vieillit jamais").to_owned(),
        };
        output.line(&format!("  {:<28} {:<8} {every}{age}", spec.name, spec.unit().symbol()));
    }
    tell_receivers(running, output);
    if !running.campaigns.is_empty() {
        let names = running.campaigns.join(", ");
        let text = say!(
            language,
            "campaigns are checked and do not run yet: {names}",
            "les campagnes sont vérifiées et ne tournent pas encore : {names}"
        );
        output.line(&styled(BAD, &text));
    }
}

/// How a number without a unit is read, as the checker says it in English: `PLACE 3 is read as 3 kWh, the unit of POINT`.
fn note_in(note: &str, language: Language) -> Cow<'_, str> {
    let parts = || {
        let (number, rest) = note.split_once(" is read as ")?;
        let (quantity, point) = rest.split_once(", the unit of ")?;
        Some(format!("{number} se lit {quantity}, l'unité de {point}"))
    };
    let event = || {
        let (place, rest) = note.split_once("what an event asks has priority ")?;
        let (priority, _) = rest.split_once(", and yields")?;
        Some(format!(
            "{place}ce que demande un événement a la priorité {priority} et cède aux règles de cette priorité ou plus"
        ))
    };
    match language {
        Language::En => None,
        Language::Fr => parts().or_else(event),
    }
    .map_or(note.into(), Into::into)
}

/// What leaves the site, to whom, how often and how fine, until when and what for.
fn tell_receivers(running: &Running, output: &Output) {
    let (receivers, language) = (&running.site.receivers, output.language);
    if !receivers.is_empty() {
        output.line(language.say("told to others:", "dit à d'autres :"));
    }
    let catalog = running.catalog();
    for receiver in receivers {
        let step = |(dimension, base): (&ballast_model::Dimension, &ballast_model::Finite)| {
            Shown { base: *base, unit: dimension.base() }.to_string()
        };
        let steps = receiver.steps.iter().map(step).collect::<Vec<_>>().join(", ");
        let steps = if steps.is_empty() {
            String::new()
        } else {
            say!(language, " in steps of {steps}", " par pas de {steps}")
        };
        let (name, bus, every) = (&receiver.name, &receiver.bus, receiver.every);
        let end = receiver.until.map(|until| egress_words::end(until, &catalog.zone));
        let terms = egress_words::terms(end.as_deref(), receiver.purpose.as_deref(), language);
        let terms = match terms.is_empty() {
            true => ",".to_owned(),
            false => terms + language.say(";", " ;"),
        };
        output.line(&say!(
            language,
            "  {name} over bus {bus}{terms} each at most every {every}{steps}:",
            "  {name} par le bus {bus}{terms} chacun au plus toutes les {every}{steps} :"
        ));
        if Standing::of(receiver.until, &Clock::of_machine().wall()) == Standing::Over {
            output.line(language.say(
                "    (its time is over by the clock of this machine: nothing of this leaves)",
                "    (son temps est passé selon l'horloge de cette machine : rien de ceci ne part)",
            ));
        }
        let points = receiver.points.iter().filter_map(|point| catalog.point(*point)).map(|spec| &spec.name);
        let outputs = receiver.outputs.iter().filter_map(|output| catalog.output(*output));
        for name in points.chain(outputs.map(|spec| &spec.name)) {
            output.line(&format!("    {name}"));
        }
    }
}

fn explain(code: &str, output: &Output) -> Exit {
    let rule_code =
        || ballast_rules::codes::CODES.iter().find(|known| known.id == code).map(|known| known.explanation);
    match ballast_config::codes::explain(code).or_else(rule_code) {
        Some(text) => {
            output.answer(&format!("{code}\n{text}"), &json!({ "code": code, "text": text }));
            Exit::Done
        }
        None => {
            let text = say!(
                output.language_of_answers(),
                "there is no code `{code}`; the manual lists them all",
                "il n'y a pas de code `{code}` ; le manuel les énumère tous"
            );
            output.refuse(Exit::Failed, &text)
        }
    }
}

/// Prints the JSON Schema of a site file.
pub fn schema(file: SchemaFile, output: &Output) -> Exit {
    let text = match file {
        SchemaFile::Site => ballast_config::schema::site(),
        SchemaFile::Safety => ballast_config::schema::safety(),
        SchemaFile::Device => ballast_config::schema::device_file(),
    };
    output.line(&text);
    Exit::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::Arc;

    fn example(name: &str) -> Texts {
        Texts::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
    }

    /// What is found in an example of which pieces of text were replaced: code, file and line.
    fn found(texts: &Texts) -> Vec<String> {
        let Err(refused) = build(texts, &[]) else { return Vec::new() };
        let rows = refused.data["diagnostics"].as_array().unwrap();
        let row = |row: &serde_json::Value| {
            let place = &row["place"];
            format!("{} {}:{}", row["code"].as_str().unwrap(), place["file"].as_str().unwrap(), place["line"])
        };
        rows.iter().map(row).collect()
    }

    fn edited(name: &str, edits: &[(&str, &str, &str)]) -> Vec<String> {
        let mut texts = example(name);
        for (file, from, to) in edits {
            let text = String::from_utf8(texts.files[*file].to_vec()).unwrap();
            assert!(text.contains(from), "{file} has no {from}");
            texts.files.insert((*file).to_owned(), Arc::from(text.replacen(from, to, 1).as_bytes()));
        }
        found(&texts)
    }

    #[test]
    fn a_site_that_cannot_be_read_makes_no_mistakes_of_the_others() {
        for name in ["village", "linky-home"] {
            let mut texts = example(name);
            let deep = format!("site: {}", "[".repeat(2000));
            let cases: [(&str, &[u8]); 3] = [
                ("file::not_text", b"site: \xff\xfe\n"),
                ("yaml::too_deep", deep.as_bytes()),
                ("yaml::empty", b""),
            ];
            for (code, bytes) in cases {
                texts.files.insert("site.yaml".to_owned(), Arc::from(bytes));
                let found = found(&texts);
                assert!(found.contains(&format!("{code} site.yaml:1")), "{name}: {found:?}");
                assert!(found.iter().all(|row| row.ends_with(" site.yaml:1")), "{name}: {found:?}");
            }
            texts.files.remove("site.yaml");
            texts.too_large.insert("site.yaml".to_owned(), 1 << 30);
            assert_eq!(found(&texts).len(), 1, "{name}: {:?}", found(&texts));
        }
    }

    #[test]
    fn the_mistakes_of_all_files_and_drivers_are_told_at_once() {
        let all = edited(
            "linky-home",
            &[
                ("site.yaml", "port: /dev/ttyUSB0, mode: auto", "mode: historic"),
                ("site.yaml", "mqtt://127.0.0.1:1883", "mqtt://127.0.0.1:notaport"),
                ("safety.yaml", "safe:", "saf:"),
            ],
        );
        let of_drivers = all.iter().filter(|row| row.starts_with("device::")).count();
        assert_eq!(of_drivers, 3, "no port, no such mode, no such address: {all:?}");
        assert!(all.iter().any(|row| row.contains(" safety.yaml:")), "{all:?}");
    }

    #[test]
    fn a_bus_that_does_not_exist_hides_nothing_of_its_devices_and_is_told_once() {
        let bus = ("site.yaml", "  plant: { driver", "  plnt: { driver");
        let first = edited("village", &[bus]);
        assert_eq!(first.len(), 1, "{first:?}");
        assert!(first[0].starts_with("device::bus site.yaml:"), "{first:?}");
        let text = String::from_utf8(example("village").files["safety.yaml"].to_vec()).unwrap();
        let line = text.lines().find(|line| line.contains("min_closed:")).unwrap();
        let wrong = line.replace("min_closed:", "min_close:");
        let both = edited("village", &[bus, ("safety.yaml", line, &wrong)]);
        assert_eq!(both.len(), 2, "{both:?}");
    }

    #[test]
    fn what_a_driver_cannot_know_is_not_held_against_it() {
        // A key whose value cannot be read is not missing, and a driver that does not exist has no keys.
        for (from, to, code) in [
            ("port: /dev/ttyUSB0", "port: [a]", "value::kind"),
            ("tic: { driver: tic", "tic: { driver: tick", "bus::driver"),
        ] {
            let found = edited("linky-home", &[("site.yaml", from, to)]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(code), "{found:?}");
        }
    }

    #[test]
    fn a_placeholder_is_helped_with_points_only() {
        let mut texts = example("linky-home");
        let rule = b"at \"12:00\" { notify(\"{water_heatr}\"); }".as_slice();
        texts.files.insert("rules/z.rhai".to_owned(), Arc::from(rule));
        let text = build(&texts, &[]).map(drop).unwrap_err().text;
        assert!(text.contains("there is no point `water_heatr` to show"), "{text}");
        assert!(!text.contains("did you mean"), "an output is no help: {text}");
    }

    /// A pump that a limit opens by a meter whose point says nothing of its period, at a bus with these keys.
    fn metered(keys: &str) -> Texts {
        let mut texts = example("site-panel");
        texts.files.retain(|name, _| !name.starts_with("rules/"));
        let site = format!(
            "site: a\ntime_zone: UTC\nbuses:\n  meters: {{ driver: modbus, url: \"tcp://127.0.0.1\"{keys} }}\n\
             devices:\n  meter: {{ bus: meters, points: {{ power: {{ register: 1, unit: W }} }} }}\n  \
             pump: {{ bus: meters, outputs: {{ contact: {{ kind: contact, register: 2 }} }} }}\n"
        );
        let safety = "outputs:\n  pump: { safe: open }\nlimits:\n  - name: full\n    when: meter.power > 5 kW\n    \
                      force: [ { pump: open } ]\n    until: meter.power < 4 kW\n";
        for (name, text) in [("site.yaml", site.as_str()), ("safety.yaml", safety)] {
            texts.files.insert(name.to_owned(), Arc::from(text.as_bytes()));
        }
        texts
    }

    #[test]
    fn a_limit_may_lean_on_what_its_bus_reads_without_being_told_how_often() {
        let age = |texts: &Texts, overrides: &[String]| {
            let built = build(texts, overrides).unwrap_or_else(|refused| panic!("{}", refused.text));
            let catalog = built.running.catalog();
            let spec = catalog.points.iter().find(|spec| &*spec.name == "meter.power").unwrap();
            (spec.period.unwrap().secs_f64(), spec.max_age.unwrap().secs_f64())
        };
        assert_eq!(age(&metered(""), &[]), (1.0, 3.0));
        assert_eq!(age(&metered(", period: 10 s"), &[]), (10.0, 30.0));
        // What is said at the start changes how often is asked; no value that a limit reads lives longer by that.
        let quick = ["meters.period=200 ms".to_owned()];
        let slow = ["meters.period=1 min".to_owned()];
        for keys in [", period: 10 s", ""] {
            let (_, of_file) = age(&metered(keys), &[]);
            assert_eq!(age(&metered(keys), &slow), (60.0, of_file), "{keys}");
        }
        assert!((age(&metered(", period: 10 s"), &quick).1 - 0.6).abs() < 1e-9);
    }

    #[test]
    fn what_a_mistake_took_with_it_is_not_called_unknown_and_everything_else_is_still_checked() {
        const RULES: &str = "rules/heating.rhai";
        let typo = (RULES, "site.load_share < \"70 %\"", "site.load_shar < \"70 %\"");
        let unknown = |line: u32| format!("expr::unknown_name {RULES}:{line}");
        assert_eq!(edited("linky-home", &[typo]), [unknown(20)]);
        for (from, to, mistake) in [
            // A setting, a derived point, a unit, a group, the modes, a device, a device's bus.
            ("value: 3 kWh", "value: three", "number::expected"),
            ("value: 3 kWh", "value: 3,5 kWh", "number::comma"),
            ("modes: [home, away]", "modes: [home]", "point::words"),
            ("unit: Wh, period", "unit: watthour, period", "unit::unknown"),
            ("file: linky", "file: lynky", "device::file"),
        ] {
            let both = edited("linky-home", &[("site.yaml", from, to), typo]);
            let text = String::from_utf8(example("linky-home").files["site.yaml"].to_vec()).unwrap();
            let line = text.lines().position(|line| line.contains(from)).unwrap() + 1;
            assert_eq!(both, [format!("{mistake} site.yaml:{line}"), unknown(20)], "{to}");
        }
        // Of a site that is cut in the middle no name is known to be missing, and what is no name is still said.
        let cut = ("site.yaml", "points:\n", "points: {\n");
        let sign = (RULES, "linky.period == \"off_peak\"", "linky.period = \"off_peak\"");
        let found = edited("linky-home", &[cut, typo, sign]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[1], format!("rules::syntax {RULES}:3"));
    }
}
