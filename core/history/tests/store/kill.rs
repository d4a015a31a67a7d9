//! `kill -9` at random moments: every acknowledged event and state is there, and nothing else is odd.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use crate::support::{
    Folder, PATIENCE, Random, assert_sound, child, child_folder, event, number_of, parts, stamp, tell,
};
use ballast_history::{Found, Progress, Store};

const KILLS: u32 = 40;

/// In a child process: stores events and states for ever and says what was acknowledged.
#[test]
fn child_stores_and_tells() {
    let Some(folder) = child_folder() else { return };
    let (store, opened) = Store::open(&folder.join("ballast.db"), stamp(0)).unwrap();
    let start = opened.state.map_or(0, |state| number_of(&state.parts));
    for number in start + 1.. {
        // Bursts of one to four, of which only the last is waited for: acknowledged are all up to it.
        let burst: Vec<_> = (0..=number % 4).map(|_| store.append(event(number)).unwrap()).collect();
        let state = number.is_multiple_of(3).then(|| store.save_state(parts(number), stamp(number)).unwrap());
        let last = burst.last().unwrap();
        assert_eq!(last.wait(PATIENCE), Progress::Durable);
        for ticket in &burst {
            tell(&format!("event {} {number}", ticket.sequence().unwrap()));
        }
        if let Some(state) = state {
            assert_eq!(state.wait(PATIENCE), Progress::Durable);
            tell(&format!("state {number}"));
        }
    }
}

#[test]
fn every_acknowledged_record_survives_kill_9() {
    let folder = Folder::new();
    let seed = 0x00BA_11A5;
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    let mut events: BTreeMap<u64, u64> = BTreeMap::new();
    let mut state = 0;
    for kill in 0..KILLS {
        let mut child = child(&["env"], "kill::child_stores_and_tells", folder.path()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let told = |line: &str| line.starts_with("event ") || line.starts_with("state ");
        // Some are killed before the first word, while they open the file.
        let awaited = if kill % 8 == 7 { 0 } else { 1 + random.below(30) };
        let mut heard: Vec<String> =
            lines.by_ref().filter(|line| told(line)).take(awaited as usize).collect();
        for _ in 0..random.below(20_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts as well; its last line may be cut.
        let mut rest: Vec<String> = lines.filter(|line| told(line)).collect();
        rest.pop();
        heard.append(&mut rest);
        for line in heard {
            let numbers: Vec<u64> = line.split(' ').skip(1).map(|word| word.parse().unwrap()).collect();
            match numbers[..] {
                [sequence, number] => {
                    assert_eq!(events.insert(sequence, number), None, "{line} was told twice")
                }
                [number] => state = state.max(number),
                _ => unreachable!("{line}"),
            }
        }
        check(&folder, &events, state);
    }
    println!("{} events and state {state} were acknowledged over {KILLS} kills", events.len());
    assert!(events.len() > KILLS as usize && state > 0, "the children did work");
}

/// Opens the file as the next start would and compares it with what was acknowledged.
fn check(folder: &Folder, acknowledged: &BTreeMap<u64, u64>, state: u64) {
    let (store, opened) = folder.open();
    assert_eq!((opened.trouble, opened.damaged_generations), (None, 0));
    // A child may have died before it made the file, or with the file still empty.
    let is_first = acknowledged.is_empty();
    assert!(opened.found == Found::Intact || is_first, "{:?}", opened.found);
    let found = opened.state.map_or(0, |state| number_of(&state.parts));
    assert!(found >= state, "state {state} was acknowledged, {found} is there");
    store.close(PATIENCE);
    let stored = assert_sound(&folder.database());
    for (sequence, number) in acknowledged {
        let row = stored.get(*sequence as usize - 1);
        assert_eq!(row.map(|row| &row.event), Some(&event(*number)), "event {sequence}");
    }
}
