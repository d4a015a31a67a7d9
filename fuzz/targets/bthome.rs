//! Any advertisement under every service, with and without a key: nothing may panic, and every number is finite.
#![no_main]

use bthome_decoder::{Receiver, Uuid, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for key in [None, Some([7; 16])] {
        for uuid in [Uuid::PlainOne, Uuid::EncryptedOne, Uuid::Two] {
            let mut receiver = Receiver::new([1, 2, 3, 4, 5, 6], key);
            let _ = receiver.receive(uuid, bytes, 0, |measurement| {
                if let Value::Number(number) = measurement.value {
                    assert!(number.is_finite());
                }
            });
        }
    }
});
