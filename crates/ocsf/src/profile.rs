//! Which version of the schema is written. Versions differ in what activities they have, and that is data.

use std::fmt;
use std::str::FromStr;

/// A released version of the schema, in ascending order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// The newest that Amazon Security Lake takes (Security Lake user guide, "Collecting data from custom sources").
    #[default]
    V1_3_0,
    V1_8_0,
}

impl Profile {
    pub const ALL: [Profile; 2] = [Profile::V1_3_0, Profile::V1_8_0];

    /// As `metadata.version` has it.
    pub fn version(self) -> &'static str {
        match self {
            Profile::V1_3_0 => "1.3.0",
            Profile::V1_8_0 => "1.8.0",
        }
    }
}

/// A version that is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownVersion;

impl fmt::Display for UnknownVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Profile::ALL.map(Profile::version).join(" or ");
        write!(out, "events are written in OCSF {known}")
    }
}

impl std::error::Error for UnknownVersion {}

impl FromStr for Profile {
    type Err = UnknownVersion;

    fn from_str(version: &str) -> Result<Profile, UnknownVersion> {
        let mut all = Profile::ALL.into_iter();
        all.find(|profile| profile.version() == version)
            .ok_or(UnknownVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_it_is_written_and_no_other_is() {
        for profile in Profile::ALL {
            assert_eq!(profile.version().parse(), Ok(profile));
        }
        for other in ["", "1.3", "1.8", "1.4.0", "v1.3.0", "1.3.0 "] {
            assert_eq!(other.parse::<Profile>(), Err(UnknownVersion), "{other:?}");
        }
    }
}
