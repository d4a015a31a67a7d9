//! Scripts that were written to do harm: none hangs, aborts or takes more than 16 MB.
//!
//! Each is either refused when it is loaded, or ends its run with a failure, or is harmless. What it may take is measured
//! with an allocator that counts. They run one after another on a thread with the stack that the limits were chosen for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bombs;
mod counting;
#[path = "../language/site.rs"]
mod site;

use ballast_engine::bodies::{Asked, Bodies, BodyContext, BodyOutcome};
use ballast_model::diagnostic::FileId;
use ballast_model::expr::Trackers;
use ballast_model::{Mono, Snapshot};
use ballast_rules::{Source, compile};

/// What one script may take at most, beyond what it took before it was loaded.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// The stack of the engine's thread in these tests; threads have this much when nobody says otherwise.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// How a script ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// When it is loaded.
    Refused,
    /// Its run fails.
    Fails,
    /// One of the two, by how deep it goes.
    FailsOrRefused,
    /// It does nothing bad.
    Harmless,
}

fn end_of(text: &str) -> End {
    let catalog = site::site();
    let mut compiled = compile(&[Source { file: FileId(0), name: "hostile.rhai", text }], &catalog);
    if compiled.has_mistakes() {
        return End::Refused;
    }
    let snapshot = Snapshot::new(&catalog);
    let trackers = Trackers::default();
    let context = BodyContext {
        catalog: &catalog,
        snapshot: &snapshot,
        trackers: &trackers,
        now: Mono::ZERO,
        rule: Some(0),
        active_since: Some(Mono::ZERO),
    };
    let mut end = End::Harmless;
    for rule in &compiled.rules {
        let mut asked = Asked::default();
        match compiled.bodies.run(rule.body, &context, &mut asked) {
            BodyOutcome::Failed { message, .. } => {
                assert!(!message.is_empty());
                end = End::Fails;
            }
            BodyOutcome::Done | BodyOutcome::Unknown(_) => {}
        }
    }
    end
}

fn check(name: &str, text: &str, expected: End) -> Result<(), String> {
    let before = counting::start();
    let end = end_of(text);
    let taken = counting::peak().saturating_sub(before);
    if taken > BYTES_MAX {
        return Err(format!("{name} takes {taken} bytes"));
    }
    let is_expected =
        end == expected || expected == End::FailsOrRefused && matches!(end, End::Fails | End::Refused);
    if is_expected { Ok(()) } else { Err(format!("{name} is {end:?}, not {expected:?}")) }
}

#[test]
fn fault_24_no_script_does_harm() {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let mut wrong = Vec::new();
        for (name, text, expected) in bombs::all() {
            if let Err(message) = check(&name, &text, expected) {
                wrong.push(message);
            }
        }
        wrong
    });
    let wrong = thread.unwrap().join().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn there_are_as_many_as_were_tried() {
    let count = bombs::all().len();
    assert!(count >= 81, "{count}");
}
