//! The program's allocator, and giving back to the system what a thread no longer needs.
//!
//! Reading a site and compiling its rules takes several times the memory that the running site keeps. The allocator would
//! hold on to it for the next allocation, which on a small computer that then runs for months never comes.
//!
//! This package holds the one call that needs `unsafe` (docs/decisions/0011), and must hold nothing else.

/// The allocator; the program names it as its global one.
pub use mimalloc::MiMalloc as Allocator;

/// From now on, memory that is freed as a whole page goes back to the system at once. The allocator would wait for ten
/// milliseconds, and then for the next allocation near it, which for what a start took never comes. For the first line of
/// what runs for long.
pub fn keep_little() {
    // SAFETY: sets one number that the allocator reads when it frees; takes no pointer.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) }
}

/// `mi_option_purge_delay`, which the package that binds the allocator does not name; milliseconds.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Gives back to the system what this thread has freed. Takes about a millisecond: for the end of large work, not for a
/// step. Harmless where another allocator is the global one.
pub fn give_back() {
    // SAFETY: the call takes no pointer and may come at any time from any thread; it touches the allocator's own lists.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: Allocator = Allocator;

    /// Resident memory of this process, bytes.
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.map_or(0, |kilobytes| kilobytes * 1024)
    }

    #[test]
    fn what_was_freed_goes_back_to_the_system() {
        let many: Vec<Box<[u8; 1000]>> = (0..20_000).map(|_| Box::new([1; 1000])).collect();
        drop(many);
        let before = resident();
        give_back();
        let after = resident();
        assert!(after + 15_000_000 < before, "{before} bytes before, {after} after");
    }
}
