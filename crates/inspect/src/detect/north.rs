//! National ids of the north and the east of Europe.

use super::catalog::{Alone, Detector, Finds, Number, Verdict};
use super::checks::{is_date, is_ddmmyy, luhn, mod11_10, number, value, weighted};

pub(crate) const DETECTORS: &[Detector] = &[
    Detector {
        name: "bg-egn",
        what: "Bulgarian civil number",
        check: "weights 2 4 8 5 10 9 7 3 6 modulo 11, date of birth",
        source: "Civil Registration Act, article 11; GRAO, Структура на ЕГН",
        words: &["egn", "егн", "единен граждански номер", "civil number"],
        finds: Finds::Number(Number {
            groups: &[&[10]],
            shapes: &[],
            judge: bg_egn,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "cz-birth-number",
        what: "Czech and Slovak birth number",
        check: "divisible by 11, date of birth",
        source: "Act No. 133/2000 Coll., section 13",
        words: &[
            "rodné číslo",
            "rodne cislo",
            "rodné",
            "r.č.",
            "birth number",
        ],
        finds: Finds::Number(Number {
            groups: &[&[6, 4], &[10]],
            shapes: &[],
            judge: cz_birth_number,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "dk-cpr",
        what: "Danish civil registration number",
        check: "date of birth; since 2007 there are numbers without a check digit, so that a word near by is required",
        source: "CPR-kontoret, Personnummeret i CPR, and numbers without modulus 11 control",
        words: &[
            "cpr",
            "cpr-nr",
            "cpr-nummer",
            "cprnr",
            "personnummer",
            "civil registration",
        ],
        confidence: crate::Confidence::Medium,
        finds: Finds::Number(Number {
            groups: &[&[6, 4], &[10]],
            shapes: &[],
            judge: |digits| Verdict::of(is_ddmmyy(digits), true),
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "ee-isikukood",
        what: "Estonian and Lithuanian personal code",
        check: "two rounds of weights modulo 11, date of birth",
        source: "EVS 585:2007; Lithuanian Law on the Population Register, article 8",
        words: &[
            "isikukood",
            "asmens kodas",
            "personal code",
            "personal identification code",
        ],
        finds: Finds::Number(Number {
            groups: &[&[11]],
            shapes: &[],
            judge: ee_isikukood,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "fi-hetu",
        what: "Finnish personal identity code",
        check: "character by modulo 31, date of birth",
        source: "Government Decree 128/2010; Digital and Population Data Services Agency, The personal identity code",
        words: &[
            "hetu",
            "henkilötunnus",
            "henkilotunnus",
            "personal identity code",
            "personbeteckning",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[&[6, 4]],
            shapes: &["999999-999A", "999999+999#", "999999A999#"],
            judge: fi_hetu,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "hr-oib",
        what: "Croatian personal identification number",
        check: "ISO/IEC 7064 MOD 11,10",
        source: "Zakon o osobnom identifikacijskom broju (NN 60/08), article 2",
        words: &["oib", "osobni identifikacijski broj"],
        finds: Finds::Number(Number {
            groups: &[&[11]],
            shapes: &[],
            judge: |digits| Verdict::of(true, mod11_10(digits)),
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "no-fodselsnummer",
        what: "Norwegian birth number and D number",
        check: "two check digits modulo 11, date of birth",
        source: "Skatteetaten, Fødselsnummer; Forskrift om folkeregistrering § 2-2-1",
        words: &[
            "fødselsnummer",
            "fodselsnummer",
            "fnr",
            "personnummer",
            "d-nummer",
            "birth number",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[&[11], &[6, 5]],
            shapes: &[],
            judge: no_fodselsnummer,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "pl-pesel",
        what: "Polish civil number",
        check: "weights 1 3 7 9 modulo 10, date of birth with century",
        source: "Ustawa o ewidencji ludności (Dz.U. 2010 nr 217 poz. 1427), article 15",
        words: &["pesel", "numer ewidencyjny"],
        finds: Finds::Number(Number {
            groups: &[&[11]],
            shapes: &[],
            judge: pl_pesel,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "ro-cnp",
        what: "Romanian personal number",
        check: "weights 2 7 9 1 4 6 3 5 8 2 7 9 modulo 11, date of birth",
        source: "Legea nr. 105/1996, annex; OUG 97/2005",
        words: &["cnp", "cod numeric personal"],
        finds: Finds::Number(Number {
            groups: &[&[13]],
            shapes: &[],
            judge: ro_cnp,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "se-personnummer",
        what: "Swedish personal and coordination number",
        check: "Luhn, date of birth; alone only with its hyphen",
        source: "Skatteverket, Personnummer, SKV 704",
        words: &[
            "personnummer",
            "personnr",
            "samordningsnummer",
            "pnr",
            "personal identity number",
        ],
        alone: Alone::Grouped,
        finds: Finds::Number(Number {
            groups: &[&[10], &[12]],
            shapes: &["999999-9999", "99999999-9999", "999999+9999"],
            judge: se_personnummer,
        }),
        ..Detector::NATIONAL_ID
    },
];

fn bg_egn(digits: &[u8]) -> Verdict {
    // Months of the 19th century are 20 more, those of the 21st 40 more.
    let month = number(&digits[2..4]);
    let is_shaped = is_date(
        0,
        if month < 20 { month } else { month % 20 },
        number(&digits[4..6]),
    );
    let check = weighted(digits, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    Verdict::of(is_shaped, check == value(digits[9]))
}

fn cz_birth_number(digits: &[u8]) -> Verdict {
    // Months of women are 50 more; 20 more where the numbers of a day are used up.
    let month = match number(&digits[2..4]) {
        month @ (21..=32 | 71..=82) => month % 50 - 20,
        month => month % 50,
    };
    let value = digits
        .iter()
        .fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Verdict::of(
        is_date(0, month, number(&digits[4..6])),
        value.is_multiple_of(11),
    )
}

fn ee_isikukood(digits: &[u8]) -> Verdict {
    let is_shaped = (b'1'..=b'8').contains(&digits[0])
        && is_date(0, number(&digits[3..5]), number(&digits[5..7]));
    let check = match weighted(digits, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => weighted(digits, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        check => check,
    };
    Verdict::of(is_shaped, check == value(digits[10]))
}

fn fi_hetu(characters: &[u8]) -> Verdict {
    // The sign of the century may be a letter; hyphen and plus were left out with the separators.
    let (born, individual, check) = match characters.len() {
        11 if b"ABCDEFYXWVU".contains(&characters[6]) => {
            (&characters[..6], &characters[7..10], characters[10])
        }
        10 => (&characters[..6], &characters[6..9], characters[9]),
        _ => return Verdict::Other,
    };
    let body = number(born) * 1_000 + number(individual);
    let is_shaped = is_ddmmyy(born) && number(individual) >= 2;
    Verdict::of(
        is_shaped,
        b"0123456789ABCDEFHJKLMNPRSTUVWXY"[body as usize % 31] == check,
    )
}

fn no_fodselsnummer(digits: &[u8]) -> Verdict {
    // D numbers have 40 more in the day, numbers of tests 40 or 80 more in the month.
    let (day, month) = (number(&digits[..2]), number(&digits[2..4]));
    let is_shaped = is_date(0, month % 40, if day > 40 { day - 40 } else { day });
    let first = (11 - weighted(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    Verdict::of(
        is_shaped,
        first == value(digits[9]) && second == value(digits[10]),
    )
}

fn pl_pesel(digits: &[u8]) -> Verdict {
    // Each century has 20 of the months' numbers.
    let is_shaped = is_date(0, number(&digits[2..4]) % 20, number(&digits[4..6]));
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    Verdict::of(is_shaped, sum.is_multiple_of(10))
}

fn ro_cnp(digits: &[u8]) -> Verdict {
    let is_shaped = digits[0] != b'0'
        && is_date(0, number(&digits[3..5]), number(&digits[5..7]))
        && matches!(number(&digits[7..9]), 1..=52 | 70);
    let check = match weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
        10 => 1,
        check => check,
    };
    Verdict::of(is_shaped, check == value(digits[12]))
}

fn se_personnummer(digits: &[u8]) -> Verdict {
    let (century, short) = digits.split_at(digits.len() - 10);
    // Coordination numbers have 60 more in the day.
    let day = number(&short[4..6]);
    let is_shaped = matches!(century, b"" | b"18" | b"19" | b"20")
        && is_date(
            0,
            number(&short[2..4]),
            if day > 60 { day - 60 } else { day },
        );
    Verdict::of(is_shaped, luhn(short))
}
