//! Payment cards and account numbers.

use super::catalog::{Alone, Detector, Finds, Kind, Number, Verdict};
use super::checks::{luhn, mod97, number, weighted};
use crate::report::Confidence;

pub(crate) const DETECTORS: &[Detector] = &[
    Detector {
        name: "iban",
        kind: Kind::Financial,
        what: "International bank account number",
        check: "length of its country, ISO/IEC 7064 MOD 97-10",
        source: "ISO 13616-1; SWIFT, IBAN Registry",
        words: &[
            "iban",
            "bank",
            "account",
            "konto",
            "bankverbindung",
            "compte",
            "cuenta",
            "conto",
            "rekening",
        ],
        alone: Alone::Always,
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "payment-card",
        kind: Kind::Financial,
        what: "Number of a payment card",
        check: "Luhn, issuer's range and length; lengths that other numbers share need a word near by",
        source: "ISO/IEC 7812-1; the card schemes' published ranges",
        words: &[
            "card",
            "cards",
            "credit",
            "debit",
            "visa",
            "mastercard",
            "amex",
            "american express",
            "discover",
            "diners",
            "jcb",
            "unionpay",
            "maestro",
            "cc",
            "ccnum",
            "pan",
            "cvv",
            "cvc",
            "expir*",
            "kreditkarte*",
            "karte*",
            "carte",
            "tarjeta",
            "carta",
            "kaart",
            "payment*",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[
                &[12],
                &[13],
                &[14],
                &[15],
                &[16],
                &[17],
                &[18],
                &[19],
                &[4, 4, 4, 4],
                &[4, 6, 5],
                &[4, 6, 4],
                &[4, 4, 4, 4, 3],
                &[4, 4, 5],
                &[8, 8],
                &[6, 13],
            ],
            shapes: &[],
            judge: payment_card,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "us-routing-number",
        kind: Kind::Financial,
        what: "Routing number of a bank in the USA",
        check: "weights 3 7 1 modulo 10, Federal Reserve district",
        source: "American Bankers Association, Routing Number Policy",
        words: &["routing", "aba", "rtn", "transit number"],
        finds: Finds::Number(Number {
            groups: &[&[9], &[4, 4, 1]],
            shapes: &[],
            judge: us_routing,
        }),
        confidence: Confidence::Medium,
        ..Detector::NATIONAL_ID
    },
];

fn payment_card(digits: &[u8]) -> Verdict {
    Verdict::of(is_issued(digits), luhn(digits))
}

/// Whether an issuer gives out numbers that begin so and are so long.
fn is_issued(digits: &[u8]) -> bool {
    let (two, three, four) = (
        number(&digits[..2]),
        number(&digits[..3]),
        number(&digits[..4]),
    );
    let length = digits.len();
    match four {
        // Visa
        4000..=4999 => matches!(length, 13 | 16 | 19),
        // American Express
        _ if matches!(two, 34 | 37) => length == 15,
        // Mastercard
        _ if (51..=55).contains(&two) => length == 16,
        2221..=2720 => length == 16,
        // Mir
        2200..=2204 => (16..=19).contains(&length),
        // Diners Club, old and new ranges
        _ if matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39) => {
            matches!(length, 14 | 16 | 19)
        }
        // Discover, and RuPay in the same ranges
        6011 => matches!(length, 16 | 19),
        _ if matches!(three, 644..=649) || two == 65 => matches!(length, 16 | 19),
        // JCB
        3528..=3589 => (16..=19).contains(&length),
        // UnionPay
        _ if two == 62 => (16..=19).contains(&length),
        // Maestro
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => (12..=19).contains(&length),
        // RuPay and Troy
        _ if two == 60 || matches!(four, 5081 | 5082 | 9792) => length == 16,
        _ => false,
    }
}

/// Whether numbers of this length are so seldom anything else that a card needs no word near by.
///
/// 13 digits are article numbers and milliseconds, 14 are dates with times, 17 to 19 are ids of messages and orders.
pub(crate) fn is_card_alone(digits: &[u8]) -> bool {
    matches!(digits.len(), 15 | 16)
}

fn us_routing(digits: &[u8]) -> Verdict {
    let is_district = matches!(number(&digits[..2]), 0..=12 | 21..=32 | 61..=72 | 80);
    Verdict::of(
        is_district && number(digits) > 0,
        weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10),
    )
}

/// Whether these characters, spaces left out, are an account number: country, length and remainder.
pub(crate) fn judge_iban(characters: &[u8]) -> Verdict {
    let is_shaped = iban_length([characters[0], characters[1]]) == Some(characters.len());
    let turned = characters[4..].iter().chain(&characters[..4]).copied();
    Verdict::of(is_shaped, mod97(turned) == 1)
}

/// How long account numbers of a country are (SWIFT, IBAN Registry, release 99).
pub(crate) fn iban_length(country: [u8; 2]) -> Option<usize> {
    Some(match &country {
        b"NO" => 15,
        b"BE" => 16,
        b"DK" | b"FI" | b"FK" | b"FO" | b"GL" | b"NL" | b"SD" => 18,
        b"MK" | b"SI" => 19,
        b"AT" | b"BA" | b"EE" | b"KZ" | b"LT" | b"LU" | b"MN" | b"XK" => 20,
        b"CH" | b"CR" | b"HR" | b"LI" | b"LV" => 21,
        b"BG" | b"BH" | b"DE" | b"GB" | b"GE" | b"IE" | b"ME" | b"RS" | b"VA" => 22,
        b"AE" | b"GI" | b"IL" | b"IQ" | b"OM" | b"SO" | b"TL" => 23,
        b"AD" | b"CZ" | b"ES" | b"MD" | b"PK" | b"RO" | b"SA" | b"SE" | b"SK" | b"TN" | b"VG" => 24,
        b"LY" | b"PT" | b"ST" => 25,
        b"IS" | b"TR" => 26,
        b"BI" | b"DJ" | b"FR" | b"GR" | b"IT" | b"MC" | b"MR" | b"SM" => 27,
        b"AL" | b"AZ" | b"BY" | b"CY" | b"DO" | b"GT" | b"HN" | b"HU" | b"LB" | b"NI" | b"PL"
        | b"SV" => 28,
        b"BR" | b"EG" | b"PS" | b"QA" | b"UA" => 29,
        b"JO" | b"KW" | b"MU" | b"YE" => 30,
        b"MT" | b"SC" => 31,
        b"LC" => 32,
        b"RU" => 33,
        _ => return None,
    })
}
