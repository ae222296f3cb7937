//! Credentials in one JSON file that only its owner can read.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use casbah_model::ports::{SecretError, SecretStore};
use casbah_model::secret::Secret;
use serde::{Deserialize, Deserializer};

use crate::disk_words;

/// Rights of the group and of others, none of which may be there.
const FOREIGN_RIGHTS: u32 = 0o077;

pub struct FileSecrets {
    path: PathBuf,
    /// Held while the file is read, changed and replaced. Another process is not kept out.
    turn: Mutex<()>,
}

/// A value of the file; it goes from the parser into memory that is wiped.
struct Stored(Secret);

type Secrets = BTreeMap<String, Stored>;

impl FileSecrets {
    /// The file is made by the first `put`.
    ///
    /// # Errors
    /// `Unsafe` when the file is there and others can read it.
    pub fn open(path: &Path) -> Result<FileSecrets, SecretError> {
        let secrets = FileSecrets {
            path: path.to_path_buf(),
            turn: Mutex::new(()),
        };
        secrets.read()?;
        Ok(secrets)
    }

    fn read(&self) -> Result<Secrets, SecretError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Secrets::new()),
            Err(error) => return Err(self.failure("read", &error)),
        };
        // Asked of the open file, so that it cannot be exchanged in between.
        let mode = file
            .metadata()
            .map_err(|error| self.failure("read", &error))?
            .permissions()
            .mode();
        if mode & FOREIGN_RIGHTS != 0 {
            let path = self.path.display();
            let reason = format!(
                "others can read {path}; type: chmod 600 {}",
                quoted(&self.path)
            );
            return Err(SecretError::Unsafe { reason });
        }
        let text = io::read_to_string(file)
            .map(Secret::new)
            .map_err(|error| self.failure("read", &error))?;
        serde_json::from_str(text.reveal()).map_err(|error| {
            // The parser's message may quote the value it stumbled over, so only the place is kept.
            let (path, line, column) = (self.path.display(), error.line(), error.column());
            let reason = format!("{path} is not an object of texts (line {line}, column {column})");
            SecretError::Unavailable { reason }
        })
    }

    /// Replaces the file as a whole, so that a crash leaves the old one or the new one.
    fn replace(&self, secrets: &Secrets) -> Result<(), SecretError> {
        let text =
            as_text(secrets).map_err(|error| self.failure("write", &io::Error::from(error)))?;
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        let new = PathBuf::from(name);
        let written =
            write_private(&new, text.reveal()).and_then(|()| fs::rename(&new, &self.path));
        written
            .and_then(|()| sync_folder(&self.path))
            .map_err(|error| {
                // Half of a secret is not left behind; what cannot be removed either, the next write removes.
                let _ = fs::remove_file(&new);
                self.failure("write", &error)
            })
    }

    fn failure(&self, attempt: &str, error: &io::Error) -> SecretError {
        let words = disk_words::lasting(error).map_or_else(|| error.to_string(), String::from);
        SecretError::Unavailable {
            reason: format!("cannot {attempt} {}: {words}", self.path.display()),
        }
    }
}

#[async_trait]
impl SecretStore for FileSecrets {
    async fn put(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut secrets = self.read()?;
        secrets.insert(name.into(), Stored(secret.clone()));
        self.replace(&secrets)
    }

    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        let found = self.read()?.remove(name);
        found
            .map(|Stored(secret)| secret)
            .ok_or_else(|| SecretError::NotFound { name: name.into() })
    }

    async fn delete(&self, name: &str) -> Result<(), SecretError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut secrets = self.read()?;
        match secrets.remove(name) {
            Some(_) => self.replace(&secrets),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Stored, D::Error> {
        String::deserialize(deserializer).map(|value| Stored(Secret::new(value)))
    }
}

fn as_text(secrets: &Secrets) -> Result<Secret, serde_json::Error> {
    let values: BTreeMap<&str, &str> = secrets
        .iter()
        .map(|(name, Stored(secret))| (name.as_str(), secret.reveal()))
        .collect();
    // Room for every character escaped in its longest form: a buffer that grew would leave a copy behind.
    let room = values
        .iter()
        .map(|(name, value)| 6 * (name.len() + value.len()) + 16)
        .sum::<usize>()
        + 16;
    let mut buffer = Vec::with_capacity(room);
    serde_json::to_writer_pretty(&mut buffer, &values)?;
    buffer.push(b'\n');
    Ok(Secret::new(
        String::from_utf8(buffer).expect("the JSON writer writes UTF-8"),
    ))
}

/// Writes a new file that is private from its first moment, and on the disk when this returns.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // A file that a crash left here may have other rights.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:@%".contains(letter);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
