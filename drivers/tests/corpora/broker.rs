//! Any bytes from a broker at which one listens, in pieces.

use ballast_drivers::detect::{Heard, Hearing, announced};

/// Takes them in pieces of so many bytes; the messages that are in them.
fn messages(bytes: &[u8], piece: usize) -> (Vec<Heard>, bool) {
    let (mut hearing, mut all) = (Hearing::default(), Vec::new());
    for bytes in bytes.chunks(piece) {
        hearing.take(bytes);
        loop {
            match hearing.packet() {
                Ok(Some(heard)) => all.push(heard),
                Ok(None) => break,
                Err(_) => return (all, true),
            }
        }
    }
    (all, false)
}

/// However they are cut, the same messages come. How many there are.
pub(crate) fn any(bytes: &[u8]) -> usize {
    let (all, is_broken) = messages(bytes, bytes.len().max(1));
    for piece in [1, 7] {
        let (other, is_also) = messages(bytes, piece);
        assert_eq!((&all, is_broken), (&other, is_also), "in pieces of {piece}");
    }
    for heard in &all {
        if let Heard::Message(topic, payload) = heard {
            let _ = announced(topic, payload);
        }
    }
    all.len()
}
