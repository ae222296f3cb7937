//! Formats by the code that reads them, and their runs side by side, each in a process that may die of a document.

use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Mutex;

use super::Asked;
use super::damage::Case;
use super::seeds::Seeds;

/// Every format of the corpus is in one of them.
pub(crate) const FAMILIES: [(&str, &[&str]); 8] = [
    ("pdf", &["pdf"]),
    ("office", &["docx", "xlsx", "pptx"]),
    (
        "compound",
        &["doc", "xls", "ppt", "msg", "ole", "encrypted-ooxml"],
    ),
    (
        "archive",
        &["zip", "tar", "gzip", "xz", "zstd", "7z", "bzip2", "rar"],
    ),
    ("opendocument", &["odt", "ods", "odp"]),
    ("mail", &["eml", "mbox"]),
    (
        "text",
        &["html", "rtf", "xml", "text", "csv", "json", "yaml"],
    ),
    ("picture", &["jpeg", "png", "gif", "tiff", "heic", "mp4"]),
];

/// At one time; what builds this project has two cores.
const SIDE_BY_SIDE: usize = 2;

/// Runs what is asked for, all families or one, and tells of those that did not end well.
pub(crate) fn run(asked: &Asked) -> ExitCode {
    let names = match &asked.format {
        Some(format) => vec![format.clone()],
        None => FAMILIES.map(|(family, _)| family.to_owned()).to_vec(),
    };
    let waiting = Mutex::new(names.into_iter());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some(name) = next else { break };
                    if !run_one(&name, asked) {
                        failed.lock().unwrap().push(name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("findings in {}, seed {}", failed.join(" and "), asked.seed);
    ExitCode::FAILURE
}

fn run_one(name: &str, asked: &Asked) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args([super::IS_INNER, "--format", name])
        .args(["--seed", &asked.seed.to_string()])
        .args(["--seconds", &asked.seconds.to_string()])
        .status()
        .unwrap();
    let running = running(name);
    // Exits have been explained by the process itself.
    if status.code().is_none() {
        tell_of_end(name, status, &std::fs::read(&running).unwrap_or_default());
    }
    let _ = std::fs::remove_file(&running); // it is of no use to anyone now
    status.success()
}

/// A process that a signal ended: a stack that was too small, or more memory than there is.
fn tell_of_end(name: &str, status: ExitStatus, running: &[u8]) {
    match running.try_into().map(u64::from_le_bytes) {
        Ok(number) => {
            let case = Case::of(number, &Seeds::of(name));
            case.tell(number, name, &format!("it ends the process, {status}"));
        }
        Err(_) => println!("{name} ended before its first case, {status}"),
    }
}

/// The file that holds the number of the case that a family is at.
pub(crate) fn running(name: &str) -> PathBuf {
    PathBuf::from(format!("target/fuzz-document-{name}-running"))
}
