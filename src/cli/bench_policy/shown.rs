//! What all scenarios came to, as a table for people.

use crate::cli::arguments::BenchPolicy;
use crate::cli::terminal::{BAD, FAINT, GOOD, STRONG, styled};
use crate::report::language::{Language, say};
use crate::scenarios::suite::Who;
use crate::scenarios::table::{
    Goals, LEAD_MIN, MEDIAN_MIN, OfScenario, POINTS_MIN, Table, middle, middle_and_least,
};

/// Columns of a scenario's title.
const TITLE: usize = 34;

/// The whole table, with the goals below it.
pub(super) fn text(table: &Table<'_>, options: &BenchPolicy, language: Language) -> String {
    let mut text = styled(
        FAINT,
        &format!(
            "{:<3}{:<TITLE$} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>6} {:>4}",
            "",
            language.say("scenario", "scénario"),
            "J N",
            "J T",
            "J P",
            "J O",
            "S T",
            "S P",
            language.say("keys", "clés"),
            language.say("viol", "viol")
        ),
    );
    text.push('\n');
    for row in &table.scenarios {
        text.push_str(&line(row, language));
        text.push('\n');
    }
    let legend = language.say(
        "J: penalty, median. S: points, median/least. N: no control, T: fixed thresholds, P: policy, O: optimum.",
        "J : pénalité, médiane. S : points, médiane/minimum. N : sans commande, T : seuils fixes, P : politique, O : optimum.",
    );
    text.push_str(&styled(FAINT, legend));
    text.push('\n');
    for row in &table.scenarios {
        text.push_str(&unsafe_runs(row, language));
    }
    if let Some(path) = &options.report {
        let path = path.display();
        let line = say!(language, "the report is in {path}", "le rapport est dans {path}");
        text.push_str(&styled(STRONG, &line));
        text.push('\n');
    }
    text.push_str(&last_line(table.goals().as_ref(), language));
    text
}

fn line(row: &OfScenario<'_>, language: Language) -> String {
    let points = |who: Who| {
        let known = middle_and_least(row.points(who));
        known.map_or_else(|| "?".to_owned(), |(middle, least)| format!("{middle:.0}/{least:.0}"))
    };
    let title: String = row.scenario.title(language).chars().take(TITLE).collect();
    let (held, keys) = row.held();
    format!(
        "{:>2} {title:<TITLE$} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>6} {:>4}",
        row.scenario.number,
        middle(row.penalties(Who::Nobody)),
        middle(row.penalties(Who::Fixed)),
        middle(row.penalties(Who::Policy)),
        middle(row.best()),
        points(Who::Fixed),
        points(Who::Policy),
        format!("{held}/{keys}"),
        row.violations(Who::Policy),
    )
}

/// The first violation of the policy in each scenario.
fn unsafe_runs(row: &OfScenario<'_>, language: Language) -> String {
    let mut seeds = row.seeds.iter();
    let first = seeds.find_map(|seed| Some((seed.seed, seed.of(Who::Policy).violations.first()?)));
    let Some((seed, violation)) = first else { return String::new() };
    let (number, what) = (row.scenario.number, violation.sentence(language));
    let text =
        say!(language, "scenario {number}, seed {seed}: {what}", "scénario {number}, graine {seed} : {what}");
    format!("{}\n", styled(BAD, &text))
}

fn last_line(goals: Option<&Goals>, language: Language) -> String {
    let Some(goals) = goals else {
        return language
            .say(
                "no points: the optimum of these scenarios and seeds is not known",
                "pas de points : l'optimum de ces scénarios et graines n'est pas connu",
            )
            .to_owned();
    };
    let (median, least, lead) = (goals.median, goals.least, goals.median - goals.fixed);
    let (below, unknown, violations) = (goals.below_fixed, goals.unknown, goals.violations);
    let mut text = say!(
        language,
        "policy: median {median:.1} (goal {MEDIAN_MIN}), least {least:.1} (goal {POINTS_MIN}), {lead:.1} above fixed thresholds \
         (goal {LEAD_MIN}), below them in {below} runs (goal 0), {violations} violations (goal 0)",
        "politique : médiane {median:.1} (but {MEDIAN_MIN}), minimum {least:.1} (but {POINTS_MIN}), {lead:.1} au-dessus des \
         seuils fixes (but {LEAD_MIN}), au-dessous dans {below} exécutions (but 0), {violations} violations (but 0)"
    );
    if unknown > 0 {
        text.push_str(&say!(
            language,
            "; the optimum of {unknown} runs is not known",
            " ; l'optimum de {unknown} exécutions n'est pas connu"
        ));
    }
    styled(if goals.are_met() { GOOD } else { BAD }, &text)
}
