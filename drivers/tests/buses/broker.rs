//! A real mosquitto on a free loopback port, and its own clients as independent witnesses.

use crate::ports::free_port;
use crate::support::PATIENCE;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

/// The path of a program; `None`, told on standard error, where it is not installed.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// A broker that ends with its value.
pub(crate) struct Broker {
    child: Child,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    program: PathBuf,
}

impl Broker {
    /// Starts one; `None` where it is not installed.
    pub(crate) fn start(name: &str, more: &str) -> Option<Self> {
        let program = find("mosquitto")?;
        find("mosquitto_pub").and(find("mosquitto_sub"))?;
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("ballast-drivers-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let more = more.replace("{folder}", &folder.to_string_lossy());
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n\
             max_queued_bytes 0\nset_tcp_nodelay true\n{more}\n"
        );
        std::fs::write(folder.join("mosquitto.conf"), config).unwrap();
        let child = run(&program, &folder, port);
        Some(Self { child, port, folder, program })
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal: `STOP` freezes it, `CONT` lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn restart(&mut self) {
        self.child = run(&self.program, &self.folder, self.port);
    }

    /// Publishes one message with mosquitto's own client.
    pub(crate) fn publish(&self, topic: &str, payload: &[u8], options: &[&str]) {
        let mut client = Command::new("mosquitto_pub")
            .args(["-p", &self.port.to_string(), "-t", topic])
            .arg(if payload.is_empty() { "-n" } else { "-s" })
            .args(options)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        client.stdin.take().unwrap().write_all(payload).unwrap();
        assert!(client.wait().unwrap().success());
    }

    /// Publishes each line as a message.
    pub(crate) fn publish_lines(&self, topic: &str, lines: &str) {
        let mut client = Command::new("mosquitto_pub")
            .args(["-p", &self.port.to_string(), "-t", topic, "-l", "-q", "1"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        client.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(client.wait().unwrap().success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn run(program: &Path, folder: &Path, port: u16) -> Child {
    let mut child = Command::new(program)
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "mosquitto does not listen");
        assert_eq!(child.try_wait().unwrap(), None, "mosquitto ended");
        std::thread::yield_now();
    }
    child
}

/// `mosquitto_sub`, listening: lines `retained topic payload`.
pub(crate) struct Witness {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// What came before the witness was ready: retained messages.
    early: Vec<String>,
}

impl Witness {
    /// Listens once the broker has confirmed it.
    pub(crate) fn listen(broker: &Broker, filter: &str) -> Self {
        let mut child = Command::new("mosquitto_sub")
            .args([
                "-p",
                &broker.port.to_string(),
                "-t",
                filter,
                "-t",
                "witness/ready",
                "-q",
                "1",
                "-F",
                "%r %t %p",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let output = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut witness = Self { child, lines, early: Vec::new() };
        // A retained message comes as soon as the subscription stands.
        broker.publish("witness/ready", b"yes", &["-r", "-q", "1"]);
        loop {
            let line = witness.line();
            if line.ends_with("witness/ready yes") {
                return witness;
            }
            witness.early.push(line);
        }
    }

    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("nothing was published")
    }

    /// Everything until now: up to a message that is sent after it.
    pub(crate) fn until_now(&self, broker: &Broker) -> Vec<String> {
        broker.publish("witness/ready", b"now", &["-q", "1"]);
        let mut lines = self.early.clone();
        loop {
            let line = self.line();
            if line.ends_with("witness/ready now") {
                return lines;
            }
            if !line.contains("witness/ready") {
                lines.push(line);
            }
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
