//! Whatever comes: no panic, nothing from damage, nothing twice.
#![cfg(test)]

use aes::Aes128;
use bthome_decoder::{Receiver, Refusal, Uuid, Value};
use ccm::aead::AeadInPlace;
use ccm::aead::generic_array::GenericArray;
use ccm::consts::{U4, U13};
use ccm::{Ccm, KeyInit};
use proptest::prelude::*;

const ADDRESS: [u8; 6] = [0x54, 0x48, 0xE6, 0x8F, 0x80, 0xA5];
const KEY: [u8; 16] =
    [0x23, 0x1d, 0x39, 0xc1, 0xd7, 0xcc, 0x1a, 0xb1, 0xae, 0xe2, 0x24, 0xcd, 0x09, 0x6d, 0xb9, 0x32];

/// An encrypted advertisement of version 2.
fn seal(payload: &[u8], counter: u32) -> Vec<u8> {
    let mut nonce = ADDRESS.to_vec();
    nonce.extend([0xD2, 0xFC, 0x41]);
    nonce.extend(counter.to_le_bytes());
    let mut text = payload.to_vec();
    let cipher = Ccm::<Aes128, U4, U13>::new(GenericArray::from_slice(&KEY));
    let nonce = GenericArray::from_slice(&nonce);
    let tag = cipher.encrypt_in_place_detached(nonce, &[], &mut text).unwrap();
    let parts = [&[0x41][..], &text, &counter.to_le_bytes(), &tag];
    parts.concat()
}

fn hear(receiver: &mut Receiver, uuid: Uuid, data: &[u8], now: u64) -> Result<Vec<(u8, f64)>, Refusal> {
    let mut told = Vec::new();
    receiver.receive(uuid, data, now, |measurement| {
        if let Value::Number(number) = measurement.value {
            assert!(number.is_finite());
            told.push((measurement.object.id, number));
        }
    })?;
    Ok(told)
}

#[test]
fn the_example_of_the_format() {
    // bthome.io/encryption: 25.06 °C and 50.55 %, address 54:48:E6:8F:80:A5, counter 0x33221100.
    let sealed = seal(&[0x02, 0xca, 0x09, 0x03, 0xbf, 0x13], 0x3322_1100);
    let published =
        [0x41, 0xa4, 0x72, 0x66, 0xc9, 0x5f, 0x73, 0x00, 0x11, 0x22, 0x33, 0x78, 0x23, 0x72, 0x14];
    assert_eq!(sealed, published);
    let mut receiver = Receiver::new(ADDRESS, Some(KEY));
    assert_eq!(hear(&mut receiver, Uuid::Two, &published, 0), Ok(vec![(0x02, 25.06), (0x03, 50.55)]));
    assert_eq!(hear(&mut receiver, Uuid::Two, &published, 10_000), Err(Refusal::Repeated));
}

#[test]
fn what_is_old_forged_plain_or_without_a_key_is_refused() {
    let payload = [0x02, 0xca, 0x09];
    let mut receiver = Receiver::new(ADDRESS, Some(KEY)).after(7);
    let mut told = |data: &[u8]| hear(&mut receiver, Uuid::Two, data, 0).map(|told| told.len());
    assert_eq!(told(&seal(&payload, 7)), Err(Refusal::Repeated));
    assert_eq!(told(&seal(&payload, 6)), Err(Refusal::Replayed));
    assert_eq!(told(&seal(&payload, 9)), Ok(1));
    assert_eq!(told(&seal(&payload, 8)), Err(Refusal::Replayed));
    assert_eq!(told(&[&[0x40][..], &payload].concat()), Err(Refusal::Downgrade));
    let mut forged = seal(&payload, 10);
    forged[9] ^= 1;
    assert_eq!(told(&forged), Err(Refusal::Forged));
    assert_eq!(told(&seal(&payload, 10)), Ok(1), "a forged one does not move the counter");
    receiver.forget();
    assert_eq!(hear(&mut receiver, Uuid::Two, &seal(&payload, 1), 0).map(|told| told.len()), Ok(1));
    let mut keyless = Receiver::new(ADDRESS, None);
    assert_eq!(hear(&mut keyless, Uuid::Two, &seal(&payload, 1), 0), Err(Refusal::NoKey));
}

#[test]
fn what_is_cut_is_nothing_and_what_is_new_ends_it() {
    let mut receiver = Receiver::new(ADDRESS, None);
    let mut told = |data: &[u8]| hear(&mut receiver, Uuid::Two, data, 0);
    assert_eq!(told(&[0x40, 0x02, 0xca, 0x09, 0x03, 0xbf]), Err(Refusal::Malformed));
    assert_eq!(told(&[]), Err(Refusal::Malformed));
    assert_eq!(told(&[0x60, 0x01, 0x5d]), Err(Refusal::Version));
    assert_eq!(told(&[0x40, 0x01, 0x5d, 0xE0, 0x01, 0x02]), Ok(vec![(0x01, 93.0)]));
    assert_eq!(told(&[0x42, 0xA5, 0x80, 0x8F, 0xE6, 0x48, 0x54, 0x01, 0x5d]), Ok(vec![(0x01, 93.0)]));
    assert_eq!(told(&[0x42, 0xA5, 0x80, 0x8F, 0xE6, 0x48, 0x55, 0x01, 0x5d]), Err(Refusal::OtherDevice));
}

#[test]
fn a_packet_is_told_once() {
    let mut receiver = Receiver::new(ADDRESS, None);
    let mut told = |packet: u8, now: u64| {
        hear(&mut receiver, Uuid::Two, &[0x40, 0x00, packet, 0x01, 0x5d], now).map(|told| told.len())
    };
    assert_eq!(told(254, 0), Ok(2));
    assert_eq!(told(254, 100), Err(Refusal::Repeated));
    assert_eq!(told(2, 200), Ok(2), "it goes round");
    assert_eq!(told(1, 300), Err(Refusal::Repeated), "an older one that came late");
    assert_eq!(told(2, 4201), Ok(2), "after four seconds it is another packet of the same number");
}

/// Everything that broke the decoder, and what the fuzzer begins from.
#[test]
fn the_corpus() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut good = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        for key in [None, Some(KEY)] {
            for uuid in [Uuid::PlainOne, Uuid::EncryptedOne, Uuid::Two] {
                good += u32::from(hear(&mut Receiver::new(ADDRESS, key), uuid, &data, 0).is_ok());
            }
        }
    }
    assert!(good > 4, "{good}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..260), key in any::<bool>(), at in 0usize..3) {
        let mut receiver = Receiver::new(ADDRESS, key.then_some(KEY));
        let uuid = [Uuid::PlainOne, Uuid::EncryptedOne, Uuid::Two][at];
        let _ = hear(&mut receiver, uuid, &data, 0);
    }

    #[test]
    fn any_objects(mut data in proptest::collection::vec(any::<u8>(), 1..64), one in any::<bool>()) {
        data[0] = if one { data[0] } else { 0x40 };
        let uuid = if one { Uuid::PlainOne } else { Uuid::Two };
        let _ = hear(&mut Receiver::new(ADDRESS, None), uuid, &data, 0);
    }

    /// Whatever is changed in an encrypted advertisement, nothing is told of it. (One of four thousand million would be.)
    #[test]
    fn damage_is_found(at in 0usize..15, change in 1u8..=255, counter in any::<u32>()) {
        let mut data = seal(&[0x02, 0xca, 0x09, 0x03, 0xbf, 0x13], counter);
        data[at] ^= change;
        let mut receiver = Receiver::new(ADDRESS, Some(KEY));
        prop_assert!(hear(&mut receiver, Uuid::Two, &data, 0).is_err());
    }
}
