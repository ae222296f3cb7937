//! Detectors of credentials, of health and of personal data: the table. What finds most of them is in [`super::credentials`] and
//! [`super::personal`].

use super::catalog::{Alone, Detector, Finds, Kind, Number, Verdict};
use super::checks::{is_date, is_yyyymmdd, number};
use super::shape::distinct;
use crate::report::Confidence;

pub(crate) const DETECTORS: &[Detector] = &[
    Detector {
        name: "basic-auth-url",
        kind: Kind::Credential,
        what: "Address with a user's name and password",
        check: "scheme, user, password that is no placeholder, host",
        source: "RFC 3986, 3.2.1",
        ..Detector::SECRET
    },
    Detector {
        name: "connection-string",
        kind: Kind::Credential,
        what: "Connection string of a database or broker with a password",
        check: "scheme or keys of such a string, password that is no placeholder",
        source: "PostgreSQL, 34.1.1 Connection strings; Microsoft, Connection string syntax",
        ..Detector::SECRET
    },
    Detector {
        name: "date-of-birth",
        kind: Kind::Personal,
        what: "Date of birth",
        check: "date that exists, word near by required",
        source: "ISO 8601-1; Unicode CLDR, date formats",
        words: &[
            "dob",
            "date of birth",
            "birth date",
            "birthdate",
            "birthday",
            "born",
            "geburtsdatum",
            "geboren",
            "geb.",
            "date de naissance",
            "né le",
            "née le",
            "fecha de nacimiento",
            "nacido",
            "data di nascita",
            "nato il",
            "nata il",
            "geboortedatum",
            "data urodzenia",
            "födelsedatum",
            "data de nascimento",
        ],
        confidence: Confidence::Medium,
        finds: Finds::Number(Number {
            groups: &[&[4, 2, 2], &[2, 2, 4], &[1, 2, 4], &[2, 1, 4], &[1, 1, 4]],
            shapes: &[
                "9 @ 9999",
                "99 @ 9999",
                "9. @ 9999",
                "99. @ 9999",
                "99-@-9999",
                "@ 9, 9999",
                "@ 99, 9999",
                "@ 99 9999",
            ],
            judge: birthday,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "email-address",
        kind: Kind::Personal,
        what: "E-mail address, in bulk",
        check: "local part, domain with a top level that is not a file's ending; domains for documentation left out",
        source: "RFC 5321, 4.1.2; RFC 2606",
        confidence: Confidence::Medium,
        alone: Alone::Always,
        count_min: 5,
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "generic-secret",
        kind: Kind::Secret,
        what: "Key, token or secret of any service",
        check: "assigned to a name that says so, drawn by a machine, no hash, path or placeholder",
        source: "CWE-798; NIST SP 800-63B, 5.1.1",
        confidence: Confidence::Medium,
        ..Detector::SECRET
    },
    Detector {
        name: "icd-10",
        kind: Kind::Health,
        what: "Code of a diagnosis",
        check: "chapter and category, medical word near by required",
        source: "WHO, ICD-10, version 2019; CMS, ICD-10-CM official guidelines",
        words: &[
            "icd",
            "icd10",
            "icd-10",
            "diagnos*",
            "dx",
            "comorbid*",
            "befund*",
            "hauptdiagnose",
            "nebendiagnose",
        ],
        confidence: Confidence::Medium,
        finds: Finds::Number(Number {
            groups: &[],
            shapes: &["A99.####", "A99.###", "A99.##", "A99.#", "A99"],
            judge: icd_10,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "jwt",
        kind: Kind::Secret,
        what: "JSON web token",
        check: "header decodes and names an algorithm",
        source: "RFC 7519, 3; RFC 7515, 4.1.1",
        ..Detector::SECRET
    },
    Detector {
        name: "medical-record-number",
        kind: Kind::Health,
        what: "Number of a patient's record",
        check: "no check: length and word near by required, no date",
        source: "45 CFR 164.514(b)(2)(i)(H)",
        words: &[
            "mrn",
            "medical record",
            "medical rec",
            "patient id",
            "patient number",
            "patient no",
            "patientennummer",
            "patienten-id",
            "chart number",
            "hospital number",
            "fallnummer",
        ],
        confidence: Confidence::Medium,
        finds: Finds::Number(Number {
            groups: &[&[6], &[7], &[8], &[9], &[10]],
            shapes: &[
                "A999999",
                "A9999999",
                "AA999999",
                "AA9999999",
                "AAA999999",
                "AAA9999999",
            ],
            judge: record_number,
        }),
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "password",
        kind: Kind::Credential,
        what: "Password that is written down",
        check: "assigned to a name that says so, no placeholder, no expression of a programming language",
        source: "CWE-256; CWE-798",
        ..Detector::SECRET
    },
    Detector {
        name: "phone-number",
        kind: Kind::Personal,
        what: "Telephone number, in bulk",
        check: "country and length, or a word near by",
        source: "ITU-T E.164, 6; North American Numbering Plan",
        words: &[
            "phone",
            "telephone",
            "tel",
            "telefon*",
            "téléphone",
            "mobile",
            "mobil",
            "cell",
            "handy",
            "fax",
            "call",
            "contact",
            "teléfono",
            "whatsapp",
        ],
        confidence: Confidence::Medium,
        alone: Alone::Always,
        count_min: 5,
        ..Detector::NATIONAL_ID
    },
    Detector {
        name: "private-key",
        kind: Kind::Secret,
        what: "Private key",
        check: "header of a key and base64 after it",
        source: "RFC 7468, 10 to 12; RFC 4716",
        ..Detector::SECRET
    },
];

fn icd_10(characters: &[u8]) -> Verdict {
    // U is for provisional use; codes with letters in the fourth place and later are of the clinical modification.
    let ends = &characters[3..];
    let is_code = characters[0] != b'U' || characters.starts_with(b"U07");
    Verdict::of(
        is_code
            && ends.iter().skip(1).all(|character| {
                character.is_ascii_digit() || b"ABCDEFGHJKMPQRSX".contains(character)
            }),
        true,
    )
}

fn record_number(characters: &[u8]) -> Verdict {
    let is_day = characters.len() == 8
        && characters.iter().all(u8::is_ascii_digit)
        && is_yyyymmdd(characters);
    Verdict::of(!is_day && distinct(characters) >= 3, true)
}

/// Day, month and year in any of the orders that people write.
fn birthday(characters: &[u8]) -> Verdict {
    let is_birthday = if characters.iter().any(u8::is_ascii_alphabetic) {
        let (first, rest) = split(characters);
        let (name, rest) = split_letters(rest);
        let month = month(name);
        let (day, year) = if first.is_empty() {
            rest.split_at(rest.len().saturating_sub(4))
        } else {
            (first, rest)
        };
        year.len() == 4 && is_born(number(year), month, number(day))
    } else if characters.len() == 8
        && is_born(
            number(&characters[..4]),
            number(&characters[4..6]),
            number(&characters[6..]),
        )
    {
        true
    } else {
        let (days, year) = characters.split_at(characters.len() - 4);
        (1..days.len())
            .filter(|at| *at <= 2 && days.len() - at <= 2)
            .any(|at| {
                let (left, right) = (number(&days[..at]), number(&days[at..]));
                is_born(number(year), right, left) || is_born(number(year), left, right)
            })
    };
    Verdict::of(is_birthday, true)
}

fn is_born(year: u32, month: u32, day: u32) -> bool {
    // The oldest person of whom it is known was born 122 years before she died.
    (1900..2030).contains(&year) && is_date(year, month, day)
}

fn split(characters: &[u8]) -> (&[u8], &[u8]) {
    let at = characters
        .iter()
        .take_while(|character| character.is_ascii_digit())
        .count();
    characters.split_at(at)
}

fn split_letters(characters: &[u8]) -> (&[u8], &[u8]) {
    let at = characters
        .iter()
        .take_while(|character| character.is_ascii_alphabetic())
        .count();
    characters.split_at(at)
}

/// The month that a name of it means, in English, German, French, Spanish, Italian or Dutch; 0 for any other word.
fn month(name: &[u8]) -> u32 {
    const NAMES: [&[&[u8]]; 12] = [
        &[b"JAN", b"ENE", b"GEN"],
        &[b"FEB", b"FEV"],
        &[b"MAR", b"MRZ", b"MAA"],
        &[b"APR", b"AVR", b"ABR"],
        &[b"MAY", b"MAI", b"MEI", b"MAG"],
        &[b"JUN", b"JUIN", b"GIU"],
        &[b"JUL", b"JUIL", b"LUG"],
        &[b"AUG", b"AOU", b"AGO"],
        &[b"SEP", b"SET"],
        &[b"OCT", b"OKT", b"OTT"],
        &[b"NOV"],
        &[b"DEC", b"DEZ", b"DIC"],
    ];
    let place = NAMES
        .iter()
        .position(|names| names.iter().any(|start| name.starts_with(start)));
    place.map_or(0, |place| place as u32 + 1)
}
