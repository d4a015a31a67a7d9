//! The rule language: Rhai with a few statements of its own, taken out of the tree at load and never executed there.
//!
//! | part | what becomes of it |
//! |---|---|
//! | conditions | the model's typed, three-valued [`Program`](ballast_model::expr::Program) |
//! | bodies | lists of requests, or scripts under the limits of the sandbox; see [`RhaiBodies`] |
//! | `every`, `at` | [`Timing`](ballast_engine::plan::Timing) in the site's zone |
//! | campaigns | checked and listed |
//!
//! The way in is [`compile()`]: texts and the nouns of the site go in; rules, events, bodies and *all* mistakes come out.
//! When [`Compiled::has_mistakes`] says so, nothing of the result may be run. The result is not `Send`: compile on the
//! thread on which the engine will run.
//!
//! ```text
//! compile(&[Source { file, name, text }], &Arc<Catalog>) -> Compiled
//! Compiled { rules, schedules, campaigns, bodies: RhaiBodies, diagnostics, notes }
//! ```
//!
//! Where the language says nothing, this is what holds:
//!
//! | written | meaning |
//! |---|---|
//! | `mode("protect")`, `set(setting.night_cap, "300 W")`, `record("name")` | in `every` and `at` only |
//! | `"Battery at {battery.soc}"` | a literal text is a template: value and unit of a point, or `unknown`; `{{` is a brace |
//! | points that only a template names | do not make the body run again |
//! | `` `half is ${battery.soc / 2}` `` | a computed text: plain numbers, read like any others |
//! | `fn` | knows only its arguments: it reads no point and asks for nothing |
//! | `battery.soc < "25 %"` in a body | typed like a condition; a variable is compared with a plain number |
//! | `or_else(x, y)`, `known(x)` in a body | the only readings that unknown does not end |
//! | functions over time in `every` and `at` | followed from the start of the program on |
//! | timed requests of `every` and `at` | have priority 50 and yield to rules of that priority; of two events the later one wins |
//! | `"Sunday 10:00"`, `"every day 22:00"`, `"sunset"`, `"0 22 * * *"` | the times of `at` |
//!
//! An unknown time of day is told as the point [`CLOCK`]. The engine's thread needs the usual 2 MB of stack: the limits of
//! [`limits`] are chosen for that.
//!
//! Nothing here reads a clock, a file or a socket, and no text can make it panic, hang or take unbounded memory.
#![forbid(unsafe_code)]

mod body;
mod campaign;
mod checks;
mod clauses;
pub mod codes;
mod compile;
mod compiled;
mod condition;
mod conflicts;
mod failures;
mod file;
mod kept;
pub mod limits;
mod literal;
mod live;
mod mend;
mod names;
mod parse;
mod pieces;
mod report;
mod run;
mod sandbox;
mod scan;
mod schedule;
mod slips;
mod syntax;
mod template;
mod watch;

/// Whether a file holds nothing but blanks and comments.
pub fn says_nothing(text: &str) -> bool {
    scan::Scanned::new(text).tokens.is_empty()
}

pub use campaign::CampaignOutline;
pub use compile::{compile, compile_after};
pub use compiled::{Compiled, Note, Source};
pub use failures::failure_in_french;
pub use kept::{Before, Kept};
pub use run::{CLOCK, RhaiBodies};
pub use sandbox::{FUNCTIONS, REQUESTS};
pub use syntax::RESERVED;
pub use watch::{Branch, Step};
