//! The program under test, started as a user would.

use super::wait_for;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The built program.
pub fn ballast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command.env("LANG", "C").env_remove("LC_ALL").env_remove("LC_MESSAGES").env("NO_COLOR", "1");
    command
}

/// A running site.
pub struct Program {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    /// The site's directory.
    pub site: PathBuf,
    /// Where its metrics are.
    pub metrics: String,
}

impl Program {
    /// Starts `ballast run SITE` with metrics on a free port and waits until it says that it runs.
    pub fn run(site: &Path, arguments: &[&str]) -> Self {
        let port = super::free_port();
        let metrics = format!("127.0.0.1:{port}");
        let mut child = ballast()
            .arg("run")
            .arg(site)
            .args(["--metrics", &metrics])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        keep(child.stdout.take().expect("piped"), &lines);
        keep(child.stderr.take().expect("piped"), &lines);
        let program = Self { child, lines, site: site.to_owned(), metrics };
        program.wait_line("running", Duration::from_secs(30));
        program
    }

    /// Everything it printed.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no holder panics").clone()
    }

    /// Waits until it has printed a line with this text.
    pub fn wait_line(&self, text: &str, patience: Duration) -> String {
        wait_for(&format!("a line with {text:?}; printed:\n{}", self.lines().join("\n")), patience, || {
            self.lines().into_iter().find(|line| line.contains(text))
        })
    }

    /// A command against this site, its answer as text.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        ballast().args(arguments).arg("--site").arg(&self.site).output().expect("the program runs")
    }

    /// A command against this site that must be done; gives its text.
    pub fn tell(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop and waits.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be told");
        self.child.wait().expect("it ends")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn keep(stream: impl std::io::Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            lines.lock().expect("no holder panics").push(line);
        }
    });
}
