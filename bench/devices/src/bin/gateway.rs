//! A Modbus gateway with many units behind it, for measurements: answers every read of registers, and counts.
//!
//!     gateway PORT DELAY_US [DEAD_UNIT]
//!
//! It answers `DELAY_US` microseconds after a request, 0: at once; the dead unit never answers. As behind a real gateway one
//! request is on the line at a time. For each line on its standard input it prints its counts so far, as one line of JSON.
//! A thread for each connection, nothing shared but the counts: it must not be what limits.

use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

struct Line {
    delay: Duration,
    dead: Option<u8>,
    answered: [AtomicU64; 256],
    unanswered: AtomicU64,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let port: u16 = next().and_then(|text| text.parse().ok()).expect("PORT");
    let delay = Duration::from_micros(next().and_then(|text| text.parse().ok()).expect("DELAY_US"));
    let dead = next().and_then(|text| text.parse().ok());
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let line = Arc::new(Line { delay, dead, answered: [const { AtomicU64::new(0) }; 256], unanswered: AtomicU64::new(0) });
    let serving = Arc::clone(&line);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let line = Arc::clone(&serving);
            // A client that hangs up ends its thread.
            std::thread::spawn(move || line.serve(stream));
        }
    });
    let begun = Instant::now();
    println!("ready");
    for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
        let counts: Vec<String> =
            line.answered.iter().map(|count| count.load(Ordering::Relaxed).to_string()).collect();
        let unanswered = line.unanswered.load(Ordering::Relaxed);
        println!(
            r#"{{"seconds":{:.6},"unanswered":{unanswered},"answered":[{}]}}"#,
            begun.elapsed().as_secs_f64(),
            counts.join(",")
        );
    }
}

impl Line {
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let (mut head, mut answer) = ([0; 12], Vec::with_capacity(260));
        loop {
            // Transaction, protocol, length, unit, function, first register, number of registers.
            stream.read_exact(&mut head).ok()?;
            let [t1, t2, _, _, _, 6, unit, function @ (3 | 4), first, second, 0, count] = head else { return None };
            if self.dead == Some(unit) {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            if !self.delay.is_zero() {
                std::thread::sleep(self.delay);
            }
            let turn = self.answered[usize::from(unit)].fetch_add(1, Ordering::Relaxed);
            answer.clear();
            let bytes = count.checked_mul(2)?;
            answer.extend_from_slice(&[t1, t2, 0, 0, 0, bytes.checked_add(3)?, unit, function, bytes]);
            let first = u16::from_be_bytes([first, second]);
            for register in first..first.wrapping_add(u16::from(count)) {
                answer.extend_from_slice(&register.wrapping_add(turn as u16).to_be_bytes());
            }
            stream.write_all(&answer).ok()?;
        }
    }
}
