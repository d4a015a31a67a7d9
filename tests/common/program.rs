//! The program under test, started as a user would.

use super::printed::{LAST_WORDS, Printed};
use super::wait_for;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
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
    printed: Printed,
    /// The site's directory.
    pub site: PathBuf,
    /// Where its metrics are.
    pub metrics: String,
}

impl Program {
    /// Starts `ballast run SITE` with metrics on a free port and waits until it says that it runs.
    pub fn run(site: &Path, arguments: &[&str]) -> Self {
        Self::start(ballast(), site, arguments)
    }

    /// The same under another program, which is to become this one (`nice`, a shell that sets bounds and says `exec`).
    pub fn run_under(outer: &[&str], site: &Path, arguments: &[&str]) -> Self {
        let (first, rest) = outer.split_first().expect("a program");
        let mut command = Command::new(first);
        command.args(rest).arg(env!("CARGO_BIN_EXE_ballast")).env("LANG", "C").env("NO_COLOR", "1");
        Self::start(command, site, arguments)
    }

    fn start(mut command: Command, site: &Path, arguments: &[&str]) -> Self {
        let port = super::free_port();
        let metrics = format!("127.0.0.1:{port}");
        let mut child = command
            .arg("run")
            .arg(site)
            .args(["--metrics", &metrics])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let printed = Printed::default();
        printed.hear(child.stdout.take().expect("piped"));
        printed.hear(child.stderr.take().expect("piped"));
        let mut program = Self { child, printed, site: site.to_owned(), metrics };
        wait_for("the program to run", Duration::from_secs(30), || {
            let has_ended = program.child.try_wait().is_ok_and(|status| status.is_some());
            if has_ended {
                program.printed.wait_end(LAST_WORDS);
                panic!("the program ended:\n{}", program.lines().join("\n"));
            }
            let runs = |line: &String| [" is running ", " tourne "].iter().any(|word| line.contains(word));
            program.lines().iter().any(runs).then_some(())
        });
        program
    }

    /// Everything it printed.
    pub fn lines(&self) -> Vec<String> {
        self.printed.lines()
    }

    /// Waits until it has printed a line with this text.
    pub fn wait_line(&self, text: &str, patience: Duration) -> String {
        self.printed.wait_line(text, patience)
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

    /// A command whose JSON answer must be good.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.tell(&[arguments, &["--format", "json"]].concat());
        serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// A command that must be refused with code 1; gives what it says.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        text
    }

    /// Waits until a point is known and its value begins like this.
    pub fn wait_point(&self, point: &str, begins: &str) {
        wait_for(&format!("{point} {begins}; {}", self.tell(&["status"])), Duration::from_secs(15), || {
            let status = self.json(&["status"]);
            let value = status.pointer(&format!("/points/{point}"))?.as_str()?.to_owned();
            value.starts_with(begins).then_some(())
        });
    }

    /// A page of its web server: the body, where the server gave one.
    pub fn get(&self, path: &str) -> String {
        let (_, body) = self.get_with_code(path);
        body
    }

    /// A page of its web server with its status code.
    pub fn get_with_code(&self, path: &str) -> (u16, String) {
        use std::io::{Read, Write};
        let mut stream = wait_for("the web server", Duration::from_secs(10), || {
            std::net::TcpStream::connect(&self.metrics).ok()
        });
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it listens");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("it answers in text");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        (code, body.to_owned())
    }

    /// The value of a series (`NAME` or `NAME{LABELS}`) among its metrics, as it is written; `None` where there is none.
    pub fn metric(&self, series: &str) -> Option<String> {
        let page = self.get("/metrics");
        page.lines().find_map(|line| Some(line.strip_prefix(series)?.strip_prefix(' ')?.to_owned()))
    }

    /// Waits until a series has this value.
    pub fn wait_metric(&self, series: &str, value: &str) {
        wait_for(&format!("{series} {value}"), Duration::from_secs(20), || {
            (self.metric(series)? == value).then_some(())
        });
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("it can be told");
    }

    /// Asks it to stop and waits.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        let status = self.child.wait().expect("it ends");
        self.printed.wait_end(LAST_WORDS);
        status
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the program printed:\n{}", self.lines().join("\n"));
        }
        self.kill();
    }
}
