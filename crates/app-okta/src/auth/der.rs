//! Private keys written in DER: what cryptographic libraries read, made of the numbers that a JWK tells.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

/// The numbers of an RSA key (RFC 7518, 6.3).
#[derive(Deserialize)]
pub(super) struct RsaNumbers<'a> {
    n: &'a str,
    e: &'a str,
    d: &'a str,
    p: &'a str,
    q: &'a str,
    dp: &'a str,
    dq: &'a str,
    qi: &'a str,
}

/// Tags of DER (ITU-T X.690, 8.1.2).
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
/// The second part of a sequence, where it may be absent (X.690, 8.14).
const SECOND: u8 = 0xa1;

/// Keys of 16,384 bits have parts of this size; nobody uses larger ones.
const PART_BYTES_MAX: usize = 2048;

/// The key in the form that cryptographic libraries read: version 0 and its eight numbers (RFC 8017, A.1.2).
pub(super) fn pkcs1(jwk: &RsaNumbers<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let mut numbers = Zeroizing::new(vec![]);
    element(&mut numbers, INTEGER, &[0]);
    let parts = [jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi];
    for part in parts {
        let bytes = decoded(part)?;
        let start = bytes.iter().position(|byte| *byte != 0)?;
        let mut number = Zeroizing::new(vec![]);
        // The first bit of a number is its sign (X.690, 8.3).
        if bytes[start] >= 0x80 {
            number.push(0);
        }
        number.extend_from_slice(&bytes[start..]);
        if number.len() > PART_BYTES_MAX {
            return None;
        }
        element(&mut numbers, INTEGER, &number);
    }
    let mut der = Zeroizing::new(vec![]);
    element(&mut der, SEQUENCE, &numbers);
    Some(der)
}

fn decoded(part: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('='));
    bytes.ok().map(Zeroizing::new)
}

/// A curve with its name in DER (RFC 5480, 2.1.1.1; RFC 3279, 2.3.5) and the length of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

/// `id-ecPublicKey` (RFC 5480, 2.1.1).
const ELLIPTIC: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

impl Curve {
    pub(super) fn named(name: &str) -> Option<Curve> {
        match name {
            "P-256" => Some(Curve::P256),
            "P-384" => Some(Curve::P384),
            _ => None,
        }
    }

    /// The curve that a key of its own form names within (RFC 5915, 3).
    pub(super) fn within(key: &[u8]) -> Option<Curve> {
        let is_named = |curve: &Curve| {
            let id = curve.id();
            key.windows(id.len()).any(|piece| piece == id)
        };
        [Curve::P256, Curve::P384].into_iter().find(is_named)
    }

    fn id(self) -> &'static [u8] {
        match self {
            Curve::P256 => &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
            Curve::P384 => &[6, 5, 0x2b, 0x81, 4, 0, 0x22],
        }
    }

    fn bytes(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
        }
    }
}

/// A key that is told as a point and a number (RFC 7518, 6.2), in the form that cryptographic libraries read.
pub(super) fn of_point(curve: Curve, x: &str, y: &str, d: &str) -> Option<Zeroizing<Vec<u8>>> {
    let number = |text| decoded(text).filter(|bytes| bytes.len() == curve.bytes());
    let (x, y, d) = (number(x)?, number(y)?, number(d)?);
    // No unused bits, then an uncompressed point (RFC 5480, 2.2).
    let public = [&[0, 4], x.as_slice(), y.as_slice()].concat();
    let mut point = vec![];
    element(&mut point, BIT_STRING, &public);
    let mut parts = Zeroizing::new(vec![]);
    element(&mut parts, INTEGER, &[1]);
    element(&mut parts, OCTET_STRING, &d);
    element(&mut parts, SECOND, &point);
    let mut key = Zeroizing::new(vec![]);
    element(&mut key, SEQUENCE, &parts);
    Some(pkcs8(curve, &key))
}

/// A key of its own form (RFC 5915, 3) in the general one (RFC 5208, 5).
pub(super) fn pkcs8(curve: Curve, key: &[u8]) -> Zeroizing<Vec<u8>> {
    let kind = [ELLIPTIC, curve.id()].concat();
    let mut parts = Zeroizing::new(vec![]);
    element(&mut parts, INTEGER, &[0]);
    element(&mut parts, SEQUENCE, &kind);
    element(&mut parts, OCTET_STRING, key);
    let mut der = Zeroizing::new(vec![]);
    element(&mut der, SEQUENCE, &parts);
    der
}

/// Tag, length and content; lengths above 127 have a byte that says how many follow (X.690, 8.1.3).
fn element(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    let zeroes = length.iter().take_while(|byte| **byte == 0).count();
    let digits = &length[zeroes..];
    match digits {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        _ => {
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(content);
}
