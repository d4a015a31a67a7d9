//! A real mosquitto, and its own clients as independent observers.

use super::{Scratch, free_port, tool_or_skip, wait_for};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A broker that ends with the test.
pub struct Broker {
    child: Child,
    program: PathBuf,
    /// Where it listens on loopback.
    pub port: u16,
    scratch: Scratch,
}

impl Broker {
    /// Starts one, or skips visibly.
    pub fn start(what: &str) -> Option<Self> {
        Self::start_with(what, "")
    }

    /// The same with further lines in its configuration, which are about its one listener.
    pub fn start_with(what: &str, lines: &str) -> Option<Self> {
        let program = tool_or_skip("mosquitto", what)?;
        tool_or_skip("mosquitto_sub", what)?;
        tool_or_skip("mosquitto_pub", what)?;
        let scratch = Scratch::new("broker");
        let port = free_port();
        let configuration = scratch.0.join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n{lines}"
        );
        std::fs::write(&configuration, text).expect("the configuration can be written");
        let child = launch(&program, &configuration);
        let mut broker = Self { child, program, port, scratch };
        broker.wait();
        Some(broker)
    }

    fn wait(&mut self) {
        wait_for("the broker to listen", Duration::from_secs(10), || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the broker ended at once ({status}): {}", self.said());
            }
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// What it said last.
    fn said(&self) -> String {
        let text = std::fs::read_to_string(self.scratch.0.join("mosquitto.log")).unwrap_or_default();
        text.lines().rev().take(5).collect::<Vec<_>>().join(" | ")
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Freezes it, as an overloaded machine would: its connections stay open and nothing is answered. Only killing it ends
    /// that.
    pub fn freeze(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).expect("it can be frozen");
    }

    /// Starts it again on the same port.
    pub fn restart(&mut self) {
        self.kill();
        self.child = launch(&self.program, &self.scratch.0.join("mosquitto.conf"));
        self.wait();
    }

    /// Publishes with mosquitto's own client.
    pub fn publish(&self, topic: &str, payload: &str, options: &[&str]) {
        let sent = publish(self.port, topic, payload, options);
        assert!(sent.is_ok(), "mosquitto_pub {topic}: {sent:?}; the broker said {}", self.said());
    }

    /// A publisher that stays connected: a message a line, in order, as fast as they are given.
    pub fn stream(&self, topic: &str) -> Stream {
        let program = super::tool("mosquitto_pub").expect("checked at the start");
        let mut child = Command::new(program)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", topic, "-q", "1", "-l"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub runs");
        Stream { input: child.stdin.take(), child }
    }

    /// Watches topics with mosquitto's own client.
    pub fn observe(&self, filter: &str) -> Observer {
        Observer::start(self.port, filter)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes an authority (`ca.pem`) and a certificate that it signed for 127.0.0.1 (`broker.pem`, `broker.key`), and another
/// authority (`other.pem`); a visible skip where openssl is not installed.
pub fn certify(folder: &std::path::Path, what: &str) -> Option<()> {
    let program = super::tool_or_skip("openssl", what)?;
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("written");
    for line in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=broker -keyout broker.key -out broker.csr",
        "x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out broker.pem",
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stranger -keyout other.key -out other.pem",
    ] {
        let mut command = Command::new(&program);
        command.args(line.split(' ')).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().expect("openssl runs").success(), "{line}");
    }
    Some(())
}

/// Writes a password file of mosquitto for one user: `$6$`, salt and SHA-512 of password and salt.
pub fn password_file(path: &std::path::Path, user: &str, password: &str) {
    let openssl = |arguments: &[&str], input: &[u8]| {
        let program = super::tool("openssl").expect("checked before");
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl runs");
        child.stdin.take().expect("piped").write_all(input).expect("it listens");
        child.wait_with_output().expect("it ends").stdout
    };
    let text = |bytes: &[u8]| String::from_utf8(openssl(&["base64", "-A"], bytes)).expect("base64");
    let salt = b"twelve bytes";
    let hash = openssl(&["dgst", "-sha512", "-binary"], &[password.as_bytes(), salt].concat());
    std::fs::write(path, format!("{user}:$6${}${}\n", text(salt), text(&hash))).expect("written");
}

/// A publisher that stays connected.
pub struct Stream {
    input: Option<std::process::ChildStdin>,
    child: Child,
}

impl Stream {
    /// Publishes one message.
    pub fn send(&mut self, payload: &str) {
        let input = self.input.as_mut().expect("open until it is dropped");
        writeln!(input, "{payload}").expect("mosquitto_pub listens");
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Its input ends, so it ends once everything is published.
        self.input = None;
        let _ = self.child.wait();
    }
}

/// The smallest client that can publish: MQTT 3.1.1, quality of service 0. For a test that publishes more than a process for
/// each message allows.
pub struct Publisher(TcpStream);

impl Publisher {
    /// Connects, without a will and without keep-alive.
    pub fn connect(port: u16) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the broker listens");
        stream.set_nodelay(true).expect("a socket has this option");
        let id = b"plant";
        let mut packet = vec![0x10, 12 + id.len() as u8];
        // Protocol name and level, clean session, no keep-alive.
        packet.extend([0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, id.len() as u8]);
        packet.extend(id);
        stream.write_all(&packet).expect("the broker reads");
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).expect("the broker answers");
        assert_eq!(answer, [0x20, 2, 0, 0], "the broker takes us");
        Self(stream)
    }

    /// Publishes a short message.
    pub fn publish(&mut self, topic: &str, payload: &str) {
        let length = 2 + topic.len() + payload.len();
        assert!(length < 128, "one byte of length is enough here");
        let mut packet = vec![0x30, length as u8, 0, topic.len() as u8];
        packet.extend(topic.as_bytes());
        packet.extend(payload.as_bytes());
        self.0.write_all(&packet).expect("the broker reads");
    }
}

/// Publishes with mosquitto's own client; what it said where it could not.
fn publish(port: u16, topic: &str, payload: &str, options: &[&str]) -> Result<(), String> {
    let program = super::tool("mosquitto_pub").expect("checked at the start");
    let output = Command::new(program)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", topic, "-m", payload])
        .args(options)
        .output()
        .expect("mosquitto_pub runs");
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()))
}

/// It starts the broker; what that says goes beside its configuration.
fn launch(program: &PathBuf, configuration: &PathBuf) -> Child {
    let log = std::fs::File::create(configuration.with_extension("log")).expect("it can be written");
    Command::new(program)
        .arg("-c")
        .arg(configuration)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("mosquitto runs")
}

/// A message as an independent client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When it was seen.
    pub at: Instant,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: String,
}

/// An independent client that keeps what it sees.
pub struct Observer {
    child: Child,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Observer {
    fn start(port: u16, filter: &str) -> Self {
        let program = super::tool("mosquitto_sub").expect("checked at the start");
        let mut child = Command::new(program)
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-t",
                filter,
                "-t",
                "ballast-test/ready",
                "-F",
                "%t %p",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let seen: Arc<Mutex<Vec<Message>>> = Arc::default();
        let keep = Arc::clone(&seen);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let (topic, payload) = line.split_once(' ').unwrap_or((&line, ""));
                let message = Message { at: Instant::now(), topic: topic.into(), payload: payload.into() };
                keep.lock().expect("no holder panics").push(message);
            }
        });
        let observer = Self { child, seen };
        // The subscription is in force once a message of our own comes back.
        wait_for("the observer to listen", Duration::from_secs(10), || {
            if let Err(said) = publish(port, "ballast-test/ready", "1", &[]) {
                eprintln!("mosquitto_pub: {said}");
            }
            std::thread::sleep(Duration::from_millis(30));
            observer
                .seen
                .lock()
                .expect("no holder panics")
                .iter()
                .any(|m| m.topic == "ballast-test/ready")
                .then_some(())
        });
        observer.clear();
        observer
    }

    /// Everything seen so far, but for the tests' own messages.
    pub fn seen(&self) -> Vec<Message> {
        let seen = self.seen.lock().expect("no holder panics");
        seen.iter().filter(|message| message.topic != "ballast-test/ready").cloned().collect()
    }

    /// Forgets what was seen.
    pub fn clear(&self) {
        self.seen.lock().expect("no holder panics").clear();
    }

    /// The last payload on a topic.
    pub fn last(&self, topic: &str) -> Option<String> {
        self.seen().into_iter().rev().find(|message| message.topic == topic).map(|message| message.payload)
    }

    /// Waits until the last payload on a topic is this one.
    pub fn wait_last(&self, topic: &str, payload: &str, patience: Duration) -> Message {
        wait_for(&format!("{payload} on {topic}; seen {:?}", self.seen()), patience, || {
            self.seen().into_iter().rev().find(|m| m.topic == topic).filter(|m| m.payload == payload)
        })
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
