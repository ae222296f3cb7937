//! Writes docs/throttle.md: `cargo run --release --bin casbah-throttle`.

use std::path::Path;

fn main() {
    let page = casbah_throttle::document::page();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/throttle.md");
    std::fs::write(&path, page).expect("docs can be written");
}
