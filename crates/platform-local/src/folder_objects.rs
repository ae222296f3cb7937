//! Objects as files in a folder: whole or absent, and on the disk when `put` returns.
//!
//! File names are object names with odd characters as `%` and two digits; other files in the folder are not objects.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use casbah_model::ports::{Mark, ObjectError, ObjectStore, TableStore};
use casbah_model::record::hex;
use object_store::local::LocalFileSystem;
use object_store::path::{Path as Location, PathPart};
use object_store::{Error, ObjectStore as _, PutMode, PutOptions, PutPayload};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::disk_words;

pub struct FolderObjects {
    root: PathBuf,
    files: LocalFileSystem,
    is_synced: bool,
    /// Held by whoever of this process replaces an object: with the lock of the folder alone, the second would hold up
    /// the thread on which the first goes on.
    turns: Mutex<()>,
}

impl FolderObjects {
    /// Makes the folder if it is missing.
    ///
    /// # Errors
    /// `Unusable` when there can be no such folder.
    pub fn open(root: &Path) -> Result<FolderObjects, ObjectError> {
        let root = make_folder(root).map_err(|error| unusable(root, &error))?;
        let files =
            LocalFileSystem::new_with_prefix(&root).map_err(|error| unusable(&root, &error))?;
        Ok(FolderObjects {
            root,
            files: files.with_fsync(true),
            is_synced: true,
            turns: Mutex::default(),
        })
    }

    /// Does not wait for the disk: for tests and demos, whose objects need not survive a power cut.
    pub fn without_sync(self) -> FolderObjects {
        FolderObjects {
            files: self.files.with_fsync(false),
            is_synced: false,
            ..self
        }
    }

    /// Compares with an object that has the name already; the write that made it may have died before its sync.
    fn settle(&self, name: &str, content: &Bytes) -> Result<(), ObjectError> {
        let path = self.path(name)?;
        if fs::read(&path).map_err(|error| self.failure(name, &error))? != *content {
            return Err(ObjectError::Different { name: name.into() });
        }
        if self.is_synced {
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced
                .and_then(|()| sync_folders(&path, &self.root))
                .map_err(|error| self.failure(name, &error))?;
        }
        Ok(())
    }

    fn location(&self, name: &str) -> Result<Location, ObjectError> {
        if name
            .split('/')
            .any(|segment| ["", ".", ".."].contains(&segment))
        {
            return Err(ObjectError::Unusable {
                reason: format!("{name:?} cannot be the name of an object"),
            });
        }
        Ok(Location::from(name))
    }

    fn path(&self, name: &str) -> Result<PathBuf, ObjectError> {
        Ok(self.root.join(self.location(name)?.as_ref()))
    }

    /// Waits until no other process replaces an object; the turn, a lock on the folder, ends with what is returned.
    fn turn(&self) -> io::Result<File> {
        let folder = File::open(&self.root)?;
        folder.lock()?;
        Ok(folder)
    }

    fn put_failure(&self, name: &str, error: &Error) -> ObjectError {
        match io_error(error) {
            Some(cause) => self.failure(name, cause),
            None => ObjectError::Unavailable {
                name: name.into(),
                reason: error.to_string(),
            },
        }
    }

    fn failure(&self, name: &str, error: &io::Error) -> ObjectError {
        match disk_words::lasting(error) {
            Some(_) => unusable(&self.root, error),
            None => ObjectError::Unavailable {
                name: name.into(),
                reason: error.to_string(),
            },
        }
    }
}

#[async_trait]
impl ObjectStore for FolderObjects {
    async fn put(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        let location = self.location(name)?;
        let options = PutOptions::from(PutMode::Create);
        match self
            .files
            .put_opts(&location, PutPayload::from_bytes(content.clone()), options)
            .await
        {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. }) => self.settle(name, &content),
            Err(error) => Err(self.put_failure(name, &error)),
        }
    }

    async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        match fs::read(self.path(name)?) {
            Ok(content) => Ok(content.into()),
            Err(error) if is_absent(&error) => Err(ObjectError::NotFound { name: name.into() }),
            Err(error) => Err(self.failure(name, &error)),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, ObjectError> {
        let mut listing = Listing {
            prefix,
            after: after.unwrap_or(""),
            limit,
            names: Vec::new(),
        };
        listing
            .walk(&self.root, "")
            .map_err(|error| self.failure(prefix, &error))?;
        Ok(listing.names)
    }

    /// Folders that become empty go as well.
    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(self.failure(name, &error)),
        }
        let folders = path
            .ancestors()
            .skip(1)
            .take_while(|folder| *folder != self.root);
        // The first folder that is not empty refuses, and with it all above.
        folders
            .map(fs::remove_dir)
            .take_while(Result::is_ok)
            .for_each(drop);
        Ok(())
    }
}

/// Objects of tables. One state is told from another by the checksum of its bytes; of several who replace an object, in
/// one process or in two, each waits for the one before.
#[async_trait]
impl TableStore for FolderObjects {
    async fn get(&self, name: &str) -> Result<Option<(Bytes, Mark)>, ObjectError> {
        match ObjectStore::get(self, name).await {
            Ok(content) => {
                let mark = mark(&content);
                Ok(Some((content, mark)))
            }
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn replace(
        &self,
        name: &str,
        content: Bytes,
        over: Option<&Mark>,
    ) -> Result<(), ObjectError> {
        let location = self.location(name)?;
        let _here = self.turns.lock().await;
        let _turn = self.turn().map_err(|error| self.failure(name, &error))?;
        let current = TableStore::get(self, name).await?;
        if current.map(|(_, mark)| mark).as_ref() != over {
            return Err(ObjectError::Different { name: name.into() });
        }
        let options = PutOptions::from(PutMode::Overwrite);
        let payload = PutPayload::from_bytes(content);
        match self.files.put_opts(&location, payload, options).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.put_failure(name, &error)),
        }
    }
}

fn mark(content: &[u8]) -> Mark {
    Mark(hex(&Sha256::digest(content)))
}

/// A walk through the folders in the order of the names, which leaves out what cannot match.
struct Listing<'a> {
    prefix: &'a str,
    after: &'a str,
    limit: usize,
    names: Vec<String>,
}

impl Listing<'_> {
    /// Takes the objects below `folder`, whose names begin with `start`.
    fn walk(&mut self, folder: &Path, start: &str) -> io::Result<()> {
        for (name, path) in entries(folder, start)? {
            let is_folder = name.ends_with('/');
            if self.names.len() >= self.limit {
                return Ok(());
            }
            if is_folder && self.may_hold(&name) {
                self.walk(&path, &name)?;
            }
            if !is_folder && name.starts_with(self.prefix) && *name > *self.after {
                self.names.push(name);
            }
        }
        Ok(())
    }

    fn may_hold(&self, folder: &str) -> bool {
        let is_on_the_way = folder.starts_with(self.prefix) || self.prefix.starts_with(folder);
        is_on_the_way && (folder > self.after || self.after.starts_with(folder))
    }
}

/// Files and folders by object name, in order. Names of folders end in `/`, so that `a-b` is before `a/b` as it must be.
fn entries(folder: &Path, start: &str) -> io::Result<Vec<(String, PathBuf)>> {
    let listed = match fs::read_dir(folder) {
        Ok(listed) => listed,
        // It was deleted since its name was read.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut entries = Vec::new();
    for entry in listed {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().and_then(decoded) else {
            continue;
        };
        let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
        entries.push((format!("{start}{name}{slash}"), entry.path()));
    }
    entries.sort_unstable();
    Ok(entries)
}

/// The part of an object name that this file name stands for; `None` for files that `put` would not have named so.
fn decoded(file_name: &str) -> Option<String> {
    let mut pieces = file_name.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    let name = String::from_utf8(bytes).ok()?;
    (PathPart::from(name.as_str()).as_ref() == file_name).then_some(name)
}

/// A name below a file is as absent as one that nobody took.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::IsADirectory
    )
}

fn make_folder(root: &Path) -> io::Result<PathBuf> {
    if root.is_dir() {
        return root.canonicalize();
    }
    fs::create_dir_all(root)?;
    let root = root.canonicalize()?;
    sync_folders(&root, root.parent().unwrap_or(&root))?;
    Ok(root)
}

/// Syncs the folders from the one that holds `path` up to `root`, so that the way to the file is on the disk too.
fn sync_folders(path: &Path, root: &Path) -> io::Result<()> {
    let mut folders = path
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(root));
    folders.try_for_each(|folder| File::open(folder)?.sync_all())
}

fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref())
}

fn unusable(folder: &Path, error: &(dyn std::error::Error + 'static)) -> ObjectError {
    let words = io_error(error).and_then(disk_words::lasting);
    let words = words.map_or_else(|| error.to_string(), String::from);
    ObjectError::Unusable {
        reason: format!("{}: {words}", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_found_below_the_errors_of_the_object_store() {
        let cause = io::Error::from(ErrorKind::StorageFull);
        let error = Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(cause),
        };
        let reason = unusable(Path::new("/lake"), &error).to_string();
        assert_eq!(reason, "objects cannot be stored: /lake: disk is full");
    }

    #[test]
    fn only_names_that_put_gives_are_objects() {
        for (file_name, name) in [
            ("plain.zst", Some("plain.zst")),
            ("a%23b", Some("a#b")),
            ("%C3%A9", Some("é")),
            ("a#1", None),
            ("é", None),
            ("%c3%a9", None),
            ("%61", None),
            ("100%", None),
            ("%C3", None),
            ("%+1", None),
            ("%é", None),
        ] {
            assert_eq!(decoded(file_name).as_deref(), name, "{file_name}");
        }
    }
}
