//! The keys of `site.yaml` and of device files.

use ballast_model::Dimension;

use crate::decode::shape::{Form, MapShape, Others, optional, required};

/// `site.yaml`.
pub static SITE: MapShape = MapShape {
    what: "site.yaml",
    others: Others::Refused,
    keys: &[
        required("site", Form::Name, "the site's readable id, unique among the sites of one owner."),
        optional("label", Form::Text, "the site's name for people, in any language."),
        optional("uuid", Form::Text, "identifies the site towards others; `ballast init` writes one."),
        required("time_zone", Form::Text, "the zone of times of day, such as `Europe/Paris`."),
        optional("location", Form::Map(&LOCATION), "where the site is; sunrise and sunset need it."),
        optional(
            "buses",
            Form::Named(&Form::Map(&BUS)),
            "wires, brokers and simulations on which devices hang.",
        ),
        optional("devices", Form::Named(&Form::Map(&DEVICE)), "equipment, each with its points and outputs."),
        optional(
            "groups",
            Form::Named(&Form::Map(&GROUP)),
            "devices that belong together: for `each` and for shedding.",
        ),
        optional(
            "settings",
            Form::Named(&Form::Map(&SETTING)),
            "values that people edit while the program runs.",
        ),
        optional(
            "modes",
            Form::List(&Form::Name),
            "exactly one holds at a time; the first one at the first start.",
        ),
        optional(
            "derived",
            Form::Named(&Form::Map(&DERIVED)),
            "points that are computed from others, named `site.NAME`.",
        ),
        optional("calendars", Form::Named(&Form::List(&Form::Text)), "named sets of days."),
        optional("roles", Form::Named(&Form::PointName), "what the names of a shared policy mean here."),
        optional(
            "receivers",
            Form::Named(&Form::Map(&RECEIVER)),
            "who is told something of this site, and what; without it nothing leaves.",
        ),
    ],
};

/// `location:`.
pub static LOCATION: MapShape = MapShape {
    what: "a location",
    others: Others::Refused,
    keys: &[
        required("latitude", Form::Quantity(Dimension::Angle), "degrees north of the equator, `48.1 deg`."),
        required("longitude", Form::Quantity(Dimension::Angle), "degrees east of Greenwich, `-1.7 deg`."),
    ],
};

/// One entry of `buses:`. Other keys belong to the driver.
pub static BUS: MapShape = MapShape {
    what: "a bus",
    others: Others::Driver,
    keys: &[required("driver", Form::Name, "the driver that speaks on it.")],
};

/// One entry of `devices:`.
pub static DEVICE: MapShape = MapShape {
    what: "a device",
    others: Others::Refused,
    keys: &[
        required("bus", Form::Name, "the bus on which it hangs."),
        optional("file", Form::Text, "the device file that describes its type."),
        optional("with", Form::Driver, "values for the parameters of the device file."),
        optional("label", Form::Text, "its name for people, in any language."),
        optional(
            "rated",
            Form::Quantity(Dimension::Power),
            "rated power; shedding counts with it where nothing is measured.",
        ),
        optional(
            "armed",
            Form::Choice(&["always", "by hand"]),
            "`by hand`: it is read, and told nothing until `ballast arm` with its name; `always` if absent.",
        ),
        optional(
            "points",
            Form::Named(&Form::Map(&POINT)),
            "points beside those of the device file, or changes to them.",
        ),
        optional(
            "outputs",
            Form::Named(&Form::Map(&OUTPUT)),
            "outputs beside those of the device file, or changes to them.",
        ),
        optional(
            "kind",
            Form::Choice(&["generator"]),
            "`generator`: a source with an output `run`; adds the points `ready`, `wanted` and `failed`.",
        ),
        optional(
            "warm_up",
            Form::Quantity(Dimension::Duration),
            "of a generator: from its start until it can take load.",
        ),
        optional("min_run", Form::Quantity(Dimension::Duration), "of a generator: its shortest run."),
        optional(
            "cool_down",
            Form::Quantity(Dimension::Duration),
            "of a generator: without load, before it stops.",
        ),
        optional("attempts", Form::Integer, "of a generator: how often a start is tried; once if absent."),
        optional(
            "attempt",
            Form::Quantity(Dimension::Duration),
            "of a generator: how long one attempt may take; 30 s if absent.",
        ),
        optional(
            "rest",
            Form::Quantity(Dimension::Duration),
            "of a generator: between two attempts; 30 s if absent.",
        ),
        optional("running", Form::Condition, "of a generator: what shows that it really runs."),
    ],
};

/// One point. Other keys belong to the driver.
pub static POINT: MapShape = MapShape {
    what: "a point",
    others: Others::Driver,
    keys: &[
        optional("label", Form::Text, "its name for people, in any language."),
        optional("unit", Form::Text, "the unit of its numbers; `1` for plain numbers."),
        optional("words", Form::List(&Form::Name), "its words, where it is an enumeration."),
        optional("flag", Form::Flag, "`true` where it is yes or no."),
        optional(
            "period",
            Form::Quantity(Dimension::Duration),
            "how often the device reports it, or is asked for it.",
        ),
        optional(
            "max_age",
            Form::Quantity(Dimension::Duration),
            "older than this, its value is unknown; three periods if absent.",
        ),
        optional("resolution", Form::AnyQuantity, "the smallest step it can show."),
        optional("valid", Form::Pattern(RANGE), "values outside of this range are bad."),
        optional("max_slew", Form::AnyQuantity, "faster changes are held back until confirmed, per second."),
        optional("stuck_after", Form::Quantity(Dimension::Duration), "not moving for this long means stuck."),
        optional("counter", Form::Flag, "`true` for an index that counts up: going down is a reset."),
        optional(
            "mean",
            Form::Flag,
            "`true` where it is a mean or a contract value and does not move with the load at once.",
        ),
    ],
};

/// One output. Other keys belong to the driver.
pub static OUTPUT: MapShape = MapShape {
    what: "an output",
    others: Others::Driver,
    keys: &[
        optional("label", Form::Text, "its name for people, in any language."),
        required(
            "kind",
            Form::Choice(&["contact", "setpoint"]),
            "`contact` is closed or open; `setpoint` is a number.",
        ),
        optional("unit", Form::Text, "the unit of a setpoint."),
        optional(
            "unpowered",
            Form::Choice(&["open", "closed"]),
            "what the circuit is when the relay has no power and while it boots.",
        ),
        optional(
            "reverts_after",
            Form::Quantity(Dimension::Duration),
            "the device's own timer: not renewed for this long, it goes back by itself.",
        ),
    ],
};

/// One entry of `groups:`.
pub static GROUP: MapShape = MapShape {
    what: "a group",
    others: Others::Refused,
    keys: &[
        required("members", Form::List(&Form::Name), "the devices in it."),
        optional("label", Form::Text, "its name for people, in any language."),
        optional("class", Form::Name, "a word for people and packs: comfort, vital."),
        optional("phase", Form::Integer, "the phase that feeds it, 1 to 3."),
    ],
};

/// One entry of `settings:`.
pub static SETTING: MapShape = MapShape {
    what: "a setting",
    others: Others::Refused,
    keys: &[
        required("value", Form::AnyQuantity, "what it is until somebody changes it."),
        optional("label", Form::Text, "its name for people, in any language."),
        optional("unit", Form::Text, "the unit in which people edit it; that of `value` if absent."),
        optional("range", Form::Pattern(RANGE), "between which bounds people may set it."),
        optional("words", Form::List(&Form::Name), "its words, where it is one of several."),
    ],
};

/// One entry of `derived:`.
pub static DERIVED: MapShape = MapShape {
    what: "a derived point",
    others: Others::Refused,
    keys: &[
        optional("label", Form::Text, "its name for people, in any language."),
        optional("unit", Form::Text, "the unit in which people read it."),
        optional("expression", Form::Condition, "how it is computed."),
        optional(
            "median",
            Form::List(&Form::PointName),
            "the middle one of these points; needs more than half of them.",
        ),
        optional("first_good", Form::List(&Form::PointName), "the first of these points that is known."),
        optional("sum", Form::List(&Form::PointName), "the sum of these points; unknown while one is."),
    ],
};

/// One entry of `receivers:`.
pub static RECEIVER: MapShape = MapShape {
    what: "a receiver",
    others: Others::Refused,
    keys: &[
        required(
            "kind",
            Form::Choice(&["home_assistant"]),
            "`home_assistant`: finds what is announced at a broker, and shows it.",
        ),
        required("bus", Form::Name, "the bus to the broker over which it is told."),
        required(
            "share",
            Form::OneOf(&[Form::Choice(&["all"]), Form::List(&Form::Pattern(SHARED))]),
            "what it is told: points, outputs, `DEVICE.*` for all of a device, or `all`.",
        ),
        optional(
            "every",
            Form::Quantity(Dimension::Duration),
            "one value is told at most this often; 10 s if absent.",
        ),
        optional(
            "steps",
            Form::List(&Form::AnyQuantity),
            "numbers are told in such steps, `[10 W, 0.5 V]`; as they are if absent.",
        ),
        optional("purpose", Form::Text, "what it is told for, in a few words for people."),
        optional(
            "until",
            Form::Pattern(UNTIL),
            "the last day, `2027-03-31`, or an instant, `2027-03-31 18:00`, in the site's zone; no end if absent.",
        ),
        optional("prefix", Form::Text, "where it looks for announcements; `homeassistant` if absent."),
    ],
};

/// A device file.
pub static DEVICE_FILE: MapShape = MapShape {
    what: "a device file",
    others: Others::Refused,
    keys: &[
        required("device", Form::Text, "the name under which sites use it: the file's name without `.yaml`."),
        required("label", Form::Text, "maker and model, for people."),
        required("driver", Form::Name, "the driver that talks to it."),
        required("source", Form::Text, "where the numbers of this file come from: document, edition, page."),
        optional(
            "parameters",
            Form::Named(&Form::Map(&PARAMETER)),
            "what a site must or may say with `with:`; used as `${name}`.",
        ),
        optional("points", Form::Named(&Form::Map(&POINT)), "what it measures."),
        optional("outputs", Form::Named(&Form::Map(&OUTPUT)), "what it can be told."),
    ],
};

/// One parameter of a device file.
pub static PARAMETER: MapShape = MapShape {
    what: "a parameter",
    others: Others::Refused,
    keys: &[
        required("about", Form::Text, "what it is, for people."),
        optional("default", Form::Text, "what it is when the site says nothing; without one the site must."),
    ],
};

/// `battery.voltage`, `battery.*`, for editors.
const SHARED: &str = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?$";

/// `2027-03-31`, `2027-03-31 18:00`, for editors.
const UNTIL: &str = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?$";

/// `200..2000 W`, for editors.
const RANGE: &str = r"^.+\.\..+$";
