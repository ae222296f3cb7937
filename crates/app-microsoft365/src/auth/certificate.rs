//! When a certificate ends: the one field of it that somebody should know of in time.

use casbah_model::Timestamp;

/// Tags of DER (ITU-T X.690, 8.1.2), as far as they stand before the field.
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` of a certificate in DER (RFC 5280, 4.1): certificate, to be signed, then behind version, serial number,
/// algorithm and issuer the validity, whose second time it is. `None` for anything else.
pub(super) fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = value(der, SEQUENCE)?;
    let (mut rest, _) = value(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = next(rest)?.2;
    }
    for _ in ["serial number", "signature", "issuer"] {
        rest = next(rest)?.2;
    }
    let (validity, _) = value(rest, SEQUENCE)?;
    let (_, _, second) = next(validity)?;
    let (tag, text, _) = next(second)?;
    moment(tag, std::str::from_utf8(text).ok()?)
}

/// The first element: its tag, its content, and what is behind it.
fn next(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    // Long form: so many bytes of length follow (X.690, 8.1.3.5). Four would be more than any certificate has.
    if let Some(bytes) = length.checked_sub(0x80) {
        if bytes == 0 || bytes > 4 || bytes > rest.len() {
            return None;
        }
        let (digits, behind) = rest.split_at(bytes);
        length = digits
            .iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        rest = behind;
    }
    let (content, behind) = rest.split_at_checked(length)?;
    Some((*tag, content, behind))
}

fn value(der: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = next(der)?;
    (tag == expected).then_some((content, rest))
}

/// Two digits of a year are of 1950 to 2049; both forms are in UTC and have seconds (RFC 5280, 4.1.2.5).
fn moment(tag: u8, text: &str) -> Option<Timestamp> {
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_string(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let at = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
    );
    (part(14, text.len())? == "Z").then(|| at.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::super::{der, pem_block};
    use super::*;

    const PEM: &str = include_str!("test_certificate.pem");

    fn certificate() -> Vec<u8> {
        let block = pem_block(PEM, "CERTIFICATE").expect("a certificate");
        der(block).expect("Base64")
    }

    #[test]
    fn the_end_of_a_certificate_is_what_other_programs_say() {
        // openssl x509 -enddate -noout -in test_certificate.pem
        let end = not_after(&certificate()).expect("an end");
        assert_eq!(end.to_string(), "2126-10-28T22:34:25Z");
    }

    #[test]
    fn years_are_of_two_digits_until_2049_and_of_four_from_then_on() {
        let at = |tag, text| moment(tag, text).map(|at| at.to_string());
        let is = |text: &str| Some(text.to_string());
        assert_eq!(at(UTC_TIME, "491231235959Z"), is("2049-12-31T23:59:59Z"));
        assert_eq!(at(UTC_TIME, "500101000000Z"), is("1950-01-01T00:00:00Z"));
        let generalized = at(GENERALIZED_TIME, "20510203040506Z");
        assert_eq!(generalized, is("2051-02-03T04:05:06Z"));
        for wrong in ["", "Z", "4912312359Z", "491331235959Z", "491231235959+0000"] {
            assert_eq!(at(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_cut_or_changed_is_no_certificate_and_no_panic() {
        let whole = certificate();
        for length in 0..whole.len() {
            assert!(not_after(&whole[..length]).is_none(), "{length}");
        }
        for at in 0..whole.len().min(400) {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                not_after(&changed);
            }
        }
        assert_eq!(not_after(b"hunter2"), None);
    }
}
