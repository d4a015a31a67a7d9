//! Every output over time, and every switching with its reason.

use super::{Run, charts, escape, heading, table_head};
use crate::report::causes;
use crate::report::language::{Language, say};
use crate::simulation::measures::OutputMeasures;
use std::fmt::Write as _;

/// An output that switched more often is drawn by bins, not by switchings.
const DRAWN_MAX: u64 = 300;
/// Rows of one output's table at most.
const ROWS_MAX: usize = 300;
/// Height of a band.
const BAND: f64 = 22.0;
/// Width of the whole picture, as in the charts.
const WIDTH: f64 = 1_000.0;
/// Steps of how dark a bin is.
const SHADES: f64 = 4.0;

/// Writes bands, counts and reasons.
pub(super) fn write(html: &mut String, run: &Run<'_>, language: Language) {
    heading(html, language.say("Outputs", "Sorties"));
    let text = language.say(
        "Dark: closed, or away from the default of a setpoint. Hover over a band, or look into the tables, for the reason.",
        "Foncé : connecté, ou hors de la valeur par défaut d'une consigne. La raison s'affiche au survol, et dans les tableaux.",
    );
    let _ = writeln!(html, "<p>{}</p>", escape(text));
    for (index, one) in run.measures.outputs.iter().enumerate() {
        let name = escape(&one.name);
        let (count, most, hours) = (one.switchings, one.most_in_an_hour, one.engaged_s / 3_600.0);
        let counts = say!(
            language,
            "{count} switchings, {most} in one hour at most, {hours:.1} h engaged",
            "{count} commutations, {most} en une heure au plus, {hours:.1} h engagé"
        );
        let _ = writeln!(html, "<section><h3>{name}</h3><p>{}</p>", escape(&counts));
        charts::open(html, BAND + 24.0, &one.name);
        let _ = write!(
            html,
            "<rect class=\"off\" x=\"{:.1}\" width=\"{:.1}\" height=\"{BAND}\"/>",
            charts::across(0, 1),
            charts::across(1, 1) - charts::across(0, 1)
        );
        if count <= DRAWN_MAX {
            by_switchings(html, run, one, language);
        } else {
            by_bins(html, run, index);
        }
        charts::close(html, BAND + 24.0, &(run.bin(0), run.bin(run.series.bins.len())));
        table(html, run, one, language);
        html.push_str("</section>\n");
    }
}

/// Where a moment lies in the picture.
fn place(run: &Run<'_>, at: ballast_model::Mono) -> f64 {
    let passed = run.simulation.utc(at).millis().saturating_sub(run.first.millis());
    let whole = run.last().millis().saturating_sub(run.first.millis()).max(1);
    let left = charts::across(0, 1);
    left + (WIDTH - left) * (passed as f64 / whole as f64).clamp(0.0, 1.0)
}

fn shown(run: &Run<'_>, one: &OutputMeasures, wanted: ballast_model::Wanted, language: Language) -> String {
    let spec = run.running.catalog().output(one.output);
    let state = spec.map(|spec| spec.show(wanted)).unwrap_or_default();
    causes::state(&state, language).to_owned()
}

fn by_switchings(html: &mut String, run: &Run<'_>, one: &OutputMeasures, language: Language) {
    let ends = one.kept.iter().skip(1).map(|next| place(run, next.at)).chain([WIDTH]);
    for (kept, end) in one.kept.iter().zip(ends) {
        let begin = place(run, kept.at);
        let class = if one.is_engaged(kept.wanted) { "on" } else { "h" };
        let title =
            format!("{}: {}, {}", run.local(kept.at), shown(run, one, kept.wanted, language), kept.why);
        let _ = write!(
            html,
            "<rect class=\"{class}\" x=\"{begin:.2}\" width=\"{:.2}\" height=\"{BAND}\"><title>{}</title></rect>",
            (end - begin).max(0.4),
            escape(&title)
        );
    }
}

fn by_bins(html: &mut String, run: &Run<'_>, output: usize) {
    let bins = &run.series.bins;
    let shade = |index: usize| {
        let share = bins.get(index).and_then(|bin| bin.engaged.get(output)).copied().unwrap_or(0.0);
        (share * SHADES).ceil() as u32
    };
    let mut begin = 0;
    while begin < bins.len() {
        let end = (begin..bins.len()).find(|index| shade(*index) != shade(begin)).unwrap_or(bins.len());
        let (left, right) = (charts::across(begin, bins.len()), charts::across(end, bins.len()));
        let of_run: f64 =
            bins.iter().take(end).skip(begin).filter_map(|bin| bin.engaged.get(output)).sum::<f64>();
        let percent = of_run / (end - begin) as f64 * 100.0;
        let _ = write!(
            html,
            "<rect class=\"on\" opacity=\"{:.2}\" x=\"{left:.2}\" width=\"{:.2}\" height=\"{BAND}\">\
             <title>{}: {percent:.0} %</title></rect>",
            f64::from(shade(begin)) / SHADES,
            right - left,
            escape(&run.bin(begin))
        );
        begin = end;
    }
}

fn table(html: &mut String, run: &Run<'_>, one: &OutputMeasures, language: Language) {
    if one.kept.is_empty() {
        return;
    }
    let _ = writeln!(html, "<details><summary>{}</summary>", language.say("switchings", "commutations"));
    let head =
        [language.say("when", "quand"), language.say("state", "état"), language.say("reason", "raison")];
    table_head(html, &head);
    for kept in one.kept.iter().take(ROWS_MAX) {
        let (at, state) = (run.local(kept.at), shown(run, one, kept.wanted, language));
        let _ = writeln!(
            html,
            "<tr><td>{}<td>{}<td class=\"text\">{}",
            escape(&at),
            escape(&state),
            escape(&kept.why)
        );
    }
    html.push_str("</table></div>\n");
    let left_out = one.left_out() + one.kept.len().saturating_sub(ROWS_MAX) as u64;
    if left_out > 0 {
        let text =
            say!(language, "{left_out} more are not shown.", "{left_out} de plus ne sont pas montrées.");
        let _ = writeln!(html, "<p>{}</p>", escape(&text));
    }
    html.push_str("</details>\n");
}
