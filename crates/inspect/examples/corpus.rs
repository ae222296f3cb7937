//! `cargo run -p casbah-inspect --example corpus -- FOLDER [ROUNDS]`: writes the corpus of the detectors' tests into a folder, and a
//! list of its files with what is in each and what we find there, for a comparison with other tools.

#![expect(clippy::unwrap_used, reason = "the modules are those of the tests")]

#[path = "../tests/detectors/corpus.rs"]
mod corpus;
#[path = "../tests/detectors/draw.rs"]
mod draw;
#[path = "../tests/detectors/ids.rs"]
mod ids;
#[path = "../tests/detectors/ids_europe.rs"]
mod ids_europe;
#[path = "../tests/detectors/lookalikes.rs"]
mod lookalikes;
#[path = "../tests/detectors/surroundings.rs"]
mod surroundings;
#[path = "../tests/detectors/tokens.rs"]
mod tokens;

use casbah_inspect::detect::{Config, Key, Setting, detectors};
use casbah_inspect::{Detectors, TextSink};
use std::fmt::Write;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("the first argument is a folder");
    let rounds = arguments.next().map_or(2, |rounds| {
        rounds.parse().expect("the second argument is a number")
    });
    let mut config = Config::new(Key::new([0; 32]));
    for detector in detectors() {
        config.settings.insert(
            detector.name.to_owned(),
            Setting {
                count_min: Some(1),
                ..Setting::default()
            },
        );
    }
    let detectors = Detectors::new(&config).expect("the names are those of detectors");
    let mut list = String::from("file\tdetector\tvalues\twanted\tfound\n");
    std::fs::create_dir_all(&folder)?;
    for (number, case) in corpus::cases(rounds).iter().enumerate() {
        let file = format!("{number:05}.txt");
        std::fs::write(Path::new(&folder).join(&file), &case.text)?;
        let mut scanner = detectors.scanner();
        let _ = scanner.text(&case.text);
        let found: Vec<String> = scanner
            .finish()
            .iter()
            .map(|finding| format!("{}={}", finding.detector, finding.count))
            .collect();
        writeln!(
            list,
            "{file}\t{}\t{}\t{}\t{}",
            case.detector,
            case.values,
            case.wanted,
            found.join(",")
        )
        .expect("a string takes all");
    }
    std::fs::write(Path::new(&folder).join("list.tsv"), list)
}
