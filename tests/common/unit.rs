//! A unit of systemd kept by a test as systemd would: what its file says of starting, watching and what comes afterwards is read
//! from the file, and done with the real program.

use super::guard::{Places, ballast_guard};
use super::wait_for;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The last value of a key of a unit in `systemd/`.
pub fn setting(unit: &str, key: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(unit);
    let text = std::fs::read_to_string(path).expect("the unit is there");
    let mut values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    values.next_back().map(str::to_owned)
}

/// The unit of the guard, with its process.
pub struct GuardUnit {
    site: PathBuf,
    state: PathBuf,
    more: Vec<String>,
    notify: UnixDatagram,
    place: PathBuf,
    child: Child,
}

impl GuardUnit {
    /// Starts what `ExecStart=` says and waits until it says that it is ready.
    pub fn start(site: &Path, places: &Places, more: &[&str]) -> Self {
        let place = places.state().with_file_name("notify");
        let notify = UnixDatagram::bind(&place).expect("a socket for its words");
        notify.set_read_timeout(Some(Duration::from_millis(50))).expect("it can wait");
        let mut more: Vec<String> = more.iter().map(ToString::to_string).collect();
        more.extend(["--sockets".to_owned(), places.sockets().display().to_string()]);
        let (site, state) = (site.to_owned(), places.state());
        let child = launch("ExecStart", &site, &state, &more, &place);
        let unit = Self { site, state, more, notify, place, child };
        wait_for("the guard to be ready", Duration::from_secs(30), || unit.said("READY=1").then_some(()));
        unit
    }

    /// Whether something came that says this.
    fn said(&self, what: &str) -> bool {
        let mut buffer = [0; 4096];
        let Ok(length) = self.notify.recv(&mut buffer) else { return false };
        String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).lines().any(|line| line == what)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Watches it as `WatchdogSec=` says until it is silent for so long; gives how long it took from now on. Then it is ended as
    /// systemd ends it (`SIGABRT`, and `SIGCONT` for one that is frozen), and `ExecStopPost=` is carried out to its end.
    pub fn until_hung(&mut self) -> Duration {
        let (begun, mut heard) = (Instant::now(), Instant::now());
        while heard.elapsed() < watchdog() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it goes on and on");
            if self.said("WATCHDOG=1") {
                heard = Instant::now();
            }
        }
        let took = begun.elapsed();
        kill_process(self.pid(), Signal::ABORT).expect("it is there");
        kill_process(self.pid(), Signal::CONT).expect("it is there");
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status}");
        let mut after = launch("ExecStopPost", &self.site, &self.state, &self.more, &self.place);
        let status = after.wait().expect("it ends");
        assert!(status.success(), "ExecStopPost: {status}");
        took
    }

    /// Whether it says that it lives for so long, without a pause that would have it ended.
    pub fn lives_for(&self, time: Duration) -> bool {
        let (begun, mut heard) = (Instant::now(), Instant::now());
        while begun.elapsed() < time {
            if self.said("WATCHDOG=1") {
                heard = Instant::now();
            }
            if heard.elapsed() >= watchdog() {
                return false;
            }
        }
        true
    }

    /// Starts it again, as `Restart=always` does.
    pub fn restart(&mut self) {
        assert_eq!(setting("ballast-guard.service", "Restart").as_deref(), Some("always"));
        self.child = launch("ExecStart", &self.site, &self.state, &self.more, &self.place);
        wait_for("the guard to be ready", Duration::from_secs(30), || self.said("READY=1").then_some(()));
    }
}

impl Drop for GuardUnit {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long it may be silent.
pub fn watchdog() -> Duration {
    let patience = setting("ballast-guard.service", "WatchdogSec");
    let seconds = patience.as_deref().and_then(|patience| patience.strip_suffix('s')?.parse().ok());
    Duration::from_secs(seconds.expect("the unit says it in seconds"))
}

/// The command of a key, on this site and with this memory.
fn launch(key: &str, site: &Path, state: &Path, more: &[String], notify: &Path) -> Child {
    let command = setting("ballast-guard.service", key).expect("the unit says it");
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("@PREFIX@/bin/ballast-guard"), "{command}");
    let mut process: Command = ballast_guard();
    for word in words {
        match word {
            "/etc/ballast/site" => process.arg(site),
            "/var/lib/ballast-guard" => process.arg(state),
            other => process.arg(other),
        };
    }
    process.args(more).env("NOTIFY_SOCKET", notify);
    process.env("WATCHDOG_USEC", watchdog().as_micros().to_string());
    process.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}
