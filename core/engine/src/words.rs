//! Sentences for people: what happened, in English.
//!
//! An event knows ids; the names come from the plan that was running when it was said, so make the sentence then.

use crate::bodies::NoticeLevel;
use crate::events::{EndReason, Event, Phase, Runner, Source, Winner};
use crate::explain::{Reading, witness_reading};
use crate::plan::Plan;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use ballast_model::catalog::PointSpec;
use ballast_model::intent::Witness;
use ballast_model::quantity::Shown;
use ballast_model::time::Gap;
use ballast_model::{OutputId, Reason, Severity, Value, Wanted};

impl Event {
    /// A stable word for this kind of event.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RuleStarted { .. } => "rule_started",
            Self::RuleEnded { .. } => "rule_ended",
            Self::RuleUnknown { .. } => "rule_unknown",
            Self::RuleKnown { .. } => "rule_known",
            Self::BodyFailed { .. } => "body_failed",
            Self::RuleSuspended { .. } => "rule_suspended",
            Self::RuleResumed { .. } => "rule_resumed",
            Self::RuleRemoved { .. } => "rule_removed",
            Self::NoticeRaised { .. } => "notice_raised",
            Self::NoticeCleared { .. } => "notice_cleared",
            Self::Decision { .. } => "decision",
            Self::Requested { .. } => "requested",
            Self::Released { .. } => "released",
            Self::RequestOver { .. } => "request_over",
            Self::SettingChanged { .. } => "setting_changed",
            Self::SettingDropped { .. } => "setting_dropped",
            Self::ModeChanged { .. } => "mode_changed",
            Self::CommandRefused { .. } => "command_refused",
            Self::CampaignAsked { .. } => "campaign_asked",
            Self::Record { .. } => "record",
            Self::ScheduleRan { .. } => "schedule_ran",
            Self::ScheduleMissed { .. } => "schedule_missed",
            Self::ScheduleUnknown { .. } => "schedule_unknown",
            Self::Coalesced { .. } => "coalesced",
            Self::HeldBack { .. } => "held_back",
            Self::Believed { .. } => "believed",
            Self::GeneratorPhase { .. } => "generator_phase",
            Self::GeneratorFailed { .. } => "generator_failed",
            Self::GeneratorReset { .. } => "generator_reset",
            Self::Shed { .. } => "shed",
            Self::Restoring { .. } => "restoring",
            Self::Restored { .. } => "restored",
        }
    }

    /// How much it matters.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::RuleSuspended { .. } | Self::GeneratorFailed { .. } => Severity::Alarm,
            Self::NoticeRaised { notice, .. } => match notice.level {
                NoticeLevel::Notify => Severity::Notice,
                NoticeLevel::Warn => Severity::Warning,
                NoticeLevel::Alarm => Severity::Alarm,
            },
            Self::BodyFailed { .. }
            | Self::RuleUnknown { .. }
            | Self::ScheduleMissed { .. }
            | Self::ScheduleUnknown { .. }
            | Self::Coalesced { .. }
            | Self::HeldBack { .. }
            | Self::SettingDropped { .. }
            | Self::CommandRefused { .. } => Severity::Warning,
            Self::RuleEnded {
                reason: EndReason::Unknown | EndReason::Fault(_) | EndReason::Suspended | EndReason::Harm,
                ..
            } => Severity::Warning,
            Self::RuleResumed { .. }
            | Self::GeneratorReset { .. }
            | Self::RuleRemoved { .. }
            | Self::Requested { .. }
            | Self::Released { .. }
            | Self::SettingChanged { .. }
            | Self::ModeChanged { .. }
            | Self::Shed { .. }
            | Self::Restored { .. } => Severity::Notice,
            _ => Severity::Info,
        }
    }

    /// Whether a person, a site or a campaign did it: such events belong to the audit trail.
    pub const fn is_audit(&self) -> bool {
        matches!(
            self,
            Self::Requested { .. }
                | Self::Released { .. }
                | Self::SettingChanged { .. }
                | Self::ModeChanged { .. }
                | Self::CommandRefused { .. }
                | Self::RuleResumed { .. }
                | Self::GeneratorReset { .. }
        )
    }

    /// Who did it, where somebody did.
    pub fn who(&self) -> Option<&str> {
        match self {
            Self::Requested { who, .. }
            | Self::Released { who, .. }
            | Self::CommandRefused { who, .. }
            | Self::RuleResumed { who, .. }
            | Self::GeneratorReset { who, .. } => Some(who),
            Self::SettingChanged { who, .. } | Self::ModeChanged { who, .. } => who.as_deref(),
            Self::Decision { new, .. } => new.who.as_deref(),
            _ => None,
        }
    }

    /// The name of the rule, output, point, schedule or generator it is about; empty when it is about everything.
    pub fn subject(&self, plan: &Plan) -> Box<str> {
        match self {
            Self::RuleStarted { rule, .. }
            | Self::RuleEnded { rule, .. }
            | Self::RuleUnknown { rule, .. }
            | Self::RuleKnown { rule }
            | Self::RuleSuspended { rule, .. }
            | Self::RuleResumed { rule, .. }
            | Self::Shed { rule, .. } => plan.rule_name(*rule).into(),
            Self::RuleRemoved { name, .. } => name.clone(),
            Self::BodyFailed { runner, .. }
            | Self::NoticeRaised { runner, .. }
            | Self::NoticeCleared { runner, .. }
            | Self::CampaignAsked { runner, .. }
            | Self::Record { runner, .. } => match runner {
                Runner::Rule(rule) => plan.rule_name(*rule).into(),
                Runner::Schedule(schedule) => plan.schedule_name(*schedule).into(),
            },
            Self::Decision { output, .. }
            | Self::Requested { output, .. }
            | Self::Released { output, .. }
            | Self::RequestOver { output, .. }
            | Self::Restoring { output, .. } => plan.output_name(*output).into(),
            Self::SettingChanged { point, .. }
            | Self::SettingDropped { point, .. }
            | Self::ModeChanged { point, .. }
            | Self::HeldBack { point, .. }
            | Self::Believed { point, .. }
            | Self::Coalesced { point, .. } => plan.point_name(*point).into(),
            Self::ScheduleRan { schedule }
            | Self::ScheduleMissed { schedule, .. }
            | Self::ScheduleUnknown { schedule, .. } => plan.schedule_name(*schedule).into(),
            Self::GeneratorPhase { generator, .. }
            | Self::GeneratorFailed { generator, .. }
            | Self::GeneratorReset { generator, .. } => plan.generator_name(*generator).into(),
            Self::CommandRefused { .. } | Self::Restored { .. } => "".into(),
        }
    }

    /// What happened, as one sentence without a full stop.
    pub fn sentence(&self, plan: &Plan) -> String {
        match self {
            Self::RuleStarted { rule, because, .. } => {
                format!("rule \"{}\" started{}", plan.rule_name(*rule), because_of(plan, because))
            }
            Self::RuleEnded { rule, reason, because } => {
                let (name, values) = (plan.rule_name(*rule), because_of(plan, because));
                format!("rule \"{name}\" ended: {}{values}", reason.words())
            }
            Self::RuleUnknown { rule, fault: Some(fault), patience, .. } => {
                let (name, what) = (plan.rule_name(*rule), fault.words());
                format!(
                    "{what} in the condition of rule \"{name}\", which ends in {patience} if that stays so"
                )
            }
            Self::RuleUnknown { rule, point, patience, .. } => {
                let what = match point {
                    Some(point) => plan.catalog.point(*point).map_or("the time of day", |spec| &spec.name),
                    None => "something it needs",
                };
                let name = plan.rule_name(*rule);
                format!("rule \"{name}\" misses {what} and ends in {patience} unless it comes back")
            }
            Self::RuleKnown { rule } => {
                format!("rule \"{}\" knows everything it needs again", plan.rule_name(*rule))
            }
            Self::RuleSuspended { rule, reason } => {
                format!("rule \"{}\" is suspended: {}", plan.rule_name(*rule), reason.words())
            }
            Self::RuleResumed { rule, who } => {
                format!("{who} lets rule \"{}\" run again", plan.rule_name(*rule))
            }
            Self::RuleRemoved { name, was_active } => {
                let was = if *was_active { ", which was active," } else { "" };
                format!("rule \"{name}\"{was} is no longer there")
            }
            Self::BodyFailed { runner, message, place, in_a_row } => {
                let (name, times) = (runner_name(plan, *runner), times(*in_a_row));
                format!("{name} failed at {place}: {message} ({times} in a row)")
            }
            Self::NoticeRaised { notice, .. } => notice.text.clone(),
            Self::NoticeCleared { notice, .. } => format!("over: {}", notice.text),
            _ => self.sentence_of_outputs(plan),
        }
    }

    fn sentence_of_outputs(&self, plan: &Plan) -> String {
        let name = |output: &OutputId| plan.output_name(*output);
        let show = |output: &OutputId, wanted: &Wanted| plan.shown(*output, *wanted);
        match self {
            Self::Decision { output, wanted, old, new, .. } => {
                let by = new.name(plan);
                let before = old.as_ref().filter(|old| *old != new);
                let before = before.map_or_else(String::new, |old| format!(" (before: {})", old.name(plan)));
                format!("{} shall be {}: {by}{before}", name(output), show(output, wanted))
            }
            Self::Requested { output, wanted, who, authority, .. } => {
                let word = authority.word();
                format!("{who} ({word}) wants {} {}", name(output), show(output, wanted))
            }
            Self::Released { output, who, authority } => {
                format!("{who} ends the request of {} for {}", authority.word(), name(output))
            }
            Self::RequestOver { output, winner } => {
                format!("the request of {} for {} is over", winner.name(plan), name(output))
            }
            Self::Shed { rule, group, loads, asked_w, chosen_w } => {
                let loads: Vec<&str> = loads.iter().map(|load| plan.output_name(*load)).collect();
                let (group, rule) = (plan.group_name(*group), plan.rule_name(*rule));
                let list = if loads.is_empty() { "nothing".to_string() } else { loads.join(", ") };
                format!("rule \"{rule}\" sheds {list} of {group}: {chosen_w:.0} W for {asked_w:.0} W asked")
            }
            Self::Restoring { output, waited } => {
                format!("{} may come back after {waited}", name(output))
            }
            _ => self.sentence_of_others(plan),
        }
    }

    fn sentence_of_others(&self, plan: &Plan) -> String {
        match self {
            Self::SettingChanged { point, old, new, who, runner }
            | Self::ModeChanged { point, old, new, who, runner } => {
                let who = who.as_deref().map(ToString::to_string);
                let who = who.or_else(|| runner.map(|runner| runner_name(plan, runner)));
                let old = old.map_or_else(|| "unknown".to_string(), |old| plan.value(*point, old));
                let (name, new) = (plan.point_name(*point), plan.value(*point, *new));
                format!("{} sets {name} from {old} to {new}", who.unwrap_or_else(|| "somebody".to_string()))
            }
            Self::SettingDropped { point, old, new } => {
                let (name, new) = (plan.point_name(*point), plan.value(*point, *new));
                format!("{name} was {old}, which it cannot be any more: it is {new}, as its file says")
            }
            Self::CommandRefused { who, refusal } => {
                format!("a command of {who} was refused: {}", refusal.words())
            }
            Self::CampaignAsked { runner, campaign, start } => {
                let verb = if *start { "starts" } else { "stops" };
                format!("{} {verb} campaign \"{campaign}\"", runner_name(plan, *runner))
            }
            Self::Record { runner, record } => {
                let values = record.values.iter().map(|(point, known)| {
                    let known =
                        known.map_or_else(|| "unknown".to_string(), |known| plan.value(*point, known));
                    format!("{} {known}", plan.point_name(*point))
                });
                let values = values.collect::<Vec<_>>().join(", ");
                let colon = if values.is_empty() { "" } else { ": " };
                format!("{} records \"{}\"{colon}{values}", runner_name(plan, *runner), record.name)
            }
            Self::ScheduleRan { schedule } => format!("`{}` ran", plan.schedule_name(*schedule)),
            Self::ScheduleMissed { schedule, .. } => {
                let name = plan.schedule_name(*schedule);
                format!("`{name}` was missed by too much and is skipped until its next moment")
            }
            Self::ScheduleUnknown { schedule, point, is_too_short } => {
                let point = point.map_or("the time of day", |point| plan.point_name(point));
                let what = if *is_too_short { "has not been known for long enough" } else { "is unknown" };
                format!("`{}` did nothing: {point} {what}", plan.schedule_name(*schedule))
            }
            Self::Coalesced { point, dropped } => {
                let name = plan.point_name(*point);
                format!("{dropped} samples of {name} came too fast; only the newest was kept")
            }
            Self::GeneratorPhase { generator, phase, attempt } => {
                let name = plan.generator_name(*generator);
                match phase {
                    Phase::Starting => format!("generator {name} starts, attempt {attempt}"),
                    phase => format!("generator {name} {}", phase.words()),
                }
            }
            Self::GeneratorFailed { generator, attempts } => {
                let name = plan.generator_name(*generator);
                format!("generator {name} did not start, tried {}", times(*attempts))
            }
            Self::GeneratorReset { generator, who } => {
                format!("{who} lets generator {} try again", plan.generator_name(*generator))
            }
            Self::Restored { gap, active } => {
                format!("goes on {}, {active} rules active", after(*gap))
            }
            _ => self.sentence_of_points(plan),
        }
    }

    fn sentence_of_points(&self, plan: &Plan) -> String {
        match self {
            Self::HeldBack { point, value, reason, before } => {
                let spec = plan.catalog.point(*point);
                let told = spec.map(|spec| held_back(spec, *value, *reason, *before)).unwrap_or_default();
                let until = if *reason == Reason::Jump { " until three in a row agree" } else { "" };
                format!("{} {told}: held back{until}", plan.point_name(*point))
            }
            Self::Believed { point, value, held_back } => {
                let (name, value) = (plan.point_name(*point), plan.value(*point, *value));
                let were = if *held_back == 1 { "reading was" } else { "readings were" };
                format!("{name} is believed again: {value} ({held_back} {were} held back)")
            }
            _ => self.kind().to_string(),
        }
    }
}

impl Phase {
    /// What a generator in this phase does, after its name.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Stopped => "has stopped",
            Self::Starting => "starts",
            Self::Warming => "runs and warms up",
            Self::Ready => "is ready for load",
            Self::Cooling => "runs without load before it stops",
            Self::Resting => "did not start and rests before the next attempt",
            Self::Failed => "has failed",
        }
    }
}

/// What speaks against a value, after the name of its point: `tells 85 Hz, outside of 40 Hz to 60 Hz`.
pub fn held_back(spec: &PointSpec, value: Value, reason: Reason, before: Option<Value>) -> String {
    let unit = spec.unit();
    let [value, before] =
        [Some(value), before].map(|value| value.map_or_else(String::new, |value| spec.show(value)));
    let shown = |base| Shown { base, unit };
    match (reason, spec.valid, spec.max_slew, spec.stuck_after) {
        (Reason::OutOfRange, Some((low, high)), ..) => {
            format!("tells {value}, outside of {} to {}", shown(low), shown(high))
        }
        (Reason::Jump, _, Some(slew), _) => {
            format!("jumps from {before} to {value}, faster than {}/s", shown(slew))
        }
        (Reason::Stuck, .., Some(span)) => format!("has told {value} for {span}: it is stuck"),
        _ => format!("tells {value} ({})", reason.words()),
    }
}

fn runner_name(plan: &Plan, runner: Runner) -> String {
    match runner {
        Runner::Rule(rule) => format!("rule \"{}\"", plan.rule_name(rule)),
        Runner::Schedule(schedule) => format!("`{}`", plan.schedule_name(schedule)),
    }
}

/// How long nothing ran: `after 2 h without the program`.
pub fn after(gap: Gap) -> String {
    match gap {
        Gap::SameBoot(span) => format!("after {span} without the program"),
        Gap::OtherBoot(span) => format!("after a power cut of {span}"),
        Gap::Unknown => "after an outage of unknown length".to_string(),
    }
}

impl Winner {
    /// Who it is, as people read it.
    pub fn name(&self, plan: &Plan) -> String {
        source_name(plan, self.source, self.who.as_deref())
    }
}

/// Who asks, as people read it: `rule "off-peak"`, `operator eva`.
pub(crate) fn source_name(plan: &Plan, source: Source, who: Option<&str>) -> String {
    let word = match source {
        Source::Default => "nobody asks, the default holds",
        Source::Generator(generator) => return format!("generator {}", plan.generator_name(generator)),
        Source::Rule(rule) => return runner_name(plan, Runner::Rule(rule)),
        Source::Schedule(schedule) => return runner_name(plan, Runner::Schedule(schedule)),
        Source::Shed(rule) => return format!("shed by {}", runner_name(plan, Runner::Rule(rule))),
        Source::Returning => "shed, waits to be given back",
        Source::Campaign => "campaign",
        Source::Remote => "remote",
        Source::Operator => "operator",
    };
    who.map_or_else(|| word.to_string(), |who| format!("{word} {who}"))
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_string() } else { format!("{count} times") }
}

/// ` (battery.soc 24 %, grid.frequency too old)`; empty without values.
fn because_of(plan: &Plan, witnesses: &[Witness]) -> String {
    let shown = |witness: &Witness| {
        let Reading { point, value, problem, .. } = witness_reading(plan, witness);
        match (value, problem) {
            (Some(value), None) => format!("{point} {value}"),
            (_, Some(problem)) => format!("{point} {problem}"),
            (None, None) => format!("{point} unknown"),
        }
    };
    let parts: Vec<String> = witnesses.iter().map(shown).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}
