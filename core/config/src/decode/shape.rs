//! The keys of the files, as tables.
//!
//! One table serves the reader (unknown and missing keys), the JSON Schema that editors complete from, and the manual.

use ballast_model::Dimension;

/// The keys of one kind of map.
#[derive(Debug)]
pub struct MapShape {
    /// What such a map describes, with its article: "a device".
    pub what: &'static str,
    /// Its keys, in the order in which the manual lists them.
    pub keys: &'static [KeyShape],
    /// Whose the other keys are.
    pub others: Others,
}

/// Whose the keys are that a table does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Nobody's: they are refused.
    Refused,
    /// The driver's: it gets them as text.
    Driver,
    /// They are names of outputs.
    Outputs,
}

impl MapShape {
    /// The row of a key.
    pub fn key(&self, name: &str) -> Option<&'static KeyShape> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// One key.
#[derive(Debug)]
pub struct KeyShape {
    /// As it is written.
    pub name: &'static str,
    /// Whether it may be absent.
    pub need: Need,
    /// What its value looks like.
    pub form: Form,
    /// What it means, with its unit and what happens without it. Shown by editors and in the manual.
    pub doc: &'static str,
}

/// Whether a key may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It must be there, and a check of its own says so.
    Checked,
    /// It may be absent.
    Optional,
}

/// What a value looks like. The reader of the key decides in detail; this is for editors and the manual.
#[derive(Debug)]
pub enum Form {
    /// Free text.
    Text,
    /// `[a-z0-9_]`, starting with a letter.
    Name,
    /// The full name of a point or output, `battery.voltage`.
    PointName,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Integer,
    /// A number with a unit of this dimension.
    Quantity(Dimension),
    /// A number with some unit: which one depends on another key.
    AnyQuantity,
    /// A condition.
    Condition,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text of a form that `pattern` (a regular expression) describes to editors.
    Pattern(&'static str),
    /// A map with these keys.
    Map(&'static MapShape),
    /// A map whose keys are names and whose values all look alike.
    Named(&'static Form),
    /// A list of values that look alike.
    List(&'static Form),
    /// One of several forms.
    OneOf(&'static [Form]),
    /// Read by the driver that the device names.
    Driver,
}

/// A key that must be there.
pub const fn required(name: &'static str, form: Form, doc: &'static str) -> KeyShape {
    KeyShape { name, need: Need::Required, form, doc }
}

/// A key that must be there, about which a check of its own speaks.
pub const fn checked(name: &'static str, form: Form, doc: &'static str) -> KeyShape {
    KeyShape { name, need: Need::Checked, form, doc }
}

/// A key that may be absent.
pub const fn optional(name: &'static str, form: Form, doc: &'static str) -> KeyShape {
    KeyShape { name, need: Need::Optional, form, doc }
}
