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

/// Appends a text as it stands between the quotes of a JSON string.
pub fn escape(out: &mut Vec<u8>, text: &str) {
    let mut bytes = text.as_bytes();
    out.reserve(bytes.len());
    while let Some(at) = first_special(bytes) {
        out.extend_from_slice(&bytes[..at]);
        push_escaped(out, bytes[at]);
        bytes = &bytes[at + 1..];
    }
    out.extend_from_slice(bytes);
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        0x8 => out.extend_from_slice(b"\\b"),
        0xc => out.extend_from_slice(b"\\f"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_escaped_as_every_writer_of_json_does_it() {
        let text: String = (0..0x3000).filter_map(char::from_u32).collect();
        let mut out = vec![];
        escape(&mut out, &text);
        let quoted = serde_json::Value::from(text).to_string();
        assert_eq!(out, &quoted.as_bytes()[1..quoted.len() - 1]);
    }

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
