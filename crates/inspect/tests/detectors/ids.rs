//! National ids and numbers of accounts, made as their standards say and not as our checks are written.

use crate::draw::{Draw, luhn_digit, sum, until};
use crate::ids_europe::EUROPE;
use std::sync::LazyLock;

pub type Make = fn(&mut Draw) -> String;

/// A detector, what people call its values, the name in a file of data, and how a value is made.
pub type Identity = (&'static str, &'static str, &'static str, Make);

pub static IDS: LazyLock<Vec<Identity>> =
    LazyLock::new(|| ELSEWHERE.iter().chain(EUROPE).copied().collect());

const ELSEWHERE: &[Identity] = &[
    ("ar-cuit", "CUIT", "cuit", |d| {
        until(d, |d| {
            let b = format!("{}{}", d.of(&["20", "27", "30"]), d.digits(8));
            let r = sum(&b, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
            (r != 1).then(|| {
                let c = (11 - r) % 11;
                if d.below(2) == 0 {
                    format!("{b}{c}")
                } else {
                    format!("{}-{}-{c}", &b[..2], &b[2..])
                }
            })
        })
    }),
    ("au-medicare", "Medicare number", "medicare_number", |d| {
        let b = format!("{}{}", d.between(2, 6), d.digits(7));
        let c = sum(&b, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
        let i = d.between(1, 9);
        if d.below(2) == 0 {
            format!("{b}{c}{i}")
        } else {
            format!("{} {}{c} {i}", &b[..4], &b[4..])
        }
    }),
    ("au-tfn", "Tax File Number", "tfn", |d| {
        until(d, |d| {
            let b = d.digits(9);
            (sum(&b, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !b.starts_with('0'))
                .then(|| threes(d, &b))
        })
    }),
    ("br-cpf", "CPF", "cpf", |d| {
        let b = d.digits(9);
        let first = match sum(&b, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
            r if r < 2 => 0,
            r => 11 - r,
        };
        let b2 = format!("{b}{first}");
        let second = match sum(&b2, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
            r if r < 2 => 0,
            r => 11 - r,
        };
        if d.below(2) == 0 {
            format!("{b2}{second}")
        } else {
            format!("{}.{}.{}-{first}{second}", &b[..3], &b[3..6], &b[6..])
        }
    }),
    ("ca-sin", "Social Insurance Number", "sin", |d| {
        let b = format!(
            "{}{}",
            d.of(&["1", "2", "4", "5", "6", "7", "9"]),
            d.digits(7)
        );
        let v = format!("{b}{}", luhn_digit(&b));
        threes(d, &v)
    }),
    ("cl-rut", "RUT", "rut", |d| {
        let b = format!("{}{}", d.between(5, 24), d.digits(6));
        let mut total = 0;
        for (place, digit) in b.chars().rev().enumerate() {
            total += digit.to_digit(10).unwrap() * (2 + place as u32 % 6);
        }
        let c = match 11 - total % 11 {
            11 => "0".into(),
            10 => "K".to_owned(),
            c => c.to_string(),
        };
        if d.below(2) == 0 || b.len() == 7 {
            format!("{b}-{c}")
        } else {
            format!("{}.{}.{}-{c}", &b[..2], &b[2..5], &b[5..])
        }
    }),
    ("cn-resident-id", "身份证号码", "resident id", |d| {
        let (day, month, year) = d.born();
        let b = format!(
            "{}{year}{month}{day}{}",
            d.of(&["110105", "310104", "440106", "510107"]),
            d.digits(3)
        );
        let total: u32 = b
            .chars()
            .enumerate()
            .map(|(place, digit)| {
                digit.to_digit(10).unwrap() * ((1_u64 << (17 - place)) % 11) as u32
            })
            .sum();
        let c = (12 - total % 11) % 11;
        format!("{b}{}", if c == 10 { "X".into() } else { c.to_string() })
    }),
    ("iban", "IBAN", "iban", |d| {
        let (country, body) = match d.below(5) {
            0 => ("DE", d.digits(18)),
            1 => (
                "NL",
                format!("{}{}", d.of(&["ABNA", "INGB", "RABO"]), d.digits(10)),
            ),
            2 => (
                "GB",
                format!("{}{}", d.of(&["BARC", "HBUK", "LOYD"]), d.digits(14)),
            ),
            3 => ("FR", d.digits(23)),
            _ => ("ES", d.digits(20)),
        };
        let turned: String = format!("{body}{country}00")
            .chars()
            .map(|c| c.to_digit(36).unwrap().to_string())
            .collect();
        let rest = turned
            .bytes()
            .fold(0, |r, b| (r * 10 + u32::from(b - b'0')) % 97);
        let v = format!("{country}{:02}{body}", 98 - rest);
        if d.below(2) == 0 {
            v
        } else {
            v.as_bytes()
                .chunks(4)
                .map(|c| std::str::from_utf8(c).unwrap())
                .collect::<Vec<_>>()
                .join(" ")
        }
    }),
    ("il-id", "Teudat Zehut", "teudat_zehut", |d| {
        let b = format!("{}{}", d.between(1, 3), d.digits(7));
        format!("{b}{}", luhn_digit(&b))
    }),
    ("in-aadhaar", "Aadhaar", "aadhaar", |d| {
        let b = format!("{}{}", d.between(2, 9), d.digits(10));
        let v = format!("{b}{}", verhoeff_digit(&b));
        if d.below(2) == 0 {
            v
        } else {
            format!("{} {} {}", &v[..4], &v[4..8], &v[8..])
        }
    }),
    ("in-pan", "PAN card", "pan", |d| {
        format!(
            "{}{}{}{}{}",
            d.letters(3),
            d.of(&["P", "C", "H", "F"]),
            d.letters(1),
            d.digits(4),
            d.letters(1)
        )
    }),
    ("jp-my-number", "マイナンバー", "my_number", |d| {
        let b = format!("{}{}", d.between(1, 9), d.digits(10));
        let mut total = 0;
        for (place, digit) in b.chars().rev().enumerate() {
            let n = place as u32 + 1;
            total += digit.to_digit(10).unwrap() * if n <= 6 { n + 1 } else { n - 5 };
        }
        let r = total % 11;
        format!("{b}{}", if r <= 1 { 0 } else { 11 - r })
    }),
    ("kr-rrn", "주민등록번호", "rrn", |d| {
        let (day, month, year) = d.born();
        let b = format!(
            "{}{month}{day}{}{}",
            &year[2..],
            d.of(&["1", "2"]),
            d.digits(5)
        );
        let c = (11 - sum(&b, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
        format!("{}-{}{c}", &b[..6], &b[6..])
    }),
    ("mx-curp", "CURP", "curp", |d| {
        let (day, month, year) = d.born();
        let b = format!(
            "{}{}{month}{day}{}{}{}0",
            d.letters(4),
            &year[2..],
            d.of(&["H", "M"]),
            d.of(&["DF", "JC", "NL", "OC"]),
            d.letters(3)
        );
        let order = "0123456789ABCDEFGHIJKLMN_OPQRSTUVWXYZ";
        let total: usize = b
            .chars()
            .enumerate()
            .map(|(place, c)| order.find(c).unwrap() * (18 - place))
            .sum();
        format!("{b}{}", (10 - total % 10) % 10)
    }),
    ("payment-card", "card number", "card_number", |d| {
        let (prefix, length) = d.of(&[
            ("4", 16),
            ("51", 16),
            ("2319", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("3530", 16),
            ("62", 16),
        ]);
        let b = format!("{prefix}{}", d.digits(length - 1 - prefix.len()));
        let v = format!("{b}{}", luhn_digit(&b));
        match (d.below(3), length) {
            (0, _) => v,
            (n, 15) => {
                let s = if n == 1 { " " } else { "-" };
                format!("{}{s}{}{s}{}", &v[..4], &v[4..10], &v[10..])
            }
            (n, _) => {
                let s = if n == 1 { " " } else { "-" };
                format!("{}{s}{}{s}{}{s}{}", &v[..4], &v[4..8], &v[8..12], &v[12..])
            }
        }
    }),
    ("sg-nric", "NRIC", "nric", |d| {
        let p = d.of(&["S", "T", "F", "G"]);
        let b = d.digits(7);
        let offset = if p == "T" || p == "G" { 4 } else { 0 };
        let letters = if p == "S" || p == "T" {
            "JZIHGFEDCBA"
        } else {
            "XWUTRQPNMLK"
        };
        let c = letters
            .chars()
            .nth((sum(&b, &[2, 7, 6, 5, 4, 3, 2]) + offset) as usize % 11)
            .unwrap();
        format!("{p}{b}{c}")
    }),
    ("th-id", "Thai ID", "citizen_id", |d| {
        let b = format!("{}{}", d.between(1, 8), d.digits(11));
        let c = (11 - sum(&b, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
        if d.below(2) == 0 {
            format!("{b}{c}")
        } else {
            format!("{}-{}-{}-{}-{c}", &b[..1], &b[1..5], &b[5..10], &b[10..])
        }
    }),
    ("tr-identity-number", "T.C. Kimlik No", "tckn", |d| {
        let b = format!("{}{}", d.between(1, 9), d.digits(8));
        let odd = sum(&b, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
        let even = sum(&b, &[0, 1, 0, 1, 0, 1, 0, 1, 0]);
        let tenth = (7 * odd as i32 - even as i32).rem_euclid(10) as u32;
        format!("{b}{tenth}{}", (odd + even + tenth) % 10)
    }),
    ("tw-national-id", "身分證", "taiwan_id", |d| {
        let letter = d.of(&[
            ('A', 10),
            ('B', 11),
            ('F', 15),
            ('I', 34),
            ('W', 32),
            ('Z', 33),
        ]);
        let b = format!("{}{}", d.of(&["1", "2"]), d.digits(7));
        let total = letter.1 / 10 + letter.1 % 10 * 9 + sum(&b, &[8, 7, 6, 5, 4, 3, 2, 1]);
        format!("{}{b}{}", letter.0, (10 - total % 10) % 10)
    }),
    ("us-npi", "NPI", "npi", |d| {
        let b = format!("1{}", d.digits(8));
        format!("{b}{}", luhn_digit(&format!("80840{b}")))
    }),
    (
        "us-routing-number",
        "routing number",
        "routing_number",
        |d| {
            let b = format!("{:02}{}", d.between(1, 12), d.digits(6));
            let c = (10 - sum(&b, &[3, 7, 1, 3, 7, 1, 3, 7]) % 10) % 10;
            format!("{b}{c}")
        },
    ),
    ("us-ssn", "Social Security Number", "ssn", |d| {
        let (area, group, serial) = (d.between(1, 665), d.between(1, 99), d.between(1, 9999));
        if d.below(3) == 0 {
            format!("{area:03}{group:02}{serial:04}")
        } else {
            format!("{area:03}-{group:02}-{serial:04}")
        }
    }),
    ("za-id", "South African ID", "sa_id", |d| {
        let (day, month, year) = d.born();
        let b = format!("{}{month}{day}{}{}8", &year[2..], d.digits(4), d.below(2));
        format!("{b}{}", luhn_digit(&b))
    }),
];

pub fn threes(draw: &mut Draw, digits: &str) -> String {
    match draw.below(3) {
        0 => digits.to_owned(),
        1 => format!("{} {} {}", &digits[..3], &digits[3..6], &digits[6..]),
        _ => format!("{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..]),
    }
}

/// The digit that Verhoeff's table of the dihedral group asks for, written out as in his paper.
fn verhoeff_digit(body: &str) -> usize {
    const D: [[usize; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const P: [[usize; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    const INVERSE: [usize; 10] = [0, 4, 3, 2, 1, 5, 6, 7, 8, 9];
    let rest = body.bytes().rev().enumerate().fold(0, |c, (place, digit)| {
        D[c][P[(place + 1) % 8][usize::from(digit - b'0')]]
    });
    INVERSE[rest]
}
