//! Every code that this crate can say, with its explanation.
//!
//! A code is stable: a person may search for it, a script may test for it. The explanations are what
//! `ballast check --explain CODE` prints and what the manual lists.

/// One code and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable code, `part::what`.
    pub id: &'static str,
    /// What is wrong, why it matters and what to do, in one paragraph.
    pub explanation: &'static str,
}

/// The explanation of a code, when it is one of ours.
pub fn explain(id: &str) -> Option<&'static str> {
    CODES.iter().find(|code| code.id == id).map(|code| code.explanation)
}

macro_rules! codes {
    ($($name:ident = $id:literal: $explanation:literal;)*) => {
        $(#[doc = $explanation] pub const $name: &str = $id;)*
        /// All codes, sorted.
        pub static CODES: &[Code] = &[$(Code { id: $id, explanation: $explanation }),*];
    };
}

codes! {
    BACKTEST_TABLE = "backtest::table": "A table of readings, of the past or of a test, cannot be used: it has a column `time` and one for each point, its rows stand in the order of time, and each has a cell for every column.";
    BUS_DRIVER = "bus::driver": "The driver of a bus is not one of this program. The help lists them; a device that speaks another protocol needs a driver first.";
    CALENDAR_DAY = "calendar::day": "A day of a calendar cannot be read. Days are written `2026-12-24`, ranges with both ends `2026-12-24..2027-01-02`.";
    DERIVED_CYCLE = "derived::cycle": "Derived points are computed from each other in a circle, so none can be computed first.";
    DERIVED_FORM = "derived::form": "A derived point is computed in exactly one way: by an `expression`, or as the `median`, the `first_good` or the `sum` of several points of the same kind.";
    DEVICE_ADDRESS = "device::address": "An address may be written as people count, and not as it goes over the wire: 40001 for holding register 0, or unit 0 behind a gateway. It is used as it stands; the help says what may be meant, and how to write it so that nothing more is said.";
    DEVICE_BAD_VALUE = "device::bad_value": "A value of a bus, point or output is not one that its driver can use. The message says what the driver expects.";
    DEVICE_BUS = "device::bus": "A device hangs on a bus that does not exist or that speaks another language than the device.";
    DEVICE_EMPTY = "device::empty": "A device has neither points nor outputs, so nothing can be done with it.";
    DEVICE_FILE = "device::file": "There is no device file of this name. Device files lie in the program and in the folder `devices/` of the site; one of the site takes precedence.";
    DEVICE_FILE_NAME = "device::file_name": "A device file is found by its name, so the name that stands in it must be the same.";
    DEVICE_GENERATOR = "device::generator": "A generator is started by its output `run` and takes load through another output; its times belong to `kind: generator`.";
    DEVICE_MISSING_KEY = "device::missing_key": "A key that the driver needs is absent: a topic, a register, a field. The help names it.";
    DEVICE_PARAMETER = "device::parameter": "What the site says with `with:` and what the device file asks for do not fit together.";
    DEVICE_SHARED = "device::shared": "Two outputs are told by the same words on one MQTT topic, so that each undoes what the other one is told and no limit holds for both; or two buses come to one broker under one client id, so that each throws the other one out.";
    DEVICE_UNKNOWN_KEY = "device::unknown_key": "A key of a bus, point or output is known neither to every device nor to its driver. Misspelt keys would be without effect, therefore they are mistakes.";
    DEVICE_UNUSED_PARAMETER = "device::unused_parameter": "A device file has a parameter that stands at none of its points and outputs: what a site gives for it changes nothing.";
    EXPR_ARGUMENTS = "expr::arguments": "A function is called with other arguments than it takes. The help shows how it is written.";
    EXPR_DIMENSION = "expr::dimension": "Two quantities of different kinds are compared or added: volts with watts, watts with volt-amperes, a power with an energy.";
    EXPR_NEVER = "expr::never": "A condition can be understood and is true at no time of any day. From sunset to a time of the evening, and from a time of the morning to sunrise, are parts of one evening or morning; from an evening to a morning goes over midnight.";
    EXPR_NO_PLACE = "expr::no_place": "Sunrise and sunset need to know where the site is: add `location:` to site.yaml.";
    EXPR_NOT_A_COUNTER = "expr::not_a_counter": "`used` counts what went through an index that only grows. A point that measures the moment has no such count.";
    EXPR_NOT_FINITE = "expr::not_finite": "A number of a condition is too large, or is divided by zero. Such a thing has no value, and what is computed from it would be unknown for ever.";
    EXPR_NOT_HERE = "expr::not_here": "A function has no meaning at this place. A limit reads raw values, so that a mean cannot hide what it protects from, and nothing in it gives an unknown value a meaning: that is for its `unknown:`. Functions that look back on a rule belong to rules.";
    EXPR_OUT_OF_RANGE = "expr::out_of_range": "A number is compared with a value that lies outside of what it can be, or on the edge of that, so that the comparison is always true or never. A reading outside of `valid` of its point is bad and counts as unknown; a setting stays in its `range`.";
    EXPR_QUANTITY = "expr::quantity": "A quantity of a condition cannot be read. It is a number with a unit, `49.8 Hz`.";
    EXPR_SYNTAX = "expr::syntax": "The text is not a condition at this place. A condition compares points with quantities, `battery.voltage < 11.8 V`, joins comparisons with `and`, `or` and `not`, and may end with `for 2 s`.";
    EXPR_TIME = "expr::time": "A length of time or a time of day is expected at this place of a condition.";
    EXPR_TOO_LARGE = "expr::too_large": "The condition is longer or nested deeper than the limit. Make a derived point of a part of it, so that the part has a name, can be watched and is computed once. In safety.yaml derived points are written out and count in full.";
    EXPR_TYPE = "expr::type": "A number stands where a condition is needed, or the other way round, or a word is used as a number.";
    EXPR_UNKNOWN_CALENDAR = "expr::unknown_calendar": "The calendar is not one of the site's. Calendars are declared under `calendars:` in site.yaml.";
    EXPR_UNKNOWN_FUNCTION = "expr::unknown_function": "The function is not one that conditions know. The help names the one that is meant, or all of them.";
    EXPR_UNKNOWN_NAME = "expr::unknown_name": "The name is not that of a point of the site. Names are `device.point`; `setting.`, `role.` and `site.mode` exist beside them.";
    EXPR_UNKNOWN_WORD = "expr::unknown_word": "A text point is compared with a word that it never has, so that the comparison would never be true.";
    FILE_MISSING = "file::missing": "A site has a `site.yaml` and a `safety.yaml`; one of them is not there. `ballast init` writes both.";
    FILE_NOT_A_FILE = "file::not_a_file": "What has the name of a file of the site is a folder, a named pipe, a device, or a link that leads to one or to nothing. Nothing of it is read: reading it could wait for ever or never end.";
    FILE_NOT_TEXT = "file::not_text": "The file holds bytes that are not UTF-8. Nothing of it is read. Save it as UTF-8; a degree sign saved by an old editor is the usual cause.";
    FILE_TOO_LONG = "file::too_long": "The file is longer than the limit for a file of a site. It is refused by its length, before it is read, so that a log or a disk image in the wrong place cannot fill the memory.";
    FILE_TOO_MANY = "file::too_many": "The site has more files than the limit. The files over it are not read.";
    GROUP_MEMBER = "group::member": "A member of a group is not a device of the site, or stands twice. Groups hold devices, not points or outputs.";
    GUARD_SOCKETS = "guard::sockets": "The guard's sockets lie in a directory that both processes reach: an absolute path, short enough for a socket (107 bytes with its name). Without the key it is `/run/ballast-guard/SITE`.";
    GUARD_USER = "guard::user": "Who may speak to the guard is named by the user's name on this machine, the first field of `/etc/passwd`. Groups and numbers are not understood: a name says to a reader who it is.";
    INTERLOCK_MEMBERS = "interlock::members": "An interlock names at least two contacts, each once, with the states that must not exist together.";
    INTERLOCK_STATES = "interlock::states": "States that the file itself prescribes (safe, at the start, when nobody asks, forced by one limit) break an interlock. The guard would have to choose against the file at the worst moment.";
    KEY_EMPTY = "key::empty": "A key stands without a value. Write the value, or leave the key out.";
    KEY_MISSING = "key::missing": "A key that must be there is absent. The help says what it means.";
    KEY_UNKNOWN = "key::unknown": "A key is not known at this place. An unknown key would be without effect, and a misspelt one is most often a safety value that does not work; therefore it is a mistake and not ignored.";
    LIMIT_BY_PROGRAM = "limit::by_program": "A limit, an effect or shedding reads a derived point that the program computes: a median, or a frequency made of others. What the program falls silent about is unknown to the guard, but while it speaks the guard takes its word: such a limit is only as true as the program. Points that are measured, and derived points that can be written out into the condition (expressions and sums), the guard reads and computes itself.";
    LIMIT_DERATE = "limit::derate": "A derating has at least two rows, each with a number and the share that is left; it caps setpoints and not contacts, and leads towards what is safe.";
    LIMIT_EXPERIMENTAL = "limit::experimental": "A limit reads a point of a driver that is marked experimental: no independent peer has seen it work. A wrong register must not decide about safety.";
    LIMIT_FEEDS_ITSELF = "limit::feeds_itself": "A limit reads what an output is and moves that output, or other limits move it for it, so that acting ends the cause: it lets go, acts again, and so on, as fast as the relay follows. Such a limit must be ended by something that acting does not change, or by a person.";
    LIMIT_FORCE = "limit::force": "One limit sets the same output twice. The second state would follow the first at once, or after its delay, and nobody could say which is meant.";
    LIMIT_FORM = "limit::form": "A limit says when and what it then does: `when` with `force`, or `of` with `derate`.";
    LIMIT_HYSTERESIS_INVERTED = "limit::hysteresis_inverted": "A limit would let go while it is still violated, act again at once, and so on: the values of `when` and `until` are the wrong way round.";
    LIMIT_MAX_AGE = "limit::max_age": "A limit reads a point that never becomes unknown. When its device falls silent, the last value stays for ever and the limit protects from nothing. Give the point a `max_age`, or a `period` of which three are allowed.";
    LIMIT_NAME = "limit::name": "The name of a limit is given twice, cannot be read, or means something else already: an output, or a word of `ballast guard reset`. Messages, latches and explanations know a limit by its name.";
    LIMIT_NO_HYSTERESIS = "limit::no_hysteresis": "A limit acts and lets go at the same value. A reading that trembles around it would switch the output at every tremble until its life is spent. Add `until` with a gap wider than the noise, or `latch: true`.";
    LIMIT_NOT_MEASURED = "limit::not_measured": "A limit, an effect, `asleep` or shedding reads what somebody says and nobody measures: a setting, the mode, what is asked of an output, what a generator is taken for; or a derived point that stands in for what is unknown. Whoever says another word would lift the limit without a person confirming it, or a dead sensor would.";
    LIMIT_RESOLUTION = "limit::resolution": "A threshold lies between two values that the point can show, or two thresholds lie nearer to each other than one step of the point. The limit would act elsewhere than where the file says.";
    LIMIT_SMOOTHED = "limit::smoothed": "A limit reads a derived point that looks back over time. A mean hides for its whole length what the limit protects from.";
    LIMIT_UNTIL = "limit::until": "The ending condition of a limit does not look at what the limit acts on. It may let go while it is still violated.";
    NAME_FORM = "name::form": "A name is made of a-z, 0-9 and `_` and starts with a letter, so that it can be written in conditions, topics and metrics alike. What people read goes into `label:`, in any language.";
    NAME_RESERVED = "name::reserved": "A name is a word that means something in a condition, such as `and` or `site`.";
    NAME_TAKEN = "name::taken": "Two things have the same full name. Points, outputs, devices and groups share their names, so that a condition can only mean one of them.";
    NAME_UNKNOWN_GROUP = "name::unknown_group": "The name is not that of a group of the site. Groups are declared under `groups:` in site.yaml.";
    NAME_UNKNOWN_OUTPUT = "name::unknown_output": "The name is not that of an output of the site. A device with exactly one output lends it its name; otherwise it is `device.output`.";
    NAME_UNKNOWN_POINT = "name::unknown_point": "The name is not that of a point of the site. Points are declared with their device and are named `device.point`.";
    NUMBER_COMMA = "number::comma": "A number has a decimal comma. Texts of a site use the point: `0.5`. A comma separates values.";
    NUMBER_EXPECTED = "number::expected": "A number is expected here, with its unit where it has one: `5`, `5 kW`, `15 000 Wc`.";
    NUMBER_NOT_FINITE = "number::not_finite": "A number is infinite, too large or not a number at all. Such a value would make every comparison with it meaningless, so none enters the program. Leave the key out where no bound is meant.";
    NUMBER_RANGE = "number::range": "A number lies outside of the range that makes sense here: a share over 100 %, a latitude over 90 deg, a time below zero.";
    OUTPUT_UNIT = "output::unit": "A setpoint is a number and needs its unit; a contact is closed or open and has none.";
    PLANT_FILE = "plant::file": "The file of a plant (`ballast sim --plant`) says something that cannot be: a village, device or reading that does not exist, a disturbance without its time or length, two things at once.";
    POINT_KIND = "point::kind": "A point is a number with a `unit`, an enumeration with `words`, or `flag: true` for yes or no: exactly one of them.";
    POINT_MAX_AGE = "point::max_age": "A point is declared to be unknown before its next value can come. It would flicker between known and unknown.";
    POINT_WORDS = "point::words": "The words of an enumeration: at least two, and each once.";
    RECEIVER_BUS = "receiver::bus": "A receiver is told over a bus that does not exist, that carries no messages for others or that is the guard's alone, or two receivers are the same one: the same kind at the same broker.";
    RECEIVER_PREFIX = "receiver::prefix": "The prefix under which a receiver looks for announcements is no part of a topic on which can be published.";
    RECEIVER_PURPOSE = "receiver::purpose": "What a receiver is told for is said in one line of a few words. It is shown to people wherever they see what leaves the site.";
    RECEIVER_SHARE = "receiver::share": "What a receiver is told is not a point or an output of the site, stands twice, is nothing at all or too much. Only what stands here leaves the site, so a slip is a mistake and never taken for nothing.";
    RECEIVER_STEPS = "receiver::steps": "Two steps are given for numbers of one kind; only one of them could hold.";
    RECEIVER_UNTIL = "receiver::until": "A receiver is told until the end of a day, `2027-03-31`, or until an instant, `2027-03-31 18:00`, in the time zone of the site. What cannot be read is a mistake and never taken for no end.";
    SAFETY_ASLEEP = "safety::asleep": "A point that is asleep has a value and a condition: `0 W when sun.elevation < -2 deg`.";
    SAFETY_EFFECT = "safety::effect": "The effect of an output is seen at a point: what must be true of it while the output is closed, or while it is open.";
    SAFETY_LONG = "safety::long": "A time of a limit, a stage, an interlock or an output is so long that what it stands for practically never happens: a slip of unit, or a number too many. A warning, since somebody may mean it.";
    SAFETY_NO_SAFE_STATE = "safety::no_safe_state": "An output has no safe state. Every output says in safety.yaml what is safe: what its wiring does without power, and where every alarm, a lost program and an expired lease lead.";
    SAFETY_NOT_FOR_CONTACT = "safety::not_for_contact": "A key of setpoints stands at a contact. A contact is closed or open; it has no values, steps or ramps.";
    SAFETY_TIMES = "safety::times": "Times of one output contradict each other, so that one of them can never have an effect, or always would.";
    SAFETY_TWICE = "safety::twice": "An output has two envelopes, once under its name and once under a role. Only one can hold.";
    SAFETY_VALUE_NOT_ALLOWED = "safety::value_not_allowed": "A state that the file prescribes is not among the values that the setpoint may take.";
    SAFETY_VALUES = "safety::values": "A setpoint says which values it may take, as single values and ranges that do not overlap.";
    SAFETY_WIRING = "safety::wiring": "The safe state of a contact is not what its circuit does without power. When controller and relay are dead, nothing but the wiring decides, so safe must be what the wiring does.";
    SCENARIO_FILE = "scenario::file": "The file of a scenario (`ballast bench-policy`) says something that cannot be: no number in its name, no measure that counts, a measure of which nothing is asked, a length beyond a month, rules that do not lie beside it.";
    SETTING_RANGE = "setting::range": "The value of a setting lies outside of the range in which people may set it, or something that is no number has a range.";
    SHEDDING_NEVER = "shedding::never": "An output that nobody but a limit opens is a member of a group that is shed.";
    SHEDDING_NEVER_OPEN = "shedding::never_open": "An output that nobody but a limit opens is open when nobody asks. The guard takes a wish for open, that of its default too, as one for closed: it closes the output and keeps it closed. Such an output is closed when nobody asks (`default: closed`). What rules and people shall go on opening stands in no group that is shed, and not on the list.";
    SHEDDING_OVERLAP = "shedding::overlap": "A load is in two groups of one stage. It is cut once, so the stage can shed less than it seems.";
    SHEDDING_RESTORE = "shedding::restore": "The bounds of giving back do not fit together: what stays free is a share of a point that tells the capacity, and loads come back above the frequency at which they were cut.";
    SHEDDING_SIZE = "shedding::size": "A group that is shed holds a load whose size is unknown, or no load at all. Shedding cuts a share of the load in watts and must know what a cut brings.";
    SHEDDING_SOURCES = "shedding::sources": "Under-frequency shedding hangs on one measurement, or on the same one twice. A meter that is stuck at 50 Hz would let the island collapse; with two that must agree it is found out.";
    SHEDDING_STAGES = "shedding::stages": "The stages of shedding go from the highest frequency to the lowest, and each takes from at least one group.";
    SITE_ROLE = "site::role": "A role points at something that the site does not have. A shared policy would not find what it works on.";
    SITE_UUID = "site::uuid": "The UUID of the site is not one: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12. Other sites know this one by it.";
    SITE_ZONE = "site::zone": "The time zone is not in the bundled database. Zones are named after a city, `Europe/Paris`, since their rules differ from place to place.";
    TEST_ACT = "test::act": "What a test lets happen is nothing that can: `reload`, `restart`, `power cut for 20 min`, `clock jumps +1 h`, `DEVICE offline`, `BUS gone`, `POINT stuck`, and `NAME back` for what went before; on a village also `SET breaks for 1 h`, `SET refuses for 10 min`, `LOAD +5 kW for 10 min`, `clouds for 20 min`.";
    TEST_NAME = "test::name": "A test names a point, an output, a state or a rule that the site does not have, or a point that the site makes itself. The help has the nearest name.";
    TEST_SERIES = "test::series": "The readings of a point in a test cannot be read, or end before the last moment at which the test looks. They are written one word for each moment: `50 49.7x10 50..49x11 _x3 stale nan`, and `x*` goes on to the end.";
    TEST_TIME = "test::time": "A time of a test makes no sense: moments are written in the order of time, the start as a local day and time, and at each moment something is expected.";
    UNIT_IMPLAUSIBLE = "unit::implausible": "A quantity is larger than any house, village or bench has. Far more often than not a prefix is wrong: 15 000 kWc where 15 000 Wc is meant.";
    UNIT_MISSING = "unit::missing": "A quantity is written without its unit. In these files a unit is always written: a bare number is what turned kilowatts into watts in many a plant.";
    UNIT_UNKNOWN = "unit::unknown": "The unit is not one that is known here. Upper and lower case matter: `mW` is a thousandth of a watt and `MW` a million watts.";
    UNIT_WRONG = "unit::wrong": "The unit belongs to another kind of quantity than the one that is expected. Volt-amperes are not watts, and a power is not an energy.";
    VALUE_FLAG = "value::flag": "A yes-or-no value is written `true` or `false`. The words yes, no, on and off mean different things to different versions of YAML.";
    VALUE_KIND = "value::kind": "A map, a list or a single value stands where something else is expected.";
    VALUE_RANGE = "value::range": "A range is written with both ends, lower end first: `200..2000 W`.";
    VALUE_RATE = "value::rate": "A rate says how many in how long: `6 per hour`, `3 loads per 10 s`. Several are separated by commas.";
    VALUE_TOO_LONG = "value::too_long": "A text is longer than anything that a person reads at this place.";
    VALUE_WORD = "value::word": "A word is not one of those that are possible here. An output is `closed` (its load is connected) or `open` (cut), never on or off.";
    YAML_ALIAS = "yaml::alias": "Anchors (`&name`) and aliases (`*name`) are refused: a few of them can stand for billions of values, and a value that stands elsewhere is easily overlooked in a safety file. Write the value where it is used; a value that starts with `&` or `*` needs quotes.";
    YAML_CONTROL = "yaml::control": "The text holds a control character. Nobody sees it in an editor, and on a terminal it can hide or forge text. Remove it.";
    YAML_DOCUMENTS = "yaml::documents": "The file holds more than one YAML document (`---` between them). Only one is read; put the rest into the first, or into another file.";
    YAML_DUPLICATE_KEY = "yaml::duplicate_key": "A map has the same key twice. Which one counts would be a guess, so neither is preferred: remove or rename one.";
    YAML_EMPTY = "yaml::empty": "The file is empty, or holds comments only. `ballast init` writes a commented example.";
    YAML_KEY = "yaml::key": "A key is a list or a map. Keys are words; text that starts with `[` or `{` needs quotes.";
    YAML_SYNTAX = "yaml::syntax": "The text is not YAML at this place. What follows is read again from the next key at the start of a line, so further mistakes are shown as well, but what lies between is skipped.";
    YAML_TAB = "yaml::tab": "A line is indented with a tab. How wide a tab is depends on the editor, so YAML forbids it. Use spaces.";
    YAML_TAG = "yaml::tag": "A value starts with `!`, which YAML takes for a type tag. Tags are not used here. In a condition write `not`, or put the whole condition into quotes.";
    YAML_TOO_DEEP = "yaml::too_deep": "Maps and lists are nested deeper than any site needs. Reading deeper would only help somebody who wants to exhaust the memory.";
    YAML_TOO_MANY_NODES = "yaml::too_many_nodes": "The file holds more values than the limit for one file. Reading stopped at the place that is shown.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_in_groups_and_unique() {
        for pair in CODES.windows(2) {
            let group = |code: &Code| code.id.split("::").next().unwrap().to_owned();
            if group(&pair[0]) == group(&pair[1]) {
                assert!(pair[0].id < pair[1].id, "{} before {}", pair[0].id, pair[1].id);
            }
        }
        let mut ids: Vec<_> = CODES.iter().map(|code| code.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CODES.len());
    }

    #[test]
    fn a_code_explains_itself() {
        assert!(explain("yaml::tab").unwrap().contains("spaces"));
        assert_eq!(explain("yaml::nothing"), None);
    }
}
