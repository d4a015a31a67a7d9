//! What is said of a candidate that runs beside the rules of a site.

use super::language::{Language, say};
use super::moment::Moment;
use super::{causes, instant};
use crate::metrics::Failing;
use crate::shadow::account::{Account, Difference, Reason};
use crate::shadow::handle::About;
use crate::shadow::paths::Paths;
use ballast_engine::{RuleState, Runner};
use ballast_model::catalog::OutputSpec;
use ballast_model::{Mono, OutputId, Span, Wanted};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Differences that people are shown; programs get all that are kept.
const SHOWN_MAX: usize = 20;

/// How a candidate goes.
pub struct Telling<'a> {
    /// Which one.
    pub about: &'a About,
    /// Where it was not the same.
    pub account: &'a Account,
    /// What its machines know now, in the language of whoever reads it.
    pub moment: Moment<'a>,
    /// Interventions of the guards, of the running rules' and of its own.
    pub interventions: [u64; 2],
    /// What it was too slow for.
    pub lagged: u64,
    /// Its bodies that failed.
    pub failing: &'a BTreeMap<Runner, Failing>,
    /// Where a person has its files.
    pub paths: &'a Paths,
}

impl Telling<'_> {
    fn outputs(&self) -> impl Iterator<Item = (OutputId, &OutputSpec)> {
        (0..).map(OutputId).zip(&self.moment.running.catalog().outputs)
    }

    fn local(&self, at: Mono) -> String {
        instant::local(self.moment.wall.utc_untrusted(at), &self.moment.running.catalog().zone)
    }

    /// For people.
    pub fn text(&self) -> String {
        let (language, About { rules, who, .. }) = (self.moment.language, self.about);
        let (since, lasting) =
            (self.local(self.account.since()), self.moment.now.since(self.account.since()));
        let mut text = say!(
            language,
            "{rules} runs beside the rules of the site since {since}, for {lasting} ({who}); it moves nothing\n",
            "{rules} tourne à côté des règles du site depuis {since}, soit {lasting} ({who}) ; rien n'en est commandé\n"
        );
        let [running, own] = self.interventions;
        text.push_str(&say!(
            language,
            "interventions of the guard: {running} with the rules that run, {own} with these\n",
            "interventions du gardien : {running} avec les règles qui tournent, {own} avec celles-ci\n"
        ));
        let unheard = self.account.unheard(self.moment.now);
        if unheard > Span::ZERO {
            text.push_str(&say!(
                language,
                "the guard of the site did not answer for {unheard}: nothing was compared then\n",
                "le gardien du site n'a pas répondu pendant {unheard} : rien n'a été comparé alors\n"
            ));
        }
        if self.lagged > 0 {
            let lagged = self.lagged;
            text.push_str(&say!(
                language,
                "it did not keep up: {lagged} readings did not reach it, so what it did is not to be relied upon\n",
                "elle n'a pas suivi : {lagged} mesures ne lui sont pas parvenues, on ne peut donc pas s'y fier\n"
            ));
        }
        for (runner, failing) in self.failing {
            text.push_str(&self.failed(*runner, failing));
        }
        self.sums(&mut text);
        self.list(&mut text);
        text.trim_end().to_owned()
    }

    /// How long both were compared.
    fn compared(&self) -> Span {
        let now = self.moment.now;
        now.since(self.account.since()).minus(self.account.unheard(now))
    }

    /// Each output: how long both were the same, and how long not.
    fn sums(&self, text: &mut String) {
        let (language, whole) = (self.moment.language, self.compared());
        for (id, spec) in self.outputs() {
            let ((count, differed), name) = (self.account.differed(id, self.moment.now), &spec.name);
            let same = whole.minus(differed);
            text.push_str(&if count == 0 {
                say!(language, "  {name}: the same all the time\n", "  {name} : pareil tout le temps\n")
            } else {
                say!(
                    language,
                    "  {name}: the same for {same}, not the same for {differed}, {count} times\n",
                    "  {name} : pareil pendant {same}, pas pareil pendant {differed}, {count} fois\n"
                )
            });
        }
    }

    fn is_suspended(&self, runner: Runner) -> bool {
        matches!(runner, Runner::Rule(rule) if self.moment.engine.rule(rule) == Some(RuleState::Suspended))
    }

    /// A body failed: what it would have done is not known, however equal the outputs are.
    fn failed(&self, runner: Runner, failing: &Failing) -> String {
        let (language, plan) = (self.moment.language, &self.moment.running.plan);
        let Failing { times, message, place } = failing;
        let (english, french) = match runner {
            Runner::Rule(rule) => {
                let name = plan.rule_name(rule);
                (format!("rule \"{name}\""), format!("sa règle « {name} »"))
            }
            Runner::Schedule(schedule) => {
                let name = plan.schedule_name(schedule);
                (format!("`{name}`"), format!("son horaire « {name} »"))
            }
        };
        let suspended = if self.is_suspended(runner) {
            language.say(", and is suspended", ", et elle est suspendue")
        } else {
            ""
        };
        let (place, in_french) = (self.paths.place(place), ballast_rules::failure_in_french(message));
        say!(
            language,
            "{english} of it failed {times} times ({place}: {message}){suspended}, so do not rely on what is the same\n",
            "{french} a échoué {times} fois ({place} : {in_french}){suspended}, ne vous fiez donc pas à ce qui est \
             pareil\n"
        )
    }

    fn list(&self, text: &mut String) {
        let language = self.moment.language;
        let all: Vec<&Difference> = self.account.differences(self.moment.now).collect();
        let left = all.len().saturating_sub(SHOWN_MAX) as u64 + self.account.forgotten();
        if left > 0 {
            text.push_str(&say!(
                language,
                "{left} earlier differences are not shown here\n",
                "{left} différences antérieures ne sont pas montrées ici\n"
            ));
        }
        for one in all.iter().skip(all.len().saturating_sub(SHOWN_MAX)) {
            let Some(spec) = self.moment.running.catalog().output(one.output) else { continue };
            let (from, name) = (self.local(one.from), &spec.name);
            let length = one.until.unwrap_or(self.moment.now).since(one.from);
            text.push_str(&if one.until.is_some() {
                say!(language, "{from}, for {length}: {name}\n", "{from}, pendant {length} : {name}\n")
            } else {
                say!(
                    language,
                    "{from}, for {length} until now: {name}\n",
                    "{from}, depuis {length} : {name}\n"
                )
            });
            let names = [language.say("now", "actuel"), language.say("candidate", "candidate")];
            for (side, was) in names.iter().zip(&one.was) {
                text.push_str(&format!("  {side}{} {}\n", language.colon(), self.was(was.as_ref(), spec)));
            }
        }
    }

    fn was(&self, was: Option<&(Wanted, Reason)>, spec: &OutputSpec) -> String {
        let Some((state, [english, french])) = was else { return String::new() };
        let why = self.moment.language.say(english, french);
        format!("{}, {why}", causes::state(&spec.show(*state), self.moment.language))
    }

    /// For programs.
    pub fn data(&self) -> Value {
        let (whole, unheard) = (self.compared(), self.account.unheard(self.moment.now));
        let output = |(id, spec): (OutputId, &OutputSpec)| {
            let (count, differed) = self.account.differed(id, self.moment.now);
            json!({
                "output": spec.name, "same_s": whole.minus(differed).secs_f64(),
                "differed_s": differed.secs_f64(), "differences": count,
            })
        };
        let outputs: Vec<Value> = self.outputs().map(output).collect();
        let differences: Vec<Value> =
            self.account.differences(self.moment.now).map(|one| self.difference(one)).collect();
        let [running, candidate] = self.interventions;
        let about = self.about;
        let failing = |(runner, failing): (&Runner, &Failing)| {
            let plan = &self.moment.running.plan;
            let (what, name) = match runner {
                Runner::Rule(rule) => ("rule", plan.rule_name(*rule)),
                Runner::Schedule(schedule) => ("schedule", plan.schedule_name(*schedule)),
            };
            json!({
                what: name, "failures": failing.times, "suspended": self.is_suspended(*runner),
                "place": self.paths.place(&failing.place), "message": failing.message,
            })
        };
        let failing: Vec<Value> = self.failing.iter().map(failing).collect();
        json!({
            "runs": true, "rules": about.rules, "who": about.who, "since": instant::utc(about.began),
            "lagged": self.lagged, "not_compared_s": unheard.secs_f64(), "interventions": { "running": running, "candidate": candidate },
            "failing": failing, "outputs": outputs, "differences": differences, "forgotten": self.account.forgotten(),
        })
    }

    fn difference(&self, one: &Difference) -> Value {
        let spec = self.moment.running.catalog().output(one.output);
        let utc = |at| instant::utc(self.moment.wall.utc_untrusted(at));
        let was = |was: &Option<(Wanted, Reason)>| {
            was.as_ref()
                .map(|(state, [why, _])| json!({ "state": spec.map(|spec| spec.show(*state)), "why": why }))
        };
        let [running, candidate] = one.was.each_ref().map(was);
        json!({
            "output": spec.map(|spec| &spec.name), "from": utc(one.from), "to": one.until.map(utc),
            "length_s": one.until.unwrap_or(self.moment.now).since(one.from).secs_f64(),
            "running": running, "candidate": candidate,
        })
    }
}

/// No candidate runs; and why the last one ended, if it did by itself.
pub fn none(ended: Option<&str>, language: Language) -> String {
    let none = language.say(
        "no candidate runs beside the rules; `ballast shadow start RULES` begins one",
        "aucune candidate ne tourne à côté des règles ; `ballast shadow start RÈGLES` en lance une",
    );
    ended.map_or_else(|| none.to_owned(), |ended| format!("{ended}\n{none}"))
}

/// One runs already.
pub fn runs_already(rules: &str, language: Language) -> String {
    say!(
        language,
        "{rules} runs already beside the rules: `ballast shadow drop` ends it",
        "{rules} tourne déjà à côté des règles : `ballast shadow drop` y met fin"
    )
}

/// It begins.
pub fn began(rules: &str, language: Language) -> String {
    say!(
        language,
        "{rules} runs beside the rules of the site, and moves nothing; `ballast shadow` tells where it is not the same",
        "{rules} tourne à côté des règles du site, sans rien commander ; `ballast shadow` dit où elle ne fait pas pareil"
    )
}

/// Somebody began one, for the events.
pub fn began_by(rules: &str, who: &str, language: Language) -> String {
    say!(
        language,
        "{who} lets {rules} run beside the rules, with its outputs disconnected",
        "{who} fait tourner {rules} à côté des règles, sorties débranchées"
    )
}

/// Somebody dropped one.
pub fn dropped(rules: &str, language: Language) -> String {
    say!(
        language,
        "{rules} does not run beside the rules any more",
        "{rules} ne tourne plus à côté des règles"
    )
}

/// Somebody wants one to take over.
pub fn promoted_by(rules: &str, who: &str, language: Language) -> String {
    say!(language, "{who} promotes {rules}", "{who} promeut {rules}")
}

/// Another one runs than the one that was to take over.
pub fn another(rules: &str, who: &str, language: Language) -> String {
    say!(
        language,
        "another candidate was begun meanwhile: {rules} ({who}); nothing was promoted. Look at it with `ballast shadow`, \
         and promote it if you mean that one",
        "une autre candidate a été lancée entre-temps : {rules} ({who}) ; rien n'a été promu. Regardez-la avec `ballast \
         shadow`, et promouvez-la si c'est bien elle que vous voulez"
    )
}

/// It ended by itself.
pub fn failed(rules: &str, why: &str, language: Language) -> String {
    say!(
        language,
        "{rules} failed beside the rules and was ended; the site is not concerned: {why}",
        "{rules} a échoué à côté des règles et a pris fin ; le site n'est pas concerné : {why}"
    )
}

/// The site was loaded anew under it.
pub fn overtaken(rules: &str, language: Language) -> String {
    say!(
        language,
        "{rules} does not run beside the rules any more: the site was loaded anew",
        "{rules} ne tourne plus à côté des règles : le site a été rechargé"
    )
}

/// The program ended under it, and another one began.
pub fn ended_with_program(rules: &str, who: &str, since: &str, language: Language) -> String {
    say!(
        language,
        "{rules} ran beside the rules since {since} ({who}) and ended with the program, which began anew: what it had \
         found is gone",
        "{rules} tournait à côté des règles depuis {since} ({who}) et a pris fin avec le programme, qui a redémarré : ce \
         qu'elle avait trouvé est perdu"
    )
}

/// The same, and it cannot be read which one it was.
pub const fn unreadable_ended(language: Language) -> &'static str {
    language.say(
        "a candidate ran beside the rules and ended with the program, which began anew; what was kept of it cannot be read",
        "une candidate tournait à côté des règles et a pris fin avec le programme, qui a redémarré ; ce qui en était gardé \
         est illisible",
    )
}

/// It cannot answer now.
pub fn behind(lagged: u64, language: Language) -> String {
    say!(
        language,
        "the candidate does not keep up ({lagged} readings did not reach it) and cannot say now how it goes; ask again",
        "la candidate ne suit pas ({lagged} mesures ne lui sont pas parvenues) et ne peut pas dire où elle en est ; \
         redemandez"
    )
}

/// In the status of a site.
pub fn mention(rules: &str, language: Language) -> String {
    say!(
        language,
        "beside the rules runs {rules}, which moves nothing: `ballast shadow`\n",
        "à côté des règles tourne {rules}, qui ne commande rien : `ballast shadow`\n"
    )
}
