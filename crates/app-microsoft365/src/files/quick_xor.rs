//! The hash that SharePoint and OneDrive for Business tell of files (OneDrive developer documentation, "QuickXorHash").
//!
//! Each byte is turned eleven bits further than the one before it and added to 160 bits by exclusive or; in the end the
//! length is, to the last 64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BYTES: usize = 20;
const BITS: usize = 8 * BYTES;
const SHIFT: usize = 11;

/// The hash of a content, as the documents write it.
pub(super) fn quick_xor(content: &[u8]) -> String {
    // Bytes at a distance of 160 are turned by the same, so they are added up first: whole rows at once.
    let mut row = [0_u8; BITS];
    for bytes in content.chunks(BITS) {
        for (sum, byte) in row.iter_mut().zip(bytes) {
            *sum ^= byte;
        }
    }
    let mut hash = [0_u8; BYTES];
    let mut bit = 0;
    for byte in row {
        let (place, turn) = (bit / 8, bit % 8);
        let turned = u16::from(byte) << turn;
        let [low, high] = turned.to_le_bytes();
        hash[place] ^= low;
        hash[(place + 1) % BYTES] ^= high;
        bit = (bit + SHIFT) % BITS;
    }
    let length = (content.len() as u64).to_le_bytes();
    for (byte, its) in hash[BYTES - length.len()..].iter_mut().zip(length) {
        *byte ^= its;
    }
    STANDARD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_turned_and_the_length_is_added() {
        for (content, hash) in [
            (&b""[..], "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            (b"\x4a", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
            (b"\xb5\xb4", "taAFAAAAAAAAAAAAAgAAAAAAAAA="),
        ] {
            assert_eq!(quick_xor(content), hash);
        }
    }

    #[test]
    fn a_byte_at_the_end_of_the_bits_goes_on_at_their_beginning() {
        // The 102nd byte begins at bit 1111 % 160 = 151, the 190th at 2079 % 160 = 159.
        let mut content = vec![0; 190];
        content[189] = 0xff;
        let mut expected = [0_u8; BYTES];
        expected[19] = 0x80;
        expected[0] = 0x7f;
        expected[12] = 190;
        assert_eq!(quick_xor(&content), STANDARD.encode(expected));
    }

    #[test]
    fn what_is_twice_in_160_bytes_of_distance_cancels_out() {
        let content = vec![b' '; 2 * BITS];
        let mut expected = [0_u8; BYTES];
        expected[12..14].copy_from_slice(&320_u16.to_le_bytes());
        assert_eq!(quick_xor(&content), STANDARD.encode(expected));
    }
}
