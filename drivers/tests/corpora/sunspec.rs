//! Any registers behind the marker of a SunSpec device: models that overlap, lie about their length, or never end.

use super::site::{bus, check, jobs, play};

const POINTS: &[(&str, &str)] = &[
    ("W", "field: 701.W 111-113.W 101-103.W 201-204.W 802.W"),
    ("Hz", "field: 701.Hz 111-113.Hz 101-103.Hz 201-204.Hz"),
    ("Wh", "field: 701.TotWhInj 101-103.WH 122.ActWh"),
    ("W", "field: 714.2.DCW 160.2.DCW"),
    ("%", "field: 802.SoC 124.ChaState"),
];
const OUTPUTS: &[(&str, &str)] = &[
    ("%", "control: power_limit; revert: 60 s"),
    ("%", "control: charge_limit; revert: 60 s"),
    ("", "control: connection; revert: 60 s"),
];

/// Where the marker is looked for first (SunSpec Device Information Model Specification).
const BASE: usize = 40_000;

/// Plays it through every read and every write. How many values came out.
pub(crate) fn any(bytes: &[u8]) -> usize {
    let mut registers = vec![0x5375, 0x6E53];
    registers.extend(bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])));
    let (mut bus, outputs) = bus("sunspec", "url: tcp://device", POINTS, OUTPUTS);
    let (poller, readings) = bus.poller().expect("it asks");
    let mut device = |request: &[u8]| {
        let word = |at: usize| usize::from(u16::from_be_bytes([request[at], request[at + 1]]));
        let (first, count) = (word(8), word(10));
        let range = first.checked_sub(BASE).and_then(|place| registers.get(place..place + count));
        let pdu: Vec<u8> = match (request[7], range) {
            (function, None) => vec![function | 0x80, 2],
            (3, Some(range)) => {
                let data = range.iter().flat_map(|register| register.to_be_bytes());
                [3, (count * 2) as u8].into_iter().chain(data).collect()
            }
            _ => request[7..12].to_vec(),
        };
        let mut answer = request[..4].to_vec();
        answer.extend((pdu.len() as u16 + 1).to_be_bytes());
        answer.push(request[6]);
        answer.extend(pdu);
        (answer, false)
    };
    // The way through the models goes over several rounds.
    for _ in 0..4 {
        for job in jobs(poller, &outputs) {
            play(poller, job, readings, &mut device);
        }
    }
    check(readings)
}
