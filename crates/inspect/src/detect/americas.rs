//! National ids of the Americas.

use super::catalog::{Alone, Detector, Finds, Number, Verdict};
use super::checks::{is_date, luhn, number, value, weighted};

pub(crate) const DETECTORS: &[Detector] = &[
    Detector {
        name: "ar-cuit",
        what: "Argentine tax and labour number (CUIT, CUIL)",
        check: "weights 5 4 3 2 7 6 5 4 3 2 modulo 11",
        source: "AFIP, Resolución General 10/1997; ANSES, CUIL",
        words: &["cuit", "cuil"],
        finds: Finds::Number(Number {
            groups: &[&[11], &[2, 8, 1]],
            shapes: &[],
            judge: ar_cuit,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "br-cpf",
        what: "Brazilian taxpayer number",
        check: "two check digits modulo 11; alone only when written in groups",
        source: "Receita Federal, Instrução Normativa RFB nº 1.548/2015",
        words: &["cpf", "cadastro de pessoas", "contribuinte"],
        alone: Alone::Grouped,
        finds: Finds::Number(Number {
            groups: &[&[11], &[3, 3, 3, 2], &[9, 2]],
            shapes: &[],
            judge: br_cpf,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "ca-sin",
        what: "Canadian social insurance number",
        check: "Luhn, first digit",
        source: "Service Canada, Social Insurance Number code of practice, annex 2",
        words: &["sin", "social insurance", "assurance sociale", "nas"],
        finds: Finds::Number(Number {
            groups: &[&[9], &[3, 3, 3]],
            shapes: &[],
            judge: |digits| Verdict::of(!matches!(digits[0], b'0' | b'8'), luhn(digits)),
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "cl-rut",
        what: "Chilean tax number (RUT, RUN)",
        check: "digit or K by modulo 11",
        source: "Servicio de Impuestos Internos, Rol Único Tributario",
        words: &["rut", "run", "rol único", "rol unico"],
        finds: Finds::Number(Number {
            groups: &[&[8, 1], &[7, 1], &[2, 3, 3, 1], &[1, 3, 3, 1]],
            shapes: &[
                "99999999-A",
                "9999999-A",
                "99.999.999-A",
                "9.999.999-A",
                "99999999A",
            ],
            judge: cl_rut,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "mx-curp",
        what: "Mexican population registry code",
        check: "check digit by modulo 10 over 37 characters, date, sex and state",
        source: "SEGOB, Instructivo normativo para la asignación de la CURP (DOF 18/10/2021)",
        words: &["curp", "clave única", "clave unica"],
        alone: Alone::Always,
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["AAAA999999AAAAAA#9"],
            judge: mx_curp,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "us-npi",
        what: "National provider identifier of the USA",
        check: "Luhn with 80840 before it",
        source: "45 CFR 162.406; CMS, NPI check digit calculation",
        words: &["npi", "national provider", "provider identifier"],
        finds: Finds::Number(Number {
            groups: &[&[10]],
            shapes: &[],
            judge: us_npi,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "us-ssn",
        what: "Social security number of the USA",
        check: "no check digit: areas, groups and serials that are never given out; alone only with its hyphens",
        source: "20 CFR 422.103; SSA, Social Security Number Randomization",
        words: &[
            "ssn",
            "ss#",
            "social security",
            "social sec",
            "soc sec",
            "taxpayer identification",
        ],
        alone: Alone::Grouped,
        finds: Finds::Number(Number {
            groups: &[&[9], &[3, 2, 4]],
            shapes: &[],
            judge: us_ssn,
        }),
        ..Detector::NATIONAL_ID
    },
];

fn ar_cuit(digits: &[u8]) -> Verdict {
    let is_shaped = matches!(
        &digits[..2],
        b"20" | b"23" | b"24" | b"25" | b"26" | b"27" | b"30" | b"33" | b"34"
    );
    let rest = weighted(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = match rest {
        0 => 0,
        1 => 9,
        rest => 11 - rest,
    };
    Verdict::of(is_shaped, check == value(digits[10]))
}

fn br_cpf(digits: &[u8]) -> Verdict {
    let check = |weights: &[u32]| weighted(digits, weights) * 10 % 11 % 10;
    let first = check(&[10, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    Verdict::of(
        true,
        first == value(digits[9]) && second == value(digits[10]),
    )
}

fn cl_rut(characters: &[u8]) -> Verdict {
    let (check, body) = characters.split_last().expect("shapes are not empty");
    let sum: u32 = body
        .iter()
        .rev()
        .zip([2, 3, 4, 5, 6, 7].into_iter().cycle())
        .map(|(digit, weight)| value(*digit) * weight)
        .sum();
    let wanted = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        check => b'0' + check as u8,
    };
    Verdict::of(
        matches!(check, b'0'..=b'9' | b'K') && number(body) >= 1_000_000,
        wanted == *check,
    )
}

fn mx_curp(characters: &[u8]) -> Verdict {
    const STATES: &[&[u8; 2]] = &[
        b"AS", b"BC", b"BS", b"CC", b"CL", b"CM", b"CS", b"CH", b"DF", b"DG", b"GT", b"GR", b"HG",
        b"JC", b"MC", b"MN", b"MS", b"NT", b"NL", b"OC", b"PL", b"QT", b"QR", b"SP", b"SL", b"SR",
        b"TC", b"TS", b"TL", b"VZ", b"YN", b"ZS", b"NE",
    ];
    let is_shaped = is_date(0, number(&characters[6..8]), number(&characters[8..10]))
        && matches!(characters[10], b'H' | b'M' | b'X')
        && STATES.iter().any(|state| *state == &characters[11..13]);
    // Ñ stands between N and O, so that letters from O on count one more.
    let worth = |character: u8| match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        b'A'..=b'N' => u32::from(character - b'A') + 10,
        _ => u32::from(character - b'A') + 11,
    };
    let sum: u32 = characters[..17]
        .iter()
        .zip((2..=18).rev())
        .map(|(character, weight)| worth(*character) * weight)
        .sum();
    Verdict::of(is_shaped, (10 - sum % 10) % 10 == value(characters[17]))
}

fn us_npi(digits: &[u8]) -> Verdict {
    let mut long = *b"808400000000000";
    long[5..].copy_from_slice(digits);
    Verdict::of(matches!(digits[0], b'1' | b'2'), luhn(&long))
}

fn us_ssn(digits: &[u8]) -> Verdict {
    let area = number(&digits[..3]);
    let is_given_out =
        area != 0 && area != 666 && area < 900 && &digits[3..5] != b"00" && &digits[5..] != b"0000";
    Verdict::of(is_given_out, true)
}
