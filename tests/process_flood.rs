//! Somebody floods the port of the metrics: relays answer as ever. A real broker and an independent client watch them.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failing test is its own message")]

mod common;

use common::bench::{Bench, rule};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Connections that say nothing, or half a question: some, which leave room for others, and more than there is room for.
const SILENT: [usize; 2] = [24, 100];
/// Who asks without end.
const ASKERS: usize = 4;
/// How often the relay is moved under each.
const MOVES: usize = 20;
/// The median may take so long on a machine with two cores that both are busy.
const MEDIAN_MOST: Duration = Duration::from_millis(250);
/// No move takes longer.
const WORST_MOST: Duration = Duration::from_secs(2);

/// Whatever comes at the port, the thread that decides has one question at a time.
#[test]
fn fault_38_a_flood_of_questions_does_not_hold_up_a_relay() {
    let rules = rule("heat", "a", "meter.power > \"1 kW\"", "meter.power < \"1 kW\"");
    let Some(bench) = Bench::new("a flood of questions", &rules) else { return };
    let program = bench.run();
    let address: SocketAddr = program.metrics.parse().unwrap();
    let (is_over, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| {
            let (is_over, answers) = (Arc::clone(&is_over), Arc::clone(&answers));
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    answers.fetch_add(u64::from(ask(address)), Ordering::Relaxed);
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for count in SILENT {
        let silent: Vec<TcpStream> = (0..count).filter_map(|number| silent(address, number)).collect();
        assert!(silent.len() > count / 2, "only {} of {count} connections", silent.len());
        for number in 0..MOVES {
            let (power, word) = if number % 2 == 0 { ("2000", "ON") } else { ("500", "OFF") };
            bench.relays.clear();
            let begin = Instant::now();
            bench.tell("meter/power", power);
            times.push(bench.wait("a", word).at.duration_since(begin));
        }
    }
    is_over.store(true, Ordering::Relaxed);
    askers.into_iter().for_each(|asker| asker.join().unwrap());
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "under a flood ({} answers in between): median {median:?}, worst {worst:?}",
        answers.load(Ordering::Relaxed)
    );
    assert!(answers.load(Ordering::Relaxed) > 0, "nobody was answered: that was no flood of questions");
    assert!(median <= MEDIAN_MOST, "{times:?}");
    assert!(worst <= WORST_MOST, "{times:?}");
}

/// A connection that says nothing; every second one begins and never ends.
fn silent(address: SocketAddr, number: usize) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()?;
    if number.is_multiple_of(2) {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: ").ok()?;
    }
    Some(stream)
}

/// Asks for the metrics; whether there was an answer in a while.
fn ask(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) else {
        return false;
    };
    let mut said = Vec::new();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").is_ok()
        && stream.read_to_end(&mut said).is_ok()
}
