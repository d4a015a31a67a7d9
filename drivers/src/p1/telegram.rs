//! Telegrams of a smart meter's customer port (P1): where they begin and end, whether they came whole, and what is in them.
//!
//! Source: DSMR P1 companion standard 5.0.2 (form, CRC-16) and 2.2+ (no CRC, seven bits with even parity); e-MUCS_P1 1.7.1.
//! Nothing is told of a telegram that is not whole: one with a CRC whose CRC is right, or one of an old meter, which has
//! none, whose every line is well formed and, where the line carries parity, whose every byte is right. It must never take a
//! telegram that has lost its CRC for one that never had any.

use ballast_model::Utc;

/// Longest telegram, bytes. A full one of DSMR 5 with its text message of 1024 characters stays below 4 KiB.
pub const TELEGRAM_MAX: usize = 8 * 1024;

/// Bytes between the `!` and the end of its line.
const TAIL_MAX: usize = 8;

/// Objects that only meters with a CRC send: the version, of the Netherlands and of Belgium, and the time of the telegram.
const OF_CRC_METERS: [Code; 3] = [Code([1, 3, 0, 2, 8]), Code([0, 0, 96, 1, 4]), Code([0, 0, 1, 0, 0])];

/// The name of an object, such as `1-0:1.8.1` (OBIS, IEC 62056-61).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub [u8; 5]);

impl Code {
    /// Reads `1-0:1.8.1`; nothing may stand around it.
    pub fn parse(text: &str) -> Option<Self> {
        let (medium, rest) = text.split_once('-')?;
        let (channel, rest) = rest.split_once(':')?;
        let mut parts = [medium, channel].into_iter().chain(rest.split('.'));
        let mut code = [0; 5];
        for place in &mut code {
            let part = parts.next()?;
            let is_digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            *place = part.parse().ok().filter(|_| is_digits)?;
        }
        parts.next().is_none().then_some(Self(code))
    }
}

/// Why a telegram was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A byte with wrong parity, or none that a telegram can hold.
    Byte,
    /// Longer than [`TELEGRAM_MAX`].
    TooLong,
    /// The next one began before its end.
    Cut,
    /// The CRC is wrong.
    Crc,
    /// No CRC, from a meter that has one.
    NoCrc,
    /// No CRC, and a line that is no object.
    Form,
}

/// A telegram that came whole.
#[derive(Clone, Copy, Debug)]
pub struct Telegram<'a> {
    text: &'a str,
}

/// One value of a telegram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<'a> {
    /// As the meter wrote it.
    pub text: &'a str,
    /// Its unit, empty where it has none.
    pub unit: &'a str,
    /// What stands before the value: the meter's own time of it.
    pub time: Option<&'a str>,
}

impl<'a> Telegram<'a> {
    /// The objects in their order: the name, and its values in parentheses. What is no object is left out.
    pub fn objects(self) -> impl Iterator<Item = (Code, &'a str)> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            // The values of an object may go on in the next line, which begins with a parenthesis (DSMR 2.2, gas).
            let end = line_ends(rest).find(|end| !rest.get(*end..).is_some_and(is_continued))?;
            let (object, after) = rest.split_at_checked(end)?;
            rest = after;
            Some(object.trim_ascii())
        })
        .filter_map(|object| {
            let (name, values) = object.split_at_checked(object.find('(')?)?;
            Some((Code::parse(name)?, values))
        })
    }

    /// The last value of an object, which is the current one in every object that has several.
    pub fn read(self, code: Code) -> Option<Reading<'a>> {
        let (_, values) = self.objects().find(|(known, _)| *known == code)?;
        let mut groups = groups(values);
        let first = groups.next()?;
        let (mut before, mut last, mut count) = ("", first, 1);
        for group in groups {
            (before, last) = (last, group);
            count += 1;
        }
        let (text, unit) = match last.split_once('*') {
            Some((text, unit)) => (text, unit),
            // DSMR 2.2 tells gas as (time)(..)(..)(1)(0-1:24.2.1)(m3) and the value in the next line.
            None if count > 2 => (last, before),
            None => (last, ""),
        };
        Some(Reading { text, unit, time: (count > 1).then_some(first) })
    }

    /// Whether every line is an object or part of one.
    fn is_well_formed(self) -> bool {
        let mut lines = self.text.lines().map(str::trim_ascii).filter(|line| !line.is_empty());
        lines.next().is_some_and(|line| line.starts_with('/'))
            && lines.all(|line| {
                let Some((name, values)) = line.find('(').and_then(|at| line.split_at_checked(at)) else {
                    return line == "!";
                };
                let inside: usize = groups(values).map(|group| group.len() + 2).sum();
                (name.is_empty() || Code::parse(name).is_some()) && inside == values.len()
            })
    }
}

/// The ends of the lines of a text, each behind its line feed.
fn line_ends(text: &str) -> impl Iterator<Item = usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1)
}

fn is_continued(rest: &str) -> bool {
    rest.starts_with('(')
}

/// What stands in parentheses.
fn groups(values: &str) -> impl Iterator<Item = &str> {
    values.split('(').skip(1).filter_map(|group| group.trim_ascii_end().strip_suffix(')'))
}

/// The instant of `YYMMDDhhmmssX`, local time of the Netherlands and Belgium; `X` is W in winter (UTC+1) and S in summer
/// (UTC+2). `None` for a time without its season, which one hour of the year would make ambiguous, and for no time at all.
pub fn instant(text: &str) -> Option<Utc> {
    let (seconds, season) = local_seconds(text)?;
    let offset = match season {
        "W" => 3600,
        "S" => 7200,
        _ => return None,
    };
    Some(Utc::from_millis((seconds - offset) * 1000))
}

/// Whether this is a time at all, with or without its season. A meter without one writes `632525252525W` or the year 70.
pub fn is_time(text: &str) -> bool {
    local_seconds(text).is_some_and(|(_, season)| matches!(season, "" | "S" | "W"))
}

/// Seconds of a local time, and what stands behind it.
fn local_seconds(text: &str) -> Option<(i64, &str)> {
    let (digits, season) = text.split_at_checked(12)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| digits.get(at..at + 2)?.parse::<i64>().ok();
    let (year, month, day) = (two(0)?, two(2)?, two(4)?);
    let (hour, minute, second) = (two(6)?, two(8)?, two(10)?);
    let is_time = year < 70
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    is_time.then(|| (days(2000 + year, month, day) * 86_400 + hour * 3600 + minute * 60 + second, season))
}

/// Days from 1970-01-01 in the Gregorian calendar, for years from 2000 to 2099: every fourth one is a leap year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    const FROM_1970_TO_2000: i64 = 10_957;
    let since = year - 2000;
    let leap_days = (since + 3) / 4 + i64::from(since % 4 == 0 && month > 2);
    let before = usize::try_from(month - 1).ok().and_then(|month| BEFORE.get(month)).copied().unwrap_or(0);
    FROM_1970_TO_2000 + since * 365 + leap_days + before + day - 1
}

/// CRC-16/ARC: polynomial 0x8005 reflected, from 0 (DSMR P1 companion standard 5.0.2, section 5.2).
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8)
            .fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 })
    })
}

/// Finds telegrams in a stream that is cut anywhere.
#[derive(Debug, Default)]
pub struct Decoder {
    text: Vec<u8>,
    tail: Vec<u8>,
    place: Place,
    /// The line carries even parity in bit 7: seen by the `/`, which has five ones.
    has_parity: bool,
    /// A CRC was right since the last reset: this meter has one.
    has_crc: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before a `/`.
    #[default]
    Outside,
    /// Behind it.
    Inside,
    /// Behind the `!`.
    Tail,
}

const SLASH_WITH_PARITY: u8 = b'/' | 0x80;

impl Decoder {
    /// Takes bytes; every telegram that ends in them is told, whole or damaged.
    pub fn decode(&mut self, bytes: &[u8], mut tell: impl FnMut(Result<Telegram<'_>, Damage>)) {
        for byte in bytes {
            match self.take(*byte) {
                Ok(false) => {}
                Ok(true) => {
                    self.place = Place::Outside;
                    let whole = self.verify();
                    self.has_crc |= whole.is_ok() && !self.tail.is_empty();
                    let text = std::str::from_utf8(&self.text).unwrap_or_default();
                    tell(whole.map(|()| Telegram { text }));
                }
                Err(damage) => tell(Err(damage)),
            }
        }
    }

    /// Forgets what was half heard, and what the meter is.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// One byte. Whether a telegram has ended.
    fn take(&mut self, byte: u8) -> Result<bool, Damage> {
        if self.place == Place::Outside {
            if matches!(byte, b'/' | SLASH_WITH_PARITY) {
                self.begin(byte);
            }
            return Ok(false);
        }
        let plain = if self.has_parity { byte & 0x7F } else { byte };
        let is_right = if self.has_parity { byte.count_ones().is_multiple_of(2) } else { byte.is_ascii() };
        let is_text = matches!(plain, b'\r' | b'\n' | b' '..=b'~');
        let starts_line = self.place == Place::Tail || self.text.ends_with(b"\n");
        if starts_line && matches!(byte, b'/' | SLASH_WITH_PARITY) {
            self.begin(byte);
            return Err(Damage::Cut);
        }
        if !is_right || !is_text {
            self.place = Place::Outside;
            return Err(Damage::Byte);
        }
        if self.place == Place::Tail {
            if plain == b'\n' {
                return Ok(true);
            }
            if self.tail.len() == TAIL_MAX {
                self.place = Place::Outside;
                return Err(Damage::Form);
            }
            if plain != b'\r' {
                self.tail.push(plain);
            }
            return Ok(false);
        }
        if self.text.len() == TELEGRAM_MAX {
            self.place = Place::Outside;
            return Err(Damage::TooLong);
        }
        self.text.push(plain);
        if starts_line && plain == b'!' {
            self.place = Place::Tail;
        }
        Ok(false)
    }

    fn begin(&mut self, slash: u8) {
        self.text.clear();
        self.tail.clear();
        self.text.push(b'/');
        self.has_parity = slash == SLASH_WITH_PARITY;
        self.place = Place::Inside;
    }

    fn verify(&self) -> Result<(), Damage> {
        if !self.tail.is_empty() {
            let told = std::str::from_utf8(&self.tail).ok().filter(|text| text.len() == 4);
            let told = told.and_then(|text| u16::from_str_radix(text, 16).ok());
            return if told == Some(crc16(&self.text)) { Ok(()) } else { Err(Damage::Crc) };
        }
        let telegram = Telegram { text: std::str::from_utf8(&self.text).unwrap_or_default() };
        if self.has_crc || telegram.objects().any(|(code, _)| OF_CRC_METERS.contains(&code)) {
            return Err(Damage::NoCrc);
        }
        if telegram.is_well_formed() { Ok(()) } else { Err(Damage::Form) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A telegram in the form of DSMR 5, with its CRC.
    fn modern(objects: &[&str]) -> Vec<u8> {
        let mut text =
            format!("/TST5\\2METER\r\n\r\n1-3:0.2.8(50)\r\n{}\r\n!", objects.join("\r\n")).into_bytes();
        let crc = crc16(&text);
        text.extend(format!("{crc:04X}\r\n").bytes());
        text
    }

    const OLD: &str = "/TST5\\2METER\r\n\r\n1-0:1.8.1(00012.345*kWh)\r\n1-0:1.7.0(0001.01*kW)\r\n\
        0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n!\r\n";

    fn with_parity(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| byte | if byte.count_ones() % 2 == 1 { 0x80 } else { 0 }).collect()
    }

    /// What a decoder tells: values of the whole ones, or the damage.
    fn told(decoder: &mut Decoder, bytes: &[u8]) -> Vec<Result<Vec<(Code, String)>, Damage>> {
        let mut all = Vec::new();
        decoder.decode(bytes, |telegram| {
            all.push(telegram.map(|telegram| {
                let owned = |(code, values): (Code, &str)| (code, values.to_owned());
                telegram.objects().map(owned).collect()
            }));
        });
        all
    }

    fn code(text: &str) -> Code {
        Code::parse(text).unwrap()
    }

    #[test]
    fn the_crc_is_that_of_the_catalogue() {
        assert_eq!(crc16(b"123456789"), 0xBB3D, "check value of CRC-16/ARC");
    }

    #[test]
    fn names_of_objects() {
        assert_eq!(Code::parse("1-0:1.8.1"), Some(Code([1, 0, 1, 8, 1])));
        for text in
            ["", "1-0:1.8", "1-0:1.8.1.2", "1-0:1.8.256", "1-0:+1.8.1", "1.8.1", " 1-0:1.8.1", "1-0:1..1"]
        {
            assert_eq!(Code::parse(text), None, "{text}");
        }
    }

    #[test]
    fn values_units_and_times() {
        let bytes = modern(&[
            "1-0:1.7.0(00.244*kW)",
            "0-0:96.14.0(0002)",
            "0-1:24.2.1(170102161005W)(00000.107*m3)",
            "0-0:96.13.0()",
        ]);
        let mut count = 0;
        Decoder::default().decode(&bytes, |telegram| {
            let telegram = telegram.unwrap();
            let read =
                |name: &str| telegram.read(code(name)).map(|found| (found.text, found.unit, found.time));
            assert_eq!(read("1-0:1.7.0"), Some(("00.244", "kW", None)));
            assert_eq!(read("0-0:96.14.0"), Some(("0002", "", None)));
            assert_eq!(read("0-1:24.2.1"), Some(("00000.107", "m3", Some("170102161005W"))));
            assert_eq!(read("0-0:96.13.0"), Some(("", "", None)));
            assert_eq!(read("1-0:2.7.0"), None);
            count += 1;
        });
        Decoder::default().decode(OLD.as_bytes(), |telegram| {
            let gas = telegram.unwrap().read(code("0-1:24.3.0")).unwrap();
            assert_eq!((gas.text, gas.unit, gas.time), ("00001.001", "m3", Some("161107190000")));
            count += 1;
        });
        assert_eq!(count, 2);
    }

    #[test]
    fn times_are_instants_where_the_season_is_told() {
        let millis = |text: &str| instant(text).map(Utc::millis);
        assert_eq!(millis("170102192002W"), Some(1_483_381_202_000), "2017-01-02T18:20:02Z");
        assert_eq!(millis("200512135409S"), Some(1_589_284_449_000), "2020-05-12T11:54:09Z");
        assert_eq!(millis("240229235959W"), Some(1_709_247_599_000), "2024-02-29T22:59:59Z");
        assert_eq!(millis("000301000000W"), Some(951_865_200_000), "2000-02-29T23:00:00Z");
        for text in ["161107190000", "632525252525W", "", "170102192002X", "17010219200\u{e9}W"] {
            assert_eq!(millis(text), None, "{text}");
        }
        assert!(is_time("161107190000") && is_time("170102192002W"));
        assert!(!is_time("632525252525W") && !is_time("700101000000W") && !is_time("170102192002X"));
    }

    #[test]
    fn a_lost_crc_is_damage() {
        let whole = modern(&["1-0:1.7.0(00.244*kW)"]);
        let without = [&whole[..whole.len() - 6], b"\r\n"].concat();
        assert_eq!(told(&mut Decoder::default(), &without), [Err(Damage::NoCrc)]);
        // Nor does a meter that had one suddenly have none.
        let mut decoder = Decoder::default();
        assert!(told(&mut decoder, &whole)[0].is_ok());
        assert_eq!(told(&mut decoder, OLD.as_bytes()), [Err(Damage::NoCrc)]);
    }

    #[test]
    fn finds_the_next_one_after_anything() {
        let whole = modern(&["1-0:1.7.0(00.244*kW)"]);
        let cut = whole.get(..40).unwrap();
        let stream = [b"\xff\x00/half", &whole[20..], cut, b"\r\n", &whole[..], &[b'/'][..]].concat();
        let told = told(&mut Decoder::default(), &stream);
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(
            (told[0].as_ref().err(), told[1].as_ref().err()),
            (Some(&Damage::Crc), Some(&Damage::Cut))
        );
        assert!(told[2].is_ok());
        let endless = [b"/".to_vec(), vec![b'x'; 3 * TELEGRAM_MAX]].concat();
        assert_eq!(self::told(&mut Decoder::default(), &endless), [Err(Damage::TooLong)]);
    }

    #[test]
    fn parity_is_seen_by_the_first_byte() {
        let bytes = with_parity(OLD.as_bytes());
        let plain = told(&mut Decoder::default(), OLD.as_bytes());
        assert!(plain[0].is_ok());
        assert_eq!(told(&mut Decoder::default(), &bytes), plain);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600), cuts in proptest::collection::vec(0usize..40, 0..20)) {
            let mut whole = Decoder::default();
            let once = told(&mut whole, &bytes);
            let mut pieces = Decoder::default();
            let mut rest = &bytes[..];
            let mut again = Vec::new();
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                again.extend(told(&mut pieces, piece));
                rest = after;
            }
            again.extend(told(&mut pieces, rest));
            prop_assert_eq!(once, again);
        }

        #[test]
        fn text_like_bytes(text in "(/|!|\r\n|\\(|\\)|[0-9]-[0-9]:[0-9]\\.[0-9]\\.[0-9]|\\*kW|x){0,80}") {
            let mut decoder = Decoder::default();
            decoder.decode(text.as_bytes(), |telegram| if let Ok(telegram) = telegram {
                for (code, _) in telegram.objects() {
                    let _ = telegram.read(code);
                }
            });
        }

        /// Changed bytes, up to the burst that a CRC of 16 bits always sees, never give another value.
        #[test]
        fn damage_never_gives_another_value(at in 0usize..100, change in 1u8..=255, next in any::<u8>()) {
            let good = modern(&["1-0:1.8.1(000004.426*kWh)", "1-0:1.7.0(00.244*kW)"]);
            let expected = told(&mut Decoder::default(), &good);
            let mut bytes = good.clone();
            let place = at % (bytes.len() - 1);
            bytes[place] ^= change;
            bytes[place + 1] ^= next;
            for found in told(&mut Decoder::default(), &bytes).into_iter().flatten() {
                prop_assert_eq!(&Ok(found), &expected[0]);
            }
        }

        /// On a line with parity, one changed bit never gives another value, also without a CRC.
        #[test]
        fn parity_finds_single_bits(at in 0usize..200, bit in 0u8..8) {
            let mut bytes = with_parity(OLD.as_bytes());
            let expected = told(&mut Decoder::default(), &bytes);
            let place = at % bytes.len();
            bytes[place] ^= 1 << bit;
            for found in told(&mut Decoder::default(), &bytes).into_iter().flatten() {
                prop_assert_eq!(&Ok(found), &expected[0]);
            }
        }
    }
}
