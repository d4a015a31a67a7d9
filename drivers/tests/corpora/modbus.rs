//! Any frame on a line, any function in a good frame, and any registers in a good answer.

use super::site::{bus, check, jobs, play};

const POINTS: &[(&str, &str)] = &[
    ("W", "register: 0; type: i16; no_value: 0x8000"),
    ("V", "register: 1; type: f32; order: CDAB"),
    ("Hz", "register: 3; type: u16; scale: 0.01; scale_register: 4; no_value: 0xFFFF"),
    ("Wh", "register: 5; type: u64; order: DCBA"),
    ("kWh", "register: 9; type: f64; order: BADC"),
    ("A", "register: 13; type: i32; sentinels: -1"),
    ("words run stop", "register: 15; type: text; length: 4; map: RUN = run, STOP = stop"),
    ("flag", "register: 19; type: bit; bit: 15"),
    ("flag", "table: discrete; register: 7"),
    ("VA", "table: input; register: 200; type: u32; unit_id: 2; most: 1; gap: 0"),
];
const OUTPUTS: &[(&str, &str)] =
    &[("", "register: 3; before: 40 = 60; after: 41 = 1"), ("W", "register: 70; type: f32; write: multiple")];

/// The checksum of a serial frame, bit by bit as the standard describes it, and not as the driver has it.
pub(crate) fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum = 0xFFFF_u16;
    for byte in bytes {
        sum ^= u16::from(*byte);
        for _ in 0..8 {
            let is_odd = sum & 1 == 1;
            sum >>= 1;
            if is_odd {
                sum ^= 0xA001;
            }
        }
    }
    sum.to_le_bytes()
}

/// A good frame with any function: from the unit that was asked.
fn framed(request: &[u8], is_line: bool, pdu: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    if is_line {
        frame.push(request[0]);
        frame.extend_from_slice(pdu);
        frame.extend(checksum(&frame));
    } else {
        frame.extend_from_slice(&request[..4]);
        frame.extend(u16::try_from(pdu.len() + 1).unwrap_or(u16::MAX).to_be_bytes());
        frame.push(request[6]);
        frame.extend_from_slice(pdu);
    }
    frame
}

/// The answer to a read with these bytes as registers or bits, over and over.
fn answered(request: &[u8], is_line: bool, bytes: &[u8]) -> Vec<u8> {
    let asked = if is_line { &request[1..request.len() - 2] } else { &request[7..] };
    let count = usize::from(u16::from_be_bytes([asked[3], asked[4]]));
    let pdu: Vec<u8> = match asked[0] {
        function @ 1..=4 => {
            let length = if function < 3 { count.div_ceil(8) } else { count * 2 };
            let data = bytes.iter().copied().chain([0]).cycle().take(length);
            [function, length as u8].into_iter().chain(data).collect()
        }
        15 | 16 => asked[..5].to_vec(),
        _ => asked.to_vec(),
    };
    framed(request, is_line, &pdu)
}

/// Plays it through every read and every write, over TCP and on a line. How many values came out.
pub(crate) fn any(bytes: &[u8]) -> usize {
    let mut values = 0;
    for (keys, is_line) in [("url: tcp://device", false), ("port: /dev/null", true)] {
        let (mut bus, outputs) = bus("modbus", keys, POINTS, OUTPUTS);
        let (poller, readings) = bus.poller().expect("it asks");
        for job in jobs(poller, &outputs) {
            play(poller, job, readings, &mut |_| (bytes.to_vec(), false));
            play(poller, job, readings, &mut |request| (framed(request, is_line, bytes), false));
            play(poller, job, readings, &mut |request| (answered(request, is_line, bytes), false));
            poller.sounded(0, 7, bytes);
        }
        values += check(readings);
    }
    values
}
