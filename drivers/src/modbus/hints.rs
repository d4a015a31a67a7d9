//! Addresses as people write them, where they are not those of the wire: what may be meant.
//!
//! In the classic notation a register is counted from 1, behind a digit that names its table: 40001 is holding register 0
//! (Modicon Modbus Protocol Reference Guide PI-MBUS-300, chapter 2). Some devices really have registers with such addresses,
//! so that this is a hint and never a correction. Who writes the address in hexadecimal digits means that of the wire.

use super::pdu::Table;
use ballast_model::device::Settings;
use ballast_model::diagnostic::Diagnostic;

/// The code of these warnings.
pub(crate) const CODE: &str = "device::address";

/// What the classic number of a register means, where it can be one of this table; `None`: any table that people would not
/// have named.
pub(super) fn classic(number: u32, table: Option<Table>) -> Option<String> {
    // With five digits, and with six for those above 9999.
    let (digit, rest) = match number {
        10_001..=49_999 => (number / 10_000, number % 10_000),
        100_001..=465_536 => (number / 100_000, number % 100_000),
        _ => return None,
    };
    let meant = match digit {
        1 => Table::Discrete,
        3 => Table::Input,
        4 => Table::Holding,
        _ => return None,
    };
    let register = rest.checked_sub(1).filter(|register| *register <= u32::from(u16::MAX))?;
    let named = match meant {
        Table::Holding => "holding register",
        Table::Input => "input register",
        Table::Discrete | Table::Coil => "discrete input",
    };
    let is_meant = match table {
        Some(table) => table == meant,
        // Holding registers are what is read where nothing is said.
        None => meant != Table::Discrete,
    };
    let with = if meant == Table::Holding { String::new() } else { format!("table: {}, ", meant.name()) };
    is_meant.then(|| {
        format!(
            "registers count from 0 as on the wire: {number} is {named} {register} (`{with}register: {register}`)"
        )
    })
}

/// A warning where the number at a key looks like a classic one.
pub(super) fn register(settings: &Settings, key: &str, table: Option<Table>) -> Option<Diagnostic> {
    let text = settings.get(key)?.trim();
    let number = text.parse::<u32>().ok()?;
    let hint = classic(number, table)?;
    let message = format!("`{text}` looks like a number of the classic notation, which counts from 1");
    let help = format!("{hint}; where the wire really has {text}, write 0x{number:X}");
    Some(warning(settings, key, message).help(help))
}

/// A warning where a unit over TCP has the address 0.
pub(super) fn unit(settings: &Settings) -> Option<Diagnostic> {
    let is_zero = settings.get("unit_id").is_some_and(|text| text.trim() == "0");
    is_zero.then(|| {
        let message = "unit 0 is whoever answers at the address itself";
        let help =
            "addresses of devices behind a gateway begin with 1; where the device itself wants 0, write 0x00";
        warning(settings, "unit_id", message).help(help)
    })
}

fn warning(settings: &Settings, key: &str, message: impl Into<String>) -> Diagnostic {
    let (file, span) = settings.place(key);
    Diagnostic::warning(CODE, file, span, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_classic_number_is_a_register_of_its_table() {
        for (number, table, register) in [
            (40_001, Some(Table::Holding), Some("holding register 0 (`register: 0`)")),
            (40_001, None, Some("holding register 0 (`register: 0`)")),
            (49_999, None, Some("holding register 9998 (`register: 9998`)")),
            (30_041, Some(Table::Input), Some("input register 40 (`table: input, register: 40`)")),
            (30_041, None, Some("input register 40 (`table: input, register: 40`)")),
            (10_003, Some(Table::Discrete), Some("discrete input 2 (`table: discrete, register: 2`)")),
            (400_001, None, Some("holding register 0 (`register: 0`)")),
            (465_536, None, Some("holding register 65535 (`register: 65535`)")),
            // Of another table, or of none.
            (40_001, Some(Table::Input), None),
            (10_003, None, None),
            (40_000, None, None),
            (400_000, None, None),
            (20_001, None, None),
            (52, None, None),
            (65_535, None, None),
        ] {
            let found = classic(number, table);
            let expected =
                register.map(|text| format!("registers count from 0 as on the wire: {number} is {text}"));
            assert_eq!(found, expected, "{number} {table:?}");
        }
    }
}
