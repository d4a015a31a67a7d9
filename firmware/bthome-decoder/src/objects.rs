//! The table of objects: what each number on the air means. Source: bthome.io/format.

/// How the bytes of an object are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A number without sign in so many bytes, the low one first.
    Unsigned(u8),
    /// A number with sign in so many bytes, the low one first.
    Signed(u8),
    /// Yes or no in one byte.
    Flag,
    /// Something that happened, in so many bytes: what, and its arguments.
    Event(u8),
    /// Something that happened, with a byte before it that tells how many arguments there are.
    Command,
    /// Seconds since 1970 in four bytes.
    Instant,
    /// A text, with its length before it.
    Text,
    /// Bytes, with their number before them.
    Bytes,
    /// So many bytes.
    Raw(u8),
}

impl Form {
    /// Bytes, where their number is always the same.
    pub(crate) const fn length(self) -> Option<u8> {
        match self {
            Self::Unsigned(length) | Self::Signed(length) | Self::Event(length) | Self::Raw(length) => {
                Some(length)
            }
            Self::Flag => Some(1),
            Self::Instant => Some(4),
            Self::Command | Self::Text | Self::Bytes => None,
        }
    }
}

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub struct Object {
    /// Its number on the air.
    pub id: u8,
    /// What it is. A flag and a number may share a word.
    pub word: &'static str,
    /// Its unit, empty where it has none.
    pub unit: &'static str,
    /// How it is read.
    pub form: Form,
    /// The number on the air is multiplied by this, and divided by ten as often as `decimals` says.
    pub factor: u16,
    /// See `factor`.
    pub decimals: u8,
}

const fn object(
    id: u8,
    word: &'static str,
    unit: &'static str,
    form: Form,
    factor: u16,
    decimals: u8,
) -> Object {
    Object { id, word, unit, form, factor, decimals }
}

const fn flag(id: u8, word: &'static str) -> Object {
    object(id, word, "", Form::Flag, 1, 0)
}

/// The object of that number.
pub(crate) fn find(id: u8) -> Option<&'static Object> {
    OBJECTS.binary_search_by_key(&id, |object| object.id).ok().and_then(|place| OBJECTS.get(place))
}

/// Every object, by rising number.
pub static OBJECTS: &[Object] = &[
    object(0x00, "packet_id", "", Form::Unsigned(1), 1, 0),
    object(0x01, "battery", "%", Form::Unsigned(1), 1, 0),
    object(0x02, "temperature", "°C", Form::Signed(2), 1, 2),
    object(0x03, "humidity", "%", Form::Unsigned(2), 1, 2),
    object(0x04, "pressure", "mbar", Form::Unsigned(3), 1, 2),
    object(0x05, "illuminance", "lx", Form::Unsigned(3), 1, 2),
    object(0x06, "mass", "kg", Form::Unsigned(2), 1, 2),
    object(0x07, "mass", "lb", Form::Unsigned(2), 1, 2),
    object(0x08, "dew_point", "°C", Form::Signed(2), 1, 2),
    object(0x09, "count", "", Form::Unsigned(1), 1, 0),
    object(0x0A, "energy", "kWh", Form::Unsigned(3), 1, 3),
    object(0x0B, "power", "W", Form::Unsigned(3), 1, 2),
    object(0x0C, "voltage", "V", Form::Unsigned(2), 1, 3),
    object(0x0D, "pm25", "µg/m³", Form::Unsigned(2), 1, 0),
    object(0x0E, "pm10", "µg/m³", Form::Unsigned(2), 1, 0),
    flag(0x0F, "generic"),
    flag(0x10, "power"),
    flag(0x11, "opening"),
    object(0x12, "carbon_dioxide", "ppm", Form::Unsigned(2), 1, 0),
    object(0x13, "volatile_organic_compounds", "µg/m³", Form::Unsigned(2), 1, 0),
    object(0x14, "moisture", "%", Form::Unsigned(2), 1, 2),
    flag(0x15, "battery"),
    flag(0x16, "battery_charging"),
    flag(0x17, "carbon_monoxide"),
    flag(0x18, "cold"),
    flag(0x19, "connectivity"),
    flag(0x1A, "door"),
    flag(0x1B, "garage_door"),
    flag(0x1C, "gas"),
    flag(0x1D, "heat"),
    flag(0x1E, "light"),
    flag(0x1F, "lock"),
    flag(0x20, "moisture"),
    flag(0x21, "motion"),
    flag(0x22, "moving"),
    flag(0x23, "occupancy"),
    flag(0x24, "plug"),
    flag(0x25, "presence"),
    flag(0x26, "problem"),
    flag(0x27, "running"),
    flag(0x28, "safety"),
    flag(0x29, "smoke"),
    flag(0x2A, "sound"),
    flag(0x2B, "tamper"),
    flag(0x2C, "vibration"),
    flag(0x2D, "window"),
    object(0x2E, "humidity", "%", Form::Unsigned(1), 1, 0),
    object(0x2F, "moisture", "%", Form::Unsigned(1), 1, 0),
    object(0x3A, "button", "", Form::Event(1), 1, 0),
    object(0x3B, "command", "", Form::Command, 1, 0),
    object(0x3C, "dimmer", "", Form::Event(2), 1, 0),
    object(0x3D, "count", "", Form::Unsigned(2), 1, 0),
    object(0x3E, "count", "", Form::Unsigned(4), 1, 0),
    object(0x3F, "rotation", "°", Form::Signed(2), 1, 1),
    object(0x40, "distance", "mm", Form::Unsigned(2), 1, 0),
    object(0x41, "distance", "m", Form::Unsigned(2), 1, 1),
    object(0x42, "duration", "s", Form::Unsigned(3), 1, 3),
    object(0x43, "current", "A", Form::Unsigned(2), 1, 3),
    object(0x44, "speed", "m/s", Form::Unsigned(2), 1, 2),
    object(0x45, "temperature", "°C", Form::Signed(2), 1, 1),
    object(0x46, "uv_index", "", Form::Unsigned(1), 1, 1),
    object(0x47, "volume", "L", Form::Unsigned(2), 1, 1),
    object(0x48, "volume", "mL", Form::Unsigned(2), 1, 0),
    object(0x49, "volume_flow_rate", "m³/h", Form::Unsigned(2), 1, 3),
    object(0x4A, "voltage", "V", Form::Unsigned(2), 1, 1),
    object(0x4B, "gas", "m³", Form::Unsigned(3), 1, 3),
    object(0x4C, "gas", "m³", Form::Unsigned(4), 1, 3),
    object(0x4D, "energy", "kWh", Form::Unsigned(4), 1, 3),
    object(0x4E, "volume", "L", Form::Unsigned(4), 1, 3),
    object(0x4F, "water", "L", Form::Unsigned(4), 1, 3),
    object(0x50, "timestamp", "", Form::Instant, 1, 0),
    object(0x51, "acceleration", "m/s²", Form::Unsigned(2), 1, 3),
    object(0x52, "gyroscope", "°/s", Form::Unsigned(2), 1, 3),
    object(0x53, "text", "", Form::Text, 1, 0),
    object(0x54, "raw", "", Form::Bytes, 1, 0),
    object(0x55, "volume_storage", "L", Form::Unsigned(4), 1, 3),
    object(0x56, "conductivity", "µS/cm", Form::Unsigned(2), 1, 0),
    object(0x57, "temperature", "°C", Form::Signed(1), 1, 0),
    object(0x58, "temperature", "°C", Form::Signed(1), 35, 2),
    object(0x59, "count", "", Form::Signed(1), 1, 0),
    object(0x5A, "count", "", Form::Signed(2), 1, 0),
    object(0x5B, "count", "", Form::Signed(4), 1, 0),
    object(0x5C, "power", "W", Form::Signed(4), 1, 2),
    object(0x5D, "current", "A", Form::Signed(2), 1, 3),
    object(0x5E, "direction", "°", Form::Unsigned(2), 1, 2),
    object(0x5F, "precipitation", "mm", Form::Unsigned(2), 1, 1),
    object(0x60, "channel", "", Form::Unsigned(1), 1, 0),
    object(0x61, "rotational_speed", "rpm", Form::Unsigned(2), 1, 0),
    object(0x62, "speed", "m/s", Form::Signed(4), 1, 6),
    object(0x63, "acceleration", "m/s²", Form::Signed(4), 1, 6),
    object(0x64, "light_level", "", Form::Unsigned(1), 1, 0),
    object(0x65, "settings_revision", "", Form::Unsigned(1), 1, 0),
    object(0xF0, "device_type", "", Form::Unsigned(2), 1, 0),
    object(0xF1, "firmware", "", Form::Raw(4), 1, 0),
    object(0xF2, "firmware", "", Form::Raw(3), 1, 0),
];
