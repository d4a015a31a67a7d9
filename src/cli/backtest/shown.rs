//! How it is told what two sets of rules did.

use crate::backtest::difference::{Difference, between};
use crate::backtest::run::Account;
use crate::backtest::source::SampleSource;
use crate::cli::arguments::Backtest as Options;
use crate::cli::terminal::{FAINT, Output, styled};
use crate::report::causes;
use crate::report::instant;
use crate::report::language::say;
use crate::site::Running;
use ballast_model::catalog::{OutputKind, OutputSpec};
use ballast_model::{Dimension, Finite, Mono, OutputId, Span, Utc, Wanted};
use serde_json::{Value, json};

/// What one set made of one output.
struct Sum {
    engaged: Span,
    cycles: usize,
    /// J
    energy: Option<f64>,
}

struct Telling<'a> {
    accounts: &'a [Account],
    running: &'a Running,
    first: Utc,
    output: &'a Output,
}

/// Tells what every set did, and where they were not the same.
pub(super) fn answer(
    accounts: &[Account],
    source: &dyn SampleSource,
    running: &Running,
    options: &Options,
    output: &Output,
) {
    let Some((first, last)) = source.range() else { return };
    let telling = Telling { accounts, running, first, output };
    let differences = match accounts {
        [one, other] => between(one, other),
        _ => Vec::new(),
    };
    let data = telling.data(source.moments(), last, &differences);
    output.answer(&telling.text(source.moments(), last, &differences, options), &data);
}

impl Telling<'_> {
    fn sums(&self, id: OutputId, spec: &OutputSpec) -> Vec<Sum> {
        let rated = self.running.site.rated.get(spec.device.index()).copied().flatten();
        let is_power = match &spec.kind {
            OutputKind::Contact => true,
            OutputKind::Setpoint(unit) => unit.dimension() == Dimension::Power,
        };
        let sum = |account: &Account| Sum {
            engaged: account.engaged(id, spec.default),
            cycles: account.cycles(id, spec.default),
            energy: account.energy(id, rated.filter(|watts| *watts > Finite::ZERO)).filter(|_| is_power),
        };
        self.accounts.iter().map(sum).collect()
    }

    fn outputs(&self) -> impl Iterator<Item = (OutputId, &OutputSpec)> {
        (0..).map(OutputId).zip(&self.running.catalog().outputs)
    }

    fn utc(&self, moment: Mono) -> Utc {
        let begin = self.accounts.first().map_or(Mono::ZERO, |account| account.begin);
        self.first.after(moment.since(begin))
    }

    fn text(&self, moments: usize, last: Utc, differences: &[Difference], options: &Options) -> String {
        let (language, zone) = (self.output.language, &self.running.catalog().zone);
        let (from, to) = (instant::local(self.first, zone), instant::local(last, zone));
        let site = &self.running.catalog().site;
        let mut text = say!(
            language,
            "{site}, {from} to {to}, {moments} moments",
            "{site}, {from} à {to}, {moments} moments"
        );
        text.push('\n');
        let with = options.with.as_ref().map(|with| with.display().to_string());
        let names: Vec<String> =
            std::iter::once(language.say("now", "actuel").to_owned()).chain(with).collect();
        text.push_str(&self.table(&names));
        for (name, account) in names.iter().zip(self.accounts) {
            let (held, alarms) = (account.interventions, account.alarms);
            text.push_str(&say!(
                language,
                "{name}: {held} interventions of the guard, {alarms} alarms\n",
                "{name} : {held} interventions du gardien, {alarms} alarmes\n"
            ));
        }
        if self.accounts.len() == 2 {
            text.push_str(&self.differences(&names, differences, options.differences));
        }
        text.trim_end().to_owned()
    }

    fn table(&self, names: &[String]) -> String {
        let language = self.output.language;
        let head = language.say(
            "output                      rules                 closed   cycles     energy",
            "sortie                      règles                 fermé   cycles    énergie",
        );
        let mut text = format!("{}\n", styled(FAINT, head));
        for (id, spec) in self.outputs() {
            for (index, (name, sum)) in names.iter().zip(self.sums(id, spec)).enumerate() {
                let shown = if index == 0 { &*spec.name } else { "" };
                let hours = format!("{:.2} h", sum.engaged.secs_f64() / 3600.0);
                let energy =
                    sum.energy.map_or_else(|| "-".to_owned(), |joules| format!("{:.3} kWh", joules / 3.6e6));
                text.push_str(&format!(
                    "{shown:<27} {name:<16} {hours:>11} {:>8} {energy:>10}\n",
                    sum.cycles
                ));
            }
        }
        text
    }

    fn differences(&self, names: &[String], differences: &[Difference], most: usize) -> String {
        let (language, zone) = (self.output.language, &self.running.catalog().zone);
        if differences.is_empty() {
            return language
                .say("both did the same at every moment\n", "les deux ont fait pareil à chaque moment\n")
                .to_owned();
        }
        let count = differences.len();
        let length = differences.iter().fold(Span::ZERO, |sum, one| sum.plus(one.length()));
        let mut text = say!(
            language,
            "they were not the same {count} times, {length} in all\n",
            "ils n'ont pas fait pareil {count} fois, {length} en tout\n"
        );
        let mut first: Vec<&Difference> = differences.iter().collect();
        first.sort_by_key(|one| one.from);
        for one in first.iter().take(most) {
            let Some(spec) = self.running.catalog().output(one.output) else { continue };
            let (from, length, output) = (instant::local(self.utc(one.from), zone), one.length(), &spec.name);
            text.push_str(&say!(
                language,
                "{from}, for {length}: {output}\n",
                "{from}, pendant {length} : {output}\n"
            ));
            for (name, was) in names.iter().zip(&one.was) {
                let why = was.as_ref().map_or_else(
                    || language.say("told nothing yet", "rien ne lui a encore été dit").to_owned(),
                    |(state, why)| {
                        let state = causes::state(&spec.show(*state), language).to_owned();
                        if why.is_empty() { state } else { format!("{state}, {why}") }
                    },
                );
                text.push_str(&format!("  {}{} {why}\n", name, language.colon()));
            }
        }
        if count > most {
            let more = count - most;
            text.push_str(&say!(
                language,
                "{more} more: --differences {count}, or --format json\n",
                "{more} de plus : --differences {count}, ou --format json\n"
            ));
        }
        text
    }

    fn data(&self, moments: usize, last: Utc, differences: &[Difference]) -> Value {
        let sum = |sum: Sum| json!({ "closed_s": sum.engaged.secs_f64(), "cycles": sum.cycles, "energy_wh": sum.energy.map(|joules| joules / 3600.0) });
        let output = |(id, spec): (OutputId, &OutputSpec)| {
            let sums: Vec<Value> = self.sums(id, spec).into_iter().map(sum).collect();
            let switchings: Vec<Vec<Value>> =
                self.accounts.iter().map(|account| self.switchings(account, id, spec)).collect();
            json!({ "output": spec.name, "sums": sums, "switchings": switchings })
        };
        let outputs: Vec<Value> = self.outputs().map(output).collect();
        let sets: Vec<Value> = self
            .accounts
            .iter()
            .map(|account| json!({ "interventions": account.interventions, "alarms": account.alarms }))
            .collect();
        let differences: Vec<Value> = differences.iter().map(|one| self.difference(one)).collect();
        json!({
            "site": self.running.catalog().site, "from": instant::utc(self.first), "to": instant::utc(last),
            "moments": moments, "sets": sets, "outputs": outputs, "differences": differences,
        })
    }

    fn switchings(&self, account: &Account, id: OutputId, spec: &OutputSpec) -> Vec<Value> {
        let list = account.switchings.get(&id).map_or(&[][..], Vec::as_slice);
        list.iter()
            .map(|one| json!({ "at": instant::utc(self.utc(one.at)), "state": spec.show(one.wanted), "why": one.why }))
            .collect()
    }

    fn difference(&self, one: &Difference) -> Value {
        let spec = self.running.catalog().output(one.output);
        let show = |(state, why): &(Wanted, String)| json!({ "state": spec.map(|spec| spec.show(*state)), "why": why });
        let was: Vec<Value> = one.was.iter().map(|was| was.as_ref().map_or(Value::Null, show)).collect();
        json!({
            "output": spec.map(|spec| &spec.name), "from": instant::utc(self.utc(one.from)),
            "to": instant::utc(self.utc(one.until)), "was": was,
        })
    }
}
