//! What can be typed behind `casbah inspect`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Format, between};

const DETECTORS_HELP: &str = "\
The file of detectors, each part of which may be left out:
  all_but = [\"email-address\"]            # or only = […]; the names are in --list

  [detector.payment-card]
  count_min = 3                          # fewer in a file are no finding
  confidence_min = \"high\"                # or medium, low
  proximity = 60                         # how far before it its words may be, in bytes

  [[pattern]]                            # your own, in the syntax of Rust's regex
  name = \"project-number\"
  pattern = 'PX-\\d{6}'
  words = [\"project\"]                    # likelier with one of these near by
  words_required = true                  # and not counted without

  [[list]]                               # your own words and phrases
  name = \"code-names\"
  words = [\"Bluebird\", \"Red Kite\"]

  [[exact]]                              # your own values, known by their hashes alone
  name = \"customers\"
  file = \"customers.hashes\"              # beside this file; see --hash-values

  [except]
  published = true                       # numbers that are published for tests, the default
  values = [\"4000 0000 0000 0002\"]
  patterns = ['PX-000\\d{3}']

What was found is shown masked; numbers that are published for tests are left out.
Exit codes: 0 nothing was found, 3 something was, 253 files could not be opened.";

/// Looking into the files of a tenant, and judging them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Looking into files")]
pub struct InsideArgs {
    /// Looks into the files that it lists, for sensitive data; nothing is kept of what they say.
    #[arg(long)]
    pub look_inside: bool,
    /// A file that says what is looked for (`casbah inspect --help` shows one); without it, everything that comes with
    /// Casbah.
    #[arg(long, value_name = "FILE", requires = "look_inside")]
    pub detectors: Option<PathBuf>,
    /// The key that values are hashed under, made if it is not there; without it, inspection.key in the folder.
    #[arg(long, value_name = "FILE", requires = "look_inside")]
    pub key_file: Option<PathBuf>,
    /// Larger files are not fetched, only named.
    #[arg(long, value_name = "MB", default_value_t = 100, value_parser = between(1, 1024))]
    pub max_mb: u64,
    /// A file of the policies that files are held against (`casbah findings --help` shows one); without it, those that
    /// come with Casbah.
    #[arg(long, value_name = "FILE")]
    pub policies: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = DETECTORS_HELP)]
pub struct InspectArgs {
    /// Files, and folders with all that is in them.
    #[arg(value_name = "PATH", required_unless_present_any = ["list", "hash_values"])]
    pub paths: Vec<PathBuf>,
    /// A file that says what is looked for; without it, everything that comes with Casbah.
    #[arg(long, value_name = "FILE")]
    pub detectors: Option<PathBuf>,
    /// The key that values are hashed under, so that hashes of several runs can be compared; made if it is not there.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Larger files are not looked into.
    #[arg(long, value_name = "MB", default_value_t = 100, value_parser = between(1, 1024))]
    pub max_mb: u64,
    /// Prints the names of all detectors and ends.
    #[arg(long, conflicts_with = "paths")]
    pub list: bool,
    /// Prints the hashes of a file of values, one a line, for [[exact]], and ends.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["paths", "list"], requires = "key_file")]
    pub hash_values: Option<PathBuf>,
    /// The values are numbers, whose groups do not matter, and not words.
    #[arg(long, requires = "hash_values")]
    pub joined: bool,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
}
