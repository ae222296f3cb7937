//! The folder that a command works in or looks at, and how a demo's folder is told from a real one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use casbah_model::Timestamp;
use casbah_model::app::App;
use casbah_model::connection::ConnectionId;
use casbah_model::ports::{Clock, Transport};
use casbah_model::transport::{Request, Response, TransportError};
use casbah_pipeline::Settings;
use casbah_platform_local::system::saved_clock;
use casbah_platform_local::{
    Durability, LocalSystem, ManualClock, Outside, PolicyText, SystemClock, SystemRng,
};
use serde::{Deserialize, Serialize};

use crate::cli::SizeArgs;
use crate::exit::{Exit, Failure};

/// Makes a policy the one that counts in a folder, for this process and for `casbah actions` beside it.
pub fn keep_policy(
    system: &mut LocalSystem,
    folder: &Path,
    policy: &PolicyText,
) -> Result<(), Failure> {
    system.ctx.policy = policy
        .policy()
        .map_err(|what| Failure::new(Exit::Parameter, format!("the policy of actions: {what}")))?;
    policy.keep(folder).map_err(|error| {
        let what = format!("cannot keep the policy in {}: {error}", folder.display());
        Failure::new(Exit::Other, what).with_fix("see whether the disk is full")
    })
}

/// What a demo was begun with. Written before anything else, so that no other tenant is mixed into its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoMark {
    /// In their order; demos of earlier versions had one.
    #[serde(default = "one")]
    pub apps: Vec<App>,
    pub seed: u64,
    pub users: u64,
    pub files: u64,
    pub activities: u64,
    pub started: Timestamp,
}

impl DemoMark {
    pub fn new(apps: &[App], size: &SizeArgs, started: Timestamp) -> DemoMark {
        let SizeArgs {
            users,
            files,
            activities,
            seed,
        } = *size;
        DemoMark {
            apps: apps.to_vec(),
            seed,
            users,
            files,
            activities,
            started,
        }
    }

    /// The mark of a folder, if it is a demo's.
    pub fn read(folder: &Path) -> Result<Option<DemoMark>, Failure> {
        let path = mark_path(folder);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|_| {
                let what = format!(
                    "{} cannot be read: it is not what `casbah demo` wrote",
                    path.display()
                );
                Failure::new(Exit::Parameter, what).with_fix("name another folder with --out")
            }),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(unusable(folder, &error)),
        }
    }

    /// Makes the folder and marks it, or checks the mark that is there.
    pub fn keep(&self, folder: &Path) -> Result<(), Failure> {
        let refuse = |what: String| {
            let fix = format!(
                "name another folder with --out, or remove it: rm -r '{}'",
                folder.display()
            );
            Failure::new(Exit::Parameter, what).with_fix(fix)
        };
        match DemoMark::read(folder)? {
            Some(known) if known == *self => return Ok(()),
            Some(known) => {
                let folder = folder.display();
                let what = format!(
                    "{folder} holds a demo with {}, not with {}",
                    known.words(),
                    self.words()
                );
                return Err(refuse(what));
            }
            None => {}
        }
        if folder.join("state.sqlite").exists() {
            return Err(refuse(format!(
                "{} holds data of real connections, not of a demo",
                folder.display()
            )));
        }
        let text = serde_json::to_string_pretty(self).expect("a mark is plain");
        let new = folder.join("demo.json.new");
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&new, text + "\n"))
            .and_then(|()| std::fs::rename(&new, mark_path(folder)))
            .map_err(|error| unusable(folder, &error))
    }

    fn words(&self) -> String {
        let DemoMark {
            apps,
            seed,
            users,
            files,
            activities,
            ..
        } = self;
        let apps: Vec<&str> = apps.iter().map(|app| app.name()).collect();
        let apps = apps.join(",");
        format!(
            "--apps {apps} --users {users} --files {files} --activities {activities} --seed {seed}"
        )
    }
}

fn one() -> Vec<App> {
    vec![App::Microsoft365]
}

/// Refuses a demo's folder for work with real connections.
pub fn refuse_demo(folder: &Path) -> Result<(), Failure> {
    if DemoMark::read(folder)?.is_none() {
        return Ok(());
    }
    let what = format!(
        "{} holds a demo, with which real connections are not mixed",
        folder.display()
    );
    Err(Failure::new(Exit::Parameter, what).with_fix("name another folder with --out"))
}

fn mark_path(folder: &Path) -> PathBuf {
    folder.join("demo.json")
}

fn is_absent(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

fn unusable(folder: &Path, error: &std::io::Error) -> Failure {
    let what = format!("cannot use the folder {}: {error}", folder.display());
    Failure::new(Exit::Environment, what).with_fix("name a folder that you may write to with --out")
}

/// Opens a folder to look at it or to change a setting in it; nothing is called.
pub fn look(folder: &Path) -> Result<LocalSystem, Failure> {
    Ok(LocalSystem::look(folder, silence(folder)?)?)
}

/// Opens a folder to work in it alone; nothing is called.
pub fn take(folder: &Path) -> Result<LocalSystem, Failure> {
    take_with(folder, Settings::default())
}

/// Opens a folder to work in it alone with other settings than a look needs; nothing is called.
pub fn take_with(folder: &Path, settings: Settings) -> Result<LocalSystem, Failure> {
    // A folder that is not there is not made.
    drop(look(folder)?);
    let outside = Outside {
        settings,
        ..silence(folder)?
    };
    Ok(LocalSystem::open(folder, outside)?)
}

/// What is outside of a folder in which nobody is called.
fn silence(folder: &Path) -> Result<Outside, Failure> {
    let mark = DemoMark::read(folder)?;
    let real: Arc<dyn Clock> = Arc::new(SystemClock);
    let clock = match mark {
        // A demo lives in its own time, which stands still when nobody works in it.
        Some(mark) => {
            let saved = saved_clock(folder, Arc::clone(&real)).map_err(|error| {
                Failure::new(Exit::Environment, error.to_string()).at(folder.display())
            })?;
            Arc::new(ManualClock::new(
                saved.unwrap_or(mark.started).max(mark.started),
            ))
        }
        None => real,
    };
    Ok(Outside {
        clock,
        rng: Arc::new(SystemRng),
        transport: Arc::new(NoNetwork),
        settings: Settings::default(),
        durability: Durability::PowerCut,
    })
}

/// Whether a folder holds a demo, whose tenants are simulated anew by every process.
pub fn is_demo(folder: &Path) -> Result<bool, Failure> {
    Ok(DemoMark::read(folder)?.is_some())
}

/// Checks the name of a connection that somebody typed.
pub fn name(text: &str) -> Result<ConnectionId, Failure> {
    text.parse()
        .map_err(|error: casbah_model::connection::BadName| {
            Failure::new(Exit::Parameter, error.to_string())
        })
}

/// Commands that look at a folder call nobody.
struct NoNetwork;

#[async_trait]
impl Transport for NoNetwork {
    async fn send(&self, _request: Request) -> Result<Response, TransportError> {
        Err(TransportError::Unreachable {
            host: "anybody".into(),
            source: "this command calls nobody".into(),
        })
    }
}
