//! Small numbers in few bits: runs of one number, and numbers packed side by side (Apache Parquet, "Encodings": RLE /
//! bit-packing hybrid).

/// Numbers that are packed side by side come in groups of eight.
const GROUP: usize = 8;

/// How many bits the numbers up to `most` take.
pub(crate) fn width(most: u32) -> u8 {
    (u32::BITS - most.leading_zeros()) as u8
}

/// Adds numbers to `out`, each below `1 << width`.
pub(crate) fn encode<T: Copy + PartialEq + Into<u32>>(numbers: &[T], width: u8, out: &mut Vec<u8>) {
    let (mut begun, mut at) = (0, 0);
    while at < numbers.len() {
        let first = numbers[at];
        let run = numbers[at..].iter().take_while(|n| **n == first).count();
        // What is packed ends with a whole group wherever a run begins.
        if run < GROUP {
            at += GROUP;
            continue;
        }
        pack_groups(&numbers[begun..at], width, out);
        number(run << 1, out);
        let bytes = usize::from(width.div_ceil(8));
        out.extend_from_slice(&first.into().to_le_bytes()[..bytes]);
        at += run;
        begun = at;
    }
    pack_groups(&numbers[begun..], width, out);
}

fn pack_groups<T: Copy + Into<u32>>(numbers: &[T], width: u8, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    let groups = numbers.len().div_ceil(GROUP);
    number(groups << 1 | 1, out);
    let end = out.len() + groups * usize::from(width);
    pack(numbers, width, out);
    out.resize(end, 0);
}

/// Packs numbers side by side, the first in the lowest bits.
pub(crate) fn pack<T: Copy + Into<u32>>(numbers: &[T], width: u8, out: &mut Vec<u8>) {
    let (mut bits, mut filled) = (0_u64, 0);
    for number in numbers {
        let number: u32 = (*number).into();
        bits |= u64::from(number) << filled;
        filled += u32::from(width);
        while filled >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(bits as u8);
    }
}

/// A number of any size, seven bits to a byte (ULEB128).
fn number(mut number: usize, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Reads `count` numbers of so many bits; `None` if these bytes do not hold them.
pub(crate) fn decode<T>(
    mut bytes: &[u8],
    width: u8,
    count: usize,
    convert: impl Fn(u32) -> T,
) -> Option<Vec<T>>
where
    T: Copy,
{
    let mut numbers = Vec::with_capacity(count);
    while numbers.len() < count {
        let head = read_number(&mut bytes)?;
        let left = count - numbers.len();
        if head & 1 == 0 {
            let value = take(&mut bytes, usize::from(width.div_ceil(8)))?;
            let mut whole = [0; 4];
            whole.get_mut(..value.len())?.copy_from_slice(value);
            let run = left.min(head >> 1);
            let value = convert(u32::from_le_bytes(whole));
            numbers.resize(numbers.len() + run, value);
            if run == 0 {
                return None;
            }
        } else {
            let groups = (head >> 1).min(left.div_ceil(GROUP));
            // The last group may be cut short.
            let length = (groups * usize::from(width)).min(bytes.len());
            let packed = take(&mut bytes, length)?;
            let most = left.min(groups * GROUP);
            if groups == 0 || unpack(packed, width, most, &mut numbers, &convert) < most {
                return None;
            }
        }
    }
    Some(numbers)
}

/// Reads numbers that are packed side by side; returns how many there are.
pub(crate) fn unpack<T>(
    bytes: &[u8],
    width: u8,
    most: usize,
    numbers: &mut Vec<T>,
    convert: impl Fn(u32) -> T,
) -> usize {
    let width = u32::from(width);
    let mask = (1_u64 << width) - 1;
    let (mut bits, mut filled, mut bytes) = (0_u64, 0, bytes.iter());
    for count in 0..most {
        while filled < width {
            let Some(byte) = bytes.next() else {
                return count;
            };
            bits |= u64::from(*byte) << filled;
            filled += 8;
        }
        numbers.push(convert((bits & mask) as u32));
        bits >>= width;
        filled -= width;
    }
    most
}

fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..usize::BITS - 8).step_by(7) {
        let byte = take(bytes, 1)?[0];
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes so many bytes from the beginning.
pub(crate) fn take<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_read_again(
            runs in prop::collection::vec((any::<u32>(), 1..40_usize), 0..40),
            width in 1..32_u8,
        ) {
            let mask = (1_u32 << width) - 1;
            let numbers: Vec<u32> = runs
                .iter()
                .flat_map(|(number, count)| vec![number & mask; *count])
                .collect();
            let mut bytes = vec![];
            encode(&numbers, width, &mut bytes);
            let read = decode(&bytes, width, numbers.len(), |number| number);
            prop_assert_eq!(read, Some(numbers));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            width in 0..=32_u8,
            count in 0..100_usize,
        ) {
            let read = decode(&bytes, width, count, |number| number);
            prop_assert!(read.is_none_or(|numbers| numbers.len() == count));
        }
    }
}
