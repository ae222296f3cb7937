//! What generated files say: believable letters, some of which hold what should not lie about. All of it is invented.

use crate::chance::{Draws, Stream};

/// What is in a document, as whoever looks into it should find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    Nothing,
    /// As many different ones as the number says.
    PaymentCards(u64),
    Ibans(u64),
}

/// One document in so many holds something.
const ONE_IN: u64 = 10;
const MOST: u64 = 4;

const GREETINGS: [&str; 4] = [
    "Dear colleagues,",
    "Minutes of the meeting",
    "Notes for the project",
    "Summary of the quarter",
];
const SENTENCES: [&str; 6] = [
    "The delivery was late again, and the customer would like to know why.",
    "We agreed on the second proposal, with the changes that are listed below.",
    "Nobody has an opinion on the colour of the door.",
    "The numbers of the branch in Porto are better than those of last spring.",
    "Please read the attached pages before Thursday.",
    "The room is booked until noon, and there will be coffee.",
];

/// What the document of a draw holds.
pub fn held(draw: u64) -> Held {
    let mut draws = Draws::new(draw, Stream::Blob, 1);
    if !draws.is_one_in(ONE_IN) {
        return Held::Nothing;
    }
    let count = 1 + draws.below(MOST);
    match draws.below(2) {
        0 => Held::PaymentCards(count),
        _ => Held::Ibans(count),
    }
}

/// The document of a draw, filled up with blanks to `size`; one that has no room for its words is cut off.
pub fn text(draw: u64, size: u64) -> String {
    let mut text = words(draw);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    text.truncate(size);
    let blanks = " ".repeat(size - text.len());
    text + &blanks
}

/// Its words alone, ASCII and shorter than any generated file.
pub fn words(draw: u64) -> String {
    let mut draws = Draws::new(draw, Stream::Blob, 2);
    let mut text = format!("{}\n\n", draws.pick(&GREETINGS));
    for _ in 0..2 + draws.below(3) {
        text += draws.pick(&SENTENCES);
        text.push('\n');
    }
    match held(draw) {
        Held::Nothing => {}
        Held::PaymentCards(count) => {
            for _ in 0..count {
                text += &format!("Credit card: {}\n", card(&mut draws));
            }
        }
        Held::Ibans(count) => {
            for _ in 0..count {
                text += &format!("IBAN: {}\n", iban(&mut draws));
            }
        }
    }
    text
}

/// Sixteen digits of no bank that issues cards by them, with the check digit of ISO/IEC 7812-1, annex B.
fn card(draws: &mut Draws) -> String {
    let digits: Vec<u64> = [4, 9, 2, 9]
        .into_iter()
        .chain((0..11).map(|_| draws.below(10)))
        .collect();
    let doubled = |digit: u64| match digit * 2 {
        sum @ 0..=9 => sum,
        sum => sum - 9,
    };
    let sum: u64 = (digits.iter().enumerate())
        .map(|(place, digit)| match place % 2 {
            0 => doubled(*digit),
            _ => *digit,
        })
        .sum();
    let check = (10 - sum % 10) % 10;
    let all = digits.into_iter().chain([check]);
    let all: String = all.map(|digit| char::from(b'0' + digit as u8)).collect();
    [&all[..4], &all[4..8], &all[8..12], &all[12..]].join(" ")
}

/// A German account number with the check digits of ISO 13616-1.
fn iban(draws: &mut Draws) -> String {
    let account: String = (0..18)
        .map(|_| char::from(b'0' + draws.below(10) as u8))
        .collect();
    // D is 13 and E is 14; the check digits are zero while they are computed.
    let digits = format!("{account}131400");
    let rest = digits
        .bytes()
        .fold(0, |rest, digit| (rest * 10 + u64::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_as_long_as_it_is_said_to_be_and_always_the_same() {
        for size in [0, 7, 5000] {
            assert_eq!(text(3, size).len() as u64, size);
        }
        assert_eq!(text(3, 5000), text(3, 5000));
        assert_ne!(text(3, 5000), text(4, 5000));
        let longest = (0..2000).map(|draw| words(draw).len()).max();
        assert!(longest < Some(1000), "{longest:?}");
    }

    #[test]
    fn some_hold_something() {
        let all = (0..2000).map(held);
        let some = all.filter(|held| *held != Held::Nothing).count();
        assert!((150..250).contains(&some), "{some}");
    }
}
