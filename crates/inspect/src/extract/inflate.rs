//! Deflate (RFC 1951), with and without the frame of zlib (RFC 1950).
//!
//! Decoders are used again: each wants 40 kB at an aligned address, and a document with 40,000 streams that allocates one for
//! each of them leaves 150 MB of holes between them (glibc, bug 14581).

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::budget::Budget;

/// What comes before the data.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Frame {
    Zlib,
    Bare,
}

pub(crate) struct Inflate<'a, R> {
    input: R,
    decoder: Option<Decompress>,
    budget: &'a Budget,
}

impl<'a, R: BufRead> Inflate<'a, R> {
    pub(crate) fn new(input: R, frame: Frame, budget: &'a Budget) -> Inflate<'a, R> {
        let has_header = frame == Frame::Zlib;
        let decoder = match budget.take_decoder() {
            Some(mut decoder) => {
                decoder.reset(has_header);
                decoder
            }
            None => Decompress::new(has_header),
        };
        Inflate {
            input,
            decoder: Some(decoder),
            budget,
        }
    }
}

impl<R: BufRead> Read for Inflate<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let decoder = self
            .decoder
            .as_mut()
            .expect("it is there until it is dropped");
        loop {
            let input = self.input.fill_buf()?;
            let is_over = input.is_empty();
            let (before_in, before_out) = (decoder.total_in(), decoder.total_out());
            let flush = match is_over {
                true => FlushDecompress::Finish,
                false => FlushDecompress::None,
            };
            let status = decoder.decompress(input, buffer, flush);
            let written = (decoder.total_out() - before_out) as usize;
            self.input
                .consume((decoder.total_in() - before_in) as usize);
            match status {
                Ok(Status::StreamEnd) => return Ok(written),
                Ok(_) if written > 0 || buffer.is_empty() => return Ok(written),
                Ok(_) if is_over => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<R> Drop for Inflate<'_, R> {
    fn drop(&mut self) {
        if let Some(decoder) = self.decoder.take() {
            self.budget.give_decoder(decoder);
        }
    }
}
