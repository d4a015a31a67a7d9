//! What a supervisor is told: systemd, or whatever speaks its protocol. Without one, nothing happens.

use sd_notify::NotifyState;
use std::time::Duration;

/// The process does its work from now on; `status` is one line for people.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The process was told to end and is about to.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The process still does its work: said by whoever has just seen that it does, and by nobody else.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often [`alive`] is to be said: three times in the time after which the supervisor would end the process. `None`: it
/// does not wait for it.
pub fn pace() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|patience| patience / 3)
}

/// A supervisor that does not listen is none.
fn tell(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}
