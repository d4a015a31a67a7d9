//! Every maximum of the language, with what happens there. The same in debug and release builds.

/// Bytes of one file; a longer one is refused before it is parsed.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Lines of one file, and characters of one line: the parser counts both in 16 bits. More is refused.
pub const LINES_MAX: usize = 20_000;
/// See [`LINES_MAX`].
pub const LINE_CHARS_MAX: usize = 8_000;
/// Files of one site; the site is refused with more.
pub const FILES_MAX: usize = 1_000;
/// Rules of one site after `each` was unrolled; the site is refused with more.
pub const RULES_MAX: usize = 20_000;
/// Schedules and campaigns of one site; the site is refused with more.
pub const SCHEDULES_MAX: usize = 2_000;
/// Mistakes and warnings that are reported; one more says that there are others, which are not looked for.
pub const DIAGNOSTICS_MAX: usize = 200;
/// Mistakes of form that are reported for one file; what comes after that is not looked at.
pub const RECOVERIES_MAX: usize = 100;
/// Bytes of one file that are parsed again with pieces left out, all attempts together; what comes after that is not
/// looked at.
pub const REPARSED_BYTES_MAX: usize = 20 * FILE_BYTES_MAX;
/// Characters of the name of a rule or campaign; a longer one is refused.
pub const NAME_CHARS_MAX: usize = 80;

/// Operations of one run of a body; the run fails there.
pub const OPERATIONS_MAX: u64 = 50_000;
/// How deep functions may call each other; the run fails there.
pub const CALL_LEVELS_MAX: usize = 8;
/// How deep an expression may be nested at the top level and in a function; refused at load. A level takes up to 24 KB
/// of stack in a release build, so that levels and depth together stay below 1 MB.
pub const EXPRESSION_DEPTH_MAX: usize = 48;
/// See [`EXPRESSION_DEPTH_MAX`].
pub const FUNCTION_DEPTH_MAX: usize = 24;
/// Bytes of one text in a body; longer is refused at load or fails the run.
pub const TEXT_BYTES_MAX: usize = 2_048;
/// Elements of one array in a body, those of arrays inside it included; the run fails there.
pub const ARRAY_MAX: usize = 256;
/// Variables of one body at a time; the run fails there.
pub const VARIABLES_MAX: usize = 64;
/// Functions of one file; refused at load.
pub const FUNCTIONS_MAX: usize = 100;
/// Values and requests that one body may name; refused at load.
pub const BODY_NAMES_MAX: usize = 512;
/// Placeholders and pieces of one text template; refused at load.
pub const TEMPLATE_PARTS_MAX: usize = 64;
/// Points in one record.
pub const RECORD_POINTS_MAX: usize = 64;
