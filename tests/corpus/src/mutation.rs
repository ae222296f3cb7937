//! Ways to damage a record or a page, each as vendors, networks and attackers do it; all by numbers drawn from a seed.

use serde_json::value::RawValue;

/// Numbers that look random and are the same for the same seed (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", SplitMix64).
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Draws {
        Draws(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub fn pick<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.below(from.len())]
    }
}

/// Members that are looked into, and one that nobody knows.
const NAMES: &[&str] = &[
    "Id",
    "CreationTime",
    "Operation",
    "RecordType",
    "UserType",
    "UserId",
    "UserKey",
    "Workload",
    "ResultStatus",
    "ClientIP",
    "ActorIpAddress",
    "ObjectId",
    "Actor",
    "Target",
    "ModifiedProperties",
    "ExtendedProperties",
    "DeviceProperties",
    "Parameters",
    "Item",
    "AffectedItems",
    "Members",
    "EventData",
    "AppAccessContext",
    "PolicyDetails",
    "SharePointMetaData",
    "ExchangeMetaData",
    "SourceFileName",
    "FileSizeBytes",
    "MailboxOwnerUPN",
    "casbah",
    "Strange",
    "\\u0049d",
    "\\ud83d",
    "",
];

/// Values of other types than documented, and texts that are more than they seem.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "12",
    "\"12\"",
    "1e999",
    "-1.5E-7",
    "18446744073709551616",
    "9223372036854775807",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "[\"x\",{\"Name\":1}]",
    "{\"Name\":\"x\",\"Value\":[]}",
    "[{\"Name\":\"x\",\"Value\":\"\\\"\"}]",
    "\"\\ud83d\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u0000\\u001f\"",
    "\"\\\\\\\"\\/\"",
    "\" \"",
    "\"\u{fffd}\"",
    "\"\u{10ffff}\"",
    "\"\u{2028}\"",
    "[{\"ID\":\"User_\u{e4}\",\"Type\":2}]",
    "\"<>=; Scope: , ]=>\"",
    // Dates.
    "\"2026-05-16 09:58:14\"",
    "\"2026-05-16T09:58:14.1234567\"",
    "\"2026-05-16T09:58:14+25:00\"",
    "\"2026-02-30T09:58:14\"",
    "\"0000-01-01T00:00:00\"",
    "\"9999-12-31T23:59:60Z\"",
    "\"-009999-01-01T00:00:00Z\"",
    "\"0001-01-01T00:00:00\"",
    "\"2026-05-16\"",
    "1778925494",
    // Addresses.
    "\"203.0.113.9:443\"",
    "\"[2001:db8::1]:99999\"",
    "\"[2001:db8::1]:443\"",
    "\"::ffff:203.0.113.9\"",
    "\"fe80::1%eth0\"",
    "\"<null>\"",
    "\" 203.0.113.9 \"",
    "\"203.0.113.9, 10.0.0.1\"",
    "\"[]:1\"",
    "\"1.2.3.4:\"",
    "\"a@b@c\"",
    "\"@\"",
    "\"ServicePrincipal_\"",
    "\"http://\"",
];

/// Levels of nesting and lengths of texts, around the limits that somebody has.
const LEVELS: &[usize] = &[2, 99, 100, 101, 127, 128, 129, 1_000, 20_000];
const LENGTHS: &[usize] = &[255, 511, 512, 513, 4_096, 65_535, 65_536, 300_000];

/// Damages a record a few times.
pub fn mutate(draws: &mut Draws, record: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=draws.below(4) {
        match draws.below(12) {
            0 => record.truncate(draws.below(record.len() + 1)),
            1 => drop(damage(draws, record)),
            2 => splice(draws, record, other),
            3 | 4 => repeat(draws, record),
            5 => replace(record, draws, |_, _| b"\"x\"".to_vec()),
            6 => replace(record, draws, nested),
            7 if draws.one_in(8) => replace(record, draws, long),
            8 => replace(record, draws, quoted),
            _ => replace(record, draws, |draws, _| value(draws)),
        }
    }
}

/// Changes, adds or takes away a byte or a few; returns where.
pub fn damage(draws: &mut Draws, text: &mut Vec<u8>) -> usize {
    let at = draws.below(text.len());
    let end = text.len().min(at + 1 + draws.below(4));
    let structure = draws.pick(&[
        "\"", "\\", "{", "}", "[", "]", ",", ":", "\n", " ", "\u{0}", "ä",
    ]);
    match draws.below(5) {
        0 => text.truncate(at),
        1 => drop(text.drain(at..end)),
        2 => drop(text.splice(at..end, structure.bytes())),
        3 => drop(text.splice(at..at, structure.bytes())),
        _ => drop(text.splice(at..end, [draws.below(256) as u8])),
    }
    at
}

/// Puts a part of another record anywhere.
fn splice(draws: &mut Draws, record: &mut Vec<u8>, other: &[u8]) {
    let (at, from) = (draws.below(record.len()), draws.below(other.len()));
    let to = other.len().min(from + draws.below(200));
    let end = record.len().min(at + draws.below(200));
    record.splice(at..end, other[from..to].iter().copied());
}

/// Adds a member, which may be there already, before or after the others.
fn repeat(draws: &mut Draws, record: &mut Vec<u8>) {
    let name = draws.pick(NAMES);
    let mut member = format!("\"{name}\":").into_bytes();
    member.extend(value(draws));
    let last = record.iter().rposition(|byte| *byte == b'}');
    match last {
        Some(last) if draws.one_in(2) => {
            member.insert(0, b',');
            record.splice(last..last, member);
        }
        _ => {
            member.push(b',');
            let first = record.len().min(1);
            record.splice(first..first, member);
        }
    }
}

fn value(draws: &mut Draws) -> Vec<u8> {
    draws.pick(VALUES).as_bytes().to_vec()
}

/// The value in brackets, many of them.
fn nested(draws: &mut Draws, value: &[u8]) -> Vec<u8> {
    let levels = LEVELS[draws.below(LEVELS.len())];
    let (open, close) = match draws.one_in(2) {
        true => ("[", "]"),
        false => ("{\"Value\":", "}"),
    };
    [
        open.repeat(levels).as_bytes(),
        value,
        close.repeat(levels).as_bytes(),
    ]
    .concat()
}

/// A text of a length that is somebody's limit.
fn long(draws: &mut Draws, _value: &[u8]) -> Vec<u8> {
    let length = LENGTHS[draws.below(LENGTHS.len())];
    let letter = draws.pick(&["x", "\\u0000", "\\ud83d", "ä", "<", "\\\""]);
    format!("\"{}\"", letter.repeat(length / letter.len())).into_bytes()
}

/// A number as a text, a text as part of a text.
fn quoted(_draws: &mut Draws, value: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(value);
    serde_json::Value::from(text).to_string().into_bytes()
}

/// Puts something in the place of the value of any member, at any depth.
fn replace(record: &mut Vec<u8>, draws: &mut Draws, by: impl FnOnce(&mut Draws, &[u8]) -> Vec<u8>) {
    let begin = draws.below(record.len());
    let colon = record[begin..].windows(2).position(|pair| pair == b"\":");
    let Some(from) = colon.map(|at| begin + at + 2) else {
        return;
    };
    let to = from + value_length(&record[from..]);
    let new = by(draws, &record[from..to]);
    record.splice(from..to, new);
}

/// How long the value is that a text begins with.
fn value_length(text: &[u8]) -> usize {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>();
    let first = values.next();
    first
        .and_then(Result::ok)
        .map_or(0, |value| value.get().len())
}
