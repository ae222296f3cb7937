//! Prints the text of documents, part by part: `cargo run --release --example text -- FILE…`.

use casbah_inspect::{Flow, Limits, TextSink, extract};

struct Print;

impl TextSink for Print {
    fn part(&mut self, name: &str) {
        println!("=== {name}");
    }

    fn text(&mut self, piece: &str) -> Flow {
        print!("{piece}");
        Flow::Go
    }
}

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        let name = path.rsplit('/').next().unwrap_or(&path);
        let read = extract::read(name, &bytes, &Limits::default(), &mut Print);
        println!(
            "\n### {name}: {}, {} characters, {:?}",
            read.format, read.chars, read.inspected
        );
    }
    Ok(())
}
