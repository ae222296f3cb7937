//! A value that is readable on purpose only and never printed.

use std::fmt;

use zeroize::Zeroizing;

/// A credential or token. There is no `Display`, `Debug` prints `…`, and the memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(value.into()))
    }

    /// The value itself, for the one place that sends or signs with it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_nothing_of_the_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "…");
    }
}
