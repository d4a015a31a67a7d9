//! The keys of `safety.yaml`.

use ballast_model::Dimension;

use crate::decode::shape::{Form, MapShape, Others, checked, optional, required};

/// `safety.yaml`.
pub static SAFETY: MapShape = MapShape {
    what: "safety.yaml",
    others: Others::Refused,
    keys: &[
        required("outputs", Form::Named(&Form::Map(&ENVELOPE)), "the safety data of every output."),
        optional("limits", Form::List(&Form::Map(&LIMIT)), "conditions on which the guard acts by itself."),
        optional("interlocks", Form::List(&Form::Map(&INTERLOCK)), "states that never exist together."),
        optional(
            "shedding",
            Form::Map(&SHEDDING),
            "cutting loads when the frequency falls, and giving them back.",
        ),
        optional(
            "asleep",
            Form::Named(&Form::Pattern("^.+ when .+$")),
            "points of devices that leave the bus on purpose, and what they then are: `0 W when sun.elevation < -2 deg`.",
        ),
        optional(
            "guard",
            Form::Map(&GUARD),
            "the guard is a process of its own, `ballast-guard`; if absent, it is a part of the program.",
        ),
    ],
};

/// `guard:`.
pub static GUARD: MapShape = MapShape {
    what: "`guard`",
    others: Others::Refused,
    keys: &[
        optional(
            "operators",
            Form::List(&Form::Text),
            "users of this machine who may confirm a loosening, say \"now\", reset and arm; root may always.",
        ),
        optional(
            "program",
            Form::Text,
            "the user whose program may ask the guard for anything; the one who runs the guard if absent.",
        ),
        optional(
            "sockets",
            Form::Pattern("^/.+$"),
            "the directory of the guard's sockets; `/run/ballast-guard/SITE` if absent.",
        ),
    ],
};

/// One entry of `outputs:`.
pub static ENVELOPE: MapShape = MapShape {
    what: "an envelope",
    others: Others::Refused,
    keys: &[
        checked("safe", STATE, "what the unpowered wiring does, and where every alarm leads."),
        optional("default", STATE, "when nobody asks; `safe` if absent."),
        optional("at_start", STATE, "until the inputs of its own limits are good; `safe` if absent."),
        optional(
            "on_silence",
            Form::Pattern("^(safe|hold .+)$"),
            "when the program is gone and the guard lives: `safe`, or `hold 10 min` and then safe.",
        ),
        optional(
            "lease",
            DURATION,
            "how long the program's word holds: 3 s, or 90 s over a network, if absent.",
        ),
        optional("min_closed", DURATION, "shortest time closed; of a setpoint, away from safe."),
        optional("min_open", DURATION, "shortest time open; of a setpoint, at safe."),
        optional(
            "max_closed",
            DURATION,
            "longest time closed; then it stays safe until the request that held it has ended.",
        ),
        optional(
            "max_switches",
            Form::Pattern("^.+ per .+$"),
            "`6 per hour, 30 per day`; when spent, it may only go to safe.",
        ),
        optional(
            "outside_change",
            Form::Pattern("^(alarm|follow .+|correct .+ times)$"),
            "someone else moved it: `alarm`, `follow 2 h` or `correct 3 times`.",
        ),
        optional(
            "effect",
            Form::Map(&EFFECT),
            "how its effect can be seen; a contact that is welded or does nothing raises an alarm.",
        ),
        optional(
            "values",
            Form::List(&Form::Text),
            "what a setpoint may be: single values and ranges, `[0 W, 200..2000 W]`.",
        ),
        optional("step", Form::AnyQuantity, "only multiples of this, counted from the start of the range."),
        optional("min_interval", DURATION, "shortest time between two writes of a setpoint."),
        optional("ramp", Form::Map(&RAMP), "how fast a setpoint may change."),
    ],
};

/// `ramp:` of an envelope.
pub static RAMP: MapShape = MapShape {
    what: "a ramp",
    others: Others::Refused,
    keys: &[required(
        "away_from_safe",
        Form::AnyQuantity,
        "fastest change away from safe, `200 W/s`; towards safe is always at once.",
    )],
};

/// `effect:` of an envelope.
pub static EFFECT: MapShape = MapShape {
    what: "an effect",
    others: Others::Refused,
    keys: &[
        required("point", Form::PointName, "the point that shows it."),
        optional("closed", Form::Text, "what is true of the point while the output is closed: `> 50 mA`."),
        optional("open", Form::Text, "what is true of the point while the output is open: `< 10 mA`."),
        required("within", DURATION, "how long it may take."),
        optional("unless", Form::Condition, "when nothing can be said: a full battery draws no current."),
    ],
};

/// One entry of `limits:`.
pub static LIMIT: MapShape = MapShape {
    what: "a limit",
    others: Others::Refused,
    keys: &[
        required("name", Form::Text, "for people; unique."),
        optional("when", Form::Condition, "when it is violated, with `for` where it must last."),
        optional(
            "force",
            Form::List(&Form::Map(&FORCE)),
            "what it then sets, in this order: `[ { mains: closed }, { charger: open, after: 1 s } ]`.",
        ),
        optional("until", Form::Condition, "when it is clear again; must leave a gap to `when`."),
        optional("latch", Form::Flag, "`true`: only a person ends it."),
        optional("of", Form::Condition, "the number that caps setpoints."),
        optional(
            "derate",
            Form::Named(&Form::Named(&Form::Text)),
            "for each setpoint, rows of that number and the share of its range that is left.",
        ),
        optional(
            "unknown",
            Form::Pattern("^(force|derate .+)$"),
            "what unknown inputs mean: `force` (as if violated) if absent, or `derate 10 %`.",
        ),
    ],
};

/// One step of `force:`. The other key is the output.
pub static FORCE: MapShape = MapShape {
    what: "a step of `force`",
    others: Others::Outputs,
    keys: &[optional("after", DURATION, "how long after the limit acted; at once if absent.")],
};

/// One entry of `interlocks:`.
pub static INTERLOCK: MapShape = MapShape {
    what: "an interlock",
    others: Others::Refused,
    keys: &[
        required(
            "never_together",
            Form::List(&Form::Named(&STATE)),
            "states of which at most one exists at a time: `[mains: closed, genset.contactor: closed]`.",
        ),
        optional(
            "dead_time",
            DURATION,
            "between one leaving its state and another entering; none if absent.",
        ),
    ],
};

/// `shedding:`.
pub static SHEDDING: MapShape = MapShape {
    what: "`shedding`",
    others: Others::Refused,
    keys: &[
        required(
            "source",
            Form::List(&Form::PointName),
            "the points that measure the frequency; two that agree are better than one.",
        ),
        optional(
            "tolerance",
            Form::Quantity(Dimension::Frequency),
            "sources further apart than this disagree; 0.1 Hz if absent.",
        ),
        optional(
            "stuck_after",
            DURATION,
            "a source that stands still for this long while another one moves is stuck; 10 s if absent.",
        ),
        optional("never", Form::List(&Form::PointName), "outputs that nobody but a limit opens."),
        optional("stages", Form::List(&Form::Map(&STAGE)), "act at once, highest frequency first."),
        optional("bulk", Form::Map(&BULK), "acts on a fast fall."),
        optional(
            "cap",
            Form::Pattern("^.+ per .+$"),
            "most loads that rules may shed in a time: `3 loads per 10 s`.",
        ),
        optional(
            "futile_after",
            Form::Integer,
            "after so many events without effect shedding stops and alarms.",
        ),
        optional("restore_at_most", Form::Map(&RESTORE), "bounds of giving back."),
        optional(
            "load",
            Form::PointName,
            "the point that measures the site's load; the sum over the loads if absent.",
        ),
    ],
};

/// One entry of `stages:`.
pub static STAGE: MapShape = MapShape {
    what: "a stage",
    others: Others::Refused,
    keys: &[
        required("below", Form::Quantity(Dimension::Frequency), "acts below this frequency."),
        required("for", DURATION, "for how long."),
        required("shed", Form::Quantity(Dimension::Ratio), "share of the site's load just before the event."),
        required("from", Form::List(&Form::Name), "groups it takes from, first one first."),
    ],
};

/// `bulk:`.
pub static BULK: MapShape = MapShape {
    what: "`bulk`",
    others: Others::Refused,
    keys: &[
        required("below", Form::Quantity(Dimension::Frequency), "acts below this frequency,"),
        required(
            "falling",
            Form::Quantity(Dimension::FrequencySlope),
            "while it falls faster than this over 100 ms.",
        ),
        required("shed", Form::Quantity(Dimension::Ratio), "share of the site's load just before the event."),
        required("from", Form::List(&Form::Name), "groups it takes from, first one first."),
    ],
};

/// `restore_at_most:`.
pub static RESTORE: MapShape = MapShape {
    what: "`restore_at_most`",
    others: Others::Refused,
    keys: &[
        optional(
            "keep_free",
            Form::Text,
            "what must stay free after a load came back: `15 % of site.capacity`.",
        ),
        optional("one_per", DURATION, "at most one load in this time; 10 s if absent."),
        optional("jitter", DURATION, "up to this long is added; none if absent."),
        optional(
            "above",
            Form::Quantity(Dimension::Frequency),
            "the frequency that must be exceeded; 0.1 Hz above the highest stage if absent.",
        ),
        optional(
            "settle",
            DURATION,
            "how long the frequency must be good before the first load comes back; 60 s if absent.",
        ),
    ],
};

const STATE: Form = Form::OneOf(&[Form::Choice(&["closed", "open"]), Form::AnyQuantity]);
const DURATION: Form = Form::Quantity(Dimension::Duration);
