//! A program that was taken over, in the place of the one with the rules. It has given up what `ballast run` gives up, and then
//! tries what an intruder would: the devices, the guard's process, its memory and its password, other machines, the link.
//!
//! The intruder is this test binary, started anew: once as another user, as the units of systemd have it, and once as the guard's
//! own user, where nothing but what the process itself gave up stands in its way.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod common;

use ballast::cli::confinement;
use ballast::control::guard_client;
use ballast_host::confine::{Role, confine};
use ballast_host::link::mirror::Reflection;
use ballast_host::link::packet::{PIECE_BYTES_MAX, Packet, Portrait};
use ballast_host::link::people::{Answer, Question};
use ballast_host::link::socket::Socket;
use ballast_host::link::{LINK, PEOPLE};
use ballast_model::frame::{Frame, LEASE_MS_MAX, Message};
use ballast_model::{Authority, Intent, OutputId, Wanted};
use common::bench::Bench;
use common::guard::{Guard, Places, ask, said};
use common::terminal::Meter;
use nix::sys::socket::{AddressFamily, SockFlag, SockType};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::OpenOptions;
use std::io::IoSliceMut;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
/// Says to the test binary that it is the intruder; the values are those of `Targets`.
const INTRUDER: &str = "BALLAST_TEST_INTRUDER";

/// What the intruder knows, which is everything.
#[derive(serde::Serialize, serde::Deserialize)]
struct Targets {
    site: PathBuf,
    state: PathBuf,
    sockets: PathBuf,
    guard: i32,
    broker: String,
    device: PathBuf,
    secret: PathBuf,
    memory: PathBuf,
    elsewhere: u16,
}

#[test]
fn what_a_program_that_was_taken_over_tries_is_refused() {
    let Some(bench) = Bench::new("a program that was taken over", "") else { return };
    let is_root = rustix::process::geteuid().is_root();
    let meter = Meter::new();
    let device = meter.path.clone();
    bench.site.edit(
        "site.yaml",
        "buses:\n",
        &format!("buses:\n  wire: {{ driver: tic, port: {} }}\n", device.display()),
    );
    bench.site.edit("site.yaml", "devices:\n", "devices:\n  linky: { file: linky, bus: wire }\n");
    let program = if is_root { "nobody" } else { "" };
    let section =
        if is_root { format!("guard: {{ program: {program} }}\n") } else { "guard: {}\n".to_owned() };
    bench.site.edit("safety.yaml", "limits:\n", &format!("{section}limits:\n"));
    let places = Places::new();
    let mut guard = Guard::run(&bench.site.0, &places, &["--set", &bench.url()]);
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = common::Scratch::new("intruder");
    let secret = own.0.join("password");
    std::fs::write(&secret, "of the guard\n").unwrap();
    let targets = Targets {
        site: bench.site.0.clone(),
        state: own.0.join("state"),
        sockets: places.sockets(),
        guard: guard.pid().as_raw_nonzero().get(),
        broker: bench.url(),
        device,
        secret,
        memory: places.state(),
        elsewhere: elsewhere.local_addr().unwrap().port(),
    };
    std::fs::create_dir(&targets.state).unwrap();
    let binary = own.0.join("intruder");
    std::fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    for folder in [&own.0, &targets.state, &bench.site.0] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    // As the units have it.
    if is_root {
        refused_all(&intrude(&binary, &targets, Some(program)), &guard);
    } else {
        eprintln!("skipped: an intruder of another user: the test is not run by root");
    }
    // As the guard's own user, who may connect where the file says so.
    if is_root {
        bench.site.edit("safety.yaml", "program: nobody", "program: root");
        guard.signal(rustix::process::Signal::HUP);
    }
    refused_all(&intrude(&binary, &targets, None), &guard);
    // Nothing was ever closed, and the guard still holds its outputs and answers people.
    let closed: Vec<_> = bench.relays.seen().into_iter().filter(|told| told.payload == "ON").collect();
    assert!(closed.is_empty(), "{closed:?}");
    assert!(elsewhere.set_nonblocking(true).is_ok() && elsewhere.accept().is_err(), "somebody came");
    let asked = Instant::now();
    let status = ask(&bench, &places, &["guard", "status"]);
    assert!(status.status.success() && asked.elapsed() < PATIENCE, "{}", said(&status));
    assert!(guard.stop().success(), "{:#?}", guard.lines());
}

/// Every attempt was made, and every one was refused.
fn refused_all(results: &BTreeMap<String, String>, guard: &Guard) {
    for name in ATTEMPTS {
        let result = results.get(*name).unwrap_or_else(|| panic!("{name} was not tried: {results:#?}"));
        println!("{name}: {result}");
        assert!(result.starts_with("refused"), "{name}: {result}\n{:#?}", guard.lines());
    }
}

/// What was tried, and what came of it.
fn intrude(binary: &Path, targets: &Targets, user: Option<&str>) -> BTreeMap<String, String> {
    let mut command = match user {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([&format!("--reuid={user}"), "--regid=nogroup", "--clear-groups"]).arg(binary);
            command
        }
        None => Command::new(binary),
    };
    let output = command
        .args(["--exact", "the_intruder", "--nocapture", "--test-threads=1"])
        .env(INTRUDER, serde_json::to_string(targets).unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        line.strip_prefix("TRIED ")
            .and_then(|rest| rest.split_once('\t'))
            .map(|(name, result)| (name.to_owned(), result.to_owned()))
    };
    let found: BTreeMap<_, _> = text.lines().filter_map(line).collect();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    found
}

/// Each of them must be refused.
const ATTEMPTS: &[&str] = &[
    "open the meter's line",
    "make a pseudo-terminal",
    "read the guard's password",
    "read the guard's memory",
    "change the safety file",
    "write beside its state",
    "kill the guard",
    "freeze the guard",
    "trace the guard",
    "write into the guard",
    "read the guard's process",
    "start a shell",
    "connect to another port",
    "listen on a port",
    "send packets of its own make",
    "mount a file system",
    "leave its namespaces",
    "speak as a person",
    "speak without a frame",
    "damage a frame",
    "claim a session of the future",
    "know other outputs",
    "replay an old session",
    "repeat a frame",
    "speak for the guard",
    "command an output that does not exist",
    "close what a limit keeps open",
    "flood the guard",
];

fn tried(name: &str, result: Result<impl Debug, impl std::fmt::Display>) {
    match result {
        Ok(value) => println!("TRIED {name}\tdone: {value:?}"),
        Err(error) => println!("TRIED {name}\trefused: {error}"),
    }
}

/// Not a test: the intruder, where the environment says so.
#[test]
fn the_intruder() {
    let Ok(targets) = std::env::var(INTRUDER) else { return };
    let targets: Targets = serde_json::from_str(&targets).unwrap();
    // The name of the test stands before it in its line.
    println!();
    let overrides = [targets.broker.clone()];
    let needs = confinement::needs(&targets.site, &targets.state, &overrides, "off");
    let confined = confine(Role::Program, &needs);
    assert!(confined.is_whole(), "{confined:?}");
    // What it must still be able to do.
    std::fs::write(targets.state.join("own"), "state").unwrap();
    std::fs::read(targets.site.join("site.yaml")).unwrap();
    files(&targets);
    processes(&targets);
    networks(&targets);
    tried("speak as a person", as_a_person(&targets));
    link(&targets);
}

fn files(targets: &Targets) {
    let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
    tried("open the meter's line", open(&targets.device));
    tried("make a pseudo-terminal", open(Path::new("/dev/ptmx")));
    tried("read the guard's password", std::fs::read(&targets.secret));
    tried("read the guard's memory", std::fs::read_dir(&targets.memory).map(|found| found.count()));
    tried("change the safety file", std::fs::write(targets.site.join("safety.yaml"), "outputs: {}\n"));
    tried("write beside its state", std::fs::write(targets.sockets.join("mine"), "x"));
}

fn processes(targets: &Targets) {
    let guard = Pid::from_raw(targets.guard);
    tried("freeze the guard", nix::sys::signal::kill(guard, nix::sys::signal::Signal::SIGSTOP));
    tried("kill the guard", nix::sys::signal::kill(guard, nix::sys::signal::Signal::SIGKILL));
    tried("trace the guard", nix::sys::ptrace::attach(guard));
    let mut read = [0u8; 8];
    let from = [nix::sys::uio::RemoteIoVec { base: 0x1000, len: 8 }];
    let written = nix::sys::uio::process_vm_writev(guard, &[std::io::IoSlice::new(&[1; 8])], &from);
    tried("write into the guard", refused_by_right(written));
    let seen = nix::sys::uio::process_vm_readv(guard, &mut [IoSliceMut::new(&mut read)], &from);
    tried("read the guard's process", refused_by_right(seen));
    tried("start a shell", Command::new("/bin/sh").args(["-c", "true"]).status());
    tried(
        "mount a file system",
        nix::mount::mount(None::<&str>, "/tmp", Some("tmpfs"), nix::mount::MsFlags::empty(), None::<&str>),
    );
    tried("leave its namespaces", nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER));
}

/// An address that holds nothing is refused as well; what counts here is the right to try.
fn refused_by_right(result: nix::Result<usize>) -> Result<String, nix::errno::Errno> {
    match result {
        Err(nix::errno::Errno::EPERM) => Err(nix::errno::Errno::EPERM),
        other => Ok(format!("it was allowed to try: {other:?}")),
    }
}

fn networks(targets: &Targets) {
    tried("connect to another port", TcpStream::connect(("127.0.0.1", targets.elsewhere)));
    tried("listen on a port", TcpListener::bind("127.0.0.1:0"));
    let raw = nix::sys::socket::socket(
        AddressFamily::Inet,
        SockType::Raw,
        SockFlag::empty(),
        nix::sys::socket::SockProtocol::Icmp,
    );
    tried("send packets of its own make", raw);
}

/// Root is always a person who may; that an intruder is not is the unit's business.
fn as_a_person(targets: &Targets) -> Result<String, String> {
    if rustix::process::geteuid().is_root() {
        return Err("not tried: root may always".to_owned());
    }
    match guard_client::ask(&targets.sockets, &Question::Now { output: None }) {
        Ok(Answer::Refused(refusal)) => Err(format!("{refusal:?}")),
        Ok(other) => Ok(format!("{other:?}")),
        Err(error) => Err(format!("{}: {error}", targets.sockets.join(PEOPLE).display())),
    }
}

// ---- the link ----

/// A connection to the guard, with what its portrait tells.
struct Connection {
    socket: Socket,
    reflection: Reflection,
    session: u64,
    counter: u64,
}

/// After a cut the guard takes nobody up for a while.
fn connect(targets: &Targets) -> Connection {
    let begin = Instant::now();
    loop {
        if let Some(connection) = try_connect(targets) {
            return connection;
        }
        assert!(begin.elapsed() < PATIENCE, "the guard takes nobody up any more");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn try_connect(targets: &Targets) -> Option<Connection> {
    let socket = Socket::connect(&targets.sockets.join(LINK)).ok()?;
    socket.receive_within(Some(Duration::from_secs(5))).ok()?;
    socket.send_within(Some(Duration::from_secs(5))).ok()?;
    let mut buffer = vec![0; PIECE_BYTES_MAX];
    let mut bytes = Vec::new();
    loop {
        let length = socket.receive(&mut buffer).ok().filter(|length| *length > 0)?;
        if let Ok(Packet::Part { is_last, bytes: part }) = Packet::read(&buffer[..length]) {
            bytes.extend_from_slice(&part);
            if is_last {
                break;
            }
        }
    }
    let reflection = Reflection::of(Portrait::read(&bytes).unwrap()).unwrap();
    let session = ballast_host::Clock::of_machine().now().nanos();
    Some(Connection { socket, reflection, session, counter: 0 })
}

impl Connection {
    fn frame(&mut self, message: Message) -> Frame {
        self.counter += 1;
        Frame { session: self.session, counter: self.counter, lease_ms: LEASE_MS_MAX, message }
    }

    fn send(&mut self, message: Message) {
        let bytes = self.frame(message).encode();
        let _ = self.socket.send(&bytes);
    }

    fn hello(&mut self) {
        let tables = self.reflection.guard.table_hash();
        self.send(Message::Hello { tables });
    }

    /// What the guard itself shows of what was sent: the session is closed, or refused, or the connection ended.
    fn is_refused(&mut self) -> Result<String, String> {
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(5) {
            match self.socket.receive(&mut buffer) {
                Ok(0) | Err(_) => return Err("the guard ended the connection".to_owned()),
                Ok(length) => {
                    let Ok(Packet::Step { now, inputs, .. }) = Packet::read(&buffer[..length]) else {
                        continue;
                    };
                    let guard = &mut self.reflection.guard;
                    let before = guard.counters().refused_frames;
                    let mut out = Vec::new();
                    guard.step(now, &inputs, &mut out);
                    if guard.counters().refused_frames > before {
                        return Err("the guard refused the frame".to_owned());
                    }
                }
            }
        }
        Ok("nothing happened".to_owned())
    }
}

fn closing(output: u32, authority: Authority) -> Message {
    Message::Intent(Intent {
        output: OutputId(output),
        wanted: Wanted::CLOSED,
        authority,
        request: 1,
        is_restoration: false,
    })
}

fn link(targets: &Targets) {
    let mut connection = connect(targets);
    let _ = connection.socket.send(b"let me in");
    tried("speak without a frame", connection.is_refused());

    let mut connection = connect(targets);
    connection.hello();
    let mut damaged = connection.frame(Message::Renew).encode();
    damaged[20] ^= 1;
    let _ = connection.socket.send(&damaged);
    tried("damage a frame", connection.is_refused());

    let mut connection = connect(targets);
    connection.session = u64::MAX;
    connection.hello();
    tried("claim a session of the future", connection.is_refused());

    let mut connection = connect(targets);
    connection.send(Message::Hello { tables: 1 });
    tried("know other outputs", connection.is_refused());

    let mut old = connect(targets);
    old.hello();
    let kept = old.frame(closing(0, Authority::Operator)).encode();
    let mut connection = connect(targets);
    connection.hello();
    let _ = connection.socket.send(&kept);
    tried("replay an old session", connection.is_refused());

    let mut connection = connect(targets);
    connection.hello();
    connection.send(Message::Renew);
    connection.counter -= 1;
    connection.send(Message::Renew);
    tried("repeat a frame", connection.is_refused());

    let mut connection = connect(targets);
    connection.hello();
    connection.send(closing(0, Authority::Guard));
    tried("speak for the guard", connection.is_refused());

    let mut connection = connect(targets);
    connection.hello();
    connection.send(closing(4_000_000, Authority::Operator));
    tried("command an output that does not exist", connection.is_refused());

    // The sensor of its limit was never heard of: the limit keeps `e` open whoever asks.
    let mut connection = connect(targets);
    connection.hello();
    let index =
        connection.reflection.set.catalog.outputs.iter().position(|output| &*output.name == "e").unwrap();
    connection.send(closing(u32::try_from(index).unwrap(), Authority::Operator));
    std::thread::sleep(Duration::from_millis(500));
    let seen = connect(targets).reflection;
    let told = seen.guard.output(OutputId(u32::try_from(index).unwrap())).unwrap().told;
    tried("close what a limit keeps open", if told == Wanted::OPEN { Err("it is open") } else { Ok(told) });

    let mut connection = connect(targets);
    connection.hello();
    let begin = Instant::now();
    let mut sent = 0u32;
    while begin.elapsed() < Duration::from_secs(5) {
        let bytes = connection.frame(Message::Renew).encode();
        if connection.socket.send(&bytes).is_err() {
            break;
        }
        sent += 1;
    }
    let is_cut = begin.elapsed() < Duration::from_secs(5);
    tried("flood the guard", if is_cut { Err(format!("cut off after {sent} frames")) } else { Ok(sent) });
}
