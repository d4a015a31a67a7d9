//! The guard as a process of its own, started as its unit would.

use super::bench::{Bench, rule};
use super::printed::{LAST_WORDS, Printed};
use super::program::Program;
use super::{Scratch, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The built guard: it lies beside the program.
pub fn ballast_guard() -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_ballast")).with_file_name("ballast-guard");
    assert!(program.is_file(), "{} was not built: test the whole workspace", program.display());
    Command::new(program)
}

/// A running guard.
pub struct Guard {
    child: Child,
    printed: Printed,
}

/// Where a guard of a test keeps things.
pub struct Places {
    scratch: Scratch,
}

impl Places {
    /// Fresh ones.
    pub fn new() -> Self {
        Self { scratch: Scratch::new("guard") }
    }

    /// Its two sockets.
    pub fn sockets(&self) -> PathBuf {
        self.scratch.0.join("sockets")
    }

    /// Its memory and its audit log.
    pub fn state(&self) -> PathBuf {
        self.scratch.0.join("state")
    }

    /// The audit log, an entry a line.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.state().join("audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON text each")).collect()
    }
}

impl Default for Places {
    fn default() -> Self {
        Self::new()
    }
}

impl Guard {
    /// Starts it on a site and waits until it holds the outputs.
    pub fn run(site: &Path, places: &Places, arguments: &[&str]) -> Self {
        let mut guard = Self::spawn(site, places, arguments);
        wait_for("the guard to hold the outputs", Duration::from_secs(30), || {
            let has_ended = guard.child.try_wait().is_ok_and(|status| status.is_some());
            if has_ended {
                guard.printed.wait_end(LAST_WORDS);
                panic!("the guard ended:\n{}", guard.lines().join("\n"));
            }
            guard.lines().iter().any(|line| line.contains("the guard holds ")).then_some(())
        });
        guard
    }

    /// The same where its files say where its sockets are, with its memory beside them.
    pub fn plain(site: &Path) -> Self {
        let guard = Self::launch(ballast_guard().arg(site));
        guard.wait_line("the guard holds ", Duration::from_secs(30));
        guard
    }

    /// Starts it and does not wait.
    pub fn spawn(site: &Path, places: &Places, arguments: &[&str]) -> Self {
        let mut command = ballast_guard();
        command.arg(site).arg("--state").arg(places.state()).arg("--sockets").arg(places.sockets());
        Self::launch(command.args(arguments))
    }

    fn launch(command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the guard starts");
        let printed = Printed::default();
        printed.hear(child.stderr.take().expect("piped"));
        Self { child, printed }
    }

    /// Everything it wrote to its log.
    pub fn lines(&self) -> Vec<String> {
        self.printed.lines()
    }

    /// Waits until its log has a line with this text.
    pub fn wait_line(&self, text: &str, patience: Duration) -> String {
        self.printed.wait_line(text, patience)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it can be told");
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end and waits.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.signal(Signal::TERM);
        let status = self.child.wait().expect("it ends");
        self.printed.wait_end(LAST_WORDS);
        status
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self, patience: Duration) -> std::process::ExitStatus {
        let status = wait_for("the guard to end", patience, || self.child.try_wait().ok().flatten());
        self.printed.wait_end(LAST_WORDS);
        status
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the guard wrote:\n{}", self.lines().join("\n"));
        }
        // A frozen one ends all the same.
        self.kill();
    }
}

/// Asks the guard of these places as a person on this machine does.
pub fn ask(bench: &Bench, places: &Places, arguments: &[&str]) -> Output {
    let mut command = super::program::ballast();
    command.args(arguments).arg("--site").arg(&bench.site.0).arg("--sockets").arg(places.sockets());
    command.output().expect("the program runs")
}

/// What a command said, on both of its outputs.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// How long the two processes may take to hear one another.
const PATIENCE: Duration = Duration::from_secs(20);

/// A site whose guard is a process of its own; its rule closes `a`.
pub struct Apart {
    /// The site, its broker and its relays.
    pub bench: Bench,
    /// Where its guard keeps things.
    pub places: Places,
}

impl Apart {
    /// The site, or a visible skip. Nothing runs yet.
    pub fn new(what: &str) -> Option<Self> {
        Self::with(what, &rule("much", "a", "meter.power > \"100 W\"", "meter.power < \"50 W\""))
    }

    /// With other rules.
    pub fn with(what: &str, rules: &str) -> Option<Self> {
        let bench = Bench::new(what, rules)?;
        bench.site.edit(
            "safety.yaml",
            "  a: { safe: open, at_start: open, on_silence: safe, lease: 90 s }",
            "  a: { safe: open, lease: 2 s }",
        );
        bench.site.edit("safety.yaml", "limits:\n", "guard: {}\nlimits:\n");
        Some(Self { bench, places: Places::new() })
    }

    /// Starts the guard.
    pub fn guard(&self) -> Guard {
        Guard::run(&self.bench.site.0, &self.places, &["--set", &self.bench.url()])
    }

    /// Starts the program, and waits until both hear one another.
    pub fn program(&self) -> Program {
        let sockets = self.places.sockets();
        let program = self.bench.run_with(&["--guard", sockets.to_str().unwrap()]);
        program.wait_line("the guard listens to the rules", PATIENCE);
        self.wait_ready();
        program
    }

    /// Until the guard hears the program and the sensors of its limits.
    pub fn wait_ready(&self) {
        wait_for("the guard to be ready", PATIENCE, || {
            self.bench.tell("meter/power", "70");
            self.bench.tell("meter/level", "10");
            let status = ask(&self.bench, &self.places, &["guard", "status", "--format", "json"]);
            let status: serde_json::Value = serde_json::from_slice(&status.stdout).ok()?;
            let outputs = status.pointer("/outputs")?.as_array()?;
            let is_at_start =
                |output: &serde_json::Value| output.pointer("/cause") == Some(&"at_start".into());
            (!outputs.iter().any(is_at_start)).then_some(())
        });
    }

    /// Asks the guard something that it does not refuse.
    pub fn ask(&self, arguments: &[&str]) -> String {
        let output = ask(&self.bench, &self.places, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        said(&output)
    }

    /// The relay `a` closes since the rule wants it.
    pub fn close(&self) {
        self.bench.tell("meter/power", "200");
        self.bench.wait("a", "ON");
    }
}
