//! Asks Linux whether something keeps its wall clock right: chrony, ntpd, systemd-timesyncd, a GPS receiver behind one of
//! them.
//!
//! Each of them tells the kernel when it has set the clock, and the kernel forgets it when none has done so for about nine
//! hours or when somebody else sets the clock. That is one answer for all of them, and the same in a container, which has
//! the clock of its host and none of its host's files.
//!
//! This package holds the one call that needs `unsafe` (docs/decisions/0011), and must hold nothing else. It asks and never
//! sets: that needs no right.

use std::io;
use std::mem::MaybeUninit;

/// What the kernel says of its wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discipline {
    /// Whether something has set it lately and stands for it.
    pub is_kept: bool,
    /// How wrong it may be at most, microseconds; it grows by 500 each second while nobody corrects the clock.
    pub error_max_us: u64,
}

/// Who keeps the clock right calls it wrong by less than this, microseconds. The kernel gives up at the same limit.
const ERROR_MAX_US: u64 = 16_000_000;

/// Asks the kernel.
///
/// # Errors
/// Where the kernel, or the sandbox around the program, does not answer.
pub fn discipline() -> io::Result<Discipline> {
    let mut timex = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: a structure of zeros is a valid one whose `modes` asks for no change; the kernel only writes into it, and the
    // pointer is valid for the whole call.
    let answer = unsafe { ask(timex.as_mut_ptr()) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeros were a valid structure, and the kernel has written only integers.
    let timex = unsafe { timex.assume_init() };
    Ok(read(timex.status, timex.maxerror))
}

/// The call itself and not the C library's function of this name: that one goes through `clock_adjtime`, which the usual
/// sandbox of containers refuses.
#[cfg(target_pointer_width = "64")]
unsafe fn ask(timex: *mut libc::timex) -> libc::c_long {
    // SAFETY: the caller gives a valid structure; on 64 bits the kernel's and the C library's are the same.
    unsafe { libc::syscall(libc::SYS_adjtimex, timex) }
}

/// On 32 bits only the C library knows which of the two structures the kernel wants.
#[cfg(not(target_pointer_width = "64"))]
unsafe fn ask(timex: *mut libc::timex) -> libc::c_int {
    // SAFETY: the caller gives a valid structure.
    unsafe { libc::adjtimex(timex) }
}

fn read(status: libc::c_int, error_max_us: libc::c_long) -> Discipline {
    let error_max_us = u64::try_from(error_max_us).unwrap_or(u64::MAX);
    let is_doubted = status & (libc::STA_UNSYNC | libc::STA_CLOCKERR) != 0;
    Discipline { is_kept: !is_doubted && error_max_us < ERROR_MAX_US, error_max_us }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_counts_as_kept_while_the_kernel_does_not_doubt_it() {
        assert!(read(libc::STA_PLL, 1_500).is_kept);
        assert!(read(0, 0).is_kept);
        assert!(!read(libc::STA_UNSYNC, 1_500).is_kept);
        assert!(!read(libc::STA_PLL | libc::STA_CLOCKERR, 1_500).is_kept);
        assert!(!read(0, 16_000_000).is_kept);
        assert!(!read(0, -1).is_kept);
        assert_eq!(read(0, 7).error_max_us, 7);
    }

    #[test]
    fn the_kernel_answers_or_says_why_not() {
        match discipline() {
            // The kernel counts the error up to this limit while nobody corrects the clock.
            Ok(answer) => assert!(answer.error_max_us <= ERROR_MAX_US || !answer.is_kept, "{answer:?}"),
            Err(error) => println!("skipped: the kernel's word for its clock: {error}"),
        }
    }
}
