//! National ids of the west of Europe.

use super::catalog::{Alone, Detector, Finds, Number, Verdict};
use super::checks::{mod11_10, mod97, number, value, weighted};

pub(crate) const DETECTORS: &[Detector] = &[
    Detector {
        name: "at-svnr",
        what: "Austrian social insurance number",
        check: "weights 3 7 9 5 8 4 2 1 6 modulo 11, date of birth",
        source: "Dachverband der Sozialversicherungsträger, Aufbau der Versicherungsnummer",
        words: &[
            "svnr",
            "sv-nr",
            "sozialversicherungsnummer",
            "sozialversicherungs*",
            "versicherungsnummer",
            "social insurance",
            "sv-nummer",
        ],
        finds: Finds::Number(Number {
            groups: &[&[10], &[4, 6]],
            shapes: &[],
            judge: at_svnr,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "be-national-number",
        what: "Belgian national register number",
        check: "modulo 97, date of birth",
        source: "Royal Decree of 3 April 1984 on the identification number of the National Register, article 4",
        words: &[
            "rijksregisternummer",
            "rijksregister",
            "registre national",
            "national register",
            "national number",
            "numéro national",
            "numero national",
            "insz",
            "niss",
            "nrn",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[&[11], &[6, 3, 2], &[2, 2, 2, 3, 2]],
            shapes: &[],
            judge: be_national,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "ch-ahv",
        what: "Swiss social insurance number (AHV, AVS)",
        check: "country 756, EAN-13",
        source: "Federal Act on Old-Age and Survivors' Insurance, article 50c; GS1 General Specifications, 7.9",
        words: &[
            "ahv*",
            "avs",
            "sozialversicherungsnummer",
            "assurance sociale",
            "social insurance",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[&[13], &[3, 4, 4, 2]],
            shapes: &[],
            judge: ch_ahv,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "de-tax-id",
        what: "German tax identification number",
        check: "ISO/IEC 7064 MOD 11,10; one digit twice or three times in the first ten",
        source: "Abgabenordnung § 139b; OECD, Tax identification numbers, Germany",
        words: &[
            "steuer-id",
            "steuerid",
            "steuer id",
            "steueridentifikationsnummer",
            "steuer-identifikationsnummer",
            "steuerliche identifikationsnummer",
            "identifikationsnummer",
            "idnr",
            "steuernummer",
            "steuer-idnr",
            "tax id",
            "tax identification",
            "tin",
        ],
        finds: Finds::Number(Number {
            groups: &[&[11], &[2, 3, 3, 3]],
            shapes: &[],
            judge: de_tax_id,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "fr-nir",
        what: "French social security number (NIR)",
        check: "key by modulo 97, month and department",
        source: "Décret n° 82-103 du 22 janvier 1982; INSEE, Numéro de sécurité sociale",
        words: &[
            "nir",
            "sécurité sociale",
            "securite sociale",
            "numéro de sécu",
            "n° sécu",
            "insee",
            "social security",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[&[15], &[13, 2], &[1, 2, 2, 2, 3, 3, 2]],
            shapes: &[
                "999999A99999999",
                "999999A999999 99",
                "9 99 99 9A 999 999 99",
            ],
            judge: fr_nir,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "ie-pps",
        what: "Irish personal public service number",
        check: "letter by modulo 23",
        source: "Social Welfare Consolidation Act 2005, section 262; Revenue, PPSN check character",
        words: &["pps", "ppsn", "pps number", "personal public service"],
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["9999999A", "9999999AA"],
            judge: ie_pps,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "nl-bsn",
        what: "Dutch citizen service number",
        check: "weights 9 to 2 and -1 modulo 11",
        source: "Logisch Ontwerp BSN, bijlage, elfproef",
        words: &[
            "bsn",
            "burgerservicenummer",
            "burger service nummer",
            "sofinummer",
            "sofi-nummer",
            "citizen service",
            "persoonsnummer",
        ],
        finds: Finds::Number(Number {
            groups: &[&[9], &[3, 3, 3], &[4, 2, 3]],
            shapes: &[],
            judge: nl_bsn,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "uk-nhs-number",
        what: "Health service number of England and Wales",
        check: "weights 10 to 2 modulo 11",
        source: "NHS Data Dictionary, NHS NUMBER",
        words: &["nhs", "nhs number", "nhs no", "health service number"],
        finds: Finds::Number(Number {
            groups: &[&[10], &[3, 3, 4]],
            shapes: &[],
            judge: uk_nhs,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "uk-nino",
        what: "British national insurance number",
        check: "no check digit: letters that are given out; alone only when written in groups",
        source: "HMRC, National Insurance Manual, NIM39110",
        words: &[
            "nino",
            "ni number",
            "ni no",
            "national insurance",
            "insurance number",
            "hmrc",
        ],
        alone: Alone::Grouped,
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["AA999999A", "AA 99 99 99 A", "AA-99-99-99-A", "AA 999999 A"],
            judge: uk_nino,
        }),
        ..Detector::NATIONAL_ID
    },
];

fn at_svnr(digits: &[u8]) -> Verdict {
    // The month is above 12 where the days of a date are used up.
    let month = number(&digits[6..8]);
    let is_shaped =
        digits[0] != b'0' && (1..=31).contains(&number(&digits[4..6])) && (1..=15).contains(&month);
    let check = weighted(digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    Verdict::of(is_shaped, check == value(digits[3]))
}

fn be_national(digits: &[u8]) -> Verdict {
    let (month, day) = (number(&digits[2..4]), number(&digits[4..6]));
    // Months 20 to 32 and 40 to 52 are those of people who are not in the register (bis numbers); a date may be unknown.
    let is_shaped = matches!(month, 0..=12 | 20..=32 | 40..=52)
        && day <= 31
        && (1..=998).contains(&number(&digits[6..9]))
        && (month % 20 != 0 || day == 0);
    let check = number(&digits[9..]);
    let before_2000 = 97 - mod97(digits[..9].iter().copied());
    let since_2000 = 97 - mod97([b'2'].into_iter().chain(digits[..9].iter().copied()));
    Verdict::of(is_shaped, check == before_2000 || check == since_2000)
}

fn ch_ahv(digits: &[u8]) -> Verdict {
    let sum = weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    Verdict::of(digits.starts_with(b"756"), sum.is_multiple_of(10))
}

fn de_tax_id(digits: &[u8]) -> Verdict {
    let mut counts = [0; 10];
    for digit in &digits[..10] {
        counts[value(*digit) as usize] += 1;
    }
    // One digit twice (given out until 2016) or one digit three times or twice (since then), all others once at most.
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let is_shaped = digits[0] != b'0' && repeated == 1 && counts.iter().all(|count| *count <= 3);
    Verdict::of(is_shaped, mod11_10(digits))
}

fn fr_nir(characters: &[u8]) -> Verdict {
    let mut digits = [0; 15];
    digits.copy_from_slice(characters);
    // Corsica: 2A counts as 19 and 2B as 18 (INSEE).
    match digits[6] {
        b'A' if digits[5] == b'2' => digits[5..7].copy_from_slice(b"19"),
        b'B' if digits[5] == b'2' => digits[5..7].copy_from_slice(b"18"),
        b'0'..=b'9' => {}
        _ => return Verdict::Other,
    }
    // Months from 20 on stand for dates that are not known.
    let month = number(&digits[3..5]);
    let is_shaped = matches!(digits[0], b'1' | b'2' | b'3' | b'4' | b'7' | b'8')
        && matches!(month, 1..=12 | 20..=42 | 50..=99)
        && number(&digits[5..7]) >= 1
        && number(&digits[7..10]) >= 1
        && number(&digits[10..13]) >= 1;
    let check = 97 - mod97(digits[..13].iter().copied());
    Verdict::of(is_shaped, check == number(&digits[13..]))
}

fn ie_pps(characters: &[u8]) -> Verdict {
    // A second letter counts nine times; W and none count nothing.
    let second = match characters.get(8) {
        None | Some(b'W') => 0,
        Some(letter @ b'A'..=b'I') => u32::from(letter - b'A' + 1) * 9,
        Some(_) => return Verdict::Other,
    };
    let check = (weighted(characters, &[8, 7, 6, 5, 4, 3, 2]) + second) % 23;
    Verdict::of(
        true,
        b"WABCDEFGHIJKLMNOPQRSTUV"[check as usize] == characters[7],
    )
}

fn nl_bsn(digits: &[u8]) -> Verdict {
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) + 11 - value(digits[8]);
    Verdict::of(number(digits) >= 10_000_000, sum.is_multiple_of(11))
}

fn uk_nhs(digits: &[u8]) -> Verdict {
    let check = 11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    Verdict::of(
        digits[0] != b'0',
        check % 11 == value(digits[9]) && check != 10,
    )
}

fn uk_nino(characters: &[u8]) -> Verdict {
    let prefix = &characters[..2];
    let is_given_out = !b"DFIQUV".contains(&prefix[0])
        && !b"DFIOQUV".contains(&prefix[1])
        && ![b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"]
            .iter()
            .any(|none| *none == prefix);
    Verdict::of(is_given_out && matches!(characters[8], b'A'..=b'D'), true)
}
