//! The running program: one decision thread, buses and servers on a runtime beside it, records on a third.
//!
//! | module | holds |
//! |---|---|
//! | [`decision`] | the thread: news in, engine and guard in turn, permits out |
//! | [`opening`], [`choice`], [`carrier`] | the start, with which set, and what goes on over a reload |
//! | [`reload`], [`beneath`] | a new set: built beside, taken over between two steps, and what lies below it while it waits |
//! | [`changes`] | what of the rules and events is new, gone or changed |
//! | [`trial`] | a new set is watched, and returned from where it does harm |
//! | [`link`], [`guard_process`] | engine to guard through frames; the guard as a process of its own, mirrored here |
//! | [`inputs`] | how much of what waits one step takes |
//! | [`field`], [`buses`] | where permits go |
//! | `farewell` | the end: outputs go safe before the program does |
//! | [`telling`], [`too_fast`], [`misheard`], [`around`], [`recorder`] | what happened, in the machines and around them, written down |
//! | [`saving`], [`state`], [`remembered`] | what survives, what can be run again, and what of it can be believed |
//! | [`heartbeat`] | until when the last run was seen |
//! | [`questions`], [`shadowing`] | answers to a person; the rules that run beside, disconnected |

mod arming;
pub mod around;
pub mod beneath;
pub mod buses;
pub mod carrier;
pub mod changes;
pub mod choice;
pub mod decision;
mod farewell;
pub mod field;
pub mod guard_process;
pub mod heartbeat;
pub mod inputs;
pub mod link;
pub mod message;
pub mod misheard;
pub mod opening;
pub mod questions;
pub mod recorder;
pub mod reload;
pub mod remembered;
pub mod saving;
pub mod screen;
pub mod shadowing;
pub mod state;
pub mod telling;
pub mod timed;
pub mod told;
pub mod too_fast;
pub mod trial;

use carrier::Carrier;
use std::time::Duration;

/// How long the last writes may take.
const CLOSING: Duration = Duration::from_secs(5);

/// Ends the program's decisions: closes what the last decision thread left.
pub fn finish(carrier: Option<Carrier>) {
    let Some(carrier) = carrier else { return };
    drop(carrier.field);
    carrier.recorder.close(CLOSING);
    if let Some(ended) = carrier.ended {
        // Nobody waits: the program ends anyway.
        let _ = ended.send(());
    }
}
