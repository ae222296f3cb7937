//! Which version of the schema is written. Versions differ in what activities they have, and that is data.

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
