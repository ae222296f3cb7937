//! National ids and numbers of accounts, made as their standards say and not as our checks are written.

use crate::draw::{Draw, luhn_digit, sum, until};

pub type Make = fn(&mut Draw) -> String;

/// A detector, what people call its values, the name in a file of data, and how a value is made.
pub const IDS: &[(&str, &str, &str, Make)] = &[
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
            (sum(&b, &[1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0 && !b.starts_with('0'))
                .then(|| threes(d, &b))
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
    ("ch-ahv", "AHV-Nummer", "ahv_nummer", |d| {
        let b = format!("756{}", d.digits(9));
        let c = (10 - sum(&b, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10) % 10;
        if d.below(3) == 0 {
            format!("{b}{c}")
        } else {
            format!("{}.{}.{}.{}{c}", &b[..3], &b[3..7], &b[7..11], &b[11..])
        }
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

fn threes(draw: &mut Draw, digits: &str) -> String {
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
