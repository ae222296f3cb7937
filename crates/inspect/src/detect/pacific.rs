//! National ids of Asia, Africa and Oceania.

use super::catalog::{Alone, Detector, Finds, Number, Verdict};
use super::checks::{is_yymmdd, is_yyyymmdd, luhn, number, value, verhoeff, weighted};

pub(crate) const DETECTORS: &[Detector] = &[
    Detector {
        name: "au-medicare",
        what: "Australian Medicare card number",
        check: "weights 1 3 7 9 modulo 10, first digit 2 to 6",
        source: "Services Australia, HPOS: Medicare card number; National Health Data Dictionary, Medicare card number",
        words: &["medicare"],
        finds: Finds::Number(Number {
            groups: &[&[10], &[4, 5, 1]],
            shapes: &[],
            judge: au_medicare,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "au-tfn",
        what: "Australian tax file number",
        check: "weights 1 4 3 7 5 8 6 9 10 modulo 11",
        source: "Australian Taxation Office, Tax file number algorithm",
        words: &["tfn", "tax file"],
        finds: Finds::Number(Number {
            groups: &[&[9], &[3, 3, 3]],
            shapes: &[],
            judge: |digits| {
                Verdict::of(
                    true,
                    weighted(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11),
                )
            },
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "cn-resident-id",
        what: "Chinese resident identity number",
        check: "ISO/IEC 7064 MOD 11-2, region, date of birth",
        source: "GB 11643-1999",
        words: &[
            "身份证",
            "身份證",
            "公民身份号码",
            "resident id",
            "resident identity",
            "id card",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[&[18]],
            shapes: &["99999999999999999A"],
            judge: cn_resident_id,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "il-id",
        what: "Israeli identity number",
        check: "Luhn",
        source: "Population Registry Law, 5725-1965; OECD, Tax identification numbers, Israel",
        words: &[
            "teudat zehut",
            "תעודת זהות",
            "ת.ז",
            "israeli id",
            "mispar zehut",
        ],
        finds: Finds::Number(Number {
            groups: &[&[9]],
            shapes: &[],
            judge: |digits| Verdict::of(true, luhn(digits)),
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "in-aadhaar",
        what: "Indian Aadhaar number",
        check: "Verhoeff, first digit 2 to 9",
        source: "UIDAI, A UID numbering scheme, 2010",
        words: &["aadhaar", "aadhar", "आधार", "uidai", "uid"],
        finds: Finds::Number(Number {
            groups: &[&[12], &[4, 4, 4]],
            shapes: &[],
            judge: |digits| Verdict::of(digits[0] >= b'2', verhoeff(digits)),
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "in-pan",
        what: "Indian permanent account number",
        check: "no public check: kind of holder in the fourth letter, word near by required",
        source: "Income-tax Rules, 1962, rule 114; Income Tax Department, PAN structure",
        words: &["pan", "permanent account", "pan card", "income tax"],
        confidence: crate::Confidence::Medium,
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["AAAAA9999A"],
            judge: |characters| Verdict::of(b"ABCFGHJLPT".contains(&characters[3]), true),
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "jp-my-number",
        what: "Japanese individual number",
        check: "weights modulo 11",
        source: "Ministry of Internal Affairs and Communications, Ordinance No. 85 of 2014, article 5",
        words: &["my number", "マイナンバー", "個人番号", "individual number"],
        finds: Finds::Number(Number {
            groups: &[&[12], &[4, 4, 4]],
            shapes: &[],
            judge: jp_my_number,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "kr-rrn",
        what: "Korean resident registration number",
        check: "weights modulo 11 (numbers given out since October 2020 have none), date of birth; alone only with its hyphen",
        source: "Resident Registration Act, enforcement rule, article 2",
        words: &["주민등록번호", "주민번호", "resident registration", "rrn"],
        alone: Alone::Grouped,
        finds: Finds::Number(Number {
            groups: &[&[6, 7], &[13]],
            shapes: &[],
            judge: kr_rrn,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "sg-nric",
        what: "Singaporean identity number (NRIC, FIN)",
        check: "letter by modulo 11",
        source: "Immigration and Checkpoints Authority, NRIC; National Registration Regulations",
        words: &["nric", "fin", "identity card", "singpass"],
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["A9999999A"],
            judge: sg_nric,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "th-id",
        what: "Thai identity number",
        check: "weights 13 to 2 modulo 11",
        source: "Department of Provincial Administration, Population identification number",
        words: &[
            "เลขประจำตัวประชาชน",
            "บัตรประชาชน",
            "thai id",
            "citizen id",
            "national id",
        ],
        finds: Finds::Number(Number {
            groups: &[&[13], &[1, 4, 5, 2, 1]],
            shapes: &[],
            judge: th_id,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "tr-identity-number",
        what: "Turkish identity number",
        check: "two check digits",
        source: "Law No. 5490 on Population Services; NVI, T.C. Kimlik Numarası",
        words: &["tckn", "kimlik", "t.c. kimlik", "tc no", "turkish id"],
        finds: Finds::Number(Number {
            groups: &[&[11]],
            shapes: &[],
            judge: tr_identity,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "tw-national-id",
        what: "Taiwanese identity number",
        check: "weights 1 9 8 7 6 5 4 3 2 1 1 modulo 10",
        source: "Ministry of the Interior, Household Registration Act, enforcement rules",
        words: &["身分證", "國民身分證", "taiwan id", "national id"],
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["A999999999"],
            judge: tw_national_id,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "za-id",
        what: "South African identity number",
        check: "Luhn, date of birth, citizenship",
        source: "Identification Act 68 of 1997, section 7; Department of Home Affairs",
        words: &[
            "south african id",
            "sa id",
            "rsa id",
            "identity number",
            "id number",
            "id no",
        ],
        finds: Finds::Number(Number {
            groups: &[&[13], &[6, 4, 3], &[6, 4, 2, 1]],
            shapes: &[],
            judge: |digits| {
                Verdict::of(
                    is_yymmdd(digits) && matches!(digits[10], b'0'..=b'2'),
                    luhn(digits),
                )
            },
        }),
        ..Detector::NATIONAL_ID
    },
];

fn au_medicare(digits: &[u8]) -> Verdict {
    let check = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
    Verdict::of(
        matches!(digits[0], b'2'..=b'6') && digits[9] != b'0',
        check == value(digits[8]),
    )
}

fn cn_resident_id(characters: &[u8]) -> Verdict {
    // Provinces of GB/T 2260: the first digit is a region of the country.
    let is_shaped = matches!(number(&characters[..2]), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
        && is_yyyymmdd(&characters[6..14])
        && matches!(characters[17], b'0'..=b'9' | b'X');
    let rest = weighted(
        characters,
        &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2],
    ) % 11;
    Verdict::of(is_shaped, b"10X98765432"[rest as usize] == characters[17])
}

fn jp_my_number(digits: &[u8]) -> Verdict {
    let rest = weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    Verdict::of(
        true,
        (if rest <= 1 { 0 } else { 11 - rest }) == value(digits[11]),
    )
}

fn kr_rrn(digits: &[u8]) -> Verdict {
    let is_shaped = is_yymmdd(digits) && digits[6] != b'0';
    let check = (11 - weighted(digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
    // Sevenths digits 3, 4, 7 and 8 are of this century; who was born from October 2020 on has no check digit.
    let is_recent = matches!(digits[6], b'3' | b'4' | b'7' | b'8') && number(&digits[..4]) >= 2_010;
    Verdict::of(is_shaped, check == value(digits[12]) || is_recent)
}

fn sg_nric(characters: &[u8]) -> Verdict {
    let sum = weighted(&characters[1..], &[2, 7, 6, 5, 4, 3, 2]);
    let (offset, letters) = match characters[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"KLJNPQRTUWX"),
        _ => return Verdict::Other,
    };
    let rest = (sum + offset) % 11;
    // The letters of M are counted from the other end.
    let place = if characters[0] == b'M' {
        10 - rest
    } else {
        rest
    };
    Verdict::of(true, letters[place as usize] == characters[8])
}

fn th_id(digits: &[u8]) -> Verdict {
    let rest = weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    Verdict::of(
        matches!(digits[0], b'1'..=b'8'),
        (11 - rest) % 10 == value(digits[12]),
    )
}

fn tr_identity(digits: &[u8]) -> Verdict {
    let odd = weighted(digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(digits, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let tenth = (odd * 7 + 90 - even) % 10;
    let eleventh = (odd + even + value(digits[9])) % 10;
    Verdict::of(
        digits[0] != b'0',
        tenth == value(digits[9]) && eleventh == value(digits[10]),
    )
}

fn tw_national_id(characters: &[u8]) -> Verdict {
    // Letters are worth 10 to 35 in an order of their own.
    let worth = b"ABCDEFGHJKLMNPQRSTUVXYWZIO"
        .iter()
        .position(|letter| *letter == characters[0]);
    let worth = worth.expect("the order has all letters") as u32 + 10;
    let sum =
        worth / 10 + worth % 10 * 9 + weighted(&characters[1..], &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    Verdict::of(
        matches!(characters[1], b'1' | b'2' | b'8' | b'9'),
        sum.is_multiple_of(10),
    )
}
