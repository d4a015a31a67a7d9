//! Any bytes on a line on which a meter may speak by itself.

use ballast_drivers::detect::{Ear, Speech};

/// What is understood of bytes in pieces.
fn speech(bytes: &[u8], piece: usize) -> Speech {
    let mut ear = Ear::default();
    let mut speech = Speech::default();
    for bytes in bytes.chunks(piece) {
        speech = ear.hear(bytes);
    }
    speech
}

/// However they are cut, it is the same meter or none. Whether it is one.
pub(crate) fn any(bytes: &[u8]) -> usize {
    let whole = speech(bytes, bytes.len().max(1));
    assert_eq!(whole.bytes, bytes.len() as u64);
    for piece in [1, 13] {
        assert_eq!(speech(bytes, piece), whole, "in pieces of {piece}");
    }
    usize::from(whole.meter.is_some())
}
