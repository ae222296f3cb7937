//! Predictors of PDF filters, which make rows of numbers smaller: tables of objects most of all.

use std::io::{self, Read};

/// Rows as differences (ISO 32000-1, 7.4.4.4): of PNG, each with its kind; of TIFF only where a component is a byte.
pub(crate) struct Predictor<'b> {
    input: Box<dyn Read + 'b>,
    is_png: bool,
    pixel: usize,
    before: Vec<u8>,
    row: Vec<u8>,
    taken: usize,
}

impl<'b> Predictor<'b> {
    pub(crate) fn new(
        input: Box<dyn Read + 'b>,
        predictor: usize,
        pixel: usize,
        row: usize,
    ) -> Predictor<'b> {
        Predictor {
            input,
            is_png: predictor >= 10,
            pixel,
            before: vec![0; row],
            row: vec![0; row],
            taken: row,
        }
    }

    fn next_row(&mut self) -> io::Result<bool> {
        let mut kind = [0];
        if self.is_png && self.input.read(&mut kind)? == 0 {
            return Ok(false);
        }
        std::mem::swap(&mut self.before, &mut self.row);
        let mut filled = 0;
        while filled < self.row.len() {
            match self.input.read(&mut self.row[filled..])? {
                0 => break,
                count => filled += count,
            }
        }
        self.row[filled..].fill(0);
        for at in 0..filled {
            let left = if at >= self.pixel {
                self.row[at - self.pixel]
            } else {
                0
            };
            let corner = if at >= self.pixel {
                self.before[at - self.pixel]
            } else {
                0
            };
            let up = self.before[at];
            let guess = match (self.is_png, kind[0]) {
                (false, _) | (true, 1) => left,
                (true, 2) => up,
                (true, 3) => ((u16::from(left) + u16::from(up)) / 2) as u8,
                (true, 4) => paeth(left, up, corner),
                (true, _) => 0,
            };
            self.row[at] = self.row[at].wrapping_add(guess);
        }
        self.taken = self.row.len() - filled;
        self.row.rotate_right(self.taken);
        Ok(filled > 0)
    }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |value: u8| (estimate - i16::from(value)).abs();
    match (far(left), far(up), far(corner)) {
        (a, b, c) if a <= b && a <= c => left,
        (_, b, c) if b <= c => up,
        _ => corner,
    }
}

impl Read for Predictor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.row.len() && !self.next_row()? {
            return Ok(0);
        }
        let rest = &self.row[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}
