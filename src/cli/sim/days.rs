//! `ballast sim SITE`: days of a site against the simulated village, in made-up time.

use crate::cli::Exit;
use crate::cli::arguments::Sim;
use crate::cli::backtest::bounded;
use crate::cli::bar::Bar;
use crate::cli::terminal::{FAINT, Output, STRONG, styled, width_of_errors};
use crate::report::causes;
use crate::report::instant;
use crate::report::language::{Language, say};
use crate::simulation::lockstep::{NotBegun, Stopped, TURNS_MAX};
use crate::simulation::measures::{Measures, Observer, OutputMeasures};
use crate::simulation::plant::names_missing;
use crate::simulation::plant_file::{self, PlantFile};
use crate::simulation::report::{Run, page, words};
use crate::simulation::series::Plotter;
use crate::simulation::{Setup, Simulation};
use crate::site::{Built, Drawing, Refused, Running, Texts, build};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::render;
use ballast_config::sources::Sources;
use ballast_model::Span;
use ballast_plant::VillageSpec;
use jiff::civil::DateTime;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is told how far it is, on a terminal.
const TOLD: Duration = Duration::from_millis(500);
/// A longer file describes no plant.
const PLANT_BYTES_MAX: u64 = 1 << 20;
/// Years in which a run may begin.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2099;

/// Runs the site and tells what came of it.
pub(super) fn run(site: &Path, options: &Sim, output: &Output) -> Exit {
    match try_run(site, options, output) {
        Ok(()) => Exit::Done,
        Err(exit) => exit,
    }
}

fn try_run(site: &Path, options: &Sim, output: &Output) -> Result<(), Exit> {
    let language = output.language_of_answers();
    let texts =
        Texts::read(site).map_err(|error| output.refuse(Exit::Mistakes, &output.unreadable(site, &error)))?;
    let mut built = build(&texts, &[]).map_err(|refused| mistakes(&refused, output))?;
    let running = Arc::clone(&built.running);
    if !has_world(&mut built) {
        return Err(output.refuse(Exit::Failed, &no_world(&running, language)));
    }
    let PlantFile { spec, faults, commands } = plant(options, &running, output)?;
    has_names(&spec, &texts, language).map_err(|text| output.refuse(Exit::Failed, &text))?;
    let seed = options.seed;
    let setup = Setup { texts, spec, seed, faults, commands, cut_outputs: false, onlooker: None, language };
    let mut simulation = Simulation::begin(setup).map_err(|error| match error {
        NotBegun::Site(refused) => mistakes(&refused, output),
        NotBegun::Plant(error) => {
            let text =
                say!(language, "the village cannot be: {error}", "le village ne peut pas exister : {error}");
            output.refuse(Exit::Failed, &text)
        }
    })?;
    let (first, length) = (simulation.utc(simulation.decision.carrier.clock.now()), length(options.days));
    let mut observer = Observer::new(&simulation, language);
    let mut plotter = Plotter::new(&simulation, length);
    go(&mut simulation, length, output, |simulation| {
        observer.see(simulation);
        plotter.see(simulation, &observer);
    })
    .map_err(|text| output.refuse(Exit::Failed, &text))?;
    let series = plotter.finish(&simulation);
    let measures = observer.finish(&simulation);
    let run =
        Run { measures: &measures, series: &series, running: &running, simulation: &simulation, first, seed };
    if let Some(path) = &options.report {
        std::fs::write(path, page(&run, language))
            .map_err(|error| output.refuse(Exit::Failed, &output.unwritten(path, &error)))?;
    }
    output.answer(&text(&run, options, language), &data(&run));
    Ok(())
}

fn mistakes(refused: &Refused, output: &Output) -> Exit {
    output.mistakes(Some(&refused.drawing.coloured(width_of_errors())), &refused.data)
}

fn has_world(built: &mut Built) -> bool {
    built.take_buses(false).iter().any(|(bus, _)| bus.world().is_some())
}

fn no_world(running: &Running, language: Language) -> String {
    let site = &running.catalog().site;
    say!(
        language,
        "the site {site} has no simulated bus, so there is no village to run it against: give it a bus \
         `{{ driver: sim, plant: village }}`, as in examples/village, or take what was read in the past with \
         `ballast backtest`",
        "le site {site} n'a pas de bus simulé, donc pas de village où l'exécuter : donnez-lui un bus \
         `{{ driver: sim, plant: village }}`, comme dans examples/village, ou prenez ce qui a été mesuré dans le passé \
         avec `ballast backtest`"
    )
}

/// What the village is made of, and what its sensors do wrong; the one place that says it.
fn plant(options: &Sim, running: &Running, output: &Output) -> Result<PlantFile, Exit> {
    let mut plant = match &options.plant {
        None => PlantFile { spec: VillageSpec::demo(), faults: Vec::new(), commands: Vec::new() },
        Some(path) => {
            let bytes = bounded(path, PLANT_BYTES_MAX)
                .map_err(|error| output.refuse(Exit::Mistakes, &output.unreadable(path, &error)))?;
            let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
            match plant_file::read(&path.display().to_string(), &bytes, &mut sources, &mut found) {
                Some(plant) => plant,
                None => {
                    let data = json!({ "diagnostics": render::flatten(&found, &sources) });
                    let drawing = Drawing::of(found, sources);
                    return Err(output.mistakes(Some(&drawing.coloured(width_of_errors())), &data));
                }
            }
        }
    };
    begin(&mut plant.spec, options, running, output.language_of_answers())
        .map_err(|text| output.refuse(Exit::Failed, &text))?;
    Ok(plant)
}

/// The site was checked against the village of the demonstration; another one may lack what it names.
fn has_names(spec: &VillageSpec, texts: &Texts, language: Language) -> Result<(), String> {
    let wrong: Vec<String> =
        names_missing(spec, texts).into_iter().map(|message| format!("  {message}")).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let wrong = wrong.join("\n");
    Err(say!(
        language,
        "the village of this plant has not what the site names:\n{wrong}",
        "le village de ce modèle n'a pas ce que le site nomme :\n{wrong}"
    ))
}

/// Begins at the time that the command line names.
fn begin(spec: &mut VillageSpec, options: &Sim, running: &Running, language: Language) -> Result<(), String> {
    if let Some(text) = &options.start {
        let shown: Option<DateTime> = text.parse().ok().filter(|at: &DateTime| YEARS.contains(&at.year()));
        let zone = running.catalog().zone.jiff();
        let at = shown.and_then(|shown| zone.to_ambiguous_timestamp(shown).compatible().ok());
        let at = at.ok_or_else(|| {
            say!(
                language,
                "--start {text}: give a local date and time from 2000 to 2099, as 2026-03-20T06:00",
                "--start {text} : donnez une date et une heure locales de 2000 à 2099, comme 2026-03-20T06:00"
            )
        })?;
        spec.start_unix_s = at.as_second();
    }
    Ok(())
}

fn length(days: f64) -> Span {
    // The command line takes days of a year at most; the cast saturates.
    Span::from_secs((days * 86_400.0).round() as u64)
}

/// Steps to the end, and looks after each.
fn go(
    simulation: &mut Simulation,
    length: Span,
    output: &Output,
    mut look: impl FnMut(&Simulation),
) -> Result<(), String> {
    let bar = Bar::new(output);
    let mut told = Instant::now();
    let hours = |span: Span| (span.millis() / 3_600_000) as usize;
    let gone = simulation.watch_until(length, |simulation| {
        look(simulation);
        if bar.is_shown() && told.elapsed() >= TOLD {
            told = Instant::now();
            bar.show(output.say("hours", "heures"), hours(simulation.elapsed()), hours(length));
        }
    });
    bar.clear();
    let language = output.language_of_answers();
    gone.map_err(|stopped| match stopped {
        Stopped::Diverged(error) => words::diverged(&error, language),
        Stopped::NeverQuiet => {
            let passed = simulation.elapsed();
            say!(
                language,
                "after {passed} the site is never quiet: {TURNS_MAX} turns without time going on",
                "après {passed} le site n'est jamais au repos : {TURNS_MAX} tours sans que le temps avance"
            )
        }
    })
}

fn text(run: &Run<'_>, options: &Sim, language: Language) -> String {
    let (measures, zone) = (run.measures, &run.running.catalog().zone);
    let (from, to) = (instant::local(run.first, zone), instant::local(run.last(), zone));
    let (site, seed) = (&run.running.catalog().site, run.seed);
    let mut text =
        say!(language, "{site}, {from} to {to}, seed {seed}\n", "{site}, {from} à {to}, graine {seed}\n");
    for (what, value) in words::summary(measures, language) {
        text.push_str(&format!("{what:<27} {value}\n"));
    }
    let head = language.say(
        "class of load                    served      missed",
        "classe de charge                  servi    manquant",
    );
    text.push_str(&format!("{}\n", styled(FAINT, head)));
    for class in &measures.classes {
        let (name, served, missed) =
            (words::class(&class.name, language), class.served_wh / 1e3, class.missed_wh / 1e3);
        text.push_str(&format!("{name:<27} {served:>7.1} kWh {missed:>7.1} kWh\n"));
    }
    let head = language.say(
        "output                      switchings   in an hour      engaged",
        "sortie                       commutat.    par heure       engagé",
    );
    text.push_str(&format!("{}\n", styled(FAINT, head)));
    for one in &measures.outputs {
        let hours = one.engaged_s / 3_600.0;
        text.push_str(&format!(
            "{:<27} {:>10} {:>12} {hours:>10.2} h\n",
            one.name, one.switchings, one.most_in_an_hour
        ));
    }
    if let Some(path) = &options.report {
        let path = path.display();
        let line = say!(language, "the report is in {path}", "le rapport est dans {path}");
        text.push_str(&styled(STRONG, &line));
    }
    text.trim_end().to_owned()
}

fn data(run: &Run<'_>) -> Value {
    let Measures { record, .. } = run.measures;
    let energy = |one: &crate::simulation::measures::Energy| json!({ "name": one.name, "served_wh": one.served_wh, "missed_wh": one.missed_wh });
    let measures = run.measures;
    let rows = |all: &[crate::simulation::measures::Energy]| all.iter().map(energy).collect::<Vec<_>>();
    let outputs: Vec<Value> = measures.outputs.iter().map(|one| output_data(one, run)).collect();
    let alarms: Vec<Value> = (measures.alarms.first.iter())
        .map(|(at, text)| json!({ "at": instant::utc(run.simulation.utc(*at)), "text": text }))
        .collect();
    let sources: serde_json::Map<_, _> =
        run.sources_wh().into_iter().map(|(name, energy_wh)| (name, energy_wh.into())).collect();
    json!({
        "site": run.running.catalog().site, "from": instant::utc(run.first), "to": instant::utc(run.last()),
        "seed": run.seed, "length_s": measures.length_s,
        "lowest_hz": record.lowest_hz, "highest_hz": record.highest_hz,
        "outside_49_51_hz_s": measures.outside_narrow_s, "outside_47_5_52_hz_s": measures.outside_wide_s,
        "blackouts": record.blackouts, "dark_s": record.dark_s,
        "stored_at_start_wh": measures.stored_wh.0, "stored_at_end_wh": measures.stored_wh.1,
        "sources_wh": sources, "classes": rows(&measures.classes), "consumers": rows(&measures.consumers),
        "outputs": outputs, "switchings": measures.switchings(), "interventions": measures.interventions,
        "alarms": measures.alarms.count, "first_alarms": alarms,
    })
}

fn output_data(one: &OutputMeasures, run: &Run<'_>) -> Value {
    let spec = run.running.catalog().output(one.output);
    let switchings = one.kept.iter().map(|kept| {
        let state = spec.map(|spec| causes::state(&spec.show(kept.wanted), Language::En).to_string());
        json!({ "at": instant::utc(run.simulation.utc(kept.at)), "state": state, "why": kept.why })
    });
    json!({
        "output": one.name, "switchings": one.switchings, "most_in_an_hour": one.most_in_an_hour,
        "engaged_s": one.engaged_s, "told": switchings.collect::<Vec<_>>(), "told_left_out": one.left_out(),
    })
}
