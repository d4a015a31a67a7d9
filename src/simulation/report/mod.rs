//! A run on the plant as one page of HTML that needs nothing else: no network, no other file, no script.

pub(crate) mod charts;
mod outputs;
pub mod words;

use super::lockstep::Simulation;
use super::measures::{Energy, Measures};
use super::series::{Series, energies};
use crate::report::instant;
use crate::report::language::{Language, say};
use crate::site::Running;
use ballast_model::{Mono, Span, Utc};
use charts::{Band, Chart, Line};
use std::fmt::Write as _;

/// How the page looks.
pub(crate) const STYLE: &str = include_str!("style.css");
/// Colours of lines and areas, by number: names of the style.
const COLOURS: usize = 8;

/// A run that has ended.
pub struct Run<'a> {
    /// What it came to.
    pub measures: &'a Measures,
    /// What is drawn.
    pub series: &'a Series,
    /// The site.
    pub running: &'a Running,
    /// The simulation at its end.
    pub simulation: &'a Simulation,
    /// When it began.
    pub first: Utc,
    /// From what its chance was drawn.
    pub seed: u64,
}

impl Run<'_> {
    /// When it ended.
    pub fn last(&self) -> Utc {
        self.first.after(self.simulation.elapsed())
    }

    /// Energy of each source, Wh, into the bus positive.
    pub fn sources_wh(&self) -> Vec<(String, f64)> {
        self.simulation.look(energies)
    }

    /// A moment of the run in local time.
    fn local(&self, at: Mono) -> String {
        instant::local(self.simulation.utc(at), &self.running.catalog().zone)
    }

    /// The local time at the beginning of a bin.
    fn bin(&self, index: usize) -> String {
        let passed = Span::from_millis(self.series.bin_ms.saturating_mul(index as u64));
        instant::local_short(self.first.after(passed), &self.running.catalog().zone)
    }
}

/// Text that stands in HTML as it is, between tags and in attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The whole page.
pub fn page(run: &Run<'_>, language: Language) -> String {
    let catalog = run.running.catalog();
    let site = escape(&catalog.site);
    let zone = &catalog.zone;
    let (from, to) = (instant::local(run.first, zone), instant::local(run.last(), zone));
    let (seed, word) = (run.seed, language.say("en", "fr"));
    let title = say!(language, "{site} on the simulated plant", "{site} sur le modèle");
    let under = say!(language, "{from} to {to}, seed {seed}", "{from} à {to}, graine {seed}");
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{word}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<header><h1>{title}</h1><p>{}</p></header>\n<main>\n",
        escape(&under)
    );
    html.push_str("<div class=\"tiles\">");
    for (what, value) in words::summary(run.measures, language) {
        let _ = write!(html, "<div><b>{}</b><span>{}</span></div>", escape(&value), escape(what));
    }
    html.push_str("</div>\n");
    frequency(&mut html, run, language);
    powers(&mut html, run, language);
    charge(&mut html, run, language);
    outputs::write(&mut html, run, language);
    energy(&mut html, run, language);
    alarms(&mut html, run, language);
    html.push_str("</main>\n</body></html>\n");
    html
}

/// Begins a section.
pub(crate) fn heading(html: &mut String, text: &str) {
    let _ = writeln!(html, "<h2>{}</h2>", escape(text));
}

fn frequency(html: &mut String, run: &Run<'_>, language: Language) {
    heading(html, language.say("Frequency", "Fréquence"));
    let hertz = |pick: fn((f64, f64, f64)) -> f64| -> Vec<Option<f64>> {
        run.series.bins.iter().map(|bin| bin.hertz.map(pick)).collect()
    };
    let (low, mean, high) = (hertz(|three| three.0), hertz(|three| three.1), hertz(|three| three.2));
    let titles = run.series.bins.iter().enumerate().map(|(index, bin)| {
        let at = run.bin(index);
        match bin.hertz {
            Some((low, mean, high)) => format!("{at}: {low:.2} / {mean:.2} / {high:.2} Hz"),
            None => format!("{at}: {}", language.say("no voltage", "hors tension")),
        }
    });
    let chart = Chart {
        unit: "Hz",
        name: language.say("lowest, mean and highest frequency", "fréquence minimale, moyenne et maximale"),
        least: Some((49.5, 50.5)),
        bands: vec![Band { low, high, colour: 0 }],
        lines: vec![Line { values: mean, colour: 0 }],
        titles: titles.collect(),
        ends: (run.bin(0), run.bin(run.series.bins.len())),
    };
    chart.write(html);
    let names = [language.say("mean, with the lowest and highest", "moyenne, avec minimum et maximum")];
    legend(html, &names.map(str::to_owned));
}

fn powers(html: &mut String, run: &Run<'_>, language: Language) {
    let classes: Vec<String> =
        run.series.classes.iter().map(|word| words::class(word, language).to_owned()).collect();
    heading(html, language.say("Power by class of load", "Puissance par classe de charge"));
    let mut below = vec![0.0; run.series.bins.len()];
    let mut bands = Vec::new();
    for index in 0..classes.len() {
        let low: Vec<Option<f64>> = below.iter().map(|watts| Some(watts / 1e3)).collect();
        for (sum, bin) in below.iter_mut().zip(&run.series.bins) {
            *sum += bin.classes_w.get(index).copied().unwrap_or(0.0);
        }
        let high = below.iter().map(|watts| Some(watts / 1e3)).collect();
        bands.push(Band { low, high, colour: index });
    }
    let name =
        language.say("mean power of each class, stacked", "puissance moyenne de chaque classe, empilée");
    let each = |index: usize| run.series.bins.get(index).map_or(&[][..], |bin| &bin.classes_w);
    power_chart(html, run, (name, &classes, bands, Vec::new()), each);
    heading(html, language.say("Power by source", "Puissance par source"));
    let line = |index: usize| Line {
        values: (run.series.bins.iter())
            .map(|bin| bin.sources_w.get(index).map(|watts| watts / 1e3))
            .collect(),
        colour: index,
    };
    let lines = (0..run.series.sources.len()).map(line).collect();
    let name = language.say(
        "mean power of each source, into the bus positive",
        "puissance moyenne de chaque source, positive vers le réseau",
    );
    let each = |index: usize| run.series.bins.get(index).map_or(&[][..], |bin| &bin.sources_w);
    power_chart(html, run, (name, &run.series.sources, Vec::new(), lines), each);
}

fn power_chart<'a>(
    html: &mut String,
    run: &Run<'_>,
    (name, names, bands, lines): (&str, &[String], Vec<Band>, Vec<Line>),
    each: impl Fn(usize) -> &'a [f64],
) {
    let title = |index: usize| {
        let parts =
            names.iter().zip(each(index)).map(|(name, watts)| format!("{name} {:.2} kW", watts / 1e3));
        format!("{}: {}", run.bin(index), parts.collect::<Vec<_>>().join(", "))
    };
    let titles = (0..run.series.bins.len()).map(title).collect();
    let ends = (run.bin(0), run.bin(run.series.bins.len()));
    Chart { unit: "kW", name, least: Some((0.0, 1.0)), bands, lines, titles, ends }.write(html);
    legend(html, names);
}

fn charge(html: &mut String, run: &Run<'_>, language: Language) {
    let percent = |share: f64| share * 100.0;
    let values: Vec<Option<f64>> = run.series.bins.iter().map(|bin| bin.charge.map(percent)).collect();
    if values.iter().all(Option::is_none) {
        return;
    }
    heading(html, language.say("State of charge", "État de charge"));
    let titles = values.iter().enumerate().map(|(index, value)| {
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0} %"));
        format!("{}: {value}", run.bin(index + 1))
    });
    let titles = titles.collect();
    let chart = Chart {
        unit: "%",
        name: language.say("state of charge of the battery", "état de charge de la batterie"),
        least: Some((0.0, 100.0)),
        bands: Vec::new(),
        lines: vec![Line { values, colour: 2 }],
        titles,
        ends: (run.bin(0), run.bin(run.series.bins.len())),
    };
    chart.write(html);
}

/// Says which colour is whose.
pub(crate) fn legend(html: &mut String, names: &[String]) {
    html.push_str("<p class=\"legend\">");
    for (index, name) in names.iter().enumerate() {
        let _ = write!(html, "<span><i class=\"k{}\"></i>{}</span> ", index % COLOURS, escape(name));
    }
    html.push_str("</p>\n");
}

fn energy(html: &mut String, run: &Run<'_>, language: Language) {
    heading(html, language.say("Energy", "Énergie"));
    let head =
        [language.say("load", "charge"), language.say("served", "servi"), language.say("missed", "manquant")];
    let rows = |html: &mut String, all: &[Energy], name: &dyn Fn(&str) -> String| {
        table_head(html, &head);
        for one in all {
            let (served, missed) = (one.served_wh / 1e3, one.missed_wh / 1e3);
            let name = escape(&name(&one.name));
            let _ = writeln!(html, "<tr><td>{name}<td>{served:.1} kWh<td>{missed:.1} kWh");
        }
        html.push_str("</table></div>\n");
    };
    rows(html, &run.measures.classes, &|word| words::class(word, language).to_owned());
    rows(html, &run.measures.consumers, &str::to_owned);
    table_head(html, &[language.say("source", "source"), language.say("given", "donné")]);
    for (name, energy_wh) in run.sources_wh() {
        let _ = writeln!(html, "<tr><td>{}<td>{:.1} kWh", escape(&name), energy_wh / 1e3);
    }
    html.push_str("</table></div>\n");
}

/// Begins a table with these columns.
pub(crate) fn table_head(html: &mut String, names: &[&str]) {
    html.push_str("<div class=\"wide\"><table><tr>");
    for name in names {
        let _ = write!(html, "<th>{}", escape(name));
    }
    html.push('\n');
}

fn alarms(html: &mut String, run: &Run<'_>, language: Language) {
    heading(html, language.say("Guard and alarms", "Gardien et alarmes"));
    let (held, count) = (run.measures.interventions, run.measures.alarms.count);
    let text = say!(
        language,
        "The guard did something else than it was asked for {held} times; there were {count} alarms.",
        "Le gardien a fait autre chose que ce qui lui était demandé {held} fois ; il y a eu {count} alarmes."
    );
    let _ = writeln!(html, "<p>{}</p>", escape(&text));
    let first = &run.measures.alarms.first;
    if first.is_empty() {
        return;
    }
    table_head(html, &[language.say("when", "quand"), language.say("alarm", "alarme")]);
    for (at, text) in first {
        let _ = writeln!(html, "<tr><td>{}<td class=\"text\">{}", escape(&run.local(*at)), escape(text));
    }
    html.push_str("</table></div>\n");
    if count > first.len() as u64 {
        let more = count - first.len() as u64;
        let text =
            say!(language, "{more} more were only counted.", "{more} de plus ont seulement été comptées.");
        let _ = writeln!(html, "<p>{}</p>", escape(&text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_says_stays_text() {
        assert_eq!(escape("<script>\"a\" & 'b'"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;");
    }
}
