//! The keys of a Modbus bus, of its points and of its outputs.

use super::frame::Framing;
use super::hints;
use super::output::{Meaning, Target};
use super::pdu::Table;
use super::plan::Place;
use super::value::{FORMS, Field, Form, ORDERS};
use crate::bus::{Parity, Wire};
use crate::spec::{Key, Mistakes, key, port_key};
use ballast_model::Span;
use ballast_model::catalog::OutputKind;
use ballast_model::device::Settings;
use std::ops::RangeInclusive;

/// Where the devices are; [`wire`] reads it. SunSpec has the same wires.
pub(crate) const URL: Key = key(
    "url",
    "`tcp://host:port` for Modbus TCP (port 502 where absent), `rtu://host:port` for serial frames over TCP",
);
/// The line, in place of [`URL`], and how it is set.
pub(crate) const PORT: Key = port_key("port", "serial port, in place of `url`");
/// See [`PORT`].
pub(crate) const BAUD: Key = key("baud", "speed of the serial line, bits per second (9600)");
/// See [`PORT`].
pub(crate) const PARITY: Key = key("parity", "none (default), even or odd");
/// See [`PORT`].
pub(crate) const STOP_BITS: Key = key("stop_bits", "1 (default) or 2");
/// Which device on the wire.
pub(crate) const UNIT_ID: Key = key("unit_id", "the device's address on the bus: 1 (default) to 247");

/// Keys of a bus.
pub(super) const BUS_KEYS: &[Key] = &[
    URL,
    PORT,
    BAUD,
    PARITY,
    STOP_BITS,
    key("timeout", "how long an answer may take (1 s)"),
    key("period", "how often points are read that do not say it themselves (1 s)"),
    key("gap", "registers between two wanted ones that are read along rather than asked around (8)"),
];

/// Keys of a point.
pub(super) const POINT_KEYS: &[Key] = &[
    UNIT_ID,
    key("table", "holding (default), input, coil or discrete"),
    key(
        "register",
        "address of the first register or of the bit, counted from 0 as on the wire: 52 or 0x0034",
    ),
    key("type", "u16 (default), i16, u32, i32, u64, i64, f32, f64, bit or text"),
    key("order", "order of the bytes: ABCD (default), CDAB (low register first), BADC or DCBA"),
    key("bit", "which bit of the register, the lowest is 0; for the type `bit`"),
    key("length", "how many registers a text has"),
    key(
        "no_value",
        "patterns by which the device says that it has no value, before scaling: `0x8000, 0xFFFF`; of a number that says nothing here the highest (unsigned) or the lowest (signed) is none; `none`: every pattern is a number",
    ),
    key("scale_register", "register with a power of ten by which the number is multiplied, as in SunSpec"),
    key(
        "identity",
        "yes: this says what the device is; while it has no value nothing of the device is believed, and nothing is told to it (no)",
    ),
    key("most", "most registers that the device allows in one request (125)"),
    key("gap", "as for the bus, for this device"),
];

/// Keys of an output.
pub(super) const OUTPUT_KEYS: &[Key] = &[
    UNIT_ID,
    key("table", "coil (default of contacts) or holding (default of setpoints)"),
    key("register", "address of the register or of the coil, counted from 0 as on the wire"),
    key("type", "as for points, without bit and text"),
    key("order", "as for points"),
    key("scale", "factor between the device's number and the setpoint's unit; negative turns the sign"),
    key("closed", "number that connects the load (1)"),
    key("open", "number that cuts the load (0)"),
    key("write", "single (default; wide values use the function for several anyway) or multiple"),
    key("before", "registers that are written before it, such as the device's own timer: `40 = 60, 41 = 1`"),
    key("after", "registers that are written after it"),
    key("state_register", "register or bit that shows what it is (that to which it is written), or `none`"),
    key("state_table", "table of that register (that to which it is written)"),
    key("state_type", "type of what stands there (as `type`)"),
    key("state_bit", "which bit, for the state type `bit`"),
    key("state_closed", "number that it shows when the load is connected (as `closed`)"),
    key("state_open", "number that it shows when the load is cut (as `open`)"),
    key("state_period", "how often it is read; at once after each write (the bus's period)"),
    key("no_value", "patterns by which the device says that it has no value"),
    key("most", "as for points"),
    key("gap", "as for points"),
];

/// Why a unit on a line is not 0.
pub(crate) const NOBODY: &str = ": 0 is everybody on a line, and nobody answers; addresses begin with 1";

const TABLES: [(&str, Table); 4] = [
    ("holding", Table::Holding),
    ("input", Table::Input),
    ("coil", Table::Coil),
    ("discrete", Table::Discrete),
];

/// Shortest and longest time that an answer may take.
const TIMEOUT: (Span, Span) = (Span::from_millis(20), Span::from_secs(60));
/// How often a point is read whose period neither it nor its bus says.
pub(super) const PERIOD: Span = Span::from_secs(1);
/// Shortest time between two reads.
const PERIOD_MIN: Span = Span::from_millis(1);
/// Registers of the longest text.
const TEXT_MAX: u16 = 64;

/// What holds for a whole bus.
pub(super) struct Bus {
    pub(super) timeout: Span,
    pub(super) period: Span,
    pub(super) gap: u16,
    framing: Option<Framing>,
}

/// Where something stands.
#[derive(Clone, Debug)]
pub(super) struct Where {
    pub(super) table: Table,
    pub(super) place: Place,
}

/// The names of the keys that say where something stands.
pub(super) struct Names {
    table: &'static str,
    register: &'static str,
    form: &'static str,
    bit: &'static str,
}

/// Those of a point, and of what an output is told.
pub(super) const POINT: Names = Names { table: "table", register: "register", form: "type", bit: "bit" };
/// Those of what an output is.
const STATE: Names =
    Names { table: "state_table", register: "state_register", form: "state_type", bit: "state_bit" };

/// A whole number, decimal or `0x`; negative ones are allowed where `number` is asked for the bits of one.
fn whole(text: &str) -> Option<i128> {
    let text = text.trim();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hexadecimal) => {
            u64::from_str_radix(hexadecimal, 16).ok().filter(|_| !hexadecimal.starts_with('+'))
        }
        None => digits.parse::<u64>().ok().filter(|_| !digits.starts_with('+')),
    };
    number.map(|number| if is_negative { -i128::from(number) } else { i128::from(number) })
}

/// A whole number within bounds; `default` where the key is absent.
pub(super) fn number(
    settings: &Settings,
    key: &str,
    default: u16,
    allowed: RangeInclusive<u16>,
    mistakes: &mut Mistakes,
) -> Option<u16> {
    let Some(text) = settings.get(key) else { return Some(default) };
    let number =
        whole(text).and_then(|number| u16::try_from(number).ok()).filter(|number| allowed.contains(number));
    if number.is_none() {
        let wrong = settings.wrong(key, format!("`{key}` cannot be `{text}`"));
        let mut help = format!("it is a whole number from {} to {}", allowed.start(), allowed.end());
        let given = whole(text).and_then(|number| u32::try_from(number).ok());
        if let Some(hint) =
            given.filter(|_| key.ends_with("register")).and_then(|number| hints::classic(number, None))
        {
            help = hint;
        }
        if given == Some(0) && key == UNIT_ID.name {
            help.push_str(NOBODY);
        }
        mistakes.add(wrong.help(help));
    }
    number
}

/// A number of a device; `default` where the key is absent.
fn plain(settings: &Settings, key: &str, default: f64, mistakes: &mut Mistakes) -> Option<f64> {
    let Some(text) = settings.get(key) else { return Some(default) };
    let number =
        whole(text).map(|number| number as f64).or_else(|| crate::point::parse_number(text.as_bytes()));
    if number.is_none() {
        let wrong = settings.wrong(key, format!("`{text}` is not a number"));
        mistakes.add(wrong.help("write a plain number, without a unit"));
    }
    number
}

/// Where the devices are, and how requests are wrapped there.
pub(crate) fn wire(settings: &Settings, mistakes: &mut Mistakes) -> Option<(Wire, Framing)> {
    let serial_keys = ["baud", "parity", "stop_bits"];
    match (settings.get("url"), settings.get("port")) {
        (Some(_), Some(_)) => {
            let wrong = settings.wrong("port", "a bus has `url` or `port`, not both");
            mistakes.add(wrong.help("two lines are two buses"));
            None
        }
        (None, None) => {
            let missing = settings.missing("url", "a Modbus bus");
            mistakes
                .add(missing.help("add `url: tcp://host:502`, or `port: /dev/ttyUSB0` for a serial line"));
            None
        }
        (Some(url), None) => {
            for key in serial_keys.into_iter().filter(|key| settings.get(key).is_some()) {
                mistakes.add(
                    settings.wrong(key, format!("`{key}` is for serial lines")).help("this bus has a `url`"),
                );
            }
            let found = parse_url(url);
            if found.is_none() {
                let wrong = settings.wrong("url", format!("`{url}` is not the address of a Modbus device"));
                mistakes.add(
                    wrong.help("write `tcp://host:502`, or `rtu://host:port` for serial frames over TCP"),
                );
            }
            found
        }
        (None, Some(port)) => {
            let speed = number_of_bits(settings, mistakes);
            let parity = mistakes.choice(
                settings,
                "parity",
                &[("none", Parity::None), ("even", Parity::Even), ("odd", Parity::Odd)],
            );
            let is_two_stop_bits = mistakes.choice(settings, "stop_bits", &[("1", false), ("2", true)]);
            let (speed, parity, is_two_stop_bits) = (speed?, parity?, is_two_stop_bits?);
            let pause = pause(speed);
            Some((Wire::Serial { port: port.into(), speed, parity, is_two_stop_bits, pause }, Framing::Rtu))
        }
    }
}

fn number_of_bits(settings: &Settings, mistakes: &mut Mistakes) -> Option<u32> {
    let Some(text) = settings.get("baud") else { return Some(9600) };
    let speed = text.parse::<u32>().ok().filter(|speed| (300..=921_600).contains(speed));
    if speed.is_none() {
        let wrong = settings.wrong("baud", "this is not a speed in bits per second");
        mistakes.add(wrong.help("most devices use 9600 or 19200"));
    }
    speed
}

/// Silence between two frames: 3.5 characters of 11 bits, and 1.75 ms above 19200 bits per second (Modbus over Serial
/// Line V1.02, section 2.5.1.1).
fn pause(speed: u32) -> Span {
    let nanos = 38_500_000_000_u64.checked_div(u64::from(speed)).unwrap_or(0);
    Span::from_nanos(if speed > 19_200 { 1_750_000 } else { nanos })
}

fn parse_url(url: &str) -> Option<(Wire, Framing)> {
    let (framing, default_port, rest) = match url.split_once("://")? {
        ("tcp" | "modbus" | "modbus+tcp", rest) => (Framing::Tcp, Some(502), rest),
        ("rtu", rest) => (Framing::Rtu, None, rest),
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None => default_port?,
    };
    let is_host = !host.is_empty() && !host.contains(['/', '@', '?', ' ', '[', ']']);
    is_host.then(|| (Wire::Tcp { host: host.into(), port }, framing))
}

/// What holds for a whole bus; what is wrong there has its default, and its mistake is noted.
pub(super) fn bus(settings: &Settings, framing: Option<Framing>, mistakes: &mut Mistakes) -> Bus {
    let timeout = mistakes.span(settings, "timeout", Span::from_secs(1)).unwrap_or(TIMEOUT.1);
    if timeout < TIMEOUT.0 || timeout > TIMEOUT.1 {
        let text = format!("`timeout` must lie between {} and {}", TIMEOUT.0, TIMEOUT.1);
        mistakes.add(settings.wrong("timeout", text));
    }
    let period = mistakes.span(settings, "period", PERIOD).unwrap_or(PERIOD_MIN);
    if period < PERIOD_MIN {
        mistakes.add(settings.wrong("period", format!("`period` must be at least {PERIOD_MIN}")));
    }
    let gap = number(settings, "gap", 8, 0..=super::plan::REGISTERS_MAX, mistakes).unwrap_or(0);
    Bus { timeout, period, gap, framing }
}

impl Bus {
    /// The address of a unit. Over TCP, 0 and 255 are the device itself; on a line 0 is everybody, and nobody answers.
    pub(super) fn address(&self, settings: &Settings, mistakes: &mut Mistakes) -> Option<u8> {
        let allowed = if self.framing == Some(Framing::Rtu) { 1..=247 } else { 0..=255 };
        number(settings, "unit_id", 1, allowed, mistakes).and_then(|address| u8::try_from(address).ok())
    }
}

/// Where a point or a state stands.
pub(super) fn place(
    settings: &Settings,
    names: &Names,
    what: &str,
    mistakes: &mut Mistakes,
) -> Option<Where> {
    let table = mistakes.choice(settings, names.table, &TABLES);
    let is_given = mistakes.need(settings, names.register, what).is_some();
    let register = number(settings, names.register, 0, 0..=u16::MAX, mistakes).filter(|_| is_given);
    if table.is_some_and(Table::is_bits) {
        for key in [names.form, names.bit, "order", "length", "no_value", "scale_register"] {
            if settings.get(key).is_some() && names.register == POINT.register {
                let wrong = settings.wrong(key, format!("`{key}` is for registers"));
                mistakes.add(wrong.help("a coil and a discrete input are one bit"));
            }
        }
        return Some(Where { table: table?, place: Place::Bit(register?) });
    }
    let form = form(settings, names, mistakes);
    let order = mistakes.choice(settings, "order", &ORDERS);
    let scale = number(settings, "scale_register", 0, 0..=u16::MAX, mistakes);
    let scale_register = settings.get("scale_register").and(scale);
    let no_value = form.map(|form| no_value(settings, form, mistakes));
    let field =
        Field { register: register?, form: form?, order: order?, no_value: no_value?, scale_register };
    Some(Where { table: table?, place: Place::Field(field) })
}

fn form(settings: &Settings, names: &Names, mistakes: &mut Mistakes) -> Option<Form> {
    let mut words: Vec<(&str, Form)> = FORMS.to_vec();
    let bit = number(settings, names.bit, 0, 0..=15, mistakes);
    let length = number(settings, "length", 8, 1..=TEXT_MAX, mistakes);
    words.push(("bit", Form::Bit(u8::try_from(bit?).ok()?)));
    words.push(("text", Form::Text(length?)));
    let form = mistakes.choice(settings, names.form, &words)?;
    let is_bit = matches!(form, Form::Bit(_));
    if is_bit && settings.get(names.bit).is_none() {
        mistakes.add(settings.missing(names.bit, "a bit of a register"));
    }
    if !is_bit && settings.get(names.bit).is_some() {
        let wrong = settings.wrong(names.bit, format!("`{}` is for the type `bit`", names.bit));
        mistakes.add(wrong.help(format!("add `{}: bit`", names.form)));
    }
    if !matches!(form, Form::Text(_)) && settings.get("length").is_some() {
        mistakes
            .add(settings.wrong("length", "`length` is for the type `text`").help("other types know theirs"));
    }
    Some(form)
}

/// The patterns for "no value", as bits in the width of the form.
fn no_value(settings: &Settings, form: Form, mistakes: &mut Mistakes) -> Box<[u64]> {
    let width = u32::from(form.registers().min(4)) * 16;
    let mut patterns = Vec::new();
    let text = settings.get("no_value").filter(|text| *text != "none").unwrap_or("");
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        // NaN is never a value.
        if part.eq_ignore_ascii_case("nan") && matches!(form, Form::Float(_)) {
            continue;
        }
        let fits = |number: &i128| *number < 1i128 << width && *number >= -(1i128 << (width - 1));
        match whole(part).filter(fits) {
            Some(number) if !matches!(form, Form::Text(_)) => {
                patterns.push(number as u64 & (u64::MAX >> (64 - width)));
            }
            _ => {
                let wrong = settings.wrong("no_value", format!("`{part}` is not a pattern of {width} bits"));
                mistakes.add(wrong.help("write it as the device sends it, before scaling: `0x8000`"));
            }
        }
    }
    patterns.into()
}

/// The pattern that is no value where a file does not say which: all ones of an unsigned number and the lowest signed one. A
/// device that measured this is at the end of what it can tell, and most mean that they have nothing to tell (SunSpec calls both
/// "not implemented").
pub(super) fn usual_no_value(settings: &Settings, form: Form) -> Option<Box<[u64]>> {
    let width = u32::from(form.registers().min(4)) * 16;
    let pattern = match form {
        Form::Unsigned(_) => u64::MAX >> (64 - width),
        Form::Signed(_) => 1 << (width - 1),
        Form::Float(_) | Form::Bit(_) | Form::Text(_) => return None,
    };
    settings.get("no_value").is_none().then(|| [pattern].into())
}

/// Where an output is told.
pub(super) fn target(settings: &Settings, kind: &OutputKind, mistakes: &mut Mistakes) -> Option<Target> {
    let coil = ("coil", Table::Coil);
    let holding = ("holding", Table::Holding);
    let tables = if *kind == OutputKind::Contact { [coil, holding] } else { [holding, coil] };
    let table = mistakes.choice(settings, "table", &tables)?;
    if table == Table::Coil {
        if *kind != OutputKind::Contact {
            mistakes.add(
                settings.wrong("table", "a coil is open or closed").help("a setpoint stands in `holding`"),
            );
        }
        let is_given = mistakes.need(settings, "register", "an output over Modbus").is_some();
        let address = number(settings, "register", 0, 0..=u16::MAX, mistakes).filter(|_| is_given);
        return address.map(Target::Coil);
    }
    let is_given = mistakes.need(settings, "register", "an output over Modbus").is_some();
    let register = number(settings, "register", 0, 0..=u16::MAX, mistakes).filter(|_| is_given);
    let form = mistakes.choice(settings, "type", &FORMS);
    let order = mistakes.choice(settings, "order", &ORDERS);
    let no_value = form.map(|form| no_value(settings, form, mistakes));
    let field =
        Field { register: register?, form: form?, order: order?, no_value: no_value?, scale_register: None };
    if field.range().1 > u32::from(u16::MAX) + 1 {
        let wrong = settings.wrong("register", "this value reaches beyond the last register");
        mistakes.add(wrong.help("the last register is 65535"));
        return None;
    }
    Some(Target::Field(field))
}

/// What the numbers of an output mean.
pub(super) fn meaning(settings: &Settings, kind: &OutputKind, mistakes: &mut Mistakes) -> Option<Meaning> {
    let contact_keys = ["closed", "open", "state_closed", "state_open"];
    match kind {
        OutputKind::Contact => {
            if settings.get("scale").is_some() {
                mistakes.add(
                    settings
                        .wrong("scale", "`scale` is for setpoints")
                        .help("a contact has `closed` and `open`"),
                );
            }
            let closed = plain(settings, "closed", 1.0, mistakes)?;
            let open = plain(settings, "open", 0.0, mistakes)?;
            let state_closed = plain(settings, "state_closed", closed, mistakes)?;
            let state_open = plain(settings, "state_open", open, mistakes)?;
            for (one, other, key) in [(closed, open, "closed"), (state_closed, state_open, "state_closed")] {
                if (one - other).abs() < f64::EPSILON {
                    let wrong = settings.wrong(key, format!("open and closed are both `{one}`"));
                    mistakes.add(wrong.help("the two states need two numbers"));
                    return None;
                }
            }
            Some(Meaning::Contact { closed, open, state_closed, state_open })
        }
        OutputKind::Setpoint(unit) => {
            for key in contact_keys.into_iter().filter(|key| settings.get(key).is_some()) {
                mistakes.add(
                    settings.wrong(key, format!("`{key}` is for contacts")).help("a setpoint has `scale`"),
                );
            }
            let scale = plain(settings, "scale", 1.0, mistakes)?;
            if scale.abs() < f64::MIN_POSITIVE {
                mistakes.add(settings.wrong("scale", "`scale` cannot be zero"));
                return None;
            }
            Some(Meaning::Level { unit: *unit, scale })
        }
    }
}

/// Where an output shows what it is; `Some(None)` where nowhere.
pub(super) fn state(
    settings: &Settings,
    target: Option<&Target>,
    mistakes: &mut Mistakes,
) -> Option<Option<Where>> {
    match settings.get("state_register") {
        Some("none") => return Some(None),
        Some(_) => return Some(Some(state_place(settings, target, mistakes)?)),
        None => {}
    }
    for key in ["state_table", "state_type", "state_bit"] {
        if settings.get(key).is_some() {
            mistakes.add(settings.missing("state_register", &format!("`{key}`")));
        }
    }
    Some(Some(match target? {
        Target::Coil(address) => Where { table: Table::Coil, place: Place::Bit(*address) },
        Target::Field(field) => Where { table: Table::Holding, place: Place::Field(field.clone()) },
    }))
}

/// What is not said is as for the register that is written.
fn state_place(settings: &Settings, target: Option<&Target>, mistakes: &mut Mistakes) -> Option<Where> {
    let register = number(settings, "state_register", 0, 0..=u16::MAX, mistakes)?;
    let mut found = place(settings, &STATE, "the state of an output", mistakes)?;
    let is_said = |key: &str| settings.get(key).is_some();
    match target {
        Some(Target::Coil(_)) if !is_said("state_table") => {
            found = Where { table: Table::Coil, place: Place::Bit(register) };
        }
        Some(Target::Field(field)) if !is_said("state_type") => {
            if let Place::Field(found) = &mut found.place {
                *found = Field { register, ..field.clone() };
            }
        }
        _ => {}
    }
    Some(found)
}

/// Registers with what is written there.
pub(super) fn pairs(settings: &Settings, key: &str, mistakes: &mut Mistakes) -> Vec<(u16, u16)> {
    let mut pairs = Vec::new();
    let text = settings.get(key).unwrap_or("");
    let word = |text: &str| {
        let number = whole(text)?;
        u16::try_from(number).ok().or_else(|| i16::try_from(number).ok().map(|number| number as u16))
    };
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let pair = part.split_once('=').and_then(|(address, value)| {
            Some((whole(address).and_then(|address| u16::try_from(address).ok())?, word(value)?))
        });
        match pair {
            Some(pair) => pairs.push(pair),
            None => {
                let wrong = settings.wrong(key, format!("`{part}` is not a register with its value"));
                mistakes.add(wrong.help("write `register = value`: `40 = 60`"));
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_devices() {
        let tcp = |host: &str, port| Some((Wire::Tcp { host: host.into(), port }, Framing::Tcp));
        assert_eq!(parse_url("tcp://192.168.1.20"), tcp("192.168.1.20", 502));
        assert_eq!(parse_url("tcp://[fe80::1]:1502"), tcp("fe80::1", 1502));
        assert_eq!(
            parse_url("rtu://gateway:4001"),
            Some((Wire::Tcp { host: "gateway".into(), port: 4001 }, Framing::Rtu))
        );
        for url in ["gateway", "http://gateway", "tcp://", "tcp://a:0", "tcp://a:x", "rtu://a", "tcp://u@a"] {
            assert_eq!(parse_url(url), None, "{url}");
        }
    }

    #[test]
    fn the_pause_is_three_and_a_half_characters() {
        assert_eq!(pause(9600), Span::from_nanos(4_010_416));
        assert_eq!(pause(115_200), Span::from_nanos(1_750_000));
    }
}
