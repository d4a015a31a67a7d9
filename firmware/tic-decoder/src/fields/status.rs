//! The status register `STGE` and the relays `RELAIS` (Enedis-NOI-CPT_54E, 6.2.3.14 and 6.2.3.19).

use super::tariff::TempoColour;
use crate::words::words;

words! {
    /// State of the meter's cut-off device. Closed means that the customer has power.
    CutOff {
        /// Closed.
        Closed = "closed",
        /// Opened on excess of power.
        OpenOverPower = "open_over_power",
        /// Opened on overvoltage.
        OpenOverVoltage = "open_over_voltage",
        /// Opened by load shedding.
        OpenShed = "open_shed",
        /// Opened by order over the power line or the Euridis bus.
        OpenOrder = "open_order",
        /// Opened by overheating, with a current above what it can switch.
        OpenOverheatHighCurrent = "open_overheat_high_current",
        /// Opened by overheating, with a current below that.
        OpenOverheatLowCurrent = "open_overheat_low_current",
        /// A code that the specification does not have.
        Unknown = "unknown",
    }
}

/// The status register, 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

impl Status {
    /// The register.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the dry contact is closed (bit 0 is 1 for open).
    pub const fn is_dry_contact_closed(self) -> bool {
        self.field(0, 1) == 0
    }

    /// State of the cut-off device.
    pub const fn cut_off(self) -> CutOff {
        match self.field(1, 3) {
            0 => CutOff::Closed,
            1 => CutOff::OpenOverPower,
            2 => CutOff::OpenOverVoltage,
            3 => CutOff::OpenShed,
            4 => CutOff::OpenOrder,
            5 => CutOff::OpenOverheatHighCurrent,
            6 => CutOff::OpenOverheatLowCurrent,
            _ => CutOff::Unknown,
        }
    }

    /// Whether the distributor's terminal cover is open.
    pub const fn is_cover_open(self) -> bool {
        self.field(4, 1) == 1
    }

    /// Whether one of the phases has an overvoltage.
    pub const fn is_over_voltage(self) -> bool {
        self.field(6, 1) == 1
    }

    /// Whether the reference power is exceeded.
    pub const fn is_over_power(self) -> bool {
        self.field(7, 1) == 1
    }

    /// Whether the meter is set up for a producer.
    pub const fn is_producer(self) -> bool {
        self.field(8, 1) == 1
    }

    /// Whether active energy flows to the grid now.
    pub const fn is_injecting(self) -> bool {
        self.field(9, 1) == 1
    }

    /// The supplier's index that counts now, 1 to 10; `None` for a code that the specification does not have.
    pub const fn supplier_index(self) -> Option<u32> {
        let index = self.field(10, 4) + 1;
        if index <= 10 { Some(index) } else { None }
    }

    /// The distributor's index that counts now, 1 to 4.
    pub const fn distributor_index(self) -> u32 {
        self.field(14, 2) + 1
    }

    /// Whether the meter's clock is not to be trusted.
    pub const fn is_clock_degraded(self) -> bool {
        self.field(16, 1) == 1
    }

    /// Whether the meter's output is in standard mode.
    pub const fn is_standard_mode(self) -> bool {
        self.field(17, 1) == 1
    }

    /// Whether the meter is synchronised over the power line.
    pub const fn is_synchronised(self) -> bool {
        self.field(23, 1) == 1
    }

    /// Colour of the Tempo day.
    pub const fn colour_today(self) -> TempoColour {
        TempoColour::from_bits(self.field(24, 2))
    }

    /// Colour of the Tempo day of tomorrow.
    pub const fn colour_tomorrow(self) -> TempoColour {
        TempoColour::from_bits(self.field(26, 2))
    }

    /// Profile, 1 to 3, of the mobile peak that is announced.
    pub const fn peak_notice(self) -> Option<u32> {
        Self::profile(self.field(28, 2))
    }

    /// Profile, 1 to 3, of the mobile peak in force.
    pub const fn peak(self) -> Option<u32> {
        Self::profile(self.field(30, 2))
    }

    const fn profile(number: u32) -> Option<u32> {
        if number == 0 { None } else { Some(number) }
    }

    const fn field(self, lowest_bit: u32, width: u32) -> u32 {
        (self.0 >> lowest_bit) & ((1 << width) - 1)
    }
}

/// The relays: number 1 is the meter's dry contact, 2 to 8 are virtual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Relays(pub u8);

impl Relays {
    /// Whether the relay of this number, 1 to 8, is closed (its bit is 1); `None` for another number.
    pub const fn is_closed(self, number: u8) -> Option<bool> {
        match number {
            1..=8 => Some((self.0 >> (number - 1)) & 1 == 1),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_consumer() {
        let status = Status(0x003A_0001);
        assert!(!status.is_dry_contact_closed() && status.is_standard_mode() && !status.is_producer());
        assert_eq!(status.cut_off(), CutOff::Closed);
        assert_eq!((status.supplier_index(), status.distributor_index()), (Some(1), 1));
        assert_eq!((status.colour_today(), status.peak()), (TempoColour::None, None));
    }

    #[test]
    fn recorded_producer() {
        let status = Status(0x002A_0301);
        assert!(status.is_producer() && status.is_injecting() && !status.is_clock_degraded());
    }

    #[test]
    fn every_field_has_its_own_bits() {
        assert!(!Status(1).is_dry_contact_closed() && Status(!1).is_dry_contact_closed());
        for (code, cut_off) in CutOff::ALL.iter().enumerate() {
            assert_eq!(Status((code as u32) << 1).cut_off(), *cut_off);
            assert_eq!(Status(!(7 << 1) | (code as u32) << 1).cut_off(), *cut_off);
        }
        let only = |bit: u32, test: fn(Status) -> bool| {
            assert!(test(Status(1 << bit)) && !test(Status(!(1 << bit))), "bit {bit}");
        };
        only(4, Status::is_cover_open);
        only(6, Status::is_over_voltage);
        only(7, Status::is_over_power);
        only(8, Status::is_producer);
        only(9, Status::is_injecting);
        only(16, Status::is_clock_degraded);
        only(17, Status::is_standard_mode);
        only(23, Status::is_synchronised);
        assert_eq!((Status(9 << 10).supplier_index(), Status(10 << 10).supplier_index()), (Some(10), None));
        assert_eq!(Status(3 << 14).distributor_index(), 4);
        assert_eq!(Status(1 << 24).colour_today(), TempoColour::Blue);
        assert_eq!(Status(2 << 26).colour_tomorrow(), TempoColour::White);
        assert_eq!((Status(1 << 28).peak_notice(), Status(3 << 30).peak()), (Some(1), Some(3)));
    }

    #[test]
    fn relays_of_the_specification_s_example() {
        let relays = Relays(140); // 3, 4 and 8 closed
        let closed: [bool; 8] = core::array::from_fn(|place| relays.is_closed(place as u8 + 1) == Some(true));
        assert_eq!(closed, [false, false, true, true, false, false, false, true]);
        assert_eq!((relays.is_closed(0), relays.is_closed(9)), (None, None));
    }
}
