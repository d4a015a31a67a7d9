//! What has gone well and badly on one bus, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of one bus; written by its task, read by anyone.
        #[derive(Debug, Default)]
        pub struct BusCounters {
            $($(#[$doc])* pub(crate) $name: Counter,)*
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CounterSnapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl BusCounters {
            /// The counters now. They are read one after the other, so that sums may be off by what happens meanwhile.
            pub fn snapshot(&self) -> CounterSnapshot {
                CounterSnapshot { $($name: self.$name.get(),)* }
            }
        }

        impl CounterSnapshot {
            /// Names and values, for the metrics.
            pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Messages, or groups of a meter, that came in.
    messages,
    /// Values or groups that were understood.
    good,
    /// Payloads that were no values, groups that were damaged.
    bad,
    /// Messages on topics that nobody reads.
    unknown,
    /// Messages that were too large and were skipped.
    oversize,
    /// Bytes that came in.
    bytes,
    /// Requests that were not answered in time.
    timeouts,
    /// Answers that belonged to no request, or were damaged.
    strange,
    /// Connections made, or ports opened.
    connects,
    /// Connections lost, or that could not be made.
    link_errors,
    /// Subscriptions that the broker refused.
    subscriptions_refused,
    /// Times a line was tried at its other speed, because nothing was understood.
    speed_trials,
    /// Times a batch waited because the shell's queue was full.
    full_waits,
    /// Commands written.
    written,
    /// Permits that were too old at the moment of the write.
    permits_expired,
    /// Permits that came while the bus was gone.
    permits_offline,
    /// Permits that found the bus's queue full.
    permits_overflow,
    /// Commands written and never confirmed.
    unconfirmed,
    /// Letters for others that left.
    letters,
    /// Letters that the broker did not confirm.
    letters_lost,
    /// Messages of others that looked like commands; they change nothing.
    commands_ignored,
}

/// One counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
