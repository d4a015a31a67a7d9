//! AES-128-CCM as BTHome uses it: a tag of four bytes behind a counter of four. Source: bthome.io/encryption.

use aes::Aes128;
use ccm::aead::AeadInPlace;
use ccm::aead::generic_array::GenericArray;
use ccm::consts::{U4, U12, U13};
use ccm::{Ccm, KeyInit};

/// Longest service data, bytes: an extended advertisement.
pub(crate) const DATA_MAX: usize = 255;

/// Bytes behind the payload: the counter and the tag.
const BEHIND: usize = 8;

/// What version 1 authenticates beside the payload.
const ASSOCIATED_1: &[u8] = &[0x11];

/// What the nonce is made of, beside the counter.
pub(crate) enum Nonce {
    /// Version 1: the address, and the service's number.
    One([u8; 6]),
    /// Version 2: the address, the service's number, and the first byte of the service data.
    Two([u8; 6], u8),
}

/// The counter of an encrypted payload; `None` where it is too short to have one.
pub(crate) fn counter(sealed: &[u8]) -> Option<u32> {
    let behind = sealed.get(sealed.len().checked_sub(BEHIND)?..)?;
    behind.first_chunk().map(|counter| u32::from_le_bytes(*counter))
}

/// Opens a payload into `plain`; returns its length. `None`: it is not from one who has the key, or was changed.
pub(crate) fn open(
    sealed: &[u8],
    key: &[u8; 16],
    nonce: &Nonce,
    plain: &mut [u8; DATA_MAX],
) -> Option<usize> {
    let (text, behind) = sealed.split_at_checked(sealed.len().checked_sub(BEHIND)?)?;
    let (counter, tag) = behind.split_at_checked(4)?;
    let text_place = plain.get_mut(..text.len())?;
    text_place.copy_from_slice(text);
    let key = GenericArray::from_slice(key);
    let tag = GenericArray::from_slice(tag);
    let is_right = match nonce {
        Nonce::One(address) => {
            let mut bytes = [0; 12];
            fill(&mut bytes, &[address, &[0x1E, 0x18], counter]);
            let cipher = Ccm::<Aes128, U4, U12>::new(key);
            cipher.decrypt_in_place_detached(&GenericArray::from(bytes), ASSOCIATED_1, text_place, tag)
        }
        Nonce::Two(address, information) => {
            let mut bytes = [0; 13];
            fill(&mut bytes, &[address, &[0xD2, 0xFC, *information], counter]);
            let cipher = Ccm::<Aes128, U4, U13>::new(key);
            cipher.decrypt_in_place_detached(&GenericArray::from(bytes), &[], text_place, tag)
        }
    };
    is_right.ok().map(|()| text.len())
}

fn fill(bytes: &mut [u8], parts: &[&[u8]]) {
    let parts = parts.iter().flat_map(|part| part.iter());
    bytes.iter_mut().zip(parts).for_each(|(place, byte)| *place = *byte);
}
