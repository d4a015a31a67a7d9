//! All runs as one page of HTML that needs nothing else: no network, no other file, no script.

use super::measure::Key;
use super::optimum::Optimum;
use super::score::penalty;
use super::suite::Who;
use super::table::{OfScenario, OfSeed, Table, middle, middle_and_least};
use super::watch::{Hertz, Seen};
use crate::report::language::{Language, say};
use crate::simulation::report::charts::{Chart, Line};
use crate::simulation::report::{STYLE, escape, heading, table_head};
use std::fmt::Write as _;

/// Frequencies that a picture shows at least, Hz.
const SHOWN_HZ: (f64, f64) = (49.0, 51.0);

/// The whole page.
pub fn page(table: &Table<'_>, optimum: &Optimum, language: Language) -> String {
    let word = language.say("en", "fr");
    let title = language.say("Policies compared", "Politiques comparées");
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{word}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<header><h1>{title}</h1></header>\n<main>\n"
    );
    overview(&mut html, table, language);
    for row in &table.scenarios {
        scenario(&mut html, row, optimum, language);
    }
    html.push_str("</main>\n</body></html>\n");
    html
}

fn overview(html: &mut String, table: &Table<'_>, language: Language) {
    if let Some(goals) = table.goals() {
        let lead = goals.median - goals.fixed;
        html.push_str("<div class=\"tiles\">");
        for (value, what) in [
            (format!("{:.1}", goals.median), language.say("median of the points", "médiane des points")),
            (
                format!("{:.1}", goals.least),
                language.say("points of the worst run", "points de la pire exécution"),
            ),
            (format!("{lead:.1}"), language.say("above fixed thresholds", "au-dessus des seuils fixes")),
            (goals.violations.to_string(), language.say("violations", "violations")),
        ] {
            let _ = write!(html, "<div><b>{value}</b><span>{what}</span></div>");
        }
        html.push_str("</div>\n");
    }
    let names = [
        language.say("scenario", "scénario"),
        language.say("J, no control", "J, sans commande"),
        language.say("J, fixed thresholds", "J, seuils fixes"),
        language.say("J, policy", "J, politique"),
        language.say("J, optimum", "J, optimum"),
        language.say("S, fixed thresholds", "S, seuils fixes"),
        language.say("S, policy", "S, politique"),
        language.say("key measures held", "mesures clés tenues"),
        language.say("violations", "violations"),
    ];
    table_head(html, &names);
    let points = |numbers: Vec<f64>| {
        let known = middle_and_least(numbers);
        known.map_or_else(|| "?".to_owned(), |(middle, least)| format!("{middle:.0} / {least:.0}"))
    };
    for row in &table.scenarios {
        let (held, keys) = row.held();
        let _ = writeln!(
            html,
            "<tr><td>{} {}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{held} / {keys}<td>{}",
            row.scenario.number,
            escape(row.scenario.title(language)),
            middle(row.penalties(Who::Nobody)),
            middle(row.penalties(Who::Fixed)),
            middle(row.penalties(Who::Policy)),
            middle(row.best()),
            points(row.points(Who::Fixed)),
            points(row.points(Who::Policy)),
            row.violations(Who::Policy),
        );
    }
    html.push_str("</table></div>\n");
    let what = language.say(
        "J is a penalty (median over the seeds), S are points of 0 to 100 (median / least).",
        "J est une pénalité (médiane sur les graines), S sont des points de 0 à 100 (médiane / minimum).",
    );
    let _ = writeln!(html, "<p>{what}</p>");
}

fn scenario(html: &mut String, row: &OfScenario<'_>, optimum: &Optimum, language: Language) {
    heading(html, &format!("{} {}", row.scenario.number, row.scenario.title(language)));
    let asked: Vec<String> = row.scenario.keys.iter().map(|key: &Key| key.show(language)).collect();
    let _ = writeln!(html, "<p>{}</p>", escape(&asked.join("; ")));
    if let Some(worst) = row.worst() {
        picture(html, worst, language);
    }
    keys(html, row, language);
    raw(html, row, language);
    if !optimum.columns.is_empty() {
        best(html, row, optimum, language);
    }
}

/// The frequency of the seed in which the policy did worst.
fn picture(html: &mut String, worst: &OfSeed, language: Language) {
    let low = |hertz: &Hertz| hertz.map(|three| three.0);
    let lines = (0..).zip(Who::ALL).map(|(colour, who)| Line {
        values: worst.of(who).bins.iter().map(low).collect(),
        colour: [7, 1, 0].get(colour).copied().unwrap_or(colour),
    });
    let lines: Vec<Line> = lines.collect();
    let bins = Who::ALL.map(|who| worst.of(who).bins.len()).into_iter().max().unwrap_or(0);
    let at = |index: usize| {
        let passed_s = worst.of(Who::Policy).bin_ms as f64 * index as f64 / 1e3;
        if passed_s >= 7_200.0 { format!("{:.2} h", passed_s / 3_600.0) } else { format!("{passed_s:.1} s") }
    };
    let title = |index: usize| {
        let of = |who: Who| {
            let hertz = worst.of(who).bins.get(index).copied().flatten();
            let shown =
                hertz.map_or_else(|| "-".to_owned(), |(low, _, high)| format!("{low:.2}..{high:.2} Hz"));
            format!("{} {shown}", who.name(language))
        };
        format!("{}: {}", at(index), Who::ALL.map(of).join(", "))
    };
    let name = language.say("lowest frequency", "fréquence minimale");
    let titles = (0..bins).map(title).collect();
    let ends = (at(0), at(bins));
    Chart { unit: "Hz", name, least: Some(SHOWN_HZ), bands: Vec::new(), lines, titles, ends }.write(html);
    html.push_str("<p class=\"legend\">");
    for (who, colour) in Who::ALL.into_iter().zip([7, 1, 0]) {
        let _ = write!(html, "<span><i class=\"k{colour}\"></i>{}</span> ", who.name(language));
    }
    let seed = worst.seed;
    let text = say!(
        language,
        "lowest frequency, seed {seed}, in which the policy did worst",
        "fréquence minimale, graine {seed}, la pire pour la politique"
    );
    let _ = writeln!(html, "<span>{text}</span></p>");
}

/// What was asked, and what it came to in each seed.
fn keys(html: &mut String, row: &OfScenario<'_>, language: Language) {
    let asked: Vec<String> = row.scenario.keys.iter().map(|key| key.show(language)).collect();
    let mut names = vec![language.say("seed", "graine"), "S"];
    names.extend(asked.iter().map(String::as_str));
    table_head(html, &names);
    for seed in &row.seeds {
        let points = seed.points(row.scenario, Who::Policy);
        let points = points.map_or_else(|| "?".to_owned(), |points| format!("{points:.1}"));
        let _ = write!(html, "<tr><td>{}<td>{points}", seed.seed);
        for key in &row.scenario.keys {
            let value = (key.measure.of)(seed.of(Who::Policy));
            let shown = value.filter(|value| value.is_finite());
            let shown = shown.map_or_else(|| "-".to_owned(), |value| key.measure.show(value));
            let mark = if key.holds(value) { "" } else { " ✗" };
            let _ = write!(html, "<td>{}{mark}", escape(&shown));
        }
        html.push('\n');
    }
    html.push_str("</table></div>\n");
}

/// The raw numbers of all runs.
fn raw(html: &mut String, row: &OfScenario<'_>, language: Language) {
    let _ =
        writeln!(html, "<details><summary>{}</summary>", language.say("all runs", "toutes les exécutions"));
    let names = [
        language.say("seed", "graine"),
        "",
        "J",
        language.say("missed, kWh", "manquant, kWh"),
        "Hz",
        language.say("outside 49 to 51, s", "hors 49 à 51, s"),
        language.say("outside 47.5 to 52, s", "hors 47.5 à 52, s"),
        language.say("blackouts", "pannes"),
        language.say("switchings", "commutations"),
        language.say("evenness", "équité"),
        language.say("violations", "violations"),
        language.say("hash", "empreinte"),
    ];
    table_head(html, &names);
    for seed in &row.seeds {
        for who in Who::ALL {
            let seen: &Seen = seed.of(who);
            let missed: Vec<String> = (seen.missed_wh.iter())
                .filter(|one| one.1 > 0.0)
                .map(|(class, missed_wh)| {
                    let class = crate::simulation::report::words::class(class, language);
                    format!("{class} {:.2}", missed_wh / 1e3)
                })
                .collect();
            let told: Vec<String> =
                seen.violations.iter().take(5).map(|one| one.sentence(language)).collect();
            let _ = writeln!(
                html,
                "<tr><td>{}<td>{}<td>{:.2}<td>{}<td>{:.2}..{:.2}<td>{:.1}<td>{:.1}<td>{}<td>{}<td>{:.3}<td title=\"{}\">{}\
                 <td>{:016x}",
                seed.seed,
                who.name(language),
                penalty(seen),
                escape(&missed.join(", ")),
                seen.lowest_hz,
                seen.highest_hz,
                seen.outside_narrow_s,
                seen.outside_wide_s,
                seen.blackouts,
                seen.switchings,
                seen.evenness,
                escape(&told.join("\n")),
                seen.violations_count,
                seen.hash,
            );
        }
    }
    html.push_str("</table></div></details>\n");
}

/// The rows of the optimum, as its table has them.
fn best(html: &mut String, row: &OfScenario<'_>, optimum: &Optimum, language: Language) {
    let _ = writeln!(html, "<details><summary>{}</summary>", language.say("optimum", "optimum"));
    let mut names = vec![language.say("seed", "graine"), "J"];
    names.extend(optimum.columns.iter().map(String::as_str));
    table_head(html, &names);
    for seed in &row.seeds {
        let Some(best) = &seed.best else { continue };
        let _ = write!(html, "<tr><td>{}<td>{:.3}", seed.seed, best.penalty);
        for cell in &best.more {
            let _ = write!(html, "<td>{}", escape(cell));
        }
        html.push('\n');
    }
    html.push_str("</table></div></details>\n");
}
