use super::{is_date, luhn, mod11_10, mod97, verhoeff};

#[test]
fn numbers_of_documents_pass_and_their_neighbours_fail() {
    // ISO/IEC 7812-1, annex B; ISO 13616-1, 6.2; ISO/IEC 7064, 8 (MOD 11,10 of 0794); Verhoeff's 236 with 3.
    check("Luhn", luhn, b"79927398713");
    check(
        "MOD 97-10",
        |digits| mod97(digits.iter().copied()) == 1,
        b"3214282912345698765432161182",
    );
    check("MOD 11,10", mod11_10, b"07945");
    check("Verhoeff", verhoeff, b"2363");
}

fn check(name: &str, is_right: impl Fn(&[u8]) -> bool, number: &[u8]) {
    assert!(is_right(number), "{name}");
    for place in 0..number.len() {
        for digit in b'0'..=b'9' {
            let mut other = number.to_vec();
            other[place] = digit;
            assert_eq!(
                is_right(&other),
                other == number,
                "{name}: one digit is another at {place}"
            );
        }
    }
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert!(
        is_date(2024, 2, 29)
            && !is_date(2023, 2, 29)
            && is_date(2000, 2, 29)
            && !is_date(1900, 2, 29)
    );
    assert!(
        !is_date(2024, 4, 31)
            && !is_date(2024, 13, 1)
            && !is_date(2024, 0, 1)
            && !is_date(2024, 1, 0)
    );
}
