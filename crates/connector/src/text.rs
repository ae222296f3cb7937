//! Texts in forms that several vendors use: ids in addresses, keys in PEM.

use std::fmt::Write;

use crate::error::ConnectorError;

/// An id as one segment of a path; letters, digits and `-_.~` stand as they are, and the bytes of `plain`.
///
/// # Errors
/// Ids of dots alone would climb up the path.
pub fn segment(id: &str, plain: &[u8]) -> Result<String, ConnectorError> {
    if id.bytes().all(|byte| byte == b'.') {
        let what = "an id is empty or consists of dots".to_string();
        return Err(ConnectorError::BadLink { what });
    }
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    Ok(encoded)
}

/// The first block of a PEM text with this label (RFC 7468), its lines of dashes included.
pub fn pem_block<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let from = pem.find(&begin)?;
    let length = pem[from..].find(&end)?;
    Some(&pem[from..from + length + end.len()])
}
