//! `cargo bench -p casbah-inspect --bench throughput`: MB of text per CPU second with all detectors on, by kind of text.

use casbah_inspect::detect::{Config, ExactSet, Key, Normalisation, OwnPattern, WordList};
use casbah_inspect::{Detectors, TextSink};
use std::time::Duration;

/// Long enough that a measurement takes about a second.
const BYTES: usize = 64 * 1024 * 1024;

/// Pieces as a reader of documents hands them over.
const PIECE: usize = 8 * 1024;

/// Appends a line of a text.
type Line = fn(&mut Draw, &mut String);

fn main() {
    let key = Key::new([7; 32]);
    let built_in =
        Detectors::new(&Config::new(key.clone())).expect("the default is a configuration");
    let own = Detectors::new(&with_own(key)).expect("the bench's own patterns are patterns");
    println!("| text | MB per CPU second | with own patterns, words and 100 000 exact values |");
    println!("| --- | --- | --- |");
    let kinds: [(&str, Line); 4] = [
        ("prose", prose),
        ("numbers", numbers),
        ("logs", log),
        ("code", code),
    ];
    let texts = kinds.map(|(name, line)| (name, text(&[line])));
    let mixed = ("all together", text(&kinds.map(|(_, line)| line)));
    for (name, text) in texts.iter().chain([&mixed]) {
        println!(
            "| {name} | {:.0} | {:.0} |",
            speed(&built_in, text),
            speed(&own, text)
        );
    }
    println!();
    println!("| hostile line | MB per CPU second |");
    println!("| --- | --- |");
    for (name, unit) in [
        ("digits", "7"),
        ("a", "a"),
        ("=", "="),
        ("key=", "key="),
        ("password:", "password:"),
        ("4 4 4 ", "4 4 4 "),
        ("eyJ", "eyJ-"),
        ("://a:", "://a:"),
        ("a@b.", "a@b."),
        ("1234 ", "1234 "),
        ("datadog ", "datadog "),
        ("AKIA", "AKIA "),
        ("ssn 123-45-", "ssn 123-45-6789 "),
        ("-----BEGIN", "-----BEGIN PRIVATE KEY-----"),
        ("0000-", "1980-01-01 born "),
        ("token=", "token=a1b2c3d4e5f6g7h8 "),
    ] {
        println!(
            "| `{name}` | {:.0} |",
            speed(&built_in, &unit.repeat(20 * 1024 * 1024 / unit.len()))
        );
    }
}

fn with_own(key: Key) -> Config {
    let mut config = Config::new(key.clone());
    config.patterns = vec![
        OwnPattern {
            name: "customer number".into(),
            pattern: r"\bKD-[0-9]{6}-[A-Z]{2}\b".into(),
            words: Vec::new(),
            words_required: false,
        },
        OwnPattern {
            name: "contract".into(),
            pattern: r"\b[A-Z]{3}/20[0-9]{2}/[0-9]{5}\b".into(),
            words: vec!["contract".into()],
            words_required: true,
        },
    ];
    config.word_lists = vec![WordList {
        name: "projects".into(),
        words: (0..500).map(|n| format!("project alba{n}")).collect(),
    }];
    let entries = (0..100_000).filter_map(|n| {
        ExactSet::entry(&key, Normalisation::Words, &format!("person{n} family{n}"))
    });
    config.exact_sets = vec![ExactSet {
        name: "people".into(),
        normalisation: Normalisation::Words,
        words_max: 2,
        entries: entries.collect(),
    }];
    config
}

/// The fastest of five runs: others disturb a run, nothing speeds it up.
fn speed(detectors: &Detectors, text: &str) -> f64 {
    let best = (0..5)
        .map(|_| run(detectors, text))
        .min()
        .expect("there are five");
    text.len() as f64 / 1e6 / best.as_secs_f64()
}

fn run(detectors: &Detectors, text: &str) -> Duration {
    let begun = cpu();
    let mut scanner = detectors.scanner();
    scanner.part("bench");
    let mut at = 0;
    while at < text.len() {
        let end = text.floor_char_boundary((at + PIECE).min(text.len()));
        let _ = scanner.text(&text[at..end]);
        at = end;
    }
    std::hint::black_box(scanner.finish());
    cpu() - begun
}

/// Time that this thread was on a processor (proc(5), /proc/pid/schedstat, the first number, nanoseconds).
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .expect("Linux says how long a thread ran");
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .expect("the first is a number");
    Duration::from_nanos(nanoseconds)
}

fn text(lines: &[Line]) -> String {
    let mut draw = Draw(42);
    let mut text = String::with_capacity(BYTES + 4096);
    // A document of one kind is some hundred kilobytes before the next begins.
    for line in lines.iter().cycle() {
        if text.len() >= BYTES {
            break;
        }
        let end = text.len() + 256 * 1024;
        while text.len() < end {
            line(&mut draw, &mut text);
        }
    }
    text
}

/// Draws from a seed (xorshift64*, S. Vigna, 2016).
struct Draw(u64);

impl Draw {
    fn number(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % most
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.number(words.len() as u64) as usize]
    }
}

const WORDS: &[&str] = &[
    "the",
    "of",
    "and",
    "to",
    "in",
    "we",
    "that",
    "agreement",
    "meeting",
    "customer",
    "report",
    "quarter",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
    "they",
    "at",
    "be",
    "this",
    "from",
    "have",
    "or",
    "by",
    "project",
    "team",
    "review",
    "budget",
    "plan",
    "what",
    "all",
    "were",
    "when",
    "your",
    "can",
    "said",
    "there",
    "use",
    "an",
    "each",
    "which",
    "she",
    "do",
    "how",
    "their",
    "if",
    "will",
    "up",
    "other",
    "about",
    "out",
    "many",
    "then",
    "them",
    "account",
    "payment",
    "delivery",
    "für",
    "Straße",
    "déjà",
    "schedule",
    "password",
    "card",
    "called",
    "order",
    "number",
    "contract",
    "born",
    "patient",
    "invoice",
    "results",
    "attached",
    "please",
];

fn prose(draw: &mut Draw, text: &mut String) {
    for _ in 0..12 + draw.number(10) {
        text.push_str(draw.of(WORDS));
        text.push(' ');
    }
    if draw.number(3) == 0 {
        text.push_str(&format!(
            "on {} March 20{:02} at {}:{:02}",
            draw.number(28) + 1,
            draw.number(30),
            draw.number(24),
            draw.number(60)
        ));
    }
    text.push_str(".\n");
}

fn numbers(draw: &mut Draw, text: &mut String) {
    text.push_str(&format!(
        "{},{}.{:02},{},2024-{:02}-{:02},{},{:.6},{}\n",
        draw.number(1_000_000),
        draw.number(10_000),
        draw.number(100),
        100_000_000 + draw.number(900_000_000),
        draw.number(12) + 1,
        draw.number(28) + 1,
        draw.number(4_000_000_000),
        draw.number(1_000_000) as f64 / 7.0,
        draw.number(1 << 31) * 4_000_000,
    ));
}

fn log(draw: &mut Draw, text: &mut String) {
    text.push_str(&format!(
        "2024-05-{:02}T{:02}:{:02}:{:02}.{:03}Z INFO request_id={:08x}-{:04x}-4{:03x}-a{:03x}-{:012x} {} /api/v1/{}/{} status={} bytes={} duration_ms={} ip=10.{}.{}.{}\n",
        draw.number(28) + 1, draw.number(24), draw.number(60), draw.number(60), draw.number(1000), draw.number(1 << 31), draw.number(1 << 16), draw.number(1 << 12),
        draw.number(1 << 12), draw.number(1 << 31) << 12, draw.of(&["GET", "POST", "PUT"]), draw.of(WORDS), draw.number(1_000_000), draw.of(&["200", "404", "500"]),
        draw.number(100_000), draw.number(2_000), draw.number(256), draw.number(256), draw.number(256),
    ));
}

fn code(draw: &mut Draw, text: &mut String) {
    let (left, right) = (draw.of(WORDS), draw.of(WORDS));
    match draw.number(6) {
        0 => text.push_str(&format!("    let {left}_{right} = self.{right}.get({}).unwrap_or_default();\n", draw.number(100))),
        1 => text.push_str(&format!("    if {left}.len() > {} && !{right}.is_empty() {{\n        return Err(Error::{left});\n    }}\n", draw.number(1000))),
        2 => text.push_str(&format!("    // The {left} of a {right} {} {}.\n", draw.of(WORDS), draw.of(WORDS))),
        3 => text.push_str(&format!("    {{\"{left}\": \"{right}\", \"key\": {}, \"color\": \"#{:06x}\"}},\n", draw.number(10_000), draw.number(1 << 24))),
        4 => text.push_str(&format!("import {{ {left}, {right} }} from '../{right}/{left}';\n")),
        _ => text.push_str(&format!("def {left}_{right}(self, token, {right}=None):\n    return self.{left}[{right}]\n\n")),
    }
}
