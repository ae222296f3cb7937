//! JSON as bytes, for those who read and write it without a tree of values.

/// Where the first byte is that a string must escape (RFC 8259, 7): a quote, a backslash, a control character.
///
/// Eight bytes at a time, since strings hardly ever have one.
pub fn first_special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let has_zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, chunk) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let quotes = has_zero(word ^ (ONES * u64::from(b'"')));
        let backslashes = has_zero(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        // Borrows between bytes mark only bytes above a true one, so the lowest mark is exact.
        let marks = quotes | backslashes | controls;
        if marks != 0 {
            return Some(place * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    let found = rest.iter().position(is_special);
    found.map(|at| words.len() * 8 + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_is() {
        for special in [b'"', b'\\', 0, 0x1f] {
            for at in 0..40 {
                let mut bytes = vec![b'!'; 40];
                bytes[at] = special;
                bytes.extend([special; 3]);
                assert_eq!(first_special(&bytes), Some(at));
            }
        }
        let plain: Vec<u8> = (0x20..=0xff)
            .filter(|byte| !b"\"\\".contains(byte))
            .collect();
        assert_eq!(first_special(&plain), None);
    }
}
