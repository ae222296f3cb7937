//! What is tried: damaged records by themselves, and pages of records that are damaged somewhere.

use std::panic::catch_unwind;

use casbah_model::app::App;
use casbah_simulators::microsoft365::{ContentType, Plan, sample};

use crate::laws::{self, Broken};
use crate::mutation::{Draws, damage, mutate};

/// What a case is about, and its bytes.
pub struct Case {
    pub kind: Kind,
    /// Whose record it was; pages hold those of any.
    pub app: App,
    pub input: Vec<u8>,
    /// Where the records of a page lie that come before any damage.
    whole: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Record,
    /// A page that is a list.
    List,
    /// A page in which the list is a member of an object.
    Member,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Record => "record",
            Kind::List => "list",
            Kind::Member => "page",
        }
    }
}

/// A record that is not damaged yet.
pub struct Healthy {
    pub app: App,
    pub raw: Vec<u8>,
}

/// Those of the corpus, and some of every feed of a simulated tenant.
pub fn healthy() -> Vec<Healthy> {
    let read = |path| std::fs::read(path).expect("a record").trim_ascii().to_vec();
    let of = |app| {
        let paths = crate::records(app).into_iter();
        paths.map(move |path| Healthy {
            app,
            raw: read(path),
        })
    };
    let mut records: Vec<Healthy> = App::ALL.into_iter().flat_map(of).collect();
    let feeds = [
        ContentType::AzureActiveDirectory,
        ContentType::Exchange,
        ContentType::SharePoint,
        ContentType::General,
        ContentType::Dlp,
    ];
    for feed in feeds {
        let sampled = sample(&Plan::new(1).sized(20, 50, 0), feed, 20);
        records.extend(sampled.into_iter().map(|text| Healthy {
            app: App::Microsoft365,
            raw: text.into_bytes(),
        }));
    }
    records
}

/// The case of a seed: always the same one.
pub fn case(seed: u64, healthy: &[Healthy]) -> Case {
    let mut draws = Draws::new(seed);
    match draws.below(10) {
        0 => page(&mut draws, healthy),
        _ => {
            let Healthy { app, raw } = any(&mut draws, healthy);
            let mut input = raw.clone();
            let other = any(&mut draws, healthy);
            mutate(&mut draws, &mut input, &other.raw);
            Case {
                kind: Kind::Record,
                app: *app,
                input,
                whole: vec![],
            }
        }
    }
}

fn any<'r>(draws: &mut Draws, healthy: &'r [Healthy]) -> &'r Healthy {
    &healthy[draws.below(healthy.len())]
}

/// A page whose records are whole, and which is damaged in one place or in none.
fn page(draws: &mut Draws, healthy: &[Healthy]) -> Case {
    let is_member = draws.one_in(3);
    let (kind, before) = match is_member {
        true => (
            Kind::Member,
            r#"{"@odata.context":"[{\"value\":[","value":["#,
        ),
        false => (Kind::List, draws.pick(&["[", "\u{feff} [\n"])),
    };
    let mut input = before.as_bytes().to_vec();
    let mut whole = vec![];
    for place in 0..draws.below(6) {
        if place > 0 {
            input.extend_from_slice(draws.pick(&[",", " ,\r\n"]).as_bytes());
        }
        let begin = input.len();
        input.extend_from_slice(&any(draws, healthy).raw);
        if draws.one_in(200) {
            // Above the limit for one record.
            let long = format!(",\"x\":\"{}\"}}", "y".repeat(9 << 20));
            input.pop();
            input.extend_from_slice(long.as_bytes());
            whole.clear();
            break;
        }
        whole.push((begin, input.len()));
    }
    let end = if is_member {
        "],\"@odata.nextLink\":\"x\"}"
    } else {
        "]"
    };
    input.extend_from_slice(end.as_bytes());
    if !draws.one_in(4) {
        let at = damage(draws, &mut input);
        whole.retain(|(_, end)| *end <= at);
    }
    Case {
        kind,
        app: App::Microsoft365,
        input,
        whole,
    }
}

impl Case {
    /// What does not hold, if anything; a panic is a finding, too.
    pub fn run(&self) -> Result<(), Broken> {
        self.holds(&self.input, &self.whole)
    }

    fn holds(&self, input: &[u8], whole: &[(usize, usize)]) -> Result<(), Broken> {
        let run = || match self.kind {
            Kind::Record => laws::record(self.app, input),
            Kind::List | Kind::Member => {
                let whole: Vec<&[u8]> = whole.iter().map(|(from, to)| &input[*from..*to]).collect();
                laws::page(
                    input,
                    &whole,
                    (self.kind == Kind::Member).then_some("value"),
                )
            }
        };
        catch_unwind(run).unwrap_or_else(|_| Err("it panics".into()))
    }

    /// The smallest input found that breaks the same law: parts are left out as long as it does.
    pub fn shrunk(&self, broken: &Broken) -> Vec<u8> {
        // The records of a page move when something before them goes, so what was promised of them is kept whole.
        let fixed = self.whole.last().map_or(0, |(_, end)| *end);
        let mut input = self.input.clone();
        let mut length = (input.len() - fixed) / 2;
        let mut tries = 0;
        while length > 0 && tries < TRIES_MAX {
            let mut at = fixed;
            while at < input.len() && tries < TRIES_MAX {
                tries += 1;
                let end = input.len().min(at + length);
                let smaller = [&input[..at], &input[end..]].concat();
                match self.holds(&smaller, &self.whole) {
                    Err(found) if found == *broken => input = smaller,
                    _ => at += length,
                }
            }
            length /= 2;
        }
        input
    }
}

/// Attempts at a smaller input; each takes less than a millisecond for most of them.
const TRIES_MAX: usize = 5_000;
