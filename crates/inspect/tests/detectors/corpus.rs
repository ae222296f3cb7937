//! All documents of the corpus: what each holds, and what should be found in it.

use crate::draw::Draw;
use crate::ids::{IDS, Make};
use crate::lookalikes::LOOKALIKES;
use crate::surroundings::{Called, Document, labelled, settings, unlabelled};
use crate::tokens::{TOKENS, token};

/// A document that is made for one detector.
pub struct Case {
    /// Nothing's, for look-alikes of everything.
    pub detector: &'static str,
    pub text: String,
    /// What looks like a value of it.
    pub values: u64,
    /// What is one.
    pub wanted: u64,
}

#[derive(Default)]
struct Corpus {
    cases: Vec<Case>,
}

impl Corpus {
    fn present(&mut self, detector: &'static str, documents: Vec<Document>) {
        self.cases
            .extend(documents.into_iter().map(|document| Case {
                detector,
                text: document.text,
                values: document.values,
                wanted: document.values,
            }));
    }

    fn absent(&mut self, detector: &'static str, documents: Vec<Document>) {
        self.cases
            .extend(documents.into_iter().map(|document| Case {
                detector,
                text: document.text,
                values: document.values,
                wanted: 0,
            }));
    }
}

/// So many rounds of all surroundings for each detector, and of all look-alikes.
pub fn cases(rounds: usize) -> Vec<Case> {
    let mut corpus = Corpus::default();
    let mut draw = Draw(20_261_123);
    for _ in 0..rounds {
        for (detector, label, name, make) in IDS.iter() {
            identity(
                &mut corpus,
                &mut draw,
                detector,
                &Called { label, name },
                *make,
            );
        }
        for (detector, name, specification) in TOKENS {
            let documents = settings(&mut draw, name, |draw| token(draw, detector, specification));
            corpus.present(detector, documents);
            let halves = settings(&mut draw, "file_id", |draw| {
                half(&token(draw, detector, specification))
            });
            corpus.absent(detector, halves);
        }
        personal(&mut corpus, &mut draw);
        for (_, make) in LOOKALIKES {
            let text = make(&mut draw);
            corpus.cases.push(Case {
                detector: "",
                text,
                values: 0,
                wanted: 0,
            });
        }
    }
    corpus.cases
}

/// Numbers of people and accounts: right ones, and those of which a digit is wrong.
fn identity(
    corpus: &mut Corpus,
    draw: &mut Draw,
    detector: &'static str,
    called: &Called<'_>,
    make: Make,
) {
    let documents = labelled(draw, called, make);
    corpus.present(detector, documents);
    let has_check = !["dk-cpr", "in-pan", "uk-nino", "us-ssn"].contains(&detector);
    if has_check {
        let documents = labelled(draw, called, |draw| match detector {
            // The last digit is that of a member of the family: the check is before it.
            "au-medicare" => {
                let value = make(draw);
                let check = value
                    .trim_end_matches(|last: char| last.is_ascii_digit())
                    .trim_end();
                if check.is_empty() {
                    format!("{}{}", one_off(&value[..9]), &value[9..])
                } else {
                    format!("{}{}", one_off(check), &value[check.len()..])
                }
            }
            _ => one_off(&make(draw)),
        });
        corpus.absent(detector, documents);
    } else {
        let documents = labelled(draw, called, |draw| never_given_out(&make(draw), detector));
        corpus.absent(detector, documents);
    }
    // A number like many others says nothing without a word; those with strong checks are right to be found.
    let is_weak = ![
        "ch-ahv",
        "cn-resident-id",
        "fi-hetu",
        "fr-nir",
        "iban",
        "it-codice-fiscale",
        "mx-curp",
        "payment-card",
        "be-national-number",
        "no-fodselsnummer",
        "se-personnummer",
        "br-cpf",
        "kr-rrn",
        "us-ssn",
        "uk-nino",
    ]
    .contains(&detector);
    let documents = unlabelled(draw, make);
    if is_weak {
        corpus.absent(detector, documents);
    } else if !["br-cpf", "us-ssn", "uk-nino"].contains(&detector) {
        corpus.present(detector, documents);
    }
}

/// The last character is another: the check digit no longer fits.
fn one_off(value: &str) -> String {
    let (body, last) = value.split_at(value.len() - 1);
    let last = last.chars().next().unwrap();
    let other = match last {
        '9' => '0',
        'Z' => 'A',
        'X' => '1',
        other => char::from_u32(other as u32 + 1).unwrap(),
    };
    format!("{body}{other}")
}

/// Areas, letters and days that no authority uses.
fn never_given_out(value: &str, detector: &str) -> String {
    match detector {
        "dk-cpr" => format!("39{}", &value[2..]),
        "in-pan" => format!("{}X{}", &value[..3], &value[4..]),
        "uk-nino" => format!("DF{}", &value[2..]),
        _ => format!("9{}", &value[1..]),
    }
}

/// A token that broke off.
fn half(value: &str) -> String {
    let value: String = value
        .chars()
        .filter(|character| !character.is_whitespace() && *character != '@')
        .collect();
    let end = value.len() / 2;
    value[..end.min(18)].to_owned()
}

fn personal(corpus: &mut Corpus, draw: &mut Draw) {
    let mail = |draw: &mut Draw| {
        format!(
            "{}.{}@{}",
            draw.of(&["anna", "b", "chiara_m"]),
            draw.spell("{l6}"),
            draw.of(&["mail.fr", "firma-nord.de", "uni.ac.uk", "corp.io"])
        )
    };
    let documents = labelled(
        draw,
        &Called {
            label: "e-mail address",
            name: "email",
        },
        mail,
    );
    corpus.present("email-address", documents);
    let documents = unlabelled(draw, |draw| {
        format!(
            "{}@{}",
            draw.spell("{l6}"),
            draw.of(&["2x.png", "example.com", "host", "1.2.3"])
        )
    });
    corpus.absent("email-address", documents);
    let phone = |draw: &mut Draw| match draw.below(4) {
        0 => format!(
            "+49 {} {}",
            draw.between(30, 89),
            draw.between(1_000_000, 9_999_999)
        ),
        1 => format!(
            "({}) {}-{}",
            draw.between(212, 989),
            draw.between(212, 989),
            draw.between(1000, 9999)
        ),
        2 => format!(
            "+33 6 {} {} {} {}",
            draw.between(10, 99),
            draw.between(10, 99),
            draw.between(10, 99),
            draw.between(10, 99)
        ),
        _ => format!(
            "+1-{}-{}-{}",
            draw.between(212, 989),
            draw.between(212, 989),
            draw.between(1000, 9999)
        ),
    };
    let documents = labelled(
        draw,
        &Called {
            label: "phone number",
            name: "phone",
        },
        phone,
    );
    corpus.present("phone-number", documents);
    let documents = unlabelled(draw, |draw| format!("+{}", draw.digits(4)));
    corpus.absent("phone-number", documents);
    let birthday = |draw: &mut Draw| {
        let (day, month, year) = draw.born();
        match draw.below(4) {
            0 => format!("{year}-{month}-{day}"),
            1 => format!("{day}.{month}.{year}"),
            2 => format!("{month}/{day}/{year}"),
            _ => format!(
                "{} {} {year}",
                day.trim_start_matches('0'),
                draw.of(&["March", "Oktober", "décembre", "July"])
            ),
        }
    };
    let documents = labelled(
        draw,
        &Called {
            label: "date of birth",
            name: "date_of_birth",
        },
        |draw| birthday(draw).replace("décembre", "December"),
    );
    corpus.present("date-of-birth", documents);
    let documents = unlabelled(draw, birthday);
    corpus.absent("date-of-birth", documents);
    let documents = labelled(
        draw,
        &Called {
            label: "date of birth",
            name: "dob",
        },
        |draw| format!("{}-{}-2024", draw.between(32, 99), draw.between(13, 99)),
    );
    corpus.absent("date-of-birth", documents);
    let code = |draw: &mut Draw| {
        format!(
            "{}{}.{}",
            draw.of(&["E", "F", "I", "J", "M"]),
            draw.between(10, 99),
            draw.below(10)
        )
    };
    let documents = labelled(
        draw,
        &Called {
            label: "diagnosis",
            name: "icd10",
        },
        code,
    );
    corpus.present("icd-10", documents);
    let documents = unlabelled(draw, code);
    corpus.absent("icd-10", documents);
    let record = |draw: &mut Draw| {
        format!(
            "{}{}",
            draw.of(&["", "H", "MR"]),
            draw.between(1_000_000, 9_999_999)
        )
    };
    let documents = labelled(
        draw,
        &Called {
            label: "medical record number",
            name: "mrn",
        },
        record,
    );
    corpus.present("medical-record-number", documents);
    let documents = unlabelled(draw, record);
    corpus.absent("medical-record-number", documents);
}
