//! Names of people and departments, none of them of anybody.

pub const GIVEN: [&str; 24] = [
    "Amara", "Bruno", "Chiara", "Dilan", "Elif", "Felix", "Greta", "Hugo", "Ines", "Jonas",
    "Kaito", "Lena", "Milan", "Nora", "Oskar", "Priya", "Quinn", "Rosa", "Samir", "Tessa", "Uma",
    "Viktor", "Wanda", "Yara",
];
pub const FAMILY: [&str; 24] = [
    "Adler", "Bauer", "Costa", "Dahl", "Evans", "Fischer", "Garcia", "Haas", "Ivanov", "Jansen",
    "Keller", "Lopez", "Moreau", "Novak", "Okafor", "Peters", "Quist", "Rossi", "Singh", "Tanaka",
    "Unger", "Vogel", "Weber", "Young",
];
pub const DEPARTMENTS: [&str; 7] = [
    "Sales",
    "Finance",
    "Engineering",
    "Legal",
    "Marketing",
    "Operations",
    "People",
];
