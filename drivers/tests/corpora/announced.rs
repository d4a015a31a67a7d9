//! Any message at a broker: a line with its topic, and behind it the payload.

use ballast_drivers::detect::{Announced, Found, announced};

/// Devices of one message at most.
const DEVICES_MAX: usize = 1000;

/// What is made of it.
pub(crate) fn heard(bytes: &[u8]) -> Announced {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (topic, payload) = bytes.split_at(end);
    announced(&String::from_utf8_lossy(topic), payload.get(1..).unwrap_or_default())
}

/// Every device names a file and is told from others. How many there are.
pub(crate) fn any(bytes: &[u8]) -> usize {
    let Announced { devices, left_out } = heard(bytes);
    assert!(devices.len() + left_out.len() <= DEVICES_MAX);
    for Found { key, file, topics, points, .. } in &devices {
        assert!(!key.is_empty() && !file.is_empty());
        let topics =
            topics.iter().chain(points.iter().flat_map(|(_, keys)| {
                keys.iter().filter(|(key, _)| *key == "topic").map(|(_, topic)| topic)
            }));
        for topic in topics {
            assert!(!topic.starts_with("ballast/"), "what this program says is no device: {topic}");
        }
    }
    devices.len() + left_out.len()
}
