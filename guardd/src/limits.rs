//! Every number that no file sets, with its reason and what happens there.

use std::time::Duration;

/// Messages that wait for the thread that decides. Above it a bus keeps what it has and tries again in a moment; the program
/// waits, since no more than [`FRAMES_UNDER_WAY`] of these are its.
pub const INBOX: usize = 2048;
/// Frames of the program that wait for the thread that decides: few beside [`INBOX`], so that a flood of them leaves
/// room for readings.
pub const FRAMES_UNDER_WAY: usize = 256;
/// Frames a second that a program may send for long, and at once; who sends more is cut off. A site with 10,000 outputs
/// says hello in 10,000 frames; each output then changes a few times a second at most.
pub const FRAMES_PER_SECOND: u32 = 20_000;
/// See [`FRAMES_PER_SECOND`].
pub const FRAMES_AT_ONCE: u32 = 60_000;
/// After a program was cut off, since it sent too much or what is no frame, none is taken up before this.
pub const AFTER_CUT: Duration = Duration::from_secs(1);
/// Programs that connect again and again are taken up at this pace.
pub const BETWEEN_CONNECTIONS: Duration = Duration::from_millis(50);
/// Who is not the program is told of this often, however often he comes.
pub const STRANGERS_TOLD: Duration = Duration::from_secs(10);

/// Inputs of one step: with more, what was said of them would not fit into one piece.
pub const INPUTS_PER_STEP: usize = 500;
/// Longest record on the tape but for a whole state, bytes.
pub const RECORD_BYTES: usize = 64 * 1024;
/// The tape, bytes: several seconds of a busy site while the witness is held up. Where it is full, the witness is told
/// the state anew once it has caught up.
pub const TAPE_BYTES: usize = 4 << 20;
/// Room for a state that is written without allocating, as a multiple of what it takes at the start, and the least.
pub const STATE_ROOM: usize = 2;
/// See [`STATE_ROOM`].
pub const STATE_BYTES_LEAST: usize = 256 * 1024;

/// What waits to be sent to the program, bytes. A program that reads so slowly is cut off and begins anew.
pub const OUTBOX_BYTES: usize = 8 << 20;
/// How long one piece may take to be sent.
pub const SEND_PATIENCE: Duration = Duration::from_secs(5);

/// Persons who talk at the same time; a further one waits.
pub const TALKS: usize = 8;
/// Of these, by one user who is not root: nobody can keep all others from saying "now".
pub const TALKS_OF_ONE: usize = 2;
/// How long a person may take to say what he wants.
pub const TALK_PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may take: reading the files of a large site takes some hundred milliseconds.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// Questions that wait for the witness.
pub const QUESTIONS: usize = 32;

/// The files are read again at this pace, however often somebody wishes it.
pub const REREAD_PACE: Duration = Duration::from_secs(1);

/// Writes that wait for the disk. Above it a newer state takes the place of an older one; an audited command is refused.
pub const DISK_JOBS: usize = 64;
/// Shortest time between two writes of the state while something changes all the time.
pub const STATE_PACE: Duration = Duration::from_secs(1);
/// However little changes, the state is written this often: counters, minutes, the moments of readings.
pub const STATE_PACE_MOST: Duration = Duration::from_secs(60);

/// The thread that decides wakes up at least this often, so that its pulse can be felt.
pub const PULSE: Duration = Duration::from_millis(500);
/// The wall clock is compared this often, and may drift this far before the guard is told.
pub const WALL_PERIOD: Duration = Duration::from_secs(1);
/// See [`WALL_PERIOD`].
pub const WALL_DRIFT_MS: u64 = 500;
/// The height of the sun is told this often: it moves a quarter of a degree in a minute.
pub const SUN_PERIOD: Duration = Duration::from_secs(60);

/// How long outputs may take to confirm that they are safe before the process ends all the same.
pub const FAREWELL: Duration = Duration::from_secs(2);
/// The same for `--make-safe`, which may have to connect first.
pub const MAKE_SAFE: Duration = Duration::from_secs(8);
/// Sets that may be in force beside the confirmed one, each by what it tightens. A further one is refused until a person
/// confirms or the files go back.
pub const SETS: usize = 16;
