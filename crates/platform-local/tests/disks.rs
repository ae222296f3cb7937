//! What a person reads when a disk is full or must not be written to.
//!
//! As root the disks are small file systems in memory. Elsewhere the folders refuse by their rights or because a file is
//! in their way, and the words for a full disk are tested beside the adapters.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use casbah_model::Timestamp;
use casbah_model::ports::{
    ObjectError, ObjectStore, SecretError, SecretStore, StateStore, StoreError,
};
use casbah_model::secret::Secret;
use casbah_model::state::{Item, Key, Write};
use casbah_platform_local::{FileSecrets, FolderObjects, ManualClock, SqliteState};
use tempfile::TempDir;

fn open_state(folder: &Path) -> Result<SqliteState, StoreError> {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    SqliteState::open(&folder.join("state.db"), clock)
}

fn large(number: usize) -> Write {
    let item = Item::from([("text".to_string(), "x".repeat(10_000).into())]);
    Write::put(Key::new("p", format!("{number:06}")), item)
}

/// One disk at a time: a child that another test starts for `mount` holds the files of this one until it is `mount`, and a
/// deleted file keeps its room that long.
static TURN: Mutex<()> = Mutex::new(());

/// A file system in memory, unmounted when dropped.
struct Disk {
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Disk {
    /// One megabyte, or `None` where mounting is not permitted.
    fn small() -> Option<Disk> {
        let disk = Disk {
            folder: TempDir::new().expect("a folder"),
            _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
        };
        mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], disk.path()).then_some(disk)
    }

    fn make_read_only(&self) {
        assert!(
            mount(&["-o", "remount,ro"], self.path()),
            "what was mounted can be mounted anew"
        );
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Fails where the mount did; the folder is then an ordinary one.
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.folder.path())
            .output();
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    Command::new("mount")
        .args(options)
        .arg(folder)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// A folder in which nothing can be written, why, and what keeps it so.
struct Refusing {
    folder: PathBuf,
    words: &'static str,
    _disk: Option<Disk>,
    _below: TempDir,
}

fn refusing() -> Refusing {
    use std::os::unix::fs::PermissionsExt;
    let below = TempDir::new().expect("a folder");
    if let Some(disk) = Disk::small() {
        drop(open_state(disk.path()).expect("a table that was made while it could be"));
        disk.make_read_only();
        let folder = disk.path().to_path_buf();
        return Refusing {
            folder,
            words: "folder is read-only",
            _disk: Some(disk),
            _below: below,
        };
    }
    let folder = below.path().join("locked");
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("chmod");
    if File::create(folder.join("probe")).is_err() {
        return Refusing {
            folder,
            words: "no permission",
            _disk: None,
            _below: below,
        };
    }
    // Rights do not bind root, but nobody can write below a file.
    let file = below.path().join("file");
    fs::write(&file, "not a folder").expect("write");
    Refusing {
        folder: file.join("below"),
        words: "a file is where a folder should be",
        _disk: None,
        _below: below,
    }
}

#[tokio::test]
async fn a_table_in_a_folder_that_refuses_says_so() {
    let place = refusing();
    let error = open_state(&place.folder)
        .map(drop)
        .expect_err("nothing can be written");
    let path = place.folder.join("state.db");
    assert_eq!(
        error.to_string(),
        format!(
            "the table cannot be used: {}: {}",
            path.display(),
            place.words
        )
    );
}

#[tokio::test]
async fn an_object_folder_that_refuses_says_so() {
    let place = refusing();
    let outcome = match FolderObjects::open(&place.folder) {
        Ok(objects) => objects.put("a/b", "content".into()).await,
        Err(error) => Err(error),
    };
    let error = outcome.expect_err("nothing can be written");
    assert!(matches!(error, ObjectError::Unusable { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "objects cannot be stored: {}: {}",
            place.folder.display(),
            place.words
        )
    );
}

#[tokio::test]
async fn a_secret_file_in_a_folder_that_refuses_says_so() {
    let place = refusing();
    let path = place.folder.join("secrets.json");
    let outcome = match FileSecrets::open(&path) {
        Ok(secrets) => secrets.put("c1", &Secret::new("hunter2")).await,
        Err(error) => Err(error),
    };
    let error = outcome.expect_err("nothing can be written");
    assert!(matches!(error, SecretError::Unavailable { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&path.display().to_string()) && text.ends_with(place.words),
        "{text}"
    );
}

#[tokio::test]
async fn a_table_on_a_full_disk_says_so_and_keeps_what_it_has() {
    let Some(disk) = Disk::small() else {
        return words_only();
    };
    let store = open_state(disk.path()).expect("open");
    let mut written = 0;
    let error = loop {
        match store.write(large(written)).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1000, "a megabyte does not hold this");
    };
    let path = disk.path().join("state.db");
    assert_eq!(
        error.to_string(),
        format!("the table cannot be used: {}: disk is full", path.display())
    );
    assert_eq!(store.scan(None, 2000).expect("scan").len(), written);
    drop(store);
    let store = open_state(disk.path()).expect("reading needs no room");
    assert_eq!(store.scan(None, 2000).expect("scan").len(), written);
}

#[tokio::test]
async fn an_object_folder_on_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let Some(disk) = Disk::small() else {
        return words_only();
    };
    let objects = FolderObjects::open(disk.path()).expect("open");
    objects.put("small", "content".into()).await.expect("put");
    let error = objects
        .put("large", vec![7; 2_000_000].into())
        .await
        .expect_err("it does not fit");
    assert!(matches!(error, ObjectError::Unusable { .. }), "{error}");
    let folder = disk.path().display();
    assert_eq!(
        error.to_string(),
        format!("objects cannot be stored: {folder}: disk is full")
    );
    assert_eq!(objects.list("", None, 10).await.expect("list"), ["small"]);
    objects
        .put("large", vec![7; 500_000].into())
        .await
        .expect("there is room for less");
}

#[tokio::test]
async fn a_secret_file_on_a_full_disk_keeps_what_it_has() {
    let Some(disk) = Disk::small() else {
        return words_only();
    };
    let path = disk.path().join("secrets.json");
    let secrets = FileSecrets::open(&path).expect("open");
    secrets
        .put("c1", &Secret::new("hunter2"))
        .await
        .expect("put");
    let error = secrets
        .put("c2", &Secret::new("x".repeat(2_000_000)))
        .await
        .expect_err("it does not fit");
    assert!(error.to_string().ends_with("disk is full"), "{error}");
    assert_eq!(secrets.get("c1").await.expect("get").reveal(), "hunter2");
    secrets
        .put("c2", &Secret::new("short"))
        .await
        .expect("there is room for less");
}

/// Without a disk to fill, the words themselves are what is left to test; the adapters' own tests map each error to them.
fn words_only() {
    let error = StoreError::Unavailable {
        reason: "state.db: disk is full".into(),
    };
    assert_eq!(
        error.to_string(),
        "the table cannot be used: state.db: disk is full"
    );
}
