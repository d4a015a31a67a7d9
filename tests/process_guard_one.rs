//! One process holds the outputs of a site, and it is found: a second guard, a program with a guard of its own, `--make-safe`
//! beside who lives, files that name the guard no more, and what a program says that the guard does not expect.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

mod common;

use ballast_host::link::LINK;
use ballast_host::link::mirror::Reflection;
use ballast_host::link::packet::{PIECE_BYTES_MAX, Packet, Portrait};
use ballast_host::link::socket::Socket;
use ballast_model::frame::{Frame, LEASE_MS_MAX, Message};
use ballast_model::{Authority, Intent, OutputId, Wanted};
use common::guard::{Apart, Guard, Places, ballast_guard, said};
use common::{Scratch, wait_for};
use std::process::Output;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
/// The lease of output `a`, and what threads, the broker and the observer take beside it.
const LEASE: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_millis(500);

#[test]
fn a_second_guard_of_a_site_does_not_start_wherever_its_sockets_are() {
    let Some(site) = Apart::new("a second guard") else { return };
    let guard = site.guard();
    let program = site.program();
    site.close();
    site.bench.relays.clear();
    let url = site.bench.url();
    let elsewhere = Places::new();
    let mut second = Guard::spawn(&site.bench.site.0, &elsewhere, &["--set", &url]);
    assert_eq!(second.wait(PATIENCE).code(), Some(1));
    let folder = site.bench.site.0.display().to_string();
    let text = second.lines().join("\n");
    assert!(text.contains("another process holds the outputs") && text.contains(&folder), "{text}");
    // A copy of the site over the same memory.
    let copy = Scratch::new("copy");
    for name in ["site.yaml", "safety.yaml"] {
        std::fs::copy(site.bench.site.0.join(name), copy.0.join(name)).unwrap();
    }
    let command = &mut ballast_guard();
    let command = command.arg(&copy.0).args(["--set", &url]).arg("--sockets").arg(elsewhere.sockets());
    let over = command.arg("--state").arg(site.places.state()).output().unwrap();
    assert_eq!(over.status.code(), Some(1));
    assert!(said(&over).contains("another guard keeps its memory in"), "{}", said(&over));
    // Nothing was moved by either, and the first one was not thrown off the broker.
    std::thread::sleep(SLACK);
    assert!(site.bench.relays.seen().is_empty(), "{:?}", site.bench.relays.seen());
    assert!(!guard.lines().iter().any(|line| line.contains("is unreachable")), "{:#?}", guard.lines());
    drop((program, guard));
}

#[test]
fn a_guard_does_not_start_beside_a_program_that_holds_the_outputs_itself() {
    let Some(site) = Apart::new("a guard beside a program") else { return };
    site.bench.site.edit("safety.yaml", "guard: {}\n", "");
    let mut program = site.bench.run();
    // No second program, whatever state it has.
    let state = Scratch::new("state");
    let second = run(&site, &["--state", state.0.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1), "{}", said(&second));
    assert!(said(&second).contains("another process holds the outputs"), "{}", said(&second));
    site.bench.site.edit("safety.yaml", "limits:\n", "guard: {}\nlimits:\n");
    let url = site.bench.url();
    let mut guard = Guard::spawn(&site.bench.site.0, &site.places, &["--set", &url]);
    assert_eq!(guard.wait(PATIENCE).code(), Some(1));
    guard.wait_line("another process holds the outputs", PATIENCE);
    assert!(program.stop().success());
    let _guard = site.guard();
}

/// `ballast run` that is expected to end at once; one that does not is ended.
fn run(site: &Apart, arguments: &[&str]) -> Output {
    let url = site.bench.url();
    let program = env!("CARGO_BIN_EXE_ballast");
    let mut command = std::process::Command::new("timeout");
    command.args(["20", program, "run"]).arg(&site.bench.site.0).env("LANG", "C");
    command.args(["--metrics", "off", "--set", &url]).args(arguments).output().unwrap()
}

#[test]
fn making_safe_beside_a_guard_that_lives_says_that_it_may_not_last() {
    let Some(site) = Apart::new("--make-safe beside a guard") else { return };
    let mut guard = site.guard();
    let url = site.bench.url();
    let made = || {
        let mut made = Guard::spawn(&site.bench.site.0, &site.places, &["--set", &url, "--make-safe"]);
        let code = made.wait(PATIENCE).code();
        (code, made.lines().join("\n"))
    };
    // A frozen one holds them as well; its outputs are made safe all the same.
    for signal in [None, Some(rustix::process::Signal::STOP)] {
        if let Some(signal) = signal {
            guard.signal(signal);
        }
        let (code, text) = made();
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("6 outputs are safe") && text.contains("ballast guard now"), "{text}");
    }
    guard.kill();
    let (code, text) = made();
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("ballast guard now"), "{text}");
}

#[test]
fn a_guard_with_sockets_of_its_own_is_found_when_the_files_name_it_no_more() {
    let Some(site) = Apart::new("a guard that is named no more") else { return };
    let sockets = site.places.sockets();
    let section = format!("guard: {{ sockets: {} }}\n", sockets.display());
    site.bench.site.edit("safety.yaml", "guard: {}\n", &section);
    let mut guard = site.guard();
    let mut program = site.bench.run_with(&[]);
    program.wait_line("the guard holds the outputs", PATIENCE);
    site.wait_ready();
    site.close();
    assert!(program.stop().success());
    site.bench.site.edit("safety.yaml", &section, "");
    let mut program = site.bench.run_with(&[]);
    program.wait_line("the guard holds the outputs", PATIENCE);
    site.bench.relays.clear();
    // A person finds it by the same way.
    let now = program.ask(&["guard", "now"]);
    assert!(now.status.success(), "{}", said(&now));
    site.ask(&["guard", "reset", "all"]);
    assert!(program.stop().success());
    // Where nobody remembers it: no outputs for this program.
    let remembered = site.bench.site.0.join(".ballast/guard.sockets");
    assert_eq!(std::fs::read_to_string(&remembered).unwrap(), sockets.to_str().unwrap());
    std::fs::remove_file(&remembered).unwrap();
    let refused = run(&site, &[]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let text = said(&refused);
    assert!(text.contains("another process holds the outputs") && text.contains("--guard"), "{text}");
    let french = run(&site, &["--language", "fr"]);
    assert!(said(&french).contains("un autre processus tient les sorties"), "{}", said(&french));
    // The guard of another site that listens where this one's did is none of ours.
    assert!(guard.stop().success());
    std::fs::write(&remembered, sockets.to_str().unwrap()).unwrap();
    let _other = Socket::connect(&sockets.join(LINK)).unwrap_err();
    let listener = ballast_host::link::socket::Listener::bind(&sockets.join("people.sock"), 0o600).unwrap();
    let program = site.bench.run();
    assert!(program.tell(&["why", "a"]).contains("soft"), "it holds the outputs itself");
    assert!(program.get("/metrics").contains("ballast_guard_up{in=\"program\"} 1"));
    drop(listener);
}

#[test]
fn a_name_to_reset_that_nobody_has_is_said_to_be_one() {
    let Some(site) = Apart::new("a reset of nothing") else { return };
    let _guard = site.guard();
    let reset = || {
        let answer = common::guard::ask(&site.bench, &site.places, &["guard", "reset", "nope"]);
        assert_eq!(answer.status.code(), Some(1), "{}", said(&answer));
        said(&answer)
    };
    let alone = reset();
    assert!(alone.contains("there is no `nope`") && alone.contains("smoke"), "{alone}");
    let _program = site.program();
    let with_program = reset();
    assert!(with_program.contains("`nope`") && with_program.contains("smoke"), "{with_program}");
    assert!(!with_program.contains("--sockets"), "{with_program}");
}

// ---- what is not expected ----

/// A program that the test plays.
struct Player {
    socket: Socket,
    tables: u64,
    session: u64,
    counter: u64,
}

impl Player {
    fn connect(site: &Apart) -> Self {
        wait_for("the guard to take it up", PATIENCE, || Self::try_connect(site))
    }

    fn try_connect(site: &Apart) -> Option<Self> {
        let socket = Socket::connect(&site.places.sockets().join(LINK)).ok()?;
        socket.receive_within(Some(Duration::from_secs(5))).ok()?;
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        let mut bytes = Vec::new();
        loop {
            let length = socket.receive(&mut buffer).ok().filter(|length| *length > 0)?;
            let Ok(Packet::Part { is_last, bytes: part }) = Packet::read(&buffer[..length]) else { continue };
            bytes.extend_from_slice(&part);
            if is_last {
                break;
            }
        }
        let tables = Reflection::of(Portrait::read(&bytes).unwrap()).unwrap().guard.table_hash();
        let session = ballast_host::Clock::of_machine().now().nanos();
        Some(Self { socket, tables, session, counter: 0 })
    }

    fn say(&mut self, session: u64, message: Message) {
        self.counter += 1;
        let frame = Frame { session, counter: self.counter, lease_ms: LEASE_MS_MAX, message };
        self.socket.send(&frame.encode()).unwrap();
    }

    fn hello(&mut self) {
        self.counter = 0;
        self.say(self.session, Message::Hello { tables: self.tables });
    }

    fn close(&mut self) {
        let intent = Intent {
            output: OutputId(0),
            wanted: Wanted::CLOSED,
            authority: Authority::Operator,
            request: 1,
            is_restoration: false,
        };
        self.say(self.session, Message::Intent(intent));
    }

    /// Whether the guard ends the connection before long.
    fn is_cut(&self) -> bool {
        let mut buffer = vec![0; PIECE_BYTES_MAX];
        self.socket.receive_within(Some(Duration::from_millis(200))).unwrap();
        let begun = Instant::now();
        while begun.elapsed() < LEASE / 2 {
            if matches!(self.socket.receive(&mut buffer), Ok(0)) {
                return true;
            }
        }
        false
    }
}

#[test]
fn whatever_is_not_expected_of_a_session_ends_it_with_its_connection_and_the_lease_runs_out() {
    let Some(site) = Apart::new("what is not expected") else { return };
    let guard = site.guard();
    type Said = fn(&mut Player);
    let unexpected: [(&str, Said); 6] = [
        ("a frame of another session", |player| player.say(player.session - 1, Message::Renew)),
        ("a hello of an old one", |player| {
            player.say(player.session - 1, Message::Hello { tables: player.tables });
        }),
        ("its own hello again", |player| {
            player.say(player.session, Message::Hello { tables: player.tables });
        }),
        ("a hello from the future", |player| player.say(u64::MAX, Message::Hello { tables: player.tables })),
        ("other tables", |player| player.say(player.session + 1, Message::Hello { tables: 1 })),
        ("a frame twice", |player| {
            player.counter -= 1;
            player.say(player.session, Message::Renew);
        }),
    ];
    for (what, say) in unexpected {
        site.bench.relays.clear();
        let mut player = Player::connect(&site);
        player.hello();
        player.close();
        site.bench.wait("a", "ON");
        let begun = Instant::now();
        say(&mut player);
        assert!(player.is_cut(), "{what}: {:#?}", guard.lines());
        let took = site.bench.wait("a", "OFF").at.duration_since(begun);
        println!("{what}: safe after {took:?}");
        assert!(took <= LEASE + SLACK, "{what}: {took:?}");
    }
    guard.wait_line("the program said what is not expected of it", PATIENCE);
}

/// The word of a session that silence has ended may still be under way: it does nothing, and the next hello is heard.
#[test]
fn a_late_word_of_a_session_that_has_ended_does_nothing_and_the_connection_stays() {
    let Some(site) = Apart::new("a late word") else { return };
    let _guard = site.guard();
    let mut player = Player::connect(&site);
    player.hello();
    player.close();
    site.bench.wait("a", "ON");
    site.bench.wait("a", "OFF");
    site.bench.relays.clear();
    player.close();
    assert!(!player.is_cut());
    assert!(site.bench.told("a").is_empty(), "{:?}", site.bench.told("a"));
    player.session = ballast_host::Clock::of_machine().now().nanos();
    player.hello();
    player.close();
    site.bench.wait("a", "ON");
}
