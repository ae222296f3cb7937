//! Values drawn from a seed: digits, letters, and what a specification spells.

/// xorshift64* (S. Vigna, 2016).
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % most
    }

    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    pub fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.below(10) as u8))
            .collect()
    }

    pub fn letters(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'A' + self.below(26) as u8))
            .collect()
    }

    /// Day and month as two digits each, and a year of someone who is of age.
    pub fn born(&mut self) -> (String, String, String) {
        (
            format!("{:02}", self.between(1, 28)),
            format!("{:02}", self.between(1, 12)),
            format!("{}", self.between(1940, 1999)),
        )
    }

    /// What a specification spells: `{h32}` is 32 hexadecimal characters, `{a36}` letters and digits, `{U16}` capitals and digits,
    /// `{u43}` base64 for addresses, `{b86}` base64, `{d10}` digits; anything else is itself.
    pub fn spell(&mut self, specification: &str) -> String {
        let mut spelled = String::new();
        let mut rest = specification;
        while let Some((before, after)) = rest.split_once('{') {
            spelled.push_str(before);
            let (wanted, after) = after.split_once('}').unwrap();
            let (kind, count) = wanted.split_at(1);
            spelled.push_str(&self.run(kind, count.parse().unwrap()));
            rest = after;
        }
        spelled + rest
    }

    fn run(&mut self, kind: &str, count: usize) -> String {
        const ALL: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let alphabet = match kind {
            "h" => "0123456789abcdef".to_owned(),
            "a" => ALL.to_owned(),
            "U" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".to_owned(),
            "l" => "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
            "u" => format!("{ALL}_-"),
            "b" => format!("{ALL}+/"),
            "d" => "0123456789".to_owned(),
            other => panic!("no alphabet {other}"),
        };
        let letters: Vec<char> = alphabet.chars().collect();
        let mut run: Vec<char> = (0..count).map(|_| self.of(&letters)).collect();
        // A token does not begin or end with a hyphen here, so that words of a sentence do not join it.
        for end in [0, count - 1] {
            if !run[end].is_ascii_alphanumeric() {
                run[end] = 'q';
            }
        }
        run.into_iter().collect()
    }
}

/// The sum of digits times weights.
pub fn sum(digits: &str, weights: &[u32]) -> u32 {
    digits
        .chars()
        .zip(weights)
        .map(|(digit, weight)| digit.to_digit(10).unwrap() * weight)
        .sum()
}

/// The digit that makes Luhn's sum end with 0: doubles from the right, digits of products added.
pub fn luhn_digit(body: &str) -> u32 {
    let total: u32 = body
        .chars()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = digit.to_digit(10).unwrap();
            if place % 2 == 0 {
                (digit * 2) / 10 + (digit * 2) % 10
            } else {
                digit
            }
        })
        .sum();
    (10 - total % 10) % 10
}

/// Draws until a value has what is wanted.
pub fn until(draw: &mut Draw, mut make: impl FnMut(&mut Draw) -> Option<String>) -> String {
    (0..10_000)
        .find_map(|_| make(draw))
        .expect("one of ten thousand fits")
}
