//! The words for what a meter tells, the same in both modes, and their units.

use crate::words::words;

words! {
    /// What a group tells. Numbers of phases go at the end; a single-phase meter has phase 1.
    Quantity {
        /// Address of the meter, 12 digits.
        MeterAddress = "meter_address",
        /// Number of the usage point (PRM), 14 digits.
        UsagePoint = "usage_point",
        /// Version of the standard mode's specification.
        TicVersion = "tic_version",
        /// Name of the tariff option or of the supplier's calendar, a text.
        Contract = "contract",
        /// The meter's clock.
        Clock = "clock",
        /// The tariff in force.
        Tariff = "tariff",
        /// Number of the supplier's index that counts now, 1 to 10.
        TariffIndex = "tariff_index",
        /// Apparent power drawn now, all phases, VA.
        ApparentPower = "apparent_power",
        /// Apparent power drawn now on phase 1, VA.
        ApparentPower1 = "apparent_power_1",
        /// Apparent power drawn now on phase 2, VA.
        ApparentPower2 = "apparent_power_2",
        /// Apparent power drawn now on phase 3, VA.
        ApparentPower3 = "apparent_power_3",
        /// Apparent power injected now, all phases, VA.
        InjectedApparentPower = "injected_apparent_power",
        /// Highest apparent power drawn today, filtered as the cut-off does, VA.
        MaxApparentPowerToday = "max_apparent_power_today",
        /// The same on phase 1, VA.
        MaxApparentPowerToday1 = "max_apparent_power_today_1",
        /// The same on phase 2, VA.
        MaxApparentPowerToday2 = "max_apparent_power_today_2",
        /// The same on phase 3, VA.
        MaxApparentPowerToday3 = "max_apparent_power_today_3",
        /// Highest apparent power drawn yesterday, VA. `PMAX` of a Linky is this; of meters before it, watts since the
        /// last reading.
        MaxApparentPowerYesterday = "max_apparent_power_yesterday",
        /// The same on phase 1, VA.
        MaxApparentPowerYesterday1 = "max_apparent_power_yesterday_1",
        /// The same on phase 2, VA.
        MaxApparentPowerYesterday2 = "max_apparent_power_yesterday_2",
        /// The same on phase 3, VA.
        MaxApparentPowerYesterday3 = "max_apparent_power_yesterday_3",
        /// Highest apparent power injected today, VA.
        MaxInjectedApparentPowerToday = "max_injected_apparent_power_today",
        /// Highest apparent power injected yesterday, VA.
        MaxInjectedApparentPowerYesterday = "max_injected_apparent_power_yesterday",
        /// Mean active power drawn over the last period of the load curve, W, stamped by its horodate.
        MeanPower = "mean_power",
        /// The same of the period before, W.
        MeanPowerPrevious = "mean_power_previous",
        /// Mean active power injected over the last period of the load curve, W.
        MeanInjectedPower = "mean_injected_power",
        /// The same of the period before, W.
        MeanInjectedPowerPrevious = "mean_injected_power_previous",
        /// Current of phase 1, effective value over a second, A.
        Current1 = "current_1",
        /// Current of phase 2, A.
        Current2 = "current_2",
        /// Current of phase 3, A.
        Current3 = "current_3",
        /// Highest current of phase 1, A. A Linky always says 90 (one phase) or 60 (three).
        MaxCurrent1 = "max_current_1",
        /// Highest current of phase 2, A.
        MaxCurrent2 = "max_current_2",
        /// Highest current of phase 3, A.
        MaxCurrent3 = "max_current_3",
        /// Warning, sent only meanwhile: the current of phase 1 is above the subscribed one; its value, A.
        OverCurrent1 = "over_current_1",
        /// The same for phase 2, A.
        OverCurrent2 = "over_current_2",
        /// The same for phase 3, A.
        OverCurrent3 = "over_current_3",
        /// Voltage of phase 1, effective value over a second, V.
        Voltage1 = "voltage_1",
        /// Voltage of phase 2, V.
        Voltage2 = "voltage_2",
        /// Voltage of phase 3, V.
        Voltage3 = "voltage_3",
        /// Mean voltage of phase 1 over ten minutes, V.
        MeanVoltage1 = "mean_voltage_1",
        /// Mean voltage of phase 2, V.
        MeanVoltage2 = "mean_voltage_2",
        /// Mean voltage of phase 3, V.
        MeanVoltage3 = "mean_voltage_3",
        /// Subscribed current per phase, A: see [`crate::fields::subscribed_power_va`].
        SubscribedCurrent = "subscribed_current",
        /// Subscribed apparent power, all phases, VA (the meter sends kVA).
        SubscribedPower = "subscribed_power",
        /// Apparent power at which the meter cuts, VA (the meter sends kVA).
        CutOffPower = "cut_off_power",
        /// Energy drawn under every tariff, Wh. `BASE` of a contract with one tariff, `EAST`; see [`crate::fields::DrawnEnergy`].
        EnergyTotal = "energy_total",
        /// Energy drawn on the supplier's index 1, Wh. The historical labels are counted as the meter stores them
        /// (CPT_54E, 6.1.1).
        EnergyIndex1 = "energy_index_1",
        /// Energy drawn on the supplier's index 2, Wh.
        EnergyIndex2 = "energy_index_2",
        /// Energy drawn on the supplier's index 3, Wh.
        EnergyIndex3 = "energy_index_3",
        /// Energy drawn on the supplier's index 4, Wh.
        EnergyIndex4 = "energy_index_4",
        /// Energy drawn on the supplier's index 5, Wh.
        EnergyIndex5 = "energy_index_5",
        /// Energy drawn on the supplier's index 6, Wh.
        EnergyIndex6 = "energy_index_6",
        /// Energy drawn on the supplier's index 7, Wh.
        EnergyIndex7 = "energy_index_7",
        /// Energy drawn on the supplier's index 8, Wh.
        EnergyIndex8 = "energy_index_8",
        /// Energy drawn on the supplier's index 9, Wh.
        EnergyIndex9 = "energy_index_9",
        /// Energy drawn on the supplier's index 10, Wh.
        EnergyIndex10 = "energy_index_10",
        /// Energy drawn on the distributor's index 1, Wh.
        EnergyDistributor1 = "energy_distributor_1",
        /// Energy drawn on the distributor's index 2, Wh.
        EnergyDistributor2 = "energy_distributor_2",
        /// Energy drawn on the distributor's index 3, Wh.
        EnergyDistributor3 = "energy_distributor_3",
        /// Energy drawn on the distributor's index 4, Wh.
        EnergyDistributor4 = "energy_distributor_4",
        /// Energy injected, Wh.
        EnergyInjected = "energy_injected",
        /// Reactive energy of quadrant 1, varh.
        ReactiveEnergy1 = "reactive_energy_1",
        /// Reactive energy of quadrant 2, varh.
        ReactiveEnergy2 = "reactive_energy_2",
        /// Reactive energy of quadrant 3, varh.
        ReactiveEnergy3 = "reactive_energy_3",
        /// Reactive energy of quadrant 4, varh.
        ReactiveEnergy4 = "reactive_energy_4",
        /// Colour of the Tempo day of tomorrow; `none` until it is announced.
        TempoColourTomorrow = "tempo_colour_tomorrow",
        /// Warning, sent only meanwhile: EJP peak hours begin within this time, min.
        PeakNotice = "peak_notice",
        /// Start of the mobile peak of profile 1; its season is not given.
        PeakStart1 = "peak_start_1",
        /// Start of the mobile peak of profile 2.
        PeakStart2 = "peak_start_2",
        /// Start of the mobile peak of profile 3.
        PeakStart3 = "peak_start_3",
        /// End of the mobile peak of profile 1; its season is not given.
        PeakEnd1 = "peak_end_1",
        /// End of the mobile peak of profile 2.
        PeakEnd2 = "peak_end_2",
        /// End of the mobile peak of profile 3.
        PeakEnd3 = "peak_end_3",
        /// Schedule of off-peak hours: A, C, D, E or Y. A Linky always says A.
        OffPeakSchedule = "off_peak_schedule",
        /// State word of the meter, a text. A Linky always says 000000.
        MeterState = "meter_state",
        /// Bits of the phases without voltage; 0: all are there.
        PhaseLoss = "phase_loss",
        /// The status register.
        Status = "status",
        /// State of the eight relays.
        Relays = "relays",
        /// Number of today's profile in the supplier's calendar, 0 to 9.
        DayProfile = "day_profile",
        /// Number of tomorrow's profile.
        DayProfileTomorrow = "day_profile_tomorrow",
        /// Tomorrow's profile: eleven blocks `HHMMSSSS`, a text.
        DayScheduleTomorrow = "day_schedule_tomorrow",
        /// Profile of the next peak day, likewise.
        PeakDaySchedule = "peak_day_schedule",
        /// Message of 32 characters.
        Message = "message",
        /// Message of 16 characters, sent once.
        ShortMessage = "short_message",
    }
}

words! {
    /// Unit of a number.
    Unit {
        /// Volt-ampere.
        VoltAmpere = "VA",
        /// Watt.
        Watt = "W",
        /// Ampere.
        Ampere = "A",
        /// Volt.
        Volt = "V",
        /// Watt-hour.
        WattHour = "Wh",
        /// Volt-ampere reactive hour.
        VarHour = "varh",
        /// Minute.
        Minute = "min",
        /// A plain number.
        One = "1",
    }
}

impl Quantity {
    /// The unit of the quantity's numbers; `None` where its value is not a number.
    pub const fn unit(self) -> Option<Unit> {
        use Quantity as Q;
        Some(match self {
            Q::ApparentPower | Q::ApparentPower1 | Q::ApparentPower2 | Q::ApparentPower3 => Unit::VoltAmpere,
            Q::InjectedApparentPower | Q::SubscribedPower | Q::CutOffPower => Unit::VoltAmpere,
            Q::MaxApparentPowerToday | Q::MaxApparentPowerToday1 => Unit::VoltAmpere,
            Q::MaxApparentPowerToday2 | Q::MaxApparentPowerToday3 => Unit::VoltAmpere,
            Q::MaxApparentPowerYesterday | Q::MaxApparentPowerYesterday1 => Unit::VoltAmpere,
            Q::MaxApparentPowerYesterday2 | Q::MaxApparentPowerYesterday3 => Unit::VoltAmpere,
            Q::MaxInjectedApparentPowerToday | Q::MaxInjectedApparentPowerYesterday => Unit::VoltAmpere,
            Q::MeanPower | Q::MeanPowerPrevious => Unit::Watt,
            Q::MeanInjectedPower | Q::MeanInjectedPowerPrevious => Unit::Watt,
            Q::Current1 | Q::Current2 | Q::Current3 | Q::SubscribedCurrent => Unit::Ampere,
            Q::MaxCurrent1 | Q::MaxCurrent2 | Q::MaxCurrent3 => Unit::Ampere,
            Q::OverCurrent1 | Q::OverCurrent2 | Q::OverCurrent3 => Unit::Ampere,
            Q::Voltage1 | Q::Voltage2 | Q::Voltage3 => Unit::Volt,
            Q::MeanVoltage1 | Q::MeanVoltage2 | Q::MeanVoltage3 => Unit::Volt,
            Q::EnergyTotal | Q::EnergyInjected => Unit::WattHour,
            Q::EnergyIndex1 | Q::EnergyIndex2 | Q::EnergyIndex3 | Q::EnergyIndex4 => Unit::WattHour,
            Q::EnergyIndex5 | Q::EnergyIndex6 | Q::EnergyIndex7 | Q::EnergyIndex8 => Unit::WattHour,
            Q::EnergyIndex9 | Q::EnergyIndex10 | Q::EnergyDistributor1 => Unit::WattHour,
            Q::EnergyDistributor2 | Q::EnergyDistributor3 | Q::EnergyDistributor4 => Unit::WattHour,
            Q::ReactiveEnergy1 | Q::ReactiveEnergy2 | Q::ReactiveEnergy3 | Q::ReactiveEnergy4 => {
                Unit::VarHour
            }
            Q::PeakNotice => Unit::Minute,
            Q::TariffIndex | Q::PhaseLoss | Q::DayProfile | Q::DayProfileTomorrow => Unit::One,
            _ => return None,
        })
    }
}
