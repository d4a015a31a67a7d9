//! How much text a site may be made of. Each limit says what happens when it is reached.

/// Largest file in bytes (1 MiB). A larger one is refused by its length, before it is read.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is said of a longer file.
pub(crate) fn too_long(length: u64, most: u64) -> String {
    let shown = if most >= 1 << 20 { format!("{} MiB", most >> 20) } else { format!("{} KiB", most >> 10) };
    format!("this file has {length} bytes; at most {most} are read ({shown})")
}

/// Most files of one site. The next one is refused.
pub const FILES_MAX: usize = 4096;

/// Deepest nesting of maps and lists in one YAML file. What lies deeper is refused with its place.
pub const DEPTH_MAX: usize = 32;

/// Most scalars, maps and lists in one YAML file. A site of 10,000 outputs needs about 200,000. Reading stops there.
pub const NODES_MAX: usize = 400_000;

/// Most mistakes in the syntax of one file after which reading starts again at the next top-level key.
pub const SYNTAX_MISTAKES_MAX: usize = 20;

/// Most mistakes and warnings that are kept; the others are counted only. A person mends the first ones first.
pub const DIAGNOSTICS_MAX: usize = 500;

/// Most mistakes for which a similar name is looked for among all names of the site. The further ones come without:
/// looking costs the number of names each time, and a site with twenty unknown names has one cause.
pub const SUGGESTIONS_MAX: usize = 20;

/// Longest word for which a similar one is looked for, in bytes. Longer ones are no slips of the finger.
pub const SUGGESTION_BYTES_MAX: usize = 80;

/// Longest text that a message quotes, in characters; the rest is cut and marked by an ellipsis.
pub const QUOTE_CHARS_MAX: usize = 60;

/// Deepest nesting of brackets and calls in one condition. A deeper one is refused.
pub const CONDITION_DEPTH_MAX: usize = 32;

/// Longest condition in bytes. A longer one is refused.
pub const CONDITION_BYTES_MAX: usize = 4096;

/// Most operands and operators of one condition. A chain of them is a tree as deep, and those who walk over it recurse.
pub const CONDITION_PIECES_MAX: usize = 256;

/// Longest label or other free text of a site, in bytes. A longer one is refused.
pub const TEXT_BYTES_MAX: usize = 1024;

/// Longest name of one thing, in bytes. A longer one is refused.
pub const NAME_BYTES_MAX: usize = 48;

/// Longest range of days in a calendar. A longer one is more likely a slip in a year.
pub const CALENDAR_RANGE_DAYS_MAX: i32 = 3660;

/// Most receivers of a site. Further ones are refused.
pub const RECEIVERS_MAX: usize = 8;

/// Most points and outputs that one receiver is told. A list of more is refused: whoever reads that many wants the metrics.
pub const SHARED_MAX: usize = 2000;

/// Longest purpose of a receiver, in characters: it stands in one line with what is told. A longer one is refused.
pub const PURPOSE_CHARS_MAX: usize = 120;
