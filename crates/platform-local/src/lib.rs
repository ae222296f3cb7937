//! The ports in this process, and the casbah command.

pub mod clocks;
mod disk_words;
pub mod file_secrets;
pub mod folder_objects;
mod inspector;
mod item_text;
mod log_notifier;
pub mod memory_queue;
pub mod policy_text;
pub mod rng;
pub mod sqlite_state;
mod sqlite_trouble;
pub mod system;

pub use clocks::{ManualClock, SystemClock, VirtualClock};
pub use file_secrets::FileSecrets;
pub use folder_objects::FolderObjects;
pub use inspector::ThreadInspector;
pub use log_notifier::LogNotifier;
pub use memory_queue::{MemoryQueue, QueueSettings};
pub use policy_text::PolicyText;
pub use rng::{SeededRng, SystemRng};
pub use sqlite_state::SqliteState;
pub use system::{Durability, Ended, LOCAL_REGION, LocalSystem, OpenError, Outside, Until};
