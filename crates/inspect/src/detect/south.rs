//! National ids of the south of Europe.

use super::catalog::{Alone, Detector, Finds, Number, Verdict};
use super::checks::{is_ddmmyy, luhn, number, value, weighted};

pub(crate) const DETECTORS: &[Detector] = &[
    Detector {
        name: "es-dni",
        what: "Spanish identity number (DNI) and that of foreigners (NIE)",
        check: "letter by modulo 23",
        source: "Real Decreto 1553/2005, article 11; Ministerio del Interior, Cálculo del dígito de control del NIF/NIE",
        words: &[
            "dni",
            "nie",
            "nif",
            "documento nacional",
            "identidad",
            "identificación",
            "identificacion",
            "national id",
        ],
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &[
                "99999999A",
                "99999999-A",
                "99999999 A",
                "A9999999A",
                "A-9999999-A",
                "99.999.999-A",
            ],
            judge: es_dni,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "gr-amka",
        what: "Greek social security number (AMKA)",
        check: "Luhn, date of birth",
        source: "OECD, Tax identification numbers, Greece; amka.gr",
        words: &["amka", "αμκα", "κοινωνικής ασφάλισης"],
        finds: Finds::Number(Number {
            groups: &[&[11]],
            shapes: &[],
            judge: |digits| Verdict::of(is_ddmmyy(digits), luhn(digits)),
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "it-codice-fiscale",
        what: "Italian tax code",
        check: "letter by modulo 26, month letter and day; digits replaced for namesakes too",
        source: "Decreto ministeriale 23 dicembre 1976, n. 13813",
        words: &[
            "codice fiscale",
            "cod. fiscale",
            "cod. fisc",
            "cf",
            "c.f.",
            "tax code",
            "fiscal code",
        ],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["AAAAAA##A##A###A", "AAA AAA ##A## A###A"],
            judge: it_codice_fiscale,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "pt-nif",
        what: "Portuguese tax number",
        check: "weights 9 to 2 modulo 11",
        source: "Decreto-Lei n.º 14/2013, article 8; OECD, Tax identification numbers, Portugal",
        words: &[
            "nif",
            "contribuinte",
            "número de identificação fiscal",
            "numero de identificacao fiscal",
            "identificação fiscal",
            "tax number",
            "tax id",
        ],
        finds: Finds::Number(Number {
            groups: &[&[9], &[3, 3, 3]],
            shapes: &[],
            judge: pt_nif,
        }),
        ..Detector::NATIONAL_ID
    },
];

fn es_dni(characters: &[u8]) -> Verdict {
    let (letter, body) = characters.split_last().expect("shapes are not empty");
    let mut digits = [b'0'; 8];
    match body {
        [first @ (b'X' | b'Y' | b'Z'), rest @ ..] => {
            digits[0] = b'0' + (first - b'X');
            digits[1..].copy_from_slice(rest);
        }
        _ if body.iter().all(u8::is_ascii_digit) && body.len() == 8 => digits.copy_from_slice(body),
        _ => return Verdict::Other,
    }
    let check = b"TRWAGMYFPDXBNJZSQVHLCKE"[number(&digits) as usize % 23];
    Verdict::of(!b"IOU".contains(letter), check == *letter)
}

fn it_codice_fiscale(characters: &[u8]) -> Verdict {
    const DIGITS: [usize; 7] = [6, 7, 9, 10, 12, 13, 14];
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let mut plain = [0; 16];
    plain.copy_from_slice(characters);
    for place in DIGITS {
        plain[place] = match plain[place] {
            digit @ b'0'..=b'9' => digit,
            // Where two people would have the same code, digits become letters.
            letter => match b"LMNPQRSTUV".iter().position(|other| *other == letter) {
                Some(digit) => b'0' + digit as u8,
                None => return Verdict::Other,
            },
        };
    }
    let day = number(&plain[9..11]);
    // Days of women are 40 more.
    let is_shaped = b"ABCDEHLMPRST".contains(&plain[8])
        && matches!(day, 1..=31 | 41..=71)
        && number(&plain[12..15]) > 0;
    let sum: u32 = characters[..15]
        .iter()
        .enumerate()
        .map(|(place, character)| {
            let worth = match character {
                b'0'..=b'9' => character - b'0',
                letter => letter - b'A',
            };
            // The first place is odd.
            if place % 2 == 0 {
                ODD[worth as usize]
            } else {
                u32::from(worth)
            }
        })
        .sum();
    Verdict::of(is_shaped, b'A' + (sum % 26) as u8 == characters[15])
}

fn pt_nif(digits: &[u8]) -> Verdict {
    let rest = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    Verdict::of(
        matches!(digits[0], b'1'..=b'3' | b'5'..=b'9') || digits.starts_with(b"45"),
        check == value(digits[8]),
    )
}
