//! What stands in a payload. Both versions use the same objects; version 1 tells length and form of each on the air.

use crate::objects::{Form, Object, find};

/// One measurement or event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement<'a> {
    /// What it is.
    pub object: &'static Object,
    /// How many of the same word came before it in the same advertisement: the channel of a device with several.
    pub channel: u8,
    /// Its value, in the object's unit.
    pub value: Value<'a>,
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A finite number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// Something happened: what, by its number (see [`event_word`]), and its arguments.
    Event(u8, &'a [u8]),
    /// Seconds since 1970.
    Instant(u32),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The word for an event; `None` for no event and for one that is not known.
pub fn event_word(object: &Object, event: u8) -> Option<&'static str> {
    Some(match (object.word, event) {
        ("button", 0x01) => "press",
        ("button", 0x02) => "double_press",
        ("button", 0x03) => "triple_press",
        ("button", 0x04) => "long_press",
        ("button", 0x05) => "long_double_press",
        ("button", 0x06) => "long_triple_press",
        ("button", 0x80) => "hold_press",
        ("button", 0x81) => "hold_release",
        ("command", 0x00) => "off",
        ("command", 0x01) => "on",
        ("command", 0x02) => "toggle",
        ("command", 0x03) => "step_up",
        ("command", 0x04) => "step_down",
        ("dimmer", 0x01) => "rotate_left",
        ("dimmer", 0x02) => "rotate_right",
        _ => return None,
    })
}

/// The form of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    One,
    Two,
}

/// The payload ends inside of an object, or holds an object that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// One object as it stands on the air.
struct Part<'a> {
    object: Option<&'static Object>,
    form: Form,
    bytes: &'a [u8],
}

/// Tells every measurement; whether all objects were known. In version 2 nothing can be read behind an unknown one, since its
/// length is not known; senders write the objects in rising order, so that older receivers read what they know.
pub(crate) fn read<'a>(
    payload: &'a [u8],
    layout: Layout,
    mut tell: impl FnMut(Measurement<'a>),
) -> Result<bool, Malformed> {
    let (mut rest, mut is_known) = (payload, true);
    let mut words: [(&str, u8); WORDS_MAX] = [("", 0); WORDS_MAX];
    while !rest.is_empty() {
        let part = match layout {
            Layout::One => one(&mut rest)?,
            Layout::Two => two(&mut rest)?,
        };
        let Some(object) = part.object else {
            is_known = false;
            continue;
        };
        let Some(value) = value(object, part.form, part.bytes)? else { continue };
        let channel = count(&mut words, object);
        tell(Measurement { object, channel, value });
    }
    Ok(is_known)
}

/// Different words in one advertisement. One of 255 bytes could hold more; what is beyond counts as the first channel.
const WORDS_MAX: usize = 32;

/// How often the word of an object came before.
fn count(words: &mut [(&'static str, u8); WORDS_MAX], object: &'static Object) -> u8 {
    let is_it = |word: &str| word.is_empty() || word == object.word;
    let Some((word, count)) = words.iter_mut().find(|(word, _)| is_it(word)) else { return 0 };
    *word = object.word;
    let before = *count;
    *count = count.saturating_add(1);
    before
}

/// The next object of version 1: a byte with form and length, the object's number, and the value.
fn one<'a>(rest: &mut &'a [u8]) -> Result<Part<'a>, Malformed> {
    let (control, id) = (take(rest, 1)?, take(rest, 1)?);
    let (Some(control), Some(id)) = (control.first(), id.first()) else { return Err(Malformed) };
    // The length counts the object's number too.
    let length = (control & 0x1F).checked_sub(1).filter(|length| *length > 0).ok_or(Malformed)?;
    let bytes = take(rest, usize::from(length))?;
    let object = find(*id).filter(|object| object.id < FIRST_OF_DEVICE);
    let own = object.map_or(Form::Bytes, |object| object.form);
    let form = match (own, control >> 5) {
        (Form::Flag | Form::Event(_) | Form::Command, _) => own,
        (_, 0) => Form::Unsigned(length),
        (_, 1) => Form::Signed(length),
        (_, 2) => Form::Raw(length),
        (_, 3) => Form::Text,
        (_, 4) => Form::Bytes,
        (_, 5) => Form::Instant,
        _ => return Err(Malformed),
    };
    Ok(Part { object, form, bytes })
}

/// Objects from here on tell of the device itself; version 1 has none.
const FIRST_OF_DEVICE: u8 = 0xF0;

/// The next object of version 2: its number, its length where that is not always the same, and the value.
fn two<'a>(rest: &mut &'a [u8]) -> Result<Part<'a>, Malformed> {
    let id = take(rest, 1)?;
    let object = id.first().and_then(|id| find(*id));
    let Some(known) = object else {
        *rest = &[];
        return Ok(Part { object, form: Form::Bytes, bytes: &[] });
    };
    let length = match (known.form, known.form.length()) {
        (_, Some(length)) => usize::from(length),
        (form, None) => {
            let length = take(rest, 1)?.first().copied().unwrap_or(0);
            // The three high bits of a command's length are kept for later; what was done comes before its arguments.
            if form == Form::Command { usize::from(length & 0x1F) + 1 } else { usize::from(length) }
        }
    };
    Ok(Part { object, form: known.form, bytes: take(rest, length)? })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Malformed> {
    let (taken, left) = rest.split_at_checked(count).ok_or(Malformed)?;
    *rest = left;
    Ok(taken)
}

/// The value; `None` for one that says nothing, such as an empty text.
fn value<'a>(object: &Object, form: Form, bytes: &'a [u8]) -> Result<Option<Value<'a>>, Malformed> {
    Ok(match form {
        Form::Unsigned(_) => Some(Value::Number(scaled(object, unsigned(bytes)? as f64))),
        Form::Signed(_) => Some(Value::Number(scaled(object, signed(bytes)? as f64))),
        Form::Flag => bytes.first().map(|byte| Value::Flag(*byte != 0)),
        Form::Event(_) | Form::Command => bytes.split_first().map(|(event, rest)| Value::Event(*event, rest)),
        Form::Instant => Some(Value::Instant(u32::try_from(unsigned(bytes)?).map_err(|_| Malformed)?)),
        Form::Text if bytes.is_empty() => None,
        Form::Text => Some(Value::Text(core::str::from_utf8(bytes).map_err(|_| Malformed)?)),
        Form::Bytes if bytes.is_empty() => None,
        Form::Bytes => Some(Value::Bytes(bytes)),
        // In version 2 the device's firmware; in version 1 a floating-point number.
        Form::Raw(_) if object.id >= FIRST_OF_DEVICE => Some(Value::Bytes(bytes)),
        Form::Raw(_) => Some(Value::Number(scaled(object, float(bytes)?))),
    })
}

/// The number in the object's unit. Dividing by a power of ten gives the number that is nearest to the decimal one.
fn scaled(object: &Object, number: f64) -> f64 {
    let divisor = (0..object.decimals).fold(1.0, |divisor, _| divisor * 10.0);
    number * f64::from(object.factor) / divisor
}

fn unsigned(bytes: &[u8]) -> Result<u64, Malformed> {
    if bytes.len() > 8 {
        return Err(Malformed);
    }
    Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

fn signed(bytes: &[u8]) -> Result<i64, Malformed> {
    let number = unsigned(bytes)? as i64;
    let unused = 64 - 8 * bytes.len().max(1) as u32;
    Ok((number << unused) >> unused)
}

/// A floating-point number of two, four or eight bytes; never an infinite one.
fn float(bytes: &[u8]) -> Result<f64, Malformed> {
    let number = match bytes {
        [low, high] => half(u16::from_le_bytes([*low, *high])),
        [a, b, c, d] => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
        _ => return Err(Malformed),
    };
    if number.is_finite() { Ok(number) } else { Err(Malformed) }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1F), f64::from(bits & 0x3FF));
    let power =
        |exponent: i32| (0..exponent.abs()).fold(1.0, |p, _| if exponent < 0 { p / 2.0 } else { p * 2.0 });
    let size = match exponent {
        0 => fraction * power(-24),
        31 => f64::NAN,
        exponent => (fraction + 1024.0) * power(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}
