//! Any response of a web server, and any document in a good one.

use super::site::{bus, check, jobs, play};

const POINTS: &[(&str, &str)] = &[
    ("W", "path: /status; pointer: /meters/0/power"),
    ("V", "path: /status; pointer: /em:0/voltage | /voltage; only_if: /is_valid = true"),
    ("Hz", "path: /status; pointer: /emeters/1/a~1b~0c; sentinels: 65535, -1; scale: 0.01"),
    ("flag", "path: /status; pointer: /relays/0/ison"),
    ("words run stop", "path: /status; pointer: /mode; map: 1 = run, x = stop"),
    ("Wh", "path: /plain"),
];
const OUTPUTS: &[(&str, &str)] = &[
    (
        "",
        "closed: /relay?on; open: /relay?off; confirm: /ison | /result; state_path: /status; state_pointer: /relays/0/ison",
    ),
    ("W", "path: /limit; body: { \"limit\": {} }; method: post"),
];

/// Plays it through every read and every write. How many values came out.
pub(crate) fn any(bytes: &[u8]) -> usize {
    let mut values = 0;
    for is_whole in [false, true] {
        let (mut bus, outputs) = bus("http", "url: http://device", POINTS, OUTPUTS);
        let (poller, readings) = bus.poller().expect("it asks");
        let response = if is_whole {
            let mut response =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len()).into_bytes();
            response.extend_from_slice(bytes);
            response
        } else {
            bytes.to_vec()
        };
        for job in jobs(poller, &outputs) {
            for is_end in [false, true] {
                play(poller, job, readings, &mut |_| (response.clone(), is_end));
            }
        }
        values += check(readings);
    }
    values
}
