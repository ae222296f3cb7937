//! Check digits that several kinds of numbers share, on ASCII digits.

/// Luhn's sum, from the right every second digit doubled (ISO/IEC 7812-1, annex B).
pub(crate) fn luhn(digits: &[u8]) -> bool {
    let mut sum = 0;
    for (place, digit) in digits.iter().rev().enumerate() {
        let value = value(*digit) << (place & 1);
        sum += if value > 9 { value - 9 } else { value };
    }
    sum.is_multiple_of(10)
}

/// The number modulo 97 (ISO/IEC 7064, MOD 97-10); letters count as 10 to 35, as in IBANs (ISO 13616-1, 6).
pub(crate) fn mod97(characters: impl Iterator<Item = u8>) -> u32 {
    characters.fold(0, |rest, character| match character {
        b'0'..=b'9' => (rest * 10 + value(character)) % 97,
        _ => (rest * 100 + 10 + u32::from(character.to_ascii_uppercase() - b'A')) % 97,
    })
}

/// The sum of digits times weights, as far as there are weights.
pub(crate) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| value(*digit) * weight)
        .sum()
}

/// ISO/IEC 7064, MOD 11,10: the product runs through all digits, the last is the check.
pub(crate) fn mod11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else {
        return false;
    };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (value(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == value(*check)
}

/// Verhoeff's scheme in the dihedral group D5 (J. Verhoeff, Error detecting decimal codes, 1969).
pub(crate) fn verhoeff(digits: &[u8]) -> bool {
    let rest = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0, |sum, (place, digit)| {
            let permuted =
                (0..place % 8).fold(value(*digit) as usize, |digit, _| PERMUTATION[digit]);
            product(sum, permuted)
        });
    rest == 0
}

const PERMUTATION: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Multiplication in D5: 0 to 4 are rotations, 5 to 9 reflections.
fn product(left: usize, right: usize) -> usize {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right - 5) % 5 + 5,
        (false, true) => (left - 5 + 5 - right) % 5 + 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

pub(crate) fn value(digit: u8) -> u32 {
    u32::from(digit.wrapping_sub(b'0'))
}

/// A short run of digits as a number.
pub(crate) fn number(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + value(*digit))
}

/// Whether these six digits are a year's end, a month and a day: the century is not known, so the 29th of February passes.
pub(crate) fn is_yymmdd(digits: &[u8]) -> bool {
    is_date(0, number(&digits[2..4]), number(&digits[4..6]))
}

/// Whether these six digits are a day, a month and a year's end.
pub(crate) fn is_ddmmyy(digits: &[u8]) -> bool {
    is_date(0, number(&digits[2..4]), number(&digits[..2]))
}

/// Whether these eight digits are a date of someone who may be alive or on file.
pub(crate) fn is_yyyymmdd(digits: &[u8]) -> bool {
    let year = number(&digits[..4]);
    (1850..2100).contains(&year) && is_date(year, number(&digits[4..6]), number(&digits[6..8]))
}

/// Whether the day is in the month. Year 0 stands for one that is not known.
pub(crate) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests;
