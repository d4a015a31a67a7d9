//! One line that shows the village: time, frequency, sun, load, battery, sets, loads that are cut.

use crate::cli::terminal::{BAD, GOOD, LOOK, styled};
use crate::report::language::{Language, say};
use anstyle::Style;
use ballast_plant::Village;
use ballast_plant::loads::LoadClass;

/// Half of the bar, in characters; one is a tenth of a hertz.
const HALF_BAR: i32 = 8;

/// The line, with colours. What it shows is what the village's meters show.
pub fn line(village: &Village, language: Language) -> String {
    let read = |name: &str| village.find_output(name).and_then(|output| village.read(output)).unwrap_or(0.0);
    let kilowatts = |name: &str| read(name) / 1e3;
    let frequency = village.find_output("feeder_meter.frequency").and_then(|output| village.read(output));
    let battery = match (kilowatts("battery.charge"), kilowatts("battery.discharge")) {
        (charge, _) if charge >= 0.05 => say!(language, "takes {charge:>4.1} kW", "prend {charge:>4.1} kW"),
        (_, discharge) if discharge >= 0.05 => {
            say!(language, "gives {discharge:>4.1} kW", "donne {discharge:>4.1} kW")
        }
        _ => language.say("rests        ", "au repos     ").to_owned(),
    };
    let sets = ["genset", "standby"].iter().filter(|name| read(&format!("{name}.contact")) > 0.5).count();
    let (cut, all) = cut_loads(village);
    let cut = styled(
        if cut == 0 { GOOD } else { BAD },
        &say!(language, "{cut} of {all} cut", "{cut} sur {all} coupés"),
    );
    let (time, bar) = (local_time(village), frequency_bar(frequency, language));
    let (sun, load) = (kilowatts("pv.power"), kilowatts("feeder_meter.power"));
    let soc = read("battery.soc");
    say!(
        language,
        "{time}  {bar}  sun {sun:>4.1} kW  load {load:>4.1} kW  battery {soc:>3.0} % {battery}  sets {sets}  {cut}",
        "{time}  {bar}  soleil {sun:>4.1} kW  charge {load:>4.1} kW  batterie {soc:>3.0} % {battery}  groupes {sets}  {cut}"
    )
}

/// How many of the loads that may be cut are, and how many there are.
fn cut_loads(village: &Village) -> (usize, usize) {
    let may_be_cut = |class| !matches!(class, LoadClass::Clinic | LoadClass::WaterPump);
    let loads = village.spec().loads.iter().filter(|load| may_be_cut(load.class));
    let is_cut = |name: &str| {
        let contact = village.find_output(&format!("{name}.contact"));
        contact.and_then(|contact| village.read(contact)).is_some_and(|closed| closed < 0.5)
    };
    loads.fold((0, 0), |(cut, all), load| (cut + usize::from(is_cut(&load.name)), all + 1))
}

fn local_time(village: &Village) -> String {
    let spec = village.spec();
    let seconds = village.now_ms() as i64 / 1000;
    let of_day = (spec.start_unix_s + spec.utc_offset_s + seconds).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

/// `49.87 Hz ·······█|········`: left of the middle is low, and each place a tenth of a hertz.
fn frequency_bar(frequency: Option<f64>, language: Language) -> String {
    let Some(frequency) = frequency else {
        let none = language.say("no voltage ", "hors tension ");
        let width = 2 * HALF_BAR as usize + 10;
        return styled(BAD, &format!("{none:<width$}"));
    };
    // The cast saturates.
    let place = (((frequency - 50.0) * 10.0).round() as i32).clamp(-HALF_BAR, HALF_BAR);
    let mark = |at: i32| match at {
        at if at == place => '█',
        0 => '|',
        _ => '·',
    };
    let bar: String = (-HALF_BAR..=HALF_BAR).map(mark).collect();
    let style: Style = match (frequency - 50.0).abs() {
        off if off < 0.2 => GOOD,
        off if off < 0.5 => LOOK,
        _ => BAD,
    };
    format!("{frequency:5.2} Hz {}", styled(style, &bar))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ballast_plant::VillageSpec;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_village_fits_into_a_line() {
        let mut village = Village::new(VillageSpec::demo(), 1).unwrap();
        village.advance(60_000);
        let text = plain(&line(&village, Language::En));
        assert!(text.starts_with("06:01:00  ") && text.ends_with("0 of 8 cut"), "{text}");
        assert!(text.chars().count() <= 120, "{text}");
        let home = village.find_input("homes_north.closed").unwrap();
        village.set_input(home, 0.0).unwrap();
        village.advance(61_000);
        assert!(plain(&line(&village, Language::En)).ends_with("1 of 8 cut"));
    }

    #[test]
    fn low_is_left() {
        assert_eq!(plain(&frequency_bar(Some(49.8), Language::En)), "49.80 Hz ······█·|········");
        assert_eq!(plain(&frequency_bar(Some(50.0), Language::En)), "50.00 Hz ········█········");
        assert_eq!(plain(&frequency_bar(Some(60.0), Language::En)), "60.00 Hz ········|·······█");
        assert!(plain(&frequency_bar(None, Language::En)).starts_with("no voltage"));
    }
}
