//! A person arms a device that was found, or disarms it: all of its outputs or none.
//!
//! Nothing is told to the device by either; the guard sees to that. It is asked before, so that a refusal can be said in
//! full and no output is armed while another one of the device is not.

use super::questions::Asking;
use crate::control::protocol::Answer;
use crate::report::language::{Language, say};
use crate::report::{arming_words, causes, names};
use ballast_guard::OperatorCommand;
use ballast_model::OutputId;
use ballast_model::intent::Cause;
use serde_json::json;

impl Asking<'_> {
    /// The device of that name and its outputs.
    fn find_device(&self, name: &str) -> Result<(String, Vec<OutputId>), String> {
        let found = names::find_device(&self.decision.running, name, self.language);
        let (device, outputs) = found.map(|(name, outputs)| (name.to_owned(), outputs.to_vec()))?;
        if outputs.is_empty() {
            return Err(say!(
                self.language,
                "{device} has no outputs: it is only read",
                "{device} n'a pas de sortie : il est seulement lu"
            ));
        }
        Ok((device, outputs))
    }

    fn is_armed(&self, output: OutputId) -> bool {
        !arming_words::is_unarmed(&self.decision.carrier.guard, output)
    }

    fn named(&self, output: OutputId) -> String {
        self.decision.running.catalog().output(output).map_or("?", |spec| &*spec.name).to_owned()
    }

    /// Whether a person operates this device by hand at all.
    fn is_by_hand(&self, outputs: &[OutputId]) -> bool {
        let guard = &self.decision.carrier.guard;
        outputs.iter().any(|output| guard.envelope(*output).is_some_and(|envelope| envelope.by_hand))
    }

    /// Arms all outputs of a device.
    pub(super) fn arm(&mut self, name: &str) -> Result<Answer, String> {
        self.is_within()?;
        let (device, outputs) = self.find_device(name)?;
        let (language, guard) = (self.language, &self.decision.carrier.guard);
        let waiting: Vec<OutputId> =
            outputs.iter().copied().filter(|output| !self.is_armed(*output)).collect();
        if waiting.is_empty() {
            return Err(if self.is_by_hand(&outputs) {
                say!(language, "{device} is armed already", "{device} est déjà armé")
            } else {
                always(&device, language)
            });
        }
        let against = waiting.iter().find_map(|output| Some((*output, guard.against_arming(*output)?)));
        if let Some((output, cause)) = against {
            let catalog = self.decision.running.catalog();
            let is_memory_lost = self.decision.carrier.memory_lost.is_some();
            let why = causes::held(cause, is_memory_lost, guard.safety_set(), catalog, language);
            let (shown, end) = (self.named(output), way_out(cause, &self.named(output), language));
            return Err(say!(
                language,
                "refused: {why}, so that {shown} would be moved the moment it is armed{end}",
                "refusé : {why} ; {shown} serait manœuvré dès son armement{end}"
            ));
        }
        self.tell_all(waiting.iter().map(|output| OperatorCommand::Arm(*output)));
        if !waiting.iter().all(|output| self.is_armed(*output)) {
            return Err(changed(language));
        }
        let text = arming_words::armed(&device, language);
        let named: Vec<String> = outputs.iter().map(|output| self.named(*output)).collect();
        Ok(Answer::done(text, json!({ "armed": device, "outputs": named })))
    }

    /// Disarms all outputs of a device.
    pub(super) fn disarm(&mut self, name: &str, as_it_is: bool) -> Result<Answer, String> {
        self.is_within()?;
        let (device, outputs) = self.find_device(name)?;
        let language = self.language;
        if !self.is_by_hand(&outputs) {
            return Err(always(&device, language));
        }
        let armed: Vec<OutputId> = outputs.iter().copied().filter(|output| self.is_armed(*output)).collect();
        if armed.is_empty() {
            return Err(say!(language, "{device} is not armed", "{device} n'est pas armé"));
        }
        let guard = &self.decision.carrier.guard;
        let against = armed.iter().find(|output| guard.against_disarming(**output, as_it_is).is_some());
        if let Some(output) = against {
            let shown = self.named(*output);
            return Err(say!(
                language,
                "refused: {shown} is not known to be at its safe state, and no limit could bring it there any more; \
                 make it safe first, or say `ballast disarm {device} --as-it-is`",
                "refusé : rien ne confirme que {shown} est à son état sûr, et aucune limite ne pourrait plus l'y mener ; \
                 mettez-le en sécurité d'abord, ou dites `ballast disarm {device} --as-it-is`"
            ));
        }
        let left = self.left(&armed, language);
        self.tell_all(armed.iter().map(|output| OperatorCommand::Disarm { output: *output, as_it_is }));
        if armed.iter().any(|output| self.is_armed(*output)) {
            return Err(changed(language));
        }
        let text =
            say!(language, "{device} is not armed any more\n{left}", "{device} n'est plus armé\n{left}");
        let named: Vec<String> = outputs.iter().map(|output| self.named(*output)).collect();
        Ok(Answer::done(text, json!({ "disarmed": device, "outputs": named })))
    }

    /// What becomes of each output that is left; to be asked before.
    fn left(&self, outputs: &[OutputId], language: Language) -> String {
        let (guard, catalog) = (&self.decision.carrier.guard, self.decision.running.catalog());
        let line = |output: &OutputId| {
            let left = guard.left_by_disarming(*output)?;
            let (name, rest) = (self.named(*output), arming_words::left_as(catalog, *output, left, language));
            Some(say!(language, "  {name}: {rest}", "  {name} : {rest}"))
        };
        outputs.iter().filter_map(line).collect::<Vec<_>>().join("\n")
    }

    fn tell_all(&mut self, commands: impl Iterator<Item = OperatorCommand>) {
        for command in commands {
            self.decision.guard_command(self.who, command);
        }
        let now = self.decision.carrier.clock.now();
        self.decision.turn(now);
    }
}

fn always(device: &str, language: Language) -> String {
    say!(
        language,
        "{device} is always armed: only a device with `armed: by hand` in site.yaml is armed and disarmed",
        "{device} est toujours armé : seul un appareil avec `armed: by hand` dans site.yaml s'arme et se désarme"
    )
}

/// The guard thought otherwise between the question and the command.
fn changed(language: Language) -> String {
    say!(
        language,
        "refused: something changed just now; look at `ballast status` and try again",
        "refusé : quelque chose vient de changer ; voyez `ballast status` et réessayez"
    )
}

/// What a person can do about what stands against arming.
fn way_out(cause: Cause, output: &str, language: Language) -> String {
    match cause {
        Cause::OperatorNow => say!(
            language,
            "; `ballast guard reset {output}` ends that",
            " ; `ballast guard reset {output}` y met fin"
        ),
        Cause::AtStart | Cause::Silence => {
            say!(language, "; try again in a moment", " ; réessayez dans un moment")
        }
        _ => say!(
            language,
            "; see `ballast why {output}` and try again when that is over",
            " ; voyez `ballast why {output}` et réessayez quand ce sera fini"
        ),
    }
}
