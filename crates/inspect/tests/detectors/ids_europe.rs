//! National ids of Europe, made as their standards say and not as our checks are written.

use crate::draw::{luhn_digit, sum, until};
use crate::ids::{Identity, threes};

pub const EUROPE: &[Identity] = &[
    ("at-svnr", "Sozialversicherungsnummer", "svnr", |d| {
        until(d, |d| {
            let (day, month, year) = d.born();
            let s = format!("{}{}", d.between(1, 9), d.digits(2));
            let r = (sum(&s, &[3, 7, 9])
                + sum(&format!("{day}{month}{}", &year[2..]), &[5, 8, 4, 2, 1, 6]))
                % 11;
            (r < 10).then(|| format!("{s}{r}{}{day}{month}{}", d.of(&["", " "]), &year[2..]))
        })
    }),
    (
        "be-national-number",
        "rijksregisternummer",
        "national_number",
        |d| {
            let (day, month, year) = d.born();
            let b = format!("{}{month}{day}{:03}", &year[2..], d.between(1, 997));
            let c = 97 - b.parse::<u64>().unwrap() % 97;
            if d.below(2) == 0 {
                format!("{b}{c:02}")
            } else {
                format!("{}.{}.{}-{}.{c:02}", &b[..2], &b[2..4], &b[4..6], &b[6..])
            }
        },
    ),
    ("bg-egn", "ЕГН", "egn", |d| {
        let (day, month, year) = d.born();
        let b = format!("{}{month}{day}{}", &year[2..], d.digits(3));
        format!("{b}{}", sum(&b, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10)
    }),
    ("ch-ahv", "AHV-Nummer", "ahv_nummer", |d| {
        let b = format!("756{}", d.digits(9));
        let c = (10 - sum(&b, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10) % 10;
        if d.below(3) == 0 {
            format!("{b}{c}")
        } else {
            format!("{}.{}.{}.{}{c}", &b[..3], &b[3..7], &b[7..11], &b[11..])
        }
    }),
    ("cz-birth-number", "rodné číslo", "rodne_cislo", |d| {
        until(d, |d| {
            let (day, month, year) = d.born();
            let b = format!("{}{month}{day}", &year[2..]);
            let e = d.digits(4);
            let v: u64 = format!("{b}{e}").parse().unwrap();
            v.is_multiple_of(11).then(|| format!("{b}/{e}"))
        })
    }),
    ("de-tax-id", "Steuer-ID", "steuer_id", |d| {
        let mut digits: Vec<u32> = (0..10).collect();
        for at in (1..10).rev() {
            digits.swap(at, d.below(at as u64 + 1) as usize);
        }
        let (from, to) = (d.below(9) as usize, 9);
        digits[to] = digits[from];
        if digits[0] == 0 {
            digits.swap(0, 1);
        }
        let mut p = 10;
        for digit in &digits {
            let mut s = (digit + p) % 10;
            if s == 0 {
                s = 10;
            }
            p = 2 * s % 11;
        }
        let c = if p == 1 { 0 } else { 11 - p };
        let b: String = digits.iter().map(u32::to_string).collect();
        if d.below(2) == 0 {
            format!("{b}{c}")
        } else {
            format!("{} {} {} {}{c}", &b[..2], &b[2..5], &b[5..8], &b[8..])
        }
    }),
    ("dk-cpr", "CPR-nummer", "cpr", |d| {
        let (day, month, year) = d.born();
        format!("{day}{month}{}-{}", &year[2..], d.digits(4))
    }),
    ("ee-isikukood", "isikukood", "isikukood", |d| {
        let (day, month, year) = d.born();
        let b = format!(
            "{}{}{month}{day}{}",
            d.of(&["3", "4"]),
            &year[2..],
            d.digits(3)
        );
        let c = match sum(&b, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
            10 => sum(&b, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
            c => c,
        };
        format!("{b}{c}")
    }),
    ("es-dni", "DNI", "dni", |d| {
        let (prefix, b) = if d.below(3) == 0 {
            let p = d.below(3);
            (
                ["X", "Y", "Z"][p as usize].to_owned(),
                format!("{p}{}", d.digits(7)),
            )
        } else {
            (String::new(), d.digits(8))
        };
        let c = "TRWAGMYFPDXBNJZSQVHLCKE"
            .chars()
            .nth(b.parse::<usize>().unwrap() % 23)
            .unwrap();
        if prefix.is_empty() {
            format!("{b}{c}")
        } else {
            format!("{prefix}{}{c}", &b[1..])
        }
    }),
    ("fi-hetu", "henkilötunnus", "hetu", |d| {
        let (day, month, year) = d.born();
        let b = format!("{day}{month}{}", &year[2..]);
        let n = format!("{:03}", d.between(2, 899));
        let c = "0123456789ABCDEFHJKLMNPRSTUVWXY"
            .chars()
            .nth(format!("{b}{n}").parse::<usize>().unwrap() % 31)
            .unwrap();
        format!("{b}-{n}{c}")
    }),
    ("fr-nir", "numéro de sécurité sociale", "nir", |d| {
        let b = format!(
            "{}{}{:02}{:02}{:03}{:03}",
            d.of(&["1", "2"]),
            d.between(40, 99),
            d.between(1, 12),
            d.between(1, 19),
            d.between(1, 900),
            d.between(1, 900)
        );
        let c = 97 - b.parse::<u64>().unwrap() % 97;
        if d.below(2) == 0 {
            format!("{b}{c:02}")
        } else {
            format!(
                "{} {} {} {} {} {} {c:02}",
                &b[..1],
                &b[1..3],
                &b[3..5],
                &b[5..7],
                &b[7..10],
                &b[10..]
            )
        }
    }),
    ("gr-amka", "ΑΜΚΑ", "amka", |d| {
        let (day, month, year) = d.born();
        let b = format!("{day}{month}{}{}", &year[2..], d.digits(4));
        format!("{b}{}", luhn_digit(&b))
    }),
    ("hr-oib", "OIB", "oib", |d| {
        let b = d.digits(10);
        let mut p = 10;
        for digit in b.chars() {
            let mut s = (digit.to_digit(10).unwrap() + p) % 10;
            if s == 0 {
                s = 10;
            }
            p = 2 * s % 11;
        }
        format!("{b}{}", if p == 1 { 0 } else { 11 - p })
    }),
    ("ie-pps", "PPS number", "ppsn", |d| {
        let b = d.digits(7);
        let second = d.of(&["", "A", "B"]);
        let extra = match second {
            "A" => 9,
            "B" => 18,
            _ => 0,
        };
        let c = "WABCDEFGHIJKLMNOPQRSTUV"
            .chars()
            .nth((sum(&b, &[8, 7, 6, 5, 4, 3, 2]) + extra) as usize % 23)
            .unwrap();
        format!("{b}{c}{second}")
    }),
    (
        "it-codice-fiscale",
        "codice fiscale",
        "codice_fiscale",
        |d| {
            let b = format!(
                "{}{:02}{}{:02}{}{:03}",
                d.letters(6),
                d.between(40, 99),
                d.of(&["A", "B", "C", "D", "E", "H", "L", "M", "P", "R", "S", "T"]),
                d.between(1, 28) + 40 * d.below(2),
                d.letters(1),
                d.between(1, 999)
            );
            const ODD: &[(char, u32)] = &[
                ('A', 1),
                ('B', 0),
                ('C', 5),
                ('D', 7),
                ('E', 9),
                ('F', 13),
                ('G', 15),
                ('H', 17),
                ('I', 19),
                ('J', 21),
                ('K', 2),
                ('L', 4),
                ('M', 18),
                ('N', 20),
                ('O', 11),
                ('P', 3),
                ('Q', 6),
                ('R', 8),
                ('S', 12),
                ('T', 14),
                ('U', 16),
                ('V', 10),
                ('W', 22),
                ('X', 25),
                ('Y', 24),
                ('Z', 23),
                ('0', 1),
                ('1', 0),
                ('2', 5),
                ('3', 7),
                ('4', 9),
                ('5', 13),
                ('6', 15),
                ('7', 17),
                ('8', 19),
                ('9', 21),
            ];
            let total: u32 = b
                .chars()
                .enumerate()
                .map(|(place, c)| {
                    if place % 2 == 0 {
                        ODD.iter().find(|(k, _)| *k == c).unwrap().1
                    } else {
                        match c.to_digit(36).unwrap() {
                            n if n > 9 => n - 10,
                            n => n,
                        }
                    }
                })
                .sum();
            format!("{b}{}", char::from(b'A' + (total % 26) as u8))
        },
    ),
    ("nl-bsn", "burgerservicenummer", "bsn", |d| {
        until(d, |d| {
            let b = format!("{}{}", d.between(1, 9), d.digits(7));
            let c = sum(&b, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            (c < 10).then(|| format!("{b}{c}"))
        })
    }),
    ("no-fodselsnummer", "fødselsnummer", "fnr", |d| {
        until(d, |d| {
            let (day, month, year) = d.born();
            let b = format!("{day}{month}{}{}", &year[2..], d.digits(3));
            let first = (11 - sum(&b, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
            let second = (11 - (sum(&b, &[5, 4, 3, 2, 7, 6, 5, 4, 3]) + 2 * first) % 11) % 11;
            (first < 10 && second < 10).then(|| format!("{b}{first}{second}"))
        })
    }),
    ("pl-pesel", "PESEL", "pesel", |d| {
        let (day, month, year) = d.born();
        let b = format!("{}{month}{day}{}", &year[2..], d.digits(4));
        let c = (10 - sum(&b, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10;
        format!("{b}{c}")
    }),
    ("pt-nif", "contribuinte", "contribuinte", |d| {
        let b = format!("{}{}", d.of(&["1", "2", "3"]), d.digits(7));
        let c = match sum(&b, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
            0 | 1 => 0,
            r => 11 - r,
        };
        let v = format!("{b}{c}");
        threes(d, &v)
    }),
    ("ro-cnp", "cod numeric personal", "cnp", |d| {
        let (day, month, year) = d.born();
        let b = format!(
            "{}{}{month}{day}{:02}{:03}",
            d.of(&["1", "2"]),
            &year[2..],
            d.between(1, 46),
            d.between(1, 999)
        );
        let c = match sum(&b, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
            10 => 1,
            c => c,
        };
        format!("{b}{c}")
    }),
    ("se-personnummer", "personnummer", "personnummer", |d| {
        let (day, month, year) = d.born();
        let b = format!("{}{month}{day}{}", &year[2..], d.digits(3));
        let c = luhn_digit(&b);
        if d.below(2) == 0 {
            format!("{}-{}{c}", &b[..6], &b[6..])
        } else {
            format!("{}{}-{}{c}", &year[..2], &b[..6], &b[6..])
        }
    }),
    ("uk-nhs-number", "NHS number", "nhs_number", |d| {
        until(d, |d| {
            let b = format!("{}{}", d.of(&["4", "6", "7", "9"]), d.digits(8));
            let c = (11 - sum(&b, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
            (c < 10).then(|| {
                if d.below(2) == 0 {
                    format!("{b}{c}")
                } else {
                    format!("{} {} {}{c}", &b[..3], &b[3..6], &b[6..])
                }
            })
        })
    }),
    ("uk-nino", "National Insurance number", "nino", |d| {
        let (prefix, digits, suffix) = (
            d.of(&["AB", "CE", "JM", "PW", "SY"]),
            d.digits(6),
            d.of(&["A", "B", "C", "D"]),
        );
        if d.below(2) == 0 {
            format!("{prefix}{digits}{suffix}")
        } else {
            format!(
                "{prefix} {} {} {} {suffix}",
                &digits[..2],
                &digits[2..4],
                &digits[4..]
            )
        }
    }),
];
