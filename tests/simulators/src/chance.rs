//! Seeded chance: every draw is a function of the seed, a stream and an index, so nothing needs to be stored.
//!
//! The generator is splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").

/// What a draw is for; two streams never see the same numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Tenant = 1,
    User,
    Group,
    Member,
    Application,
    Grant,
    AppRole,
    RoleAssignment,
    Site,
    Web,
    Drive,
    Item,
    ItemShare,
    Event,
    EventId,
    EventText,
    Delay,
    Blob,
    Shuffle,
    Fault,
    Latency,
    Token,
    Request,
    Domain,
    SignIn,
    Link,
    Label,
    Copy,
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One number for (seed, stream, index).
pub fn draw(seed: u64, stream: Stream, index: u64) -> u64 {
    let start = mix(seed.wrapping_add((stream as u64).wrapping_mul(STEP)));
    mix(start ^ index.wrapping_add(1).wrapping_mul(STEP))
}

/// A number in `[0, 1)`; 53 bits are what a double holds exactly.
pub fn fraction(number: u64) -> f64 {
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// A sequence of draws that begins at (seed, stream, index).
#[derive(Clone)]
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64, stream: Stream, index: u64) -> Draws {
        Draws(draw(seed, stream, index))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `bound`, which must not be zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product is unbiased enough for bounds far below 2^64.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    pub fn fraction(&mut self) -> f64 {
        fraction(self.next())
    }

    pub fn is_one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// A draw of the normal distribution (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.fraction()).cos()
    }
}

/// A GUID that carries its index, so that it can be read back without a table.
pub fn guid(seed: u64, stream: Stream, index: u64) -> String {
    let mut text = String::with_capacity(36);
    push_guid(&mut text, seed, stream, index);
    text
}

pub fn push_guid(out: &mut String, seed: u64, stream: Stream, index: u64) {
    let mask = draw(seed, stream, u64::MAX) as u32;
    let tail = draw(seed, stream, index);
    let high = (u64::from(index as u32 ^ mask) << 32) | (tail >> 32);
    push_guid_bits(out, high, mix(tail));
}

/// The index inside a GUID of this stream, if it is one.
pub fn guid_index(seed: u64, stream: Stream, text: &str) -> Option<u64> {
    let mask = draw(seed, stream, u64::MAX) as u32;
    let front = u32::from_str_radix(text.get(..8)?, 16).ok()?;
    let index = u64::from(front ^ mask);
    guid(seed, stream, index)
        .eq_ignore_ascii_case(text)
        .then_some(index)
}

/// Writes 128 bits as a GUID of version 4.
pub fn push_guid_bits(out: &mut String, high: u64, low: u64) {
    let high = (high & !0xF000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    let mut text = [b'-'; 36];
    let mut at = 0;
    for nibble in 0..32 {
        if matches!(nibble, 8 | 12 | 16 | 20) {
            at += 1;
        }
        let half = if nibble < 16 { high } else { low };
        text[at] = b"0123456789abcdef"[((half >> (60 - 4 * (nibble % 16))) & 15) as usize];
        at += 1;
    }
    out.push_str(std::str::from_utf8(&text).expect("hexadecimal digits are text"));
}
