//! Encrypted PDF that opens without a password, as those do that only forbid printing (ISO 32000-1, 7.6; ISO 32000-2, 7.6.4).

use std::io::{self, Read};

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use md5::Md5;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::pdf_file::File;
use super::pdf_object::{Dict, Object};

/// What passwords are filled up with (ISO 32000-1, 7.6.3.3, algorithm 2).
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08,
    0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

const BLOCK: usize = 16;

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Plain,
    Rc4,
    Aes128,
    Aes256,
}

pub(crate) struct Decryptor {
    key: Vec<u8>,
    texts: Method,
    streams: Method,
}

impl Decryptor {
    /// The key of a file without a password; none if it has one, or another handler than the standard one.
    pub(crate) fn open(file: &mut File<'_>) -> Option<Decryptor> {
        let trailer = file.trailer.clone();
        let dict = file.dict(&trailer, "Encrypt")?;
        if !dict.is("Filter", "Standard") {
            return None;
        }
        let version = dict.get("V")?.count()?;
        let (texts, streams) = match version {
            1 | 2 => (Method::Rc4, Method::Rc4),
            4 | 5 => (method(file, &dict, "StrF")?, method(file, &dict, "StmF")?),
            _ => return None,
        };
        let key = match version {
            5 => long_key(&dict)?,
            _ => key(file, &dict, &trailer, version)?,
        };
        Some(Decryptor {
            key,
            texts,
            streams,
        })
    }

    /// Decrypts all strings of an object that is not itself in an encrypted stream.
    pub(crate) fn decrypt_texts(&self, number: u32, object: &mut Object) {
        match object {
            Object::Text(text) => {
                let mut plain = Vec::new();
                let _ = self
                    .decrypt(self.texts, number, text)
                    .read_to_end(&mut plain); // bytes in memory do not fail
                *text = plain;
            }
            Object::Array(items) => items
                .iter_mut()
                .for_each(|item| self.decrypt_texts(number, item)),
            Object::Dict(dict) => dict
                .0
                .values_mut()
                .for_each(|item| self.decrypt_texts(number, item)),
            _ => {}
        }
    }

    pub(crate) fn decrypt_stream<'b>(&self, number: u32, raw: &'b [u8]) -> Box<dyn Read + 'b> {
        self.decrypt(self.streams, number, raw)
    }

    fn decrypt<'b>(&self, method: Method, number: u32, raw: &'b [u8]) -> Box<dyn Read + 'b> {
        match method {
            Method::Plain => Box::new(raw),
            Method::Rc4 => Box::new(Rc4::new(&self.object_key(number, false), raw)),
            Method::Aes128 => match Aes128::new_from_slice(&self.object_key(number, true)) {
                Ok(cipher) => Box::new(Cbc::new(cipher, raw)),
                Err(_) => Box::new(raw),
            },
            Method::Aes256 => match Aes256::new_from_slice(&self.key) {
                Ok(cipher) => Box::new(Cbc::new(cipher, raw)),
                Err(_) => Box::new(raw),
            },
        }
    }

    /// The key of one object (algorithm 1); generations other than 0 are not written since 1996.
    fn object_key(&self, number: u32, is_aes: bool) -> Vec<u8> {
        let mut hash = Md5::new();
        hash.update(&self.key);
        hash.update(&number.to_le_bytes()[..3]);
        hash.update([0, 0]);
        if is_aes {
            hash.update(b"sAlT");
        }
        let length = (self.key.len() + 5).min(16);
        hash.finalize()[..length].to_vec()
    }
}

fn method(file: &mut File<'_>, dict: &Dict, which: &str) -> Option<Method> {
    let name = match dict.get(which) {
        Some(Object::Name(name)) => name.clone(),
        _ => return Some(Method::Plain),
    };
    if name == b"Identity" {
        return Some(Method::Plain);
    }
    let filters = file.dict(dict, "CF")?;
    let filter = match filters.0.get(&name)? {
        Object::Dict(filter) => filter.clone(),
        _ => return None,
    };
    match filter.name("CFM")? {
        b"None" => Some(Method::Plain),
        b"V2" => Some(Method::Rc4),
        b"AESV2" => Some(Method::Aes128),
        b"AESV3" => Some(Method::Aes256),
        _ => None,
    }
}

fn bytes<'d>(dict: &'d Dict, key: &str) -> Option<&'d [u8]> {
    match dict.get(key)? {
        Object::Text(bytes) => Some(bytes),
        _ => None,
    }
}

/// Algorithms 2, 4, 5 and 6: the key, if the empty password is the right one.
fn key(file: &mut File<'_>, dict: &Dict, trailer: &Dict, version: usize) -> Option<Vec<u8>> {
    let revision = dict.get("R")?.count()?;
    let length = match version {
        1 => 5,
        4 => 16,
        _ => (dict.get("Length").and_then(Object::count).unwrap_or(40) / 8).clamp(5, 16),
    };
    let id = match file.value(trailer, "ID") {
        Object::Array(ids) => match ids.into_iter().next() {
            Some(Object::Text(id)) => id,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let permissions = dict.get("P")?.number()? as i64 as i32;
    let mut hash = Md5::new();
    hash.update(PADDING);
    hash.update(bytes(dict, "O")?.get(..32)?);
    hash.update(permissions.to_le_bytes());
    hash.update(&id);
    if revision >= 4 && dict.get("EncryptMetadata") == Some(&Object::Bool(false)) {
        hash.update([0xff; 4]);
    }
    let mut key = hash.finalize().to_vec();
    key.truncate(length);
    if revision >= 3 {
        for _ in 0..50 {
            key = Md5::digest(&key).to_vec();
            key.truncate(length);
        }
    }
    let expected = match revision {
        2 => rc4(&key, &PADDING),
        _ => {
            let mut hash = Md5::new();
            hash.update(PADDING);
            hash.update(&id);
            let mut check = hash.finalize().to_vec();
            for round in 0..20 {
                let key: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
                check = rc4(&key, &check);
            }
            check
        }
    };
    bytes(dict, "U")?.starts_with(&expected).then_some(key)
}

/// Algorithm 2.A of ISO 32000-2 with the empty password.
fn long_key(dict: &Dict) -> Option<Vec<u8>> {
    let revision = dict.get("R")?.count()?;
    let user = bytes(dict, "U")?;
    let hash = |salt: &[u8]| match revision {
        5 => Some(Sha256::digest(salt).to_vec()),
        6 => Some(hard_hash(salt)),
        _ => None,
    };
    if hash(user.get(32..40)?)? != user.get(..32)? {
        return None;
    }
    let cipher = Aes256::new_from_slice(&hash(user.get(40..48)?)?).ok()?;
    let mut key = Vec::new();
    let encrypted = bytes(dict, "UE")?.get(..32)?;
    // Without a vector and without padding.
    let mut blocks = Cbc::with_vector(cipher, [0; BLOCK], encrypted);
    blocks.is_padded = false;
    blocks.read_to_end(&mut key).ok()?;
    Some(key)
}

/// Algorithm 2.B of ISO 32000-2 with the empty password.
fn hard_hash(salt: &[u8]) -> Vec<u8> {
    let mut key = Sha256::digest(salt).to_vec();
    let mut round = 0;
    loop {
        let mut blocks = key.repeat(64);
        let (aes_key, vector) = (&key[..16], &key[16..32]);
        let cipher = Aes128::new_from_slice(aes_key).expect("sixteen bytes are a key");
        let mut previous: [u8; BLOCK] = vector.try_into().expect("sixteen bytes are a block");
        for block in blocks.chunks_exact_mut(BLOCK) {
            block
                .iter_mut()
                .zip(previous)
                .for_each(|(byte, before)| *byte ^= before);
            let mut cell = aes::Block::default();
            cell.copy_from_slice(block);
            cipher.encrypt_block(&mut cell);
            block.copy_from_slice(&cell);
            previous.copy_from_slice(&cell);
        }
        let kind = blocks[..16]
            .iter()
            .map(|byte| u32::from(*byte))
            .sum::<u32>()
            % 3;
        key = match kind {
            0 => Sha256::digest(&blocks).to_vec(),
            1 => Sha384::digest(&blocks).to_vec(),
            _ => Sha512::digest(&blocks).to_vec(),
        };
        round += 1;
        let last = blocks.last().copied().unwrap_or(0);
        if round >= 64 && u32::from(last) <= round - 32 {
            key.truncate(32);
            return key;
        }
    }
}

fn rc4(key: &[u8], input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let _ = Rc4::new(key, input).read_to_end(&mut output); // bytes in memory do not fail
    output
}

struct Rc4<'b> {
    state: [u8; 256],
    i: u8,
    j: u8,
    raw: &'b [u8],
}

impl<'b> Rc4<'b> {
    fn new(key: &[u8], raw: &'b [u8]) -> Rc4<'b> {
        let mut state: [u8; 256] = std::array::from_fn(|at| at as u8);
        let mut j = 0_u8;
        for i in 0..256 {
            j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len()]);
            state.swap(i, usize::from(j));
        }
        Rc4 {
            state,
            i: 0,
            j: 0,
            raw,
        }
    }
}

impl Read for Rc4<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.raw.len());
        let (now, rest) = self.raw.split_at(count);
        for (output, input) in buffer.iter_mut().zip(now) {
            self.i = self.i.wrapping_add(1);
            self.j = self.j.wrapping_add(self.state[usize::from(self.i)]);
            self.state.swap(usize::from(self.i), usize::from(self.j));
            let sum = self.state[usize::from(self.i)].wrapping_add(self.state[usize::from(self.j)]);
            *output = input ^ self.state[usize::from(sum)];
        }
        self.raw = rest;
        Ok(count)
    }
}

/// Blocks that are chained, after the vector that they begin with.
struct Cbc<'b, C> {
    cipher: C,
    previous: [u8; BLOCK],
    raw: &'b [u8],
    ready: [u8; BLOCK],
    from: usize,
    to: usize,
    is_padded: bool,
}

impl<'b, C> Cbc<'b, C> {
    fn new(cipher: C, raw: &'b [u8]) -> Cbc<'b, C> {
        match raw.split_first_chunk() {
            Some((vector, raw)) => Cbc::with_vector(cipher, *vector, raw),
            None => Cbc::with_vector(cipher, [0; BLOCK], b""),
        }
    }

    fn with_vector(cipher: C, vector: [u8; BLOCK], raw: &'b [u8]) -> Cbc<'b, C> {
        Cbc {
            cipher,
            previous: vector,
            raw,
            ready: [0; BLOCK],
            from: 0,
            to: 0,
            is_padded: true,
        }
    }
}

impl<C: BlockCipherDecrypt<BlockSize = aes::cipher::consts::U16>> Read for Cbc<'_, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            if self.from < self.to {
                let count = (self.to - self.from).min(buffer.len() - written);
                buffer[written..written + count]
                    .copy_from_slice(&self.ready[self.from..self.from + count]);
                self.from += count;
                written += count;
                continue;
            }
            let Some((block, rest)) = self.raw.split_first_chunk::<BLOCK>() else {
                break;
            };
            let mut cell = aes::Block::default();
            cell.copy_from_slice(block);
            self.cipher.decrypt_block(&mut cell);
            for at in 0..BLOCK {
                self.ready[at] = cell[at] ^ self.previous[at];
            }
            self.previous = *block;
            self.raw = rest;
            self.from = 0;
            let padding = usize::from(self.ready[BLOCK - 1]);
            self.to = match rest.len() < BLOCK && self.is_padded && padding <= BLOCK {
                true => BLOCK - padding,
                false => BLOCK,
            };
        }
        Ok(written)
    }
}
