//! Many meters on a broker, each of which tells its frequency once a second, for measurements.
//!
//!     publish PORT METERS
//!
//! Their moments are spread over the second; every number differs from the one before. MQTT 3.1.1, quality of service 0, one
//! connection. For each line on its standard input it prints what it has sent so far, as one line of JSON.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two writes.
const TICK: Duration = Duration::from_millis(1);
/// CONNECT: protocol level 4, clean session, no keep-alive, client id `meters`.
const CONNECT: &[u8] = b"\x10\x12\x00\x04MQTT\x04\x02\x00\x00\x00\x06meters";

fn main() -> std::io::Result<()> {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let &[port, meters] = numbers.as_slice() else { panic!("publish PORT METERS") };
    let mut stream = TcpStream::connect(("127.0.0.1", port as u16))?;
    stream.set_nodelay(true)?;
    stream.write_all(CONNECT)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    assert_eq!(answer, [0x20, 2, 0, 0], "the broker lets us in");
    let (sent, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
    println!("ready");
    let shown = Arc::clone(&sent);
    std::thread::spawn(move || {
        for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
            let count = shown.load(Ordering::Relaxed);
            println!(r#"{{"seconds":{:.6},"sent":{count}}}"#, begun.elapsed().as_secs_f64());
        }
    });
    let mut packets = Vec::new();
    let mut next = 0;
    loop {
        // However late it wakes, what is due by now is sent.
        let due = (begun.elapsed().as_secs_f64() * meters as f64) as u64;
        packets.clear();
        for number in next..due {
            let (meter, turn) = (number % meters + 1, number / meters);
            let topic = format!("meter/{meter}/frequency");
            // Inside of the band in which no rule of the measurements acts.
            let payload = format!("49.{}", 81 + turn % 8);
            packets.extend_from_slice(&[0x30, (2 + topic.len() + payload.len()) as u8, 0, topic.len() as u8]);
            packets.extend_from_slice(topic.as_bytes());
            packets.extend_from_slice(payload.as_bytes());
        }
        stream.write_all(&packets)?;
        sent.fetch_add(due.max(next) - next, Ordering::Relaxed);
        next = due.max(next);
        std::thread::sleep(TICK);
    }
}
