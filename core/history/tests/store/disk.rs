//! A full disk and a read-only disk: control goes on, nothing acknowledged is lost, losses are counted and recorded.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::support::{
    Folder, PATIENCE, assert_sound, child, child_folder, event, number_of, parts, skip, stamp, tell,
};
use ballast_history::events::EVENTS_LOST;
use ballast_history::limits::EVENTS_WAITING_MAX;
use ballast_history::{Error, Found, Progress, Reader, Store};

/// Files may not grow past this many blocks of 512 bytes while the "disk" is full: room for some ten events.
const LIMIT_BLOCKS: &str = "256";

/// In a child process whose files may not grow: the disk is full until the parent says otherwise.
#[test]
fn child_on_a_full_disk() {
    let Some(folder) = child_folder() else { return };
    let database = folder.join("ballast.db");
    let (store, _) = Store::open(&database, stamp(0)).unwrap();
    let mut accepted = 0;
    while store.health().ok {
        accepted += 1;
        let ticket = store.append(event(accepted)).unwrap();
        while ticket.wait(std::time::Duration::from_millis(10)) == Progress::Waiting && store.health().ok {}
    }
    let trouble = store.health();
    assert!(
        trouble.since.is_some() && trouble.last_error.is_some() && trouble.unsaved_events > 0,
        "{trouble:?}"
    );
    assert!(accepted > 10, "{accepted} events filled the disk");

    // Control goes on: states are taken, events are taken up to the limit and then refused and counted.
    let states: Vec<_> =
        (1..=5).map(|number| store.save_state(parts(number), stamp(number)).unwrap()).collect();
    while store.health().unsaved_events < EVENTS_WAITING_MAX {
        accepted += 1;
        store.append(event(accepted)).unwrap();
    }
    let refused = (0..25).filter(|_| matches!(store.append(event(9)), Err(Error::QueueFull { .. }))).count();
    assert_eq!((refused, store.health().lost_events), (25, 25));
    assert!(store.health().unsaved_state);
    assert_eq!(states[4].progress(), Progress::Waiting);

    tell("full");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    assert!(store.flush(PATIENCE));
    assert!(states.iter().all(|ticket| ticket.progress() == Progress::Durable));
    let health = store.close(PATIENCE);
    assert!(health.ok && health.since.is_none() && health.unsaved_events == 0, "{health:?}");

    let stored = assert_sound(&database);
    assert_eq!(stored.len() as u64, accepted + 1);
    let (loss, kept) = stored.split_last().unwrap();
    assert!(kept.iter().zip(1..).all(|(row, number)| row.event == event(number)));
    assert_eq!(loss.event.kind, EVENTS_LOST);
    assert!(loss.event.payload.starts_with("{\"count\":25,"), "{}", loss.event.payload);
    assert_eq!(number_of(&Reader::open(&database).unwrap().state().unwrap().unwrap().parts), 5);
    tell("recovered");
}

/// The size limit of a process stands in for a full disk: it works everywhere and needs no rights.
#[test]
fn on_a_full_disk_control_goes_on_and_nothing_is_lost_silently() {
    if Command::new("prlimit").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("the full disk by size limit", "there is no prlimit");
    }
    let folder = Folder::new();
    let script = format!("trap '' XFSZ; ulimit -S -f {LIMIT_BLOCKS}; exec \"$0\" \"$@\"");
    let mut child =
        child(&["sh", "-c", &script], "disk::child_on_a_full_disk", folder.path()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "full"), "the child failed before the disk was full");
    let pid = child.id().to_string();
    assert!(Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap().success());
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(lines.any(|line| line == "recovered"), "the child failed when the disk had room again");
    assert!(child.wait().unwrap().success());
}

/// A file system in memory of one megabyte, for the superuser only.
struct SmallDisk(Folder);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = Folder::new();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder))
    }

    fn remount(&self, option: &str) {
        let status =
            Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(self.0.path()).status();
        assert!(status.unwrap().success());
    }

    fn fill(&self) -> std::path::PathBuf {
        let ballast = self.0.path().join("other-program");
        let mut file = std::fs::File::create(&ballast).unwrap();
        while file.write_all(&[1; 512]).is_ok() {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_disk_that_is_full_at_the_start_is_used_when_it_has_room() {
    let Some(disk) = SmallDisk::mount() else {
        return skip("a disk that is full at the start", "mounting a file system needs the superuser");
    };
    let other = disk.fill();
    let (store, opened) = disk.0.open();
    assert_eq!((opened.found, opened.state), (Found::Unusable, None));
    assert!(opened.trouble.unwrap().contains("full"), "{:?}", store.health());
    let ticket = store.append(event(1)).unwrap();
    store.save_state(parts(4), stamp(4)).unwrap();
    assert!(!store.health().ok);
    std::fs::remove_file(other).unwrap();
    assert!(store.flush(PATIENCE));
    assert_eq!(ticket.sequence(), Some(1));
    store.close(PATIENCE);
    assert_eq!(disk.0.files(), ["ballast.db", "ballast.db-newest"], "nothing was taken for damaged");
    assert_eq!(assert_sound(&disk.0.database()).len(), 1);
}

#[test]
fn a_disk_that_fills_up_while_running_takes_the_rest_later() {
    let Some(disk) = SmallDisk::mount() else {
        return skip("a disk that fills up", "mounting a file system needs the superuser");
    };
    let (store, _) = disk.0.open();
    store.append(event(1)).unwrap().wait(PATIENCE);
    let other = disk.fill();
    let mut number = 1;
    while store.health().failed_writes == 0 {
        number += 1;
        store.append(event(number)).unwrap();
        store.flush(std::time::Duration::from_millis(20));
    }
    std::fs::remove_file(other).unwrap();
    assert!(store.flush(PATIENCE));
    assert!(store.health().ok);
    store.close(PATIENCE);
    let stored = assert_sound(&disk.0.database());
    assert_eq!(stored.len() as u64, number);
}

#[test]
fn fault_19_a_read_only_disk_gives_the_state_and_takes_events_later() {
    let Some(disk) = SmallDisk::mount() else {
        return skip("a read-only disk", "remounting a file system needs the superuser");
    };
    let (store, _) = disk.0.open();
    store.append(event(1)).unwrap();
    store.save_state(parts(4), stamp(4)).unwrap();
    store.close(PATIENCE);
    disk.remount("ro");

    let (store, opened) = disk.0.open();
    assert_eq!(opened.found, Found::Unusable);
    assert_eq!(number_of(&opened.state.unwrap().parts), 4);
    let ticket = store.append(event(2)).unwrap();
    assert_eq!(store.reader().unwrap().newest_sequence().unwrap(), 1);
    assert!(!store.flush(std::time::Duration::from_millis(1)));
    disk.remount("rw");
    assert!(store.flush(PATIENCE));
    assert_eq!(ticket.sequence(), Some(2));
    store.close(PATIENCE);
    assert_eq!(assert_sound(&disk.0.database()).len(), 2);

    disk.remount("ro");
    let (store, _) = disk.0.open();
    let ticket = store.append(event(3)).unwrap();
    let health = store.close(PATIENCE);
    assert_eq!((ticket.progress(), health.unsaved_events), (Progress::Lost, 1), "what was not saved is told");
}
